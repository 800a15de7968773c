"""However a connection closes, the kernel soon drops what its peer does not take.

By the kernel's own list of sockets, and its own clock: once a socket is closed, nothing else knows
of it.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from server.transport.limits import Limits
from server.wire.closing import NORMAL
from tests.support.answers import until
from tests.support.peers import Peer, Server, close_frame, opening, request, serving

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="tcp(7) of Linux")

LIMITS = replace(Limits(), write_stall=1.0, close_deadline=0.5, linger=0.5, header_deadline=1.0)
SIZE = 300_000
"""Bytes: the kernel takes them all, so that the transport has nothing left to wait for."""

GIVEN_UP = 15.0
"""Seconds. Without the limit the kernel tries for minutes."""

ESTABLISHED = "01"


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * SIZE})
        return
    await receive()
    if scope["path"] == "/waits":
        await receive()
        return
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": "x" * SIZE})
    if scope["path"] == "/closes":
        await send({"type": "websocket.close", "code": NORMAL})
    while (await receive())["type"] != "websocket.disconnect":
        pass


def sockets(port: int) -> list[tuple[str, int]]:
    """State and bytes that wait for the peer, of the server's connections on `port`."""
    found = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, queues, *_ = line.split()
        if int(local.partition(":")[2], 16) == port and state != "0A":  # it listens
            found.append((state, int(queues.partition(":")[0], 16)))
    return found


async def application_closes(server: Server) -> Peer:
    return await server.upgraded("/closes", window=4096)


async def peer_closes(server: Server) -> Peer:
    peer = await server.upgraded(window=4096)
    await peer.send(close_frame(NORMAL))
    return peer


async def peer_half_closes(server: Server) -> Peer:
    peer = await server.upgraded(window=4096)
    peer.half_close()
    return peer


async def server_stops(server: Server) -> Peer:
    peer = await server.upgraded(window=4096)
    for connection in list(server.connections):
        connection.shutdown()
    return peer


async def response_is_the_last(server: Server) -> Peer:
    peer = await server.connect(window=4096)
    await peer.send(request("GET / HTTP/1.1", "Host: a", "Connection: close"))
    return peer


async def requests_end(server: Server) -> Peer:
    peer = await server.connect(window=4096)
    await peer.send(request("GET / HTTP/1.1", "Host: a"))
    await peer.read(1)
    peer.half_close()
    return peer


async def request_is_refused(server: Server) -> Peer:
    peer = await server.connect(window=4096)
    await peer.send(request("GET / HTTP/1.1", "Host: a"))
    await peer.read(1)
    await peer.send(b"nonsense\r\n\r\n")
    return peer


async def nothing_more_comes(server: Server) -> Peer:
    peer = await server.connect(window=4096)
    await peer.send(request("GET / HTTP/1.1", "Host: a"))
    await peer.read(1)
    return peer


async def upgrade_is_not_answered(server: Server) -> Peer:
    peer = await server.connect(window=4096)
    await peer.send(request("GET / HTTP/1.1", "Host: a"))
    await peer.read(1)
    await peer.send(opening("/waits"))
    return peer


async def peer_half_closes_before_the_answer(server: Server) -> Peer:
    peer = await upgrade_is_not_answered(server)
    peer.half_close()
    return peer


WAYS = [
    upgrade_is_not_answered,
    peer_half_closes_before_the_answer,
    application_closes,
    peer_closes,
    peer_half_closes,
    server_stops,
    response_is_the_last,
    requests_end,
    request_is_refused,
    nothing_more_comes,
]


async def is_dropped(way: Callable[[Server], Awaitable[Peer]]) -> bool:
    async with serving(application, LIMITS, timeout_keep_alive=1) as server:
        await way(server)
        give_up = asyncio.get_running_loop().time() + GIVEN_UP
        await until(lambda: all(state != ESTABLISHED for state, _ in sockets(server.port)))
        while any(waiting for _, waiting in sockets(server.port)):
            if asyncio.get_running_loop().time() > give_up:
                return False
            await asyncio.sleep(0.1)
        return True


async def test_what_a_peer_does_not_take_is_dropped() -> None:
    # All at once: each has to wait for the kernel.
    dropped = await asyncio.gather(*(is_dropped(way) for way in WAYS))
    held = [way.__name__ for way, is_over in zip(WAYS, dropped, strict=True) if not is_over]
    assert held == []
