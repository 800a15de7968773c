"""Of `scripts/bench.py`, what needs no load: its targets, its table, and what it refuses."""

import io
import re
import signal
import subprocess
import sys

import pytest
from rich.console import Console

from scripts.benchmarks.figure import Row, print_table, unjudged
from scripts.benchmarks.machine import disturbed, files_needed, lack_of_files
from scripts.benchmarks.targets import Criterion, Target, at_least
from scripts.environment import NO_RUN
from tests.support.paths import ROOT

ABSOLUTE = Target(55, "us")
RATIO = Target(0.5, baseline="echo")


@pytest.mark.parametrize(
    ("target", "reached", "missed", "text"),
    [
        (ABSOLUTE, 55, 55.1, "<= 55 us, absolute"),
        (RATIO, 0.5, 0.51, "<= 0.5 of echo"),
        (at_least(0.85, baseline="echo"), 0.85, 0.84, ">= 0.85 of echo"),
        (at_least(2_800, "a second"), 2_800, 2_799, ">= 2,800 a second, absolute"),
        (Target(2.5, "ms", part="p50"), 2.5, 2.6, "p50 <= 2.5 ms, absolute"),
        (Target(18_200, "B"), 18_200, 18_201, "<= 18,200 B, absolute"),
        (Target(0, "early"), 0, 1, "0 early"),
    ],
)
def test_a_target_says_its_bound_and_whether_it_is_a_ratio(
    target: Target, reached: float, missed: float, text: str
) -> None:
    is_absolute = text.endswith("absolute")
    assert target.check(reached) == Criterion(text, True, is_absolute)
    assert target.check(missed) == Criterion(text, False, is_absolute)
    assert target.check(float("nan")) == Criterion(text, False, is_absolute)


def test_each_criterion_of_a_row_has_its_own_verdict() -> None:
    rows = [
        Row("connect", [RATIO.check(0.3), ABSOLUTE.check(420)], "420 us", "1400 us", 0.3),
        Row("no target", [], "1"),
    ]
    out = io.StringIO()
    print_table(rows, Console(file=out, width=120))
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert "1 connect 420 us 1400 us 0.3 <= 0.5 of echo met" in lines
    assert "<= 55 us, absolute MISSED" in lines
    assert "2 no target 1" in lines


def test_a_quick_run_judges_no_absolute_target() -> None:
    row = Row("connect", [RATIO.check(0.3), ABSOLUTE.check(1), Target(0, "early").check(1)], "1 us")
    assert [each.is_met for each in unjudged(row).criteria] == [True, None, False]
    assert [each.target for each in unjudged(row).criteria] == [
        each.target for each in row.criteria
    ]


@pytest.mark.parametrize(
    ("others", "named"),
    [({}, None), ({"pings": 0.04}, None), ({"pings": 0.04, "storm": 0.31}, "during storm (31%).")],
)
def test_a_run_that_other_processes_disturbed_is_not_to_be_quoted(
    others: dict[str, float], named: str | None
) -> None:
    warning = disturbed(others)
    assert (warning is None) == (named is None)
    assert named is None or (named in str(warning) and "NOT TO BE QUOTED" in str(warning))


PRINTED = """
from scripts import bench
bench._print([], ["hashes: failed"], ["2 cores"], "SPOILT", quick=True)
"""


def test_the_last_line_of_a_run_is_the_warning() -> None:
    command = [sys.executable, "-c", PRINTED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1].strip() == "SPOILT"


def test_the_help_explains_every_name() -> None:
    command = [sys.executable, str(ROOT / "scripts/bench.py")]
    shown, refused = (
        subprocess.run(
            [*command, *arguments], capture_output=True, text=True, timeout=60, check=False
        )
        for arguments in (["--help"], ["--only", "nothing"])
    )
    names = refused.stderr.rpartition("there are ")[2].strip().split(", ")
    assert len(names) >= 13
    for name in names:
        assert re.search(rf"^  {name} +\w", shown.stdout, re.MULTILINE), name


def test_connections_beyond_the_open_files_of_a_process_are_refused_with_both_numbers() -> None:
    needed = files_needed(15_000)
    assert needed <= 20_000
    assert lack_of_files(15_000, needed) is None
    lack = lack_of_files(15_000, needed - 1)
    assert lack is not None
    assert f"{needed:,}" in lack
    assert f"{needed - 1:,}" in lack
    assert "ulimit" in lack


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--connections", "99"], "100 of them ping"),
        (["--connections", "2000000000"], "open files"),
        (["--json", "no/where.json"], "--json no/where.json: there is no folder no"),
        (["--json", "."], "--json .: this is a folder"),
    ],
)
def test_what_cannot_be_measured_or_written_is_refused_at_once(
    arguments: list[str], said: str
) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/bench.py", "--only", "hashes", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == NO_RUN
    assert said in done.stderr
    assert "measuring" not in done.stderr


TERMINATED = """
import asyncio, os, signal, sys, uvloop
from scripts.server_process import exit_on_sigterm

class Protocol(asyncio.Protocol):
    def data_received(self, data):
        os.kill(os.getpid(), signal.SIGTERM)

async def main():
    server = await asyncio.get_running_loop().create_server(Protocol, "127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"x")
    await asyncio.sleep(1)
    print("went on")

exit_on_sigterm()
with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
"""


def test_a_script_that_is_terminated_while_its_loop_calls_a_protocol_ends() -> None:
    """uvloop logs what a protocol raises, SystemExit too, and goes on."""
    done = subprocess.run(
        [sys.executable, "-c", TERMINATED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, ""), done.stderr
