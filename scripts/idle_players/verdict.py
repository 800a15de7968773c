"""The sum of the findings, and its text. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from scripts.idle_players.rules import Finding, Outcome, What
from scripts.percentile import percentile

PROMISED = (What.WARNING, What.SIGN_OUT)
"""Events whose lateness the server bounds."""

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that should not have happened."""

    player: str
    kind: str
    what: str


@dataclass
class Row:
    """One line of the verdict. Seconds are the lateness of events that were not early."""

    what: What
    due: int = 0
    came: int = 0
    early: int = 0
    late: int = 0
    missing: int = 0
    wrong: int = 0
    lateness: list[float] = field(default_factory=list)

    def add(self, finding: Finding, late: float) -> None:
        """Count a finding; it is late beyond `late` seconds."""
        match finding.outcome:
            case Outcome.WRONG:
                self.wrong += 1
                return
            case Outcome.MISSING:
                self.missing += 1
            case Outcome.EARLY:
                self.came += 1
                self.early += 1
            case Outcome.CAME:
                assert finding.lateness is not None
                self.came += 1
                self.late += finding.lateness > late
                self.lateness.append(max(finding.lateness, 0.0))
        self.due += 1

    def percentile(self, share: float) -> float | None:
        """Return the lateness that `share` of the events did not exceed; None if there were
        none."""
        return percentile(self.lateness, share)


class Verdict:
    """All findings. `late`: seconds from which an event counts as late."""

    def __init__(self, late: float) -> None:
        self.late = late
        self.rows = {what: Row(what) for what in What}
        self.failures: list[Failure] = []

    def add(
        self, name: str, kind: str, findings: Iterable[Finding], trouble: Sequence[str]
    ) -> None:
        """Add the findings about one player."""
        for finding in findings:
            self.rows[finding.what].add(finding, self.late)
            if finding.outcome is not Outcome.CAME:
                self.failures.append(Failure(name, kind, finding.detail))
        self.failures += [Failure(name, kind, what) for what in trouble]

    @property
    def is_good(self) -> bool:
        """True if nothing was early, missing, wrong or broken. Lateness alone is no failure."""
        return not self.failures

    def sentence(self, worst_lag: float = 0.0) -> str:
        """Return the verdict in words. `worst_lag`: the longest pause of the client itself, in
        seconds."""
        if not self.is_good:
            return f"Failed: {', '.join(self._what_failed())}."
        warnings, sign_outs = (self.rows[what].due for what in PROMISED)
        if not warnings + sign_outs:
            return "Good: no warning or sign-out was due, and nobody met anything uncalled for."
        return (
            f"Good: all {warnings:,} warnings and {sign_outs:,} sign-outs that were due came, none "
            f"early and none to the wrong player; {self._pace(worst_lag)}."
        )

    def lines(self) -> list[str]:
        """Return the table, and the first failures."""
        head = ("", "due", "came", "early", "late", "missing", "wrong", "late by p50", "p99", "max")
        body = [
            (
                row.what,
                *(str(n) for n in (row.due, row.came, row.early, row.late, row.missing, row.wrong)),
                *(_milliseconds(row.percentile(share)) for share in (0.5, 0.99, 1.0)),
            )
            for row in self.rows.values()
        ]
        widths = [max(len(line[column]) for line in (head, *body)) for column in range(len(head))]
        lines = [_aligned(head, widths), "─" * (sum(widths) + 2 * len(widths) - 2)]
        lines += [_aligned(line, widths) for line in body]
        if self.failures:
            lines += ["", *self._first_failures()]
        return lines

    def as_json(self) -> dict[str, Any]:
        """Return the same for a program; durations in seconds."""
        return {
            "is_good": self.is_good,
            "late_after": self.late,
            "rows": {
                row.what.value: {
                    "due": row.due,
                    "came": row.came,
                    "early": row.early,
                    "late": row.late,
                    "missing": row.missing,
                    "wrong": row.wrong,
                    "p50": row.percentile(0.5),
                    "p99": row.percentile(0.99),
                    "max": row.percentile(1.0),
                }
                for row in self.rows.values()
            },
            "failures": [asdict(failure) for failure in self.failures],
        }

    def _what_failed(self) -> Iterator[str]:
        explained = 0
        for row in self.rows.values():
            for number, how in (
                (row.early, "came early"),
                (row.missing, "never came"),
                (row.wrong, "came uncalled for"),
            ):
                explained += number
                if number:
                    yield f"{number:,} of the {row.what} {how}"
        if other := len(self.failures) - explained:
            yield f"{other:,} {'thing' if other == 1 else 'things'} went wrong otherwise"

    def _pace(self, worst_lag: float) -> str:
        p99 = max(self.rows[what].percentile(0.99) or 0.0 for what in PROMISED)
        if p99 <= self.late:
            return f"99 % within {p99 * 1000:.0f} ms"
        pace = f"but 99 % only within {p99 * 1000:.0f} ms, not {self.late * 1000:g}"
        if worst_lag > self.late:
            pace += ", some of which may be this client's own pauses"
        return pace

    def _first_failures(self) -> list[str]:
        shown = [f"{each.player} ({each.kind}): {each.what}" for each in self.failures[:_SHOWN]]
        rest = len(self.failures) - len(shown)
        return [*shown, f"and {rest} more"] if rest else shown


def _milliseconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1000:.1f} ms"


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(cells, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)])
