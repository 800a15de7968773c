"""Clients that keep to the protocol and ask for too much, and what the server gives them.

    python -m scripts.stress.abusers PORT SECONDS

Prints `abusing` once it begins and, as JSON, a line for each kind: what was done and refused, and
how many bytes went to the server and came from it. Each kind has an address of its own, in
`X-Forwarded-For`: the server has to trust 127.0.0.1 as a proxy.
"""

import asyncio
import itertools
import os
import random
import socket
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn

import msgspec

from scripts.benchmarks.players import Socket, open_socket
from scripts.benchmarks.websocket import client_frame
from scripts.letters import LETTERS
from server.client import Address, Unreachable
from server.client.http import Response, exchange
from server.transport.frames import TEXT
from server.wire import messages
from server.wire.messages import encode_request

_ANSWER = 5.0
"""Timeout, in seconds, for an answer."""

_A_SOCKET = 1 / 45
"""Seconds between two messages of one socket: the server allows 50 a second."""

_PASSWORD = "a rather long passphrase"
_EMOJI = "\N{GRINNING FACE}"


@dataclass(slots=True)
class Tally:
    """What one kind did. `refused`: by code or status; `sent` and `received`: bytes of messages and
    bodies."""

    done: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    received: int = 0


class _Answer(msgspec.Struct):
    type: str
    id: int | None = None
    code: str = ""
    room: Any = None


_decode = msgspec.json.Decoder(_Answer).decode


class Client(Socket):
    """A socket that counts, and can wait for answers."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self._tally = tally
        self._ids = itertools.count()
        self._asked: dict[int, asyncio.Future[str]] = {}
        self.warned = asyncio.Event()

    def write(self, frame: bytes) -> None:
        self._tally.sent += len(frame)
        super().write(frame)

    def data_received(self, data: bytes) -> None:
        self._tally.received += len(data)
        super().data_received(data)

    def on_message(self, payload: bytes) -> None:
        if payload.startswith((b'{"type":"done"', b'{"type":"error"')):
            answer = _decode(payload)
            if answer.type == "error":
                self._tally.refused[answer.code] += 1
            else:
                self._tally.done += 1
            future = self._asked.pop(answer.id, None) if answer.id is not None else None
            if future is not None and not future.done():
                future.set_result(answer.code)
        elif payload.startswith(b'{"type":"warning"'):
            self.warned.set()

    def on_close(self, code: int) -> None:
        self._tally.refused[f"closed with {code}"] += 1

    def on_lost(self) -> None:
        for future in self._asked.values():
            if not future.done():
                future.set_exception(ConnectionResetError())

    async def ask(self, message: messages.Request) -> str:
        """Send a message, and wait; return the code of its refusal, or an empty text."""
        if not self.is_open:
            raise ConnectionResetError
        id = next(self._ids)
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._asked[id] = future
        self.say(msgspec.structs.replace(message, id=id))
        async with asyncio.timeout(_ANSWER):
            return await future


class Abuser:
    """One kind: its address, its guests and their sockets."""

    def __init__(self, port: int, number: int) -> None:
        self.tally = Tally()
        self._address = Address("http", "127.0.0.1", port)
        self.port = port
        self.place = f"203.0.113.{number}"
        self._names = (
            f"{LETTERS[number]}{''.join(each)}" for each in itertools.permutations(LETTERS, 5)
        )

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        cookie: str = "",
        headers: dict[str, str] | None = None,
    ) -> Response:
        """Make a call from this kind's address, or with other `headers` of a proxy."""
        sent = {"X-Forwarded-For": self.place} if headers is None else dict(headers)
        if cookie:
            sent["Cookie"] = cookie
        data = b""
        if body is not None:
            sent["Content-Type"] = "application/json"
            data = msgspec.json.encode(body)
        self.tally.sent += len(data)
        response = await exchange(self._address, method, path, list(sent.items()), data)
        self.tally.received += len(response.body)
        if response.status < 400:
            self.tally.done += 1
        else:
            self.tally.refused[str(response.status)] += 1
        return response

    async def guest(self) -> str:
        """Return the cookie of a new guest."""
        return await self._cookie("/api/guests", {"name": next(self._names)})

    async def member(self) -> tuple[str, dict[str, str]]:
        """Return the cookie of a new player with a password, and what signs them in."""
        body = {"name": next(self._names), "password": _PASSWORD}
        return await self._cookie("/api/players", body), body

    async def _cookie(self, path: str, body: object) -> str:
        while True:
            response = await self.call("POST", path, body)
            cookie = response.header("set-cookie")
            if response.status == 201 and cookie is not None:
                return cookie.partition(";")[0]
            await asyncio.sleep(1)

    async def socket(self, cookie: str) -> Client:
        """Open a socket; tries again every second if that is refused."""
        while True:
            with suppress(OSError, TimeoutError):
                return await open_socket(self.port, lambda: Client(self.tally), cookie=cookie)
            await asyncio.sleep(1)

    async def sockets(self, cookie: str, count: int) -> list[Client]:
        return [await self.socket(cookie) for _ in range(count)]

    async def room(self, cookie: str, client: Client) -> str:
        """Open a private room, and enter it; return its id."""
        body = {"game": "connect-four", "private": True}
        response = await self.call("POST", "/api/rooms", body, cookie)
        if response.status != 201:
            raise ConnectionRefusedError(f"no room was opened: {response.status}")
        id: str = msgspec.json.decode(response.body)["id"]
        await client.ask(messages.Join(room=id))
        return id


Abuse = Callable[[Abuser], Coroutine[Any, Any, None]]


async def in_parallel(count: int, act: Callable[[int], Awaitable[None]]) -> NoReturn:
    """Do `act` again and again, in so many tasks; what is refused is tried again."""

    async def again(number: int) -> None:
        while True:
            try:
                await act(number)
            except (OSError, TimeoutError, Unreachable):
                await asyncio.sleep(1)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(again(number))
    raise AssertionError("the tasks do not end")


async def flood(one: Abuser, cookie: str, count: int, *texts: bytes) -> NoReturn:
    """Send these messages in turn from so many sockets, as fast as is allowed."""
    frames = [client_frame(TEXT, each) for each in texts]
    clients = await one.sockets(cookie, count)

    async def act(number: int) -> None:
        if not clients[number].is_open:
            clients[number] = await one.socket(cookie)
        for each in frames:
            clients[number].write(each)
            await asyncio.sleep(_A_SOCKET)

    await in_parallel(count, act)


async def match_after_match(one: Abuser) -> None:
    """Two guests who play, and play again, by eight sockets each."""
    cookies = [await one.guest(), await one.guest()]
    clients = [await one.sockets(each, 8) for each in cookies]
    room = await one.room(cookies[0], clients[0][0])
    await clients[1][0].ask(messages.Join(room=room))
    sockets = itertools.cycle(range(8))
    seats = itertools.cycle((0, 1))

    async def ask(seat: int, message: messages.Request) -> str:
        refused = await clients[seat][next(sockets)].ask(message)
        if refused == "too_soon":
            await asyncio.sleep(0.5)
        return refused

    async def act(_: int) -> None:
        seat = next(seats)  # refused if it was the other's turn: the next one is right again
        move = messages.Act(room=room, action={"column": seat * 2})
        if await ask(seat, move) == "no_match":
            for each in (0, 1):
                await ask(each, messages.Start(room=room))

    await in_parallel(1, act)


async def sign_in_again(one: Abuser) -> None:
    """A player with a password who signs in again and again."""
    _, body = await one.member()

    async def act(_: int) -> None:
        await one.call("POST", "/api/session", body)

    await in_parallel(8, act)


async def guess(one: Abuser) -> None:
    """Wrong passwords for one name, each from another network."""
    _, body = await one.member()
    networks = itertools.count(1)

    async def act(_: int) -> None:
        place = f"2001:db8:{next(networks):x}::1"
        wrong = body | {"password": f"wrong {random.random()}"}
        await one.call("POST", "/api/session", wrong, headers={"X-Forwarded-For": place})

    await in_parallel(8, act)


async def many_guests(one: Abuser) -> None:
    """Guests behind a proxy that does not say where they come from."""
    names = itertools.permutations(LETTERS, 6)

    async def act(_: int) -> None:
        body = {"name": f"Newcomer {''.join(next(names))}"}
        await one.call("POST", "/api/guests", body, headers={"X-Forwarded-Proto": "https"})

    await in_parallel(8, act)


async def read_histories(one: Abuser) -> None:
    """Lists of players, rooms and matches, without a pause."""
    cookie = await one.guest()
    player = msgspec.json.decode((await one.call("GET", "/api/session", cookie=cookie)).body)
    id = player["player"]["id"]
    paths = itertools.cycle(
        (
            f"/api/matches?player={id}",
            "/api/players?status=offline&limit=500",
            "/api/players?limit=500",
            f"/api/players/{id}/history",
        )
    )

    async def act(_: int) -> None:
        await one.call("GET", next(paths), cookie=cookie)

    await in_parallel(4, act)


async def whole_rooms(one: Abuser) -> None:
    """A guest who asks for a room full of chat again and again."""
    cookies = [await one.guest() for _ in range(6)]
    talkers = [await one.socket(each) for each in cookies]
    room = await one.room(cookies[0], talkers[0])
    for talker in talkers[1:]:
        await talker.ask(messages.Join(room=room, spectate=True))
    for _ in range(9):
        for talker in talkers:
            await talker.ask(messages.Say(room=room, text=_EMOJI * 299))
        await asyncio.sleep(1.0)
    watch = encode_request(messages.Watch(topic=f"room:{room}")).encode()
    await flood(one, cookies[0], 10, watch)


async def whole_lobbies(one: Abuser) -> None:
    """A guest who asks for the lobby and the list of rooms again and again."""
    texts = (encode_request(messages.Watch(topic=each)).encode() for each in ("lobby", "rooms"))
    await flood(one, await one.guest(), 10, *texts)


async def come_and_go(one: Abuser) -> None:
    """A guest who enters a room, and leaves it again."""
    cookie = await one.guest()
    room = await one.room(cookie, await one.socket(cookie))
    topic = f"room:{room}"
    requests = (messages.Watch(topic=topic), messages.Unwatch(topic=topic))
    await flood(one, await one.guest(), 10, *(encode_request(each).encode() for each in requests))


async def talk_too_long(one: Abuser) -> None:
    """Lines of chat of nearly 16 KiB."""
    cookie = await one.guest()
    room = await one.room(cookie, await one.socket(cookie))
    text = "a\t" * 5_000
    await flood(one, cookie, 5, encode_request(messages.Say(room=room, text=text)).encode())


async def hold_while_warned(one: Abuser) -> None:
    """A guest who waits for the warning, and then holds and releases."""
    cookie = await one.guest()
    client = await one.socket(cookie)
    await client.warned.wait()
    requests = (messages.Hold(seconds=60), messages.Release())
    await flood(one, cookie, 10, *(encode_request(each).encode() for each in requests))


async def search(one: Abuser) -> None:
    """A guest who stops a search that never began, and one who changes the game of theirs."""
    stop = encode_request(messages.QuickMatch(cancel=True)).encode()
    games = ("connect-four", "snake-arena", "trivia-round")
    change = [encode_request(messages.QuickMatch(game=each)).encode() for each in games]
    stopping, changing = await one.guest(), await one.guest()
    await asyncio.gather(flood(one, stopping, 10, stop), flood(one, changing, 10, *change))


async def come_back(one: Abuser) -> None:
    """A guest whose sockets come and go."""
    cookie = await one.guest()

    async def act(_: int) -> None:
        client = await one.socket(cookie)
        await asyncio.sleep(0.02)
        client.leave()

    await in_parallel(20, act)


async def bursts(one: Abuser) -> None:
    """Guests whose sockets all use what they may send at the same instant."""
    look = client_frame(TEXT, encode_request(messages.Look()).encode())
    cookies = await asyncio.gather(*(one.guest() for _ in range(40)))
    clients = await asyncio.gather(*map(one.socket, cookies))
    while True:
        for client in clients:
            client.write(look * 95)
        await asyncio.sleep(2.5)


async def without_session(one: Abuser) -> None:
    """Sockets without a session that do not answer the close."""
    upgrade = (
        "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )

    async def act(_: int) -> None:
        await keep_silent(one, upgrade.encode(), 6.0)

    await in_parallel(200, act)


async def unread_answers(one: Abuser) -> None:
    """Requests for large answers, none of which is read."""
    request = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 16

    async def act(_: int) -> None:
        await keep_silent(one, request, 0.5)

    await in_parallel(20, act)


async def keep_silent(one: Abuser, data: bytes, seconds: float) -> None:
    """Send something, read nothing for so long, and close."""
    loop = asyncio.get_running_loop()
    with socket.socket() as raw:
        raw.setblocking(False)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        await loop.sock_connect(raw, ("127.0.0.1", one.port))
        await loop.sock_sendall(raw, data)
        one.tally.sent += len(data)
        await asyncio.sleep(seconds)


ABUSES: tuple[Abuse, ...] = (
    match_after_match,
    sign_in_again,
    guess,
    many_guests,
    read_histories,
    whole_rooms,
    whole_lobbies,
    come_and_go,
    talk_too_long,
    hold_while_warned,
    search,
    come_back,
    bursts,
    without_session,
    unread_answers,
)


async def _again(abuse: Abuse, one: Abuser) -> None:
    """Begin anew whenever the server refuses, or is too busy for, what an abuse begins with."""
    while True:
        try:
            await abuse(one)
        except (OSError, TimeoutError, Unreachable):
            one.tally.refused["begun anew"] += 1
        await asyncio.sleep(1)


async def _abuse(port: int, seconds: float) -> None:
    kinds = {abuse.__name__: Abuser(port, number) for number, abuse in enumerate(ABUSES, 1)}
    tasks = [asyncio.create_task(_again(abuse, kinds[abuse.__name__])) for abuse in ABUSES]
    print("abusing", flush=True)
    done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    for each in done:
        each.result()
    for task in tasks:
        task.cancel()
    tallies = {name: one.tally for name, one in kinds.items()}
    print(msgspec.json.encode(tallies).decode(), flush=True)


if __name__ == "__main__":
    os.nice(10)  # the bystander, which measures, is to wait for the server alone
    with suppress(KeyboardInterrupt):
        asyncio.run(_abuse(int(sys.argv[1]), float(sys.argv[2])))
