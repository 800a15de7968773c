"""A signed-in browser: a session, and the connection it has at the moment."""

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from scripts.idle_players.calls import PATIENCE, Address, Unreachable, call
from scripts.idle_players.rules import Policy


class Refused(Exception):
    """The server did not let a player in; the message says why, and `status` how."""

    def __init__(self, what: str, status: int) -> None:
        super().__init__(what)
        self.status = status


class Visit:
    """What a browser knows: its cookie, its session view, its socket."""

    def __init__(self, address: Address, cookie: str, view: dict[str, Any]) -> None:
        self.address = address
        self.player_id = str(view["player"]["id"])
        self.session_id = str(view["session"]["id"])
        self.policy = Policy(**{name: float(view["policy"][name]) for name in Policy.__slots__})
        self._cookie = cookie
        self._socket: ClientConnection | None = None

    @classmethod
    async def sign_in(cls, address: Address, name: str) -> "Visit":
        """Be a new guest. Raises Unreachable or Refused."""
        answer = await call(address, "POST", "/api/guests", body={"name": name})
        if not answer.is_ours:
            raise Unreachable(f"{address.url} is no Still Here server: it says {answer.status}")
        if answer.status != 201:
            raise Refused(f"{name!r} could not sign in ({answer.problem})", answer.status)
        return cls(address, answer.cookie, answer.json())

    @property
    def socket(self) -> ClientConnection:
        """The connection; there has to be one."""
        assert self._socket is not None
        return self._socket

    async def connect(self) -> dict[str, Any]:
        """Open the connection; returns the `hello`. Raises Unreachable or Refused."""
        try:
            self._socket = await connect(
                self.address.socket_url,
                additional_headers={"Cookie": self._cookie},
                compression=None,
                # The server pings; answering is the library's business.
                ping_interval=None,
                open_timeout=PATIENCE,
                close_timeout=PATIENCE,
                # Unread messages must not keep the closing handshake from being read.
                max_queue=None,
                proxy=None,
            )
            async with asyncio.timeout(PATIENCE):
                hello = json.loads(await self._socket.recv())
        except (OSError, InvalidHandshake, TimeoutError) as error:
            why = str(error) or type(error).__name__
            raise Unreachable(f"no WebSocket at {self.address.socket_url}: {why}") from None
        except ConnectionClosed as closed:
            raise Refused(f"the connection was not wanted ({closed})", 0) from None
        if hello["type"] != "hello":
            raise Refused(f"the connection began with {hello}", 0)
        assert isinstance(hello, dict)
        return hello

    async def send(self, message: dict[str, Any]) -> None:
        """Raises ConnectionClosed where the connection is over."""
        await self.socket.send(json.dumps(message))

    async def sign_out(self) -> int:
        """DELETE the session; returns the status of the answer. Raises Unreachable."""
        return (await call(self.address, "DELETE", "/api/session", cookie=self._cookie)).status

    async def go_home(self, code: int = 1001) -> None:
        """Close the connection as a page does that goes."""
        if self._socket is not None:
            await self._socket.close(code)

    def vanish(self) -> None:
        """Drop the connection without a word, as a network does."""
        self.socket.transport.abort()
