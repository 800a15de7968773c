"""A WebSocket transport between a simulated peer and a simulated application, in virtual time.

`Wire` runs a transport class, ours or uvicorn's, on a virtual loop. The peer's bytes come in chunks
of any size, and the application's events and the bytes sent are recorded.
"""

import asyncio
import copy
import socket
import struct
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from server.transport.by_call import Take
from server.transport.head import Upgrade
from server.transport.http import HttpTransport
from server.transport.uvicorn import uvicorn_config
from server.transport.websocket import WebSocketTransport
from tests.simulation.virtual import VirtualLoop
from tests.support.peers import opening
from tests.support.responses import read_head
from tests.support.websockets_frames import WebsocketsFrames

OURS: Final = WebSocketTransport
OURS_ON_WEBSOCKETS: Final = partial(WebSocketTransport, make_frames=WebsocketsFrames)
"""Ours, on another parser."""


class _Uvicorn(WebSocketsSansIOProtocol):
    """uvicorn's own, which gets the request as from uvicorn's HTTP protocols: as bytes."""

    def begin(self, upgrade: Upgrade) -> None:
        lines = [name + b": " + value for name, value in upgrade.headers]
        first = b"GET " + upgrade.target + b" HTTP/1.1"
        self.data_received(b"\r\n".join([first, *lines, b"", upgrade.rest]))


UVICORN: Final = _Uvicorn

Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

T = TypeVar("T")

HIGH_WATER = 64 * 1024
"""Bytes in the buffer before the transport is told to pause: asyncio's own limit."""


@contextmanager
def virtual_loop() -> Iterator[VirtualLoop]:
    """A virtual loop for many conversations."""
    loop = VirtualLoop()
    try:
        yield loop
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(_ended(left))
        loop.close()


async def _ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


def run_on(loop: VirtualLoop, scene: Coroutine[Any, Any, T]) -> T:
    """Run `scene` to its end."""
    return loop.run_until_complete(scene)


async def settled(seconds: float = 0.001) -> None:
    """Wait until nothing else can happen: virtual time passes only when the loop is idle."""
    await asyncio.sleep(seconds)


class _Socket:
    """The part of a socket that uvicorn uses."""

    family = socket.AF_INET

    def fileno(self) -> int:
        return -1

    def getsockname(self) -> tuple[str, int]:
        return "127.0.0.1", 8000

    def getpeername(self) -> tuple[str, int]:
        return "127.0.0.1", 50000

    def setsockopt(self, *_: object) -> None: ...

    def getsockopt(self, *_: object) -> int:
        return 0


_ABOUT = {"socket": _Socket(), "ssl_object": object()}


class FakeTransport(asyncio.Transport):
    """Calls a protocol as asyncio's transport does, in the same order, without a socket.

    After a close, the buffer is still sent; after an abort, it is dropped. Input is buffered while
    reading is paused.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self._protocol: Any = None
        self.taken = bytearray()
        """The bytes that the peer has read."""
        self._waiting = bytearray()
        self.crashes: list[Exception] = []
        """Errors of the protocol: a loop would log them, and abort."""
        self.is_taking = True
        self.is_half_closed = False
        self.is_aborted = False
        self.is_lost = False
        self._is_closing = False
        self._is_paused = False
        self._is_writing_paused = False
        self._coming: list[bytes] = []
        self._is_pumping = False

    # Calls of the protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol  # type: ignore[no-any-return]

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return _ABOUT.get(name, default)

    def is_closing(self) -> bool:
        return self._is_closing

    def write(self, data: Any) -> None:
        if self.is_half_closed:
            raise RuntimeError("Cannot call write() after write_eof()")
        if self.is_lost or self.is_aborted or (self._is_closing and not self._waiting):
            return
        self._waiting += data
        self._flush()
        if len(self._waiting) > HIGH_WATER and not self._is_writing_paused:
            self._is_writing_paused = True
            self._protocol.pause_writing()

    def writelines(self, parts: Iterable[Any]) -> None:
        self.write(b"".join(parts))

    def get_write_buffer_size(self) -> int:
        return len(self._waiting)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        if not self._is_closing:
            self.is_half_closed = True

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._end_if_drained()

    def abort(self) -> None:
        if not self.is_aborted:
            self._is_closing = self.is_aborted = True
            self._waiting.clear()
            self._loop.call_soon(self.lose)

    def pause_reading(self) -> None:
        self._is_paused = True

    def resume_reading(self) -> None:
        self._is_paused = False
        self._pump_soon()

    def is_reading(self) -> bool:
        return not self._is_paused and not self._is_closing

    # Actions of the peer

    def say(self, chunks: Iterable[bytes]) -> None:
        """Call `data_received` for each chunk; an empty one is the end (FIN)."""
        self._coming.extend(chunks)
        self._pump_soon()

    def lose(self, exc: Exception | None = None) -> None:
        """Lose the connection."""
        if not self.is_lost:
            self.is_lost = self._is_closing = True
            protocol, self._protocol = self._protocol, None
            protocol.connection_lost(exc)

    def take(self) -> None:
        """Let the peer read again, and read everything."""
        self.is_taking = True
        self._flush()

    # Between them

    def _flush(self) -> None:
        if not self.is_taking:
            return
        self.taken += self._waiting
        self._waiting.clear()
        if self._is_writing_paused:
            self._is_writing_paused = False
            self._protocol.resume_writing()
        if self._is_closing:
            self._end_if_drained()

    def _end_if_drained(self) -> None:
        if not self._waiting:
            self._loop.call_soon(self.lose)

    def _pump_soon(self) -> None:
        if self._coming and not self._is_pumping:
            self._is_pumping = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        self._is_pumping = False
        if not self.is_reading():
            return
        chunk = self._coming.pop(0)
        try:
            if chunk:
                self._protocol.data_received(chunk)
            elif not self._protocol.eof_received():
                self.close()
        except Exception as error:
            self.crashes.append(error)
            self.abort()
        self._pump_soon()


class Wire:
    """A connection of `kind` below `application`, or `take`. uvicorn's gets its connection from our
    HTTP transport, as ours does for an upgrade that is not plain."""

    def __init__(
        self,
        kind: Any,
        application: Application,
        *,
        take: Take | None = None,
        **options: Any,
    ) -> None:
        first = HttpTransport if kind is UVICORN else kind
        if take is not None:
            first = kind = partial(kind, take=take)
        loop = asyncio.get_running_loop()
        config = copy.copy(_CONFIG)
        config.loaded_app = application
        for name, value in options.items():
            setattr(config, name, value)
        self.state = ServerState()
        self.transport = FakeTransport(loop)
        config.ws_protocol_class = kind
        protocol = first(config, self.state, {}, loop)
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)

    @property
    def protocol(self) -> Any:
        """The protocol that has the connection, also after it was lost."""
        return self.transport.get_protocol()

    async def upgrade(self, head: bytes = opening()) -> None:
        """Send the upgrade, and give the application time to decide."""
        self.transport.say([head])
        await settled()

    @property
    def said(self) -> "Said":
        """All that the peer was sent so far."""
        return parse(bytes(self.transport.taken))

    @property
    def has_ended(self) -> bool:
        """True if this side has closed, or sends no more."""
        return self.transport.is_closing() or self.transport.is_half_closed


async def _nobody(scope: dict[str, Any], receive: Receive, send: Send) -> None: ...


_CONFIG: Config = uvicorn_config(_nobody)
_CONFIG.load()


@dataclass
class Listener:
    """An application that accepts every socket, and records all events to the end."""

    accept: Event = field(default_factory=lambda: {"type": "websocket.accept"})
    scope: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.scope = scope
        self.events.append(await receive())
        await send(self.accept)
        while self.events[-1]["type"] != "websocket.disconnect":
            self.events.append(await receive())


# The bytes from the server


@dataclass(frozen=True)
class Said:
    """A server's response to the handshake, and its frames after a 101."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    frames: tuple[tuple[int, bytes], ...]

    def header(self, name: str) -> str | None:
        """The first header of that name, or None."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def codes(self) -> list[int]:
        """The codes of the close frames; 1005 for one without a code."""
        return [
            struct.unpack("!H", payload[:2])[0] if payload else 1005
            for opcode, payload in self.frames
            if opcode == 0x8
        ]


def parse(data: bytes) -> Said:
    """Parse it. Raises AssertionError if it is invalid for a server."""
    if not data:
        return Said(0, (), b"", ())
    head, blank, rest = data.partition(b"\r\n\r\n")
    assert blank, data
    status, headers = read_head(head)
    if status != 101:
        return Said(status, headers, rest, ())
    frames, at = [], 0
    while at < len(rest):
        assert rest[at] & 0xF0 == 0x80, "whole messages without extensions"
        opcode, length, start = rest[at] & 0x0F, rest[at + 1], at + 2
        assert length < 0x80, "servers do not mask"
        if length >= 126:
            start += 2 if length == 126 else 8
            length = int.from_bytes(rest[at + 2 : start], "big")
        at = start + length
        assert at <= len(rest), "a frame that is cut off"
        frames.append((opcode, rest[start:at]))
    return Said(101, headers, b"", tuple(frames))
