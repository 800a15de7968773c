"""A page's state of a room: the last `room`, with every change since applied."""

import json
import math
from collections.abc import Callable
from typing import Any, cast

import msgspec

from server.client.merge_patch import merged, with_instants
from server.games.catalogue import AnyGame
from server.games.game import View
from server.rooms.room import Room
from server.rooms.view import in_seconds, room_view, seat_for
from tests.support.live_server import LiveServer, Tab, Visitor

Apply = Callable[[View, View], View]


def bring(server: LiveServer, *games: AnyGame) -> None:
    """Add games to the server."""
    known = cast(dict[str, AnyGame], server.still_here.rooms.games)
    known.update({game.name: game for game in games})


def is_alike(one: View, other: View, now: float) -> bool:
    """Equal, except for rounded times, and for how long ago past times are."""
    if one.keys() != other.keys():
        return False
    for key, value in one.items():
        if isinstance(value, dict) and isinstance(other[key], dict):
            if not is_alike(value, other[key], now):
                return False
        elif key.endswith("_at"):
            if not math.isclose(max(value, now), max(other[key], now), abs_tol=0.005):
                return False
        elif value != other[key]:
            return False
    return True


class Page:
    """A tab that watches a room."""

    def __init__(
        self, server: LiveServer, visitor: Visitor, tab: Tab, room_id: str, apply: Apply = merged
    ) -> None:
        self.server = server
        self.visitor = visitor
        self.tab = tab
        self.topic = f"room:{room_id}"
        self.room_id = room_id
        self.apply = apply
        self.version = 0
        self.room: View = {}
        self.view: View | None = None
        self.chat: list[View] = []
        self.seat: int | None = None
        self.closed: str | None = None
        self.wholes = 0
        self._read = 0

    def take(self, message: View) -> None:
        if message.get("topic") != self.topic:
            return
        now = self.server.clock.now()
        if message["type"] == "room_closed":
            self.closed = message["reason"]
            return
        version = message["version"]
        if message["type"] == "room":
            assert version >= self.version
            self.wholes += 1
            self.room = with_instants(message["room"], now)
            self.view = self.room.get("match", {}).pop("view", None)
            self.chat = message["chat"]
            self.seat = message.get("seat")
        else:
            assert version == self.version + 1, "a gap, and no whole room"
            if message["type"] == "said":
                self.chat = [*self.chat, message["line"]][-50:]
            else:
                assert message["type"] == "room_changed"
                self.room = merged(self.room, with_instants(message.get("room", {}), now))
                if "view" in message:
                    assert self.view is not None
                    self.view = self.apply(self.view, with_instants(message["view"], now))
        self.version = version

    async def read(self) -> list[View]:
        """Apply all messages that were sent so far."""
        # Messages that came together are answered at once, and published a turn of the loop later.
        await self.tab.ask("look", "session")
        await self.tab.ask("look", "session")
        new, self._read = self.tab.seen[self._read :], len(self.tab.seen)
        for message in new:
            self.take(message)
        return new

    async def is_right(self) -> "Page":
        """Check that this page has the server's present state."""
        await self.read()
        here, now = self.server.still_here, self.server.clock.now()
        room = here.rooms.all.get(self.room_id)  # type: ignore[call-overload]
        if room is None:
            assert self.closed is not None
            return self
        assert isinstance(room, Room)
        expected = with_instants(in_seconds(room_view(room, now), now), now)
        assert is_alike(self.room, expected, now), f"{self.room}\n{expected}"
        if room.match is None:
            assert self.view is None
        else:
            seat = None if room.game.is_open else seat_for(room, self.visitor.id)  # type: ignore[arg-type]
            seen = in_seconds(room.match.view(seat), room.match.running_time(now))
            seen = with_instants(json.loads(msgspec.json.encode(seen)), now)
            assert self.view is not None
            assert is_alike(self.view, seen, now), f"{self.view}\n{seen}"
        lines = [here.room_topics.line_view(line) for line in room.chat.lines]
        assert self.chat == lines
        return self


async def seat(server: LiveServer, visitor: Visitor, room_id: str, **how: Any) -> Page:
    """Take a seat in a room with a new tab."""
    page = Page(server, visitor, await visitor.tab(), room_id)
    await page.tab.ask("join", "joined", room=room_id, **how)
    return await page.is_right()


async def table(server: LiveServer, game: str, *names: str, **how: Any) -> list[Page]:
    """A room with these players in its seats, in order; a match begins if they are enough."""
    visitors = [await server.guest(name) for name in names]
    response = await visitors[0].http.post("/api/rooms", json={"game": game, **how})
    assert response.status_code == 201, response.text
    room_id = response.json()["id"]
    return [await seat(server, visitor, room_id) for visitor in visitors]


async def passes(seconds: float, *pages: Page) -> None:
    """Let time pass; read first, since messages have seconds that are left."""
    for page in pages:
        await page.read()
    await pages[0].server.advance(seconds)
