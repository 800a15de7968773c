"""One WebSocket of one browser: typed messages both ways, and its close code."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from server.client.address import Address
from server.client.codec import Received, decode
from server.client.errors import ConnectionLost, Unreachable
from server.client.limits import Limits
from server.wire.closing import ABNORMAL, NORMAL
from server.wire.messages import LARGEST_MESSAGE, ClientMessage, encode_request
from server.wire.names import SUBPROTOCOL


class Connection:
    """An open WebSocket. Iterate over it to receive messages until it closes."""

    def __init__(self, socket: ClientConnection, limits: Limits) -> None:
        self.socket = socket
        """The connection of *websockets*."""
        self._limits = limits

    @classmethod
    async def open(
        cls,
        address: Address,
        cookie: str,
        *,
        tls: ssl.SSLContext | None = None,
        limits: Limits = Limits(),
        **options: Any,
    ) -> "Connection":
        """Connect with the session cookie, a `name=value`. `options` are passed to the `connect` of
        *websockets*, and override the defaults here.

        Raises Unreachable, caused by the library's error. Cancelling leaves nothing behind. The
        first message is `hello`, or `signed_out` if the cookie has no live session.
        """
        if tls is not None:
            options["ssl"] = tls
        defaults: dict[str, Any] = {
            "proxy": None,
            "compression": None,
            # The library answers the server's pings; `Watchdog` detects silence.
            "ping_interval": None,
            "open_timeout": limits.answer_within,
            "close_timeout": limits.close_within,
            # Unread messages must not delay the detection of a close.
            "max_queue": None,
            "max_size": limits.largest_message,
            "subprotocols": [Subprotocol(SUBPROTOCOL)],
            "additional_headers": {"Cookie": cookie} if cookie else None,
        }
        try:
            socket = await connect(address.socket_url, **defaults | options)
        except (OSError, InvalidHandshake, EOFError) as error:
            why = str(error) or type(error).__name__
            raise Unreachable(f"no WebSocket at {address.socket_url}: {why}") from error
        return cls(socket, limits)

    @property
    def close_code(self) -> int:
        """The close code; 1006 without a closing handshake, or while it is open."""
        return self.socket.close_code or ABNORMAL

    async def send(self, message: ClientMessage) -> None:
        """Send one message. Raises ConnectionLost, or ValueError for a message over
        `LARGEST_MESSAGE`, for which the server would close with 1009. Cancelling may come too
        late."""
        text = encode_request(message)
        if len(text) > LARGEST_MESSAGE // 4 and len(text.encode()) > LARGEST_MESSAGE:
            raise ValueError(f"a message may have {LARGEST_MESSAGE} bytes; this one has more")
        try:
            await self.socket.send(text)
        except ConnectionClosed:
            raise ConnectionLost(self.close_code) from None

    async def receive(self) -> Received:
        """Return the next message. Raises ConnectionLost at the end. Cancelling loses no
        message."""
        try:
            return decode(await self.socket.recv())
        except ConnectionClosed:
            raise ConnectionLost(self.close_code) from None

    async def __aiter__(self) -> AsyncIterator[Received]:
        with suppress(ConnectionLost):
            while True:
                yield await self.receive()

    async def close(self, code: int = NORMAL) -> None:
        """Close with `code`, and wait for the peer, at most about `Limits.close_within`. Cancelling
        aborts the connection."""
        try:
            async with asyncio.timeout(2 * self._limits.close_within):
                await self.socket.close(code)
        except TimeoutError:
            pass  # a peer that is gone does not even take the close frame
        finally:
            self.abort()

    def abort(self) -> None:
        """Drop the connection without a close, as a broken network does."""
        self.socket.transport.abort()
