"""The effect of 64 concurrent password hashes on a bystander.

Each is a sign-in with an unknown name, which takes as much hashing as a known one. The baseline is
the same without hashing: sign-ins with invalid names.
"""

import asyncio
import time
from statistics import median

from scripts.benchmarks import targets
from scripts.benchmarks.children import MeasurementError, Served, bystander, still_here, trips_of
from scripts.benchmarks.figure import Row, Scale
from scripts.benchmarks.machine import pin, split_processors
from scripts.benchmarks.players import fetch, name_of, sign_in_connection

AT_ONCE = 64
_SETTLING = 0.3


async def hashes(scale: Scale) -> list[Row]:
    """Row: a bystander's worst ping while 64 passwords are hashed, alternating with none."""
    ours: list[tuple[float, float]] = []
    plain: list[tuple[float, float]] = []
    for number in range(scale.hash_rounds):
        with still_here(max_messages_per_second=0) as server:
            # Before the thread for passwords starts, which then has a processor beside the loop's.
            pin(server.pid, set.union(*split_processors()))
            ours.append(await _worst_ping(server, f"Nobody {name_of(number)}"))
            plain.append(await _worst_ping(server, ""))
    trip, plain_trip = (median(worst for worst, _ in each) * 1e3 for each in (ours, plain))
    took, plain_took = (median(took for _, took in each) for each in (ours, plain))
    worst = max(worst for worst, _ in ours) * 1e3
    return [
        Row(
            f"{AT_ONCE} passwords hashed at once: a bystander's worst ping",
            [targets.HASHES_TRIP.check(trip)],
            f"{trip:.1f} ms",
            f"{plain_trip:.1f} ms",
            trip / plain_trip,
            [
                f"one ping every 10 ms, median of {len(ours)} rounds, the worst of all "
                f"{worst:.1f} ms; the {AT_ONCE} sign-ins took {took:.2f} s, and without hashing "
                f"{plain_took:.2f} s"
            ],
            {"ours": ours, "baseline": plain},
        )
    ]


async def _worst_ping(served: Served, name: str) -> tuple[float, float]:
    """Return the worst of a bystander's pings during sign-ins as `name`, and their duration."""
    async with sign_in_connection(served.port) as connection:
        cookie = await connection.sign_in(f"Bystander {'of hashes' if name else 'of none'}")
    with bystander(served.port, cookie) as process:
        await asyncio.sleep(_SETTLING)
        began = time.monotonic()
        await asyncio.gather(*(_sign_in(served.port, name, n) for n in range(AT_ONCE)))
        over = time.monotonic()
        trips = await asyncio.to_thread(trips_of, process)
    seen = [
        trip
        for sent, trip in trips
        # All pings under way at any moment of it.
        if sent < over and sent + trip > began
    ]
    if not seen:
        raise MeasurementError("the bystander did not ping meanwhile")
    return max(seen), over - began


async def _sign_in(port: int, name: str, number: int) -> None:
    """Expect a 401, for a wrong name as for a wrong password."""
    body = {"name": name and f"{name} {number}", "password": "wrong horse"}
    answer = await fetch(port, "/api/session", "POST", body)
    if answer.status != 401:
        raise MeasurementError(f"a sign-in was answered {answer.status}")
