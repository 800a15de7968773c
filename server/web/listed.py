"""What is listed from memory, kept in order: who is here, and the rooms. So a page takes as long
however many there are, and shows what the caller has just done."""

from collections.abc import Iterable
from itertools import count, product

import msgspec

from server.base.ids import PlayerId, RoomId
from server.base.views import SortedViews
from server.presence.events import StatusChanged
from server.presence.session import Player
from server.presence.status import Status
from server.rooms.events import (
    MatchEnded,
    MatchStarted,
    RoomClosed,
    RoomOpened,
    RoomUpdated,
)
from server.rooms.reading import ReadableRooms
from server.rooms.view import listing

_HERE = None
"""The view of all who are here, whatever their status."""


class ListedPlayers:
    """The players who are here, by name, and those of each status. Subscribes to the events of
    presence."""

    def __init__(self) -> None:
        self._views = SortedViews[Status | None, tuple[str, PlayerId]]()

    def begin(self, players: Iterable[Player]) -> None:
        """Take over players who are there without an event."""
        for player in players:
            self._put(player.sort_key, player.id, player.status)

    def hear(self, event: StatusChanged) -> None:
        """Subscriber: note the status of a player."""
        if event.player_before is not event.player_after:
            self._put(event.sort_key, event.player_id, event.player_after)

    def page(self, status: Status | None, after: tuple[str, str], limit: int) -> list[PlayerId]:
        """Return who has this status, or is here, by (sort_key, id); `after` such a key."""
        key = after[0], PlayerId(after[1])
        return [id for _, id in self._views.first(status or _HERE, limit, key)]

    def _put(self, sort_key: str, id: PlayerId, status: Status) -> None:
        self._views.put((sort_key, id), (_HERE, status) if status.is_here else ())


class ListedRooms:
    """The rooms that are not private, in the order of opening, by game and whether a seat is free.
    Subscribes to the events of rooms."""

    def __init__(self, rooms: ReadableRooms) -> None:
        self._rooms = rooms
        self._numbers = count()
        self._number_of: dict[RoomId, int] = {}
        # With the text of each, made when it is first asked for after a change.
        self._texts: dict[int, tuple[RoomId, msgspec.Raw | None]] = {}
        # By game, whether a seat is free, and whether an active player is there.
        self._views = SortedViews[tuple[str, bool, bool], int]()

    def hear(
        self, event: RoomOpened | RoomUpdated | MatchStarted | MatchEnded | RoomClosed
    ) -> None:
        """Subscriber: note what a room is now."""
        id = event.room_id
        room = self._rooms.all.get(id)
        if room is None:
            number = self._number_of.pop(id, None)
            if number is not None:
                del self._texts[number]
                self._views.put(number, ())
        elif not room.is_private:
            number = self._number_of.get(id)
            if number is None:
                number = self._number_of[id] = next(self._numbers)
            self._texts[number] = id, None
            is_open = (False, True) if room.state != "playing" and room.free else (False,)
            is_attended = (False, True) if room.is_attended else (False,)
            self._views.put(number, product(("", room.game.name), is_open, is_attended))

    def page(self, game: str, limit: int, *, is_open: bool) -> tuple[list[msgspec.Raw], int]:
        """Return the newest of the rooms, as JSON, and how many there are; of more than `limit`
        those first in which an active player is. `game`: "" for any; `is_open`: only those with a
        free seat in which no match runs."""
        view = game, is_open, False
        total, numbers = self._views.count(view), self._views.last(view, limit)
        if total > limit:
            attended = self._views.last((game, is_open, True), limit)
            others = set(numbers).difference(attended)
            rest = sorted(others, reverse=True)[: limit - len(attended)]
            numbers = sorted([*attended, *rest], reverse=True)
        return [self._text(each) for each in numbers], total

    def _text(self, number: int) -> msgspec.Raw:
        id, text = self._texts[number]
        if text is None:
            text = msgspec.Raw(msgspec.json.encode(listing(self._rooms.all[id])))
            self._texts[number] = id, text
        return text
