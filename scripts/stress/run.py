"""One run, in its phases: alone, connecting, calm, hostile, greedy, the stop. Prints the table."""

import asyncio
import itertools
import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from scripts import terminal
from scripts.benchmarks.children import MeasurementError, bystander, child, trips_of, wait_for_port
from scripts.benchmarks.figure import Row, print_table, quantile
from scripts.benchmarks.machine import describe, pin, resident_bytes, split_processors
from scripts.benchmarks.players import fetch, sign_in_connection
from scripts.benchmarks.targets import Criterion
from scripts.environment import NO_RUN
from scripts.server_process import exit_on_sigterm, flags
from server.client import Unreachable

_SOCKETS_A_PROCESS = 5_000
_ALONE = 5.0
_SETTLING = 3.0
_RATE_LIMIT = 200
"""Messages a second of one connection: the bystander sends 100."""

_WARNED_AFTER, _WARN_BEFORE = 40.0, 60.0
"""Seconds of the server's idle policy."""

_DATABASE = "stress.db"
_MEBI = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Plan:
    """Numbers and durations, in seconds; `pings`: of all members, a second."""

    sockets: int
    tabs: int
    calm: float
    hostile: float
    greedy: float
    pings: float
    watchers: int


@dataclass(slots=True)
class Record:
    """The measurements. Instants are monotonic; what was not answered took infinitely long."""

    phases: dict[str, tuple[float, float]] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    delays: dict[str, float] = field(default_factory=dict)
    probes: list[tuple[float, str, float]] = field(default_factory=list)
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    trips: list[tuple[float, float]] = field(default_factory=list)
    hostiles: dict[str, Any] = field(default_factory=dict)
    abusers: dict[str, Any] = field(default_factory=dict)
    kept: int = 0
    codes: dict[str, int] = field(default_factory=dict)
    left: int = 0
    exit_code: int | None = None
    stopped_after: float = 0.0
    last_closed_after: float = 0.0

    @contextmanager
    def phase(self, name: str, pid: int) -> Iterator[None]:
        """Record the time of a phase, and how long the server waited for a processor meanwhile."""
        began, delay = time.monotonic(), _run_delay(pid)
        yield
        self.phases[name] = (began, time.monotonic())
        self.memory[name] = resident_bytes(pid)
        self.delays[name] = _run_delay(pid) - delay

    def trips_in(self, phase: str) -> list[float]:
        """Return the bystander's round trips."""
        began, ended = self.phases[phase]
        return [trip for sent, trip in self.trips if began <= sent < ended - 1.0]

    def probes_in(self, phase: str, path: str) -> list[float]:
        began, ended = self.phases[phase]
        return [
            took for sent, probed, took in self.probes if probed == path and began <= sent < ended
        ]


def run(plan: Plan, json_file: Path | None) -> int:
    """Run; return the exit code."""
    exit_on_sigterm()
    console = terminal.console(130)
    record = Record()
    try:
        asyncio.run(_run(plan, record, Console(stderr=True)))
    except MeasurementError as error:
        console.print(f"NO RUN: {error}", style="bold red", markup=False)
        return NO_RUN
    rows = _rows(plan, record)
    _print(console, plan, record, rows)
    if json_file is not None:
        written = {"plan": asdict(plan), "rows": [asdict(row) for row in rows]}
        json_file.write_text(json.dumps(written | asdict(record), indent=2) + "\n")
    return 0 if record.exit_code == 0 else 1


async def _run(plan: Plan, record: Record, progress: Console) -> None:
    with ExitStack() as stack:
        server, port, folder = stack.enter_context(_server(plan))
        cookies = await _sign_in(port, 4)
        pinging = stack.enter_context(bystander(port, cookies[0]))
        probing = asyncio.create_task(_probe(port, record))
        with record.phase("alone", server.pid):
            await asyncio.sleep(_ALONE)
        record.metrics["alone"] = await _metrics(port)

        progress.print(f"{plan.sockets:,} connect ...", style="dim")
        with record.phase("connecting", server.pid):
            holders = [stack.enter_context(_child(*each)) for each in _holders(plan, port)]
            for holder in holders:
                await asyncio.to_thread(_expect, holder, "ready")
        await asyncio.sleep(_SETTLING)
        record.metrics["connected"] = await _metrics(port)

        progress.print("calm ...", style="dim")
        with record.phase("calm", server.pid):
            await asyncio.sleep(plan.calm)
        record.metrics["calm"] = await _metrics(port)

        progress.print("hostile ...", style="dim")
        hostile = stack.enter_context(_child("hostiles", port, plan.hostile, *cookies[1:]))
        await asyncio.to_thread(_expect, hostile, "attacking")
        with record.phase("hostile", server.pid):
            record.hostiles = json.loads(await asyncio.to_thread(_read, hostile))
        record.metrics["hostile"] = await _metrics(port)

        progress.print("greedy ...", style="dim")
        kept = _size(folder)
        abusing = stack.enter_context(_child("abusers", port, plan.greedy))
        await asyncio.to_thread(_expect, abusing, "abusing")
        with record.phase("greedy", server.pid):
            record.abusers = json.loads(await asyncio.to_thread(_read, abusing))
        record.metrics["greedy"] = await _metrics(port)
        record.kept = _size(folder) - kept
        probing.cancel()
        record.trips = await asyncio.to_thread(trips_of, pinging)

        progress.print("SIGTERM ...", style="dim")
        began = time.monotonic()
        server.send_signal(signal.SIGTERM)
        heard = [json.loads(await asyncio.to_thread(_read, holder)) for holder in holders]
        record.exit_code = await asyncio.to_thread(server.wait, 30)
        record.stopped_after = time.monotonic() - began
        for each in heard:
            for code, count in each["codes"].items():
                record.codes[code] = record.codes.get(code, 0) + count
            record.left += each["left"]
        record.last_closed_after = max(each["last_closed"] for each in heard) - began


# The processes


@contextmanager
def _server(plan: Plan) -> Iterator[tuple["subprocess.Popen[str]", int, Path]]:
    """Run the server; yield it, its port, and the folder of its files."""
    settings = flags(
        max_messages_per_second=_RATE_LIMIT,
        max_connections=plan.sockets + 1000,
        max_connections_per_session=max(plan.tabs, 100),
        # Some of the greedy wait for the warning; the others ping before they are away.
        idle_timeout=_WARN_BEFORE + _WARNED_AFTER,
        warn_before=_WARN_BEFORE,
        away_after=_WARNED_AFTER,
        trusted_proxies="127.0.0.1",
    )
    with child("server", "--port=0", f"--database={_DATABASE}", *settings) as (process, errors):
        # As everywhere else: the load must not take the server's processor.
        pin(process.pid, split_processors()[0])
        yield process, wait_for_port(process, errors), errors.parent


def _size(folder: Path) -> int:
    """Return the bytes of the database, with what is still in its log."""
    with closing(sqlite3.connect(f"file:{folder / _DATABASE}?mode=ro", uri=True)) as database:
        ((pages,),) = database.execute("PRAGMA page_count").fetchall()
        ((size,),) = database.execute("PRAGMA page_size").fetchall()
    return int(pages * size)


def _holders(plan: Plan, port: int) -> list[tuple[str, ...]]:
    """Return the arguments of each process that holds a part of the load."""
    parts = -(-plan.sockets // _SOCKETS_A_PROCESS)
    edges = [plan.sockets * part // parts for part in range(parts + 1)]
    shared = (plan.tabs, plan.pings / parts, -(-plan.watchers // parts))
    return [
        ("holder", *map(str, (port, first, end - first, *shared)))
        for first, end in itertools.pairwise(edges)
    ]


@contextmanager
def _child(module: str, *arguments: object) -> Iterator["subprocess.Popen[str]"]:
    with child(f"scripts.stress.{module}", *arguments) as (process, _):
        pin(process.pid, split_processors()[1])
        yield process


def _read(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise MeasurementError(f"{process.args!r} has ended")
    return line


def _expect(process: "subprocess.Popen[str]", word: str) -> None:
    if _read(process).strip() != word:
        raise MeasurementError(f"{process.args!r} is not {word}")


def _run_delay(pid: int) -> float:
    """Return the seconds for which a process was ready and had no processor; proc(5), schedstat."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


# Probes


async def _sign_in(port: int, count: int) -> list[str]:
    async with sign_in_connection(port) as connection:
        return [await connection.sign_in(f"Looker {number}") for number in range(count)]


async def _probe(port: int, record: Record) -> None:
    """Request the server's health again and again, each time on a new connection."""
    while True:
        for path in ("/healthz", "/readyz"):
            began = time.monotonic()
            try:
                is_ok = (await fetch(port, path)).status == 200
            except Unreachable:
                is_ok = False
            record.probes.append((began, path, time.monotonic() - began if is_ok else float("inf")))
            await asyncio.sleep(0.05)


async def _metrics(port: int) -> dict[str, float]:
    text = (await fetch(port, "/metrics")).body.decode()
    found = re.findall(r"^(stillhere_\w+(?:\{[^}]*\})?) (\S+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


# The table


def _rows(plan: Plan, record: Record) -> list[Row]:
    rows: list[Row] = []
    add = rows.append
    seconds = record.phases["connecting"][1] - record.phases["connecting"][0]
    connections = record.metrics["connected"]["stillhere_connections"]
    add(
        Row(
            "open sockets",
            [Criterion(f"{plan.sockets + 1:,}", connections > plan.sockets)],
            f"{connections:,.0f} in {seconds:.0f} s",
        )
    )
    each = (record.memory["calm"] - record.memory["alone"]) / plan.sockets / 1024
    add(Row("memory a connection, its session with it", [], f"{each:.1f} KiB"))
    for phase in ("alone", "connecting", "calm", "hostile", "greedy"):
        trips = record.trips_in(phase)
        worst = max(trips, default=float("nan"))
        target, is_met = {
            "alone": ("", None),
            "calm": ("max < 20 ms", worst < 0.02),
            "greedy": ("p99 < 20 ms", bool(trips) and quantile(trips, 0.99) < 0.02),
        }.get(phase, ("max < 1 s", worst < 1.0))
        add(Row(f"a bystander's ping, {phase}", [Criterion(target, is_met)], _spread(trips)))
    for path in ("/healthz", "/readyz"):
        for phase in ("calm", "hostile"):
            took = record.probes_in(phase, path)
            add(
                Row(
                    f"{path}, {phase}",
                    [Criterion("all answered", bool(took) and max(took) != float("inf"))],
                    _spread(took),
                )
            )
    for name, metric in (
        ("worst stop by the collector", "stillhere_gc_worst_pause_seconds"),
        ("worst lateness of a deadline", "stillhere_deadline_worst_lateness_seconds"),
    ):
        for phase in ("connected", "calm", "hostile"):
            value = record.metrics[phase][metric]
            is_met = value < 0.02 if "collector" in name else None
            target = "< 20 ms" if "collector" in name else ""
            add(
                Row(
                    f"{name}, up to: {phase}",
                    [Criterion(target, is_met)],
                    f"{value * 1000:.1f} ms",
                )
            )
    for phase, before in (("hostile", "calm"), ("greedy", "hostile")):
        grown = (record.memory[phase] - record.memory[before]) / _MEBI
        add(
            Row(
                f"memory that the {phase} cost",
                [Criterion("< 32 MiB", grown < 32)],
                f"{grown:.1f} MiB",
            )
        )
    began, ended = record.phases["greedy"]
    kept = record.kept / (ended - began)
    add(Row("kept on the disk for the greedy", [], f"{kept / 1024:.1f} KiB a second"))
    received = sum(each["received"] for each in record.abusers.values()) / (ended - began)
    add(Row("sent to the greedy", [], f"{received / _MEBI:.2f} MiB a second"))
    still_open = record.metrics["greedy"]["stillhere_connections"]
    add(
        Row(
            "open sockets after the attacks",
            [Criterion(f">= {plan.sockets:,}", still_open >= plan.sockets)],
            f"{still_open:,.0f}",
        )
    )
    restarted = record.codes.get("1012", 0)
    add(
        Row(
            "closed with 1012 at SIGTERM",
            [Criterion(f"{plan.sockets:,}", restarted == plan.sockets and record.left == 0)],
            f"{restarted:,}, others {sum(record.codes.values()) - restarted + record.left:,}",
        )
    )
    add(
        Row(
            "exit after SIGTERM",
            [Criterion("0 in 10 s", record.exit_code == 0 and record.stopped_after < 10)],
            f"{record.exit_code} in {record.stopped_after:.1f} s "
            f"(last socket closed after {record.last_closed_after:.1f} s)",
        )
    )
    return rows


def _spread(values: list[float]) -> str:
    if not values:
        return "none"
    p50, p99, worst = (value * 1000 for value in (
        quantile(values, 0.5), quantile(values, 0.99), max(values)))  # fmt: skip
    return f"p50 {p50:.1f}  p99 {p99:.1f}  max {worst:.1f} ms  ({len(values):,})"


def _print(console: Console, plan: Plan, record: Record, rows: list[Row]) -> None:
    print_table(rows, console)
    sessions = -(-plan.sockets // plan.tabs)
    console.print(
        f"{plan.sockets:,} sockets of {sessions:,} sessions, {plan.pings:g} pings a second, "
        f"{plan.watchers} watchers of the lobby."
    )
    waited = ", ".join(f"{phase} {delay:.2f} s" for phase, delay in record.delays.items())
    console.print(f"The server waited for a processor that others had: {waited}.")
    for name, what in record.hostiles.items():
        gone = what["gone_after"]
        span = f" after {gone[0]:.1f} to {gone[-1]:.1f} s" if gone else ""
        console.print(
            f"  {name}: {what['count']} connected, {len(gone)} were cut off{span}, "
            f"{what['sent'] / _MEBI:.1f} MiB sent",
            style="dim",
        )
    for name, what in record.abusers.items():
        refused = ", ".join(f"{count:,} {code}" for code, count in what["refused"].items())
        console.print(
            f"  {name}: {what['done']:,} done, {refused or 'none'} refused, "
            f"{what['sent'] / _MEBI:.2f} MiB sent, {what['received'] / _MEBI:.2f} MiB received",
            style="dim",
        )
    for text in describe():
        console.print(text, style="dim", markup=False)


if __name__ == "__main__":
    sys.exit("run scripts/stress_sockets.py")
