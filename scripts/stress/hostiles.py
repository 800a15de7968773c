"""Clients that never finish, never stop or never read, and what happens to them.

    python -m scripts.stress.hostiles PORT SECONDS COOKIE...

Prints, as JSON, a line for each kind: how many there were and how many were cut off, after how many
seconds, and how many bytes they sent. No client sends more than a few MiB a second.
"""

import asyncio
import json
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from websockets.frames import Frame, Opcode

_UPGRADE = (
    "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
_PORTION = 16 * 1024
_PAUSE = 0.02

Attack = Callable[["Hostile"], Awaitable[None]]


def frame(opcode: int, payload: bytes = b"", *, is_last: bool = True) -> bytes:
    """Return a frame as a client sends it."""
    return Frame(Opcode(opcode), payload, fin=is_last).serialize(mask=True)


class Hostile:
    """One hostile client."""

    def __init__(self, port: int, cookie: str) -> None:
        self._port = port
        self._cookie = cookie
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sent = 0
        self.began = time.monotonic()
        self.gone_after: float | None = None

    async def run(self, attack: Attack) -> None:
        """Attack, and stay until the end or until cut off."""
        try:
            await self._loop.sock_connect(self._socket, ("127.0.0.1", self._port))
            self.began = time.monotonic()
            await attack(self)
            while await self.recv():
                pass
        except OSError:
            pass
        finally:
            self._socket.close()
        self.gone_after = time.monotonic() - self.began

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._socket, data)
        self.sent += len(data)

    async def recv(self) -> bytes:
        return await self._loop.sock_recv(self._socket, 65536)

    async def for_ever(self, data: bytes) -> None:
        """Send as fast as the server reads, but limited in fairness to the machine."""
        portion = data * max(_PORTION // len(data), 1)
        while True:
            await self.send(portion)
            await asyncio.sleep(_PAUSE)

    async def upgrade(self) -> None:
        await self.send(f"{_UPGRADE}Cookie: {self._cookie}\r\n\r\n".encode())
        await self.recv()

    async def until_stalled(self) -> None:
        """Request the lobby again and again, without reading."""
        while True:
            await self.send(frame(1, b'{"type":"watch","topic":"lobby"}') * 5)
            await asyncio.sleep(0.25)


async def silence(one: Hostile) -> None:
    pass


async def half_header(one: Hostile) -> None:
    await one.send(_UPGRADE.encode()[:-10])


async def dripping(one: Hostile) -> None:
    while True:
        await one.send(b"\r\n")
        await asyncio.sleep(1)


async def endless_header(one: Hostile) -> None:
    await one.send(b"GET / HTTP/1.1\r\n")
    await one.for_ever(b"A: " + b"b" * 1000 + b"\r\n")


async def large_upgrade(one: Hostile) -> None:
    await one.send((_UPGRADE + "Cookie: " + "x" * 9000 + "\r\n\r\n").encode())


async def no_body(one: Hostile) -> None:
    await one.send(
        b"POST /api/guests HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100\r\n\r\n"
    )


async def pipelining(one: Hostile) -> None:
    await one.for_ever(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")


async def pings(one: Hostile) -> None:
    await one.upgrade()
    await one.for_ever(frame(9, b"x" * 100))


async def pongs(one: Hostile) -> None:
    await one.upgrade()
    await one.for_ever(frame(10))


async def messages(one: Hostile) -> None:
    await one.upgrade()
    await one.for_ever(frame(1, b'{"type":"ping"}'))


async def empty_messages(one: Hostile) -> None:
    await one.upgrade()
    await one.for_ever(frame(1))


async def empty_fragments(one: Hostile) -> None:
    await one.upgrade()
    await one.send(frame(1, is_last=False))
    await one.for_ever(frame(0, is_last=False))


async def tiny_fragments(one: Hostile) -> None:
    await one.upgrade()
    message = frame(1, b"x", is_last=False) + frame(0, b"x", is_last=False) * 2000
    await one.for_ever(message + frame(0))


async def no_reading(one: Hostile) -> None:
    await one.upgrade()
    await one.until_stalled()


ATTACKS: dict[Attack, int] = {
    silence: 100,
    half_header: 100,
    dripping: 20,
    endless_header: 5,
    large_upgrade: 20,
    no_body: 50,
    pipelining: 5,
    pings: 5,
    pongs: 5,
    messages: 5,
    empty_messages: 5,
    empty_fragments: 2,
    tiny_fragments: 2,
    no_reading: 20,
}
"""The attacks, and the number of clients for each."""


async def _attack(port: int, seconds: float, cookies: list[str]) -> None:
    hostiles: dict[str, list[Hostile]] = {}
    tasks: list[asyncio.Task[None]] = []
    for attack, count in ATTACKS.items():
        name = attack.__name__
        hostiles[name] = [Hostile(port, cookies[number % len(cookies)]) for number in range(count)]
        tasks += [asyncio.create_task(one.run(attack)) for one in hostiles[name]]
    print("attacking", flush=True)
    await asyncio.wait(tasks, timeout=seconds)
    print(
        json.dumps(
            {
                name: {
                    "count": len(those),
                    "gone_after": sorted(
                        one.gone_after for one in those if one.gone_after is not None
                    ),
                    "sent": sum(one.sent for one in those),
                }
                for name, those in hostiles.items()
            }
        ),
        flush=True,
    )
    # The others stay until the server stops, or this process's input is closed.
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, over.set)
    await over.wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(_attack(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
