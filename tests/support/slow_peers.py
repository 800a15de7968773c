"""Peers that never finish a header or a body; `SLOW` has all of them."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress

from tests.support.peers import Peer, Peers, request

GET = request("GET / HTTP/1.1", "Host: a")


async def drip(peer: Peer, data: bytes, every: float) -> None:
    """Send a byte now and then, until the connection is closed."""
    with suppress(OSError):
        for byte in data:
            await peer.send(bytes([byte]))
            await asyncio.sleep(every)


async def for_ever(peer: Peer, data: bytes, every: float) -> None:
    with suppress(OSError):
        while True:
            await peer.send(data)
            await asyncio.sleep(every)


Slow = Callable[[Peer, float], Coroutine[None, None, None]]


async def says_nothing(peer: Peer, every: float) -> None:
    pass


async def half_a_request_line(peer: Peer, every: float) -> None:
    await peer.send(b"GET /api/se")


async def half_a_header(peer: Peer, every: float) -> None:
    await peer.send(b"GET / HTTP/1.1\r\nHost: a\r\nAccep")


async def a_byte_now_and_then(peer: Peer, every: float) -> None:
    await drip(peer, b"GET /" + b"a" * 1000, every)


async def a_line_now_and_then(peer: Peer, every: float) -> None:
    await peer.send(b"GET / HTTP/1.1\r\n")
    await for_ever(peer, b"A: b\r\n", every)


async def empty_lines_for_ever(peer: Peer, every: float) -> None:
    await for_ever(peer, b"\r\n", every)


async def half_a_header_after_an_answer(peer: Peer, every: float) -> None:
    await peer.send(GET)
    await asyncio.sleep(every)
    await peer.send(b"GET / HTTP/1.1\r\nHo")


async def empty_lines_after_an_answer(peer: Peer, every: float) -> None:
    await peer.send(GET)
    await asyncio.sleep(every)
    await for_ever(peer, b"\r\n", every)


async def half_a_handshake(peer: Peer, every: float) -> None:
    await peer.send(b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upg")


SLOW: list[Slow] = [
    says_nothing,
    half_a_request_line,
    half_a_header,
    a_byte_now_and_then,
    a_line_now_and_then,
    empty_lines_for_ever,
    half_a_header_after_an_answer,
    empty_lines_after_an_answer,
    half_a_handshake,
]


async def ends_after(peers: Peers, slow: Slow, every: float) -> float:
    """Seconds from the connection to its end, including any answers."""
    peer = await peers.connect()
    began = asyncio.get_running_loop().time()
    saying = asyncio.create_task(slow(peer, every))
    try:
        return await peer.ended_after(began)
    finally:
        saying.cancel()
        await asyncio.wait([saying])
