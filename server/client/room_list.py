"""The public rooms."""

from typing import Any

from server.client.mirror import Mirror
from server.wire.messages import ROOMS, RoomList, RoomListChanged


class RoomListMirror(Mirror[RoomList, RoomListChanged]):
    """The listings of docs/rooms.md by id of the room, newest first."""

    def __init__(self) -> None:
        super().__init__(ROOMS)
        self.rooms: dict[str, dict[str, Any]] = {}
        self.total = 0
        """The number of rooms, listed or not."""

    def _replace(self, message: RoomList) -> None:
        self.rooms = {room["id"]: room for room in message.rooms}
        self.total = message.total

    def _apply(self, message: RoomListChanged) -> None:
        for id in message.closed:
            self.rooms.pop(id, None)
        for room in message.changed:
            if room["id"] in self.rooms:  # otherwise not among those listed
                self.rooms[room["id"]] = room
        opened = {room["id"]: room for room in message.opened}
        self.rooms = opened | {id: room for id, room in self.rooms.items() if id not in opened}
        self.total = message.total
