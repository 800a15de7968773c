"""The rooms that quick match may bring players to."""

from bisect import bisect_left, insort
from itertools import count

from server.base.ids import RoomId
from server.rooms.room import Room


class Findable:
    """Rooms with a free seat in which others wait, by game, the oldest first. A search costs the
    same however many other rooms there are."""

    def __init__(self) -> None:
        self._numbers = count()
        # Of each open room, its number in order of opening.
        self._number_of: dict[RoomId, int] = {}
        self._numbers_by_game: dict[str, list[int]] = {}
        self._rooms: dict[int, Room] = {}

    def add(self, room: Room) -> None:
        """A room was opened, after all that were added before."""
        self._number_of[room.id] = next(self._numbers)

    def remove(self, room: Room) -> None:
        """A room was closed."""
        self._drop(room, self._number_of.pop(room.id))

    def note(self, room: Room) -> None:
        """A room has changed."""
        number = self._number_of[room.id]
        if not room.can_be_found():
            self._drop(room, number)
        elif number not in self._rooms:
            self._rooms[number] = room
            insort(self._numbers_by_game.setdefault(room.game.name, []), number)

    def first(self, game: str | None) -> Room | None:
        """Return the oldest room of a game, or of any; None if there is none."""
        games = list(self._numbers_by_game) if game is None else [game]
        found = [number for each in games if (number := self._first(each)) is not None]
        return self._rooms[min(found)] if found else None

    def _first(self, game: str) -> int | None:
        # Only the rooms that the present turn has changed may differ from what was noted.
        numbers = self._numbers_by_game.get(game, ())
        return next((each for each in numbers if self._rooms[each].can_be_found()), None)

    def _drop(self, room: Room, number: int) -> None:
        if self._rooms.pop(number, None) is not None:
            numbers = self._numbers_by_game[room.game.name]
            del numbers[bisect_left(numbers, number)]
