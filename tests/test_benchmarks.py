"""Of `scripts/bench.py`, what needs no load: its targets, its table, and what it refuses."""

import io
import subprocess
import sys

import pytest
from rich.console import Console

from scripts.benchmarks.figure import Row, print_table
from scripts.benchmarks.machine import files_needed, lack_of_files
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
    assert target.check(reached) == Criterion(text, True)
    assert target.check(missed) == Criterion(text, False)
    assert target.check(float("nan")) == Criterion(text, False)


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
    ("connections", "said"), [("99", "100 of them ping"), ("2000000000", "open files")]
)
def test_a_number_of_connections_that_cannot_be_measured_is_refused_at_once(
    connections: str, said: str
) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/bench.py", "--connections", connections],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == NO_RUN
    assert said in done.stderr
    assert "measuring" not in done.stderr
