"""The topic `rooms`: the list of public rooms.

Changes are collected for a while and sent as one message, as the seats of a busy room change often.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from server.base.ids import RoomId
from server.realtime.limits import Limits
from server.realtime.topics.topic import Topic
from server.realtime.topics.wholes import Wholes
from server.rooms.events import (
    MatchEnded,
    MatchStarted,
    RoomClosed,
    RoomOpened,
    RoomUpdated,
)
from server.rooms.reading import ReadableRooms
from server.rooms.view import listing
from server.wire import messages
from server.wire.messages import ROOMS, encode


class RoomListTopic(Topic[None]):
    """Sends the list and its changes. Subscribes to the events of rooms."""

    def __init__(
        self, rooms: ReadableRooms, time: Callable[[], float], limits: Limits, wholes: Wholes
    ) -> None:
        super().__init__(time, limits, wholes, None)
        self._rooms = rooms
        self._known: dict[RoomId, dict[str, Any]] = {}
        self._changed: dict[RoomId, None] = {}  # in the order of the changes
        self._due = 0.0
        self._whole = 0, ""

    def hear(
        self, event: RoomOpened | RoomUpdated | MatchStarted | MatchEnded | RoomClosed
    ) -> None:
        """Subscriber: record changes of public rooms."""
        room = self._rooms.all.get(event.room_id)
        if event.room_id not in self._known and (room is None or room.is_private):
            return
        if not self._changed:
            self._due = self._time() + self._limits.room_list_pace
        self._changed[event.room_id] = None
        self.changed()

    def next_due(self) -> float | None:
        return self._due if self._changed else None

    def take(self, now: float, keys: Collection[None]) -> list[Mapping[None, str]]:
        opened, changed, closed = [], [], []
        ids, self._changed = self._changed, {}
        for id in ids:
            before = self._known.get(id)
            room = self._rooms.all.get(id)
            if room is None:
                if self._known.pop(id, None) is not None:
                    closed.append(id)
                continue
            after = self._known[id] = listing(room)
            if before is None:
                opened.append(after)
            elif before != after:
                changed.append(after)
        if not (opened or changed or closed):
            return []
        self.version += 1
        diff = messages.RoomListChanged(
            ROOMS, self.version, opened, changed, closed, len(self._known)
        )
        return [{None: encode(diff)}]

    def whole(self, key: None) -> str:
        version, text = self._whole
        if text and version == self.version:
            return text
        ids = list(reversed(self._known))
        most = self._rooms.limits.rooms_listed
        if len(ids) > most:
            named = set(sorted(ids, key=self._is_unattended)[:most])  # stable: the newest of each
            ids = [id for id in ids if id in named]
        rooms = [self._known[id] for id in ids]
        text = encode(messages.RoomList(ROOMS, self.version, rooms, len(self._known)))
        self._whole = self.version, text
        return text

    def _is_unattended(self, id: RoomId) -> bool:
        room = self._rooms.all.get(id)
        return room is None or not room.is_attended
