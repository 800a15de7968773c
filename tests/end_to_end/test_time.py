"""Faults of time: a process that stands still, a blocked loop, a wall clock that jumps."""

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as connect_blocking

from scripts.server_process import COMMAND, TIMEOUT, environment
from server.base.clock import STALL, SystemClock
from server.base.waiting import within
from tests.support.answers import until
from tests.support.database import rows
from tests.support.live_server import LiveServer, Tab, Visitor, run_server
from tests.support.paths import LIBFAKETIME
from tests.support.process import ON_ASYNCIO, VisitedServer, fork, running
from tests.support.scenes import Scenes, TooLate, run_in_time

AWAY_AFTER, WARN_BEFORE, IDLE_TIMEOUT = 1.0, 2.5, 5.0
SETTINGS = (
    f"--away-after={AWAY_AFTER}",
    f"--warn-before={WARN_BEFORE}",
    f"--idle-timeout={IDLE_TIMEOUT}",
    "--reconnect-grace=4",
    "--reload-grace=0.5",
)
PING_EVERY = 0.2
OWN_LAG = 1.5
"""Seconds by which this process may receive a warning late on a busy machine, so that it seems
shorter. A server that counts a stall as idleness gives no time at all."""


class Recorder:
    """A tab that records when each message came. If `is_playing`, it pings continuously."""

    def __init__(self, tab: Tab, *, is_playing: bool) -> None:
        self.tab = tab
        self.met: list[tuple[str, float]] = []
        self.code: int | None = None
        self.longest_pause = 0.0
        self._heard = asyncio.Event()
        self._tasks = [asyncio.create_task(self._listen())]
        if is_playing:
            self._tasks.append(asyncio.create_task(self._play()))

    def when(self, what: str) -> float:
        """When the first message of this type came."""
        return next(at for type, at in self.met if type == what)

    async def until(self, what: str) -> float:
        async with asyncio.timeout(TIMEOUT):
            while all(type != what for type, _ in self.met):
                self._heard.clear()
                await self._heard.wait()
        return self.when(what)

    def was_never_warned(self) -> bool:
        """True if only answers came. A warning is allowed if a busy machine delayed the pings."""
        heard = {what for what, _ in self.met}
        has_played = self.longest_pause < WARN_BEFORE / 2
        return heard == {"pong"} or (not has_played and heard <= {"pong", "warning", "extended"})

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self) -> None:
        try:
            while True:
                text = await self.tab.socket.recv()
                type = str(text).partition('"type":"')[2].partition('"')[0]
                self.met.append((type, monotonic()))
                self._heard.set()
        except ConnectionClosed:
            self.code = self.tab.socket.close_code

    async def _play(self) -> None:
        with suppress(ConnectionClosed):
            while True:
                await self.tab.send("ping")
                sent_at = monotonic()
                await asyncio.sleep(PING_EVERY)
                self.longest_pause = max(self.longest_pause, monotonic() - sent_at)


class Company:
    """All players on one server."""

    def __init__(self, server: VisitedServer, stack: AsyncExitStack) -> None:
        self.server = server
        self.cookies: dict[str, str] = {}
        self._stack = stack
        self._recorders: list[Recorder] = []

    async def come(self, name: str, *, is_playing: bool = False) -> Recorder:
        self.cookies[name] = await self.server.sign_in(name)
        return await self.open(name, is_playing=is_playing)

    async def open(self, name: str, *, is_playing: bool = False) -> Recorder:
        tab = await self._stack.enter_async_context(self.server.tab(self.cookies[name]))
        recorder = Recorder(tab, is_playing=is_playing)
        self._recorders.append(recorder)
        return recorder

    async def status(self, name: str) -> tuple[int, str]:
        return await self.server.status(self.cookies[name])

    async def go(self) -> None:
        await asyncio.gather(*(recorder.stop() for recorder in self._recorders))


@asynccontextmanager
async def company(
    folder: Path, command: Sequence[str] = COMMAND, *, is_fork: bool = True, **variables: str
) -> AsyncIterator[Company]:
    async with (
        running(folder, *SETTINGS, command=command, is_fork=is_fork, variables=variables) as server,
        AsyncExitStack() as stack,
    ):
        here = Company(server, stack)
        try:
            yield here
        finally:
            await here.go()


SCENES = Scenes(at_once=6)
run_scene = SCENES.fixture()


# A process that stands still


async def stand_still_among_players(folder: Path, command: Sequence[str] = COMMAND) -> None:
    async with company(folder, command) as here:
        players = [await here.come(f"Player {n}", is_playing=True) for n in range(3)]
        idle = await here.come("Warned before")
        warned_at = await idle.until("warning")
        fresh = await here.come("Just fell idle")
        dropped = await here.come("Lost the connection")
        dropped.tab.socket.transport.abort()
        await asyncio.sleep(0.1)
        assert await here.status("Lost the connection") == (200, "reconnecting")

        stopped_at = monotonic()
        if stopped_at - warned_at > WARN_BEFORE / 2:
            raise TooLate
        await here.server.stand_still(IDLE_TIMEOUT + 2)
        went_on_at = monotonic()
        back = await here.open("Lost the connection", is_playing=True)

        # Playing sessions are not even warned, and dropped ones reconnected within the grace.
        # The idle ones are warned, have the whole time of the warning, and end.
        await asyncio.gather(idle.until("signed_out"), fresh.until("signed_out"))
        heard = stopped_at - warned_at + idle.when("signed_out") - went_on_at
        assert heard >= WARN_BEFORE - OWN_LAG
        assert fresh.when("warning") > went_on_at
        assert fresh.when("signed_out") - fresh.when("warning") >= WARN_BEFORE - OWN_LAG
        for name in ("Warned before", "Just fell idle"):
            assert await here.status(name) == (401, "idle_timeout")
        assert (idle.code, fresh.code) == (4501, 4501)
        for recorder in (*players, back):
            assert recorder.was_never_warned(), recorder.met
            assert recorder.code is None
        for name in ("Player 0", "Player 1", "Player 2", "Lost the connection"):
            assert await here.status(name) == (200, "active")


@SCENES.test
async def test_a_stopped_process_signs_out_no_active_player(folder: Path) -> None:
    await stand_still_among_players(folder)


@SCENES.test
async def test_a_stopped_process_on_the_asyncio_loop_signs_out_no_active_player(
    folder: Path,
) -> None:
    await stand_still_among_players(folder, ON_ASYNCIO)


async def stutter(folder: Path, command: Sequence[str] = COMMAND) -> None:
    async with company(folder, command) as here:
        players = [await here.come(f"Player {n}", is_playing=True) for n in range(3)]
        idle = await here.come("Idle")
        for pause in (0.9 * STALL, 1.1 * STALL, 2 * STALL, 0.1, 0.95 * STALL):
            await here.server.stand_still(pause)
            await asyncio.sleep(0.03)
        await idle.until("signed_out")
        assert idle.when("signed_out") - idle.when("warning") >= WARN_BEFORE - OWN_LAG
        for recorder in players:
            assert recorder.was_never_warned(), recorder.met


@SCENES.test
async def test_many_stops_in_a_row_sign_out_no_active_player(folder: Path) -> None:
    await stutter(folder)


@SCENES.test
async def test_many_stops_in_a_row_on_the_asyncio_loop_sign_out_no_active_player(
    folder: Path,
) -> None:
    await stutter(folder, ON_ASYNCIO)


@SCENES.test
async def test_a_stopped_client_is_idle(folder: Path) -> None:
    """A laptop that is closed during a game: only the server's clock counts."""
    player = (
        "import sys, time; from websockets.sync.client import connect\n"
        "with connect(sys.argv[1], additional_headers={'Cookie': sys.argv[2]}) as tab:\n"
        "    print('here', flush=True)\n"
        "    while True:\n"
        '        tab.send(\'{"type":"ping"}\')\n'
        "        time.sleep(0.1)\n"
    )
    async with company(folder) as here:
        cookie = here.cookies["Ada"] = await here.server.sign_in("Ada")
        url = here.server.url.replace("http", "ws") + "/ws"
        command = ("-c", player, url, f"session={cookie}")
        with (folder / "player.log").open("wb") as log:
            process = await fork(command, folder, environment(), log)
        try:
            assert process.stdout is not None
            await within(TIMEOUT, process.stdout.readline())
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(IDLE_TIMEOUT / 4)
            process.send_signal(signal.SIGCONT)
            await asyncio.sleep(0.3)
            assert await here.status("Ada") == (200, "active")
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(IDLE_TIMEOUT - 0.4)
            assert (await here.status("Ada"))[0] == 200
            await asyncio.sleep(0.6)
            assert await here.status("Ada") == (401, "idle_timeout")
        finally:
            process.kill()
            await process.communicate()


# A loop that is blocked


class Blocker(asyncio.Protocol):
    """Blocks the loop when it receives something."""

    def __init__(self, seconds: float) -> None:
        self.is_over = asyncio.Event()
        self.is_closed = asyncio.Event()
        self._seconds = seconds

    def data_received(self, data: bytes) -> None:
        time.sleep(self._seconds)
        self.is_over.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed.set()


def left(server: LiveServer, visitor: Visitor) -> float:
    """Seconds of presence time until a session ends."""
    here = server.still_here
    return visitor.session.expires_in(here.registry.policy, here.clock.now())


async def block(server: LiveServer, seconds: float) -> None:
    """Block the loop while it reads sockets: uvloop then calls its timers, and reads on."""
    near, far = socket.socketpair()
    loop = asyncio.get_running_loop()
    server.still_here.clock.now()  # so that only this pause counts
    transport, blocker = await loop.create_connection(lambda: Blocker(seconds), sock=near)
    with far:
        far.send(b".")
        await blocker.is_over.wait()
    # uvloop closes the socket in one of its next turns, which may not come.
    transport.close()
    near.close()
    await blocker.is_closed.wait()


class Outsider:
    """A client in a thread of its own, which runs while the loop is blocked."""

    def __init__(self, server: LiveServer, cookie: str) -> None:
        reached = socket.create_connection(("127.0.0.1", server.port))
        self.reached_at = monotonic()
        self.socket = connect_blocking(
            f"ws://127.0.0.1:{server.port}/ws",
            sock=reached,
            additional_headers={"Cookie": f"session={cookie}"},
            compression=None,
            # Its thread would outlive the test, and use `random` during other tests.
            ping_interval=None,
            proxy=None,
            legacy=True,
        )

    def ping_at(self, instant: float) -> float:
        """Return a time at or after the sending."""
        time.sleep(max(instant - monotonic(), 0.0))
        self.socket.send('{"type":"ping"}')
        return monotonic()

    def close(self) -> None:
        self.socket.socket.close()


@pytest.fixture
async def hurried(tmp_path: Path) -> AsyncIterator[LiveServer]:
    """A server in real time with an idle timeout of 0.9 s."""
    async with run_server(
        tmp_path / "test.db",
        SystemClock(),
        away_after=0.3,
        warn_before=0.4,
        idle_timeout=0.9,
        reconnect_grace=0.5,
        reload_grace=0.5,
    ) as running:
        yield running


@pytest.mark.both_loops
@pytest.mark.parametrize("blocked", [0.9 * STALL, 1.1 * STALL])
async def test_a_ping_in_time_counts_however_late_it_is_read(
    hurried: LiveServer, blocked: float
) -> None:
    names = map("Ada {}".format, count())
    await run_in_time(lambda: pings_in_time(hurried, next(names), blocked))


async def pings_in_time(server: LiveServer, name: str, blocked: float) -> None:
    """Block the loop from before until after the deadline of a player, whose ping comes before it.
    Raises TooLate if it came later."""
    ada = await server.guest(name)
    outsider = await asyncio.to_thread(Outsider, server, ada.cookie)
    try:
        await asyncio.to_thread(outsider.ping_at, monotonic())
        await until(lambda: left(server, ada) < 0.2)
        began, has = monotonic(), left(server, ada)
        if has < 0.1:
            raise TooLate
        assert ada.session.status == "warned"
        before = ada.session.last_activity
        sender = asyncio.get_running_loop().run_in_executor(None, outsider.ping_at, began + 0.05)
        await block(server, blocked)
        if await sender > began + has:
            raise TooLate
        await until(lambda: ada.session.last_activity > before or ada.session.ended is not None)
        assert ada.session.ended is None
        assert ada.session.status == "active"
    finally:
        await asyncio.to_thread(outsider.close)


@pytest.mark.both_loops
@pytest.mark.parametrize("blocked", [0.9 * STALL, 1.1 * STALL])
async def test_a_return_within_the_grace_counts_however_late_it_is_noticed(
    hurried: LiveServer, blocked: float
) -> None:
    names = map("Ada {}".format, count())
    await run_in_time(lambda: comes_back_in_time(hurried, next(names), blocked))


async def comes_back_in_time(server: LiveServer, name: str, blocked: float) -> None:
    """Block the loop from before until after the end of a player's grace, who reconnects before it.
    Raises TooLate if that was later."""
    ada = await server.guest(name)
    session, clock = ada.session, server.still_here.clock
    outsider = await asyncio.to_thread(Outsider, server, ada.cookie)
    await asyncio.to_thread(outsider.ping_at, monotonic())
    await asyncio.to_thread(outsider.close)
    await until(lambda: session.status == "reconnecting")
    await until(lambda: session.grace_until - clock.now() < 0.2)
    told: list[Any] = []
    server.still_here.stream.subscribe(told.append)
    began, has = monotonic(), session.grace_until - clock.now()
    back = None
    try:
        comes = asyncio.get_running_loop().run_in_executor(None, Outsider, server, ada.cookie)
        await block(server, blocked)
        back = await comes
        # The same thread sends the request right after.
        if back.reached_at > began + has - 0.05:
            raise TooLate
        own = [each for each in told if getattr(each, "player_id", None) == session.player.id]
        assert "offline" not in [each.after for each in own if hasattr(each, "after")]
        assert session.connections == 1
    finally:
        if back is not None:
            await asyncio.to_thread(back.close)


# A wall clock that jumps


class WallClock:
    """libfaketime: the time of day of a process. Its monotonic clocks are the real ones, as when a
    machine's clock is set."""

    def __init__(self, folder: Path) -> None:
        if not LIBFAKETIME:
            pytest.fail(
                "libfaketime is not there, and without it nobody can set a running server's clock: "
                "apt-get install faketime (scripts/test does, as root on Debian)"
            )
        self._file = folder / "wall-clock"
        self.variables = {
            "LD_PRELOAD": str(LIBFAKETIME[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.step_to(0)

    def step_to(self, seconds: int) -> None:
        """Set it to this many seconds ahead of the true time."""
        written = self._file.with_suffix(".new")
        written.write_text(f"{seconds:+d}\n")
        written.rename(self._file)


async def plays_on(players: Sequence[Recorder], seconds: float) -> None:
    """Check that the playing ones get answers and stay signed in. On a busy machine their own pings
    can come late enough for a warning."""
    for player in players:
        player.met.clear()
    await asyncio.sleep(seconds)
    for player in players:
        await player.until("pong")
        heard = {what for what, _ in player.met}
        assert heard <= {"pong", "warning", "extended"}
        assert player.code is None


async def shown_times(here: Company, name: str) -> list[float]:
    """Every instant that a player is shown: the session's, then the history's, oldest first; as
    Unix time."""
    async with here.server.visitor(here.cookies[name]) as client:
        (session,) = (await client.get("/api/sessions")).json()["sessions"]
        player = (await client.get("/api/session")).json()["player"]["id"]
        history = (await client.get(f"/api/players/{player}/history")).json()["changes"]
    texts = [session["created_at"], session["last_activity_at"]]
    texts += [change["at"] for change in reversed(history)]
    return [datetime.fromisoformat(text).astimezone(UTC).timestamp() for text in texts]


@SCENES.test
async def test_a_step_of_the_wall_clock_ends_no_session_and_refuses_no_cookie(
    folder: Path,
) -> None:
    wall = WallClock(folder)
    async with company(folder, is_fork=False, **wall.variables) as here:
        players = [await here.come(f"Player {n}", is_playing=True) for n in range(3)]
        await here.come("On true time", is_playing=True)
        sat_down: list[tuple[Recorder, float]] = []
        for number, step in enumerate((-5, 3600, 0)):
            idle_since = monotonic()
            sat_down.append((await here.come(f"Idle {number}"), idle_since))
            wall.step_to(step)
            await plays_on(players, 0.7)
            name = f"Signed in at {step:+d} s"
            signs_in_at = time.time()
            players.append(await here.come(name, is_playing=True))
            for each in here.cookies:
                if not each.startswith("Idle"):
                    assert await here.status(each) == (200, "active"), each
            created, last_activity, *_ = await shown_times(here, name)
            for at in (created, last_activity):
                in_new_time = signs_in_at - 1 < at - step < time.time() + 1
                assert in_new_time, "new instants are told in the new time"
            created, *_ = await shown_times(here, "On true time")
            assert abs(created - step - time.time()) < 60, "and old ones too"
        # The idle ones are warned and end when they would have ended.
        for idle, idle_since in sat_down:
            await idle.until("signed_out")
            lasted = idle.when("signed_out") - idle_since
            assert IDLE_TIMEOUT - OWN_LAG <= lasted < IDLE_TIMEOUT + 10
            assert idle.when("signed_out") - idle.when("warning") >= WARN_BEFORE - OWN_LAG
        for number in range(3):
            written = rows(
                folder / "stillhere.db",
                "SELECT c.status FROM status_changes c JOIN players p ON p.id = c.player_id"
                " WHERE p.name = ? ORDER BY c.id",
                f"Idle {number}",
            )
            assert written == [("active",), ("away",), ("warned",), ("offline",)]
        assert await here.server.stop() == 0

    # A restart with the clock set back: sessions and cookies are still valid.
    wall.step_to(-3600)
    async with company(folder, is_fork=False, **wall.variables) as again:
        again.cookies = here.cookies
        for each in here.cookies:
            gone = each.startswith("Idle")
            expected = (401, "idle_timeout") if gone else (200, "reconnecting")
            assert await again.status(each) == expected, each
        back = await again.open("Player 0", is_playing=True)
        await plays_on([back], 0.5)
