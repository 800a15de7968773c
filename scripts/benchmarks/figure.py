"""Figures to reach, the scale of measurements, and the table of results."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from scripts.benchmarks.targets import Criterion
from scripts.percentile import percentile


@dataclass(frozen=True, slots=True)
class Scale:
    """The scale of measurements. Durations are seconds."""

    sessions: int = 1_000_000
    plain_sessions: int = 1_000_000
    session_rounds: int = 3
    ping_starts: int = 2
    ping_rounds: int = 5
    ping_burst: float = 2.0
    connections: int = 5_000
    proxied: int = 2_000
    settling: float = 3.0
    resting: float = 20.0
    sign_ins: int = 10_000
    lateness_policy: tuple[float, float] = (20.0, 5.0)
    """idle timeout, and the warning's time before it; `away` is as late as the warning."""
    lateness_spread: float = 5.0
    storm_policy: tuple[float, float] = (8.0, 3.0)
    storm_rounds: int = 3
    leaving: int = 1_000
    watchers: int = 2_000
    joiners: int = 200
    changes: int = 40_000
    disk_rounds: int = 3
    plain_commits: int = 1_000
    single_changes: int = 200
    hash_rounds: int = 5


QUICK = Scale(
    sessions=100_000,
    plain_sessions=100_000,
    session_rounds=1,
    ping_starts=1,
    ping_rounds=2,
    ping_burst=1.0,
    connections=500,
    proxied=300,
    settling=1.0,
    resting=3.0,
    sign_ins=1_000,
    lateness_policy=(4.0, 1.5),
    lateness_spread=1.0,
    storm_policy=(3.0, 1.0),
    storm_rounds=1,
    leaving=300,
    watchers=300,
    joiners=30,
    changes=10_000,
    disk_rounds=1,
    plain_commits=200,
    single_changes=50,
    hash_rounds=1,
)
"""Every row in two minutes: for trying the script, not for quoting."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `ratio` is ours divided by the baseline; `figures` are the numbers
    behind it, for `--json`; `notes` are printed below the table."""

    what: str
    criteria: Sequence[Criterion]
    ours: str
    baseline: str = ""
    ratio: float | None = None
    notes: Sequence[str] = ()
    figures: dict[str, Any] = field(default_factory=dict)


def unjudged(row: Row) -> Row:
    """Return `row` without verdicts on absolute targets."""
    criteria = [replace(each, is_met=None) if each.is_absolute else each for each in row.criteria]
    return replace(row, criteria=criteria)


_VERDICTS = {None: "", True: "[green]met[/]", False: "[bold red]MISSED[/]"}


def print_table(rows: Sequence[Row], console: Console) -> None:
    """Print the table, without baselines if no row has one, and numbered notes below it."""
    has_baselines = any(row.baseline for row in rows)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("", justify="right", style="dim")
    table.add_column("figure", overflow="fold")
    for title in ("ours", *(("baseline", "ratio") if has_baselines else ()), "target", ""):
        table.add_column(title, justify="right" if title else "left", no_wrap=True)
    for number, row in enumerate(rows, 1):
        ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
        table.add_row(
            str(number),
            row.what,
            row.ours,
            *((row.baseline, ratio) if has_baselines else ()),
            "\n".join(each.target for each in row.criteria),
            "\n".join(_VERDICTS[each.is_met] for each in row.criteria),
        )
    console.print(table)
    for number, row in enumerate(rows, 1):
        for note in row.notes:
            console.print(f"{number:>2}  {note}", style="dim", highlight=False, markup=False)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest of `values` that at least `share` of them do not exceed; nan without
    any."""
    found = percentile(values, share)
    return float("nan") if found is None else found
