"""Checks that the numbers of a document are those of the code.

Every number is checked. It is a limit of the table; or a code with its word behind it; or a status
of the call in whose row it is; or in one of the `sentences`; or one of the `others`, which do not
come from the code.
"""

import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any

from server.app import create_app
from server.base.rates import Quota, Rate
from server.limits import Limits
from server.settings import Settings
from server.web.problems import PROBLEMS
from server.wire.closing import Close
from tests.support.answers import calls_of
from tests.support.paths import ROOT

BEGIN, END = "<!-- limits", "<!-- /limits -->"

NUMBER = re.compile(
    r"\d+(?:[.,]\d+)*"
    r"|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|sixty"
    r"|dozen|hundred|thousand|million|twice|thrice|half|one (?:more )?an? (?:second|minute))s?\b"
    r"|\ban? (?:minute|hour|day|week|month|year)\b"
)
"""In digits or in words, in lower-case text: matching both cases takes three times as long. "One"
and "a second" alone too often mean something else."""

NAMES = re.compile(
    r"`(?:tests|docs|server|scripts)/[^`]+`|\]\([^)]+\)|`Limits\.[^`]+`"
    r"|<!-- (?!limits)(\w+): kept equal .*?<!-- /\1 -->",
    re.DOTALL,
)
"""Names of files, tests and limits, and sections that another test keeps equal to the code."""

LIMIT = re.compile(r"`((?:Limits|Settings)\.[\w.]+)`")

FORMS = {
    "#",
    "# bytes",
    "# characters",
    "# bytes a second",
    "# s",
    "# in # s",
    "# in # min",
    "# in # h",
    "# at once, then # a second",
    "# bytes at once, then # bytes a second",
    "# a second, those of # s at once",
}
"""The possible forms of a limit in the table."""


def settings_of(**changes: Any) -> Settings:
    return Settings(_env_file=None, **changes)  # type: ignore[call-arg]


@dataclass(frozen=True)
class Document:
    """`sentences` have numbers of the code. `others` have numbers that are not the code's, with
    enough text to be unique. `limits` are named in the text besides those of the table."""

    name: str
    sentences: Callable[[Limits, Settings], Iterator[str]]
    others: Sequence[str]
    limits: Sequence[str]

    @property
    def text(self) -> str:
        return (ROOT / self.name).read_text()

    def wrong(self, text: str, limits: Limits, settings: Settings) -> list[str]:
        """The errors of `text`, in place of the document's, and its numbers that are not
        checked."""
        text, wrong = _without_limits(text, limits, settings)
        flat = " ".join(NAMES.sub("|", _without_statuses(text)).split())
        for said in (*self.sentences(limits, settings), *self.others):
            if said not in flat:
                wrong.append(f"it does not say: {said}")
            flat = flat.replace(said, "|")
        flat = re.sub(r"\b(\d{3,4})(?: \|)? `(\w+)`", _without_code, flat).lower()
        wrong += [
            f"nothing checks {found[0]!r} in: "
            f"...{flat[max(found.start() - 40, 0) : found.end() + 40]}"
            for found in NUMBER.finditer(flat)
        ]
        return wrong


# Limits, in the rows of a table


def rows_of(text: str) -> list[list[str]]:
    """The rows of the table of limits, each with what, limit, beyond it, and in the code."""
    table = text[text.index(BEGIN) : text.index(END)]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")]
    return rows[2:]


def in_the_code(path: str, limits: Limits, settings: Settings) -> list[float]:
    """The numbers of the limit or setting that `path` names."""
    value = attrgetter(path.partition(".")[2])(settings if path.startswith("S") else limits)
    if isinstance(value, Quota):
        return [value.count, value.seconds]
    if isinstance(value, Rate):
        return [value.burst, value.per_second]
    return [value]


def in_the_text(limit: str) -> list[float]:
    """The numbers of a cell of the table; times in seconds."""
    found = re.findall(r"([\d,.]*\d)(?: (min|h)\b)?", limit)
    seconds = {"": 1, "min": 60, "h": 3600}
    return [float(digits.replace(",", "")) * seconds[unit] for digits, unit in found]


def _without_limits(text: str, limits: Limits, settings: Settings) -> tuple[str, list[str]]:
    """`text` without the checked cells of limits, and their errors."""
    if BEGIN not in text:
        return text, []
    wrong = []
    for row in rows_of(text):
        if len(row) != 4 or not (paths := LIMIT.findall(row[3])):
            wrong.append(f"a row without a limit: {row}")
            continue
        is_so = [number for path in paths for number in in_the_code(path, limits, settings)]
        if re.sub(r"[\d,.]*\d", "#", row[1]) not in FORMS:
            wrong.append(f"{row[0]}: {row[1]}, in no form that is known")
        if in_the_text(row[1]) != is_so:
            wrong.append(f"{row[0]}: {row[1]}, but {paths} are {is_so}")
    table = text[text.index(BEGIN) : text.index(END)]
    unchecked = re.sub(r"^(\| [^|]+ \|) [^|]+ \|", r"\1", table, flags=re.MULTILINE)
    return text.replace(table, unchecked), wrong


# Codes, and statuses


@cache
def _codes() -> dict[str, set[int]]:
    """The HTTP status of every refusal and the code of every close, by their words."""
    codes: dict[str, set[int]] = defaultdict(set)
    for word, (status, _) in PROBLEMS.items():
        codes[word].add(status)
    for each in Close:
        codes[each.value.reason].add(each.value.code)
    return codes


def _without_code(found: re.Match[str]) -> str:
    return "|" if int(found[1]) in _codes().get(found[2], ()) else found[0]


@cache
def _statuses() -> dict[tuple[str, str], set[int]]:
    """The possible statuses of each call, by its method and its path."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(settings_of(database=f"{folder}/none.db", secret_keys="k" * 43))
    return {
        (call.method, re.sub("{[^}]*}", "{}", call.path)): {*call.answers, *call.problems}
        for call in calls_of(app)
    }


def _without_statuses(text: str) -> str:
    """`text` without the statuses that the call of their row has and that have no word."""

    def without(row: re.Match[str]) -> str:
        statuses = {
            str(status)
            for method, path in re.findall(r"`([A-Z]+) (/[^`?]*)", row[1])
            for status in _statuses().get((method, re.sub("{[^}]*}", "{}", path)), ())
        }
        answers = re.sub(
            r"\b\d{3}\b(?! `[a-z_]+`)",
            lambda found: "" if found[0] in statuses else found[0],
            row[3],
        )
        return f"|{row[1]}|{row[2]}|{answers}|"

    return re.sub(r"^\|( `[A-Z]+ /[^|]*)\|(.*)\|([^|]*)\|$", without, text, flags=re.MULTILINE)
