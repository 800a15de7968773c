"""The command line: arguments in, a verdict and an exit code out."""

import argparse
import asyncio
import json
import random
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from scripts.environment import NO_RUN
from scripts.idle_players.machine import allow_sockets
from scripts.idle_players.plans import DEFAULT_MIX, MixRefused, Timing, parse_mix
from scripts.idle_players.progress import in_words
from scripts.idle_players.rules import Kind
from scripts.idle_players.run import Impossible, Options, Result, simulate
from scripts.idle_players.visit import VisitRefused
from server.client import Address, Unreachable

FAILED, INTERRUPTED = 1, 130

_PLAYERS_A_SECOND = 100

_KINDS = """\
kinds of player:
  active    pings to the end; must never be warned or signed out
  idle      falls silent; is due a warning and a sign-out, at the second and never before
  hold      falls silent and requests a hold, which puts both off
  flapper   drops its connection and is back within the grace; must never leave the lobby
  leaver    signs out (closed with 4503, gone at once) or closes the page (gone after the grace)

exit code: 0 all well; 1 something came early, wrongly, or not at all; 2 there was no run;
130 interrupted, and nothing wrong up to then. Lateness alone is never a failure.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, and print the verdict; returns the exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    options = _options(parser, given)
    too_few = allow_sockets(options.players)
    if too_few:
        return _say_no(too_few)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            result = runner.run(_run(options))
    except (Unreachable, Impossible) as error:
        return _say_no(str(error))
    except VisitRefused as refused:
        if refused.is_rate_limit:
            return _say_no(
                f"{options.address.url} lets one address make only so many players (429): run "
                "this on the server's own machine, which it does not limit"
            )
        return _say_no(str(refused))
    print(_report(result, with_colour=sys.stdout.isatty()), flush=True)
    if given.json is not None:
        given.json.write_text(json.dumps(_as_json(options, result), indent=2) + "\n")
    if not result.verdict.is_good:
        return FAILED
    return 0 if result.is_whole else INTERRUPTED


async def _run(options: Options) -> Result:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupt(number: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(number)  # the second signal ends the process

    with suppress(NotImplementedError):  # Windows
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupt, number)
    return await simulate(options, sys.stdout, stop)


# Arguments


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print a single sentence, without the usage that argparse would print."""
        sys.exit(_say_no(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="simulate_idle_players.py",
        description="Real players over real WebSockets against a running server, and a verdict: "
        "did every warning and sign-out come, and when? All durations are the server's own.",
        epilog=_KINDS,
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(
            prog, max_help_position=30, width=100
        ),
    )
    add = parser.add_argument
    add("--players", type=int, default=1000, metavar="N", help="how many (default: 1000)")
    add("--url", default="http://127.0.0.1:8000", help="the server (default: %(default)s)")
    add("--mix", default=DEFAULT_MIX, metavar="SHARES", help="default: %(default)s")
    add(
        "--late",
        type=float,
        default=0.05,
        metavar="SECONDS",
        help="from when something counts as late (default: %(default)s, the published promise)",
    )
    add("--seed", type=int, help="plays the same parts again (default: a new one, which is told)")
    add(
        "--arrive-over",
        type=float,
        metavar="SECONDS",
        help=f"spread the sign-ins (default: {_PLAYERS_A_SECOND} players a second)",
    )
    add(
        "--fade-over",
        type=float,
        metavar="SECONDS",
        help="spread the last activities; 0: all are due at once (default: as --arrive-over)",
    )
    add(
        "--json", type=Path, metavar="FILE", help="write the verdict, with every failure, there too"
    )
    return parser


def _options(parser: argparse.ArgumentParser, given: argparse.Namespace) -> Options:
    """Exit with 2 and a sentence if the arguments contradict each other."""
    if given.players < 1:
        parser.error("--players has to be at least 1")
    arrive_over = given.arrive_over
    if arrive_over is None:
        arrive_over = max(given.players / _PLAYERS_A_SECOND, 1.0)
    fade_over = arrive_over if given.fade_over is None else given.fade_over
    for flag, value in (
        ("--late", given.late),
        ("--arrive-over", arrive_over),
        ("--fade-over", fade_over),
    ):
        if not 0 <= value < float("inf"):
            parser.error(f"{flag} has to be 0 or more")
    try:
        address = Address.parse(given.url)
        mix: dict[Kind, float] = parse_mix(given.mix)
    except MixRefused as refused:
        parser.error(f"--mix: {refused}")
    except ValueError as error:
        parser.error(f"--url: {error}")
    if given.json is not None:
        try:
            given.json.touch()
        except OSError as error:
            # Checked now, not after the run.
            parser.error(f"--json: {given.json} cannot be written: {error.strerror}")
    seed = random.SystemRandom().getrandbits(20) if given.seed is None else given.seed
    return Options(address, given.players, mix, given.late, seed, Timing(arrive_over, fade_over))


def _loop_factory() -> Any:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


# Words


def _say_no(why: str) -> int:
    print(f"simulate_idle_players.py: {why}", file=sys.stderr)
    return NO_RUN


def _report(result: Result, *, with_colour: bool) -> str:
    verdict = result.verdict
    lines = ["", *verdict.lines(), ""]
    if not result.is_whole:
        lines.append(f"Interrupted after {in_words(result.seconds)}; this is what was due by then.")
    lines.append(
        f"This client kept itself waiting for {result.worst_lag * 1000:.0f} ms at most, which "
        f"counts as lateness here, and took {result.cpu:.0%} of a core."
    )
    sentence = verdict.sentence(result.worst_lag)
    if with_colour:
        sentence = f"\033[1;{32 if verdict.is_good else 31}m{sentence}\033[0m"
    return "\n".join([*lines, sentence])


def _as_json(options: Options, result: Result) -> dict[str, Any]:
    return {
        "url": options.address.url,
        "players": options.players,
        "mix": options.mix,
        "seed": options.seed,
        "timing": asdict(options.timing),
        "policy": msgspec.structs.asdict(result.policy),
        "is_whole": result.is_whole,
        "seconds": round(result.seconds, 3),
        "client": {"worst_lag": result.worst_lag, "cpu": result.cpu},
        **result.verdict.as_json(),
    }
