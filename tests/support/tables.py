"""Players with seats in rooms of a live server, and their actions."""

import asyncio
from typing import Any

from server.base.ids import PlayerId
from server.games.catalogue import find_games
from server.rooms.reading import ReadableMatch, ReadableRoom
from tests.support.answers import until
from tests.support.live_server import LiveServer, Tab, Visitor

FOUR = (0, 1, 0, 1, 0, 1, 0)
"""Columns for discs in turn that give the first player four in a line."""


class Player:
    """A player with a cookie, for any server that knows it."""

    def __init__(self, visitor: Visitor, tab: Tab) -> None:
        self.visitor, self.tab = visitor, tab
        self.cookie, self.id = visitor.cookie, visitor.id
        self.room = ""

    @classmethod
    async def new(cls, server: LiveServer, name: str) -> "Player":
        visitor = await server.guest(name)
        return cls(visitor, await visitor.tab())

    async def open(self, game: str, **options: Any) -> str:
        response = await self.visitor.http.post("/api/rooms", json={"game": game, **options})
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    async def join(self, room: str) -> dict[str, Any]:
        self.room = room
        await self.tab.ask("join", "joined", room=room)
        return await self.tab.next("room")

    async def come_back(self, server: LiveServer) -> dict[str, Any]:
        """Return to the same room with a new tab; return the room."""
        self.visitor = await server.visitor()
        self.visitor.http.cookies.set("session", self.cookie)
        self.tab = await server.tab(self.cookie)
        await self.tab.next("hello")
        return await self.join(self.room)

    async def act(self, action: Any) -> None:
        """Act, and wait until it is done."""
        await self.tab.send("act", room=self.room, action=action)
        assert not [each for each in await self.tab.quiet() if each["type"] == "error"]


async def seated(server: LiveServer, game: str, **options: Any) -> tuple[Player, Player]:
    """Two players in a room of their own."""
    ada, kim = await asyncio.gather(Player.new(server, "Ada"), Player.new(server, "Kim"))
    room = await ada.open(game, **options)
    await ada.join(room)
    await kim.join(room)
    if not find_games()[game].starts_when_full:
        await ada.tab.send("start", room=room)
    await until(lambda: room_of(server).match is not None)
    return ada, kim


def room_of(server: LiveServer, player: PlayerId | None = None) -> ReadableRoom:
    """The only room, or the only one in which `player` has a seat."""
    rooms = server.still_here.rooms.all.values()
    (room,) = (room for room in rooms if player is None or room.seat_of(player) is not None)
    return room


def match_of(server: LiveServer, player: PlayerId | None = None) -> ReadableMatch:
    """The present or last match in that room."""
    match = room_of(server, player).match
    assert match is not None
    return match


def whose_turn(server: LiveServer, *players: Player) -> Player:
    return players[match_of(server).waits_for[0]]


async def play_four(server: LiveServer, *players: Player) -> None:
    """Play a match of Connect Four to its end."""
    for column in FOUR:
        await whose_turn(server, *players).act({"column": column})


async def played(player: Player) -> dict[str, Any]:
    """The last match, as the API returns it."""
    page = (await player.visitor.http.get("/api/matches")).json()
    response = await player.visitor.http.get(f"/api/matches/{page['matches'][0]['id']}")
    assert response.status_code == 200, response.text
    match = response.json()
    assert isinstance(match, dict)
    return match
