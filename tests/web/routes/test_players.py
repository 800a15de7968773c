"""Lists, players and histories."""

from pathlib import Path
from typing import Any

import httpx

from tests.support.answers import refusal, until_status
from tests.support.live_server import LiveServer, Visitor, run_server
from tests.support.manual_clock import SLOT


async def pages(http: httpx.AsyncClient, limit: int, **query: str) -> list[list[dict[str, Any]]]:
    """Every page of the list, following `next`."""
    found = []
    parameters: dict[str, Any] = {"limit": limit, **query}
    while True:
        response = await http.get("/api/players", params=parameters, headers={"Passive": "1"})
        assert response.status_code == 200
        body = response.json()
        assert set(body) == {"players", "next"}
        found.append(body["players"])
        if body["next"] is None:
            return found
        assert len(body["players"]) == limit
        parameters["after"] = body["next"]


def names(players: list[list[dict[str, Any]]]) -> list[str]:
    return [player["name"] for page in players for player in page]


# Lists


async def test_a_player_is_shown_with_public_fields_only(server: LiveServer) -> None:
    ada = await server.member("Ada")
    await server.advance(1.5)
    await ada.http.post("/api/session/activity")
    await server.advance(130)
    expected = {
        "id": ada.id,
        "name": "Ada",
        "guest": False,
        "status": "away",
        "is_currently_active": True,
        "last_activity_at": "2023-11-14T22:13:21.500Z",
        "idle_for": 130.0,
    }
    stranger = await server.visitor()
    assert (await stranger.http.get(f"/api/players/{ada.id}")).json() == expected
    listed = (await stranger.http.get("/api/players")).json()
    assert listed == {"players": [expected], "next": None}


async def test_players_and_rooms_are_listed_after_a_restart(tmp_path: Path) -> None:
    async def listed() -> tuple[list[tuple[str, str]], list[str]]:
        stranger = await server.visitor()
        players = (await stranger.http.get("/api/players")).json()["players"]
        rooms = (await stranger.http.get("/api/rooms")).json()["rooms"]
        return [(each["name"], each["status"]) for each in players], [each["id"] for each in rooms]

    async with run_server(tmp_path / "test.db") as server:
        ada, bob = await server.guest("Ada"), await server.guest("Bob")
        tab = await bob.tab()
        tab.socket.transport.abort()
        await until_status(bob, "reconnecting")  # as after the restart: no change is told then
        for game in ("connect-four", "snake-arena"):
            assert (await ada.http.post("/api/rooms", json={"game": game})).status_code == 201
        names, rooms = await listed()
        assert names == [("Ada", "active"), ("Bob", "reconnecting")]
    async with run_server(tmp_path / "test.db") as server:
        names, same = await listed()
        assert names == [("Ada", "reconnecting"), ("Bob", "reconnecting")]
        assert len(rooms) == 2
        assert same == rooms, "in the order of opening"


async def test_a_player_who_is_gone_is_still_shown(server: LiveServer) -> None:
    ada = await server.member("Ada")
    await server.advance(10)
    await ada.http.post("/api/session/activity")
    await ada.http.delete("/api/session")
    stranger = await server.visitor()
    assert (await stranger.http.get(f"/api/players/{ada.id}")).json() == {
        "id": ada.id,
        "name": "Ada",
        "guest": False,
        "status": "offline",
        "is_currently_active": False,
        "last_activity_at": "2023-11-14T22:13:30.000Z",
    }
    assert (await stranger.http.get("/api/players")).json() == {"players": [], "next": None}


async def test_an_empty_server_has_an_empty_list(server: LiveServer) -> None:
    stranger = await server.visitor()
    for status in ("", "active", "offline"):
        response = await stranger.http.get("/api/players", params={"status": status})
        assert response.json() == {"players": [], "next": None}


async def test_the_list_is_paged_by_any_names(server: LiveServer) -> None:
    given = [
        "bob",
        "Ada",
        "ada b",
        "Ada C",
        "Zoë",
        "zoe",
        "漢字",
        "a%20b",
        "A~B",
        "x&y=1",
        "+1",
        "#",
    ]
    for name in given:
        await server.guest(name)
    expected = sorted(given, key=str.casefold)
    stranger = await server.visitor()
    for limit in (1, 5, 11, 12, 13, 500):
        assert names(await pages(stranger.http, limit)) == expected, limit


async def test_the_list_can_begin_behind_a_name(server: LiveServer) -> None:
    for name in ["Ada", "Bob", "bob b", "Eve"]:
        await server.guest(name)
    stranger = await server.visitor()
    for after, expected in {
        "": ["Ada", "Bob", "bob b", "Eve"],
        "A": ["Ada", "Bob", "bob b", "Eve"],
        "ADA": ["Bob", "bob b", "Eve"],
        "Bob": ["bob b", "Eve"],
        "bob b": ["Eve"],
        "Eve": [],
    }.items():
        assert names(await pages(stranger.http, 500, after=after)) == expected, after


async def test_paging_is_stable_while_players_come_and_go(server: LiveServer) -> None:
    visitors = {name: await server.guest(name) for name in ["B", "D", "F", "H"]}
    stranger = await server.visitor()
    first = (await stranger.http.get("/api/players?limit=2")).json()
    assert names([first["players"]]) == ["B", "D"]
    await visitors["D"].http.delete("/api/session")
    await server.guest("A")
    await server.guest("E")
    assert names(await pages(stranger.http, 2, after=first["next"])) == ["E", "F", "H"]


async def test_offline_players_are_paged_by_name(server: LiveServer) -> None:
    given = ["bob", "Ada", "ada b", "Zoë", "漢字", "a%20b"]
    for name in given:
        visitor = await server.guest(name)
        await visitor.http.delete("/api/session")
    await server.guest("Here")
    stranger = await server.visitor()
    for limit in (1, 4, 6, 500):
        found = await pages(stranger.http, limit, status="offline")
        assert names(found) == sorted(given, key=str.casefold)
        for player in found[0]:
            assert (player["status"], player["is_currently_active"]) == ("offline", False)


async def test_former_guests_of_one_name_are_all_listed_once(server: LiveServer) -> None:
    ids = set()
    for _ in range(5):
        visitor = await server.guest("Ada L")
        ids.add(visitor.id)
        await visitor.http.delete("/api/session")
    stranger = await server.visitor()
    for limit in (1, 2, 5, 6):
        found = await pages(stranger.http, limit, status="offline")
        listed = [player["id"] for page in found for player in page]
        assert (len(listed), set(listed)) == (5, ids)


async def test_the_list_can_be_of_one_status(server: LiveServer) -> None:
    gone = await server.guest("Gone")
    await gone.http.delete("/api/session")
    await server.guest("Warned")
    await server.advance(120)
    await server.guest("Away")
    await server.advance(120 + SLOT)
    dropped = await server.guest("Dropped")
    tab = await dropped.tab()
    tab.socket.transport.abort()
    await until_status(dropped, "reconnecting")
    await server.guest("Active")
    stranger = await server.visitor()
    for status in ("active", "away", "warned", "reconnecting"):
        found = await pages(stranger.http, 100, status=status)
        assert names(found) == [{"reconnecting": "Dropped"}.get(status, status.title())]
        assert found[0][0]["is_currently_active"] is True
    assert names(await pages(stranger.http, 100, status="offline")) == ["Gone"]
    assert len(names(await pages(stranger.http, 100))) == 4


async def test_a_dormant_player_is_listed_as_offline(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    await tab.socket.close()
    await until_status(ada, "reconnecting")
    await server.advance(5 + SLOT)
    await server.still_here.store.journal.written_up_to_here()
    assert names(await pages(ada.http, 10)) == []
    assert names(await pages(ada.http, 10, status="offline")) == ["Ada"]


async def test_an_unknown_player_is_404(server: LiveServer) -> None:
    stranger = await server.visitor()
    for id in ["p_0123456789012345678901", "Ada", "'--", "s_0123456789012345678901"]:
        assert refusal(await stranger.http.get(f"/api/players/{id}")) == (404, "not_found")


# Histories


async def history(visitor: Visitor, **query: str | int) -> dict[str, Any]:
    response = await visitor.http.get(
        f"/api/players/{visitor.id}/history", params=query, headers={"Passive": "1"}
    )
    assert response.status_code == 200
    body = response.json()
    assert isinstance(body, dict)
    return body


async def test_the_history_lists_changes_with_reasons_newest_first(server: LiveServer) -> None:
    ada = await server.member("Ada")
    first = ada.view["session"]["id"]
    await server.advance(120 + SLOT)
    await server.advance(120 + SLOT)
    await ada.http.post("/api/session/activity")
    await server.advance(300 + SLOT)
    again = await server.sign_in("Ada")
    body = await history(again)
    assert set(body) == {"changes", "next"}
    assert body["next"] is None
    changes = body["changes"]
    told = [(change["status"], change["reason"]) for change in changes]
    assert told == [
        ("active", "signed_in"),
        ("offline", "idle_timeout"),
        ("warned", "warning"),
        ("away", "idle"),
        ("active", "activity"),
        ("warned", "warning"),
        ("away", "idle"),
        ("active", "signed_in"),
    ]
    assert [change["session_id"] for change in changes] == [again.view["session"]["id"]] + [
        first
    ] * 7
    instants = [change["at"] for change in changes]
    assert instants == sorted(instants, reverse=True)
    assert instants[-1] == "2023-11-14T22:13:20.000Z"
    for change in changes:
        assert set(change) == {
            *("status", "reason", "at", "session_id", "detail", "player_status"),
            *("last_activity_at", "last_activity_by", "remember"),
        }
        assert change["detail"]
    by_instant = [(change["last_activity_at"], change["last_activity_by"]) for change in changes]
    signed_in = ("2023-11-14T22:13:20.000Z", "sign-in")
    stayed = ("2023-11-14T22:17:20.004Z", "POST /api/session/activity")
    assert by_instant[1:] == [stayed] * 4 + [signed_in] * 3
    why = changes[1]["detail"]
    assert "300" in why
    assert "idle_timeout" in why
    assert "POST /api/session/activity" in why


async def test_the_history_distinguishes_every_way_of_leaving(server: LiveServer) -> None:
    ada = await server.member("Ada")
    tab = await ada.tab()
    tab.socket.transport.abort()
    await until_status(ada, "reconnecting")
    await server.advance(30 + SLOT)
    tab = await ada.tab()
    await tab.socket.close()
    await until_status(ada, "reconnecting")
    await server.advance(5 + SLOT)
    await ada.tab()
    await ada.http.delete("/api/sessions")
    again = await server.sign_in("Ada")
    told = [(each["status"], each["reason"]) for each in (await history(again))["changes"]]
    assert told == [
        ("active", "signed_in"),
        ("offline", "signed_out_everywhere"),
        ("active", "connected"),
        ("offline", "left"),
        ("reconnecting", "left"),
        ("active", "connected"),
        ("offline", "connection_lost"),
        ("reconnecting", "connection_lost"),
        ("active", "signed_in"),
    ]


async def test_the_history_is_paged_backwards(server: LiveServer) -> None:
    ada = await server.member("Ada")
    for _ in range(3):
        await server.advance(120 + SLOT)
        await ada.http.post("/api/session/activity")
    whole = (await history(ada))["changes"]
    assert len(whole) == 7
    for limit in (1, 3, 6, 7, 8):
        found: list[Any] = []
        query: dict[str, str | int] = {"limit": limit}
        while True:
            page = await history(ada, **query)
            found += page["changes"]
            if page["next"] is None:
                break
            assert len(page["changes"]) == limit
            query["before"] = page["next"]
        assert found == whole, limit


async def test_a_history_is_for_its_own_player_alone(server: LiveServer) -> None:
    ada, bob = await server.guest("Ada"), await server.guest("Bob")
    for id in (bob.id, "p_0123456789012345678901"):
        response = await ada.http.get(f"/api/players/{id}/history")
        assert refusal(response)[0] == 403
    stranger = await server.visitor()
    response = await stranger.http.get(f"/api/players/{ada.id}/history")
    assert refusal(response) == (401, "not_signed_in")


async def test_an_invalid_page_of_history_is_refused(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    for query in ["limit=0", "limit=501", "limit=x", "before=x", "before=-1", "before=1e5"]:
        response = await ada.http.get(f"/api/players/{ada.id}/history?{query}")
        assert refusal(response) == (422, "invalid"), query
