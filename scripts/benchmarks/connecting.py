"""The cost of connecting and staying: a connect, an idle connection, and a sign-in.

Costs are the server's processor time, as the client is no faster than the server. `bare` is a
protocol of the loop that answers upgrades without checks: the lower bound.
"""

import asyncio
import time
from dataclasses import dataclass
from functools import partial

from scripts.benchmarks.children import Served, baseline, still_here
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

_PLACES = (8, 64)
"""Connections on which guests sign in concurrently."""

# Connects, and connections at rest


@dataclass(frozen=True, slots=True)
class Connected:
    """Some thousand connections. `cost`: CPU seconds a connect; `memory`: bytes by which the server
    grew; `at_rest`: the share of a processor that they take while idle."""

    cost: float
    per_second: float
    memory: int
    at_rest: float


async def connections(scale: Scale) -> list[Row]:
    """Rows: the cost of a connect, and of idle connections."""
    with still_here(max_connections=scale.connections + 10) as server:
        before = resident_bytes(server.pid)
        cookies = await sign_in(server.port, scale.connections)
        await asyncio.sleep(scale.settling)
        signed_in = resident_bytes(server.pid) - before
        ours = await _connect(server, cookies, scale)
    with baseline("echo") as server:
        echo = await _connect(server, [""] * scale.connections, scale)
    with baseline("bare") as server:
        bare = await _connect(server, [""] * scale.connections, scale)
    grown = (ours.memory + signed_in, echo.memory)
    each, each_echo = (size / scale.connections / 1024 for size in grown)
    return [
        Row(
            f"memory per idle connection, {scale.connections:,} open",
            "<= 1.5 of echo",
            f"{each:.1f} KiB",
            f"{each_echo:.1f} KiB",
            each / each_echo,
            each <= 1.5 * each_echo,
            [
                f"ours includes a signed-in guest each: {signed_in / scale.connections / 1024:.1f} "
                "KiB before its socket opened; RSS after settling, kernel buffers not included"
            ],
            {"ours_kib": each, "echo_kib": each_echo, "signed_in_bytes": signed_in},
        ),
        Row(
            f"server CPU a connect, {scale.connections:,} one after the other",
            "<= 0.5 of echo",
            f"{ours.cost * 1e6:.0f} us",
            f"{echo.cost * 1e6:.0f} us",
            ours.cost / echo.cost,
            ours.cost <= 0.5 * echo.cost,
            [
                f"{bare.cost * 1e6:.0f} us where nothing is checked or known; the client made "
                f"{ours.per_second:,.0f}/s, at the echo {echo.per_second:,.0f}/s"
            ],
            {"ours": ours.cost, "echo": echo.cost, "bare": bare.cost},
        ),
        Row(
            f"... of which one processor's, while all {scale.connections:,} say nothing",
            "<= 0.8 %",
            f"{ours.at_rest:.2%}",
            f"{echo.at_rest:.2%}",
            ours.at_rest / echo.at_rest if echo.at_rest else None,
            ours.at_rest <= 0.008,
            [f"over {scale.resting:g} s, each pinged as often as the echo's are"],
            {"ours": ours.at_rest, "echo": echo.at_rest},
        ),
    ]


async def _connect(served: Served, cookies: list[str], scale: Scale) -> Connected:
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
    for socket in sockets:
        socket.leave()
    await asyncio.sleep(0.1)
    return Connected(cost, len(cookies) / took, memory, at_rest)


# Sign-ins


async def sign_ins(scale: Scale) -> list[Row]:
    """Rows: guests signing in concurrently, each durable before the answer."""
    rows = []
    for places, target in zip(_PLACES, (2_800, 4_500), strict=True):
        with still_here() as server:
            ours, cost = await _sign_in(server, scale.sign_ins, places)
        with baseline("answers") as server:
            plain, plain_cost = await _sign_in(server, scale.sign_ins, places)
        rows.append(
            Row(
                f"durable sign-ins a second on {places} connections",
                f">= {target:,}",
                f"{ours:,.0f}",
                f"{plain:,.0f}",
                ours / plain,
                ours >= target,
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
