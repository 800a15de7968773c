"""A turn: one fact, and all that follows from it, in however many rooms."""

from types import TracebackType
from typing import Protocol

from server.rooms.errors import GameFailed
from server.rooms.events import LineSaid, MatchAdvanced, RoomEvent
from server.rooms.match import Match
from server.rooms.room import Room


class FollowUp(Protocol):
    """What follows from any fact: `Rooms` has it."""

    def settle(self, turn: "Turn", room: Room) -> None:
        """Draw the conclusions for a room that was changed."""

    def fail(self, turn: "Turn", room: Room, error: GameFailed) -> None:
        """The game of a room has failed."""

    def conclude(self, turn: "Turn") -> None:
        """Draw those that concern no single room."""


class Turn:
    """Collects the events of one fact, in a `with` block. `now` is the presence instant at which
    it happened."""

    __slots__ = ("_follow_up", "events", "now")

    def __init__(self, now: float, follow_up: FollowUp) -> None:
        self.now = now
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
        """Change `room` in this block: at its end the room is settled. A game that fails in it
        ends the block and closes the room; a refusal ends it before anything was changed."""
        return AtRoom(self, room, self._follow_up)

    def tell(self, event: RoomEvent) -> None:
        """Add an event."""
        self.events.append(event)

    def note(self, room: Room, notice: str, name: str, seat: int) -> None:
        """Have the room's chat say what happened to a player, unless it has said so too often."""
        line = room.chat.note(notice, self.now, name, seat)
        if line is not None:
            self.tell(LineSaid(room.id, line, self.now))

    def advanced(self, room: Room, match: Match, lateness: float | None = None) -> None:
        """Tell that the match went on, and by which moves."""
        moves = tuple(match.take_moves())
        self.tell(MatchAdvanced(room.id, match.id, moves, self.now, lateness))


class AtRoom:
    """The block of a turn in which one room is changed: see `Turn.at`. A class and not a generator,
    for every action of every player passes through one."""

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
