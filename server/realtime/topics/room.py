"""The topics `room:<id>`: the changes of a room, as each watcher may see them.

All changes in one turn of the loop are sent as one message, except lines of chat, which are
messages of their own. A message is encoded once for all who see the same.

Who comes and goes is told at once too, until that is so often that it would flood those who play:
then several such changes are one message. Watchers without a seat pay for all they are sent
(`wholes.py`).
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

from msgspec import UNSET

from server.base.clock import Clock
from server.base.ids import PlayerId, RoomId
from server.games.game import View
from server.presence.session import Session
from server.realtime.connection import Connection
from server.realtime.topics.topic import Common, Topic
from server.realtime.topics.wholes import Purse
from server.rooms import view as views
from server.rooms.chat import Line
from server.rooms.errors import GameFailed
from server.rooms.events import (
    CloseReason,
    LineSaid,
    MatchAdvanced,
    MatchStarted,
    RoomClosed,
    RoomUpdated,
)
from server.rooms.reading import ReadableMatch, ReadableRoom
from server.wire import messages
from server.wire.messages import ROOM, encode
from server.wire.views import to_rfc3339

_DETAILS: Mapping[CloseReason, str] = {
    "empty": "Nobody was left in this room.",
    "idle": "Nobody in this room did anything any more.",
    "failed": (
        "The game broke down, which is not your fault. We are sorry; the error has been saved."
    ),
}

_Key: TypeAlias = tuple[int | None, int | None]
"""The seat whose view of the match a watcher has (None: the view of spectators), and the seat of
the watcher's player (None: a spectator)."""


class RoomTopic(Topic[_Key]):
    """One room. Exists as long as it is watched.

    Seated players are the first: no number of spectators delays what they see of the match.
    """

    charges_changes = True

    def __init__(self, room: ReadableRoom, family: "RoomTopics") -> None:
        super().__init__(family.common, (None, None))
        self.room = room
        self._by_player: dict[PlayerId, set[Connection]] = {}
        self._family = family
        self._name = messages.TopicName(ROOM + room.id)
        # As of `version`: the room, the match as seen from each watched seat, the chat.
        self._room_view: View = {}
        self._views: dict[int | None, View] = {}
        self._match: ReadableMatch | None = None
        self._chat: tuple[Line, ...] = ()
        # What changed since. `_is_view_due`: that and the room, if it changed, are told at once.
        self._is_room_due = self._is_view_due = self._has_new_match = False
        self._lines: list[Line] = []
        # The instant at which all changes of the room that were told by themselves would have been
        # told, if there were no burst of them.
        self._told_at = 0.0

    # Watchers

    def watch(self, connection: Connection) -> None:
        player_id = connection.session.player.id
        connections = self._by_player.setdefault(player_id, set())
        if connection not in connections:
            connections.add(connection)
            self._family.entered(player_id)
        super().watch(connection)

    def repair(self, connection: Connection) -> None:
        # With the changes of this turn of the loop, and not before the answer to `join`.
        if self._wholes.may_send(self, connection):
            self.owe(connection)

    def resume(self, connection: Connection) -> None:
        if not self.is_owed(connection):
            return
        if self.first().get(connection, self.key) in self._keys:
            # Now, as the next who waits may be served only if this one has not spent too much.
            super().repair(connection)
        else:
            self.repair(connection)

    def purse_of(self, connection: Connection) -> Purse:
        has_seat = self.room.seat_of(connection.session.player.id) is not None
        return self._wholes.seats if has_seat else self._wholes.rooms

    def unwatch(self, connection: Connection) -> bool:
        did_watch = super().unwatch(connection)
        if did_watch:
            player_id = connection.session.player.id
            self._by_player[player_id].discard(connection)
            if not self._by_player[player_id]:
                del self._by_player[player_id]
            self._family.left(player_id)
        if not self.watchers:
            self._family.drop(self)
        return did_watch

    def forget(self, connection: Connection, has_left: bool | None) -> None:
        if self.unwatch(connection) and has_left is not None:
            self._family.on_gone(connection, self.room.id, has_left)

    def has(self, player_id: PlayerId) -> bool:
        """Return True if a connection of the player watches."""
        return player_id in self._by_player

    def connections_of(self, player_id: PlayerId) -> Collection[Connection]:
        """Return the connections of a player that watch."""
        return self._by_player.get(player_id, ())

    def first(self) -> Mapping[Connection, _Key]:
        first: dict[Connection, _Key] = {}
        for own, _, player in self.room.taken():
            connections = self._by_player.get(player.id)
            if connections:
                seat = None if self.room.game.is_open else views.seat_for(self.room, player.id)
                first.update(dict.fromkeys(connections, (seat, own)))
        return first

    # Changes

    def note(self, event: RoomUpdated | MatchAdvanced | MatchStarted | LineSaid) -> None:
        """Record a change of this room."""
        match event:
            case MatchAdvanced(lateness=lateness):
                self._is_view_due = True
                # An action, unlike a tick, restarts a clock, which may be shown.
                self._is_room_due = self._is_room_due or lateness is None
            case RoomUpdated():
                self._is_room_due = True
            case MatchStarted():
                self._is_room_due = self._is_view_due = self._has_new_match = True
            case LineSaid(line=line):
                self._lines.append(line)
        self.changed()

    def next_due(self) -> float | None:
        if self._is_view_due or self._lines:
            return 0.0
        return self._room_due_at() if self._is_room_due else None

    def _room_due_at(self) -> float:
        """Return the instant from which a change of the room may be told by itself."""
        rate = self._limits.room_changes
        return self._told_at - (rate.burst - 1) / rate.per_second

    def take(self, now: float, keys: Collection[_Key]) -> list[Mapping[_Key, str]]:
        changes: list[Mapping[_Key, str]] = []
        is_by_itself = not self._is_view_due
        waits = is_by_itself and now < self._room_due_at()
        try:
            if keys and not self.room.is_closed:
                changes = self._take(keys, is_room_due=self._is_room_due and not waits)
        except GameFailed as error:
            self._family.on_failure(self.room.id, error)
        if self._is_room_due and is_by_itself and not waits:
            per_second = self._limits.room_changes.per_second
            self._told_at = max(self._told_at, now) + 1 / per_second
        self._is_room_due = self._is_room_due and waits and bool(keys)
        self._is_view_due = self._has_new_match = False
        self._lines.clear()
        return changes

    def _take(self, keys: Collection[_Key], *, is_room_due: bool) -> list[Mapping[_Key, str]]:
        room, now = self.room, self._family.clock.now()
        changes: list[Mapping[_Key, str]] = []
        for line in self._lines:
            self.version += 1
            said = messages.Said(self._name, self.version, self._family.line_view(line))
            changes.append(dict.fromkeys(keys, encode(said)))
        patch: View = {}
        is_first = not self._room_view
        if is_room_due or is_first:
            room_view = views.room_view(room, now)
            patch = views.patch(self._room_view, room_view)
            self._room_view = room_view
        diffs = self._take_diffs({seat for seat, _ in keys})
        if patch or any(diffs.values()):
            self.version += 1
            if self._has_new_match:
                changes.append({})  # a snapshot for all
            else:
                texts = {seat: self._encode_change(patch, diffs.get(seat), now) for seat, _ in keys}
                changes.append({key: texts[key[0]] for key in keys})
        if self._lines or is_first:
            self._chat = room.chat.lines
        return changes

    def _take_diffs(self, seats: Collection[int | None]) -> dict[int | None, View]:
        """Return the changes of the match, as seen from each of `seats`."""
        match = self._match = self.room.match
        # Drop views that are no longer watched: they are not updated.
        self._views = {seat: view for seat, view in self._views.items() if seat in seats}
        if match is None:
            return {}
        diffs: dict[int | None, View] = {}
        for seat in seats:
            before = self._views.get(seat)
            if before is not None and not self._is_view_due:
                continue
            after = self._views[seat] = match.view(seat)
            if before is None or self._has_new_match or before == after:
                continue
            diff = match.diff(before, after)
            diffs[seat] = views.patch(before, after) if diff is None else diff
        return diffs

    def _encode_change(self, patch: View, diff: View | None, now: float) -> str:
        match = self._match
        return encode(
            messages.RoomChanged(
                self._name,
                self.version,
                views.in_seconds(patch, now) if patch else UNSET,
                views.in_seconds(diff, match.running_time(now)) if diff and match else UNSET,
            )
        )

    def whole(self, key: _Key) -> str:
        seat, own = key
        now = self._family.clock.now()
        view = views.in_seconds(self._room_view, now)
        if self._match is not None:
            shown = views.in_seconds(self._views[seat], self._match.running_time(now))
            view["match"] = view["match"] | {"view": shown}
        chat = [self._family.line_view(line) for line in self._chat]
        seat_of_watcher = UNSET if own is None else own
        return encode(messages.RoomNow(self._name, self.version, view, chat, seat_of_watcher))


class RoomTopics:
    """The topics of all watched rooms. Subscribes to the events of rooms."""

    def __init__(
        self,
        common: Common,
        clock: Clock,
        on_failure: Callable[[RoomId, GameFailed], None],
        on_gone: Callable[[Connection, RoomId, bool], None],
    ) -> None:
        """`on_failure` is called for a room whose game failed to make a view. `on_gone(connection,
        room_id, has_left)` is called for each room that a closed connection watched, with
        `has_left` as in `Tabs.detach`; not when the server stops."""
        self.common = common
        self.clock = clock
        self.on_failure = on_failure
        self.on_gone = on_gone
        self._topics: dict[RoomId, RoomTopic] = {}
        self._watches_of: Counter[PlayerId] = Counter()

    # Watchers

    def watch(self, connection: Connection, room: ReadableRoom) -> None:
        """Send the room, and its changes from now on."""
        topic = self._topics.get(room.id)
        if topic is None:
            topic = self._topics[room.id] = RoomTopic(room, self)
        topic.watch(connection)

    def unwatch(self, connection: Connection, room_id: RoomId) -> bool:
        """Send no more of it; return False if it was not watched."""
        topic = self._topics.get(room_id)
        return topic is not None and topic.unwatch(connection)

    def is_watching(self, connection: Connection, room_id: RoomId) -> bool:
        return connection in self._watchers(room_id)

    def count(self, connection: Connection) -> int:
        """Return the number of rooms that a connection watches."""
        return sum(isinstance(topic, RoomTopic) for topic in connection.topics)

    def count_of_player(self, player_id: PlayerId) -> int:
        """Return how many rooms the connections of a player watch, added up."""
        return self._watches_of[player_id]

    def is_in(self, player_id: PlayerId, room_id: RoomId) -> bool:
        """Return True if a connection of the player watches the room."""
        topic = self._topics.get(room_id)
        return topic is not None and topic.has(player_id)

    def sessions(self, room_id: RoomId) -> set[Session]:
        """Return the sessions with a connection that watches a room."""
        return {connection.session for connection in self._watchers(room_id)}

    def sessions_of(self, player_id: PlayerId, room_id: RoomId) -> set[Session]:
        """Return those of a player, without a search through the other watchers."""
        topic = self._topics.get(room_id)
        connections = () if topic is None else topic.connections_of(player_id)
        return {connection.session for connection in connections}

    def _watchers(self, room_id: RoomId) -> Collection[Connection]:
        topic = self._topics.get(room_id)
        return () if topic is None else topic.watchers

    def entered(self, player_id: PlayerId) -> None:
        """A connection of a player watches a topic."""
        self._watches_of[player_id] += 1

    def left(self, player_id: PlayerId) -> None:
        """A connection of a player that watched a topic no longer does."""
        self._watches_of[player_id] -= 1
        if not self._watches_of[player_id]:
            del self._watches_of[player_id]

    def drop(self, topic: RoomTopic) -> None:
        """Remove a topic that is no longer watched."""
        if self._topics.get(topic.room.id) is topic:
            del self._topics[topic.room.id]

    # Changes

    def hear(
        self, event: RoomClosed | RoomUpdated | MatchAdvanced | MatchStarted | LineSaid
    ) -> None:
        """Subscriber: record changes of watched rooms."""
        match event:
            case RoomClosed(room_id=room_id, reason=reason):
                topic = self._topics.get(room_id)
                if topic is not None:
                    name = messages.TopicName(ROOM + room_id)
                    closed = messages.RoomGone(name, reason, _DETAILS[reason])
                    topic.end(encode(closed))
            case RoomUpdated() | MatchAdvanced() | MatchStarted() | LineSaid():
                topic = self._topics.get(event.room_id)
                if topic is not None:
                    topic.note(event)

    def close(self) -> None:
        """Cancel what is still to be sent."""
        for topic in self._topics.values():
            topic.close()

    def line_view(self, line: Line) -> dict[str, Any]:
        """Return a line of chat, as docs/rooms.md specifies it."""
        view: dict[str, Any] = {"id": line.id, "at": to_rfc3339(self.clock.to_wall(line.at))}
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
