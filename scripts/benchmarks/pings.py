"""Pings a second: ours against a bare ASGI echo on the same uvicorn.

Both have as many connections more that say nothing, each held by a process of its own: two times
15,000 are more than the open files of one.
"""

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from statistics import median

from scripts.benchmarks import targets
from scripts.benchmarks.children import Served, baseline, idle, still_here
from scripts.benchmarks.figure import Row, Scale
from scripts.benchmarks.machine import processor_seconds
from scripts.benchmarks.players import PING, Socket, open_sockets, sign_in

PLAYERS = 100
"""Sockets that ping again at each answer."""

_LIMIT = 100_000
"""Messages a second that a connection may send: none comes near it, and each is counted."""

_WARM_UP = 0.5
_BUSY = 0.9
"""The client's share of its processor above which it, not the server, may have been the limit."""


class Load:
    """Whether the sockets ping, and the number of answers."""

    def __init__(self) -> None:
        self.is_on = False
        self.answers = 0


class PingPong(Socket):
    """Pings again at each answer while the load is on."""

    def __init__(self, load: Load) -> None:
        super().__init__()
        self._load = load

    def on_message(self, payload: bytes) -> None:
        load = self._load
        load.answers += 1
        if load.is_on:
            self.write(PING)


@dataclass(frozen=True, slots=True)
class Burst:
    """The result of a stretch of ping-pong. `cost`: the server's CPU seconds a ping."""

    pings_per_second: float
    cost: float
    client_share: float


class LoadedServer:
    """A server, and the sockets that ping it."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._load = Load()
        self._sockets: list[PingPong] = []

    async def connect(self, cookies: list[str]) -> None:
        """Open the sockets; an empty cookie is not sent."""
        make = partial(PingPong, self._load)
        self._sockets = await open_sockets(self._served.port, make, cookies)

    async def measure(self, seconds: float) -> Burst:
        """Ping for `seconds`, after a warm-up."""
        load = self._load
        load.is_on = True
        for socket in self._sockets:
            socket.ping()
        await asyncio.sleep(_WARM_UP)
        answers, began = load.answers, time.perf_counter()
        server, client = processor_seconds(self._served.pid), time.process_time()
        await asyncio.sleep(seconds)
        pings, elapsed = load.answers - answers, time.perf_counter() - began
        server = processor_seconds(self._served.pid) - server
        client = time.process_time() - client
        load.is_on = False
        await asyncio.sleep(0.1)  # the last answers
        return Burst(pings / elapsed, server / max(pings, 1), client / elapsed)


async def pings(scale: Scale) -> list[Row]:
    """Row: ping-pong alternating A B A B, so that a slow phase of the machine affects both."""
    ours: list[Burst] = []
    echo: list[Burst] = []
    silent = scale.connections - PLAYERS
    for _ in range(scale.ping_starts):
        with (
            still_here(
                max_messages_per_second=_LIMIT, max_connections=scale.connections + 10
            ) as server,
            baseline("echo") as bare,
        ):
            ours_loaded, echo_loaded = LoadedServer(server), LoadedServer(bare)
            await ours_loaded.connect(await sign_in(server.port, PLAYERS))
            await echo_loaded.connect([""] * PLAYERS)
            with (
                idle(server.port, silent, first=PLAYERS),
                idle(bare.port, silent),
            ):
                for _ in range(scale.ping_rounds):
                    ours.append(await ours_loaded.measure(scale.ping_burst))
                    echo.append(await echo_loaded.measure(scale.ping_burst))
    rates = [burst.pings_per_second for burst in ours]
    bare_rates = [burst.pings_per_second for burst in echo]
    costs = [median(burst.cost for burst in bursts) * 1e6 for bursts in (ours, echo)]
    ratio = median(one / other for one, other in zip(rates, bare_rates, strict=True))
    share = max(burst.client_share for burst in ours + echo)
    notes = [
        f"server CPU a ping, each counted for the rate limit, at the echo "
        f"{costs[1] / costs[0]:.2f} of ours; client at most {share:.0%} of its own core; "
        f"{len(ours)} pairs of bursts, ratio {_range(rates, bare_rates)}"
    ]
    if share > _BUSY:
        notes.append("THE CLIENT WAS BUSY: the servers may be faster than this says")
    return [
        Row(
            f"pings per second, {PLAYERS} of {scale.connections:,} sockets in ping-pong",
            [targets.PINGS.check(ratio), targets.PING_COST.check(costs[0])],
            f"{median(rates):,.0f}, {costs[0]:.1f} us",
            f"{median(bare_rates):,.0f}, {costs[1]:.1f} us",
            ratio,
            notes,
            {"ours": rates, "echo": bare_rates, "cpu_us_a_ping": costs, "client_share": share},
        )
    ]


def _range(ours: list[float], echo: list[float]) -> str:
    ratios = [one / other for one, other in zip(ours, echo, strict=True)]
    return f"{min(ratios):.2f} to {max(ratios):.2f}"
