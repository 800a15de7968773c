"""A real uvicorn on a free port, in the test's own loop, on a clock that the test moves."""

import asyncio
import itertools
import json
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import (
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import msgspec
import pytest
import uvicorn
from starlette.types import ASGIApp
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Response

from server.accounts.limits import Limits as AccountLimits
from server.app import StillHere
from server.base.clock import Clock
from server.base.rates import Quota
from server.base.units import NEVER
from server.client import Address, Connection, Unknown, Unreachable
from server.client.codec import decode
from server.limits import Limits
from server.presence.session import Session
from server.settings import Settings
from server.transport.uvicorn import uvicorn_config
from server.web.pages import Pages
from tests.support.invariants import Invariants, InvariantViolated, nothing_is_left, server_tasks
from tests.support.manual_clock import ManualClock
from tests.support.peers import narrow, start
from tests.support.ports import accept_no_more

_ANY = Quota(1_000_000, 1.0)
UNLIMITED = AccountLimits(
    guesses_per_name=_ANY,
    guesses_per_address=_ANY,
    players_per_address=_ANY,
    registered_per_address=_ANY,
)
"""Limits of accounts without a limit of guesses."""

TIMEOUT = 5.0
"""Seconds to wait for changes that should come at once, on a busy machine."""


def with_quick_hashes(limits: AccountLimits) -> AccountLimits:
    """`limits` with cheap hashes of passwords. A StillHere makes one hash at its start, which was
    more than half of the start's time."""
    return msgspec.structs.replace(limits, hash_memory=8, hash_passes=1)


def seeds() -> Callable[[], str]:
    """Replaces `new_seed`, with the same random numbers in every run. With others, a snake
    sometimes dies before the test has steered it."""
    return map("seed {}".format, itertools.count()).__next__


_looked_up: dict[tuple[object, ...], Any] = {}


def _packages_of(group: str) -> Any:
    """`importlib.metadata.entry_points` with a cache, as it reads every installed package."""
    key = (group, *sys.path)
    if key not in _looked_up:
        _looked_up[key] = entry_points(group=group)
    return _looked_up[key]


def _pages_of(folder: Path, parts: Mapping[str, Path], games: Iterable[str]) -> Pages:
    """`Pages` with a cache, as it reads every file of the page."""
    key = (folder, *parts.items(), *games)
    if key not in _looked_up:
        _looked_up[key] = Pages(folder, parts, games)
    return _looked_up[key]  # type: ignore[no-any-return]


@contextmanager
def _looking_up_once() -> Iterator[None]:
    """Let each StillHere reuse the packages and files that an earlier one has read: half of a
    start, of which a process of the suite makes hundreds."""
    with (
        mock.patch("server.games.catalogue.entry_points", _packages_of),
        mock.patch("server.app.Pages", _pages_of),
    ):
        yield


class Tab:
    """A connection of the client that sends and returns messages as they are on the wire: tests
    send invalid ones, and check for missing fields."""

    def __init__(self, connection: Connection) -> None:
        self.socket = connection.socket
        self.seen: list[dict[str, Any]] = []

    @classmethod
    async def open(cls, url: str, cookie: str | None, **options: Any) -> "Tab":
        """Connect to the server at `url`. Raises Unreachable."""
        # A tab that reads nothing has to be noticed: the library must not read ahead without limit.
        options = {"max_queue": 16, "subprotocols": None} | options
        pair = "" if cookie is None else f"session={cookie}"
        return cls(await Connection.open(Address.parse(url), pair, **options))

    async def send(self, type: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": type, **fields}))

    async def receive(self) -> dict[str, Any]:
        """The next message of any type."""
        async with asyncio.timeout(TIMEOUT):
            text = await self.socket.recv()
        known = decode(text)
        assert not isinstance(known, Unknown), f"the client does not know {text!r}: {known.why}"
        message = json.loads(text)
        assert isinstance(message, dict)
        self.seen.append(message)
        return message

    async def next(self, *types: str) -> dict[str, Any]:
        """The next message of one of these types; earlier ones are skipped."""
        while True:
            message = await self.receive()
            if message["type"] in types:
                return message

    async def ask(self, type: str, *answers: str, **fields: Any) -> dict[str, Any]:
        """Send, and return the next message of one of the types `answers`."""
        await self.send(type, **fields)
        return await self.next(*answers)

    async def quiet(self) -> list[dict[str, Any]]:
        """All messages so far: those before the answer to a marker, which is no activity."""
        before = len(self.seen)
        await self.send("unwatch", topic="no such topic")
        await self.next("error")
        return self.seen[before:-1]

    async def closed(self) -> tuple[int, list[dict[str, Any]]]:
        """Wait for the close; return its code and the messages before it."""
        before = len(self.seen)
        try:
            while True:
                await self.receive()
        except ConnectionClosed:
            code = self.socket.close_code
            assert code is not None
            return code, self.seen[before:]


@dataclass
class Visitor:
    """A browser with a cookie jar; once signed in, a player."""

    server: "LiveServer"
    http: httpx.AsyncClient
    view: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.view["player"]["id"])

    @property
    def name(self) -> str:
        return str(self.view["player"]["name"])

    @property
    def cookie(self) -> str:
        return self.http.cookies["session"]

    @property
    def session(self) -> Session:
        """The server's own record of the session signed in to."""
        return self.server.still_here.registry.sessions[self.view["session"]["id"]]

    async def status(self) -> str:
        """The status that other players see."""
        response = await self.http.get(f"/api/players/{self.id}", headers={"Passive": "1"})
        return str(response.json()["status"])

    async def tab(self, **options: Any) -> Tab:
        """Open a socket with this browser's cookie, and read its `hello`."""
        tab = await self.server.tab(self.http.cookies.get("session"), **options)
        await tab.next("hello", "signed_out")
        return tab


class LiveServer:
    """The server, and clients for it."""

    def __init__(
        self,
        still_here: StillHere,
        settings: Settings,
        port: int,
        stack: AsyncExitStack,
        invariants: Invariants,
    ) -> None:
        self.still_here = still_here
        self.settings = settings
        self.invariants = invariants
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._stack = stack

    @property
    def clock(self) -> ManualClock:
        clock = self.still_here.clock
        assert isinstance(clock, ManualClock)
        return clock

    async def advance(self, seconds: float) -> None:
        """Let time pass, deadline by deadline."""
        here = self.still_here
        tickers = ((here.registry, here.ticker), (here.room_service, here.room_ticker))
        end = self.clock.now() + seconds
        while True:
            due, ticker = min(
                ((source.next_deadline() or NEVER, ticker) for source, ticker in tickers),
                key=lambda each: each[0],
            )
            if due > end:
                break
            self.clock.move_to(max(due, self.clock.now()))
            ticker.wake()
        self.clock.move_to(end)
        await asyncio.sleep(0)

    async def visitor(self, **options: Any) -> Visitor:
        """A new browser."""
        # No certificates: reading those of the authorities costs 30 ms a client. Sixty hashes on a
        # busy machine take longer than httpx's own timeout.
        options = {"verify": False, "timeout": 30.0} | options
        client = httpx.AsyncClient(base_url=self.url, **options)
        return Visitor(self, await self._stack.enter_async_context(client))

    async def guest(self, name: str) -> Visitor:
        """A new player who is signed in as a guest."""
        visitor = await self.visitor()
        response = await visitor.http.post("/api/guests", json={"name": name})
        assert response.status_code == 201, response.text
        visitor.view = response.json()
        return visitor

    async def member(self, name: str, password: str = "correct horse") -> Visitor:
        """A new player who is registered and signed in."""
        visitor = await self.visitor()
        response = await visitor.http.post(
            "/api/players", json={"name": name, "password": password}
        )
        assert response.status_code == 201, response.text
        visitor.view = response.json()
        return visitor

    async def sign_in(
        self, name: str, password: str = "correct horse", *, agent: str = "", **body: Any
    ) -> Visitor:
        """Another browser of a registered player; `agent` is its User-Agent."""
        visitor = await self.visitor(headers={"User-Agent": agent} if agent else None)
        response = await visitor.http.post(
            "/api/session", json={"name": name, "password": password, **body}
        )
        assert response.status_code == 201, response.text
        visitor.view = response.json()
        return visitor

    async def tab(self, cookie: str | None, **options: Any) -> Tab:
        """Open a socket with this cookie; `headers` may be among the options."""
        headers = {} if cookie is None else {"Cookie": f"session={cookie}"}
        headers |= options.pop("headers", {})
        tab = await Tab.open(self.url, None, additional_headers=headers, **options)
        self._stack.push_async_callback(tab.socket.close)
        return tab

    async def refused_upgrade(self, cookie: str | None, **headers: str) -> Response:
        """The response to an upgrade that has to be refused."""
        with pytest.raises(Unreachable) as refused:
            await self.tab(cookie, headers=headers)
        assert isinstance(refused.value.__cause__, InvalidStatus), refused.value
        return refused.value.__cause__.response


@asynccontextmanager
async def run_server(
    database: Path,
    clock: Clock | None = None,
    *,
    port: int = 0,
    has_real_hashes: bool = False,
    is_narrow: bool = False,
    most: int | None = None,
    limits: Limits = Limits(),
    around: Callable[[ASGIApp], ASGIApp] | None = None,
    **options: Any,
) -> AsyncIterator[LiveServer]:
    """Serve until the context ends, with `settings` in place of the defaults.

    `port` 0 is any free one. `around` wraps the application. With `has_real_hashes`, passwords cost
    what they should. For `is_narrow` see `peers.narrow`, for `most` `uvicorn_config`.

    The server's invariants are checked all the time, and at the end that nothing is left: see
    `invariants.py`.
    """
    already_there = set(server_tasks())
    if not has_real_hashes:
        accounts = with_quick_hashes(limits.accounts)
        limits = msgspec.structs.replace(limits, accounts=accounts)
    with _looking_up_once(), mock.patch("server.app.new_seed", seeds()):
        settings = Settings(database=str(database), _env_file=None, **options)  # type: ignore[call-arg]
        still_here = StillHere(settings, clock or ManualClock(), limits)
    # It would traverse all objects of the tests at each start: a third of the suite's time.
    still_here.collector.start = lambda: None  # type: ignore[method-assign]
    failures: list[Exception] = []
    still_here.stream._on_error = lambda error, event: failures.append(error)
    broken: list[InvariantViolated] = []
    invariants = Invariants(still_here, broken.append)
    app = around(still_here.app) if around else still_here.app
    config = uvicorn_config(app, limits.transport, still_here.take_socket, most)
    with socket.create_server(("127.0.0.1", port)) as listener:
        # asyncio sets this only on sockets that say they are TCP, and `create_server`'s do not.
        # Without it, each answer on a kept connection waits 40 ms for a delayed ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if is_narrow:
            narrow(listener)
        server = await start(config, listener)
        await server.on_tick(0)  # sets the date of the responses
        still_here.transports = server.server_state.connections
        try:
            async with AsyncExitStack() as stack:
                yield LiveServer(still_here, settings, listener.getsockname()[1], stack, invariants)
        finally:
            invariants.stop_looking()
            await _shut_down(server, listener)
    assert failures == [], "a subscriber failed, and that must not be lost in the log"
    if broken:
        raise broken[0]
    tasks = [f"the task {task!r}" for task in set(server_tasks()) - already_there]
    if left := nothing_is_left(still_here, invariants) + tasks:
        raise InvariantViolated("left when everybody was gone: " + ", ".join(left))


async def _shut_down(server: uvicorn.Server, listener: socket.socket) -> None:
    """Shut down without the 100 ms that uvicorn waits for its connections: most are closed already,
    or close as soon as they are told to."""
    await accept_no_more(listener.fileno())
    for attempt in range(100):
        if not server.server_state.connections and not server.server_state.tasks:
            break
        await asyncio.sleep(0)
        if attempt == 50:
            for connection in list(server.server_state.connections):
                connection.shutdown()
    else:
        await server.shutdown(sockets=[listener])
        return
    for each in server.servers:
        each.close()
    await server.lifespan.shutdown()
