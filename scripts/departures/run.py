"""Players who leave, each in one of the ways, and what the lobby saw."""

import asyncio
import random
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import NoneType
from typing import Any

from scripts.departures.relay import Relay
from scripts.departures.server import DepartureServer, NotMeasured
from scripts.departures.watcher import LEFT, Watcher
from scripts.departures.ways import IN_SILENCE, WAYS, Grace, Sight, Verdict, Way
from scripts.server_process import ROOT
from server.client import CallRefused, Calls, Connection
from server.wire.messages import LOBBY, Ping, Watch
from server.wire.views import SessionView

IDLE = {"away_after": 1.0, "warn_before": 2.0, "idle_timeout": 4.0}
LIFETIME = IDLE | {"session_lifetime": 6.0}
QUICK = {"reload_grace": 1.2, "reconnect_grace": 1.5}
"""Settings for ways that depend only on these, or on nothing that takes longer."""

QUICK_WAYS = ("signed-out", "page", "beacon", "closed", "crashed", "reset")

_MORE = 15.0
"""Seconds to wait beyond the bound, to tell by how much it was missed."""

_WRITING = 0.5
"""Seconds until what the lobby was told is on the disk too."""

_CROWD = 800
_SMALL = 4096
_Report = Callable[[str], None]


@dataclass(frozen=True)
class Player:
    """A signed-in player."""

    id: str
    calls: Calls


@dataclass
class Place:
    """A server, and the watcher of its lobby."""

    server: DepartureServer
    watcher: Watcher
    stack: AsyncExitStack

    async def player(self, name: str) -> Player:
        calls = Calls(self.server.address)
        try:
            view = await calls.call("POST", "/api/guests", SessionView, body={"name": name})
        except CallRefused as refused:
            raise NotMeasured(f"nobody can sign in: {refused}") from None
        return Player(view.player.id, calls)

    async def tab(self, player: Player, port: int = 0, **options: Any) -> Connection:
        """Open a socket, through `port` if given, and wait for its `hello`."""
        address = replace(player.calls.address, port=port or self.server.address.port)
        tab = await Connection.open(address, player.calls.cookie, **options)
        # Not `close`, which would wait for a peer that is dead.
        self.stack.callback(tab.abort)
        await tab.receive()
        return tab

    async def relay(self) -> tuple[Relay, int]:
        relay = Relay(self.server.address.port)
        port = await relay.start()
        self.stack.push_async_callback(relay.stop)
        return relay, port

    async def process(self, player: Player, port: int = 0) -> asyncio.subprocess.Process:
        """Start a tab in a process of its own."""
        address = replace(player.calls.address, port=port or self.server.address.port)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "scripts.departures.tab", address.url, player.calls.cookie,
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.stack.push_async_callback(_end, process)
        assert process.stdout is not None
        if not await process.stdout.readline():
            raise NotMeasured("a tab in a process of its own could not connect")
        return process

    async def sight(self, way: Way, player: Player, since: float, wall: float) -> Sight:
        """Return what was seen of a player who left at `since` (monotonic), Unix time `wall`."""
        policy = self.server.policy
        await self.watcher.until(player.id, LEFT, since, way.offline(policy) + _MORE)
        await asyncio.sleep(_WRITING)
        at = self.server.noticed(player.id, wall * 1000 - 2)
        return Sight(
            None if at is None else max(at - wall, 0.0),
            self.watcher.when(player.id, "reconnecting", since),
            self.watcher.when(player.id, LEFT, since),
        )


@asynccontextmanager
async def _place(folder: Path, **settings: float) -> AsyncIterator[Place]:
    async with AsyncExitStack() as stack:
        server = DepartureServer(folder, **settings)
        await server.start()
        stack.push_async_callback(server.stop)
        watcher = Watcher(server)
        await watcher.start()
        stack.push_async_callback(watcher.stop)
        yield Place(server, watcher, stack)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.communicate()


# The ways. Each prepares a player, and returns a function that makes them leave.

_Leave = Callable[[], Awaitable[object]]


async def _signs_out(place: Place, player: Player, number: int) -> _Leave:
    await place.tab(player)
    path = "/api/sessions" if number % 2 else "/api/session"
    return lambda: player.calls.call("DELETE", path, NoneType)


async def _closes_the_page(place: Place, player: Player, number: int) -> _Leave:
    tab = await place.tab(player)

    async def leave() -> None:
        await player.calls.call("POST", "/api/session/leave", NoneType)
        await tab.close(1001)

    return leave


async def _sends_a_beacon_and_ends(place: Place, player: Player, number: int) -> _Leave:
    tab = await place.tab(player)

    async def leave() -> None:
        await player.calls.call("POST", "/api/session/leave", NoneType)
        tab.socket.transport.abort()

    return leave


async def _closes_the_socket(place: Place, player: Player, number: int) -> _Leave:
    tab = await place.tab(player)
    return lambda: tab.close(1000)


async def _crashes(place: Place, player: Player, number: int) -> _Leave:
    process = await place.process(player)

    async def leave() -> None:
        process.kill()

    return leave


async def _resets(place: Place, player: Player, number: int) -> _Leave:
    tab = await place.tab(player)

    async def leave() -> None:
        raw = tab.socket.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        tab.socket.transport.abort()

    return leave


async def _loses_its_cable(place: Place, player: Player, number: int) -> _Leave:
    relay, port = await place.relay()
    await place.tab(player, port)
    await _any_moment(relay, number)

    async def leave() -> None:
        relay.die()

    return leave


async def _freezes(place: Place, player: Player, number: int) -> _Leave:
    relay, port = await place.relay()
    process = await place.process(player, port)
    await _any_moment(relay, number)

    async def leave() -> None:
        process.send_signal(signal.SIGSTOP)

    return leave


async def _stops_reading(place: Place, player: Player, number: int) -> _Leave:
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)
    narrow.setblocking(False)
    address = (player.calls.address.host, player.calls.address.port)
    await asyncio.get_running_loop().sock_connect(narrow, address)
    tab = await place.tab(player, sock=narrow)

    async def leave() -> None:
        tab.socket.transport.pause_reading()
        # Six MiB of rosters: the kernel buffers four.
        for _ in range(90):
            await tab.send(Watch(topic=LOBBY))

    return leave


async def _any_moment(relay: Relay, number: int) -> None:
    """Let every other player leave at the worst moment: just after answering the server's ping."""
    if number % 2:
        await asyncio.sleep(random.uniform(0, 20))
    else:
        async with asyncio.timeout(2 * IN_SILENCE):
            await relay.answered.wait()


_READY: dict[str, Callable[[Place, Player, int], Awaitable[_Leave]]] = {
    "signed-out": _signs_out,
    "page": _closes_the_page,
    "beacon": _sends_a_beacon_and_ends,
    "closed": _closes_the_socket,
    "crashed": _crashes,
    "reset": _resets,
    "cable": _loses_its_cable,
    "frozen": _freezes,
    "unread": _stops_reading,
}


# The run


async def measure(
    folder: Path, ways: Sequence[Way], repetitions: int, report: _Report, **settings: float
) -> list[Verdict]:
    """Measure each of `ways` concurrently; those of clients on one server."""
    async with asyncio.TaskGroup() as group:
        tasks: list[asyncio.Task[list[Verdict]]] = []
        by_clients = [way for way in ways if way.key in _READY]
        if by_clients:
            tasks.append(
                group.create_task(_clients(folder / "clients", by_clients, repetitions, settings))
            )
        for way in ways:
            match way.key:
                case "killed" | "stopped":
                    signal_ = signal.SIGKILL if way.key == "killed" else signal.SIGTERM
                    work = _restart(folder / way.key, way, signal_, repetitions, settings)
                case "idle":
                    work = _end_of_time(folder / way.key, way, IDLE, repetitions)
                case "lifetime":
                    work = _end_of_time(folder / way.key, way, LIFETIME, repetitions)
                case _:
                    continue
            tasks.append(group.create_task(work))
        for task in tasks:
            task.add_done_callback(lambda done: _tell(done, report))
    verdicts = {each.way.key: each for task in tasks for each in task.result()}
    return [verdicts[way.key] for way in ways]


def _tell(done: "asyncio.Task[list[Verdict]]", report: _Report) -> None:
    if not done.cancelled() and done.exception() is None:
        for verdict in done.result():
            report(verdict.way.key)


async def _clients(
    folder: Path, ways: Sequence[Way], repetitions: int, settings: dict[str, float]
) -> list[Verdict]:
    async with _place(folder, **settings) as place:
        if any(way.key == "unread" for way in ways):
            for number in range(_CROWD):
                await place.player(f"one of the crowd, number {number}")

        async def one(way: Way, number: int) -> Sight:
            player = await place.player(f"{way.key} {number}")
            leave = await _READY[way.key](place, player, number)
            await place.watcher.until_here(player.id)
            since, wall = time.monotonic(), time.time()
            await leave()
            return await place.sight(way, player, since, wall)

        async def all_of(way: Way) -> Verdict:
            sights = await asyncio.gather(*(one(way, each) for each in range(repetitions)))
            return Verdict(way, place.server.policy, sights)

        return list(await asyncio.gather(*map(all_of, ways)))


async def _restart(
    folder: Path, way: Way, how: int, repetitions: int, settings: dict[str, float]
) -> list[Verdict]:
    """Measure one restart; all players are lost at once, and only the watcher comes back."""
    async with _place(folder, **settings) as place:
        players = [await place.player(f"{way.key} {each}") for each in range(repetitions)]
        for player in players:
            await place.tab(player)
            await place.watcher.until_here(player.id)
        await place.server.stop(how)
        await place.server.start()
        since, wall = time.monotonic(), time.time()
        # The players were `reconnecting` already while the server started.
        sights = [await place.sight(way, player, since, wall) for player in players]
        found = [replace(each, noticed=0.0, reconnecting=each.reconnecting) for each in sights]
        return [Verdict(way, place.server.policy, found)]


async def _end_of_time(
    folder: Path, way: Way, settings: dict[str, float], repetitions: int
) -> list[Verdict]:
    """Measure players who stay until the server signs them out."""
    async with _place(folder, **settings) as place:

        async def one(number: int) -> Sight:
            player = await place.player(f"{way.key} {number}")
            since, wall = time.monotonic(), time.time()
            tab = await place.tab(player)
            if way.grace is Grace.IDLE:
                await tab.send(Ping())
                since, wall = time.monotonic(), time.time()
                return await place.sight(way, player, since, wall)
            pinging = asyncio.create_task(_play(tab))
            try:
                return await place.sight(way, player, since, wall)
            finally:
                pinging.cancel()

        sights = await asyncio.gather(*map(one, range(repetitions)))
        return [Verdict(way, place.server.policy, sights)]


async def _play(tab: Connection) -> None:
    while True:
        await tab.send(Ping())
        await asyncio.sleep(0.5)


def chosen(keys: Sequence[str]) -> list[Way]:
    """Return the ways with these keys, in their own order."""
    return [way for way in WAYS if way.key in keys]
