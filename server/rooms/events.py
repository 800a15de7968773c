"""The events of rooms: one closed set, the only output of `Rooms` but for what its calls return.

Every event is a value: ids, names, numbers and texts, and the frozen structs `Line`, `Move` and
`Outcome`. Instants (`at`, `began`, `opened_at`) are presence time in seconds, of the process that
made the event. Events are in the order in which they happened.
"""

from typing import TypeAlias

from server.base.event import BaseEvent
from server.base.ids import MatchId, PlayerId, RoomId
from server.base.stream import Stream
from server.games.game import Outcome
from server.rooms.chat import Line
from server.rooms.match import Move


class RoomOpened(BaseEvent, frozen=True):
    room_id: RoomId
    game: str
    is_private: bool
    made_by: PlayerId
    at: float


class RoomUpdated(BaseEvent, frozen=True):
    """Something about a room changed, other than the state of its match: its seats, spectators,
    host, clocks or countdowns."""

    room_id: RoomId
    at: float


class RoomClosed(BaseEvent, frozen=True):
    """`reason`: empty, idle or failed; `error`: what the game raised, where it failed."""

    room_id: RoomId
    game: str
    is_private: bool
    made_by: PlayerId
    opened_at: float
    reason: str
    at: float
    error: str | None = None


class MatchStarted(BaseEvent, frozen=True):
    """`players`: id and name, by seat. Its seed is secret until it is over."""

    room_id: RoomId
    match_id: MatchId
    number: int
    game: str
    is_private: bool
    players: tuple[tuple[PlayerId, str], ...]
    at: float


class MatchAdvanced(BaseEvent, frozen=True):
    """The match went on: an action, a hook of the game or a tick. `moves`: what was done, if it
    changed the state. `lateness`: None, or for ticks the seconds by which they were noticed late.
    """

    room_id: RoomId
    match_id: MatchId
    moves: tuple[Move, ...]
    at: float
    lateness: float | None = None


class MatchEnded(BaseEvent, frozen=True):
    """A match is over. `began` is moved by the time that a restart took, so that the match took
    `seconds`; `by`: the seat whose doing the end was."""

    room_id: RoomId
    match_id: MatchId
    number: int
    game: str
    is_private: bool
    players: tuple[tuple[PlayerId, str], ...]
    seed: str
    began: float
    seconds: float
    steps: int
    outcome: Outcome
    by: int | None
    at: float


class LineSaid(BaseEvent, frozen=True):
    """A player said something, or the room itself noted something, in its chat."""

    room_id: RoomId
    line: Line
    at: float


class PlayerAsked(BaseEvent, frozen=True):
    """A pulse check: the player named `by` asks whether the player is there."""

    room_id: RoomId
    player_id: PlayerId
    by: str
    expires_in: float
    at: float


class PlayerMatched(BaseEvent, frozen=True):
    """Quick match has found a seat for the player, which is kept for `expires_in`."""

    room_id: RoomId
    player_id: PlayerId
    game: str
    expires_in: float
    at: float


class QueueChanged(BaseEvent, frozen=True):
    """The player waits for a quick match (of any game, if `game` is None), or no longer: then
    `waiting` is 0, and `reason` is cancelled, away or matched."""

    player_id: PlayerId
    game: str | None
    waiting: int
    reason: str | None
    at: float


RoomEvent: TypeAlias = (
    RoomOpened
    | RoomUpdated
    | RoomClosed
    | MatchStarted
    | MatchAdvanced
    | MatchEnded
    | LineSaid
    | PlayerAsked
    | PlayerMatched
    | QueueChanged
)


class RoomStream(Stream[RoomEvent]):
    """The events of rooms."""
