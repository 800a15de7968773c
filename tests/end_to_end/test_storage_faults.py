"""The disk fails while players are connected: they notice nothing, operators do, nothing is
lost."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import TypeAlias

import httpx
import pytest

from server.base.waiting import within
from server.limits import Limits
from server.presence.events import Event, StatusChanged
from server.storage import lifeboat as lifeboat_module
from server.storage.sqlite.engine import SqliteEngine
from server.storage.sqlite.limits import SqliteLimits
from tests.support.answers import metrics, refusal, until
from tests.support.database import Change, read_changes, rows
from tests.support.live_server import LiveServer, Visitor, run_server
from tests.support.process import VisitedServer, running
from tests.support.scenes import LATE, run_in_time

SOON = 0.8
"""Seconds within which a player gets an answer: less than any wait for a disk."""

Fault: TypeAlias = Callable[[LiveServer], Awaitable[Callable[[], Awaitable[None]]]]
"""Makes the disk of a server fail; the returned function repairs it."""


def listen(server: LiveServer) -> list[Change]:
    """Every change that this server publishes, in order."""
    told: list[Change] = []

    def hear(event: Event) -> None:
        if isinstance(event, StatusChanged):
            told.append((event.session_id, event.after, event.reason, event.player_after))

    server.still_here.stream.subscribe(hear)
    return told


def database_of(server: LiveServer) -> Path:
    return Path(server.settings.database)


def engine_of(server: LiveServer) -> SqliteEngine:
    engine = server.still_here.store.engine
    assert isinstance(engine, SqliteEngine)
    return engine


async def pragma(server: LiveServer, pragma: str) -> None:
    """Set it on the connection that writes."""
    await engine_of(server).database.write(
        lambda writer: writer.execute(f"PRAGMA {pragma}").close()
    )


# Disks that fail


@contextmanager
def tiny_disk() -> Iterator[Path | None]:
    """A file system of 2 MiB, or None without the permission to mount one."""
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder]
        try:
            is_mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
        except OSError:
            is_mounted = False
        try:
            yield Path(folder) if is_mounted else None
        finally:
            if is_mounted:
                subprocess.run(["umount", "-l", folder], check=True)


async def fill(server: LiveServer) -> Callable[[], Awaitable[None]]:
    """Use up all space."""
    rest = database_of(server).with_name("rest")
    file = os.open(rest, os.O_CREAT | os.O_WRONLY)
    for size in (65536, 1):
        try:
            while True:
                os.write(file, bytes(size))
        except OSError:
            pass
    os.close(file)

    async def mend() -> None:
        rest.unlink()

    return mend


async def let_it_grow_no_more(server: LiveServer) -> Callable[[], Awaitable[None]]:
    """The same for SQLite, without a disk to fill: it may allocate no more pages."""
    await pragma(server, "max_page_count = 1")
    number = 0
    while not server.still_here.store.is_failing:
        number += 1
        await server.guest(f"one more {number}")

    async def mend() -> None:
        await pragma(server, "max_page_count = 1000000")

    return mend


async def make_read_only(server: LiveServer) -> Callable[[], Awaitable[None]]:
    """The errors of SQLite and the lifeboat on a read-only file system. A real remount fails while
    files are open for writing."""
    await pragma(server, "query_only = ON")
    write = lifeboat_module._write

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    setattr(lifeboat_module, "_write", refuse)  # noqa: B010

    async def mend() -> None:
        setattr(lifeboat_module, "_write", write)  # noqa: B010
        await pragma(server, "query_only = OFF")

    return mend


async def lock(server: LiveServer) -> Callable[[], Awaitable[None]]:
    """Another program begins to write, and does not end."""
    await pragma(server, "busy_timeout = 50")
    other = await in_another_program(database_of(server), "BEGIN EXCLUSIVE")

    async def mend() -> None:
        other.kill()
        await other.wait()

    return mend


async def in_another_program(path: Path, *statements: str) -> asyncio.subprocess.Process:
    """Run them on the database, and keep the connection open."""
    script = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
    script += "".join(f"c.execute({each!r}).fetchall()\n" for each in statements)
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-S", "-c", f"{script}print('done', flush=True)\nsys.stdin.read()", path,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert other.stdout is not None
    assert await within(10, other.stdout.readline()) == b"done\n"
    return other


@asynccontextmanager
async def server_on_a_disk_that_can(
    fail: str, tmp_path: Path
) -> AsyncIterator[tuple[LiveServer, Fault]]:
    async with AsyncExitStack() as stack:
        folder = tmp_path
        if fail == "fill up":
            tiny = stack.enter_context(tiny_disk())
            fault: Fault = let_it_grow_no_more if tiny is None else fill
            folder = tiny or tmp_path
        else:
            fault = {"become read-only": make_read_only, "be locked": lock}[fail]
        server = await stack.enter_async_context(run_server(folder / "test.db"))
        yield server, partial(mended_at_the_end, stack, fault)


async def mended_at_the_end(
    stack: AsyncExitStack, fault: Fault, server: LiveServer
) -> Callable[[], Awaitable[None]]:
    """Break the disk; return what mends it, unless `stack` does so first: a broken one would also
    fail the next try."""
    mend = await fault(server)
    is_mended = False

    async def mend_once() -> None:
        nonlocal is_mended
        if not is_mended:
            is_mended = True
            await mend()

    stack.push_async_callback(mend_once)
    return mend_once


# Meanwhile


async def soon(answer: Awaitable[httpx.Response]) -> httpx.Response:
    """The answer, which must not wait for the disk."""
    began = time.perf_counter()
    response = await answer
    assert time.perf_counter() - began < SOON
    return response


async def come_in(server: LiveServer, path: str, **body: object) -> httpx.Response:
    visitor = await server.visitor()
    return await soon(visitor.http.post(path, json=body))


async def sign_out(visitor: Visitor, can_be_written: bool) -> None:
    """204 if it is durable, otherwise 503. The session is over in both cases."""
    cookie = visitor.cookie
    response = await soon(visitor.http.delete("/api/session"))
    if can_be_written:
        assert response.status_code == 204
    else:
        assert refusal(response) == (503, "storage_unavailable")
        assert response.json()["detail"].startswith("You are signed out, here and now")
        assert int(response.headers["retry-after"]) > 0
    thief = await visitor.server.visitor(cookies={"session": cookie})
    assert refusal(await thief.http.get("/api/session")) == (401, "signed_out")


@pytest.mark.parametrize(
    ("fail", "why"),
    [("fill up", "full"), ("become read-only", "readonly"), ("be locked", "locked")],
)
async def test_players_are_served_while_the_disk_fails(
    fail: str, why: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def scene() -> Awaitable[None]:
        return play_while_the_disk_fails(fail, why, tmp_path_factory.mktemp("disk"))

    await run_in_time(scene, total=SOON / 2)


async def play_while_the_disk_fails(fail: str, why: str, folder: Path) -> None:
    async with server_on_a_disk_that_can(fail, folder) as (server, fault):
        told = listen(server)
        journal = server.still_here.store.journal
        bob, zoe = await server.member("Bob"), await server.guest("Zoe")
        ada, carl = await server.guest("Ada"), await server.guest("Carl")
        idle, busy = await ada.tab(), await zoe.tab()
        await server.still_here.store.journal.written_up_to_here()

        mend = await fault(server)
        await server.advance(1)
        await busy.ask("ping", "pong")
        server.still_here.store.activity.note()
        await until(lambda: journal.is_failing)

        # Players
        assert (await come_in(server, "/api/guests", name="Gus")).status_code == 201
        assert (await come_in(server, "/api/guests", name="GUS")).status_code == 409
        again = await come_in(server, "/api/session", name="Bob", password="correct horse")
        assert again.status_code == 201
        refused = await come_in(server, "/api/players", name="Eve", password="correct horse")
        assert refusal(refused) == (503, "storage_unavailable")
        assert int(refused.headers["retry-after"]) > 0
        history = await soon(bob.http.get(f"/api/players/{bob.id}/history"))
        assert history.status_code == 200
        await sign_out(carl, fail != "become read-only")
        assert (await come_in(server, "/api/guests", name="Carl")).status_code == 201
        await server.advance(240)
        assert (await idle.next("warning"))["reason"] == "idle_timeout"
        await busy.ask("ping", "pong")
        await server.advance(60)
        assert (await idle.closed())[0] == 4501
        began = time.perf_counter()
        await busy.ask("ping", "pong")
        assert time.perf_counter() - began < SOON

        # Operators
        visitor = await server.visitor()
        assert (await visitor.http.get("/healthz")).status_code == 200
        unready = await visitor.http.get("/readyz")
        assert refusal(unready) == (503, "storage_failing")
        assert why in unready.json()["detail"]
        assert "stillhere_lifeboat_endings" in await metrics(server)

        await mend()
        await until(lambda: not journal.is_failing)
        await until(lambda: not server.still_here.store.statistics().in_lifeboat)
        assert (await visitor.http.get("/readyz")).status_code == 200
        assert (
            await come_in(server, "/api/players", name="Eve", password="correct horse")
        ).status_code == 201
        assert (
            await come_in(server, "/api/session", name="Eve", password="correct horse")
        ).status_code == 201
        await server.still_here.store.journal.written_up_to_here()
        assert read_changes(database_of(server)) == told


async def test_a_failing_read_is_503_and_no_crash(server: LiveServer) -> None:
    bob = await server.member("Bob")
    database = engine_of(server).database
    for reader in (database.signing_in, database.browsing):
        await reader.close()
    forged = bob.cookie[:-1] + ("E" if bob.cookie.endswith("A") else "A")
    stranger = await server.visitor(cookies={"session": forged})
    for path, body in [
        ("/api/session", {"name": "Bob", "password": "correct horse"}),
        ("/api/guests", {"name": "Gus"}),
        ("/api/players", {"name": "Eve", "password": "correct horse"}),
    ]:
        response = await stranger.http.post(path, json=body)
        assert refusal(response) == (503, "storage_unavailable")
        assert int(response.headers["retry-after"]) > 0
    for path in ("/api/players?status=offline", f"/api/players/{bob.id}/history"):
        assert refusal(await bob.http.get(path)) == (503, "storage_unavailable")
    assert refusal(await stranger.http.get("/readyz")) == (503, "storage_failing")
    assert (await bob.http.get("/api/session")).status_code == 200
    assert refusal(await stranger.http.get("/api/session")) == (401, "not_signed_in")


# A reader that never ends


async def wal_bytes(server: LiveServer) -> float:
    return (await metrics(server))["stillhere_wal_bytes"]


async def test_an_endless_reader_blocks_no_write_and_its_log_is_truncated_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = 300_000
    limits = Limits(sqlite=SqliteLimits(max_log_bytes=large, log_interval=0.02))
    async with run_server(tmp_path / "test.db", limits=limits) as server:
        told = listen(server)
        store = server.still_here.store
        ada = await server.guest("Ada")
        tab = await ada.tab()
        path = database_of(server)
        reader = await in_another_program(path, "BEGIN", "SELECT * FROM players")
        while await wal_bytes(server) < 2 * large:
            await server.advance(125)
            await tab.ask("ping", "pong")
            await store.journal.written_up_to_here()
        await asyncio.sleep(0.1)  # several checkpoints
        assert await wal_bytes(server) >= 2 * large, "somebody reads in it"
        await server.advance(125)
        assert not store.is_failing
        assert (await ada.http.get("/readyz")).status_code == 200

        reader.kill()
        await reader.wait()
        await until(lambda: store.statistics().unmerged_bytes < large)
        await server.advance(125)
        await store.journal.written_up_to_here()
        assert read_changes(path) == told


# A real process in real time


def limit_files(server: VisitedServer, size: int) -> None:
    """Limit the size of all files of this process."""
    _, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, hard))


async def test_a_sign_out_survives_a_full_disk_and_a_kill(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        goes, stays = await server.sign_in("Ada"), await server.sign_in("Bob")
        limit_files(server, 16_384)
        async with server.visitor(goes) as client:
            assert (await client.delete("/api/session")).status_code == 204
            assert (await client.get("/readyz")).status_code == 503
        await server.stop(signal.SIGKILL)
    async with running(tmp_path) as server:
        assert await server.status(goes) == (401, "signed_out")
        assert await server.status(stays) == (200, "reconnecting")
        assert "1 sign-outs that the database had not taken are in it now" in server.log()
        async with server.visitor() as client:
            assert (await client.get("/readyz")).status_code == 200
    changes = [change[1:3] for change in read_changes(tmp_path / "stillhere.db")]
    assert changes == [
        ("active", "signed_in"),
        ("active", "signed_in"),
        ("offline", "signed_out"),
        ("reconnecting", "server_restart"),
    ]


async def test_players_of_a_live_server_are_served_while_the_disk_is_full(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    await run_in_time(
        lambda: play_while_the_disk_is_full(tmp_path_factory.mktemp("disk")), worst=LATE
    )


async def play_while_the_disk_is_full(folder: Path) -> None:
    flags = ("--away-after", "0.2", "--warn-before", "0.5", "--idle-timeout", "1.2")
    async with running(folder, *flags) as server, AsyncExitStack() as stack:
        ada, bob = await server.sign_in("Ada"), await server.sign_in("Bob")
        idle = await stack.enter_async_context(server.tab(ada))
        busy = await stack.enter_async_context(server.tab(bob))
        client = await stack.enter_async_context(server.visitor())
        limit_files(server, 16_384)
        began = time.perf_counter()
        worst = 0.0
        is_over = asyncio.Event()

        async def play() -> None:
            nonlocal worst
            while not is_over.is_set():
                asked = time.perf_counter()
                await busy.ask("ping", "pong")
                worst = max(worst, time.perf_counter() - asked)
                await asyncio.sleep(0.05)

        async def come_and_see() -> None:
            # Only the first call waits for the disk, and not for long.
            assert (await client.post("/api/guests", json={"name": "Gus"})).status_code == 201
            assert time.perf_counter() - began < 2.0
            response = await soon(client.post("/api/guests", json={"name": "Hal"}))
            assert response.status_code == 201
            response = await client.get("/readyz")
            assert refusal(response) == (503, "storage_failing")

        async def has_recovered() -> bool:
            return (await client.get("/readyz")).status_code == 200

        playing = asyncio.create_task(play())
        stack.callback(playing.cancel)
        await come_and_see()
        await idle.next("warning")
        code, _ = await idle.closed()
        assert code == 4501
        assert time.perf_counter() - began < 2.5
        limit_files(server, resource.RLIM_INFINITY)
        await until(has_recovered)
        is_over.set()
        await playing
        assert worst < 0.5
        assert server.log().count("the database does not take writes") == 1
        assert await server.stop() == 0
    path = folder / "stillhere.db"
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    asked = (
        "SELECT c.status, c.reason FROM status_changes c JOIN players p"
        " ON p.id = c.player_id WHERE p.name = ? ORDER BY c.id"
    )
    by_name = {name: rows(path, asked, name) for name in ("Ada", "Bob")}
    assert by_name["Ada"] == [
        ("active", "signed_in"),
        ("away", "idle"),
        ("warned", "warning"),
        ("offline", "idle_timeout"),
    ]
    assert by_name["Bob"][0] == ("active", "signed_in")
    assert ("offline", "idle_timeout") not in by_name["Bob"]
