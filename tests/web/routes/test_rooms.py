"""Rooms and games over HTTP."""

from typing import Any

import pytest

from server.games.game import AfkPolicy
from server.rooms.limits import Limits
from tests.rooms.games import Together, Turns, variant
from tests.rooms.page import bring, seat, table
from tests.support.answers import refusal
from tests.support.live_server import LiveServer

LIMITS = Limits()


async def test_the_games_tell_their_rules_to_anybody(server: LiveServer) -> None:
    visitor = await server.visitor()
    told = (await visitor.http.get("/api/games")).json()
    games = {game["name"]: game for game in told["games"]}
    assert set(games) >= {"connect-four", "snake-arena", "trivia-round"}
    four = games["connect-four"]
    assert (four["least"], four["most"], four["starts_when_full"]) == (2, 2, True)
    assert four["policy"]["silence"] == "forfeit"
    assert set(four["policy"]) == {
        "move_time",
        "silence",
        "most_skips",
        "may_claim",
        "shown_after",
        "drop_grace",
        "leave_grace",
        "brb_budget",
        "brb_waits",
        "pulse_time",
    }


async def test_an_unlimited_move_time_is_left_out(server: LiveServer) -> None:
    bring(server, variant(Turns, policy=AfkPolicy(move_time=float("inf"))))
    visitor = await server.visitor()
    told = (await visitor.http.get("/api/games")).json()
    (game,) = [each for each in told["games"] if each["name"] == "turns"]
    assert "move_time" not in game["policy"]


async def test_a_new_room_reserves_a_seat_for_its_maker(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    response = await ada.http.post("/api/rooms", json={"game": "connect-four"})
    assert response.status_code == 201
    room = response.json()
    me = {"id": ada.id, "name": "Ada"}
    assert room == {
        "id": room["id"],
        "game": "connect-four",
        "state": "open",
        "players": [me],
        "free": 1,
        "spectators": 0,
        "private": False,
        "host": me,
    }
    assert (await ada.http.get(f"/api/rooms/{room['id']}")).json() == room
    await server.advance(LIMITS.reserved_for + 0.1)
    assert (await ada.http.get(f"/api/rooms/{room['id']}")).json()["players"] == []
    await server.advance(31)
    gone = await ada.http.get(f"/api/rooms/{room['id']}")
    assert refusal(gone) == (404, "no_such_room")


async def test_a_private_room_is_in_no_list_and_found_by_its_id(server: LiveServer) -> None:
    ada, kim = await server.guest("Ada"), await server.guest("Kim")
    made = await ada.http.post("/api/rooms", json={"game": "connect-four", "private": True})
    room = made.json()
    assert room["private"] is True
    assert (await kim.http.get("/api/rooms")).json() == {"rooms": [], "total": 0}
    assert (await kim.http.get(f"/api/rooms/{room['id']}")).json()["id"] == room["id"]
    page = await seat(server, kim, room["id"])
    assert page.seat == 1


async def test_the_list_has_the_newest_first_and_is_filtered(server: LiveServer) -> None:
    bring(server, Turns(), Together())
    ada, _ = await table(server, "turns", "Ada", "Kim")
    (bo,) = await table(server, "turns", "Bo")
    (eve,) = await table(server, "together", "Eve")
    visitor = await server.visitor()

    async def listed(query: str) -> list[str]:
        told = (await visitor.http.get(f"/api/rooms{query}")).json()
        assert told["total"] == len(told["rooms"])
        return [room["id"] for room in told["rooms"]]

    assert await listed("") == [eve.room_id, bo.room_id, ada.room_id]
    assert await listed("?game=turns") == [bo.room_id, ada.room_id]
    assert await listed("?open=true") == [eve.room_id, bo.room_id]
    assert await listed("?game=turns&open=true") == [bo.room_id]
    assert await listed("?game=chess") == []
    refused = await visitor.http.get("/api/rooms?open=maybe")
    assert refusal(refused)[0] == 422


async def test_a_room_that_cannot_be_opened_is_refused_with_a_code(server: LiveServer) -> None:
    bring(server, Turns())
    ada = await server.guest("Ada")
    visitor = await server.visitor()
    assert (await visitor.http.post("/api/rooms", json={"game": "turns"})).status_code == 401
    assert refusal(await ada.http.post("/api/rooms", json={"game": "chess"})) == (
        404,
        "no_such_game",
    )
    bodies: tuple[Any, ...] = ({}, {"game": 7}, {"game": "turns", "private": "yes"}, [])
    for body in bodies:
        assert (await ada.http.post("/api/rooms", json=body)).status_code == 422
    for _ in range(LIMITS.rooms_per_maker):
        assert (await ada.http.post("/api/rooms", json={"game": "turns"})).status_code == 201
        *_, room = server.still_here.rooms.all.values()
        assert room is not None
        kim = await server.guest(f"Kim of {room.id[:8]}")
        await seat(server, kim, room.id)
    refused = await ada.http.post("/api/rooms", json={"game": "turns"})
    assert refusal(refused) == (409, "too_many_rooms")


async def test_a_player_of_a_running_match_cannot_open_a_room(server: LiveServer) -> None:
    bring(server, Turns())
    ada, _ = await table(server, "turns", "Ada", "Kim")
    refused = await ada.visitor.http.post("/api/rooms", json={"game": "turns"})
    assert refusal(refused) == (409, "already_seated")
    await ada.is_right()


async def test_a_room_with_bots_and_one_to_play_alone(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    visitor = await server.visitor()
    told = (await visitor.http.get("/api/games")).json()["games"]
    can = {game["name"]: (game["levels"], game["plays_alone"]) for game in told}
    assert can["connect-four"] == (["easy", "normal", "hard"], False)
    assert can["snake-arena"] == (["normal"], False)
    assert can["trivia-round"] == ([], True)

    wanted = {"game": "connect-four", "bots": 1, "level": "hard", "private": True}
    made = await ada.http.post("/api/rooms", json=wanted)
    assert made.status_code == 201
    room = made.json()
    bot = {"id": room["players"][1]["id"], "name": "Bot 1", "bot": True, "level": "hard"}
    assert room["players"] == [{"id": ada.id, "name": "Ada"}, bot]
    page = await seat(server, ada, room["id"])
    await page.read()
    assert page.room["match"]["players"][1] == bot
    await page.tab.ask("leave", "left", room=room["id"])
    path = "/api/matches?limit=1"
    (match,) = (await ada.http.get(path)).json()["matches"]
    assert match["players"][1] == bot | {"seat": 1}
    found = (await visitor.http.get(f"/api/players/{bot['id']}")).json()
    assert {name: found[name] for name in bot} == bot
    offline = (await visitor.http.get("/api/players?status=offline")).json()
    assert offline["players"] == []

    alone = await ada.http.post("/api/rooms", json={"game": "trivia-round", "alone": True})
    assert alone.status_code == 201
    page = await seat(server, ada, alone.json()["id"])
    await page.read()
    assert len(page.room["match"]["players"]) == 1


@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        ({"game": "connect-four", "bots": 99}, 422, "invalid"),
        ({"game": "connect-four", "bots": -1}, 422, "invalid"),
        ({"game": "connect-four", "bots": "1"}, 422, "invalid"),
        ({"game": "connect-four", "bots": 1, "level": "x"}, 422, "invalid"),
        ({"game": "snake-arena", "bots": 1, "level": "hard"}, 422, "invalid"),
        ({"game": "connect-four", "alone": True}, 422, "invalid"),
        ({"game": "trivia-round", "bots": 1}, 409, "no_bots"),
    ],
    ids=str,
)
async def test_bots_that_a_game_does_not_have_are_refused(
    server: LiveServer, wanted: dict[str, Any], status: int, code: str
) -> None:
    ada = await server.guest("Ada")
    assert refusal(await ada.http.post("/api/rooms", json=wanted)) == (status, code)
    assert not server.still_here.rooms.all
