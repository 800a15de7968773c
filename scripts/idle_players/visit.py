"""A signed-in browser: a session, and its present connection."""

import asyncio
import functools
import ssl
from http import HTTPStatus
from types import NoneType

import msgspec

from scripts.idle_players.rules import Policy
from server.client import Address, CallRefused, Calls, Connection, ConnectionLost, Limits
from server.wire.messages import ClientMessage, Hello
from server.wire.views import SessionView

LIMITS = Limits(call_within=30.0, answer_within=30.0, close_within=30.0)


class VisitRefused(Exception):
    """The server refused a player; the message says why, `status` is that of the answer."""

    def __init__(self, what: str, status: int) -> None:
        super().__init__(what)
        self.status = status

    @property
    def is_rate_limit(self) -> bool:
        """True if the server lets this address make no more players."""
        return self.status == HTTPStatus.TOO_MANY_REQUESTS


class Visit:
    """The cookie, session view and socket of a browser. Reconnects only on command."""

    def __init__(self, calls: Calls, view: SessionView) -> None:
        self.player_id = str(view.player.id)
        self.session_id = view.session.id
        self.policy = Policy(*msgspec.structs.astuple(view.policy))
        self._calls = calls
        self._connection: Connection | None = None

    @classmethod
    async def sign_in(cls, address: Address, name: str) -> "Visit":
        """Sign in as a new guest. Raises Unreachable or VisitRefused."""
        calls = Calls(address, tls=_tls(address.scheme), limits=LIMITS)
        try:
            view = await calls.call("POST", "/api/guests", SessionView, body={"name": name})
        except CallRefused as refused:
            raise VisitRefused(f"{name!r} could not sign in ({refused})", refused.status) from None
        return cls(calls, view)

    @property
    def connection(self) -> Connection:
        """The connection, which must exist."""
        assert self._connection is not None
        return self._connection

    async def connect(self) -> Hello:
        """Open the connection; return the `hello`. Raises Unreachable or VisitRefused."""
        address = self._calls.address
        self._connection = await Connection.open(
            address, self._calls.cookie, tls=_tls(address.scheme), limits=LIMITS
        )
        try:
            async with asyncio.timeout(LIMITS.answer_within):
                hello = await self._connection.receive()
        except TimeoutError:
            raise VisitRefused("the connection began with silence", 0) from None
        except ConnectionLost as lost:
            raise VisitRefused(f"the connection was not wanted ({lost.code})", 0) from None
        if not isinstance(hello, Hello):
            raise VisitRefused(f"the connection began with {hello}", 0)
        return hello

    async def send(self, message: ClientMessage) -> None:
        """Send a message. Raises ConnectionLost if the connection has ended."""
        await self.connection.send(message)

    async def sign_out(self) -> int:
        """DELETE the session; return the status of the answer. Raises Unreachable."""
        try:
            await self._calls.call("DELETE", "/api/session", NoneType)
        except CallRefused as refused:
            return refused.status
        return 204

    async def close(self, code: int = 1001) -> None:
        """Close the connection as a closing page does."""
        if self._connection is not None:
            await self._connection.close(code)

    def abort(self) -> None:
        """Drop the connection without a close, as a broken network does."""
        self.connection.abort()


@functools.cache
def _tls(scheme: str) -> ssl.SSLContext | None:
    """Return a shared context: loading the CA certificates takes 30 ms."""
    return ssl.create_default_context() if scheme == "https" else None
