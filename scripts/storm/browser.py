"""One client of the storm: a browser with a session, and what it was told of that session."""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from types import NoneType
from typing import Any

from server.client import (
    Address,
    CallRefused,
    Calls,
    Connection,
    ConnectionLost,
    Received,
)
from server.wire.messages import Extended, Hello, Ping, Pong, SignedOut, Warning_


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a call, and the cookie from then on. `refused`: the status of a refusal, or 0,
    and `code` its word."""

    refused: int
    code: str
    said: Any
    cookie: str

    @property
    def is_done(self) -> bool:
        return not self.refused


async def call(
    address: Address, method: str, path: str, *, cookie: str = "", body: Any = None
) -> Answer:
    """Make a call, returning refusals like other answers. Raises Unreachable."""
    calls = Calls(address, cookie=cookie)
    expected: type[Any] = NoneType if method == "DELETE" else dict[str, Any]
    try:
        said = await calls.call(method, path, expected, body=body)
    except CallRefused as refused:
        return Answer(refused.status, refused.code, refused.details, calls.cookie)
    return Answer(0, "", said, calls.cookie)


@dataclass(frozen=True, slots=True)
class Told:
    """A status as told, and when."""

    status: str
    reason: str | None
    at: float


@dataclass(eq=False)
class Account:
    """A player; registered if there is a password."""

    name: str
    password: str | None
    player_id: str = ""


@dataclass(eq=False)
class Browser:
    """A session as its browser knows it. Instants are monotonic."""

    account: Account
    cookie: str
    session_id: str
    remember: bool
    signed_in_at: float
    told: list[Told] = field(default_factory=list)
    ending: str | None = None
    """Why the session ended, as told."""
    is_ending_exact: bool = True
    """True if it was told for this session itself; otherwise it may have ended before, for another
    reason."""
    is_doubtful: bool = False
    """A request that ends it was sent and not answered: it may live or not."""
    acted_at: float = 0.0
    """When the latest answered activity was sent."""
    tried_at: float = 0.0
    """When the latest activity was sent."""
    connection: Connection | None = None
    is_open: bool = False
    is_busy: bool = False
    """True while a task uses it; one at a time."""
    trouble: list[str] = field(default_factory=list)
    _is_greeted: bool = False
    _is_lifetime_warned: bool = False
    _pings: deque[float] = field(default_factory=deque)
    _listener: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, answer: Answer, account: Account, sent_at: float, *, remember: bool) -> "Browser":
        account.player_id = answer.said["player"]["id"]
        id = answer.said["session"]["id"]
        browser = cls(account, answer.cookie, id, remember, sent_at)
        browser.acted_at = browser.tried_at = sent_at
        browser.told.append(Told("active", "signed_in", monotonic()))
        return browser

    def forget_what_was_told(self) -> None:
        """Reset, as another process begins to tell."""
        self.told.clear()
        self._is_lifetime_warned = False

    def note_ending(self, reason: str, *, is_exact: bool = True) -> None:
        """Record that the session has ended."""
        if self.ending is None:
            self.ending, self.is_ending_exact = reason, is_exact

    async def look(self, address: Address) -> Answer:
        """Return the session view of the server; does not count as activity."""
        return await call(address, "GET", "/api/session", cookie=self.cookie)

    async def connect(self, address: Address) -> None:
        """Open a socket and listen to it. Raises Unreachable."""
        self.connection = await Connection.open(address, self.cookie)
        self._pings.clear()
        self._is_greeted = False
        self.is_open = True
        self._listener = asyncio.create_task(self._listen(self.connection))

    async def ping(self) -> None:
        """Send an activity, if there is a socket."""
        if self.connection is None or not self.is_open:
            return
        self.tried_at = monotonic()
        self._pings.append(self.tried_at)
        with suppress(ConnectionLost):
            await self.connection.send(Ping())

    async def close(self) -> None:
        """Close the socket as a page does."""
        if self.connection is not None and self.is_open:
            self.is_open = False
            await self.connection.close(1001)

    def abort(self) -> None:
        """Drop the socket without a close."""
        if self.connection is not None:
            self.is_open = False
            self.connection.abort()

    async def hear_the_rest(self) -> None:
        """Wait until the socket has ended: what was sent before a kill is still read."""
        if self._listener is not None:
            await asyncio.wait([self._listener], timeout=5)
            self._listener.cancel()
        self.is_open = False

    async def _listen(self, connection: Connection) -> None:
        try:
            async for message in connection:
                self._hear(message)
        finally:
            if self.connection is connection:
                self.is_open = False

    def _hear(self, message: Received) -> None:
        now = monotonic()
        match message:
            case Hello():
                self._is_greeted = True
                if self.account.password is None:
                    # A guest has a single session, so the player's status is the session's.
                    self.told.append(Told(message.player.status, None, now))
            case Pong():
                self.acted_at = max(self.acted_at, self._pings.popleft())
            case Warning_():
                self._is_lifetime_warned |= message.reason == "session_lifetime"
                self.told.append(Told("warned", None, now))
            case Extended() if not self._is_lifetime_warned:
                self.told.append(Told("active", None, now))
            case SignedOut(reason=reason):
                if self._is_greeted:
                    self.told.append(Told("offline", reason, now))
                if reason == "not_signed_in":
                    self.trouble.append("a cookie that had been given out named nothing")
                elif not (self.remember and reason == "idle_timeout"):
                    self.note_ending(reason)
            case _:
                pass
