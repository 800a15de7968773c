"""A server with a policy of seconds, and thousands of players on it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

from scripts.benchmarks.children import (
    MeasurementError,
    Served,
    baseline,
    bystander,
    still_here,
    trips_of,
)
from scripts.benchmarks.players import (
    SignInConnection,
    Socket,
    for_each,
    name_of,
    open_socket,
    sign_in_connection,
)
from scripts.idle_players.rules import ROUNDING

_OVERTIME = 20.0
"""Seconds after the last deadline to wait for players who were not signed out."""

_SETTLING = 0.1
"""Seconds after the last of the last pings until the bystander's pings count."""


class Player(Socket):
    """Records when it was warned and when it was closed, on the monotonic clock."""

    def __init__(self) -> None:
        super().__init__()
        self.pinged_at = self.warned_at = self.closed_at = 0.0
        self.closed = asyncio.get_running_loop().create_future()

    def on_message(self, payload: bytes) -> None:
        if b'"warning"' in payload[:30]:
            self.warned_at = time.monotonic()
        super().on_message(payload)

    def on_close(self, code: int) -> None:
        self.closed_at = time.monotonic()
        self.closed.set_result(None)

    def ping(self) -> None:
        self.pinged_at = time.monotonic()
        super().ping()


@dataclass(frozen=True, slots=True)
class Timing:
    """The server's policy, and the seconds over which the last pings are spread. `keep_alive`: the
    seconds between two pings of all players while the last ones are still arriving."""

    idle_timeout: float
    warn_before: float
    spread: float
    keep_alive: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What the clients saw, in seconds. `missing`: warnings and closes that did not come."""

    warned_late: list[float]
    closed_late: list[float]
    missing: int
    last_closed: float
    worst_trip: float
    pinging: float

    @property
    def late(self) -> list[float]:
        """Warnings and sign-outs together."""
        return self.warned_late + self.closed_late

    @property
    def early(self) -> int:
        """The number that came too early."""
        return sum(late < -ROUNDING for late in self.late)


# One server, thousands of players


async def watch(timing: Timing, count: int, *, is_ours: bool) -> Seen:
    """Have `count` players connect, ping for the last time, and be signed out, by our server or the
    plain one."""
    with ExitStack() as stack:
        served = stack.enter_context(
            _serve_ours(timing, count) if is_ours else _serve_plain(timing)
        )
        cookie = await _bystanders_cookie(served.port, count) if is_ours else "-"
        process = stack.enter_context(bystander(served.port, cookie, f"?name=p{count}"))
        async with _connected_players(
            served.port, count, timing.keep_alive, is_ours=is_ours
        ) as players:
            first, last = await _ping_for_the_last_time(players, timing.spread)
            await _wait_for_the_end(players, last + timing.idle_timeout + _OVERTIME)
        trips = trips_of(process)
    warnings = [player for player in players if player.warned_at]
    closings = [player for player in players if player.closed_at]
    over = max((player.closed_at for player in closings), default=float("inf"))
    warns_after = timing.idle_timeout - timing.warn_before
    return Seen(
        [player.warned_at - player.pinged_at - warns_after for player in warnings],
        [player.closed_at - player.pinged_at - timing.idle_timeout for player in closings],
        2 * count - len(warnings) - len(closings),
        over - first - timing.idle_timeout,
        max(
            (trip for sent, trip in trips if last + _SETTLING < sent < over),
            default=float("inf"),
        ),
        last - first,
    )


def _serve_ours(timing: Timing, count: int) -> AbstractContextManager[Served]:
    return still_here(
        idle_timeout=timing.idle_timeout,
        warn_before=timing.warn_before,
        away_after=min(timing.warn_before, timing.idle_timeout - timing.warn_before),
        max_messages_per_second=0,
        max_connections=count + 10,
    )


def _serve_plain(timing: Timing) -> AbstractContextManager[Served]:
    return baseline("plain", timing.idle_timeout, timing.warn_before)


async def _bystanders_cookie(port: int, number: int) -> str:
    async with sign_in_connection(port) as connection:
        return await connection.sign_in(f"Bystander {number}")


@asynccontextmanager
async def _connected_players(
    port: int, count: int, keep_alive: float, *, is_ours: bool
) -> AsyncIterator[list[Player]]:
    """Connect `count` players, all active a moment ago."""
    players: list[Player] = []

    async def connect(connection: SignInConnection | None, number: int) -> None:
        cookie = "" if connection is None else await connection.sign_in(name_of(number))
        players.append(await open_socket(port, Player, f"?name=p{number}", cookie))

    async def stay() -> None:
        while True:
            await asyncio.sleep(keep_alive)
            for player in players:
                player.ping()

    staying = asyncio.create_task(stay())
    try:
        if is_ours:
            await for_each(count, partial(sign_in_connection, port), connect)
        else:
            await for_each(count, nullcontext, connect)
    finally:
        staying.cancel()
    lost = sum(bool(player.closed_at or player.warned_at) for player in players)
    if lost:
        raise MeasurementError(f"{lost} players were warned or closed before all were connected")
    try:
        yield players
    finally:
        for player in players:
            if not player.closed_at:
                player.leave()


async def _ping_for_the_last_time(players: list[Player], spread: float) -> tuple[float, float]:
    """Return when the first and the last did."""
    await asyncio.sleep(1.0)  # until earlier pings have been handled
    began = time.monotonic()
    for number, player in enumerate(players):
        ahead = began + spread * number / len(players) - time.monotonic()
        if ahead > 0.001:
            await asyncio.sleep(ahead)
        player.ping()
    return began, time.monotonic()


async def _wait_for_the_end(players: list[Player], give_up: float) -> None:
    await asyncio.wait([player.closed for player in players], timeout=give_up - time.monotonic())
