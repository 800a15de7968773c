"""What can happen: one closed set of events, the only thing the core tells anybody.

Journal, lobby, tabs and metrics subscribe to them; the core calls none by name.
Instants (`at`) are presence time. Events are in the order in which they happened.
"""

from typing import TypeAlias

import msgspec

from server.base.stream import Stream
from server.presence.session import Session
from server.presence.status import Reason, Status


class SessionStarted(msgspec.Struct, frozen=True, gc=False):
    """A player signed in; the `StatusChanged` to active follows."""

    session: Session
    at: float


class StatusChanged(msgspec.Struct, frozen=True, gc=False):
    """A session's status changed, and with it, perhaps, its player's.

    `last_activity` and `last_activity_by` are what the idle clock went by: they answer "why was
    I signed out?" even when the session has moved on since.
    """

    session: Session
    before: Status
    after: Status
    reason: Reason
    at: float
    player_before: Status
    player_after: Status
    last_activity: float
    last_activity_by: str
    # Seconds for which the player said that they would be away; 0 where they did not.
    back_in: float = 0.0


class WarningGiven(msgspec.Struct, frozen=True, gc=False):
    """A warning is due now. `reason` is what will end the session: idle_timeout or
    session_lifetime; each is a clock of its own and both can be running out."""

    session: Session
    reason: Reason
    expires_in: float
    at: float


class Extended(msgspec.Struct, frozen=True, gc=False):
    """The idle warning was withdrawn: an activity, or a hold, moved the end."""

    session: Session
    expires_in: float
    at: float


class DeadlineMovedUp(msgspec.Struct, frozen=True, gc=False):
    """Something will happen sooner than was known, and nothing else changed: a hold was released
    or a page said that it is leaving."""

    session: Session
    at: float


class SessionSlept(msgspec.Struct, frozen=True, gc=False):
    """A remembered session reached its idle timeout: its connections are to be closed, and it
    waits, dormant, for its player to come back."""

    session: Session
    at: float


class SessionEnded(msgspec.Struct, frozen=True, gc=False):
    """The session is over for `reason`; `is_last` where its player has no other."""

    session: Session
    reason: Reason
    at: float
    is_last: bool


Event: TypeAlias = (
    SessionStarted
    | StatusChanged
    | WarningGiven
    | Extended
    | DeadlineMovedUp
    | SessionSlept
    | SessionEnded
)


class EventStream(Stream[Event]):
    """What happened to sessions."""
