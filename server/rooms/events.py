"""What can happen in rooms: a closed set of events. Instants (`at`) are presence time.

Topics and the journal subscribe; `Rooms` calls none of them by name.
"""

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from server.base.stream import Stream
from server.presence.session import Player

if TYPE_CHECKING:
    from server.rooms.chat import Line
    from server.rooms.match import Match
    from server.rooms.room import Room


class RoomOpened(msgspec.Struct, frozen=True, gc=False):
    room: "Room"
    at: float


class RoomChanged(msgspec.Struct, frozen=True, gc=False):
    """Anything about a room but the state of its match: who sits where, whose clock runs, …"""

    room: "Room"
    at: float


class MatchStarted(msgspec.Struct, frozen=True, gc=False):
    room: "Room"
    match: "Match"
    at: float


class MatchAdvanced(msgspec.Struct, frozen=True, gc=False):
    """The state of the match is another one. `lateness`: where time did it, the seconds by which
    that was noticed late."""

    room: "Room"
    match: "Match"
    at: float
    lateness: float | None = None


class MatchEnded(msgspec.Struct, frozen=True, gc=False):
    """`match.outcome` says how."""

    room: "Room"
    match: "Match"
    at: float


class LineSaid(msgspec.Struct, frozen=True, gc=False):
    room: "Room"
    line: "Line"
    at: float


class RoomClosed(msgspec.Struct, frozen=True, gc=False):
    """`error`: what a game raised, where that is the reason."""

    room: "Room"
    reason: str
    at: float
    error: BaseException | None = None


class PlayerAsked(msgspec.Struct, frozen=True, gc=False):
    """Somebody wants to know whether `player` is there."""

    room: "Room"
    player: Player
    by: str
    expires_in: float
    at: float


class PlayerMatched(msgspec.Struct, frozen=True, gc=False):
    """Quick match has found a seat for `player`, for whom it is kept for a while."""

    room: "Room"
    player: Player
    expires_in: float
    at: float


class QueueChanged(msgspec.Struct, frozen=True, gc=False):
    """`player` waits for a quick match, or no longer: then `waiting` is 0 and `reason` says why."""

    player: Player
    game: str | None
    waiting: int
    reason: str | None
    at: float


RoomEvent: TypeAlias = (
    RoomOpened
    | RoomChanged
    | MatchStarted
    | MatchAdvanced
    | MatchEnded
    | LineSaid
    | RoomClosed
    | PlayerAsked
    | PlayerMatched
    | QueueChanged
)


class RoomStream(Stream[RoomEvent]):
    """What happened in rooms."""
