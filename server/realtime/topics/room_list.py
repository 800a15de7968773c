"""The topic `rooms`: which rooms there are, for those who look for one.

Changes are collected for a while and told as one message, encoded once. The seats of a lively room
change often, and a list that twitches is of no use to anybody: hence the pace.
"""

import asyncio
from itertools import islice
from typing import Any

from server.base.ids import RoomId
from server.realtime.connection import Connection
from server.rooms.events import (
    MatchEnded,
    MatchStarted,
    RoomClosed,
    RoomEvent,
    RoomOpened,
    RoomUpdated,
)
from server.rooms.rooms import Rooms
from server.rooms.view import LIST_WINDOW, listing
from server.wire import messages
from server.wire.messages import ROOMS, encode

PACE = 0.25
"""Seconds between two messages."""

_OWED = -1


class RoomList:
    """Watches events for the list and tells its watchers."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._version = 0
        self._told: dict[RoomId, dict[str, Any]] = {}
        self._untold: dict[RoomId, None] = {}  # in the order of the changes
        self._watchers: dict[Connection, int] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """How many rooms the watchers know of."""
        return len(self._told)

    @property
    def watchers(self) -> int:
        """How many connections watch the list."""
        return len(self._watchers)

    def watch(self, connection: Connection) -> None:
        """Send the list, and every change after it."""
        self._watchers[connection] = _OWED
        self._serve(connection, None)

    def unwatch(self, connection: Connection) -> None:
        """Send no more; nothing happens where it did not watch."""
        self._watchers.pop(connection, None)

    def caught_up(self, connection: Connection) -> None:
        """A connection that had been behind takes messages again: repair what it has missed."""
        if self._watchers.get(connection, self._version) != self._version:
            self._serve(connection, None)

    def hear(self, event: RoomEvent) -> None:
        """Subscriber: take in what has changed about a room that is not private."""
        if not isinstance(event, RoomOpened | RoomUpdated | MatchStarted | MatchEnded | RoomClosed):
            return
        room = self._rooms.all.get(event.room_id)
        if event.room_id not in self._told and (room is None or room.is_private):
            return
        self._untold[event.room_id] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PACE, self._tell)

    def close(self) -> None:
        """Tell nobody anything any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _tell(self) -> None:
        self._timer = None
        opened, changed, closed = [], [], []
        untold, self._untold = self._untold, {}
        for id in untold:
            before = self._told.get(id)
            room = self._rooms.all.get(id)
            if room is None:
                if self._told.pop(id, None) is not None:
                    closed.append(id)
                continue
            after = self._told[id] = listing(room)
            if before is None:
                opened.append(after)
            elif before != after:
                changed.append(after)
        text = None
        if opened or changed or closed:
            self._version += 1
            diff = messages.RoomListChanged(
                ROOMS, self._version, opened, changed, closed, len(self._told)
            )
            text = encode(diff)
        for connection in list(self._watchers):
            self._serve(connection, text)

    def _serve(self, connection: Connection, diff: str | None) -> None:
        version = self._watchers.get(connection)
        if version is None or version == self._version:
            return
        if connection.is_behind:
            self._watchers[connection] = _OWED
            return
        self._watchers[connection] = self._version
        if diff is not None and version == self._version - 1:
            connection.send(diff)
        else:
            rooms = list(islice(reversed(self._told.values()), LIST_WINDOW))
            connection.send(encode(messages.RoomList(ROOMS, self._version, rooms, len(self._told))))
