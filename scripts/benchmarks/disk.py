"""The journal: changes of status written to a real file, against a commit for each.

python -m scripts.benchmarks.disk journal CHANGES SINGLE
python -m scripts.benchmarks.disk commits COUNT
"""

import asyncio
import gc
import json
import os
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import uvloop

from scripts.benchmarks import targets
from scripts.benchmarks.children import run_probe
from scripts.benchmarks.figure import Row, Scale, quantile
from scripts.benchmarks.players import name_of
from server.accounts.names import parse_name, sort_key
from server.accounts.ports import Account, NewSession
from server.base.clock import SystemClock
from server.base.ids import new_player_id, new_session_id
from server.budget.budget import Budget
from server.presence.events import Event, EventStream
from server.presence.policy import Policy
from server.presence.registry import Registry
from server.presence.session import Player, Session
from server.storage.limits import Limits
from server.storage.sqlite.engine import SqliteEngine
from server.storage.sqlite.limits import SqliteLimits
from server.storage.store import Store

_PLAYERS = 1_000
_DATABASE = Path("bench.db")

_IN_A_ROW = 50
"""Changes between two turns of the loop."""

# Rows


def disk(scale: Scale) -> list[Row]:
    """Rows: changes a second, and how long a single one takes to the disk."""
    ours = []
    plain = []
    for _ in range(scale.disk_rounds):
        ours.append(run_probe("disk", "journal", scale.changes, scale.single_changes))
        plain.append(run_probe("disk", "commits", scale.plain_commits))
    rate, plain_rate = (median(one["per_second"] for one in each) for each in (ours, plain))
    worst, plain_worst = (median(one["worst_ms"] for one in each) for each in (ours, plain))
    figures = {"ours": ours, "baseline": plain}
    return [
        Row(
            "status changes persisted a second",
            [targets.CHANGES.check(rate)],
            f"{rate:,.0f}",
            f"{plain_rate:,.0f}",
            rate / plain_rate,
            [
                "the registry's own events through the journal, with the rows of session and "
                "player that change with them; baseline: one INSERT and one commit a change, "
                "same schema and pragmas"
            ],
            figures,
        ),
        Row(
            f"at rest, from change to committed row, worst of {scale.single_changes}",
            [targets.CHANGE_WRITTEN.check(worst)],
            f"{worst:.1f} ms",
            f"{plain_worst:.1f} ms",
            worst / plain_worst,
            [
                f"seen by another connection; median {median(o['median_ms'] for o in ours):.1f} "
                f"ms, the baseline's {median(o['median_ms'] for o in plain):.1f}"
            ],
        ),
    ]


# Ours


async def _journal(changes: int, single: int) -> dict[str, float]:
    async with _everybody_signed_in() as (sessions, store, registry, stream, clock):
        facts = _come_and_go(sessions, registry, stream, clock)
        began = time.perf_counter()
        for number in range(changes):
            next(facts)
            if number % _IN_A_ROW == 0:
                await asyncio.sleep(0)
        await store.journal.written_up_to_here()
        took = time.perf_counter() - began
        waits = [await _time_one(facts, store, _DATABASE) for _ in range(single)]
    return {"per_second": changes / took, **_in_ms(waits)}


@asynccontextmanager
async def _everybody_signed_in() -> AsyncIterator[
    tuple[list[Session], Store, Registry, EventStream, SystemClock]
]:
    """Open a new database, on which each player has a session."""
    clock = SystemClock()
    registry = Registry(Policy())
    store = Store(SqliteEngine(_DATABASE, SqliteLimits()), registry, clock, Limits(), Budget())
    stream = EventStream(_raise)
    stream.subscribe(store.hear)
    await store.open()
    try:
        sessions = await _sign_in_everybody(store, registry, stream, clock)
        yield sessions, store, registry, stream, clock
    finally:
        await store.close()


async def _sign_in_everybody(
    store: Store, registry: Registry, stream: EventStream, clock: SystemClock
) -> list[Session]:
    sessions = []
    for number in range(_PLAYERS):
        name = parse_name(name_of(number))
        account = Account(new_player_id(), name.text, sort_key(name.text), True, None, clock.now())
        store.add_account(account, name)
        player = Player(account.id, account.name, account.sort_key, guest=True)
        session, events = registry.sign_in(player, new_session_id(), clock.now())
        store.add_session(NewSession.of(session, os.urandom(32)))
        stream.publish(events)
        stream.publish(registry.connected(session, clock.now()))
        sessions.append(session)
    await store.journal.written_up_to_here()
    return sessions


def _come_and_go(
    sessions: list[Session], registry: Registry, stream: EventStream, clock: SystemClock
) -> Iterator[None]:
    """At each step one session loses its connection or gets it back: one change of status."""
    while True:
        for session in sessions:
            stream.publish(registry.disconnected(session, clock.now(), has_left=False))
            yield
            stream.publish(registry.connected(session, clock.now()))
            yield


async def _time_one(facts: Iterator[None], store: Store, path: Path) -> float:
    """Return the seconds from a change until another connection sees its row."""
    await asyncio.sleep(0.005)
    reader = sqlite3.connect(path)
    try:
        (before,) = reader.execute("SELECT max(id) FROM status_changes").fetchone()
        began = time.perf_counter()
        next(facts)
        await store.journal.written_up_to_here()
        took = time.perf_counter() - began
        (after,) = reader.execute("SELECT max(id) FROM status_changes").fetchone()
    finally:
        reader.close()
    if after != before + 1:
        raise RuntimeError("the journal said that a change was written, and it was not")
    return took


def _raise(error: Exception, event: Event) -> None:
    raise error


# The plain way


async def _commits(count: int) -> dict[str, float]:
    async with _everybody_signed_in() as ((session, *_), *_):
        pass  # to create the schema and a player
    connection = sqlite3.connect(_DATABASE)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    waits = []
    for number in range(count):
        began = time.perf_counter()
        connection.execute(
            "INSERT INTO status_changes "
            "(player_id, session_id, status, reason, at, player_status, detail) "
            "VALUES (?, ?, 'active', 'connected', ?, 'active', 'connected')",
            (session.player.id, session.id, number),
        )
        connection.commit()
        waits.append(time.perf_counter() - began)
    connection.close()
    return {"per_second": count / sum(waits), **_in_ms(waits[-200:])}


def _in_ms(waits: list[float]) -> dict[str, float]:
    return {"median_ms": median(waits) * 1e3, "worst_ms": quantile(waits, 1.0) * 1e3}


if __name__ == "__main__":
    gc.disable()
    which, *counts = sys.argv[1:]
    probe = _journal(*map(int, counts)) if which == "journal" else _commits(int(counts[0]))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(probe)))
