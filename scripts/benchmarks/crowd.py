"""A lobby watched by thousands: some join and leave, and all become away, or are signed out, at
once.

The watchers count messages without parsing them as JSON, so that the client, on the other
processor, keeps up.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median

from scripts.benchmarks import targets
from scripts.benchmarks.children import MeasurementError, Served, bystander, still_here, trips_of
from scripts.benchmarks.figure import Row, Scale
from scripts.benchmarks.machine import processor_seconds
from scripts.benchmarks.players import Socket, fetch, open_socket, open_sockets, sign_in
from scripts.idle_players.rules import ROUNDING
from server.wire.messages import LOBBY, Watch

_STEADY = 600.0
"""Seconds without sign-outs, and without players becoming away if that is not measured."""

_AWAY_AFTER = 5.0
_QUIET = 1.5
"""Seconds. Longer than any pause between two fan-outs."""

_BEGINNING = 0.5
"""Seconds after which the due players have begun to become away."""

_PACING = 1.0
"""Seconds over which some join, and over which they leave."""

_IDLE_TIMEOUT, _WARN_BEFORE = 8.0, 3.0
"""Seconds, where all are signed out; half of the first is the time to `away`."""

_LEAVING = 0.1
"""Seconds over which the last pings of those who are signed out are spread."""

_OVERTIME = 20.0
"""Seconds after the last deadline to wait until all have been seen to leave."""

_TIMEOUT = 60.0


class Watcher(Socket):
    """Watches the lobby; records its size in the last message, when that came, and the bytes
    received."""

    def __init__(self) -> None:
        super().__init__()
        self.total = self.size = 0
        self.told_at = 0.0
        self.closed_at = 0.0

    def on_open(self) -> None:
        self.say(Watch(LOBBY))

    def on_message(self, payload: bytes) -> None:
        super().on_message(payload)
        self.size += len(payload)
        self.told_at = time.monotonic()
        _, _, total = payload[-20:].partition(b'"total":')
        if total:
            self.total = int(total.rstrip(b"}"))

    def on_close(self, code: int) -> None:
        self.closed_at = time.monotonic()

    def on_lost(self) -> None:
        self.closed_at = self.closed_at or time.monotonic()


@asynccontextmanager
async def _watchers(served: Served, cookies: list[str]) -> AsyncIterator[list[Watcher]]:
    """Open a socket for each of `cookies`, and wait until all are quiet."""
    watchers = await open_sockets(served.port, Watcher, cookies)
    try:
        await _quiet(watchers)
        yield watchers
    finally:
        for watcher in watchers:
            if not watcher.closed_at:
                watcher.leave()


async def _quiet(watchers: list[Watcher]) -> float:
    """Wait until no watcher has received anything for a while; return when the last one did."""
    give_up = time.monotonic() + _TIMEOUT
    while True:
        last = max(watcher.told_at for watcher in watchers)
        now = time.monotonic()
        if last and now - last > _QUIET:
            return last
        if now > give_up:
            raise MeasurementError(f"the watchers were told of changes for {_TIMEOUT:g} s")
        await asyncio.sleep(0.1)


# Some join and leave


@dataclass(frozen=True, slots=True)
class Told:
    """Seconds until all watchers were told, bytes for each of them, and CPU seconds."""

    after: float
    size: float
    cost: float


async def joins(scale: Scale) -> list[Row]:
    """Rows: some players join thousands of watchers within a second, and leave again."""
    watching, joining = scale.watchers, scale.joiners
    with still_here(
        away_after=_STEADY / 2, idle_timeout=_STEADY, warn_before=1, reload_grace=0
    ) as served:
        cookies = await sign_in(served.port, watching + joining)
        for cookie in cookies[watching:]:
            await _leave_the_lobby(served.port, cookie)
        async with _watchers(served, cookies[:watching]) as watchers:
            _check_total(watchers, watching)
            opened: list[Watcher] = []

            async def join(number: int) -> None:
                cookie = cookies[watching + number]
                opened.append(await open_socket(served.port, Watcher, cookie=cookie))

            async def leave(number: int) -> None:
                opened[number].close()

            joined = await _told(served, watchers, join, joining, watching + joining)
            await _quiet(watchers)
            left = await _told(served, watchers, leave, joining, watching)
    return [
        _row(f"{joining} join {watching:,} who watch: all told", joined, targets.JOINED_SIZE),
        _row("... and leave again: all told", left, targets.LEFT_SIZE),
    ]


async def _leave_the_lobby(port: int, cookie: str) -> None:
    """Leave: a signed-in player is here even without a socket, until the page says that it
    closes."""
    response = await fetch(port, "/api/session/leave", "POST", cookie=cookie)
    if response.status != 204:
        raise MeasurementError(f"a session was not left: {response.status}")


def _check_total(watchers: list[Watcher], expected: int) -> None:
    others = {watcher.total for watcher in watchers} - {expected}
    if others:
        raise MeasurementError(f"watchers were told of {sorted(others)} players, not {expected}")


async def _told(
    served: Served,
    watchers: list[Watcher],
    act: Callable[[int], Coroutine[None, None, None]],
    count: int,
    total: int,
) -> Told:
    """Measure the notification of `count` acts, spread over a second, that result in `total`
    players."""
    for watcher in watchers:
        watcher.size = 0
    before, began = processor_seconds(served.pid), time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            await asyncio.sleep(max(began + _PACING * number / count - time.monotonic(), 0.0))
            group.create_task(act(number))
    while any(watcher.total != total for watcher in watchers):
        if time.monotonic() - began > _TIMEOUT:
            _check_total(watchers, total)
        await asyncio.sleep(0.002)
    after = max(watcher.told_at for watcher in watchers) - began
    size = sum(watcher.size for watcher in watchers) / len(watchers)
    return Told(after, size, processor_seconds(served.pid) - before)


def _row(what: str, told: Told, size: targets.Target) -> Row:
    return Row(
        what,
        [targets.JOINED_LAST.check(told.after), size.check(told.size)],
        f"{told.after:.2f} s, {told.size:,.0f} B",
        f"{_PACING:.2f} s",
        told.after / _PACING,
        [
            f"the baseline is the time over which they do; bytes are those for each who watches; "
            f"server CPU {told.cost:.2f} s"
        ],
        {"seconds": told.after, "bytes": told.size, "cpu": told.cost},
    )


# All go away


async def wave(scale: Scale) -> list[Row]:
    """Row: a bystander's worst ping while all watchers become away at once and are told so."""
    count = scale.watchers
    worst: list[float] = []
    took: list[float] = []
    sizes: list[float] = []
    for _ in range(scale.storm_rounds):
        with still_here(
            away_after=_AWAY_AFTER, idle_timeout=_STEADY, warn_before=1, max_messages_per_second=0
        ) as served:
            cookies = await sign_in(served.port, count + 1)
            with bystander(served.port, cookies.pop()) as process:
                async with _watchers(served, cookies) as watchers:
                    for watcher in watchers:
                        watcher.ping()
                    began = time.monotonic()
                    await _quiet(watchers)
                    for watcher in watchers:
                        watcher.size = 0
                    await asyncio.sleep(began + _AWAY_AFTER + _BEGINNING - time.monotonic())
                    last = await _quiet(watchers)
                    lost = sum(bool(watcher.closed_at) for watcher in watchers)
                trips = trips_of(process)
        if lost:
            raise MeasurementError(f"{lost} of those who watch lost their sockets")
        due = began + _AWAY_AFTER
        worst.append(max(trip for sent, trip in trips if due - 0.1 < sent < last))
        took.append(last - due)
        sizes.append(sum(watcher.size for watcher in watchers) / count)
    trip = median(worst)
    return [
        Row(
            f"{count:,} who watch go away at once: a bystander's worst ping",
            [targets.WAVE_TRIP.check(trip * 1e3)],
            f"{trip * 1e3:.0f} ms",
            notes=[
                f"median of {len(worst)} rounds: "
                + ", ".join(f"{each * 1e3:.0f}" for each in worst)
                + f"; the last was told {median(took):.2f} s after they were due, "
                f"{median(sizes):,.0f} bytes each, no socket lost"
            ],
            figures={"worst_trips": worst, "seconds": took, "bytes": sizes},
        )
    ]


# All are signed out


class Staying(Watcher):
    """Records when it was told that it is alone."""

    def __init__(self) -> None:
        super().__init__()
        self.alone_at = 0.0

    def on_message(self, payload: bytes) -> None:
        super().on_message(payload)
        if self.total == 1 and not self.alone_at:
            self.alone_at = time.monotonic()


async def lobby(scale: Scale) -> list[Row]:
    """Row: the time until a watcher has seen all others signed out, who watch too."""
    rounds = [await _sign_out_all(scale.leaving) for _ in range(scale.storm_rounds)]
    seen = median(after for after, _, _ in rounds)
    pinging = median(pinging for _, pinging, _ in rounds)
    early = sum(early for _, _, early in rounds)
    return [
        Row(
            f"{scale.leaving:,} expire in a lobby, which all watch: all seen",
            [targets.LOBBY_LAST.check(seen), targets.EARLY.check(early)],
            f"{seen:.3f} s",
            f"{pinging:.3f} s",
            seen / pinging,
            [
                f"by one who stays, after the first deadline; median of {len(rounds)} rounds: "
                + ", ".join(f"{after:.3f}" for after, _, _ in rounds)
                + f"; the baseline is the time that their last pings took; {early} early"
            ],
            {"rounds": rounds},
        )
    ]


async def _sign_out_all(count: int) -> tuple[float, float, int]:
    """Return the seconds from the first deadline until all were seen to leave, those from the first
    of their last pings to the last, and how many were signed out early."""
    with still_here(
        away_after=_IDLE_TIMEOUT / 2,
        idle_timeout=_IDLE_TIMEOUT,
        warn_before=_WARN_BEFORE,
        reload_grace=0,
        max_messages_per_second=0,
    ) as served:
        cookies = await sign_in(served.port, count + 1)
        staying = await open_socket(served.port, Staying, cookie=cookies.pop())
        async with _watchers(served, cookies) as watchers:
            _check_total([*watchers, staying], count + 1)
            staying.alone_at = 0.0
            pinged_at = await _ping_all(watchers)
            first, last = pinged_at[0], pinged_at[-1]
            while not staying.alone_at:
                if time.monotonic() > last + _IDLE_TIMEOUT + _OVERTIME:
                    raise MeasurementError(f"{staying.total} players were left in the lobby")
                staying.ping()
                await asyncio.sleep(0.25)
            early = sum(
                bool(watcher.closed_at) and watcher.closed_at - pinged < _IDLE_TIMEOUT - ROUNDING
                for watcher, pinged in zip(watchers, pinged_at, strict=True)
            )
        staying.leave()
    return staying.alone_at - first - _IDLE_TIMEOUT, last - first, early


async def _ping_all(watchers: list[Watcher]) -> list[float]:
    """Ping for the last time from each; return when each did."""
    began = time.monotonic()
    pinged_at = []
    for number, watcher in enumerate(watchers):
        ahead = began + _LEAVING * number / len(watchers) - time.monotonic()
        if ahead > 0.001:
            await asyncio.sleep(ahead)
        pinged_at.append(time.monotonic())
        watcher.ping()
    return pinged_at
