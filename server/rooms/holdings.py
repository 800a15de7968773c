"""Which rooms players hold, and crowds: the guests, or the newly registered, of a network."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence

from server.base.ids import PlayerId, RoomId
from server.rooms.room import Room


class Holdings:
    """Open rooms, by the players who hold them: those with a seat, reserved or not; in a room
    without any, those who had the last ones. A crowd holds the rooms of its players, however many
    of them sit there."""

    def __init__(self, crowds_of: Callable[[PlayerId], Sequence[str]]) -> None:
        """`crowds_of`: see `Budget.crowds_of`."""
        self._crowds_of = crowds_of
        self._holders: dict[RoomId, Collection[PlayerId]] = {}
        self._crowds: dict[RoomId, Collection[str]] = {}
        self._held: dict[PlayerId, dict[RoomId, Room]] = {}
        self._number: Counter[str] = Counter()

    def note(self, room: Room) -> None:
        """A room has changed."""
        holders = [player.id for _, seat, player in room.taken() if seat.is_person]
        if not holders:
            return
        before = self._holders.get(room.id, ())
        if before != holders:
            self._let_go(room, before)
            self._holders[room.id] = holders
            for each in holders:
                self._held.setdefault(each, {})[room.id] = room
        # These may change while the same players sit there: one of the last process comes back.
        crowds = {crowd for each in holders for crowd in self._crowds_of(each)}
        counted = self._crowds.get(room.id, frozenset())
        if crowds != counted:
            self._count(counted, -1)
            self._count(crowds, 1)
            self._crowds[room.id] = crowds

    def remove(self, room: Room) -> None:
        """A room was closed."""
        self._let_go(room, self._holders.pop(room.id, ()))
        self._count(self._crowds.pop(room.id, ()), -1)

    def of(self, player_id: PlayerId) -> list[Room]:
        """Return the rooms that a player holds, in the order in which they came to hold them."""
        return list(self._held.get(player_id, {}).values())

    def of_crowd(self, crowd: str) -> int:
        """Return the number of rooms that a crowd holds."""
        return self._number[crowd]

    def _count(self, crowds: Collection[str], number: int) -> None:
        for each in crowds:
            self._number[each] += number
            if not self._number[each]:
                del self._number[each]

    def _let_go(self, room: Room, holders: Collection[PlayerId]) -> None:
        for each in holders:
            held = self._held[each]
            del held[room.id]
            if not held:
                del self._held[each]
