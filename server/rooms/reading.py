"""What everybody may look at in the rooms. Whatever changes them is a command of `RoomService`."""

from collections.abc import Mapping, Set
from typing import Protocol

from server.base.ids import PlayerId, RoomId
from server.games.catalogue import AnyGame
from server.rooms.limits import Limits
from server.rooms.queue import Waiting
from server.rooms.room import Room


class ReadableRooms(Protocol):
    """`Rooms`, without the methods that change something."""

    @property
    def games(self) -> Mapping[str, AnyGame]:
        """The games there are, by name."""

    @property
    def limits(self) -> Limits: ...

    @property
    def all(self) -> Mapping[RoomId, Room]:
        """The rooms there are, the oldest first."""

    @property
    def asked(self) -> Set[PlayerId]:
        """Players whose next activity has to be told to `RoomService.note_activity`."""

    @property
    def waiting(self) -> Mapping[PlayerId, Waiting]:
        """The players who look for a quick match, the first first."""

    def find(self, room_id: str) -> Room:
        """The room with this id. Raises RequestRefused: no_such_room."""
