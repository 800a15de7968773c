"""Sentences for "why was I signed out?": the rule, and the last activity."""

from typing import assert_never

from server.base.units import in_digits
from server.presence.events import StatusChanged
from server.presence.policy import Policy
from server.presence.status import Reason


def explain_change(event: StatusChanged, policy: Policy) -> str:
    """Return the rule behind a change of status, for the history; its row has the instants."""
    last = (
        f"last activity: {event.last_activity_by}, {_seconds(event.at - event.last_activity)} ago"
    )
    match event.reason:
        case Reason.IDLE if event.back_in:
            return f"be right back, within {_seconds(event.back_in)} (hold); {last}"
        case Reason.IDLE:
            return f"no activity for {_seconds(policy.away_after)} (away_after); {last}"
        case Reason.WARNING:
            return f"the end is {_seconds(policy.warn_before)} away (warn_before); {last}"
        case Reason.IDLE_TIMEOUT:
            return f"no activity for {_seconds(policy.idle_timeout)} (idle_timeout); {last}"
        case Reason.SESSION_LIFETIME:
            return f"the session reached its longest life; {last}"
        case Reason.LEFT if not event.after.is_here:
            return f"left, and not back within {_seconds(policy.reload_grace)} (reload_grace)"
        case Reason.CONNECTION_LOST if not event.after.is_here:
            return (
                f"connection lost, and not back within {_seconds(policy.reconnect_grace)} "
                "(reconnect_grace)"
            )
        case Reason.SERVER_RESTART if not event.after.is_here:
            return (
                "the server restarted, and no connection came back within "
                f"{_seconds(policy.reconnect_grace)} (reconnect_grace)"
            )
        case Reason.SERVER_RESTART:
            return "the server restarted"
        case Reason.ACTIVITY:
            return f"activity: {event.last_activity_by}"
        case _:
            return explain_ending(event.reason, policy)


def explain_ending(reason: Reason | None, policy: Policy) -> str:
    """Return the sentence for a player whose session ended; `reason` is None if none is known."""
    match reason:
        case None:
            return "You are not signed in."
        case Reason.IDLE_TIMEOUT:
            return f"Nothing was touched for {_in_words(policy.idle_timeout)}."
        case Reason.SESSION_LIFETIME:
            return "The session reached its longest life; sign in again to go on."
        case Reason.SIGNED_OUT:
            return "You signed out."
        case Reason.SIGNED_OUT_EVERYWHERE:
            return "You signed out everywhere, or changed your password."
        case Reason.KICKED:
            return "An operator ended the session."
        case Reason.REPLACED:
            return "A newer sign-in took this session's place."
        case (
            Reason.SIGNED_IN
            | Reason.ACTIVITY
            | Reason.IDLE
            | Reason.WARNING
            | Reason.CONNECTED
            | Reason.CONNECTION_LOST
            | Reason.LEFT
            | Reason.SERVER_RESTART
        ):
            return reason.replace("_", " ")  # ends no session
        case _ as unreachable:
            assert_never(unreachable)


def _in_words(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    if rest or not minutes:
        return f"{in_digits(seconds, 1)} seconds"
    return "a minute" if minutes == 1 else f"{in_digits(minutes)} minutes"


def _seconds(seconds: float) -> str:
    return f"{in_digits(seconds, 1)} s"
