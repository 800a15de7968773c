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
import os
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

NAMES = {
    "touch": "an activity in the core",
    "memory": "memory of the core for a session",
    "pings": "pings a second, of sockets",
    "connections": "connecting, and sockets that say nothing",
    "proxied": "connecting through nginx",
    "sign-ins": "guests a second, each durable before the answer",
    "lateness": "warnings and sign-outs of sessions, spread out",
    "storm": "the same, all at once",
    "lobby": "until a watcher knows that all others are signed out",
    "joins": "joining and leaving a lobby with thousands of watchers",
    "wave": "a bystander's ping while all others become away",
    "disk": "changes written a second, and one alone",
    "hashes": "a bystander's ping while passwords are hashed",
}
"""What can be measured, and is by default."""


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
    if options.json and (lack := _lack_of_place(options.json)):
        parser.error(f"--json {options.json}: {lack}")
    exit_on_sigterm()
    progress = Console(stderr=True)
    began = time.monotonic()
    lines = machine.describe()
    rows: list[Row] = []
    failures: list[str] = []
    others: dict[str, float] = {}
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
        others[name] = neighbours.share()
    shares = ", ".join(f"{name} {share:.0%}" for name, share in others.items())
    lines += [
        f"Processor time that others took meanwhile: {shares}.",
        f"Took {time.monotonic() - began:.0f} s.",
    ]
    if options.quick:
        rows = [figure.unjudged(row) for row in rows]
    _print(rows, failures, lines, machine.disturbed(others), quick=options.quick)
    if options.json:
        _write(options.json, rows, failures, lines)
    return environment.NO_RUN if failures else 0


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, NAMES))
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n\n")[0],
        epilog="\n".join(
            ["names:", *(f"  {name:{width}}  {about}" for name, about in NAMES.items())]
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only",
        type=_names,
        default=list(NAMES),
        metavar="NAME,...",
        help="measure these alone, of the names below",
    )
    parser.add_argument(
        "--connections",
        type=int,
        metavar="N",
        help="open at once, in the lines that do not say otherwise (default: 5,000; --quick: 500)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="small numbers, two minutes: not for quoting; absolute targets are not judged",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there too")
    return parser


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; there are {', '.join(NAMES)}")
    return names


def _lack_of_place(file: Path) -> str | None:
    """Return why `file` cannot be written; None if it can."""
    folder = file.parent
    if file.is_dir():
        return "this is a folder"
    if not folder.is_dir():
        return f"there is no folder {folder}"
    if not os.access(file if file.exists() else folder, os.W_OK):
        return "this may not be written"
    return None


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


def _print(
    rows: "list[Row]",
    failures: list[str],
    lines: list[str],
    disturbed: str | None,
    *,
    quick: bool,
) -> None:
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
        console.print(
            "--quick: small numbers, which say little about large ones: absolute targets are not "
            "judged."
        )
    for line in lines:
        console.print(line, style="dim", markup=False)
    if disturbed is not None:
        console.print(disturbed, style="bold red", markup=False)


def _write(path: Path, rows: "list[Row]", failures: list[str], machine: list[str]) -> None:
    from dataclasses import asdict

    record = {"machine": machine, "failures": failures, "rows": [asdict(row) for row in rows]}
    path.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
