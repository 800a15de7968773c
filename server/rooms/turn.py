"""A turn: one fact, and all that follows from it, in however many rooms."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from server.rooms.errors import GameFailed
from server.rooms.events import LineSaid, MatchAdvanced, RoomEvent
from server.rooms.match import Match
from server.rooms.room import Room


class Turn:
    """Collects the events of one fact. `now` is the presence instant at which it happened."""

    __slots__ = ("_fail", "_settle", "events", "now")

    def __init__(
        self,
        now: float,
        settle: Callable[["Turn", Room], None],
        fail: Callable[["Turn", Room, GameFailed], None],
    ) -> None:
        self.now = now
        self.events: list[RoomEvent] = []
        self._settle = settle
        self._fail = fail

    @contextmanager
    def at(self, room: Room) -> Iterator[None]:
        """Change `room` in this block: at its end the room is settled. A game that fails in it
        ends the block and closes the room; a refusal ends it before anything was changed."""
        try:
            yield
        except GameFailed as error:
            self._fail(self, room, error)
        self._settle(self, room)

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
