"""A client that keeps to the protocol and asks for too much: its guests, sockets and calls, and
what they cost."""

import asyncio
import itertools
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from scripts.benchmarks.players import Socket, open_socket
from scripts.letters import LETTERS
from server.client import Address
from server.client.http import Response, exchange
from server.wire import messages

_ANSWER = 5.0
"""Timeout, in seconds, for an answer."""

PASSWORD = "a rather long passphrase"


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
            f"{LETTERS[number >> 4]}{LETTERS[number & 15]}{''.join(each)}"
            for each in itertools.permutations(LETTERS, 5)
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
        body = {"name": next(self._names), "password": PASSWORD}
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

    async def room(
        self, cookie: str, client: Client, game: str = "connect-four", *, private: bool = True
    ) -> str:
        """Open a room, and enter it; return its id."""
        body = {"game": game, "private": private}
        response = await self.call("POST", "/api/rooms", body, cookie)
        if response.status != 201:
            raise ConnectionRefusedError(f"no room was opened: {response.status}")
        id: str = msgspec.json.decode(response.body)["id"]
        await client.ask(messages.Join(room=id))
        return id
