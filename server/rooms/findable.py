"""The rooms that quick match may bring players to."""

from itertools import count

from server.base.ids import RoomId
from server.base.views import SortedViews
from server.rooms.room import Room


class Findable:
    """Rooms with a free seat in which others wait, by game, the oldest first. A search costs the
    same however many other rooms there are."""

    def __init__(self) -> None:
        self._numbers = count()
        # Of each open room, its number in order of opening.
        self._number_of: dict[RoomId, int] = {}
        self._rooms: dict[int, Room] = {}
        # By game; None: of any.
        self._views = SortedViews[str | None, int]()

    def add(self, room: Room) -> None:
        """A room was opened, after all that were added before."""
        number = self._number_of[room.id] = next(self._numbers)
        self._rooms[number] = room

    def remove(self, room: Room) -> None:
        """A room was closed."""
        number = self._number_of.pop(room.id)
        del self._rooms[number]
        self._views.put(number, ())

    def note(self, room: Room) -> None:
        """A room has changed."""
        views = (None, room.game.name) if room.can_be_found() else ()
        self._views.put(self._number_of[room.id], views)

    def first(self, game: str | None) -> Room | None:
        """Return the oldest room of a game, or of any; None if there is none."""
        rooms = (self._rooms[number] for number in self._views.of(game))
        # Only the rooms that the present turn has changed may differ from what was noted.
        return next((room for room in rooms if room.can_be_found()), None)
