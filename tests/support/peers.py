"""Clients made of bare sockets: they say what no library would, and read only when they are told.

`serving` runs any ASGI application on our transports; `Peers` connect to that, or to any port.
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
from tests.support.frames import client_frame

TIMEOUT = 20.0
"""Seconds for what should come at once, on a machine that is busy."""

NARROW = 16 * 1024
"""Bytes that the kernel keeps of a connection in one direction, or twice that, where it is told."""

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
_RESET = struct.pack("ii", 1, 0)


class Peers:
    """Those who connect to `port`; in the end all of them are gone."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._peers: list[Peer] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for peer in self._peers:
            peer.close()

    async def connect(self, *, window: int | None = None, sends: int | None = None) -> "Peer":
        """A connection. `window`: bytes that it takes from the server without being asked, or
        twice that. `sends`: bytes that wait to be sent before it may say no more, or twice that."""
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
        """A WebSocket that has been let in."""
        peer = await self.connect(window=window, sends=sends)
        await peer.send(opening(path, cookie))
        head = await peer.read_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        return peer


class Server(Peers):
    """A uvicorn with our transports that runs in the test's own loop, and who connects to it."""

    def __init__(self, server: uvicorn.Server, listener: socket.socket) -> None:
        super().__init__(listener.getsockname()[1])
        self._server = server
        self._listener = listener

    @property
    def connections(self) -> set[Any]:
        """What uvicorn knows of: it waits for each of them when it stops."""
        return self._server.server_state.connections

    async def stop(self) -> None:
        """What the command does at SIGTERM."""
        await self._server.shutdown(sockets=[self._listener])


def narrow(listener: socket.socket) -> None:
    """Have the kernel keep some KiB for each connection to `listener`, and not the megabytes that
    it keeps by default: they are filled in no time, and what is in them is soon heard."""
    for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        listener.setsockopt(socket.SOL_SOCKET, buffer, NARROW)


@asynccontextmanager
async def serving(
    app: Any, limits: Limits = Limits(), *, is_narrow: bool = False, **options: Any
) -> AsyncIterator[Server]:
    """Serve `app` until the context ends; `options` beside those of the command. `is_narrow`: see
    `narrow`."""
    config = uvicorn_config(app, limits, **options)
    config.lifespan = "off"
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        if is_narrow:
            narrow(listener)
        await server.startup(sockets=[listener])
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
    """What a server sends; no frame of ours has extension bits."""

    opcode: int
    payload: bytes

    @property
    def code(self) -> int:
        """Of a close frame."""
        assert self.opcode == CLOSE
        return int(struct.unpack("!H", self.payload[:2])[0])


class Peer:
    """One connection. Reads nothing unless asked, and never answers by itself."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._loop = asyncio.get_running_loop()
        self._unread = b""

    # What it says

    async def send(self, data: bytes) -> None:
        """Returns when the kernel has taken it all. Raises OSError when the server is gone."""
        async with asyncio.timeout(TIMEOUT):
            await self._loop.sock_sendall(self._socket, data)

    def send_now(self, data: bytes) -> None:
        """As `send`, before anything else has its turn."""
        assert self._socket.send(data) == len(data)

    async def flood(self, data: bytes, seconds: float, at: int = 0) -> int:
        """Send it over and over, from byte `at` of it on, as fast as it is taken; returns how many
        bytes were taken before the time was over or the server gone."""
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
        """Send it over and over, until nothing is taken for `quiet` seconds; returns how many bytes
        were."""
        sent = 0
        while taken := await self.flood(data, quiet, sent % len(data)):
            sent += taken
        return sent

    def half_close(self) -> None:
        """FIN: it sends no more, and can still read."""
        self._socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """RST: what is on its way to it is lost."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._socket.close()

    def close(self) -> None:
        self._socket.close()

    # What it hears

    async def read(self, most: int = 65536) -> bytes:
        """What there is, once there is something; nothing at the end. Raises OSError at a RST."""
        if self._unread:
            data, self._unread = self._unread[:most], self._unread[most:]
            return data
        async with asyncio.timeout(TIMEOUT):
            return await self._loop.sock_recv(self._socket, most)

    async def read_until(self, mark: bytes) -> bytes:
        """Up to and with `mark`; less if the connection ends before."""
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
        assert head.startswith(b"HTTP/1.1 "), head
        first, *lines = head.decode("latin-1").split("\r\n")[:-2]
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        length = int(headers.get("content-length", 0)) if has_content else 0
        body = await self._exactly(length)
        return Answer(int(first.split()[1]), headers, body)

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
        """The next frame of one of these kinds; others before it are passed over."""
        while (frame := await self.frame()).opcode not in opcodes:
            pass
        return frame

    async def no_answer(self, seconds: float) -> None:
        """Nothing comes for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                self._unread += await self._loop.sock_recv(self._socket, 65536)
            raise AssertionError(self._unread)

    async def end(self) -> bytes:
        """Everything up to the end, whichever way that comes."""
        data = b""
        with suppress(ConnectionError):
            while more := await self.read():
                data += more
        return data

    async def ended_after(self, since: float) -> float:
        """Seconds from `since`, on the loop's clock, to the end; what was sent is passed over."""
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
    """A client's close."""
    return client_frame(CLOSE, struct.pack("!H", code))


def request(*lines: str, body: bytes = b"") -> bytes:
    """An HTTP request; `lines` begin with the request line."""
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
