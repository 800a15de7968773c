"""The command line: arguments in, a table and an exit code out."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from scripts import terminal
from scripts.departures.run import QUICK, QUICK_WAYS, chosen, measure
from scripts.departures.server import NotMeasured
from scripts.departures.ways import HIDDEN, TOLERANCE, WAYS, Grace, Verdict
from scripts.environment import NO_RUN
from scripts.errors import first_error
from scripts.server_process import DidNotStart, exit_on_sigterm
from server.client import Unreachable

MISSED = 1

_EPILOG = """\
ways: {}

exit code: 0 every bound held; 1 one was missed; 2 there was no run. A full run takes some 100 s,
most of it waiting.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the verdict; return the exit code."""
    options = _parser().parse_args(arguments)
    exit_on_sigterm()
    progress = Console(stderr=True, highlight=False)
    ways = chosen(options.only or (QUICK_WAYS if options.quick else [way.key for way in WAYS]))
    began = time.monotonic()
    repetitions = options.repetitions or (1 if options.quick else 6)
    with tempfile.TemporaryDirectory(prefix="stillhere-departures-") as folder:
        work = measure(
            Path(folder),
            ways,
            repetitions,
            lambda key: progress.print(f"{time.monotonic() - began:4.0f} s  {key}", style="dim"),
            **(QUICK if options.quick else {}),
        )
        try:
            verdicts = asyncio.run(work)
        except ExceptionGroup as group:
            error = first_error(group)
            if not isinstance(error, NotMeasured | DidNotStart | Unreachable):
                raise
            print(f"measure_departures.py: {error}", file=sys.stderr)
            return NO_RUN
    return _tell([replace(each, tolerance=options.tolerance) for each in verdicts])


def _parser() -> argparse.ArgumentParser:
    keys = [way.key for way in WAYS]
    parser = argparse.ArgumentParser(
        prog="measure_departures.py",
        description="How long until others see that a player has left, for each way of leaving.",
        epilog=_EPILOG.format(", ".join(keys)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", choices=keys, metavar="WAY", help="some of the ways")
    parser.add_argument("--repetitions", type=int, metavar="N", help="players a way (6)")
    parser.add_argument(
        "--tolerance",
        type=float,
        default=TOLERANCE,
        metavar="SECONDS",
        help=f"granted beyond each bound to a machine that is busy ({TOLERANCE:g})",
    )
    parser.add_argument(
        "--quick", action="store_true", help="only what is noticed at once, with short graces: 4 s"
    )
    return parser


def _tell(verdicts: Sequence[Verdict]) -> int:
    console = terminal.console(118)
    table = Table(title="Until others see that a player has left, in seconds", title_justify="left")
    table.add_column("way")
    for heading in ("players", "noticed", "max", "reconnecting", "max", "offline", "max", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    problems: list[str] = []
    for verdict in verdicts:
        way, policy = verdict.way, verdict.policy
        is_clock = way.grace in (Grace.IDLE, Grace.LIFETIME)
        shown = f"<= {way.noticed + HIDDEN:g}" if way.is_shown_reconnecting else "-"
        table.add_row(
            way.key,
            str(len(verdict.sights)),
            f"<= {way.offline(policy) if is_clock else way.noticed:g}",
            _worst(verdict, "noticed"),
            shown,
            _worst(verdict, "reconnecting") if way.is_shown_reconnecting else "-",
            f"<= {way.offline(policy):g}",
            _worst(verdict, "offline"),
            "MISSED" if verdict.problems else "met",
            style="red" if verdict.problems else "",
        )
        problems += verdict.problems
    console.print(table)
    console.print(
        f"Tolerance {verdicts[0].tolerance:g} s. Seconds count from the leaving; for the restarts "
        "from the start, for idle from the last activity, for lifetime from signing in.",
        style="dim",
    )
    for verdict in verdicts:
        if verdict.way.grace in (Grace.IDLE, Grace.LIFETIME):
            name = verdict.way.grace.value
            value = getattr(verdict.policy, name)
            console.print(f"{verdict.way.key}: with {name} {value:g} here.", style="dim")
    for problem in problems:
        console.print(problem, style="bold red", markup=False)
    return MISSED if problems else 0


def _worst(verdict: Verdict, name: str) -> str:
    values = [getattr(sight, name) for sight in verdict.sights]
    if None in values:
        return "never"
    return f"{max(values):.2f}"
