"""The `stillhere` command among hostile clients, in real time and with its own deadlines: which are
cut off and when, the cost, and whether other clients notice."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path

import pytest

from server.base.waiting import within
from server.transport.limits import Limits
from tests.support.frames import CLOSE, CONTINUATION, PING, PONG, TEXT, client_frame
from tests.support.peers import Peer, Peers, request
from tests.support.process import VisitedServer, running
from tests.support.slow_peers import SLOW, ends_after

MEBI = 1024 * 1024
MOST_MEMORY = 12 * MEBI
"""Bytes by which the memory of a server may grow under all floods at once, including what malloc
keeps."""

FLOODED = 0.6
"""Seconds of each flood."""

PING_MESSAGE = client_frame(TEXT, b'{"type":"ping"}')


async def test_slow_peers_are_closed_in_time_while_honest_ones_are_served(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as process:
        with Peers(process.port) as peers:
            slow = asyncio.gather(*(ends_after(peers, each, 0.5) for each in SLOW))
            honest = asyncio.gather(*(_comes_slowly(peers) for _ in range(3)))
            cut_after = dict(zip([each.__name__ for each in SLOW], await slow, strict=True))
            assert await honest == [422] * 3
        assert min(cut_after.values()) > Limits().header_deadline - 0.2
        assert max(cut_after.values()) < Limits().header_deadline + 1.5, cut_after


async def _comes_slowly(peers: Peers) -> int:
    """Send a header in three pieces within 2 s, and 60 KiB of a body in 2 more; the status says
    that the name in it is too long."""
    peer = await peers.connect()
    head = request(
        "POST /api/guests HTTP/1.1",
        "Host: a",
        "Content-Type: application/json",
        "Content-Length: 61440",
    )
    for part in (head[:20], head[20:60], head[60:]):
        await asyncio.sleep(0.6)
        await peer.send(part)
    for part in (b'{"name":"', b"a" * 30_000, b"a" * (61440 - 30_000 - 11) + b'"}'):
        await asyncio.sleep(0.6)
        await peer.send(part)
    return (await peer.answer()).status


@pytest.mark.parametrize("flags", [(), ("--max-messages-per-second", "0")], ids=["limit", "none"])
async def test_floods_cost_bounded_memory_and_do_not_disturb_others(
    tmp_path: Path, flags: tuple[str, ...]
) -> None:
    async with running(tmp_path, *flags) as process:
        with Peers(process.port) as peers:
            cookie = await process.sign_in("Flooder")
            bystander = await peers.upgraded("/ws", await process.sign_in("Bystander"))
            await bystander.frame()
            looking_on = asyncio.create_task(_look_on(bystander))
            before = resident(process)
            endings = await asyncio.gather(
                _flood(peers, cookie, client_frame(PING, b"x" * 125)),
                _flood(peers, cookie, client_frame(PING, b"x" * 125), reads=True),
                _flood(peers, cookie, client_frame(PONG, b"x" * 125)),
                _flood(peers, cookie, client_frame(TEXT)),
                _flood(peers, cookie, PING_MESSAGE),
                _flood(peers, cookie, client_frame(TEXT, b'{"type":"watch","topic":"lobby"}')),
                _flood(peers, cookie, client_frame(CONTINUATION, fin=False), begins=True),
                _flood(peers, cookie, client_frame(CONTINUATION, b"x", fin=False), begins=True),
                _flood_http(peers, b"GET / HTTP/1.1\r\nHost: a\r\n", b"A: b\r\n"),
                _flood_http(peers, b"", request("GET / HTTP/1.1", "Host: a")),
            )
            grown = resident(process) - before
            looking_on.cancel()
            with suppress(asyncio.CancelledError):
                await looking_on
            assert sum(endings) > MOST_MEMORY
            assert grown < MOST_MEMORY
        assert await process.stop() == 0
        assert "Traceback" not in process.log()


async def _look_on(bystander: Peer) -> None:
    """Ping, and get an answer soon."""
    while True:
        await bystander.send(PING_MESSAGE)
        answer = await within(2, bystander.next(TEXT))
        assert json.loads(answer.payload)["type"] == "pong"
        await asyncio.sleep(0.1)


async def _flood(
    peers: Peers, cookie: str, data: bytes, *, reads: bool = False, begins: bool = False
) -> int:
    peer = await peers.upgraded("/ws", cookie, window=None if reads else 4096)
    if begins:
        await peer.send(client_frame(TEXT, b"x", fin=False))
    flooding = asyncio.create_task(peer.flood(data * (16_384 // len(data)), FLOODED))
    if reads:
        assert (await peer.next(CLOSE)).code == 4401
    return await flooding


async def _flood_http(peers: Peers, head: bytes, data: bytes) -> int:
    peer = await peers.connect(window=4096)
    await peer.send(head)
    return await peer.flood(data * (16_384 // len(data)), FLOODED)


def resident(process: VisitedServer) -> int:
    """The anonymous memory of a process in bytes: without files, whose pages a fork maps only when
    it needs them; proc(5)."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("RssAnon:")]
    return int(line.split()[1]) * 1024
