"""Touch, and memory a session, at a million: ours against a dict and a timer for each session.

    python -m scripts.benchmarks.core registry|timers COUNT     prints its measurements as JSON

Each runs in a process of its own, or it would reuse memory freed by another benchmark.
"""

import asyncio
import gc
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache
from statistics import median
from typing import Any

from scripts.benchmarks import targets
from scripts.benchmarks.children import run_probe
from scripts.benchmarks.figure import Row, Scale
from scripts.benchmarks.machine import pin, resident_bytes, split_processors
from scripts.benchmarks.players import name_of
from server.base.ids import new_player_id, new_session_id
from server.presence.policy import Policy
from server.presence.registry import Registry
from server.presence.session import Player, Session
from server.storage.limits import Limits

_IN_A_BATCH = 1_000
_TOUCHES = 1.5
"""Touches for each session: enough for asyncio to rebuild its heap of timers once."""

_PORTION = Limits().sessions_at_once

_ARRIVALS = 300.0
"""Seconds over which the sessions signed in: one idle timeout, so that every slot is used."""

# Rows


def touch(scale: Scale) -> list[Row]:
    """Row: the cost of an activity in the core."""
    ours, plain = _probes("registry", scale), _probes("timers", scale)
    each, plain_each = _median(ours, "touch_us"), _median(plain, "touch_us")
    touches = ", ".join(f"{one['touch_us']:.2f}" for one in ours)
    return [
        Row(
            f"touch, {scale.sessions:,} sessions, median",
            [targets.TOUCH.check(each)],
            f"{each:.2f} us",
            f"{plain_each:.2f} us",
            each / plain_each,
            [
                f"sessions in random order, medians over batches of 1,000, by process: {touches}; "
                f"baseline: cancel and call_later on asyncio's loop, {scale.plain_sessions:,} "
                f"timers; the worst batch with the loop's turn after it: {_worst(plain):.0f} ms "
                f"(ours, with the journal's question who was touched: {_worst(ours):.0f})"
            ],
            {"ours": ours, "baseline": plain},
        )
    ]


def memory(scale: Scale) -> list[Row]:
    """Row: memory of the registry for a session."""
    ours, plain = _probes("registry", scale), _probes("timers", scale)
    each, plain_each = _median(ours, "bytes"), _median(plain, "bytes")
    return [
        Row(
            f"memory per session in the registry, {scale.sessions:,}",
            [targets.SESSION_MEMORY.check(each)],
            f"{each:,.0f} B",
            f"{plain_each:,.0f} B",
            each / plain_each,
            [
                "growth of RSS; signed in, connected and armed, player and name included; "
                "baseline: a dict with the same facts and one TimerHandle"
            ],
            {"ours": ours, "baseline": plain},
        )
    ]


@cache
def _probes(what: str, scale: Scale) -> list[dict[str, float]]:
    """Run the probes. Results depend on the memory layout of the process, so ours, which has a
    figure to reach, is measured several times; the baseline once."""
    if what == "timers":
        return [run_probe("core", what, scale.plain_sessions)]
    return [run_probe("core", what, scale.sessions) for _ in range(scale.session_rounds)]


def _median(probes: list[dict[str, float]], name: str) -> float:
    return median(probe[name] for probe in probes)


def _worst(probes: list[dict[str, float]]) -> float:
    return max(probe["worst_ms"] for probe in probes)


# The process


async def _registry(count: int) -> dict[str, float]:
    registry = Registry(Policy())
    gc.collect()
    before = resident_bytes()
    sessions = _sign_in_everybody(registry, count)
    gc.collect()
    grown = resident_bytes() - before
    now = _ARRIVALS + 1.0
    touched = 0
    is_writing = False

    def touch_all(some: Sequence[Session]) -> None:
        nonlocal now
        touch, instant = registry.touch, now
        for session in some:
            instant += 2e-5
            touch(session, instant)
        now = instant

    async def write_down() -> None:
        # Like the storage every 5 s, at 50,000 pings a second: a portion in a turn of the loop.
        nonlocal touched, is_writing
        touched += _IN_A_BATCH
        if touched >= 250_000:
            touched = 0
            is_writing = True
        if is_writing:
            is_writing = bool(registry.take_touched(_PORTION))

    return {"bytes": grown / count, **await _time_batches(sessions, touch_all, write_down)}


def _sign_in_everybody(registry: Registry, count: int) -> list[Session]:
    sessions: list[Session] = [None] * count  # type: ignore[list-item]
    for number in range(count):
        now = _ARRIVALS * number / count
        name = name_of(number)
        player = Player(new_player_id(), name, name.casefold(), guest=True)
        session, _ = registry.sign_in(player, new_session_id(), now)
        registry.connected(session, now)
        sessions[number] = session
    return sessions


async def _timers(count: int) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    gc.collect()
    before = resident_bytes()
    sessions: dict[str, dict[str, Any]] = {}
    for number in range(count):
        id_ = new_session_id()
        sessions[id_] = {
            "player_id": new_player_id(),
            "name": name_of(number),
            "last_activity": loop.time(),
            "timer": loop.call_later(3600.0, sessions.pop, id_),
        }
    gc.collect()
    grown = resident_bytes() - before

    def touch_all(some: Sequence[str]) -> None:
        for id_ in some:
            session = sessions[id_]
            session["timer"].cancel()
            session["timer"] = loop.call_later(3600.0, sessions.pop, id_)
            session["last_activity"] = loop.time()

    async def let_it_tidy_up() -> None:
        # Lets asyncio drop cancelled timers, and sometimes rebuild its heap.
        await asyncio.sleep(0)

    return {
        "bytes": grown / count,
        **await _time_batches(list(sessions), touch_all, let_it_tidy_up),
    }


async def _time_batches(
    items: Sequence[Any], act: Callable[[Any], None], between: Callable[[], Any]
) -> dict[str, float]:
    chance = random.Random(1)
    timed = []
    for _ in range(int(_TOUCHES * len(items)) // _IN_A_BATCH):
        batch = chance.choices(items, k=_IN_A_BATCH)
        began = time.perf_counter()
        act(batch)
        took = time.perf_counter()
        await between()
        timed.append((took - began, time.perf_counter() - began))
    return {
        "touch_us": median(acting for acting, _ in timed) / _IN_A_BATCH * 1e6,
        "worst_ms": max(whole for _, whole in timed) * 1e3,
    }


if __name__ == "__main__":
    gc.disable()
    pin(0, split_processors()[0])
    probe = {"registry": _registry, "timers": _timers}[sys.argv[1]]
    print(json.dumps(asyncio.run(probe(int(sys.argv[2])))))
