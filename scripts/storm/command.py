"""The command line: how often, and a table of results."""

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import monotonic

from rich.table import Table

from scripts import terminal
from scripts.environment import NO_RUN
from scripts.idle_players.machine import allow_sockets
from scripts.percentile import percentile
from scripts.server_process import DidNotStart, exit_on_sigterm
from scripts.storm.checks import LONGEST_LOSS
from scripts.storm.run import Result, Run

BROKEN = 1
_SHOWN = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill a server repeatedly, and print what it kept; return the exit code."""
    given = _parser().parse_args(arguments)
    seed = random.SystemRandom().getrandbits(24) if given.seed is None else given.seed
    exit_on_sigterm()
    allow_sockets(2000)
    print(f"{given.times} kills, seed {seed}.", flush=True)
    with tempfile.TemporaryDirectory(prefix="stillhere-storm-") as folder:
        database = given.database or Path(folder) / "storm.db"
        run = Run(database.resolve(), seed)
        interrupted = False
        try:
            asyncio.run(run.kill_often(given.times, _Progress(given.times)))
        except DidNotStart as error:
            print(f"kill_storm.py: the server did not start: {error}", file=sys.stderr)
            return NO_RUN
        except KeyboardInterrupt:
            interrupted = True
    _print(run.result, interrupted=interrupted)
    return 0 if run.result.verdict.is_good else BROKEN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kill_storm.py",
        description="Players sign in, play, drop, sign out and run out of time; the server is "
        "killed (SIGKILL) in the middle of it and started again on the same database. "
        "Everything the clients were told is then held against what is there.",
        epilog="exit code: 0 all was kept; 1 something was not; 2 there was no run.",
    )
    parser.add_argument(
        "--times", type=int, default=100, metavar="N", help="how often (default: 100)"
    )
    parser.add_argument(
        "--seed", type=int, help="storms and kills the same way again (default: a new one, told)"
    )
    parser.add_argument(
        "--database", type=Path, metavar="FILE", help="keep it there (default: thrown away)"
    )
    return parser


class _Progress:
    def __init__(self, times: int) -> None:
        self._times = times
        self._next = 0.0

    def __call__(self, done: int) -> None:
        if monotonic() >= self._next or done == self._times:
            print(f"{done} of {self._times} kills", flush=True)
            self._next = monotonic() + 10


def _print(result: Result, *, interrupted: bool) -> None:
    console = terminal.console(110)
    table = Table("after each kill", box=None, pad_edge=False)
    table.add_column("looked at", justify="right")
    table.add_column("broken", justify="right")
    for check, tally in result.verdict.tallies.items():
        style = "bold red" if tally.broken else ""
        table.add_row(str(check), f"{tally.looked:,}", f"{len(tally.broken):,}", style=style)
    console.print(table)
    kills = ", ".join(f"{number} {when}" for when, number in sorted(result.kills.items()))
    did = ", ".join(f"{number:,} {what}" for what, number in sorted(result.did.items()))
    console.print(f"Killed: {kills}. They did: {did}.")
    console.print(_words_of_loss(result.verdict.lost))
    starts = result.starts
    console.print(
        f"A start took {median(starts):.2f} s (median), {max(starts):.2f} s at most. "
        f"All of it took {result.seconds:.0f} s, seed {result.seed}."
    )
    broken = result.verdict.broken
    for sentence in broken[:_SHOWN]:
        console.print(f"BROKEN: {sentence}", style="red", markup=False)
    if len(broken) > _SHOWN:
        console.print(f"and {len(broken) - _SHOWN} more")
    if interrupted:
        console.print("Interrupted.")


def _words_of_loss(lost: Sequence[float]) -> str:
    if not lost:
        return "No change that a client had been told of was missing."
    p99 = percentile(lost, 0.99) or 0.0
    return (
        f"{len(lost)} changes were told and died before the disk had them: told at most "
        f"{max(lost) * 1000:.0f} ms before the kill (99 %: {p99 * 1000:.0f} ms; "
        f"more than {LONGEST_LOSS:g} s would count as broken)."
    )
