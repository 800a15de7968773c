"""The cost of connecting and staying: a connect, an idle connection, and a sign-in.

Costs are the server's processor time, as the client is no faster than the server. `bare` is a
protocol of the loop that answers upgrades without checks: the lower bound.
"""

import asyncio
import time
from dataclasses import dataclass
from functools import partial

from scripts.benchmarks import targets
from scripts.benchmarks.children import MeasurementError, Served, baseline, still_here
from scripts.benchmarks.figure import Row, Scale
from scripts.benchmarks.machine import processor_seconds, resident_bytes
from scripts.benchmarks.players import (
    SignInConnection,
    Socket,
    for_each,
    name_of,
    open_sockets,
    sign_in,
    sign_in_connection,
)

_PINGS = 3
"""Pings of each connection, until its memory is that after use."""

_AT_ONCE = 100
_TIMEOUT = 30.0

# Connects, and connections at rest


@dataclass(frozen=True, slots=True)
class Connected:
    """Some thousand connections. `cost`: CPU seconds a connect; `memory`: bytes by which the server
    grew, `memory_used`: those after pings of all, 0 if it answers none; `at_rest`: the share of a
    processor that they take while idle."""

    cost: float
    per_second: float
    memory: int
    at_rest: float
    memory_used: int


async def connections(scale: Scale) -> list[Row]:
    """Rows: the cost of a connect; memory and processor time of connections."""
    with still_here(max_connections=scale.connections + 10) as server:
        before = resident_bytes(server.pid)
        cookies = await sign_in(server.port, scale.connections)
        await asyncio.sleep(scale.settling)
        signed_in = resident_bytes(server.pid) - before
        ours = await _connect(server, cookies, scale)
    with baseline("echo") as server:
        echo = await _connect(server, [""] * scale.connections, scale)
    with baseline("bare") as server:
        bare = await _connect(server, [""] * scale.connections, scale, has_answers=False)
    grown = (ours.memory + signed_in, echo.memory)
    each, each_echo = (size / scale.connections / 1024 for size in grown)
    used, used_echo = (one.memory_used / scale.connections / 1024 for one in (ours, echo))
    return [
        Row(
            f"memory per idle connection, {scale.connections:,} open",
            [targets.IDLE_MEMORY.check(each / each_echo)],
            f"{each:.1f} KiB",
            f"{each_echo:.1f} KiB",
            each / each_echo,
            [
                f"ours includes a signed-in guest each: {signed_in / scale.connections / 1024:.1f} "
                "KiB before its socket opened; RSS after settling, kernel buffers not included"
            ],
            {"ours_kib": each, "echo_kib": each_echo, "signed_in_bytes": signed_in},
        ),
        Row(
            "... memory per connection alone, after use",
            [targets.USED_MEMORY.check(used)],
            f"{used:.1f} KiB",
            f"{used_echo:.1f} KiB",
            used / used_echo,
            [
                f"RSS from before the sockets opened, with guests signed in, until after {_PINGS} "
                "pings of each; what the sign-ins freed is used again, more so with few sockets"
            ],
            {"ours_kib": used, "echo_kib": used_echo},
        ),
        Row(
            f"server CPU a connect, {scale.connections:,} one after the other",
            [
                targets.CONNECT.check(ours.cost / echo.cost),
                targets.CONNECT_COST.check(ours.cost * 1e6),
            ],
            f"{ours.cost * 1e6:.0f} us",
            f"{echo.cost * 1e6:.0f} us",
            ours.cost / echo.cost,
            [
                f"{bare.cost * 1e6:.0f} us where nothing is checked or known; the client made "
                f"{ours.per_second:,.0f}/s, at the echo {echo.per_second:,.0f}/s"
            ],
            {"ours": ours.cost, "echo": echo.cost, "bare": bare.cost},
        ),
        Row(
            f"... of which one processor's, while all {scale.connections:,} say nothing",
            [targets.IDLE_PROCESSOR.check(ours.at_rest * 100)],
            f"{ours.at_rest:.2%}",
            f"{echo.at_rest:.2%}",
            ours.at_rest / echo.at_rest if echo.at_rest else None,
            [f"over {scale.resting:g} s, each pinged as often as the echo's are"],
            {"ours": ours.at_rest, "echo": echo.at_rest},
        ),
    ]


async def _connect(
    served: Served, cookies: list[str], scale: Scale, *, has_answers: bool = True
) -> Connected:
    """`has_answers`: the server answers pings."""
    size = resident_bytes(served.pid)
    before, began = processor_seconds(served.pid), time.perf_counter()
    sockets = await open_sockets(served.port, Socket, cookies)
    took = time.perf_counter() - began
    cost = (processor_seconds(served.pid) - before) / len(cookies)
    await asyncio.sleep(scale.settling)
    memory = resident_bytes(served.pid) - size
    before = processor_seconds(served.pid)
    await asyncio.sleep(scale.resting)
    at_rest = (processor_seconds(served.pid) - before) / scale.resting
    memory_used = 0
    if has_answers:
        await _use(sockets)
        await asyncio.sleep(scale.settling)
        memory_used = resident_bytes(served.pid) - size
    for socket in sockets:
        socket.leave()
    await asyncio.sleep(0.1)
    return Connected(cost, len(cookies) / took, memory, at_rest, memory_used)


async def _use(sockets: list[Socket]) -> None:
    """Ping from all, a few at once, each several times."""
    give_up = time.monotonic() + _TIMEOUT
    for first in range(0, len(sockets), _AT_ONCE):
        some = sockets[first : first + _AT_ONCE]
        for _ in range(_PINGS):
            due = sum(socket.heard for socket in some) + len(some)
            for socket in some:
                socket.ping()
            while sum(socket.heard for socket in some) < due:
                if time.monotonic() > give_up:
                    raise MeasurementError(f"pings were not answered for {_TIMEOUT:g} s")
                await asyncio.sleep(0.001)


# Sign-ins


async def sign_ins(scale: Scale) -> list[Row]:
    """Rows: guests signing in concurrently, each durable before the answer."""
    rows = []
    for places, target in targets.SIGN_INS.items():
        with still_here() as server:
            ours, cost = await _sign_in(server, scale.sign_ins, places)
        with baseline("answers") as server:
            plain, plain_cost = await _sign_in(server, scale.sign_ins, places)
        rows.append(
            Row(
                f"durable sign-ins a second on {places} connections",
                [target.check(ours)],
                f"{ours:,.0f}",
                f"{plain:,.0f}",
                ours / plain,
                [
                    f"server CPU {cost * 1e6:.0f} us each; the baseline, which keeps nothing and "
                    f"answers the same, {plain_cost * 1e6:.0f} us"
                ],
                {"ours": ours, "baseline": plain, "cpu_us": [cost * 1e6, plain_cost * 1e6]},
            )
        )
    return rows


async def _sign_in(served: Served, count: int, places: int) -> tuple[float, float]:
    """Return sign-ins a second, and the server's CPU seconds for each."""

    async def sign_in_one(connection: SignInConnection, number: int) -> None:
        await connection.sign_in(name_of(number))

    before, began = processor_seconds(served.pid), time.perf_counter()
    await for_each(count, partial(sign_in_connection, served.port), sign_in_one, places)
    took = time.perf_counter() - began
    return count / took, (processor_seconds(served.pid) - before) / count
