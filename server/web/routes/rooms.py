"""Rooms and games over HTTP: listing them, and opening a room. Playing needs a WebSocket."""

from enum import StrEnum
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.base.ids import PlayerId, RoomId
from server.base.units import NEVER
from server.games.catalogue import AnyGame
from server.games.game import Level
from server.rooms.service import RoomService
from server.rooms.view import listing
from server.web.bodies import answer, read_json
from server.web.caller import caller_of
from server.web.calls import Call, Cookie
from server.web.listed import ListedRooms
from server.web.parameters import AnyText, OneOf


class _OnlyTrue(StrEnum):
    TRUE = "true"


_GAME = AnyText("game", "Rooms of this game only.")
_OPEN = OneOf("open", "Only rooms with a free seat in which no match runs.", _OnlyTrue)


class NewRoom(msgspec.Struct):
    """`private`: not listed; anyone with the id may join. `bots`: so many sit there, of this
    `level` (by default a middle one of the game's); `alone`: for one player."""

    game: str
    private: bool = False
    bots: int = 0
    level: Level | msgspec.UnsetType = msgspec.UNSET
    alone: bool = False


class GameAbout(msgspec.Struct):
    """A game, and what it expects of the players it waits for: see docs/rooms.md."""

    name: str
    least: int
    most: int
    starts_when_full: bool
    policy: dict[str, Any]
    # The strengths of its bots; whether one plays it alone.
    levels: tuple[Level, ...]
    plays_alone: bool

    @classmethod
    def of(cls, game: AnyGame) -> "GameAbout":
        # JSON has no number for "no limit".
        policy = {
            key: value for key, value in msgspec.to_builtins(game.policy).items() if value != NEVER
        }
        return cls(
            game.name,
            game.least,
            game.most,
            game.starts_when_full,
            policy,
            game.levels,
            game.plays_alone,
        )


class Games(msgspec.Struct):
    games: list[GameAbout]


class RoomPlayer(msgspec.Struct):
    """`bot`: true for a bot, of this `level`."""

    id: PlayerId
    name: str
    bot: bool | msgspec.UnsetType = msgspec.UNSET
    level: Level | msgspec.UnsetType = msgspec.UNSET


class RoomListing(msgspec.Struct):
    """A room in a list of rooms. Only describes the answer: `rooms/view.py` makes the entry, which
    the topic `rooms` sends too, and clients of sockets get as a dict."""

    id: RoomId
    game: str
    state: str
    players: list[RoomPlayer]
    free: int
    spectators: int
    private: bool
    host: RoomPlayer | msgspec.UnsetType = msgspec.UNSET


class RoomListings(msgspec.Struct):
    """The newest rooms first; `total` counts all that match."""

    rooms: list[RoomListing]
    total: int


class RoomRoutes:
    """`/api/games` and `/api/rooms`."""

    def __init__(self, service: RoomService, listed: ListedRooms) -> None:
        self._service = service
        self._listed = listed
        self._rooms = service.rooms
        self.calls = [
            Call(
                "GET",
                "/api/games",
                self.list_games,
                "The games there are, and their AFK rules.",
                answers={200: Games},
                cookie=Cookie.WELCOME,
            ),
            Call(
                "GET",
                "/api/rooms",
                self.list_rooms,
                "The rooms that are not private, newest first.",
                query=[_GAME, _OPEN],
                answers={200: RoomListings},
                cookie=Cookie.WELCOME,
                is_long=True,
            ),
            Call(
                "POST",
                "/api/rooms",
                self.open_room,
                "A new room, with a seat kept for the caller.",
                takes=NewRoom,
                answers={201: RoomListing},
                cookie=Cookie.NEEDED,
                problems=["no_such_game", "no_bots", "too_many_rooms", "already_seated"],
            ),
            Call(
                "GET",
                "/api/rooms/{id}",
                self.show_room,
                "One room, private or not.",
                answers={200: RoomListing},
                cookie=Cookie.WELCOME,
                problems=["no_such_room"],
            ),
        ]

    async def list_games(self, request: Request) -> Response:
        return answer(Games([GameAbout.of(game) for game in self._rooms.games.values()]))

    async def list_rooms(self, request: Request) -> Response:
        game, is_open = _GAME.of(request), _OPEN.of(request)
        most = self._rooms.limits.rooms_listed
        page, total = self._listed.page(game, most, is_open=is_open is not None)
        return answer({"rooms": page, "total": total})

    async def open_room(self, request: Request) -> Response:
        wanted = await read_json(request, NewRoom)
        player = caller_of(request).signed_in().player
        id = self._service.open(
            player.id,
            wanted.game,
            is_private=wanted.private,
            bots=wanted.bots,
            level=wanted.level or None,
            is_alone=wanted.alone,
        )
        return answer(listing(self._rooms.find(id)), 201)

    async def show_room(self, request: Request) -> Response:
        return answer(listing(self._rooms.find(request.path_params["id"])))
