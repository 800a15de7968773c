"""What one player can make the server do: a flood of each message, of the dearest kind, for a
minute and from as many sockets as a session may have.

The server is a real one, in virtual time; its sockets are taken by `Tab`, which counts bytes.
"""

import asyncio
import gc
import itertools
import json
import random
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, get_args

import msgspec

from server.accounts.limits import Limits as AccountLimits
from server.app import StillHere
from server.base.clock import SystemClock
from server.base.ids import PlayerId, RoomId, SessionId
from server.base.rates import Quota
from server.games.catalogue import find_games
from server.games.snake_arena import SnakeArena
from server.limits import Limits
from server.ratings.rating import week_of
from server.rooms.chat import Chat, Line
from server.rooms.room import Room
from server.settings import Settings
from server.storage.batch import Batch
from server.storage.prices import size_of_document, size_of_line
from server.storage.sqlite.engine import SqliteEngine
from server.transport.by_call import Hearer
from server.wire.messages import ClientMessage
from tests.simulation.browsers import Answer, call
from tests.simulation.virtual import Disk, VirtualLoop, deterministic, run_virtually
from tests.support.answers import calls_of
from tests.support.live_server import UNLIMITED, with_quick_hashes

MINUTE = 60.0
SOCKETS = 20
"""Sockets of a session, by default."""

ROOMS_OF_A_TAB = Limits().rooms.rooms_watched_by_player // SOCKETS
"""Rooms that each of them may watch."""

WHOLES = {"roster", "rooms", "room"}
"""The types of snapshots, which have an allowance of their own."""

_LINE = "\N{WHITE SMILING FACE}" + "\N{GRINNING FACE}" * 298

MESSAGES = [str(each.__struct_config__.tag) for each in get_args(ClientMessage)]
"""The types of all messages of clients."""

_Message = Mapping[str, Any]
_T = TypeVar("_T")


class _Heard(msgspec.Struct):
    """What an account is kept of, in a message of the server."""

    type: str


@lru_cache(maxsize=16)
def _read(text: str) -> tuple[int, str]:
    """Return the bytes and the type of a message: most are sent to many sockets, one after the
    other."""
    raw = text.encode()
    return len(raw), msgspec.json.decode(raw, type=_Heard).type


class Tab:
    """A socket that reads everything at once, and keeps account of it."""

    def __init__(self, on_said: Callable[[], None]) -> None:
        self._on_said = on_said
        self.heard = 0
        """Bytes that the server sent, without snapshots."""
        self.wholes: list[tuple[float, int]] = []
        """The instant and the bytes of each snapshot."""
        self.code: int | None = None
        """With which the server closed it."""
        self._hearer: Hearer | None = None
        self._may_go_on_at = 0.0

    def forget(self) -> None:
        """Begin to count anew."""
        self.heard = 0
        self.wholes.clear()

    def say(self, message: _Message) -> None:
        """Send a message, unless the server refused one a moment ago: that has a limit of its own,
        and who goes on is closed."""
        if self.code is None and self._may_go_on_at <= _now():
            assert self._hearer is not None
            self._on_said()
            self._hearer.hear(msgspec.json.encode(message).decode())

    # `by_call.Socket`

    def peer(self) -> tuple[str, int] | None:
        return "127.0.0.1", 1

    def accept(self, subprotocol: str | None) -> None: ...

    def listen(self, hearer: Hearer) -> None:
        self._hearer = hearer

    def send_text(self, text: str) -> bool:
        size, kind = _read(text)
        if kind in WHOLES:
            self.wholes.append((_now(), size))
            return True
        self.heard += size
        if kind == "error":
            self._may_go_on_at = _now() + 1.0
        return True

    def close(
        self, code: int, reason: str = "", last: str | None = None, *, within: float | None = None
    ) -> bool:
        self.code = code
        return True

    async def send(self, event: dict[str, Any]) -> None:
        raise AssertionError("nothing waits for this peer")


class Guest:
    """A player with a session, and its tabs."""

    def __init__(self, id: str, cookie: str) -> None:
        self.id = id
        self.cookie = cookie
        self.tabs: list[Tab] = []


class Town:
    """A server with players, rooms and chat; `ada` floods it, `kim` plays with her, and `bystander`
    watches what they do."""

    ada: Guest
    kim: Guest
    bystander: Guest
    watched: list[str]
    """Rooms in which others sit, full of chat."""
    arenas: set[str]
    crowd: list[Guest]
    """Other players, without a room."""
    written = 0
    """Bytes of the documents of rooms, but for those of `arena`."""
    said = 0
    """Messages that the tabs sent."""

    def __init__(self, still_here: StillHere) -> None:
        self.still_here = still_here

    async def guest(self, name: str, tabs: int) -> Guest:
        answer = await call(self.still_here.app, "POST", "/api/guests", {"name": name})
        assert answer.status == 201, answer.body
        assert answer.cookie is not None
        guest = Guest(answer.body["player"]["id"], answer.cookie)
        guest.tabs = [self.tab(guest) for _ in range(tabs)]
        return guest

    def tab(self, guest: Guest) -> Tab:
        tab = Tab(self._note_said)
        headers = [(b"host", b"here.test"), (b"cookie", f"session={guest.cookie}".encode())]
        scope = {"type": "websocket", "path": "/ws", "scheme": "ws", "headers": headers}
        assert self.still_here.endpoint.take(scope | {"client": ("127.0.0.1", 1)}, tab)
        return tab

    def _note_said(self) -> None:
        self.said += 1

    def open(self, player_id: str, game: str = "connect-four", lines: int | None = None) -> str:
        """Open a room with so many lines of chat, by default as many as it keeps."""
        here = self.still_here
        id = here.room_service.open(PlayerId(player_id), game)
        room = here.rooms.all[id]
        assert isinstance(room, Room)
        limits, now = here.rooms.limits, here.clock.now()
        # As said already: to check each line takes longer than all else.
        room.chat = Chat(
            limits,
            (
                Line(number + 1, now, PlayerId(f"p_{number}"), "Player", _LINE)
                for number in range(limits.lines_kept if lines is None else lines)
            ),
        )
        return id

    async def settle(self, rooms: int, players: int) -> None:
        """Fill the lobby and the list of rooms."""
        here = self.still_here
        crowd = [await self.guest(f"Player {number}", 0) for number in range(players)]
        self.watched = []
        for each in crowd[:rooms]:
            room = self.open(each.id)
            here.room_service.join(PlayerId(each.id), room)
            self.watched.append(room)
        self.crowd = crowd[rooms:]
        self.arenas = set()
        self.ada, self.kim = [await self.guest(name, SOCKETS) for name in ("Ada", "Kim")]
        self.bystander = await self.guest("Bystander", 1)
        for topic in _topics(self):
            self.bystander.tabs[0].say({"type": "watch", "topic": topic})
        await asyncio.sleep(MINUTE)
        self.bystander.tabs[0].forget()

    def room(self, game: str, lines: int | None = None) -> str:
        """A room as of `open` in which Ada sits, with all her sockets, and Kim; the bystander
        watches."""
        room = self.open(self.ada.id, game, lines)
        for tab in (*self.ada.tabs, self.kim.tabs[0]):
            tab.say({"type": "join", "room": room})
        self.bystander.tabs[0].say({"type": "watch", "topic": f"room:{room}"})
        return room

    def arena(self) -> str:
        """A room in which as many of the crowd play as can, soon by bots."""
        here = self.still_here
        players = [self.crowd.pop() for _ in range(SnakeArena.most)]
        room = self.open(players[0].id, "snake-arena", lines=0)
        self.arenas.add(room)
        for each in players:
            here.room_service.join(PlayerId(each.id), room)
        here.room_service.start(PlayerId(players[0].id), room)
        return room

    def note_writes(self) -> None:
        """Count from now on what is written of rooms."""
        engine = self.still_here.store.journal._engine
        write = engine.write

        async def write_and_note(batch: Batch) -> None:
            for room in batch.rooms.values():
                if room.id not in self.arenas:
                    self.written += size_of_document(room)
            for line in batch.lines.values():
                if line.room_id not in self.arenas:
                    self.written += size_of_line(line)
            await write(batch)

        engine.write = write_and_note  # type: ignore[method-assign]

    def keep_account(self) -> Counter[PlayerId]:
        """Return what each player's budget is charged from now on, in bytes."""
        paid: Counter[PlayerId] = Counter()
        budget = self.still_here.budget
        charge = budget.charge

        def charge_and_note(player: PlayerId, size: int, now: float) -> None:
            paid[player] += size
            charge(player, size, now)

        budget.charge = charge_and_note  # type: ignore[method-assign]
        return paid

    async def flood(self, drive: Iterator[None]) -> None:
        """Send as many messages as a player may in a minute."""
        allowed = Limits().realtime.messages_of_player
        for _ in range(int(allowed.burst)):
            await self._step(drive)
        # Four at an instant, one after the other: a turn of the loop costs less than a timer.
        for number in range(int(MINUTE * allowed.per_second)):
            if number % 4 == 0:
                await asyncio.sleep(4 / allowed.per_second)
            await self._step(drive)

    async def _step(self, drive: Iterator[None]) -> None:
        said = self.said
        next(drive, None)
        if self.said > said:
            await asyncio.sleep(0)  # so that not many are answered with one message


def _now() -> float:
    return asyncio.get_running_loop().time()


Driver: TypeAlias = Callable[[Town], Iterator[None]]


# The floods: each step sends a message from the next socket, or nothing


def _in_turn(town: Town, *messages: _Message) -> Iterator[None]:
    """All sockets of Ada send the first, then all the second, and so on."""
    for message in itertools.cycle(messages):
        for tab in town.ada.tabs:
            tab.say(message)
            yield


def _one_by_one(town: Town, *messages: _Message) -> Iterator[None]:
    """The sockets of Ada send the first, the second, and so on in turn."""
    for tab, message in zip(itertools.cycle(town.ada.tabs), itertools.cycle(messages)):
        tab.say(message)
        yield


def _with_tokens(town: Town, *messages: _Message, at_once: int = 1) -> Iterator[None]:
    """As often as a session may do what writes rows, so many of the messages: who goes on is
    closed."""
    connects = Limits().realtime.connects
    flood = _one_by_one(town, *messages)
    # Twenty were for the sockets.
    for _ in range(int(connects.burst) - 1):
        for _ in range(at_once):
            next(flood)
        yield
    since = _now()
    while True:
        if _now() - since >= 1 / connects.per_second:
            since = _now()
            for _ in range(at_once):
                next(flood)
        yield


def _take_breaks(town: Town) -> Iterator[None]:
    """Say "be right back", which the next ping ends."""
    away = {"type": "hold", "seconds": 9, "away": True}
    return _with_tokens(town, away, {"type": "ping"}, at_once=2)


def _evenly(town: Town, quota: Quota, *messages: _Message) -> Iterator[None]:
    """As often as a quota allows, and not all at once: what comes at once is written once."""
    for _ in _one_by_one(town, *messages):
        since = _now()
        while _now() - since < quota.seconds / quota.count:
            yield


def _put_off_the_end(town: Town) -> Iterator[None]:
    """After the warning: hold, which withdraws it, and release, which gives it again."""
    return _with_tokens(town, {"type": "hold", "seconds": 9}, {"type": "release"}, at_once=2)


def _topics(town: Town) -> list[str]:
    return ["lobby", "rooms", *(f"room:{room}" for room in town.watched)]


def _watch(town: Town) -> Iterator[None]:
    """All tabs watch the largest matches that tick, as many as they may, and go on to be sent all
    changes: who asks for a whole state again is sent none until there is an allowance for it."""
    rooms = [town.arena() for _ in range(ROOMS_OF_A_TAB)]
    for room in rooms:
        for tab in town.ada.tabs:
            tab.say({"type": "watch", "topic": f"room:{room}"})
            yield


def _watch_one(kind: str) -> Driver:
    """Return the flood that watches one topic of this kind, again and again, in all tabs."""

    def drive(town: Town) -> Iterator[None]:
        topic = next(each for each in _topics(town) if each.partition(":")[0] == kind)
        return _in_turn(town, {"type": "watch", "topic": topic})

    return drive


def _unwatch(town: Town) -> Iterator[None]:
    for tab in itertools.cycle(town.ada.tabs):
        for topic in _topics(town):
            tab.say({"type": "watch", "topic": topic})
            yield
            tab.say({"type": "unwatch", "topic": topic})
            yield


def _move_about(town: Town) -> Iterator[None]:
    """Change between two seats, before the eyes of all own tabs."""
    room = town.room("snake-arena")
    return _one_by_one(town, *({"type": "join", "room": room, "seat": seat} for seat in (2, 3)))


def _come_and_go(town: Town) -> Iterator[None]:
    room = town.room("snake-arena")
    return _one_by_one(town, {"type": "join", "room": room}, {"type": "leave", "room": room})


_FOUR = (0, 1) * 3 + (0,)
"""The columns of the shortest match, which has four in a column."""
_FULL = (0,) * 6 + (1,) * 6 + (6,) + (2,) * 6 + (3,) * 6 + (6,) + (4,) * 6 + (5,) * 6 + (6,) * 4
"""Those of the longest, which fills the board."""


def _play(town: Town, columns: tuple[int, ...], lines: int | None = 0) -> Iterator[None]:
    """Ada and Kim play one match after another."""
    id = town.room("connect-four", lines)
    room = town.still_here.rooms.all[RoomId(id)]
    tabs = {guest.id: itertools.cycle(guest.tabs) for guest in (town.ada, town.kim)}
    while True:
        if room.running is None:
            for each in tabs.values():
                next(each).say({"type": "start", "room": id})
                yield
            continue
        (number,) = room.running.waits_for
        player = room.seats[number].player
        assert player is not None
        column = columns[sum(map(len, room.running.state.columns))]
        act = {"type": "act", "room": id, "action": {"column": column}}
        next(tabs[player.id]).say(act)
        yield


def _talk(town: Town) -> Iterator[None]:
    """In as many rooms as there are lines for, watched by as many sockets as may: each in some."""
    limits = Limits().rooms
    number = limits.lines_of_player.count // limits.lines.count
    rooms = town.watched[:number]
    for at, tab in enumerate(town.ada.tabs):
        for each in range(at, at + ROOMS_OF_A_TAB):
            tab.say({"type": "watch", "topic": f"room:{rooms[each % number]}"})
            yield
    while True:
        for tab in town.ada.tabs:
            for room in rooms:
                tab.say({"type": "say", "room": room, "text": _LINE})
                yield


def _hop(town: Town) -> Iterator[None]:
    """From one room of others to the next: the one left and the one joined change, and both say
    so."""
    here, rooms = town.still_here, []
    for each in town.crowd:
        room = town.open(each.id, "snake-arena")
        here.room_service.join(PlayerId(each.id), room)
        rooms.append(room)
    return _evenly(town, Limits().rooms.comings, *({"type": "join", "room": id} for id in rooms))


def _go_and_come(town: Town) -> Iterator[None]:
    room, comings = town.room("snake-arena"), Limits().rooms.comings
    # Only every second message is a coming.
    quota = Quota(2 * comings.count, comings.seconds)
    return _evenly(town, quota, *({"type": type, "room": room} for type in ("leave", "join")))


def _write_everywhere(town: Town) -> Iterator[None]:
    """As many lines as a player may, each in another room, whose document is written for it."""
    limits, tab = Limits().rooms, town.ada.tabs[0]
    for room in town.watched:
        tab.say({"type": "watch", "topic": f"room:{room}"})
        yield
    messages = ({"type": "say", "room": room, "text": _LINE} for room in town.watched)
    yield from _evenly(town, limits.lines_of_player, *messages)


def _look_for_others(town: Town) -> Iterator[None]:
    """Change the game as often as that is allowed, and then repeat oneself."""
    games = ["snake-arena", "trivia-round"] * (Limits().rooms.searches.count // 2)
    for tab, game in zip(itertools.cycle(town.ada.tabs), games):
        tab.say({"type": "quick_match", "game": game})
        yield
    yield from _in_turn(town, {"type": "quick_match", "game": games[-1]})


def _find_another(town: Town) -> Iterator[None]:
    """With another who looks for others too: each time a room opens, and the last one closes."""
    searches = Limits().rooms.searches
    while True:
        for tab in (town.ada.tabs[0], town.kim.tabs[0]):
            tab.say({"type": "quick_match", "game": "trivia-round"})
            yield
        since = _now()
        while _now() - since < searches.seconds / searches.count:
            yield


def _in_a_match(type: str, **fields: Any) -> Driver:
    def drive(town: Town) -> Iterator[None]:
        return _in_turn(town, {"type": type, "room": town.room("connect-four"), **fields})

    return drive


def _always(type: str, **fields: Any) -> Driver:
    return lambda town: _in_turn(town, {"type": type, **fields})


DRIVERS: dict[str, Driver] = {
    "ping": _always("ping", id="x"),
    "hold": _always("hold", seconds=9),
    "release": _always("release"),
    "look": _always("look"),
    "watch": _watch,
    "unwatch": _unwatch,
    "join": _move_about,
    "leave": _come_and_go,
    "start": lambda town: _play(town, _FOUR),
    "act": lambda town: _play(town, _FULL),
    "say": _talk,
    "quick_match": _look_for_others,
    "claim": _in_a_match("claim", result="win"),
    "pulse": _in_a_match("pulse", seat=1),
    "brb": lambda town: _with_tokens(
        town, {"type": "brb", "room": town.room("connect-four"), "seconds": 9}
    ),
}
"""For each type of message the flood that makes the server send most."""

LASTING: dict[str, Driver] = {
    "ping": _take_breaks,
    "hold": _take_breaks,
    "release": _put_off_the_end,
    "quick_match": _find_another,
}
"""Where another one makes it keep more."""


WRITING: dict[str, Driver] = {
    "join": _hop,
    "leave": _go_and_come,
    "start": lambda town: _play(town, _FOUR, None),
    "act": lambda town: _play(town, _FULL, None),
    "say": _write_everywhere,
}
"""Where another one makes it write more of rooms."""


@asynccontextmanager
async def _town(
    loop: VirtualLoop,
    database: Path,
    rooms: int,
    players: int,
    accounts: AccountLimits = UNLIMITED,
) -> AsyncIterator[Town]:
    clock = SystemClock(loop.time, lambda: 1_700_000_000.0 + loop.time(), lambda: 0.0)
    settings = Settings(database=str(database), secret_keys=("k" * 32,), _env_file=None)  # type: ignore[call-arg]
    limits = Limits(accounts=with_quick_hashes(accounts))
    here = StillHere(settings, clock, limits)
    here.collector.start = lambda: None  # type: ignore[method-assign]
    await here.start()
    town = Town(here)
    try:
        await town.settle(rooms, players)
        yield town
    finally:
        await here.stop()


class Measured(msgspec.Struct, frozen=True):
    """Bytes in a minute."""

    kept: int
    """For good, of Ada: what her budget was charged."""
    seconds: float
    """Of the processor, with what this side of the sockets costs."""
    written: int
    """Of rooms, with all they contain."""
    sent: int
    """To all her sockets, without snapshots."""
    wholes: int
    """Snapshots, to all her sockets."""
    told: int
    """To the bystander, who watches everything, with one socket."""
    closed: int
    """Ada's sockets that the server closed."""


def measure(drive: Driver, database: Path, *, idle: float = 0.0) -> Measured:
    """Flood a server, and return what came of it. `idle`: for so long nobody does anything
    before."""

    async def main(loop: VirtualLoop) -> Measured:
        async with _town(loop, database, rooms=17, players=65) as town:
            await asyncio.sleep(idle)
            if not idle:  # otherwise others go, whose rooms change
                town.note_writes()
            return await _measure(town, drive)

    return _run(main)


def measure_wholes(database: Path) -> dict[str, Measured]:
    """Return what came of floods that watch one topic of each kind, with many players and rooms.
    Each has its own Ada, as it may spend all that a player is allowed."""

    async def main(loop: VirtualLoop) -> dict[str, Measured]:
        measured = {}
        async with _town(loop, database, rooms=200, players=500) as town:
            for kind in ("lobby", "rooms", "room"):
                measured[kind] = await _measure(town, _watch_one(kind))
                town.ada = await town.guest(f"Ada after {kind}", SOCKETS)
        return measured

    return _run(main)


async def _measure(town: Town, drive: Driver) -> Measured:
    flood = drive(town)
    paid = town.keep_account()
    began = time.process_time()
    await town.flood(flood)
    seconds = time.process_time() - began
    tabs, other = town.ada.tabs, town.bystander.tabs[0]
    return Measured(
        kept=paid[PlayerId(town.ada.id)],
        seconds=seconds,
        written=town.written,
        sent=sum(tab.heard for tab in tabs),
        wholes=sum(size for tab in tabs for _, size in tab.wholes),
        told=other.heard + sum(size for _, size in other.wholes),
        closed=sum(tab.code is not None for tab in tabs),
    )


def _run(main: Callable[[VirtualLoop], Awaitable[_T]]) -> _T:
    disk = Disk(random.Random(1))
    try:
        with deterministic(1, disk, 5.0):
            return run_virtually(main)
    finally:
        disk.kill()


# Calls of HTTP


async def _answer(app: Any, method: str, path: str, body: object, cookie: str) -> tuple[int, bytes]:
    """Return the bytes of an answer, with its header, and its body."""
    path, _, query = path.partition("?")
    raw = b"" if body is None else json.dumps(body).encode()
    headers = [(b"host", b"here.test"), (b"cookie", f"session={cookie}".encode())]
    headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(raw))]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "scheme": "http", "server": ("here.test", 80), "client": ("127.0.0.1", 1),
        "headers": headers,
    }  # fmt: skip
    incoming = [{"type": "http.request", "body": raw}]
    size, parts = 0, []

    async def receive() -> dict[str, Any]:
        if not incoming:
            await asyncio.Event().wait()
        return incoming.pop()

    async def send(event: dict[str, Any]) -> None:
        nonlocal size
        if event["type"] == "http.response.start":
            assert event["status"] < 300, (method, path, event)
            size += sum(len(name) + len(value) + 4 for name, value in event["headers"])
        else:
            parts.append(event.get("body", b""))

    await app(scope, receive, send)
    answered = b"".join(parts)
    return size + len(answered), answered


def _longest_name(number: int) -> str:
    """A name of 40 letters, of three bytes each."""
    digits = "\u7532\u4e59\u4e19\u4e01\u620a\u5df1\u5e9a\u8f9b\u58ec\u7678"
    return "".join(digits[int(each)] for each in f"{number:04}") + "\u4e2d" * 36


def _speed() -> float:
    """Return the milliseconds of a piece of work that is always the same, in this thread: what a
    busy machine does besides is not counted, and how fast it is can be divided by."""
    player = {"id": "p_0123456789012345678901", "name": "Somebody", "guest": True, "idle_for": 1.5}
    took = []
    for _ in range(5):
        began = time.thread_time()
        for _ in range(100):
            msgspec.json.decode(msgspec.json.encode([dict(player) for _ in range(20)]))
        took.append(time.thread_time() - began)
    return min(took) * 1000


SPEED = 0.9
"""Milliseconds of `_speed` where `COMPUTED` was measured."""


class Answered(msgspec.Struct):
    """The largest answer to a call."""

    size: int
    """In bytes, with its header."""
    milliseconds: float
    """Computed, by a machine with `SPEED`, the reads and writes of the database included."""


def measure_calls(database: Path, *, crowd: int) -> dict[str, Answered]:
    """Return the largest answer to each call: of pages of the largest size, with names of the most
    bytes, and with `crowd` players who are here, each with a room."""

    async def main(loop: VirtualLoop) -> dict[str, Answered]:
        async with _town(loop, database, 0, 0) as town:
            here = town.still_here
            app, found = here.app, dict[str, Answered]()

            async def ask(name: str, path: str = "", body: object = None) -> bytes:
                method, _, known = name.partition(" ")
                took, speed = [], _speed()
                gc.disable()  # as in a server, but for pauses of its own
                # What the first makes, the others may find made: a change costs that, and no call.
                for _ in range(3 if method == "GET" else 1):
                    began = time.thread_time()
                    size, answered = await _answer(app, method, path or known, body, ada.cookie)
                    took.append((time.thread_time() - began) * 1000)
                gc.enable()
                found[name] = Answered(size, min(took) * SPEED / speed)
                return answered

            for number in range(crowd):
                each = await town.guest(_longest_name(number), 0)
                # No list has the lines of a room.
                lines = 0 if here.rooms.all else None
                here.room_service.join(PlayerId(each.id), town.open(each.id, lines=lines))
            ada = town.ada = await town.guest(_longest_name(crowd), 2)
            town.kim = await town.guest(_longest_name(crowd + 1), 2)
            most = Limits().web
            drive = _play(town, _FOUR)
            for _ in range(most.largest_page_of_matches * 9 + 9):
                next(drive)
                await asyncio.sleep(0.01)
            for _ in range(most.largest_page_of_players):
                here.presence.hold(_session_of(town, ada), 60.0, away=True)
                here.presence.touch(_session_of(town, ada))
            await asyncio.sleep(3.0)

            page = f"limit={most.largest_page_of_players}"
            await ask("GET /api/players", f"/api/players?{page}")
            await ask("GET /api/players/{id}", f"/api/players/{ada.id}")
            history = f"/api/players/{ada.id}/history?{page}"
            await ask("GET /api/players/{id}/history", history)
            week = week_of(here.clock.to_wall(here.clock.now()))
            assert isinstance(here.store.engine, SqliteEngine)
            await here.store.engine.database.write(partial(_rate_everybody, week=week))
            best = f"/api/standings?game=connect-four&period=week&{page}"
            await ask("GET /api/standings", best)
            await ask("GET /api/players/{id}/ratings", f"/api/players/{ada.id}/ratings")
            for name in ("session", "games", "rooms"):
                await ask(f"GET /api/{name}")
            await ask("GET /api/rooms/{id}", f"/api/rooms/{next(iter(here.rooms.all))}")
            matches = json.loads(
                await ask("GET /api/matches", f"/api/matches?limit={most.largest_page_of_matches}")
            )["matches"]
            assert len(matches) == most.largest_page_of_matches
            town.crowd = [
                await town.guest(_longest_name(crowd + 4 + at), 0) for at in range(SnakeArena.most)
            ]
            arena = here.rooms.all[RoomId(town.arena())].match
            assert arena is not None
            await asyncio.sleep(190.0)  # it takes three minutes, and the countdown
            one = json.loads(await ask("GET /api/matches/{id}", f"/api/matches/{arena.id}"))
            # Whose moves are the longest, and of which as many can be made.
            move = max(len(json.dumps(each, separators=(",", ":"))) + 1 for each in one["moves"])
            more = most.largest_page_of_moves - len(one["moves"])
            longest = found["GET /api/matches/{id}"]
            longest.size += more * move
            longest.milliseconds *= most.largest_page_of_moves / len(one["moves"])
            for name in ("healthz", "readyz", "metrics", "openapi.json"):
                await ask(f"GET /{name}")
            await ask("POST /api/session/activity")
            await ask("POST /api/session/leave")
            name, password = _longest_name(crowd + 2), "correct horse"
            account = {"name": name, "password": password}
            await ask("POST /api/guests", body={"name": _longest_name(crowd + 3)})
            await ask("POST /api/players", body=account)
            for _ in range(10):
                answer = await call(app, "POST", "/api/session", account)
            await ask("POST /api/session", body=account)
            assert answer.cookie is not None
            ada = Guest("", answer.cookie)
            mine = json.loads(await ask("GET /api/sessions"))["sessions"]
            other = next(each["id"] for each in mine if not each["current"])
            await ask("DELETE /api/sessions/{id}", f"/api/sessions/{other}")
            await ask("PUT /api/password", body={"current": password, "new": "another horse"})
            await ask("POST /api/rooms", body={"game": "connect-four"})
            await ask("DELETE /api/session")
            answer = await call(
                app, "POST", "/api/session", account | {"password": "another horse"}
            )
            assert answer.cookie is not None
            ada = Guest("", answer.cookie)
            await ask("DELETE /api/sessions")
            assert sorted(found) == sorted(f"{each.method} {each.path}" for each in calls_of(app))
            return found

    return _run(main)


def _rate_everybody(disk: sqlite3.Connection, week: int) -> None:
    """Give all players a rating and a record in all games, and a gain in the present week."""
    for game in find_games():
        disk.execute(
            "INSERT INTO ratings SELECT id, ?, 25, 8, 1000, 99999, 99999, 1 FROM players", (game,)
        )
        disk.execute(
            "INSERT INTO weekly_gains SELECT id, ?, ?, 1000, 99999, 99999 FROM players",
            (game, week),
        )
        disk.execute(
            "INSERT INTO records SELECT id, ?, 12345.678, (SELECT id FROM matches), 0 FROM players",
            (game,),
        )


class _Caller:
    """A registered player with as many sessions as they may have, behind a proxy: limits by address
    apply."""

    def __init__(self, app: Any, name: str) -> None:
        self._app = app
        self.account = {"name": name, "password": "correct horse"}
        self.cookies: list[str] = []
        self.id = ""

    async def sign_in(self) -> None:
        answer = await self.ask("POST", "/api/players", self.account, cookie=None)
        self.id = answer.body["player"]["id"]
        for _ in range(9):
            answer = await self.ask("POST", "/api/session", self.account, cookie=None)
            assert answer.status == 201, answer.body

    async def ask(
        self, method: str, path: str, body: object = None, cookie: str | None = ""
    ) -> Answer:
        """Make a call with the latest cookie, or with `cookie`; None: with none."""
        cookie = self.cookies[-1] if cookie == "" else cookie
        headers = {"via": "1.1 proxy"} | ({} if cookie is None else {"cookie": f"session={cookie}"})
        answer = await call(self._app, method, path, body, headers)
        if answer.cookie is not None:
            self.cookies.append(answer.cookie)
        return answer

    async def again(self, name: str, number: int) -> None:
        """Make the call for the so-many'th time, so that it has the most effect."""
        method, _, path = name.partition(" ")
        body: object = None
        cookie: str | None = ""
        match name:
            case "POST /api/guests" | "POST /api/players":
                body, cookie = self.account | {"name": f"Another {number}"}, None
            case "POST /api/session":
                body, cookie = self.account, None
            case "PUT /api/password":
                new = f"correct horse {number}"
                body = {"current": self.account["password"], "new": new}
                self.account["password"] = new
            case "DELETE /api/session":
                cookie = self.cookies[-1 - number % len(self.cookies)]
            case "DELETE /api/sessions/{id}":
                mine = (await self.ask("GET", "/api/sessions")).body["sessions"]
                path = f"/api/sessions/{next((e['id'] for e in mine if not e['current']), 'none')}"
            case "POST /api/session/activity" if number % 30:
                # Five seconds after the page said that it closes the player is offline.
                path = "/api/session/leave"
            case "POST /api/rooms":
                body = {"game": "connect-four"}
        await self.ask(method, path.replace("{id}", self.id), body, cookie)


async def _keep(town: Town, name: str, number: int, paid: Counter[PlayerId]) -> int:
    """Make a call for a minute; return the bytes that are kept because of it."""
    caller = _Caller(town.still_here.app, f"Caller {number}")
    await caller.sign_in()
    before = paid.total()
    # A read is refused to nobody at these rates: what one keeps, each keeps.
    seconds = 1.0 if name.startswith("GET ") else 0.2
    for each in range(int(MINUTE / seconds)):
        await caller.again(name, each)
        await asyncio.sleep(seconds)
    kept = paid.total() - before
    # Until all are signed out, and no limit knows them.
    await asyncio.sleep(900.0)
    return kept


def measure_kept(database: Path) -> dict[str, int]:
    """Return the bytes that calls of one player, or from one address, make the server keep in a
    minute."""

    async def main(loop: VirtualLoop) -> dict[str, int]:
        async with _town(loop, database, 0, 0, AccountLimits()) as town:
            await asyncio.sleep(900.0)
            paid = town.keep_account()
            names = [f"{each.method} {each.path}" for each in calls_of(town.still_here.app)]
            return {
                name: await _keep(town, name, number, paid) for number, name in enumerate(names)
            }

    return _run(main)


def _session_of(town: Town, guest: Guest) -> SessionId:
    (session,) = town.still_here.presence.players[PlayerId(guest.id)].sessions
    return session.id


class Cost(msgspec.Struct, frozen=True):
    """The most in a minute, the first and dearest, in which all bursts are spent."""

    keeps: int
    """Bytes of the database, for good."""
    writes: int
    """Bytes of rooms, with all they contain, of which only the latest are kept."""
    sends: int
    """Bytes to all sockets of the player, without snapshots."""
    tells: int
    """Bytes to each socket of others that watches all of it, snapshots included."""
    computes: float
    """Seconds of one core, with room for a slow one."""


COSTS = {
    "ping": Cost(keeps=50_000, writes=0, sends=550_000, tells=7_000, computes=1.0),
    "hold": Cost(keeps=50_000, writes=0, sends=640_000, tells=7_000, computes=1.0),
    "release": Cost(keeps=60_000, writes=0, sends=640_000, tells=24_000, computes=1.0),
    "look": Cost(keeps=300, writes=0, sends=4_600_000, tells=7_000, computes=1.5),
    "watch": Cost(keeps=300, writes=0, sends=8_000_000, tells=14_000, computes=2.0),
    "unwatch": Cost(keeps=300, writes=0, sends=60_000, tells=35_000, computes=1.5),
    "join": Cost(keeps=1_200, writes=1_500_000, sends=600_000, tells=190_000, computes=2.5),
    "leave": Cost(keeps=300, writes=200_000, sends=480_000, tells=210_000, computes=2.5),
    "start": Cost(keeps=160_000, writes=600_000, sends=10_000_000, tells=7_000_000, computes=4.5),
    "act": Cost(keeps=160_000, writes=900_000, sends=17_000_000, tells=6_000_000, computes=6.0),
    "say": Cost(keeps=300, writes=2_200_000, sends=1_200_000, tells=380_000, computes=1.5),
    "quick_match": Cost(keeps=5_000, writes=200_000, sends=700_000, tells=17_000, computes=2.5),
    "claim": Cost(keeps=300, writes=15_000, sends=170_000, tells=85_000, computes=1.5),
    "pulse": Cost(keeps=300, writes=15_000, sends=160_000, tells=85_000, computes=1.5),
    "brb": Cost(keeps=50_000, writes=300_000, sends=340_000, tells=100_000, computes=1.5),
}
"""Of each message, sent as often as a player may."""

CROWD = 1000
"""Players who are here, each with a room, while the answers to calls are measured."""

ANSWERS = {
    "GET /api/matches/{id}": 850_000,
    "GET /api/rooms": 550_000,
    "GET /api/players/{id}/history": 160_000,
    "GET /api/players": 160_000,
    "GET /api/standings": 160_000,
    "GET /openapi.json": 90_000,
    "GET /api/matches": 70_000,
    "GET /metrics": 6_000,
    "GET /api/sessions": 4_000,
    "GET /api/players/{id}/ratings": 2_000,
    "GET /api/games": 2_000,
    "GET /api/session": 1_300,
    "GET /api/rooms/{id}": 1_300,
    "GET /api/players/{id}": 1_300,
    "GET /healthz": 800,
    "GET /readyz": 800,
    "POST /api/guests": 1_300,
    "POST /api/players": 1_300,
    "POST /api/session": 1_300,
    "POST /api/session/activity": 1_300,
    "POST /api/session/leave": 800,
    "POST /api/rooms": 1_300,
    "PUT /api/password": 800,
    "DELETE /api/session": 800,
    "DELETE /api/sessions": 800,
    "DELETE /api/sessions/{id}": 800,
}
"""Of each call, the most bytes of an answer, with its header."""

COMPUTED = {
    "GET /api/matches/{id}": 90.0,
    "GET /api/rooms": 3.0,
    "GET /api/players/{id}/history": 16.0,
    "GET /api/players": 16.0,
    "GET /api/standings": 16.0,
    "GET /openapi.json": 0.5,
    "GET /api/matches": 8.0,
    "GET /metrics": 2.5,
    "GET /api/sessions": 0.5,
    "GET /api/players/{id}/ratings": 0.5,
    "GET /api/games": 0.5,
    "GET /api/session": 0.5,
    "GET /api/rooms/{id}": 0.5,
    "GET /api/players/{id}": 0.5,
    "GET /healthz": 0.5,
    "GET /readyz": 0.5,
    "POST /api/guests": 10.0,
    "POST /api/players": 10.0,
    "POST /api/session": 10.0,
    "POST /api/session/activity": 1.5,
    "POST /api/session/leave": 1.5,
    "POST /api/rooms": 10.0,
    "PUT /api/password": 10.0,
    "DELETE /api/session": 10.0,
    "DELETE /api/sessions": 10.0,
    "DELETE /api/sessions/{id}": 10.0,
}
"""Of each call, the most milliseconds of a core for such an answer, with the reads and writes of
the database and without hashing passwords; twice of what was measured, or more."""

KEPT = {
    "POST /api/guests": 70_000,
    "POST /api/players": 80_000,
    "POST /api/session": 110_000,
    "PUT /api/password": 3_000,
    "DELETE /api/session": 3_000,
    "DELETE /api/sessions": 3_000,
    "DELETE /api/sessions/{id}": 3_000,
    "POST /api/session/activity": 6_000,
    "POST /api/session/leave": 300,
    "POST /api/rooms": 2_000,
}
"""Of each call that leaves rows, the most bytes that are kept in a minute."""


def table_of_messages() -> str:
    """The rows of SECURITY.md."""
    rows = [
        f"| `{type}` | {cost.keeps:,} | {cost.writes:,} | {cost.sends:,} | {cost.tells:,} "
        f"| {cost.computes:g} |"
        for type, cost in COSTS.items()
    ]
    return "\n".join(rows)


def table_of_calls() -> str:
    """The rows of SECURITY.md: calls that cost the same are in one."""
    calls: dict[tuple[int, float, int], list[str]] = {}
    for name, size in ANSWERS.items():
        cost = size, COMPUTED[name], KEPT.get(name, 0)
        calls.setdefault(cost, []).append(f"`{name}`")
    rows = [
        f"| {', '.join(names)} | {size:,} | {computed:g} | {kept:,} |"
        for (size, computed, kept), names in calls.items()
    ]
    return "\n".join(rows)
