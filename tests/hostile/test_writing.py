"""Clients that connect and disconnect all the time: each time adds rows to the history on the
disk."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from server.limits import Limits
from server.presence.events import Event, StatusChanged
from server.storage.limits import Limits as StorageLimits
from tests.support.answers import refusal, until
from tests.support.database import rows
from tests.support.live_server import LiveServer, Visitor, run_server

CONNECT_BURST = int(Limits().realtime.connects.burst)


async def come_and_go(visitor: Visitor) -> None:
    """Connect, and disconnect as a page does that gives up on its socket."""
    tab = await visitor.tab()
    assert tab.seen[0]["type"] == "hello"
    await tab.socket.close(4000)
    await until(lambda: visitor.session.connections == 0)


async def turned_away(server: LiveServer, visitor: Visitor) -> int:
    """The code of a socket that is closed before any message."""
    code, before = await (await server.tab(visitor.cookie)).closed()
    assert before == []
    return code


async def count_changes(server: LiveServer) -> int:
    await server.still_here.store.journal.written_up_to_here()
    (row,) = rows(server.settings.database, "SELECT count(*) FROM status_changes")
    return int(row[0])


async def test_a_session_may_connect_forty_times_at_once_and_then_once_a_second(
    server: LiveServer,
) -> None:
    ada, bob = await server.guest("Ada"), await server.guest("Bob")
    for _ in range(CONNECT_BURST):
        await come_and_go(ada)
    changes = await count_changes(server)
    for _ in range(20):
        assert await turned_away(server, ada) == 4402
    assert await count_changes(server) == changes, "nothing is written about who is turned away"
    await come_and_go(bob)
    await server.advance(0.999)
    assert await turned_away(server, ada) == 4402
    await server.advance(0.001)
    await come_and_go(ada)
    assert await turned_away(server, ada) == 4402


async def test_the_limit_on_connects_grows_with_the_limit_on_connections(
    tmp_path: Path,
) -> None:
    most = CONNECT_BURST
    async with run_server(tmp_path / "test.db", max_connections_per_session=most) as server:
        ada = await server.guest("Ada")
        for _ in range(2 * most):
            await come_and_go(ada)
        assert await turned_away(server, ada) == 4402


async def test_open_sockets_stay_when_further_ones_are_refused(
    server: LiveServer,
) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    for _ in range(CONNECT_BURST - 1):
        await come_and_go_beside(ada)
    assert await turned_away(server, ada) == 4402
    assert (await tab.ask("ping", "pong"))["expires_in"] == 300.0


async def come_and_go_beside(visitor: Visitor) -> None:
    tab = await visitor.tab()
    await tab.socket.close(4000)
    await until(lambda: visitor.session.connections == 1)


async def test_a_session_that_repeats_be_right_back_without_end_is_closed(
    server: LiveServer,
) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    for _ in range(CONNECT_BURST - 1):
        await tab.ask("hold", "held", seconds=60, away=True)
        await tab.ask("ping", "pong")
        await server.advance(0.02)  # the limit of messages a second
    changes = await count_changes(server)
    await tab.ask("hold", "held", seconds=60)  # without `away`, which is allowed
    await tab.send("hold", seconds=60, away=True)
    assert await tab.closed() == (4401, [])
    await until(lambda: ada.session.connections == 0)
    assert await count_changes(server) == changes + 1, "that the socket is gone"


async def test_a_warned_session_that_holds_and_releases_without_end_is_closed(
    server: LiveServer,
) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    await server.advance(240.0)  # the warning
    for _ in range(CONNECT_BURST):
        await tab.ask("hold", "held", seconds=10)
        await tab.ask("release", "held")
        await server.advance(0.02)  # the limit of messages a second
    changes = await count_changes(server)
    await tab.send("hold", seconds=10)
    assert (await tab.closed())[0] == 4401
    await until(lambda: ada.session.connections == 0)
    assert await count_changes(server) == changes + 1, "that the socket is gone"


async def test_the_count_of_connects_is_dropped_with_the_session(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    await ada.tab()
    assert len(server.still_here.tabs._connects) == 1
    assert (await ada.http.delete("/api/session")).status_code == 204
    assert not server.still_here.tabs._connects


# While the disk takes no writes


@asynccontextmanager
async def locked(server: LiveServer) -> AsyncIterator[None]:
    """Another program holds the write lock."""
    with closing(sqlite3.connect(server.settings.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def test_a_full_queue_to_the_disk_refuses_new_players_and_loses_no_row(
    tmp_path: Path,
) -> None:
    limits = Limits(storage=StorageLimits(max_waiting=20))
    async with run_server(tmp_path / "test.db", limits=limits) as server:
        ada, bob, eve = [await server.member(name) for name in ("Ada", "Bob", "Eve")]
        tab = await bob.tab()
        journal = server.still_here.store.journal
        told: list[tuple[str, str]] = []

        def hear(event: Event) -> None:
            if isinstance(event, StatusChanged):
                told.append((event.session_id, event.after))

        await server.still_here.store.journal.written_up_to_here()
        server.still_here.stream.subscribe(hear)
        written = await count_changes(server)
        async with locked(server):
            while not journal.is_full:
                await come_and_go(ada)
            # New connections and sign-ins are refused,
            assert await turned_away(server, ada) == 4402
            new = await server.visitor()
            for path, body in [
                ("/api/guests", {"name": "Guest"}),
                ("/api/players", {"name": "Guest", "password": "correct horse"}),
                ("/api/session", {"name": "Ada", "password": "correct horse"}),
            ]:
                response = await new.http.post(path, json=body)
                assert refusal(response) == (503, "storage_unavailable")
                assert response.headers["retry-after"] == "5"
            # nor is anything begun that leads to more,
            opened = await bob.http.post("/api/rooms", json={"game": "connect-four"})
            assert refusal(opened) == (409, "too_many_rooms")
            error = await tab.ask("quick_match", "error", game="connect-four")
            assert (error["code"], "in 5 s" in error["detail"]) == ("too_soon", True)
            waiting = server.still_here.store.statistics().waiting
            # but connected players go on and can leave, and nothing of it is lost.
            await server.advance(130)
            assert await bob.status() == "away"
            await tab.ask("ping", "pong")
            assert await bob.status() == "active"
            assert (await eve.http.delete("/api/session")).status_code == 204
            assert server.still_here.store.statistics().waiting > waiting
            await tab.ask("hold", "held", seconds=60, away=True)
            assert await bob.status() == "away"
            # What one of them can queue stays bounded.
            for _ in range(CONNECT_BURST):
                await tab.send("hold", seconds=60, away=True)
                await server.advance(0.02)  # the limit of messages a second
            assert (await tab.closed())[0] == 4401
        await until(lambda: not journal.is_failing)
        await server.still_here.store.journal.written_up_to_here()
        changes = "SELECT session_id, status FROM status_changes ORDER BY id"
        assert rows(server.settings.database, changes)[written:] == told
        await server.advance(1.0)
        await come_and_go(bob)
        assert (await new.http.post("/api/guests", json={"name": "Guest"})).status_code == 201
