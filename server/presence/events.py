"""The events of presence: one closed set, the only output of the core.

Journal, lobby, tabs and metrics subscribe to them; the core calls none of them by name. Events
are in the order in which they happened.

Instants (`at`, `last_activity`) are presence time in seconds, of the process that made the event.
Who passes events on to another process converts them with `Clock.to_wall`, and back with
`Clock.from_wall`.
"""

from typing import TypeAlias

from server.base.event import BaseEvent
from server.base.ids import PlayerId, SessionId
from server.base.stream import Stream
from server.presence.status import Reason, Status


class SessionStarted(BaseEvent, frozen=True):
    """A player signed in; the `StatusChanged` to active follows."""

    session_id: SessionId
    player_id: PlayerId
    at: float


class StatusChanged(BaseEvent, frozen=True):
    """A session's status changed, and possibly its player's.

    `last_activity` and `last_activity_by` are what the idle clock went by: they answer "why was
    I signed out?" even when the session has moved on since.
    """

    session_id: SessionId
    player_id: PlayerId
    before: Status
    after: Status
    reason: Reason
    at: float
    last_activity: float
    last_activity_by: str
    # Seconds for which the player said that they would be away; 0 where they did not.
    back_in: float
    # The player, with the best status and the latest activity of all their sessions.
    name: str
    sort_key: str
    guest: bool
    player_before: Status
    player_after: Status
    player_last_activity: float


class Activity(BaseEvent, frozen=True):
    """A session was touched. Published only where a subscriber needs it: for players whose
    activity was asked for (`Registry.reported`), and for a player who is away and stays so, as the
    session that was touched is warned of its absolute end."""

    session_id: SessionId
    player_id: PlayerId
    at: float


class WarningGiven(BaseEvent, frozen=True):
    """A warning is due now. `reason` is what will end the session: idle_timeout or
    session_lifetime; each is a clock of its own and both can be running out."""

    session_id: SessionId
    player_id: PlayerId
    reason: Reason
    expires_in: float
    at: float


class WarningWithdrawn(BaseEvent, frozen=True):
    """The idle warning no longer holds: an activity, or a hold, moved the end."""

    session_id: SessionId
    player_id: PlayerId
    expires_in: float
    at: float


class DeadlineMovedUp(BaseEvent, frozen=True):
    """A deadline is sooner than was known, and nothing else changed: a hold was released or a page
    said that it is leaving."""

    session_id: SessionId
    player_id: PlayerId
    at: float


class SessionSlept(BaseEvent, frozen=True):
    """A remembered session reached its idle timeout: its connections are to be closed, and it
    stays, dormant, until its player comes back."""

    session_id: SessionId
    player_id: PlayerId
    at: float


class SessionEnded(BaseEvent, frozen=True):
    """The session is over for `reason`. `is_last`: its player, a `guest` or not, has no other."""

    session_id: SessionId
    player_id: PlayerId
    reason: Reason
    at: float
    guest: bool
    is_last: bool


Event: TypeAlias = (
    SessionStarted
    | StatusChanged
    | Activity
    | WarningGiven
    | WarningWithdrawn
    | DeadlineMovedUp
    | SessionSlept
    | SessionEnded
)


class EventStream(Stream[Event]):
    """The events of sessions."""
