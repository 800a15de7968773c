"""The ends of a server: a stop among hostile clients, kills in a storm, a second start."""

import asyncio
import signal
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from time import monotonic, time
from typing import Any, TypeAlias

import pytest

from scripts.server_process import TIMEOUT
from scripts.storm.browser import Told
from scripts.storm.checks import LONGEST_LOSS, Check, Verdict, judge_told, not_written
from scripts.storm.run import Run
from scripts.storm.server import StormServer
from server.base.waiting import within
from tests.support.database import rows
from tests.support.frames import PING, TEXT, client_frame
from tests.support.live_server import LiveServer
from tests.support.peers import Peers, opening, request
from tests.support.process import (
    UVICORN,
    VisitedServer,
    fork,
    last_line,
    run,
    running,
)
from tests.support.scenes import Scenes
from tests.support.slow_peers import for_ever

LONGEST_STOP = 10.0
"""Seconds in which a server stops, whatever its clients do."""


def stops(folder: Path) -> list[int | None]:
    """`stopped_at` of every start, oldest first."""
    found = rows(folder / "stillhere.db", "SELECT stopped_at FROM boots ORDER BY id")
    return [stopped_at for (stopped_at,) in found]


def last_activity(folder: Path, name: str) -> float:
    """When a player was last active according to the database; Unix time."""
    asked = "SELECT last_activity_at FROM players WHERE name = ?"
    ((at,),) = rows(folder / "stillhere.db", asked, name)
    return float(at) / 1000


# Hostile clients


Hostile: TypeAlias = Callable[[VisitedServer, Peers, AsyncExitStack], Awaitable[None]]


def says(data: bytes, clients: int = 1) -> Hostile:
    """So many clients that send `data` and wait."""

    async def connect(server: VisitedServer, peers: Peers, stack: AsyncExitStack) -> None:
        for _ in range(clients):
            await (await peers.connect()).send(data)

    return connect


MANY = tuple(f"X-{number}: 1" for number in range(200))
ESCAPES = 'Cookie: a="' + '\\"' * 4060 + '"'
"""A line that is nearly as long as the limit allows."""

HOSTILE: dict[str, Hostile] = {
    "says_nothing": says(b""),
    "two_bytes": says(b"GE"),
    "half_a_request_line": says(b"GET /heal"),
    "half_of_the_headers": says(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: "),
    "half_a_handshake": says(opening("/ws")[:-2]),
    "half_of_the_headers_of_a_handshake": says(opening("/ws")[:80]),
    "a_handshake_with_a_cookie_of_9_kb": says(opening("/ws", "x" * 9000, "X-More: 1")),
    "a_handshake_with_200_headers": says(opening("/ws", "none", *MANY)),
    "no_body": says(request("POST /api/guests HTTP/1.1", "Host: a", "Content-Length: 9")),
    # As many as a client may send at once, and slow for a server that removes the quotes.
    "many_escapes": says(request("GET /api/session HTTP/1.1", "Host: a", ESCAPES) * 15, 100),
    "tls_on_the_plain_port": says(bytes.fromhex("16030100f8010000f40303") + bytes(64)),
}
"""Kinds of hostile clients, and more below."""


def hostile(function: Hostile) -> Hostile:
    HOSTILE[function.__name__] = function
    return function


def forever(stack: AsyncExitStack, what: Coroutine[Any, Any, object]) -> None:
    """Await `what` until the end of the test."""
    stack.callback(asyncio.create_task(what).cancel)


@hostile
async def stopped_reading(server: VisitedServer, peers: Peers, stack: AsyncExitStack) -> None:
    peer = await peers.upgraded("/ws", await server.sign_in("Stopped reading"), window=4096)
    # Not `fill`: the server goes on to read, until it closes the connection.
    await peer.flood(client_frame(TEXT, b'{"type":"ping","id":"%s"}' % (b"x" * 60)) * 50, 0.5)


@hostile
async def half_a_frame(server: VisitedServer, peers: Peers, stack: AsyncExitStack) -> None:
    peer = await peers.upgraded("/ws", await server.sign_in("Half a frame"))
    await peer.send(client_frame(TEXT, b'{"type"', announced=4096))


@hostile
async def half_a_message(server: VisitedServer, peers: Peers, stack: AsyncExitStack) -> None:
    peer = await peers.upgraded("/ws", await server.sign_in("Half a message"))
    await peer.send(client_frame(TEXT, b'{"type"', fin=False))


@hostile
async def never_answers_the_close(
    server: VisitedServer, peers: Peers, stack: AsyncExitStack
) -> None:
    await peers.upgraded("/ws", await server.sign_in("Never answers"))


@hostile
async def a_body_in_very_small_pieces(
    server: VisitedServer, peers: Peers, stack: AsyncExitStack
) -> None:
    peer = await peers.connect()
    await peer.send(
        request(
            "POST /api/guests HTTP/1.1",
            "Host: 127.0.0.1",
            "Content-Type: application/json",
            "Transfer-Encoding: chunked",
        )
    )
    forever(stack, for_ever(peer, b"1\r\n \r\n", 0.05))


@hostile
async def a_flood_of_pings(server: VisitedServer, peers: Peers, stack: AsyncExitStack) -> None:
    peer = await peers.upgraded("/ws", await server.sign_in("Flood"))
    forever(stack, for_ever(peer, client_frame(PING, b"x" * 125) * 100, 0.002))


@hostile
async def a_flood_and_no_answer_read(
    server: VisitedServer, peers: Peers, stack: AsyncExitStack
) -> None:
    peer = await peers.upgraded("/ws", await server.sign_in("Flood, unread"), window=4096)
    forever(stack, peer.flood(client_frame(TEXT, b'{"type":"ping"}') * 1000, 30))


@hostile
async def many_requests_and_no_answer_read(
    server: VisitedServer, peers: Peers, stack: AsyncExitStack
) -> None:
    peer = await peers.connect(window=4096)
    await peer.fill(request("GET /metrics HTTP/1.1", "Host: 127.0.0.1") * 20)


def tracebacks(log: str) -> list[str]:
    """The tracebacks in a log, except that of a request which the stop cut short."""
    found = [part.strip() for part in log.split("Traceback (most recent call last):")[1:]]
    return [each for each in found if "graceful shutdown exceeded" not in each]


async def stop_among(
    folder: Path, *names: str, number: signal.Signals = signal.SIGTERM
) -> dict[str, Any]:
    """Stop a server with these attached, and one well-behaved player."""
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    async with (
        running(folder, "--max-messages-per-second=0") as server,
        AsyncExitStack() as stack,
    ):
        peers = stack.enter_context(Peers(server.port))
        cookie = await server.sign_in("Witness")
        tab = await stack.enter_async_context(server.tab(cookie))
        for name in names:
            await within(TIMEOUT, HOSTILE[name](server, peers, stack))
        await asyncio.sleep(0.2)
        await tab.ask("ping", "pong")
        pinged_at = time()
        asked_at = monotonic()
        server.send(number)
        code, _ = await within(TIMEOUT, tab.closed())
        exit_code = await server.wait()
        took = monotonic() - asked_at
        return {
            "the player was told": code,
            "exit code": exit_code,
            "in time": took < LONGEST_STOP or took,
            "the stop is noted": stops(folder)[-1] is not None,
            "the last ping is on the disk": abs(last_activity(folder, "Witness") - pinged_at) < 1,
            "traceback": tracebacks(server.log()),
        }


STOPPED_WELL = {
    "the player was told": 1012,
    "exit code": 0,
    "in time": True,
    "the stop is noted": True,
    "the last ping is on the disk": True,
    "traceback": [],
}


SCENES = Scenes(at_once=3)
run_scene = SCENES.fixture()


ALONE = (
    "half_of_the_headers",
    "a_handshake_with_a_cookie_of_9_kb",
    "stopped_reading",
    "a_body_in_very_small_pieces",
    "a_flood_of_pings",
)
"""The cases that have held up a stop before. A server for each of the others, which are all in the
crowd, would take 10 s of the suite."""


@SCENES.test
async def test_a_stop_among_one_kind_of_hostile_clients_is_clean(
    folder: Path,
) -> None:
    door = asyncio.Semaphore(5)

    async def alone(name: str) -> tuple[str, dict[str, Any]]:
        async with door:
            return name, await stop_among(folder / name, name)

    found = await asyncio.gather(*map(alone, ALONE))
    assert {name: how for name, how in found if how != STOPPED_WELL} == {}


@SCENES.test
async def test_a_stop_among_all_kinds_of_hostile_clients_is_clean(folder: Path) -> None:
    assert await stop_among(folder, *HOSTILE) == STOPPED_WELL


# A storm, and kills


@SCENES.test
async def test_changes_sent_in_a_storm_survive_every_kill(folder: Path) -> None:
    """The same as scripts/kill_storm.py, which kills a hundred times."""
    looked: Counter[Check] = Counter()
    for seed in (20, 26, 27):
        storm = Run(folder / f"{seed}.db", seed, partial(StormServer, spawn=fork))
        result = await storm.kill_often(1, lambda done: None)
        assert result.verdict.broken == [], f"seed {seed}"
        looked += Counter({check: each.looked for check, each in result.verdict.tallies.items()})
    assert set(looked) == set(Check)


@pytest.mark.parametrize("how", ["signed out", "timed out"])
async def test_an_end_is_sent_after_it_is_durable(server: LiveServer, how: str) -> None:
    ada = await server.member("Ada")
    tab = await ada.tab()
    await server.advance(239)
    await server.still_here.store.journal.flush()
    blocker = sqlite3.connect(server.settings.database, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        if how == "signed out":
            answer = asyncio.create_task(ada.http.delete("/api/session"))
        else:
            await server.advance(62)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await tab.next("signed_out")
        assert blocker.execute("SELECT end_reason FROM sessions").fetchall() == [(None,)]
    finally:
        blocker.execute("ROLLBACK")
    code, before = await tab.closed()
    reason = how.replace("timed out", "idle_timeout").replace(" ", "_")
    assert (code, before[-1]["reason"]) == (4503 if how == "signed out" else 4501, reason)
    assert blocker.execute("SELECT end_reason FROM sessions").fetchall() == [(reason,)]
    blocker.close()
    if how == "signed out":
        assert (await answer).status_code == 204


A, B, C = (Told(status, None, at) for at, status in enumerate(("active", "away", "warned")))
A_ROW, B_ROW, C_ROW = ("active", "signed_in"), ("away", "idle"), ("warned", "warning")


def test_the_check_of_the_storm_distinguishes_an_end_from_a_gap() -> None:
    assert not_written([A, B, C], [A_ROW, B_ROW, C_ROW]) == ([], False)
    assert not_written([A, C], [A_ROW, B_ROW, C_ROW]) == ([], False)
    assert not_written([A, B, C], [A_ROW, B_ROW]) == ([C], False)
    assert not_written([A, B, C], [A_ROW, C_ROW]) == ([B, C], True)
    assert not_written([B, A], [A_ROW, B_ROW]) == ([A], False)
    assert not_written([Told("active", "activity", 0.0)], [A_ROW]) != ([], False)


def test_the_check_of_the_storm_finds_old_changes_that_were_lost() -> None:
    verdict = Verdict()
    judge_told([A, B], [A_ROW], 1.0 + LONGEST_LOSS, "Ada", verdict)
    assert verdict.is_good
    judge_told([A, B], [A_ROW], 1.1 + LONGEST_LOSS, "Ada", verdict)
    assert not verdict.is_good


# Other ends


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
async def test_an_interrupt_and_a_hangup_are_clean_stops(
    tmp_path: Path, number: signal.Signals
) -> None:
    assert await stop_among(tmp_path, number=number) == STOPPED_WELL


async def test_a_repeated_sigterm_changes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        async with server.tab(await server.sign_in("Ada")):
            server.send(signal.SIGTERM)
            server.send(signal.SIGTERM)
            await asyncio.sleep(0.05)
            server.send(signal.SIGTERM)
            assert await server.wait() == 0
        assert "Traceback" not in server.log()
    assert stops(tmp_path)[-1] is not None


async def test_a_second_interrupt_loses_no_row(tmp_path: Path) -> None:
    async with running(tmp_path) as server, AsyncExitStack() as stack:
        peers = stack.enter_context(Peers(server.port))
        await never_answers_the_close(server, peers, stack)
        server.send(signal.SIGINT)
        await asyncio.sleep(0.3)
        server.send(signal.SIGINT)
        assert await server.wait() == 0
        assert "Traceback" not in server.log()
    assert stops(tmp_path)[-1] is not None


@SCENES.test
async def test_a_stop_ends_while_the_disk_is_locked(folder: Path) -> None:
    async with running(folder) as server:
        await server.sign_in("Ada")
        blocker = sqlite3.connect(folder / "stillhere.db", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        try:
            asked_at = monotonic()
            code = await server.stop()
            assert monotonic() - asked_at < LONGEST_STOP
        finally:
            blocker.execute("ROLLBACK")
            blocker.close()
        assert code == 0
        assert "Traceback" not in server.log()
    assert stops(folder) == [None]


async def test_a_stop_during_the_start_is_clean(tmp_path: Path) -> None:
    async def stopped_after(seconds: float) -> tuple[int | None, str]:
        folder = tmp_path / str(seconds)
        await asyncio.to_thread(folder.mkdir)
        server = VisitedServer(folder)
        await server.begin()
        await asyncio.sleep(seconds)
        return await server.stop(), server.log()

    for code, said in await asyncio.gather(*map(stopped_after, (0.02, 0.2, 0.3, 0.4, 0.5, 0.6))):
        # Before Python reaches our code, the signal has its default action.
        assert code in (0, -signal.SIGTERM)
        assert "Traceback" not in said


async def test_a_second_server_is_refused_by_any_path_of_the_database(
    tmp_path: Path,
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        await asyncio.to_thread(folder.mkdir)
    async with running(here, "--database", "game.db") as server:
        (there / "linked.db").symlink_to(here / "game.db")
        (tmp_path / "link").symlink_to(here)
        paths = [here / "game.db", there / "linked.db", tmp_path / "link" / "game.db"]
        names = [*map(str, paths), "there/../here/game.db"]
        starts = [
            asyncio.to_thread(run, tmp_path, "--port=0", f"--database={name}") for name in names
        ]
        factory = asyncio.to_thread(
            run, there, "--port=0", command=UVICORN, STILLHERE_DATABASE=str(there / "linked.db")
        )
        *done, by_uvicorn = await asyncio.gather(*starts, factory)
        for name, each in zip(names, done, strict=True):
            assert each.returncode == 1
            assert last_line(each).startswith(f"stillhere: another Still Here is running on {name}")
        assert by_uvicorn.returncode != 0
        assert "another Still Here is running on" in by_uvicorn.stderr
        assert (await server.status(await server.sign_in("Ada")))[0] == 200
        assert await server.stop(signal.SIGKILL) == -signal.SIGKILL
    async with running(there, "--database", "linked.db"):
        pass  # neither a kill nor a link leaves a lock
