"""Which rooms players, and networks of guests, hold."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence

from server.base.ids import PlayerId, RoomId
from server.rooms.room import Room


class Holdings:
    """Open rooms, by the players who hold them: those with a seat, reserved or not; in a room
    without any, those who had the last ones. Guests hold them for their networks too, however many
    of them sit there."""

    def __init__(self, networks_of: Callable[[PlayerId], Sequence[str]]) -> None:
        """`networks_of`: see `Budget.networks_of`."""
        self._networks_of = networks_of
        self._holders: dict[RoomId, Collection[PlayerId]] = {}
        self._networks: dict[RoomId, Collection[str]] = {}
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
        # These may change while the same players sit there: a guest of the last process comes back.
        networks = {network for each in holders for network in self._networks_of(each)}
        counted = self._networks.get(room.id, ())
        if networks != counted:
            self._count(counted, -1)
            self._count(networks, 1)
            self._networks[room.id] = networks

    def remove(self, room: Room) -> None:
        """A room was closed."""
        self._let_go(room, self._holders.pop(room.id, ()))
        self._count(self._networks.pop(room.id, ()), -1)

    def of(self, player_id: PlayerId) -> list[Room]:
        """Return the rooms that a player holds, in the order in which they came to hold them."""
        return list(self._held.get(player_id, {}).values())

    def of_network(self, network: str) -> int:
        """Return the number of rooms that the guests of a network hold."""
        return self._number[network]

    def _count(self, networks: Collection[str], number: int) -> None:
        for each in networks:
            self._number[each] += number
            if not self._number[each]:
                del self._number[each]

    def _let_go(self, room: Room, holders: Collection[PlayerId]) -> None:
        for each in holders:
            held = self._held[each]
            del held[room.id]
            if not held:
                del self._held[each]
