"""What the server owes a player, by what the player did; and whether it came.

Pure. All instants are seconds of the client's own monotonic clock. An action is stamped just before
it is sent, so the server cannot have received it earlier; an event is stamped when it arrives, so
it cannot have been sent later. A promise "never before" is therefore strict here, and lateness
includes both ways and the client's own pauses.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import assert_never

from server.wire.views import PolicyView

ROUNDING = 0.001
"""Seconds by which an event may be early: the protocol rounds durations to milliseconds."""

QUEUEING = 0.05
"""Seconds by which a warning may wait for the client's loop. The time from the warning to the
sign-out is measured between arrivals: if only the warning had to wait, they seem closer than they
were sent."""


class Kind(StrEnum):
    """The kinds of players."""

    ACTIVE = "active"  # pings to the end
    IDLE = "idle"  # pings for a while, then never again
    HOLD = "hold"  # as idle, but requests a hold on the way
    FLAPPER = "flapper"  # as active, but drops its connection and returns within the grace
    LEAVER = "leaver"  # signs out, or closes the page


class What(StrEnum):
    """What can happen to a player, in the words of the verdict."""

    WARNING = "warnings"
    SIGN_OUT = "sign-outs"  # by the idle timeout, closed with 4501
    OWN_SIGN_OUT = "own sign-outs"  # by DELETE /api/session, closed with 4503
    LEAVING = "leavings"  # in the `left` of the lobby


class Outcome(StrEnum):
    """The result for something that was due, or was not."""

    CAME = "came"
    EARLY = "early"
    MISSING = "missing"
    WRONG = "wrong"


class Policy(PolicyView, frozen=True):
    """The server's durations from the session view, and what follows from them."""

    @property
    def warns_after(self) -> float:
        """Seconds without activity until the warning is due."""
        return self.idle_timeout - self.warn_before

    @property
    def lively(self) -> float:
        """Seconds between activities that keep a player from becoming away."""
        return min(self.away_after, self.warns_after / 2)


@dataclass(frozen=True, slots=True)
class Met:
    """An event that happened. `fault`: why it was wrong at any time; empty if it was not."""

    what: What
    at: float
    fault: str = ""


@dataclass(slots=True)
class Absence:
    """A flapper without a connection from `since` (sent) until `until` (greeted again)."""

    since: float
    grace: float
    until: float = float("inf")

    @property
    def is_too_long(self) -> bool:
        """True if the client itself was too slow to return within the grace."""
        return self.until - self.since >= self.grace


@dataclass(slots=True)
class Record:
    """What a player did, and what happened."""

    name: str
    kind: Kind
    last_activity: float = float("-inf")
    is_quiet: bool = False
    """True if `last_activity` was the last one of the plan."""
    hold_sent: float = float("-inf")
    held: float = 0.0
    """Seconds of hold that the server granted."""
    signed_out_at: float | None = None
    """When the player requested the sign-out."""
    left_at: float | None = None
    """When the page was closed."""
    absences: list[Absence] = field(default_factory=list)
    met: list[Met] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    """What no plan contains: a lost connection, a refused message."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An event that was due, or came without being due. `lateness` is set if it came."""

    what: What
    outcome: Outcome
    lateness: float | None = None
    detail: str = ""


def due_to(record: Record, policy: Policy) -> dict[What, float]:
    """Return what is due to a player by now, and the instant before which it must not come."""
    match record.kind:
        case Kind.ACTIVE | Kind.FLAPPER:
            return {}
        case Kind.IDLE | Kind.HOLD:
            if not record.is_quiet:
                return {}
            # A hold stops the idle clock, and there is no warning while it lasts.
            idle_from = record.last_activity + record.held
            end = idle_from + policy.idle_timeout
            warning = max(idle_from + policy.warns_after, record.hold_sent + record.held)
            return {What.WARNING: warning, What.SIGN_OUT: end, What.LEAVING: end}
        case Kind.LEAVER:
            if record.signed_out_at is not None:
                return {
                    What.OWN_SIGN_OUT: record.signed_out_at,
                    What.LEAVING: record.signed_out_at,
                }
            if record.left_at is not None:
                # Unless the idle clock, which goes on, ends before the grace.
                idle_end = record.last_activity + policy.idle_timeout
                return {What.LEAVING: min(record.left_at + policy.reload_grace, idle_end)}
            return {}
        case _ as unreachable:
            assert_never(unreachable)


def judge(
    record: Record,
    policy: Policy,
    until: float,
    timeout: float,
    *,
    rounding: float = ROUNDING,
    queueing: float = QUEUEING,
    sees_lobby: bool = True,
) -> list[Finding]:
    """Return all that was due to a player, and all that came without being due.

    `until` is when watching ended. What was due less than `timeout` seconds before that and has not
    come is neither: it might still come. Without `sees_lobby` no departure is missing.
    """
    due = due_to(record, policy)
    if not sees_lobby and all(met.what is not What.LEAVING for met in record.met):
        due.pop(What.LEAVING, None)
    findings: list[Finding] = []
    warned_at: float | None = None
    for what in What:
        came = [met for met in record.met if met.what is what]
        if what in due and came and not came[0].fault:
            first, at = came.pop(0), due[what]
            if what is What.WARNING:
                warned_at = first.at
            detail = _why_early(first, at - rounding, warned_at, policy.warn_before - queueing)
            outcome = Outcome.EARLY if detail else Outcome.CAME
            findings.append(Finding(what, outcome, first.at - at, detail))
        elif what in due and (came or until - due[what] >= timeout):
            findings.append(Finding(what, Outcome.MISSING, None, f"{_SINGULAR[what]} never came"))
        findings += _wrongly(record, what, came)
    return findings


def _why_early(
    first: Met, not_before: float, warned_at: float | None, shortest_warning: float
) -> str:
    if first.at < not_before:
        missed = (not_before - first.at) * 1000
        return f"{_SINGULAR[first.what]} came {missed:.1f} ms early"
    if first.what is What.SIGN_OUT and warned_at is not None:
        warned_for = first.at - warned_at
        if warned_for < shortest_warning:
            return f"signed out {warned_for:.3f} s after the warning"
    return ""


def _wrongly(record: Record, what: What, came: list[Met]) -> Iterator[Finding]:
    for met in came:
        if what is What.LEAVING and _is_own_fault(record, met):
            continue
        detail = met.fault or f"{_SINGULAR[what]} that was not due"
        yield Finding(what, Outcome.WRONG, None, detail)


def _is_own_fault(record: Record, met: Met) -> bool:
    """Return True if a flapper was away for longer than its grace when the lobby reported it
    left."""
    return any(
        absence.is_too_long and met.at >= absence.since + absence.grace
        for absence in record.absences
    )


_SINGULAR = {
    What.WARNING: "a warning",
    What.SIGN_OUT: "a sign-out",
    What.OWN_SIGN_OUT: "the requested sign-out",
    What.LEAVING: "a leaving in the lobby",
}
