"""The topic `rooms`: the list of public rooms.

Changes are collected for a while and sent as one message, as the seats of a busy room change often.
Each is a whole listing for every watcher, so there is a rate for what is sent of them: what exceeds
it is told later, in the order of the changes, and then as of that time. How many spectators a room
has matters least: if nothing else changed, it is told together with that of all other rooms.
"""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from server.base.ids import RoomId
from server.realtime.topics.topic import Common, Topic
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

    def __init__(self, common: Common, rooms: ReadableRooms) -> None:
        super().__init__(common, None)
        self._rooms = rooms
        self._known: dict[RoomId, dict[str, Any]] = {}
        # In the order of the changes. True: it is told even if only its spectators changed.
        self._changed: dict[RoomId, bool] = {}
        self._due = 0.0
        # The instant at which what was sent would have been sent at its rate, without bursts.
        self._paid_at = 0.0
        # Rooms of which only that changed, to be told from an instant on.
        self._spectated: dict[RoomId, None] = {}
        self._spectators_due = 0.0
        self._whole = 0, ""

    def hear(
        self, event: RoomOpened | RoomUpdated | MatchStarted | MatchEnded | RoomClosed
    ) -> None:
        """Subscriber: record changes of public rooms."""
        room = self._rooms.all.get(event.room_id)
        if event.room_id not in self._known and (room is None or room.is_private):
            return
        if not self._changed:
            self._due = max(self._due, self._time() + self._limits.room_list_pace)
        self._changed.setdefault(event.room_id, False)
        self.changed()

    def next_due(self) -> float | None:
        if self._changed:
            return self._due
        return max(self._due, self._spectators_due) if self._spectated else None

    def take(self, now: float, keys: Collection[None]) -> list[Mapping[None, str]]:
        rate, burst = self._rate(), self._limits.slowest_pace  # in seconds
        self._paid_at = max(self._paid_at, now)
        most = rate * (now + burst - self._paid_at)
        tells_spectators = now >= self._spectators_due
        if tells_spectators:
            self._changed |= dict.fromkeys(self._spectated, True)
            self._spectated.clear()
        opened, changed, closed, size = [], [], [], 0
        while self._changed and size < most:
            id = next(iter(self._changed))
            is_told = self._changed.pop(id) or tells_spectators
            before, room = self._known.get(id), self._rooms.all.get(id)
            if room is None:
                if self._known.pop(id, None) is not None:
                    closed.append(id)
                    size += len(id)
                continue
            after = listing(room)
            if before is None:
                opened.append(after)
            elif before == after:
                continue
            elif before | {"spectators": after["spectators"]} != after:
                changed.append(after)
            elif is_told:
                changed.append(after)
                self._spectators_due = now + self._limits.spectators_pace
            else:
                self._spectated[id] = None
                continue
            self._known[id] = after
            if keys:
                size += len(msgspec.json.encode(after))
        self._paid_at += size / rate
        self._due = self._paid_at - burst / 2  # not a listing at a time
        if not (opened or changed or closed):
            return []
        self.version += 1
        if not keys:
            return []  # nobody watches
        diff = messages.RoomListChanged(
            ROOMS, self.version, opened, changed, closed, len(self._known)
        )
        return [{None: encode(diff)}]

    def _rate(self) -> float:
        """Return the bytes of changes a second that each watcher may be sent."""
        in_all = self._limits.list_changes_in_all / max(len(self._watchers), 1)
        return min(self._limits.list_changes, in_all)

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
