"""The lobby as its watchers see it: rosters, diffs without gaps, and changes that are not sent."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from server.limits import Limits
from server.realtime.limits import Limits as RealtimeLimits
from server.realtime.topics.lobby import Lobby as RealLobby
from server.wire.messages import Roster
from tests.support.answers import until, until_status
from tests.support.live_server import LiveServer, Tab, run_server
from tests.support.manual_clock import SLOT, ManualClock

pytestmark = pytest.mark.both_loops


@pytest.fixture
async def patient(tmp_path: Path) -> AsyncIterator[LiveServer]:
    """A short absence is hidden for half a second, which is too short for a test on a busy
    machine."""
    limits = Limits(realtime=RealtimeLimits(settling=30.0))
    async with run_server(tmp_path / "test.db", limits=limits) as running:
        yield running


class Lobby:
    """Applies the messages as a page does, and fails at a gap."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self.version = -1
        self.total = 0
        self.players: dict[str, dict[str, Any]] = {}

    async def watch(self) -> "Lobby":
        await self.tab.send("watch", topic="lobby")
        await self.hear()
        return self

    async def hear(self) -> dict[str, Any]:
        """Apply the next message of the topic."""
        message = await self.tab.next("roster", "presence")
        assert message["topic"] == "lobby"
        if message["type"] == "roster":
            assert set(message) == {"type", "topic", "version", "players", "total"}
            self.players = {player["id"]: player for player in message["players"]}
        else:
            assert self.version >= 0, "a diff before the roster"
            assert message["version"] == self.version + 1, "a gap"
            assert message["joined"] or message["changed"] or message["left"]
            for player in message["joined"]:
                assert set(player) == {"id", "name", "guest", "status"} | aged(player)
                assert player["id"] not in self.players
                self.players[player["id"]] = player
            for change in message["changed"]:
                assert {"id", "status"} <= set(change) <= {"id", "status"} | aged(change)
                self.players[change["id"]]["status"] = change["status"]
            for id in message["left"]:
                del self.players[id]
        self.version = message["version"]
        self.total = message["total"]
        assert self.total == len(self.players)
        return message

    def statuses(self) -> dict[str, str]:
        return {player["name"]: player["status"] for player in self.players.values()}


def aged(player: dict[str, Any]) -> set[str]:
    """The field that only players who are away have."""
    return {"idle_for"} if player["status"] == "away" else set()


async def watching(server: LiveServer, name: str) -> Lobby:
    visitor = await server.guest(name)
    return await Lobby(await visitor.tab()).watch()


async def test_a_roster_lists_the_present_players(server: LiveServer) -> None:
    ada = await server.member("Ada")
    gus = await server.guest("Gus")
    roster = await (await ada.tab()).ask("watch", "roster", topic="lobby")
    version = roster.pop("version")
    assert isinstance(version, int)
    assert roster == {
        "type": "roster",
        "topic": "lobby",
        "players": [
            {"id": ada.id, "name": "Ada", "guest": False, "status": "active"},
            {"id": gus.id, "name": "Gus", "guest": True, "status": "active"},
        ],
        "total": 2,
    }


async def test_watchers_are_sent_joins_changes_and_leaves(server: LiveServer) -> None:
    lobby = await watching(server, "Bob")
    await server.advance(60)
    ada = await server.guest("Ada")
    joined = await lobby.hear()
    assert joined["type"] == "presence"
    assert joined["joined"] == [{"id": ada.id, "name": "Ada", "guest": True, "status": "active"}]
    assert (joined["changed"], joined["left"], joined["total"]) == ([], [], 2)
    await lobby.tab.ask("ping", "pong")
    await server.advance(119)
    await lobby.tab.ask("ping", "pong")
    await server.advance(1 + SLOT)
    changed = await lobby.hear()
    assert changed["changed"] == [{"id": ada.id, "status": "away"}]
    await ada.http.delete("/api/session")
    left = await lobby.hear()
    assert (left["left"], left["total"]) == ([ada.id], 1)


async def test_a_roster_has_idle_for_of_away_players(
    server: LiveServer,
) -> None:
    ada = await server.guest("Ada")
    await server.advance(200)
    gus = await server.guest("Gus")
    tab = await gus.tab()

    async def roster() -> dict[str, Any]:
        return await tab.ask("watch", "roster", topic="lobby")

    first = await roster()
    assert first["players"] == [
        {"id": ada.id, "name": "Ada", "guest": True, "status": "away", "idle_for": 200.0},
        {"id": gus.id, "name": "Gus", "guest": True, "status": "active"},
    ]
    await server.advance(0.9)
    assert (await roster())["players"] == first["players"], "nobody is paid for a tenth"
    await server.advance(0.1)
    later = await roster()
    assert later["players"][0]["idle_for"] == 201.0, "and nobody is told a second that is gone"
    assert later["version"] == first["version"], "time that passes is no news"
    await ada.http.post("/api/session/activity")
    await tab.next("presence")
    await server.advance(1000 / 3600)
    assert "idle_for" not in (await roster())["players"][0]


async def test_a_roster_of_active_players_is_encoded_once(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = await (await server.guest("Ada")).tab()
    written: list[float] = []
    write = RealLobby.roster

    def counted(lobby: RealLobby, at: float) -> Roster:
        written.append(at)
        return write(lobby, at)

    monkeypatch.setattr(RealLobby, "roster", counted)
    for _ in range(5):
        await tab.ask("watch", "roster", topic="lobby")
        await server.advance(5)
    assert len(written) == 1


async def test_a_late_watcher_has_the_same_roster_as_the_others(
    server: LiveServer,
) -> None:
    first = await watching(server, "Watcher 1")
    visitors = [await server.guest(f"Player {number}") for number in range(10)]
    second = await watching(server, "Watcher 2")
    for visitor in visitors[::2]:
        await visitor.http.delete("/api/session")
    third = await watching(server, "Watcher 3")
    await server.guest("The last")
    expected = {"Watcher 1", "Watcher 2", "Watcher 3", "The last"}
    expected |= {f"Player {number}" for number in range(1, 10, 2)}
    for lobby in (first, second, third):
        while set(lobby.statuses()) != expected:
            await lobby.hear()
    assert first.version == second.version == third.version


async def test_many_joins_and_leaves_leave_no_gap_in_versions(server: LiveServer) -> None:
    lobbies = [await watching(server, f"Watcher {number}") for number in range(3)]

    async def come_and_go(number: int) -> None:
        visitor = await server.guest(f"Player {number}")
        tab = await visitor.tab()
        if number % 3 == 0:
            await visitor.http.delete("/api/session")
        elif number % 3 == 1:
            tab.socket.transport.abort()
            await until_status(visitor, "reconnecting")
            await visitor.tab()

    await asyncio.gather(*(come_and_go(number) for number in range(30)))
    await server.guest("The last")
    expected = {f"Player {n}": "active" for n in range(30) if n % 3}
    expected |= {f"Watcher {n}": "active" for n in range(3)} | {"The last": "active"}
    for lobby in lobbies:
        while lobby.statuses() != expected:
            await lobby.hear()


async def test_watching_again_sends_a_roster_again(server: LiveServer) -> None:
    lobby = await watching(server, "Bob")
    version = lobby.version
    await lobby.watch()
    assert lobby.version == version


async def test_unwatching_stops_the_diffs(server: LiveServer) -> None:
    bob = await watching(server, "Bob")
    eve = await watching(server, "Eve")
    while len(bob.players) < 2:
        await bob.hear()
    await bob.tab.send("unwatch", topic="lobby")
    await bob.tab.quiet()
    ada = await server.guest("Ada")
    assert (await eve.hear())["joined"][0]["id"] == ada.id
    assert await bob.tab.quiet() == []
    await bob.watch()
    assert bob.statuses() == eve.statuses()


async def test_a_tab_that_does_not_watch_is_sent_no_diffs(server: LiveServer) -> None:
    tab = await (await server.guest("Bob")).tab()
    eve = await watching(server, "Eve")
    await server.guest("Ada")
    await eve.hear()
    assert await tab.quiet() == []


# Changes that are not sent


async def test_a_reload_is_not_sent_to_other_watchers(patient: LiveServer) -> None:
    server = patient
    lobby = await watching(server, "Bob")
    ada = await server.guest("Ada")
    tab = await ada.tab()
    await lobby.hear()
    version = lobby.version
    for number in range(1, 4):
        await tab.socket.close(1001)
        await until_status(ada, "reconnecting")
        # The message about Eve shows that nothing about Ada came before it.
        eve = await server.guest(f"Eve {number}")
        after = await lobby.hear()
        assert after["version"] == version + number
        assert [player["id"] for player in after["joined"]] == [eve.id]
        assert (after["changed"], after["left"]) == ([], [])
        tab = await ada.tab()


async def test_a_lost_connection_shorter_than_the_grace_is_no_leave(server: LiveServer) -> None:
    lobby = await watching(server, "Bob")
    ada = await server.guest("Ada")
    tab = await ada.tab()
    await lobby.hear()
    tab.socket.transport.abort()
    await until_status(ada, "reconnecting")
    await server.advance(29.9)
    # A longer drop is shown, after half a second of real time.
    shown = await lobby.hear()
    assert (shown["joined"], shown["left"]) == ([], [])
    assert shown["changed"] == [{"id": ada.id, "status": "reconnecting"}]
    await ada.tab()
    back = await lobby.hear()
    assert (back["joined"], back["left"]) == ([], [])
    assert back["changed"] == [{"id": ada.id, "status": "active"}]


async def test_a_connection_lost_for_good_is_sent_as_one_leave(server: LiveServer) -> None:
    lobby = await watching(server, "Bob")
    ada = await server.guest("Ada")
    tab = await ada.tab()
    await lobby.hear()
    tab.socket.transport.abort()
    await until_status(ada, "reconnecting")
    await server.advance(30 + SLOT)
    gone = await lobby.hear()
    assert (gone["changed"], gone["left"]) == ([], [ada.id])
    await ada.tab()
    assert [player["id"] for player in (await lobby.hear())["joined"]] == [ada.id]


async def test_a_player_has_the_best_status_of_their_sessions(server: LiveServer) -> None:
    lobby = await watching(server, "Bob")
    phone = await server.member("Ada")
    await lobby.hear()
    await server.advance(100)
    laptop = await server.sign_in("Ada")
    await lobby.tab.ask("ping", "pong")
    await server.advance(50)
    assert (phone.session.status, laptop.session.status) == ("away", "active")
    assert await phone.status() == "active"
    await laptop.http.delete("/api/session")
    # The last activity of a player is that of all their sessions, including the ended one.
    expected = {"id": phone.id, "status": "away", "idle_for": 50.0}
    assert (await lobby.hear())["changed"] == [expected]
    laptop = await server.sign_in("Ada")
    assert (await lobby.hear())["changed"] == [{"id": phone.id, "status": "active"}]
    await phone.http.delete("/api/session")
    await laptop.http.delete("/api/session")
    assert (await lobby.hear())["left"] == [phone.id]


async def test_an_activity_that_changes_no_status_counts_in_the_next_roster(
    tmp_path: Path,
) -> None:
    async with run_server(tmp_path / "test.db", session_lifetime=600) as server:
        phone = await server.member("Ada")
        await server.advance(200)
        await phone.http.post("/api/session/activity")
        await server.advance(200)
        laptop = await server.sign_in("Ada")
        await phone.http.post("/api/session/activity")
        await server.advance(145)
        assert (phone.session.status, laptop.session.status) == ("warned", "away")
        gus = await (await server.guest("Gus")).tab()
        assert (await gus.ask("watch", "roster", topic="lobby"))["players"][0]["idle_for"] == 145.0
        await phone.http.post("/api/session/activity")
        await server.advance(5)
        assert (await gus.ask("watch", "roster", topic="lobby"))["players"][0]["idle_for"] == 5.0


async def test_a_new_sign_in_in_the_same_browser_is_invisible(server: LiveServer) -> None:
    lobby = await watching(server, "Bob")
    ada = await server.member("Ada")
    await lobby.hear()
    version = lobby.version
    body = {"name": "Ada", "password": "correct horse"}
    assert (await ada.http.post("/api/session", json=body)).status_code == 201
    await lobby.watch()
    assert lobby.version == version


async def test_the_watcher_is_in_the_roster_they_ask_for(server: LiveServer) -> None:
    visitor = await server.guest("Ada")
    await until(lambda: visitor.session.status == "active")
    lobby = await Lobby(await visitor.tab()).watch()
    assert lobby.statuses() == {"Ada": "active"}


async def test_the_first_watcher_after_a_restart_sees_no_leaves_and_joins(
    tmp_path: Path,
) -> None:
    clock, database = ManualClock(), tmp_path / "test.db"
    async with run_server(database, clock) as server:
        ada, bob, cy = [await server.guest(name) for name in ("Ada", "Bob", "Cy")]
        await ada.tab()
        await bob.tab()
        tab = await cy.tab()
        await tab.socket.close(4000)  # so they are not there when the server stops
        await until_status(cy, "reconnecting")
        cookies = ada.cookie, bob.cookie
    async with run_server(database, clock) as server:
        tab = await server.tab(cookies[1])
        lobby = await Lobby(tab).watch()
        assert set(lobby.statuses()) == {"Ada", "Bob", "Cy"}
        assert lobby.statuses()["Cy"] == "reconnecting"
        await server.tab(cookies[0])
        async with asyncio.timeout(5):
            while lobby.statuses()["Ada"] != "active":
                assert not (await lobby.hear()).get("joined")
