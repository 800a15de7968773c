"""A WebSocket client for load: it costs little, so that one core of client keeps up with one of
server (RFC 6455).

On the protocol interface of the loop, without tasks and queues. It reads what this server sends,
which are whole text messages, pings and closes, and raises at anything else.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from websockets.utils import accept_key, generate_key

from server.transport.frames import CLOSE, PING, PONG, TEXT, frame
from server.wire.closing import NO_STATUS, NORMAL
from server.wire.names import WEBSOCKET_VERSION

_TIMEOUT = 30.0
"""Seconds for connecting, and the answer to the upgrade."""

_WHOLE_TEXT, _WHOLE_PING, _WHOLE_CLOSE = (0x80 | opcode for opcode in (TEXT, PING, CLOSE))
"""The first bytes of the frames that are read: FIN, and the opcode."""

W = TypeVar("W", bound="WebSocket")


class UnexpectedFrame(ValueError):
    """A frame that this server does not send to this client."""


class WebSocket(asyncio.Protocol):
    """Calls the methods `on_...`, for subclasses to override. Drops what is sent once closed."""

    def __init__(self) -> None:
        self.is_open = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.key = generate_key()
        self._transport: asyncio.Transport | None = None
        self._unparsed = b""

    def on_open(self) -> None:
        """The server accepted; no message has been handled yet."""

    def on_message(self, payload: bytes) -> None:
        """A text message came."""

    def on_close(self, code: int) -> None:
        """A close frame came, which is answered after this; `code` is NO_STATUS if it has none."""

    def on_lost(self) -> None:
        """The connection, which was open, is closed."""

    def write(self, frame: bytes) -> None:
        """Send a frame made by `client_frame`."""
        if self._transport is not None:
            self._transport.write(frame)

    def close(self, code: int = NORMAL) -> None:
        """Send a close frame; the server is to answer it and close the connection."""
        self.write(client_frame(CLOSE, code.to_bytes(2, "big")))

    def leave(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self.is_open:
            self.is_open = False
            self.on_lost()
        elif not self.opened.done():
            self.opened.set_exception(error or ConnectionResetError("closed without an answer"))

    def data_received(self, data: bytes) -> None:
        if self._unparsed:
            data = self._unparsed + data
            self._unparsed = b""
        at = 0 if self.is_open else self._read_answer(data)
        while at < len(data):
            found = read_frame(data, at)
            if found is None:
                self._unparsed = data[at:]
                return
            first, payload, at = found
            if first == _WHOLE_TEXT:
                self.on_message(payload)
            elif first == _WHOLE_PING:
                self.write(client_frame(PONG, payload))
            else:
                self.on_close(int.from_bytes(payload[:2], "big") if payload else NO_STATUS)
                if self._transport is not None:
                    self._transport.write(client_frame(CLOSE, payload[:2]))
                    self._transport.close()
                return

    def _read_answer(self, data: bytes) -> int:
        """Open the socket if the answer is complete; return where frames begin."""
        try:
            ends = answer_ends(data, self.key)
        except ConnectionError as error:
            self.opened.set_exception(error)
            self.leave()
            return len(data)
        if ends is None:
            self._unparsed = data
            return len(data)
        self.is_open = True
        self.opened.set_result(None)
        self.on_open()
        return ends


async def open_websocket(
    make: Callable[[], W], host: str, port: int, target: str, cookie: str = ""
) -> W:
    """Return a socket made by `make` once the server has accepted it; an empty cookie is not sent.
    Raises OSError."""
    async with asyncio.timeout(_TIMEOUT):
        _, socket = await asyncio.get_running_loop().create_connection(make, host, port)
        try:
            socket.write(upgrade_request(f"{host}:{port}", target, socket.key, cookie))
            await socket.opened
        except BaseException:
            socket.leave()
            raise
    return socket


# The bytes


def upgrade_request(host: str, target: str, key: str, cookie: str) -> bytes:
    """Return the request of an upgrade; an empty cookie is not sent."""
    with_cookie = f"Cookie: {cookie}\r\n" if cookie else ""
    return (
        f"GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: {WEBSOCKET_VERSION}\r\nSec-WebSocket-Key: {key}\r\n"
        f"{with_cookie}\r\n"
    ).encode()


def answer_ends(data: bytes, key: str) -> int | None:
    """Return where the answer to an upgrade ends, None if it is incomplete.

    Raises ConnectionRefusedError if it is not a 101 that accepts `key`.
    """
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end:
        return None
    status, *lines = head.decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in fields}
    if not status.startswith("HTTP/1.1 101"):
        raise ConnectionRefusedError(f"no WebSocket was opened: {status}")
    if headers.get("sec-websocket-accept") != accept_key(key):
        raise ConnectionRefusedError("no WebSocket was opened: another key was accepted")
    return len(head) + len(end)


def client_frame(opcode: int, payload: bytes) -> bytes:
    """Return the frame of a whole message, or a control frame.

    Masked by zeros, which cost nothing: keys need only be random where a page chooses the payload,
    and the server unmasks these no faster.
    """
    masked = bytearray(frame(opcode, payload))
    masked[1] |= 0x80
    begins = len(masked) - len(payload)
    masked[begins:begins] = bytes(4)
    return bytes(masked)


def read_frame(data: bytes, at: int) -> tuple[int, bytes, int] | None:
    """Return the first byte of the frame at `at`, its payload, and where the next one begins; None
    if it is incomplete.

    Raises UnexpectedFrame unless it is a whole text message, a ping or a close.
    """
    begins = at + 2
    if begins > len(data):
        return None
    first, size = data[at], data[at + 1]
    if first != _WHOLE_TEXT and first not in (_WHOLE_PING, _WHOLE_CLOSE):
        raise UnexpectedFrame(f"expected a whole text message, a ping or a close: {first:#04x}")
    if size > 125:
        if size > 127:
            raise UnexpectedFrame("a server does not mask its frames")
        length = 2 if size == 126 else 8
        begins += length
        if begins > len(data):
            return None
        size = int.from_bytes(data[begins - length : begins], "big")
    ends = begins + size
    return None if ends > len(data) else (first, data[begins:ends], ends)
