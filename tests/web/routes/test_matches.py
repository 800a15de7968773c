"""Finished matches: which players can read them, in what order, and with every move."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from server.client import Client
from server.limits import Limits
from server.rooms.reading import ReadableMatch
from server.storage.errors import EngineError
from server.wire.views import to_rfc3339
from tests.support.answers import refusal, until
from tests.support.live_server import LiveServer, run_server
from tests.support.manual_clock import START_MS
from tests.support.tables import (
    FOUR,
    Player,
    match_of,
    play_four,
    played,
    room_of,
    seated,
    whose_turn,
)


async def play_again(server: LiveServer, *players: Player) -> ReadableMatch:
    """Another match of the same players, to its end."""
    before = match_of(server)
    for player in players:
        await player.tab.send("start", room=player.room)
    await until(lambda: match_of(server) is not before)
    await play_four(server, *players)
    return match_of(server)


async def ids(player: Player, query: str = "") -> list[str]:
    response = await player.visitor.http.get(f"/api/matches{query}")
    assert response.status_code == 200, response.text
    return [match["id"] for match in response.json()["matches"]]


async def test_a_finished_match_has_its_players_outcome_and_moves(
    server: LiveServer,
) -> None:
    await server.advance(5)
    ada, kim = await seated(server, "connect-four")
    began = whose_turn(server, ada, kim)
    await server.advance(2.5)
    await play_four(server, ada, kim)
    winner = [ada, kim].index(began)
    found = await played(ada)
    moves = found.pop("moves")
    assert found == {
        "id": match_of(server).id,
        "room_id": room_of(server).id,
        "game": "connect-four",
        "started_at": to_rfc3339(START_MS + 5_000),
        "ended_at": to_rfc3339(START_MS + 7_500),
        "seconds": 2.5,
        "players": [
            {"id": ada.id, "name": "Ada", "seat": 0},
            {"id": kim.id, "name": "Kim", "seat": 1},
        ],
        "winners": [winner],
        "reason": "four",
        "steps": 1 + len(FOUR),
        "seed": match_of(server).seed,
    }
    assert moves == [
        {"step": step, "at": 2.5, "seat": (winner + step + 1) % 2, "action": {"column": column}}
        for step, column in enumerate(FOUR, 1)
    ]


async def test_the_moves_include_those_of_the_room_and_the_seat_that_ended_the_match(
    server: LiveServer,
) -> None:
    ada, kim = await seated(server, "connect-four")
    silent = whose_turn(server, ada, kim)
    await server.advance(60.1)
    found = await played(kim)
    seat = [ada, kim].index(silent)
    assert found["moves"] == [{"step": 1, "at": 60.001, "seat": seat, "event": "gone"}]
    assert (found["reason"], found["by"], found["winners"]) == ("forfeit", seat, [1 - seat])


async def test_scores_are_present_if_the_game_has_them(server: LiveServer) -> None:
    ada, kim = await seated(server, "trivia-round")
    await kim.tab.ask("leave", "left", room=kim.room)
    await server.advance(11)
    found = await played(ada)
    assert (found["reason"], found["winners"], found["scores"]) == ("resigned", [0], [0, 0])


async def test_the_own_matches_are_listed_newest_first_in_pages(server: LiveServer) -> None:
    ada, kim = await seated(server, "connect-four")
    await play_four(server, ada, kim)
    played_here = [match_of(server).id]
    for seconds in (1, 0, 1, 1):  # two of them end at the same instant
        await server.advance(seconds)
        played_here.append((await play_again(server, ada, kim)).id)
    found = await ids(ada)
    assert set(found) == set(played_here)
    assert [found[0], found[1], found[4]] == [played_here[4], played_here[3], played_here[0]]
    pages: list[str] = []
    after = ""
    while True:
        response = await ada.visitor.http.get(f"/api/matches?limit=3&after={after}")
        page = response.json()
        pages += [match["id"] for match in page["matches"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert pages == found
    assert "moves" not in page["matches"][0]


async def test_the_matches_of_a_player_are_listed_for_signed_in_players(
    server: LiveServer,
) -> None:
    ada, kim = await seated(server, "connect-four")
    await play_four(server, ada, kim)
    eve = await Player.new(server, "Eve")
    assert await ids(eve) == []
    assert await ids(eve, f"?player={kim.id}") == [match_of(server).id]
    assert await ids(eve, "?player=nobody") == []
    nobody = await server.visitor()
    assert refusal(await nobody.http.get("/api/matches")) == (401, "not_signed_in")
    response = await nobody.http.get(f"/api/matches/{match_of(server).id}")
    assert response.status_code == 200


async def test_a_match_in_a_private_room_is_shown_to_its_players_only(
    server: LiveServer,
) -> None:
    ada, kim = await seated(server, "connect-four", private=True)
    await play_four(server, ada, kim)
    eve = await Player.new(server, "Eve")
    match = match_of(server).id
    assert await ids(eve, f"?player={ada.id}") == []
    assert refusal(await eve.visitor.http.get(f"/api/matches/{match}")) == (404, "not_found")
    nobody = await server.visitor()
    assert refusal(await nobody.http.get(f"/api/matches/{match}")) == (404, "not_found")
    assert await ids(kim, f"?player={ada.id}") == [match]
    assert (await played(kim))["id"] == match


async def test_a_running_match_is_not_found(server: LiveServer) -> None:
    ada, kim = await seated(server, "connect-four")
    await whose_turn(server, ada, kim).act({"column": 3})
    await server.still_here.store.journal.written_up_to_here()
    match = match_of(server).id
    assert await ids(ada) == []
    assert refusal(await ada.visitor.http.get(f"/api/matches/{match}")) == (404, "not_found")
    assert refusal(await ada.visitor.http.get("/api/matches/nothing")) == (404, "not_found")


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "after=x", "after=1~", "after=-1~m_" + "x" * 22]
)
async def test_an_invalid_query_is_refused(server: LiveServer, query: str) -> None:
    ada = await server.guest("Ada")
    assert refusal(await ada.http.get(f"/api/matches?{query}")) == (422, "invalid")


SHORT_PAGES = Limits(web=replace(Limits().web, largest_page_of_moves=3))


async def test_the_moves_of_a_long_match_are_on_several_pages(tmp_path: Path) -> None:
    async with run_server(tmp_path / "test.db", limits=SHORT_PAGES) as server:
        ada, kim = await seated(server, "connect-four")
        await play_four(server, ada, kim)
        first = await played(ada)
        steps = [each["step"] for each in first["moves"]]
        assert (len(steps), first["next"]) == (3, str(steps[-1]))
        page = first
        while "next" in page:
            response = await ada.visitor.http.get(
                f"/api/matches/{first['id']}", params={"after": page["next"]}
            )
            page = response.json()
            assert 1 <= len(page["moves"]) <= 3
            steps += [each["step"] for each in page["moves"]]
        assert steps == [*range(1, 1 + len(FOUR))]
        assert {**page, "moves": [], "next": ""} == {**first, "moves": [], "next": ""}
        async with Client(server.url) as client:
            whole = await client.rooms.match(first["id"])
        assert [each["step"] for each in whole["moves"]] == steps
        assert "next" not in whole


async def test_a_match_with_as_many_moves_as_fit_has_no_next(tmp_path: Path) -> None:
    limits = Limits(web=replace(Limits().web, largest_page_of_moves=len(FOUR)))
    async with run_server(tmp_path / "test.db", limits=limits) as server:
        ada, kim = await seated(server, "connect-four")
        await play_four(server, ada, kim)
        found = await played(ada)
        assert len(found["moves"]) == len(FOUR)
        assert "next" not in found


@pytest.mark.parametrize("after", ["x", "-1", "1~m_0", "9" * 19])
async def test_an_invalid_page_of_moves_is_refused(server: LiveServer, after: str) -> None:
    ada = await server.guest("Ada")
    response = await ada.http.get(f"/api/matches/m_0?after={after}")
    assert refusal(response) == (422, "invalid")


async def test_a_failing_read_is_503(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await server.guest("Ada")

    async def fail(*_: object) -> None:
        raise EngineError("disk I/O error")

    for name in ("matches_of", "find_match"):
        monkeypatch.setattr(server.still_here.store.engine.reads, name, fail)
    for path in ("/api/matches", "/api/matches/nothing"):
        assert refusal(await ada.http.get(path)) == (503, "storage_unavailable")
