"""Compares promises with what clients were told and the database contains."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from scripts.storm.browser import Browser, Told
from scripts.storm.database import Change, Database
from server.presence.status import ENDINGS, Reason


class Check(StrEnum):
    """What is checked, in the words of the report."""

    INTEGRITY = "the file is whole, its references too"
    IN_ORDER = "changes are in order, and possible"
    BOOT_ROW = "the start that was killed has no stop"
    SIGN_INS = "who was let in is in the database"
    ENDINGS = "an end that was told is durable"
    REVOKED = "who was told of an end is refused, with the reason"
    TOLD = "changes told are written, up to the last moment"
    CARRY_ON = "a cookie carries on with the same session"
    CLOCKS = "its idle clock stands where it should"
    GRACE = "nobody is here who is not, after the grace"


@dataclass
class Tally:
    """The number of checks, and the failures."""

    looked: int = 0
    broken: list[str] = field(default_factory=list)


class Verdict:
    """The results over all kills."""

    def __init__(self) -> None:
        self.tallies = {check: Tally() for check in Check}
        self.lost: list[float] = []
        """For each told change that a kill lost: seconds from the telling to the kill."""

    def note(self, check: Check, sentence: str | None) -> None:
        """Record a check; `sentence` says what is wrong."""
        tally = self.tallies[check]
        tally.looked += 1
        if sentence is not None:
            tally.broken.append(sentence)

    @property
    def is_good(self) -> bool:
        return not any(tally.broken for tally in self.tallies.values())

    @property
    def broken(self) -> list[str]:
        return [
            f"{check}: {sentence}"
            for check, tally in self.tallies.items()
            for sentence in tally.broken
        ]


LONGEST_LOSS = 2.0
"""The most seconds before a kill from which a told change may be missing, as it waited for the
disk."""

_CLOCK_JITTER_MS = 20
_LAST = ENDINGS - {Reason.IDLE_TIMEOUT}
"""The reasons after which no change comes; with an idle timeout a remembered session only goes
offline."""


def not_written(told: Sequence[Told], rows: Sequence[tuple[str, str]]) -> tuple[list[Told], bool]:
    """Return the told statuses that are not among `rows`, in this order, and whether a later one is
    there, which makes it a gap."""
    place = 0
    for number, each in enumerate(told):
        at = _find(each, rows, place)
        if at is None:
            rest = list(told[number:])
            # The row at `place` was told before, or existed before anything was told.
            return rest, any(_find(other, rows, place + 1) is not None for other in rest)
        place = at  # a row may be sent twice
    return [], False


def _find(told: Told, rows: Sequence[tuple[str, str]], start: int) -> int | None:
    for number in range(start, len(rows)):
        status, reason = rows[number]
        if status == told.status and told.reason in (None, reason):
            return number
    return None


def judge_database(
    database: Database, verdict: Verdict, last_change: int, *, may_have_stopped: bool
) -> None:
    """Check the database by itself."""
    found = database.integrity()
    verdict.note(Check.INTEGRITY, "; ".join(found) if found else None)
    number, _, stopped_at = database.boots()[-1]
    is_wrong = stopped_at is not None and not may_have_stopped
    verdict.note(Check.BOOT_ROW, f"boot {number} was killed and has a stop" if is_wrong else None)
    before: dict[str, Change] = {}
    latest = 0
    for change in database.changes(last_change):
        previous = before.get(change.session)
        wrong = None
        if previous is not None and previous.status == change.status:
            wrong = f"change {change.id} changes nothing"
        elif previous is not None and previous.reason in _LAST:
            wrong = f"change {change.id} comes after the end of {change.session}"
        elif change.id > last_change and change.at < latest - _CLOCK_JITTER_MS:
            wrong = f"change {change.id} is older than the one before it"
        if change.id > last_change:
            verdict.note(Check.IN_ORDER, wrong)
            latest = max(latest, change.at)
        before[change.session] = change


def judge_told(
    told: Sequence[Told],
    rows: Sequence[tuple[str, str]],
    killed_at: float,
    who: str,
    verdict: Verdict,
) -> None:
    """Compare what one listener was told with the rows."""
    lost, is_gap = not_written(told, rows)
    for _ in range(len(told) - len(lost)):
        verdict.note(Check.TOLD, None)
    if lost and is_gap:
        verdict.note(Check.TOLD, f"{who}: {lost[0]} is missing, and later ones are there: {rows}")
    for each in lost:
        before = killed_at - each.at
        verdict.lost.append(before)
        is_old = before > LONGEST_LOSS
        verdict.note(
            Check.TOLD, f"{who}: {each}, told {before:.2f} s before the kill" if is_old else None
        )


def judge_endings(
    browsers: Sequence[Browser], endings: dict[str, str | None], verdict: Verdict
) -> None:
    """Check that answered ends are in the database."""
    for browser in browsers:
        known = browser.session_id in endings
        wrong = None if known else f"{browser.session_id} was let in and is not there"
        verdict.note(Check.SIGN_INS, wrong)
        if browser.ending is None or not known:
            continue
        reason = endings[browser.session_id]
        as_told = reason == browser.ending if browser.is_ending_exact else reason is not None
        verdict.note(
            Check.ENDINGS,
            None if as_told else f"{browser.session_id}: told {browser.ending}, written {reason}",
        )


def as_rows(changes: Sequence[Change], session: str) -> list[tuple[str, str]]:
    """Return a session's statuses."""
    return [(each.status, each.reason) for each in changes if each.session == session]


def as_player_rows(changes: Sequence[Change], player: str) -> list[tuple[str, str]]:
    """Return a player's statuses, as in the lobby."""
    return [(each.player_status, each.reason) for each in changes if each.player == player]
