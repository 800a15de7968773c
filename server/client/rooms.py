"""Rooms and games: the list, quick match, and the rooms that this client is in."""

from typing import Any
from urllib.parse import quote

from server.client.codec import Received
from server.client.engine import ClientEngine
from server.client.errors import RequestRefused
from server.client.mirror import Mirror
from server.client.room import ApplyView, Room
from server.client.room_list import RoomListMirror
from server.presence.status import Status
from server.wire.messages import (
    ROOM,
    Hello,
    Join,
    Left,
    Matched,
    Queued,
    QuickMatch,
    RoomChanged,
    RoomGone,
    RoomList,
    RoomListChanged,
    RoomNow,
    Said,
    Unwatch,
    Watch,
)


class Rooms:
    """A player's rooms; `Client.rooms`."""

    def __init__(self, engine: ClientEngine) -> None:
        self.list = RoomListMirror()
        """The public rooms, after `watch`."""
        self.joined: dict[str, Room] = {}
        """The rooms that this client is in, or is entering, by id."""
        self._engine = engine
        self._is_watching = False

    # Calls; only `create` counts as activity

    async def games(self) -> list[dict[str, Any]]:
        """Return the games, with their rules for absent players."""
        answer = await self._engine.get("/api/games", dict[str, list[dict[str, Any]]])
        return answer["games"]

    async def find(self, id: str) -> dict[str, Any]:
        """Return the listing of one room, private or not. Raises CallRefused `no_such_room`."""
        return await self._engine.get(f"/api/rooms/{quote(id, safe='')}", dict[str, Any])

    async def matches(
        self, *, player: str | None = None, after: str | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """Return a page of finished matches, newest first: `matches`, and `next` for `after`."""
        return await self._engine.get(
            "/api/matches", dict[str, Any], player=player, after=after, limit=limit
        )

    async def match(self, id: str) -> dict[str, Any]:
        """Return a finished match with all of its moves."""
        path = f"/api/matches/{quote(id, safe='')}"
        match = await self._engine.get(path, dict[str, Any])
        after = match.pop("next", None)
        while after is not None:
            more = await self._engine.get(path, dict[str, Any], after=after)
            match["moves"] += more["moves"]
            after = more.get("next")
        return match

    async def create(
        self,
        game: str,
        *,
        private: bool = False,
        bots: int = 0,
        level: str | None = None,
        alone: bool = False,
    ) -> Room:
        """Open a room, and take a seat in it: with so many bots of this level (by default a middle
        one), or to play alone. Raises CallRefused. Cancelling may leave an empty room, which closes
        by itself."""
        body: dict[str, Any] = {"game": game, "private": private, "bots": bots, "alone": alone}
        if level is not None:
            body["level"] = level
        listing = await self._engine.call("POST", "/api/rooms", dict[str, Any], body=body)
        return await self.join(str(listing["id"]))

    # Requests on the connection

    async def watch(self) -> RoomListMirror:
        """Follow the list of rooms, across reconnects; returns when it has arrived. Cancelling does
        not stop it; see `unwatch`."""
        self._is_watching = True
        await self._engine.request(Watch(topic=self.list.topic), repeat=True)
        await self._engine.listeners.until(lambda: self.list.is_current)
        return self.list

    async def unwatch(self) -> None:
        """Stop following the list of rooms."""
        self._is_watching = False
        self.list.expect_whole()
        await self._engine.request(Unwatch(topic=self.list.topic), repeat=True)

    async def join(
        self,
        id: str,
        *,
        seat: int | None = None,
        spectate: bool = False,
        apply_view: ApplyView | None = None,
    ) -> Room:
        """Enter a room: take the first free seat, or `seat`, or be a spectator if there is none or
        `spectate` is true; returns when the room has arrived. It is followed across reconnects
        until it is left. `apply_view(view, diff)` returns the next view, for games with their own
        diffs; the default is a merge patch.

        Raises RequestRefused. Cancelling stops following the room; the seat may be taken
        nevertheless, and `Room.leave` frees it.
        """
        room = self.joined.get(id)
        if room is None:
            room = self.joined[id] = Room(id, self._engine, apply_view)
        was_there = room.is_current
        try:
            await self._engine.request(Join(room=id, seat=seat, spectate=spectate), repeat=True)
            await room.until(lambda: True)
        except BaseException:
            if not was_there and self.joined.get(id) is room:
                del self.joined[id]
            raise
        return room

    async def quick_match(
        self, game: str | None = None, *, apply_view: ApplyView | None = None
    ) -> Room:
        """Look for other players, of any game if `game` is None; return the room once a seat is
        taken.

        Raises RequestRefused, with the `code` `away` if the player was away for too long to stay in
        the queue. Cancelling leaves the queue; a seat reserved by then is freed soon.
        """
        found: Matched | None = None
        dropped: str | None = None
        is_queued = False

        def hear(message: Received) -> None:
            nonlocal found, dropped, is_queued
            match message:
                case Matched():
                    found = message
                case Queued(waiting=0, reason=str(reason)) if reason not in _STILL_IN:
                    dropped = reason
                case Hello():
                    is_queued = False  # the queue contains connected players only
                    if message.player.status is not Status.ACTIVE:
                        dropped = "away"  # asking again would count as activity
                case _:
                    pass

        def has_news() -> bool:
            return found is not None or dropped is not None or not is_queued

        stop_listening = self._engine.listeners.add(hear)
        try:
            while found is None:
                is_queued = True
                await self._engine.request(QuickMatch(game=game), repeat=True)
                await self._engine.listeners.until(has_news)
                if found is None and dropped is not None:
                    raise RequestRefused("quick_match", dropped, "no longer in the queue")
        except BaseException:
            if found is None and dropped is None:
                self._engine.ask_soon(QuickMatch(cancel=True))
            raise
        finally:
            stop_listening()
        return await self.join(found.room, apply_view=apply_view)

    # What the client calls

    def connected(self) -> None:
        """There is a new connection: watch everything again. Not by `join`, which would count as
        activity, and take another seat if the player's is lost."""
        if self._is_watching:
            self._engine.watch_soon(self.list.topic)
        for room in list(self.joined.values()):
            self._watch_again(room)

    def lost(self) -> None:
        """The connection is lost."""
        mirrors: list[Mirror[Any, Any]] = [self.list, *self.joined.values()]
        for mirror in mirrors:
            mirror.expect_whole()

    def hear(self, message: Received) -> None:
        """Handle a message if it is about rooms."""
        match message:
            case RoomList():
                self.list.replace(message)
            case RoomListChanged():
                if not self.list.apply(message):
                    self._engine.watch_soon(self.list.topic)
            case RoomNow() | RoomChanged() | Said() | RoomGone():
                room = self.joined.get(message.topic.removeprefix(ROOM))
                if room is None:
                    return  # left meanwhile
                if isinstance(message, RoomNow):
                    room.replace(message)
                elif isinstance(message, RoomGone):
                    self._lose(room, message.reason, message.detail)
                elif not room.apply(message):
                    self._watch_again(room)
            case Left():
                # Requested here, or by another client of the player.
                room = self.joined.get(message.room)
                if room is not None:
                    self._lose(room, "left", "")
            case _:
                pass

    def _watch_again(self, room: Room) -> None:
        def refused(error: RequestRefused) -> None:
            # The topic of a closed room is unknown.
            code = "no_such_room" if error.code == "unknown_topic" else error.code
            self._lose(room, code, error.detail)

        self._engine.watch_soon(room.topic, refused)

    def _lose(self, room: Room, reason: str, detail: str) -> None:
        self.joined.pop(room.id, None)
        room.close(reason, detail)


_STILL_IN = ("cancelled", "matched")
"""Reasons of `waiting: 0` after which the player is not out: they asked again, or were found."""
