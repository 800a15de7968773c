"""When a session is warned, and what a warning says. Pure; instants are presence time."""

from server.base.units import NEVER
from server.presence.events import WarningGiven
from server.presence.policy import Policy
from server.presence.session import Session
from server.presence.status import Reason

SENDING = 0.001
"""Seconds allowed for sending a warning: it counts from when it was sent."""

LEAD = 0.001
"""Seconds by which warnings are early, so that one noticed a slot late hardly moves the end."""

_SAME_MOMENT = 4 * SENDING
"""Seconds. An absolute end that is later than the idle timeout by no more is warned of instead."""


def idle_warning_due(session: Session, policy: Policy, now: float) -> float:
    """Return when to warn of the idle timeout; NEVER if the absolute end comes first."""
    return max(_idle_warning_at(session, policy, now) - LEAD, session.hold_until)


def lifetime_warning_due(session: Session, policy: Policy) -> float:
    """Return when to warn of the absolute end."""
    return _lifetime_warning_at(session, policy) - LEAD


def warns_in(session: Session, policy: Policy, now: float) -> float:
    """Return the seconds until the next warning, which comes earlier by its lead; 0 once one was
    given."""
    if session.is_idle_warned or session.is_lifetime_warned:
        return 0.0
    at = min(_idle_warning_at(session, policy, now), _lifetime_warning_at(session, policy))
    return max(at - now, 0.0)


def warning(session: Session, reason: Reason, policy: Policy, now: float) -> WarningGiven:
    """Return a warning of the idle timeout, or of the absolute end, that is sent now."""
    is_idle = reason is Reason.IDLE_TIMEOUT
    end = session.idle_end_at(policy, now) if is_idle else session.ends_at
    # Without the lead, and without the time that sending takes.
    left = min(max(end - now, 0.0), policy.warn_before)
    return WarningGiven(session.id, session.player.id, reason, left, now)


# Without the lead


def _idle_warning_at(session: Session, policy: Policy, now: float) -> float:
    if session.ends_at <= session.idle_end_at(policy, now) + _SAME_MOMENT:
        return NEVER
    return session.idle_warning_at(policy)


def _lifetime_warning_at(session: Session, policy: Policy) -> float:
    return session.ends_at - policy.warn_before
