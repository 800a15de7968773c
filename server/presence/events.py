"""The events of presence: a closed set, the output of the registry besides return values.

Journal, lobby, tabs and metrics subscribe to them; the core does not know its subscribers. Events
are in the order in which they happened.

Instants (`at`, `last_activity`) are presence time in seconds, of the process that made the event.
To pass events to another process, convert them with `Clock.to_wall` and `Clock.from_wall`.
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

    `last_activity` and `last_activity_by` are copies, which answer "why was I signed out?" when the
    session has moved on.
    """

    session_id: SessionId
    player_id: PlayerId
    before: Status
    after: Status
    reason: Reason
    at: float
    last_activity: float
    last_activity_by: str
    # Seconds left of a "be right back"; 0 if the player did not say so.
    back_in: float
    # The player, with the best status and the latest activity of all their sessions.
    name: str
    sort_key: str
    guest: bool
    player_before: Status
    player_after: Status
    player_last_activity: float


class Activity(BaseEvent, frozen=True):
    """A session was touched. Published only for players in `Registry.reported`, and for a player
    who stays away although touched, as that session is warned of its absolute end."""

    session_id: SessionId
    player_id: PlayerId
    at: float


class WarningGiven(BaseEvent, frozen=True):
    """A warning is due now. `reason` is what will end the session: idle_timeout or
    session_lifetime. Both warnings can stand at once."""

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
    """A deadline moved to an earlier instant, and nothing else changed: a hold was released, or a
    page said that it is leaving."""

    session_id: SessionId
    player_id: PlayerId
    at: float


class SessionSlept(BaseEvent, frozen=True):
    """A remembered session reached its idle timeout. Its connections are closed by the subscribers;
    it stays, dormant, until its player comes back."""

    session_id: SessionId
    player_id: PlayerId
    at: float


class SessionEnded(BaseEvent, frozen=True):
    """The session ended for `reason`. `is_last`: its player has no other session."""

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
