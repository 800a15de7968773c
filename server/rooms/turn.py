"""A turn: one fact, and all that follows from it, in any number of rooms."""

from types import TracebackType
from typing import Protocol

from server.base.ids import PlayerId
from server.rooms.chat import Notice
from server.rooms.errors import GameFailed
from server.rooms.events import LineSaid, MatchAdvanced, RoomEvent
from server.rooms.match import Match
from server.rooms.room import Room


class FollowUp(Protocol):
    """What follows from any fact; `_FollowUp` of `rooms.py` implements it."""

    def settle(self, turn: "Turn", room: Room) -> None:
        """Draw the conclusions for a changed room."""

    def fail(self, turn: "Turn", room: Room, error: GameFailed) -> None:
        """Handle the failure of a room's game."""

    def conclude(self, turn: "Turn") -> None:
        """Draw the conclusions that concern no single room."""


class Turn:
    """Collects the events of one fact, in a `with` block. `now` is the fact's presence instant;
    `by` the player who caused it, None if time did."""

    __slots__ = ("_follow_up", "by", "events", "now")

    def __init__(self, now: float, by: PlayerId | None, follow_up: FollowUp) -> None:
        self.now = now
        self.by = by
        self.events: list[RoomEvent] = []
        self._follow_up = follow_up

    def __enter__(self) -> "Turn":
        return self

    def __exit__(
        self, kind: object, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self._follow_up.conclude(self)

    def at(self, room: Room) -> "AtRoom":
        """Return a block that changes `room` and settles it at the end. A failing game ends the
        block and closes the room; a refusal ends it before anything was changed."""
        return AtRoom(self, room, self._follow_up)

    def tell(self, event: RoomEvent) -> None:
        """Add an event."""
        self.events.append(event)

    def note(self, room: Room, notice: Notice, name: str, seat: int) -> None:
        """Add a note to the room's chat, unless that was done too often for this player."""
        line = room.chat.note(notice, self.now, name, seat)
        if line is not None:
            self.tell(LineSaid(room.id, line, self.now, self.by))

    def advanced(self, room: Room, match: Match, lateness: float | None = None) -> None:
        """Publish that the match went on, and its moves."""
        moves = tuple(match.take_moves())
        self.tell(MatchAdvanced(room.id, match.id, match.players, moves, self.now, lateness))


class AtRoom:
    """The block of a turn that changes one room: see `Turn.at`. A class and not a generator, which
    would be slower: every action passes through one."""

    __slots__ = ("_follow_up", "_room", "_turn")

    def __init__(self, turn: Turn, room: Room, follow_up: FollowUp) -> None:
        self._turn = turn
        self._room = room
        self._follow_up = follow_up

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: object, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if isinstance(error, GameFailed):
            self._follow_up.fail(self._turn, self._room, error)
        elif error is not None:
            return False
        self._follow_up.settle(self._turn, self._room)
        return True
