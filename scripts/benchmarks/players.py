"""Load: guests who sign in, their sockets, and what these send."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import TypeVar

import msgspec

from scripts.benchmarks.children import MeasurementError
from scripts.benchmarks.websocket import WebSocket, client_frame, open_websocket
from scripts.letters import LETTERS
from server.client import Address
from server.client.http import HttpConnection, Response, exchange
from server.transport.frames import TEXT
from server.wire.messages import ClientMessage, Ping, encode_request
from server.wire.names import SOCKET_PATH

PING = client_frame(TEXT, encode_request(Ping()).encode())
"""The frame."""

_HOST = "127.0.0.1"

_NAME_LENGTH = 6

_AT_ONCE = 100
"""Guests who sign in concurrently: they share the commits that make them durable."""

D = TypeVar("D")
T = TypeVar("T")
W = TypeVar("W", bound=WebSocket)


def name_of(number: int) -> str:
    """Return a player's name that looks like no other."""
    return "Player " + "".join(LETTERS[number >> 4 * place & 15] for place in range(_NAME_LENGTH))


# Guests


class SignInConnection:
    """A keep-alive connection on which guests sign in, one after another."""

    def __init__(self, connection: HttpConnection) -> None:
        self._connection = connection

    async def sign_in(self, name: str) -> str:
        """Sign in a new guest; return the cookie header once the guest is durable."""
        response = await self._connection.exchange(
            "POST",
            "/api/guests",
            [("Content-Type", "application/json")],
            msgspec.json.encode({"name": name}),
        )
        cookie = response.header("set-cookie")
        if response.status != 201 or cookie is None:
            raise MeasurementError(f"{name} was not let in: {response.status}")
        return cookie.partition(";")[0]


@asynccontextmanager
async def sign_in_connection(port: int) -> AsyncIterator[SignInConnection]:
    """Open a connection for signing in."""
    address = Address("http", _HOST, port)
    connection = await HttpConnection.open(address)
    try:
        yield SignInConnection(connection)
    finally:
        connection.close()


async def sign_in(port: int, count: int, first: int = 0) -> list[str]:
    """Return the cookie headers of `count` new guests, with the names from number `first` on."""

    async def sign_in_one(connection: SignInConnection, number: int) -> str:
        return await connection.sign_in(name_of(first + number))

    return await for_each(count, partial(sign_in_connection, port), sign_in_one)


async def for_each(
    count: int,
    place: Callable[[], AbstractAsyncContextManager[D]],
    act: Callable[[D, int], Awaitable[T]],
    places: int = _AT_ONCE,
) -> list[T]:
    """Return the results of `act` for 0 to `count` - 1: in each of so many places, at most one at a
    time."""
    numbers = iter(range(count))
    results: dict[int, T] = {}

    async def work() -> None:
        async with place() as entered:
            for number in numbers:
                results[number] = await act(entered, number)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(count, places)):
            group.create_task(work())
    return [results[number] for number in range(count)]


async def fetch(
    port: int, path: str, method: str = "GET", body: object = None, cookie: str = ""
) -> Response:
    """Make one call, on a new connection; an empty cookie is not sent. Raises Unreachable."""
    headers = [("Cookie", cookie)] if cookie else []
    if body is not None:
        headers.append(("Content-Type", "application/json"))
    return await exchange(
        Address("http", _HOST, port),
        method,
        path,
        headers,
        b"" if body is None else msgspec.json.encode(body),
    )


# Sockets


async def open_socket(port: int, make: Callable[[], W], query: str = "", cookie: str = "") -> W:
    """Open a WebSocket to `/ws`, made by `make`; an empty cookie is not sent. Raises OSError."""
    return await open_websocket(make, _HOST, port, SOCKET_PATH + query, cookie)


async def open_sockets(port: int, make: Callable[[], W], cookies: Sequence[str]) -> list[W]:
    """Open a WebSocket for each of `cookies`; return them in the same order."""

    async def open_one(_: None, number: int) -> W:
        return await open_socket(port, make, cookie=cookies[number])

    return await for_each(len(cookies), nullcontext, open_one)


class Socket(WebSocket):
    """A socket that counts messages."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = 0

    def on_message(self, payload: bytes) -> None:
        self.heard += 1

    def ping(self) -> None:
        """Send `ping`, as a page does on activity."""
        self.write(PING)

    def say(self, message: ClientMessage) -> None:
        """Send a message."""
        self.write(client_frame(TEXT, encode_request(message).encode()))
