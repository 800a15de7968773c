"""The events of rooms: a closed set, the output of `Rooms` besides return values.

Every event is a value: ids, names, numbers and texts, and the frozen structs `Line`, `Move` and
`Outcome`. Instants (`at`, `began`, `opened_at`) are presence time in seconds, of the process that
made the event. Events are in the order in which they happened.
"""

from typing import Literal, TypeAlias

from server.base.event import BaseEvent
from server.base.ids import MatchId, PlayerId, RoomId
from server.base.stream import Stream
from server.games.game import Level, Outcome
from server.rooms.chat import Line
from server.rooms.match import Move

CloseReason: TypeAlias = Literal["empty", "idle", "failed"]
"""Why a room closed: nobody was in it, nobody kept it open, or its game failed."""

QueueReason: TypeAlias = Literal["cancelled", "away", "matched"]
"""Why a player no longer waits for a quick match."""


class RoomOpened(BaseEvent, frozen=True):
    room_id: RoomId
    game: str
    is_private: bool
    made_by: PlayerId
    at: float


class RoomUpdated(BaseEvent, frozen=True):
    """Anything in a room but the state of its match changed: seats, spectators, host, clocks or
    countdowns. `is_to_keep`: more than its spectators. `is_urgent`: more than can be written a
    little later. `by`: the player who caused it; None if time did."""

    room_id: RoomId
    at: float
    is_to_keep: bool = True
    is_urgent: bool = True
    by: PlayerId | None = None


class RoomClosed(BaseEvent, frozen=True):
    """`error`: what the game raised, if it failed."""

    room_id: RoomId
    game: str
    is_private: bool
    made_by: PlayerId
    opened_at: float
    reason: CloseReason
    at: float
    error: str | None = None


class MatchStarted(BaseEvent, frozen=True):
    """`players`: id and name, by seat. The seed is secret until the end."""

    room_id: RoomId
    match_id: MatchId
    number: int
    game: str
    is_private: bool
    players: tuple[tuple[PlayerId, str], ...]
    at: float


class MatchAdvanced(BaseEvent, frozen=True):
    """The state of a match changed by an action, a hook of the game or a tick. `players`: id and
    name, by seat. `moves`: the actions and hooks. `lateness`: for ticks, by how many seconds they
    were late; otherwise None."""

    room_id: RoomId
    match_id: MatchId
    players: tuple[tuple[PlayerId, str], ...]
    moves: tuple[Move, ...]
    at: float
    lateness: float | None = None


class MatchEnded(BaseEvent, frozen=True):
    """A match ended. `began` is moved by the time of restarts, so that the match took `seconds`;
    `by` is the seat that caused the end."""

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


class BotAsked(BaseEvent, frozen=True):
    """A match waits for a robot that thinks. `view`: what it sees, as JSON; `step`: the number of
    changes of the match before; `time`: match time."""

    room_id: RoomId
    match_id: MatchId
    game: str
    step: int
    seat: int
    level: Level
    view: str
    time: float
    at: float


class LineSaid(BaseEvent, frozen=True):
    """A new line in the chat of a room, by a player or by the room. `by`: the player who caused it;
    None if time did."""

    room_id: RoomId
    line: Line
    at: float
    by: PlayerId | None = None


class PlayerAsked(BaseEvent, frozen=True):
    """A pulse check: the player named `by` asks whether this player is there."""

    room_id: RoomId
    player_id: PlayerId
    by: str
    expires_in: float
    at: float


class PlayerMatched(BaseEvent, frozen=True):
    """Quick match reserved a seat for the player, for `expires_in` seconds."""

    room_id: RoomId
    player_id: PlayerId
    game: str
    expires_in: float
    at: float


class QueueChanged(BaseEvent, frozen=True):
    """The player waits for a quick match (of any game if `game` is None). No longer, if `waiting`
    is 0; then there is a `reason`."""

    player_id: PlayerId
    game: str | None
    waiting: int
    reason: QueueReason | None
    at: float


RoomEvent: TypeAlias = (
    RoomOpened
    | RoomUpdated
    | RoomClosed
    | MatchStarted
    | MatchAdvanced
    | MatchEnded
    | BotAsked
    | LineSaid
    | PlayerAsked
    | PlayerMatched
    | QueueChanged
)


class RoomStream(Stream[RoomEvent]):
    """The events of rooms."""
