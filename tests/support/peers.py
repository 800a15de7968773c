"""Clients on bare sockets: they send invalid bytes, and read only when they are told to.

`serving` runs any ASGI application on our transports; `Peers` connect to it, or to any port.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self

import uvicorn

from server.transport.limits import Limits
from server.transport.uvicorn import uvicorn_config
from tests.support.frames import CLOSE, client_frame
from tests.support.responses import read_head

TIMEOUT = 20.0
"""Seconds for changes that should come at once, on a busy machine."""

NARROW = 16 * 1024
"""Size of a kernel buffer in bytes, which the kernel may double."""

_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
_RESET = struct.pack("ii", 1, 0)


class Peers:
    """Clients of `port`, which are closed at the end."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._peers: list[Peer] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for peer in self._peers:
            peer.close()

    async def connect(self, *, window: int | None = None, sends: int | None = None) -> "Peer":
        """Connect. `window` and `sends` are the sizes of the kernel's receive and send buffers in
        bytes, which the kernel may double."""
        made = socket.socket()
        peer = Peer(made)
        self._peers.append(peer)
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if window is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        if sends is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sends)
        await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", self.port))
        return peer

    async def upgraded(
        self,
        path: str = "/",
        cookie: str | None = None,
        *,
        window: int | None = None,
        sends: int | None = None,
    ) -> "Peer":
        """An accepted WebSocket."""
        peer = await self.connect(window=window, sends=sends)
        await peer.send(opening(path, cookie))
        head = await peer.read_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        return peer


class Server(Peers):
    """A uvicorn with our transports in the test's own loop, and its clients."""

    def __init__(self, server: uvicorn.Server, listener: socket.socket) -> None:
        super().__init__(listener.getsockname()[1])
        self._server = server
        self._listener = listener

    @property
    def connections(self) -> set[Any]:
        """The connections that uvicorn waits for when it stops."""
        return self._server.server_state.connections

    async def stop(self) -> None:
        """Stop as the command does at SIGTERM."""
        await self._server.shutdown(sockets=[self._listener])


def narrow(listener: socket.socket) -> None:
    """Reduce the kernel's buffers for connections to `listener` from megabytes to some KiB, so that
    they fill and drain quickly."""
    for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        listener.setsockopt(socket.SOL_SOCKET, buffer, NARROW)


async def start(config: uvicorn.Config, listener: socket.socket) -> uvicorn.Server:
    """Start uvicorn in this loop. Not by `serve`: its main loop wakes every 100 ms, which every
    test would wait for."""
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    return server


@asynccontextmanager
async def serving(
    app: Any, limits: Limits = Limits(), *, is_narrow: bool = False, **options: Any
) -> AsyncIterator[Server]:
    """Serve `app` until the context ends, with `options` besides those of the command. For
    `is_narrow` see `narrow`."""
    config = uvicorn_config(app, limits, **options)
    config.lifespan = "off"
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        if is_narrow:
            narrow(listener)
        server = await start(config, listener)
        with Server(server, listener) as serving:
            yield serving
        await serving.stop()


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Frame:
    """A frame from the server; ours never have reserved bits."""

    opcode: int
    payload: bytes

    @property
    def code(self) -> int:
        """The code of a close frame."""
        assert self.opcode == CLOSE
        return int(struct.unpack("!H", self.payload[:2])[0])


class Peer:
    """A connection that reads only when asked, and never answers by itself."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._loop = asyncio.get_running_loop()
        self._unread = b""

    # Sending

    async def send(self, data: bytes) -> None:
        """Return when the kernel has taken it all. Raises OSError if the server has closed."""
        async with asyncio.timeout(TIMEOUT):
            await self._loop.sock_sendall(self._socket, data)

    def send_now(self, data: bytes) -> None:
        """Like `send`, without giving other tasks a turn."""
        assert self._socket.send(data) == len(data)

    async def flood(self, data: bytes, seconds: float, at: int = 0) -> int:
        """Send it repeatedly, starting at byte `at`, as fast as it is taken; return how many bytes
        were taken before the time was over or the connection closed."""
        sent = 0
        until = self._loop.time() + seconds
        rest = memoryview(data)[at:]
        while self._loop.time() < until:
            try:
                taken = self._socket.send(rest)
            except BlockingIOError:
                await asyncio.sleep(0.005)
                continue
            except OSError:
                break
            sent += taken
            rest = rest[taken:] or memoryview(data)
            await asyncio.sleep(0)
        return sent

    async def fill(self, data: bytes, quiet: float = 0.1) -> int:
        """Send it repeatedly, until nothing is taken for `quiet` seconds; return how many bytes
        were taken."""
        sent = 0
        while taken := await self.flood(data, quiet, sent % len(data)):
            sent += taken
        return sent

    def half_close(self) -> None:
        """Send FIN; reading is still possible."""
        self._socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Send RST; data on its way here is lost."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._socket.close()

    def close(self) -> None:
        self._socket.close()

    # Reading

    async def read(self, most: int = 65536) -> bytes:
        """Wait for data and return it; empty at the end. Raises OSError at a RST."""
        if self._unread:
            data, self._unread = self._unread[:most], self._unread[most:]
            return data
        async with asyncio.timeout(TIMEOUT):
            return await self._loop.sock_recv(self._socket, most)

    async def read_until(self, mark: bytes) -> bytes:
        """Read up to and including `mark`; less if the connection ends before."""
        data = b""
        while mark not in data:
            more = await self.read()
            if not more:
                return data
            data += more
        head, found, rest = data.partition(mark)
        self._unread = rest + self._unread
        return head + found

    async def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = await self.read(count - len(data))
            if not more:
                raise EOFError(data)
            data += more
        return data

    async def answer(self, *, has_content: bool = True) -> Answer:
        """The next HTTP response; the one to a HEAD has no content."""
        head = await self.read_until(b"\r\n\r\n")
        status, fields = read_head(head)
        headers = dict(fields)
        length = int(headers.get("content-length", 0)) if has_content else 0
        body = await self._exactly(length)
        return Answer(status, headers, body)

    async def chunked(self) -> bytes:
        """The body of the next HTTP response, which has to be chunked."""
        head = await self.read_until(b"\r\n\r\n")
        assert b"transfer-encoding: chunked" in head.lower(), head
        body = b""
        while size := int(await self.read_until(b"\r\n"), 16):
            body += await self._exactly(size)
            await self._exactly(2)
        await self._exactly(2)
        return body

    async def frame(self) -> Frame:
        """The next frame. Raises EOFError or ConnectionResetError at the end."""
        first, length = await self._exactly(2)
        assert first & 0x70 == 0
        assert length < 0x80, "servers do not mask"
        if length == 126:
            (length,) = struct.unpack("!H", await self._exactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", await self._exactly(8))
        return Frame(first & 0x0F, await self._exactly(length))

    async def next(self, *opcodes: int) -> Frame:
        """The next frame with one of these opcodes; earlier ones are skipped."""
        while (frame := await self.frame()).opcode not in opcodes:
            pass
        return frame

    async def no_answer(self, seconds: float) -> None:
        """Assert that nothing comes for this time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                self._unread += await self._loop.sock_recv(self._socket, 65536)
            raise AssertionError(self._unread)

    async def end(self) -> bytes:
        """Read everything up to the end, by FIN or RST."""
        data = b""
        with suppress(ConnectionError):
            while more := await self.read():
                data += more
        return data

    async def ended_after(self, since: float) -> float:
        """Seconds from `since`, on the loop's clock, to the end; data is skipped."""
        with suppress(ConnectionError):
            is_open = True
            while is_open:
                async with asyncio.timeout(3 * TIMEOUT):
                    is_open = bool(await self._loop.sock_recv(self._socket, 65536))
        return self._loop.time() - since


def opening(path: str = "/", cookie: str | None = None, *headers: str) -> bytes:
    """A valid upgrade."""
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {_KEY}",
        *([] if cookie is None else [f"Cookie: session={cookie}"]),
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def close_frame(code: int) -> bytes:
    """A close frame of a client."""
    return client_frame(CLOSE, struct.pack("!H", code))


def request(*lines: str, body: bytes = b"") -> bytes:
    """An HTTP request; `lines` begin with the request line."""
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
