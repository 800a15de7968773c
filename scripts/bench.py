#!/usr/bin/env python3
"""The figures for Still Here to reach, beside their baselines in the same run.

Not a test: a missed figure is marked in the table, and the exit code is 2 only if something could
not be measured. A full run takes more than ten minutes, on a machine that is otherwise idle.
"""

import argparse
import asyncio
import dataclasses
import inspect
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

# In place of scripts/, whose files are not modules by themselves.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from scripts import environment  # noqa: E402 - only now it can be found

if TYPE_CHECKING:
    from scripts.benchmarks.figure import Row, Scale

    Measure: TypeAlias = Callable[[Scale], list[Row] | Awaitable[list[Row]]]

NAMES = (
    "touch", "memory", "pings", "connections", "proxied", "sign-ins", "lateness", "storm", "lobby",
    "joins", "wave", "disk", "hashes",
)  # fmt: skip


def main() -> int:
    """Measure what the arguments ask for, and print it."""
    environment.need(*environment.SERVER, *environment.TABLES)
    parser = _parser()
    options = parser.parse_args()
    from rich.console import Console

    from scripts.benchmarks import figure, machine, pings
    from scripts.errors import first_error
    from scripts.server_process import exit_on_sigterm
    from server.base.open_files import allow_open_files

    scale = figure.QUICK if options.quick else figure.Scale()
    if options.connections is not None:
        scale = dataclasses.replace(scale, connections=options.connections)
    if scale.connections < pings.PLAYERS:
        parser.error(f"--connections {scale.connections}: {pings.PLAYERS} of them ping")
    allowed = allow_open_files(machine.files_needed(scale.connections))
    if lack := machine.lack_of_files(scale.connections, allowed):
        parser.error(lack)
    exit_on_sigterm()
    progress = Console(stderr=True)
    began = time.monotonic()
    lines = machine.describe()
    rows: list[Row] = []
    failures: list[str] = []
    others: list[str] = []
    for name in options.only:
        progress.print(f"measuring {name} ...", style="dim")
        neighbours = machine.Neighbours()
        try:
            rows += _measure(name, scale)
        except KeyboardInterrupt:
            failures.append(f"{name} and what comes after it: interrupted")
            break
        except Exception as error:
            cause = first_error(error)
            failures.append(f"{name}: {type(cause).__name__}: {cause}")
        others.append(f"{name} {neighbours.share():.0%}")
    lines += [
        f"Processor time that others took meanwhile: {', '.join(others)}.",
        f"Took {time.monotonic() - began:.0f} s.",
    ]
    _print(rows, failures, lines, quick=options.quick)
    if options.json:
        _write(options.json, rows, failures, lines)
    return environment.NO_RUN if failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument(
        "--only",
        type=_names,
        default=NAMES,
        metavar="NAME,...",
        help=f"some of: {', '.join(NAMES)}",
    )
    parser.add_argument(
        "--connections",
        type=int,
        metavar="N",
        help="open at once, in the lines that do not say otherwise (default: 5,000; --quick: 500)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="small numbers, two minutes: not for quoting"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there too")
    return parser


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; there are {', '.join(NAMES)}")
    return names


def _measure(name: str, scale: "Scale") -> "list[Row]":
    from scripts.benchmarks import (
        connecting,
        core,
        crowd,
        disk,
        expiry,
        hashing,
        machine,
        pings,
        proxied,
    )

    measures: dict[str, Measure] = {
        "touch": core.touch,
        "memory": core.memory,
        "pings": pings.pings,
        "connections": connecting.connections,
        "proxied": proxied.proxied,
        "sign-ins": connecting.sign_ins,
        "lateness": expiry.lateness,
        "storm": expiry.storm,
        "lobby": crowd.lobby,
        "joins": crowd.joins,
        "wave": crowd.wave,
        "disk": disk.disk,
        "hashes": hashing.hashes,
    }
    measure: Any = measures[name]
    if not inspect.iscoroutinefunction(measure):
        rows: list[Row] = measure(scale)
        return rows
    import uvloop

    with machine.as_client(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measure(scale))


def _print(rows: "list[Row]", failures: list[str], lines: list[str], *, quick: bool) -> None:
    from scripts import terminal
    from scripts.benchmarks.figure import print_table

    console = terminal.console(140)
    print_table(rows, console)
    console.print(
        "A target that names a baseline is for the ratio to it, taken in this run. An absolute one "
        "is for the figure itself, in a full run with 5,000 connections and the server on one "
        "core: a slower machine may miss it."
    )
    for failure in failures:
        console.print(f"NOT MEASURED: {failure}", style="bold red", markup=False)
    if quick:
        console.print("--quick: small numbers, which say little about large ones.")
    for line in lines:
        console.print(line, style="dim", markup=False)


def _write(path: Path, rows: "list[Row]", failures: list[str], machine: list[str]) -> None:
    from dataclasses import asdict

    record = {"machine": machine, "failures": failures, "rows": [asdict(row) for row in rows]}
    path.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
