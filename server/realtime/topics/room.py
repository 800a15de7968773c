"""The topics `room:<id>`: whoever is in a room is told what changes in it, as they may see it.

All that happens in one pass of the loop is told as one message, encoded once for all who see the
same. What a watcher is sent is the difference to what they were sent last; a watcher who cannot
keep up loses messages, and gets the whole room once they have caught up.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import UNSET

from server.base.clock import Clock
from server.base.ids import PlayerId, RoomId
from server.games.game import View
from server.presence.session import Session
from server.realtime.connection import Connection
from server.rooms import view as views
from server.rooms.chat import Line
from server.rooms.errors import GameFailed
from server.rooms.events import (
    LineSaid,
    MatchAdvanced,
    MatchStarted,
    RoomClosed,
    RoomEvent,
    RoomUpdated,
)
from server.rooms.room import Room
from server.wire import messages
from server.wire.messages import ROOM, Topic, encode
from server.wire.views import to_rfc3339

_OWED = (-1, None)

_APOLOGY = "The game broke down, which is not your fault. We are sorry; it has been written down."
_DETAILS = {
    "empty": "Nobody was left in this room.",
    "idle": "Nobody in this room did anything any more.",
    "failed": _APOLOGY,
}


class _Told:
    """What those who watch a room have been told."""

    __slots__ = (
        "has_new_match",
        "is_room_due",
        "is_view_due",
        "lines",
        "room",
        "room_view",
        "version",
        "views",
        "watchers",
    )

    def __init__(self, room: Room) -> None:
        self.room = room
        self.version = 0
        self.room_view: View = {}
        # By the seat from which it is seen; None: what everybody may see.
        self.views: dict[int | None, View] = {}
        # The version that each has, and from which seat it sees; _OWED: it has none.
        self.watchers: dict[Connection, tuple[int, int | None]] = {}
        self.is_room_due = self.is_view_due = self.has_new_match = False
        self.lines: list[Line] = []


class RoomTopics:
    """Who watches which room, and what they are told."""

    def __init__(self, clock: Clock, on_failure: Callable[[Room, GameFailed], None]) -> None:
        """`on_failure`: what to do about a room whose game cannot show itself."""
        self._clock = clock
        self._on_failure = on_failure
        self._told: dict[RoomId, _Told] = {}
        self._watched: dict[Connection, set[RoomId]] = {}
        self._due: dict[RoomId, _Told] = {}
        self._flush_handle: asyncio.Handle | None = None

    # Who watches

    @property
    def watchers(self) -> int:
        """How many connections watch rooms, each counted once for each room."""
        return sum(len(told.watchers) for told in self._told.values())

    def watch(self, connection: Connection, room: Room) -> None:
        """Send the room, and everything that changes in it from now on."""
        told = self._told.get(room.id)
        if told is None:
            told = self._told[room.id] = _Told(room)
        told.watchers[connection] = _OWED
        self._watched.setdefault(connection, set()).add(room.id)
        self._mark(told)

    def unwatch(self, connection: Connection, room_id: RoomId) -> bool:
        """Send no more of it; False where it did not watch."""
        told = self._told.get(room_id)
        if told is None or told.watchers.pop(connection, None) is None:
            return False
        self._watched[connection].discard(room_id)
        if not told.watchers:
            del self._told[room_id]
        return True

    def forget(self, connection: Connection) -> list[RoomId]:
        """A connection is gone; returns the rooms that it had watched."""
        rooms = list(self._watched.get(connection, ()))
        for room_id in rooms:
            self.unwatch(connection, room_id)
        self._watched.pop(connection, None)
        return rooms

    def is_watching(self, connection: Connection, room_id: RoomId) -> bool:
        return room_id in self._watched.get(connection, ())

    def count(self, connection: Connection) -> int:
        """How many rooms a connection watches."""
        return len(self._watched.get(connection, ()))

    def is_in(self, player_id: PlayerId, room_id: RoomId) -> bool:
        """Whether any connection of a player watches a room."""
        return any(each.session.player.id == player_id for each in self._watchers(room_id))

    def sessions(self, room_id: RoomId) -> set[Session]:
        """The sessions with a connection that watches a room."""
        return {connection.session for connection in self._watchers(room_id)}

    def caught_up(self, connection: Connection) -> None:
        """A connection that had been behind takes messages again: repair what it has missed."""
        for room_id in self._watched.get(connection, ()):
            told = self._told[room_id]
            if told.watchers[connection] == _OWED:
                self._mark(told)

    # What happens

    def hear(self, event: RoomEvent) -> None:
        """Subscriber: take in what watchers will have to be told."""
        if isinstance(event, RoomClosed):
            self._close(event.room_id, event.reason)
            return
        if not isinstance(event, RoomUpdated | MatchAdvanced | MatchStarted | LineSaid):
            return
        told = self._told.get(event.room_id)
        if told is None:
            return
        match event:
            case MatchAdvanced(lateness=lateness):
                told.is_view_due = True
                # An action, unlike a tick, starts a clock anew, which may have been shown.
                told.is_room_due = told.is_room_due or lateness is None
            case RoomUpdated():
                told.is_room_due = True
            case MatchStarted():
                told.is_room_due = told.is_view_due = told.has_new_match = True
            case LineSaid(line=line):
                told.lines.append(line)
        self._mark(told)

    def close(self) -> None:
        """Tell nobody anything any more."""
        if self._flush_handle is not None:
            self._flush_handle.cancel()

    def line_view(self, line: Line) -> dict[str, Any]:
        """A line of chat, as the contract has it."""
        view: dict[str, Any] = {"id": line.id, "at": to_rfc3339(self._clock.to_wall(line.at))}
        if line.notice is None:
            view["player"] = {"id": line.player_id, "name": line.name}
            view["text"] = line.text
            return view
        view["notice"] = line.notice
        if line.name is not None:
            view["name"] = line.name
        if line.seat is not None:
            view["seat"] = line.seat
        return view

    # How it is told

    def _watchers(self, room_id: RoomId) -> Iterable[Connection]:
        told = self._told.get(room_id)
        return () if told is None else told.watchers

    def _mark(self, told: _Told) -> None:
        self._due[told.room.id] = told
        if self._flush_handle is None:
            self._flush_handle = asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_handle = None
        due, self._due = self._due, {}
        for told in due.values():
            if not told.watchers or told.room.is_closed:
                continue
            try:
                self._tell(told)
            except GameFailed as error:
                self._on_failure(told.room, error)

    def _tell(self, told: _Told) -> None:
        room, now = told.room, self._clock.now()
        self._say(told)
        patch: View = {}
        if told.is_room_due or not told.room_view:
            room_view = views.room_view(room, now)
            patch = views.patch(told.room_view, room_view)
            told.room_view = room_view
        seats = {connection: _seat_of(room, connection) for connection in told.watchers}
        diffs = self._take_diffs(told, set(seats.values()))
        if patch or any(diffs.values()):
            told.version += 1
        texts: dict[int | None, str] = {}
        for connection, seat in seats.items():
            has = told.watchers.get(connection)
            if has is None or has == (told.version, seat):
                continue
            if connection.is_behind:
                told.watchers[connection] = _OWED
            elif has != (told.version - 1, seat) or told.has_new_match:
                self._send_whole(connection, told, seat, now)
            else:
                if seat not in texts:
                    texts[seat] = self._encode_change(told, patch, diffs.get(seat), now)
                told.watchers[connection] = told.version, seat
                connection.send(texts[seat])
        told.is_room_due = told.is_view_due = told.has_new_match = False

    def _take_diffs(self, told: _Told, seats: set[int | None]) -> dict[int | None, View]:
        """What has changed in the match, as seen from each of these seats."""
        match = told.room.match
        for seat in told.views.keys() - seats:
            del told.views[seat]  # nobody sees it any more, and it grows old
        if match is None or not told.is_view_due:
            return {}
        diffs: dict[int | None, View] = {}
        for seat in seats:
            before = told.views.get(seat)
            after = told.views[seat] = match.view(seat)
            if before is None or told.has_new_match or before == after:
                continue
            diff = match.diff(before, after)
            diffs[seat] = views.patch(before, after) if diff is None else diff
        return diffs

    def _encode_change(self, told: _Told, patch: View, diff: View | None, now: float) -> str:
        match = told.room.match
        return encode(
            messages.RoomChanged(
                _topic(told.room.id),
                told.version,
                views.in_seconds(patch, now) if patch else UNSET,
                views.in_seconds(diff, match.running_time(now)) if diff and match else UNSET,
            )
        )

    def _send_whole(
        self, connection: Connection, told: _Told, seat: int | None, now: float
    ) -> None:
        room = told.room
        view = views.in_seconds(told.room_view, now)
        if room.match is not None:
            if seat not in told.views:
                told.views[seat] = room.match.view(seat)
            shown = views.in_seconds(told.views[seat], room.match.running_time(now))
            view["match"] = view["match"] | {"view": shown}
        own = room.seat_of(connection.session.player.id)
        message = messages.RoomNow(
            _topic(room.id),
            told.version,
            view,
            [self.line_view(line) for line in room.chat.lines],
            UNSET if own is None else own,
        )
        told.watchers[connection] = told.version, seat
        connection.send(encode(message))

    def _say(self, told: _Told) -> None:
        lines, told.lines = told.lines, []
        for line in lines:
            told.version += 1
            message = messages.Said(_topic(told.room.id), told.version, self.line_view(line))
            text = encode(message)
            for connection, (version, seat) in list(told.watchers.items()):
                if version != told.version - 1:
                    continue  # owed the whole room, chat included
                if connection.is_behind:
                    told.watchers[connection] = _OWED
                else:
                    told.watchers[connection] = told.version, seat
                    connection.send(text)

    def _close(self, room_id: RoomId, reason: str) -> None:
        self._due.pop(room_id, None)
        told = self._told.get(room_id)
        if told is None:
            return
        detail = _DETAILS.get(reason, reason)
        text = encode(messages.RoomClosed(_topic(room_id), reason, detail))
        for connection in list(told.watchers):
            self.unwatch(connection, room_id)
            connection.send(text)


def _seat_of(room: Room, connection: Connection) -> int | None:
    if room.game.is_open:
        return None
    return views.seat_for(room, connection.session.player.id)


def _topic(room_id: RoomId) -> Topic:
    return Topic(ROOM + room_id)
