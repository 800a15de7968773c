"""Rooms: the lateness of ticks in many running matches, and the cost of idle matches.

The players are sockets of this process, on the other processor. They read what they are sent and
never steer: after a few seconds of silence the server's bot does, which is to be measured. When a
match ends, its first player starts the next.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

from scripts import terminal
from scripts.benchmarks.children import MeasurementError, Served, still_here
from scripts.benchmarks.figure import Row, print_table, quantile
from scripts.benchmarks.machine import Neighbours, as_client, describe, processor_seconds
from scripts.benchmarks.players import Socket, fetch, open_sockets, sign_in
from scripts.benchmarks.targets import Criterion
from scripts.environment import NO_RUN
from scripts.errors import first_error
from scripts.server_process import exit_on_sigterm
from server.games.snake_arena import TICKS_A_SECOND
from server.wire.messages import Join, Start

TICK = 1 / TICKS_A_SECOND
LATEST_P99 = 0.02
"""Seconds: the figure to be reached."""

_SETTLING = 15.0
"""Seconds until every countdown is over, and a bot steers every snake."""

_ONLOOKERS = 40
_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    arenas: int
    snakes: int
    idle_rooms: int
    seconds: float


class Player(Socket):
    """A socket that waits for messages, and can record their arrival."""

    def __init__(self) -> None:
        super().__init__()
        self.room = ""
        self.is_host = self.is_onlooker = False
        self.ticks_at: list[float] = []
        self.is_playing = asyncio.Event()

    def on_message(self, payload: bytes) -> None:
        super().on_message(payload)
        if self.is_playing.is_set() and not self.is_onlooker and not self.is_host:
            return
        if b'"state":"playing"' in payload:
            self.is_playing.set()
        elif self.is_host and b'"state":"over"' in payload:
            self.say(Start(room=self.room))
        if self.is_onlooker and b'"view"' in payload and b'"room_changed"' in payload:
            self.ticks_at.append(time.perf_counter())


@dataclass
class Lateness:
    """The ticks in `/metrics`: how many there were, and how many at most so late."""

    total: float = 0.0
    within: dict[float, float] = field(default_factory=dict)

    def since(self, before: "Lateness") -> "Lateness":
        return Lateness(
            self.total - before.total,
            {limit: count - before.within.get(limit, 0) for limit, count in self.within.items()},
        )

    def at(self, part: float) -> float:
        """Return the bound within which this share of the ticks came, in seconds."""
        for limit, count in sorted(self.within.items()):
            if count >= part * self.total:
                return limit
        return float("inf")


def run(plan: Plan) -> int:
    """Measure both; return the exit code."""
    exit_on_sigterm()
    console = terminal.console(140)
    for line in describe():
        console.print(line, style="dim", markup=False)
    neighbours = Neighbours()
    rows: list[Row] = []
    try:
        with as_client():
            if plan.arenas:
                with still_here(max_messages_per_second=0) as served:
                    rows += asyncio.run(_measure_arenas(served, plan))
            if plan.idle_rooms:
                with still_here() as served:
                    rows += asyncio.run(_measure_idle(served, plan))
    except (MeasurementError, OSError, TimeoutError, ExceptionGroup) as error:
        cause = first_error(error)
        if not isinstance(cause, MeasurementError | OSError | TimeoutError):
            raise
        console.print(f"NO RUN: {cause}", style="bold red", markup=False)
        return NO_RUN
    print_table(rows, console)
    console.print(f"others took {neighbours.share():.0%} of the machine meanwhile", style="dim")
    return 0


async def _measure_arenas(served: Served, plan: Plan) -> Sequence[Row]:
    rooms = await _gather(served, plan.arenas, plan.snakes, "snake-arena")
    for players in rooms:
        players[0].is_host = True
        players[0].say(Start(room=players[0].room))
        await asyncio.sleep(TICK / len(rooms))  # spread out, as in real use
    await _wait_for_start(rooms)
    await asyncio.sleep(_SETTLING)
    onlookers = [players[-1] for players in rooms[: min(_ONLOOKERS, len(rooms))]]
    for each in onlookers:
        each.is_onlooker = True
    before, spent = await _lateness(served), processor_seconds(served.pid)
    heard = sum(player.heard for players in rooms for player in players)
    began = time.perf_counter()
    await asyncio.sleep(plan.seconds)
    took = time.perf_counter() - began
    cpu = (processor_seconds(served.pid) - spent) / took
    heard = sum(player.heard for players in rooms for player in players) - heard
    late = (await _lateness(served)).since(before)
    gaps = [
        abs(later - earlier - TICK)
        for each in onlookers
        for earlier, later in zip(each.ticks_at, each.ticks_at[1:], strict=False)
        if later - earlier < 1.0  # between two matches
    ]
    if not late.total or not gaps:
        raise MeasurementError("no match ticked")
    what = f"{plan.arenas} arenas, {plan.snakes} snakes each"
    p99, arrived = late.at(0.99), quantile(gaps, 0.99)
    ticks = f"{late.total / took:,.0f} of {plan.arenas / TICK:,.0f} ticks a second"
    return [
        Row(
            f"{what}: lateness of ticks, p99",
            [Criterion(f"<= {LATEST_P99 * 1000:.0f} ms", p99 <= LATEST_P99)],
            f"<= {p99 * 1000:g} ms",
            notes=[
                f"{ticks}: some rooms are between two matches; "
                f"p99.9 <= {late.at(0.999) * 1000:g} ms"
            ],
        ),
        Row(
            f"{what}: gap between two ticks as players see it, p99",
            [],
            f"100 ms +- {arrived * 1000:.1f} ms",
            notes=[f"{heard / took:,.0f} messages a second to {plan.arenas * plan.snakes} sockets"],
        ),
        Row(f"{what}: processor", [], f"{cpu:.0%} of a core"),
    ]


async def _measure_idle(served: Served, plan: Plan) -> Sequence[Row]:
    sockets = await _connect(served, plan.idle_rooms * 2)
    window = min(plan.seconds, 20.0)
    await asyncio.sleep(5)
    alone = await _cost(served, window)
    rooms = await _seat(served, sockets, 2, "connect-four")
    await _wait_for_start(rooms)
    await asyncio.sleep(5)
    cost = await _cost(served, window)
    return [
        Row(
            f"{plan.idle_rooms} matches of Connect Four in which nobody moves: processor",
            [Criterion("near zero", cost - alone < 0.02)],
            f"{cost:.2%} of a core",
            f"{alone:.2%}",
            notes=["baseline: the same sockets before they had a room; each is pinged every 20 s"],
        )
    ]


async def _cost(served: Served, window: float) -> float:
    before, began = processor_seconds(served.pid), time.perf_counter()
    await asyncio.sleep(window)
    return (processor_seconds(served.pid) - before) / (time.perf_counter() - began)


# Players


async def _gather(served: Served, rooms: int, size: int, game: str) -> list[list[Player]]:
    return await _seat(served, await _connect(served, rooms * size), size, game)


async def _connect(served: Served, count: int) -> list[tuple[str, Player]]:
    cookies = await sign_in(served.port, count)
    players = await open_sockets(served.port, Player, cookies)
    return list(zip(cookies, players, strict=True))


async def _seat(
    served: Served, opened: list[tuple[str, Player]], size: int, game: str
) -> list[list[Player]]:
    """Seat players in rooms of `size`; the first of them opens the room."""
    rooms = []
    for start in range(0, len(opened), size):
        players = [player for _, player in opened[start : start + size]]
        answer = await fetch(
            served.port, "/api/rooms", "POST", {"game": game}, cookie=opened[start][0]
        )
        if answer.status != 201:
            raise MeasurementError(f"no room was opened: {answer.status}")
        room = json.loads(answer.body)["id"]
        for player in players:
            player.room = room
            player.say(Join(room=player.room))
        rooms.append(players)
    return rooms


async def _wait_for_start(rooms: list[list[Player]]) -> None:
    async with asyncio.timeout(_TIMEOUT):
        for players in rooms:
            await players[-1].is_playing.wait()


async def _lateness(served: Served) -> Lateness:
    text = (await fetch(served.port, "/metrics")).body.decode()
    found = Lateness()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "stillhere_tick_lateness_seconds_bucket":
                found.within[float(sample.labels["le"])] = sample.value
            elif sample.name == "stillhere_tick_lateness_seconds_count":
                found.total = sample.value
    return found
