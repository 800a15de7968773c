"""The WebSocket of the load scripts: the bytes it sends and reads, and what it refuses."""

import asyncio
from typing import Any

import pytest
from websockets.frames import Frame, Opcode
from websockets.utils import accept_key

from scripts.benchmarks.websocket import (
    UnexpectedFrame,
    WebSocket,
    answer_ends,
    client_frame,
    open_websocket,
    read_frame,
    upgrade_request,
)
from server.base.waiting import within
from server.transport.frames import BINARY, CLOSE, PING, PONG, TEXT, frame
from server.transport.head import read_upgrade
from server.transport.limits import Limits
from server.wire.closing import NO_STATUS
from tests.support.frames import client_frame as masked_frame

SIZES = (0, 1, 125, 126, 65_535, 65_536)
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPTED = f"HTTP/1.1 101 x\r\nsec-WebSocket-accept: {accept_key(KEY)}\r\n\r\n".encode()


@pytest.mark.parametrize("size", SIZES)
def test_a_frame_of_the_client_is_masked_by_zeros(size: int) -> None:
    payload = b"x" * size
    assert client_frame(TEXT, payload) == masked_frame(TEXT, payload, key=bytes(4))


@pytest.mark.parametrize("size", SIZES)
def test_a_frame_of_the_server_is_read_once_it_is_complete(size: int) -> None:
    whole = b"." + frame(TEXT, b"x" * size) + frame(PING, b"")
    ends = len(whole) - 2
    assert read_frame(whole, 1) == (0x80 | TEXT, b"x" * size, ends)
    for cut in {1, 2, 3, 4, 10, ends - 1} & set(range(1, ends)):
        assert read_frame(whole[:cut], 1) is None


@pytest.mark.parametrize(
    "sent",
    [
        Frame(Opcode.TEXT, b"x", fin=False).serialize(mask=False),
        Frame(Opcode.CONT, b"x").serialize(mask=False),
        frame(BINARY, b"x"),
        frame(PONG, b""),
        masked_frame(TEXT, b"x"),
    ],
    ids=["fragment", "continuation", "binary", "pong", "masked"],
)
def test_what_this_server_does_not_send_is_an_error(sent: bytes) -> None:
    with pytest.raises(UnexpectedFrame):
        read_frame(sent, 0)


def test_the_request_is_one_that_the_server_reads_as_a_plain_upgrade() -> None:
    request = upgrade_request("127.0.0.1:80", "/ws?a=b", KEY, "session=x")
    upgrade = read_upgrade(request, Limits())
    assert upgrade is not None
    assert (upgrade.target, upgrade.key) == (b"/ws?a=b", KEY.encode())
    assert (b"cookie", b"session=x") in upgrade.headers
    assert b"Cookie" not in upgrade_request("127.0.0.1:80", "/ws", KEY, "")


def test_an_answer_is_a_101_that_accepts_the_key() -> None:
    assert answer_ends(ACCEPTED[:-1], KEY) is None
    assert answer_ends(ACCEPTED + b"more", KEY) == len(ACCEPTED)
    with pytest.raises(ConnectionRefusedError, match="403"):
        answer_ends(b"HTTP/1.1 403 Forbidden\r\n\r\n", KEY)
    with pytest.raises(ConnectionRefusedError, match="key"):
        answer_ends(ACCEPTED, "another")


class Peer(asyncio.Protocol):
    """Answers the first bytes with `answer`; records those that come after."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.heard = b""
        self.is_answered = False
        self.has_heard, self.is_lost = asyncio.Event(), asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.is_answered:
            self.heard += data
            self.has_heard.set()
            return
        self.is_answered = True
        key = data.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0].decode()
        self.transport.write(
            self.answer.replace(accept_key(KEY).encode(), accept_key(key).encode())
        )

    def connection_lost(self, error: Exception | None) -> None:
        self.is_lost.set()


class Recorder(WebSocket):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[object] = []
        self.is_lost = asyncio.Event()

    def on_open(self) -> None:
        self.events.append("open")

    def on_message(self, payload: bytes) -> None:
        self.events.append(payload)

    def on_close(self, code: int) -> None:
        self.events.append(code)

    def on_lost(self) -> None:
        self.events.append("lost")
        self.is_lost.set()


async def connect(answer: bytes) -> tuple[Recorder, Peer]:
    peer = Peer(answer)
    server = await asyncio.get_running_loop().create_server(lambda: peer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        return await open_websocket(Recorder, "127.0.0.1", port, "/ws"), peer
    finally:
        server.close()


@pytest.mark.parametrize(("payload", "code"), [(b"\x11\x95idle", 4501), (b"", NO_STATUS)])
async def test_a_socket_hears_what_came_with_the_answer_and_answers_pings_and_the_close(
    payload: bytes, code: int
) -> None:
    sent = [ACCEPTED, frame(TEXT, b"hello"), frame(PING, b"p"), frame(CLOSE, payload)]
    socket, peer = await connect(b"".join(sent) + frame(TEXT, b"after the close"))
    await within(5, peer.is_lost.wait())
    await within(5, socket.is_lost.wait())
    assert socket.events == ["open", b"hello", code, "lost"]
    assert peer.heard == client_frame(PONG, b"p") + client_frame(CLOSE, payload[:2])
    socket.close()
    socket.leave()


async def test_a_socket_closes_with_a_code_and_puts_frames_together() -> None:
    socket, peer = await connect(ACCEPTED)
    socket.close(1001)
    await within(5, peer.has_heard.wait())
    assert peer.heard == client_frame(CLOSE, b"\x03\xe9")
    large = frame(TEXT, b"x" * 300)
    for part in (large[:3], large[3:200], large[200:]):
        socket.data_received(part)
    socket.leave()
    await within(5, socket.is_lost.wait())
    assert socket.events == ["open", b"x" * 300, "lost"]


async def test_a_refusal_is_an_error_that_says_the_status() -> None:
    with pytest.raises(ConnectionRefusedError, match="401 Unauthorized"):
        await connect(b"HTTP/1.1 401 Unauthorized\r\n\r\n")
