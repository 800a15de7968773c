"""Plain HTTP against peers that never finish, never stop, or never read."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import h11
import pytest
from uvicorn.server import ServerState

from server.base.waiting import within
from server.transport.http import HttpTransport
from server.transport.limits import Limits
from server.transport.uvicorn import uvicorn_config
from tests.support.answers import until
from tests.support.manual_loop import ManualLoop
from tests.support.peers import NARROW, Answer, Peer, Server, request, serving
from tests.support.responses import problem_of
from tests.support.slow_peers import SLOW, ends_after, for_ever

pytestmark = pytest.mark.both_loops

GET = request("GET / HTTP/1.1", "Host: a")
CHUNKED = request("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked")

DEFAULTS = Limits()

SHORT = 0.15
"""Seconds of the shortened deadlines, for tests that wait for them."""


class Application:
    """Reads bodies and answers with their length; `/much` sends four MiB."""

    def __init__(self) -> None:
        self.requests = 0
        self.is_stopped = False
        self.endings: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.requests += 1
        size = 0
        while True:
            event = await receive()
            size += len(event.get("body", b""))
            if event["type"] == "http.disconnect" or not event.get("more_body"):
                break
        self.endings.append(event["type"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            if scope["path"] == "/much":
                for _ in range(64):
                    body = {"type": "http.response.body", "body": bytes(65536), "more_body": True}
                    await send(body)
        except OSError:
            self.endings.append("send raised")
        await send({"type": "http.response.body", "body": b"%d" % size})


@pytest.fixture
def app() -> Application:
    return Application()


hurried = pytest.mark.parametrize(
    "limits",
    [
        Limits(
            header_deadline=SHORT,
            body_deadline=SHORT,
            linger=SHORT,
            write_stall=SHORT,
            shutdown_deadline=SHORT,
            turn=0.02,
        )
    ],
    ids=["in a hurry"],
)


@pytest.fixture
def limits() -> Limits:
    return DEFAULTS


@pytest.fixture
async def server(app: Application, limits: Limits) -> AsyncIterator[Server]:
    async with serving(app, limits) as running:
        yield running


def refused(answer: Answer) -> tuple[int, str]:
    """Status and code of a refusal, after which the connection is closed."""
    assert answer.headers["connection"] == "close"
    return problem_of(answer.status, answer.headers, answer.body)


# The size of a header


def header_of(lines: int = 1, longest: int = 100, size: int = 0) -> bytes:
    """A request with this number of header lines, one of this length, filled up to `size` bytes."""
    fields = [f"H{number}: x" for number in range(lines - 3)]
    fields = ["Host: a", *fields, "Long: " + "x" * (longest - len("Long: "))]
    whole = request("GET / HTTP/1.1", *fields)
    while size - len(whole) > DEFAULTS.longest_header_line:
        fields.append("More: " + "x" * (DEFAULTS.longest_header_line - 500))
        whole = request("GET / HTTP/1.1", *fields)
    if size > len(whole):
        fields.append("Rest: " + "x" * (size - len(whole) - len("Rest: \r\n")))
        whole = request("GET / HTTP/1.1", *fields)
        assert len(whole) == size
    return whole


TOO_LARGE = {
    "a line": header_of(longest=DEFAULTS.longest_header_line + 3),
    "the number of lines": header_of(lines=DEFAULTS.most_header_lines + 2),
    "all of it": header_of(size=DEFAULTS.largest_header + 200),
}


@pytest.mark.parametrize("what", TOO_LARGE)
async def test_a_header_that_is_too_large_is_refused_with_431(server: Server, what: str) -> None:
    peer = await server.connect()
    await peer.send(TOO_LARGE[what])
    assert refused(await peer.answer()) == (431, "header_too_large")
    assert await peer.end() == b""


@pytest.mark.parametrize("before", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n"], ids=["whole", "begun"])
async def test_a_header_is_parsed_up_to_its_limit_only(
    app: Application, monkeypatch: pytest.MonkeyPatch, before: bytes
) -> None:
    """Parsing 250 KB of a complete header blocked the loop for a quarter of a second."""
    given: list[int] = []
    receive_data = h11.Connection.receive_data

    def noted(parser: h11.Connection, data: bytes) -> None:
        given.append(len(data))
        receive_data(parser, data)

    monkeypatch.setattr(h11.Connection, "receive_data", noted)
    config = uvicorn_config(app)
    config.load()
    memory = Memory()
    transport = HttpTransport(config, ServerState(), {})
    transport.connection_made(memory)
    first = b"" if before else b"GET / HTTP/1.1\r\nHost: a\r\n"
    for part in (before, first + b"A: b\r\n" * 40_000 + b"\r\n"):
        if part:
            transport.data_received(part)
    assert memory.written.startswith(b"HTTP/1.1 431 ")
    assert sum(given) == DEFAULTS.largest_header + 1
    transport.connection_lost(None)


@pytest.mark.parametrize("size", [10, 16_000, 16_385, 40_000, 300_000])
async def test_a_body_that_comes_in_one_read_with_its_head_is_whole(
    app: Application, size: int
) -> None:
    config = uvicorn_config(app)
    config.load()
    memory = Memory()
    transport = HttpTransport(config, ServerState(), {})
    transport.connection_made(memory)
    head = request("POST / HTTP/1.1", "Host: a", f"Content-Length: {size}")
    transport.data_received((head + bytes(size)) * 2)
    expected = b"\r\n%d\r\n0\r\n\r\n" % size
    await until(lambda: memory.written.count(expected) == 2)
    transport.connection_lost(None)


@pytest.mark.parametrize(
    "head",
    [
        header_of(longest=DEFAULTS.longest_header_line - 10),
        header_of(lines=DEFAULTS.most_header_lines),
        header_of(size=DEFAULTS.largest_header - 600),
    ],
    ids=list(TOO_LARGE),
)
async def test_a_header_within_the_limits_is_served(server: Server, head: bytes) -> None:
    peer = await server.connect()
    await peer.send(head)
    assert (await peer.answer()).status == 200


LINES = {
    "spaces before the value": "Long:{}x",
    "spaces behind the value": "Long: x{}",
    "nothing but spaces": "Long:{}",
    "a line that goes on": "Long: x\r\n{}y",
}


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
async def test_a_line_is_measured_before_it_is_parsed(server: Server, line: str, more: int) -> None:
    """Including the spaces around the value, which the parser removes."""
    longest = DEFAULTS.longest_header_line + more
    line = line.format(" " * (longest - len(line.format(""))))
    assert len(line) == longest
    peer = await server.connect()
    await peer.send(request("GET / HTTP/1.1", "Host: a", line))
    if more:
        assert refused(await peer.answer()) == (431, "header_too_large")
        assert await peer.end() == b""
    else:
        assert (await peer.answer()).status == 200


ENDS = {"CRLF": b"\r\n", "LF": b"\n"}


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
@pytest.mark.parametrize("space", ["", " ", "  "], ids=["no space", "a space", "two spaces"])
async def test_a_header_is_measured_before_it_is_parsed(
    server: Server, space: str, end: bytes, more: int
) -> None:
    size = DEFAULTS.largest_header + more
    fields = [f"Host:{space}a", f"Some:{space}{'x' * 8000}", f"More:{space}{'x' * 8000}"]
    without = len(request("GET / HTTP/1.1", *fields, "Rest:").replace(b"\r\n", end))
    head = request("GET / HTTP/1.1", *fields, f"Rest:{'x' * (size - without)}")
    head = head.replace(b"\r\n", end)
    assert len(head) == size
    peer = await server.connect()
    await peer.send(head + GET)
    if more:
        assert refused(await peer.answer()) == (431, "header_too_large")
        assert await peer.end() == b""
    else:
        assert [await peer.chunked() for _ in range(2)] == [b"0", b"0"]


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("size", [1, 1000])
async def test_a_header_is_measured_in_any_pieces(app: Application, size: int, more: int) -> None:
    config = uvicorn_config(app)
    config.load()
    memory = Memory()
    transport = HttpTransport(config, ServerState(), {})
    transport.connection_made(memory)
    line = "Long:" + " " * (DEFAULTS.longest_header_line + more - len("Long:"))
    head = request("GET / HTTP/1.1", "Host: a", line)
    for begin in range(0, len(head), size):
        transport.data_received(head[begin : begin + size])
    await until(lambda: bool(memory.written))
    assert memory.written.startswith(b"HTTP/1.1 431 " if more else b"HTTP/1.1 200 ")
    transport.connection_lost(None)


@pytest.mark.parametrize("more", [0, 1, 4000, 20_000])
async def test_a_target_that_is_too_long_is_refused_with_414(server: Server, more: int) -> None:
    """RFC 9112, 3: a MUST. Longer ones are refused before their end comes."""
    peer = await server.connect()
    target = "/" + "a" * (DEFAULTS.longest_header_line - 1 + more)
    await peer.send(request(f"GET {target} HTTP/1.1", "Host: a"))
    if more:
        assert refused(await peer.answer()) == (414, "target_too_long")
        assert await peer.end() == b""
    else:
        assert await peer.chunked() == b"0"


@pytest.mark.parametrize("goes_on", [False, True])
async def test_the_refusal_of_an_endless_header_can_be_read(server: Server, goes_on: bool) -> None:
    peer = await server.connect()
    await peer.send(GET[:-2])
    line = b"A: " + b"b" * 1000 + b"\r\n"
    await peer.send(line * 20)
    if goes_on:
        # It goes on sending, which would reset the connection if the server did not read.
        await peer.send(line * 5000)
    assert refused(await peer.answer()) == (431, "header_too_large")


@hurried
async def test_a_peer_that_keeps_sending_after_a_refusal_is_aborted(server: Server) -> None:
    peer = await server.connect()
    began = asyncio.get_running_loop().time()
    flooding = asyncio.create_task(peer.flood(GET[:-2] + b"A: " + b"b" * 100_000, 10))
    assert await peer.ended_after(began) < 8
    await flooding
    await until(lambda: not server.connections)


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_an_application_that_fails_is_a_500_without_content_for_a_head(method: str) -> None:
    async def fail(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("a bug")

    async with serving(fail, DEFAULTS) as server:
        peer = await server.connect()
        await peer.send(request(f"{method} / HTTP/1.1", "Host: a"))
        head, _, content = (await peer.end()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 500 ")
    assert (content == b"") == (method == "HEAD")


# Invalid HTTP


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(506),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nNo colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ids=["garbage", "TLS", "HTTP/2", "no colon", "two lengths", "length and chunks"],
)
async def test_bytes_that_are_no_http_are_refused_with_400(
    server: Server, app: Application, data: bytes
) -> None:
    peer = await server.connect()
    await peer.send(data)
    assert refused(await peer.answer()) == (400, "bad_request")
    assert await peer.end() == b""
    assert app.requests <= 1


# The time for a request


@hurried
async def test_an_unfinished_header_is_closed_at_its_deadline(server: Server) -> None:
    took = await asyncio.gather(*(ends_after(server, slow, SHORT / 5) for slow in SLOW))
    ended = {slow.__name__: seconds for slow, seconds in zip(SLOW, took, strict=True)}
    assert {slow: at for slow, at in ended.items() if not SHORT * 0.9 < at < 8} == {}
    await until(lambda: not server.connections)


BODIES = {
    "never comes": (request("POST / HTTP/1.1", "Host: a", "Content-Length: 10"), b""),
    "comes byte by byte": (request("POST / HTTP/1.1", "Host: a", "Content-Length: 999"), b"a"),
    "chunks never end": (CHUNKED, b"1\r\na\r\n"),
    "a chunk's extension never ends": (CHUNKED + b"1;", b"a"),
    "trailers never end": (CHUNKED + b"0\r\n", b"A: b\r\n"),
}


@hurried
async def test_an_unfinished_body_is_closed_at_its_deadline(
    server: Server, app: Application
) -> None:
    async def ends_after(head: bytes, more: bytes) -> float:
        peer = await server.connect()
        began = asyncio.get_running_loop().time()
        await peer.send(head)
        saying = asyncio.create_task(for_ever(peer, more, SHORT / 5))
        try:
            return await peer.ended_after(began)
        finally:
            saying.cancel()

    took = await asyncio.gather(*(ends_after(*each) for each in BODIES.values()))
    ended = dict(zip(BODIES, took, strict=True))
    assert {what: at for what, at in ended.items() if not SHORT * 0.9 < at < 8} == {}
    await until(lambda: not server.connections)
    await until(lambda: app.endings == ["http.disconnect"] * len(BODIES))


class Manual(ManualLoop):
    """Timers on a clock that the test moves; tasks in the test's own loop."""

    def create_task(self, coroutine: Any) -> asyncio.Task[Any]:
        return asyncio.get_running_loop().create_task(coroutine)


class Memory(asyncio.Transport):
    """The server's end of a connection in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_cut_off = False

    def write(self, data: Any) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.is_cut_off

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading

    def abort(self) -> None:
        self.is_cut_off = True

    def can_write_eof(self) -> bool:
        return False

    close = abort


async def test_a_slow_but_honest_client_is_served(app: Application) -> None:
    """Each part just within its deadline, all of them together far beyond it."""
    config = uvicorn_config(app)
    config.load()
    loop, memory = Manual(), Memory()
    transport = HttpTransport(config, ServerState(), {}, loop)  # type: ignore[arg-type]
    transport.connection_made(memory)
    head = request("POST / HTTP/1.1", "Host: a", "Content-Length: 60")
    for _ in range(2):
        for part in (head[:10], head[10:]):
            loop.run_until(loop.now + DEFAULTS.header_deadline / 2 - 0.1)
            transport.data_received(part)
        for _ in range(2):
            loop.run_until(loop.now + DEFAULTS.body_deadline / 2 - 0.1)
            transport.data_received(bytes(30))
        await until(lambda: memory.written.endswith(b"\r\n60\r\n0\r\n\r\n"))
        memory.written = b""
    assert not memory.is_cut_off


@hurried
async def test_a_slow_application_may_take_longer_than_any_deadline(
    limits: Limits,
) -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(3 * SHORT)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async with serving(slow, limits) as server:
        peer = await server.connect()
        await peer.send(GET)
        assert (await peer.answer()).status == 204


# Peers that send no more, but read on


async def half_closed(server: Server, data: bytes) -> Peer:
    """A peer that has sent `data` and half-closed, as `nc -N` does."""
    peer = await server.connect()
    await peer.send(data)
    peer.half_close()
    return peer


async def test_a_half_closed_peer_gets_its_answer_and_the_end(limits: Limits) -> None:
    is_ready = asyncio.Event()

    async def waits(scope: Any, receive: Any, send: Any) -> None:
        await is_ready.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"late"})

    async with serving(waits, limits) as server:
        peer = await half_closed(server, GET + b"\r")
        await peer.no_answer(0.05)  # the server has noticed the end
        is_ready.set()
        assert b"late" in await peer.end()
        await until(lambda: not server.connections)


async def test_a_half_closed_peer_gets_the_answers_to_every_request(
    server: Server,
) -> None:
    body = b"a" * 61440
    post = request("POST / HTTP/1.1", "Host: a", f"Content-Length: {len(body)}", body=body)
    many_chunks = CHUNKED + b"1\r\na\r\n" * 1000 + b"0\r\n\r\n"
    peer = await half_closed(server, GET + post + many_chunks + GET)
    answers = [await peer.chunked() for _ in range(4)]
    assert answers == [b"0", b"61440", b"1000", b"0"]
    assert await peer.end() == b""
    await until(lambda: not server.connections)


@pytest.mark.parametrize(
    "data",
    [
        GET[:-2],
        CHUNKED,
        CHUNKED + b"1\r\na\r\n" * 1000,
        request("POST / HTTP/1.1", "Host: a", "Content-Length: 10", body=b"123456789"),
    ],
    ids=["a header", "a body", "many chunks", "a body's last byte"],
)
async def test_a_half_close_within_a_request_is_refused(
    server: Server, app: Application, data: bytes
) -> None:
    peer = await half_closed(server, data)
    assert refused(await peer.answer()) == (400, "bad_request")
    assert await peer.end() == b""
    await until(lambda: not server.connections)
    assert "http.request" not in app.endings


# Sending too much, and not reading


@pytest.mark.parametrize("limits", [Limits(largest_request=65536)], ids=["64 KiB"])
@pytest.mark.parametrize(
    ("head", "more", "status"),
    [
        (CHUNKED + b"1;", b"a" * 1000, 431),
        (CHUNKED + b"0\r\nA: ", b"a" * 1000, 431),
        (CHUNKED + b"0\r\nA: b\r\n", b"B: c\r\n" * 100, 431),
        (CHUNKED, b"1;" + b"a" * 990 + b"\r\na\r\n", 413),
    ],
    ids=["an extension", "a trailer", "trailers", "many extensions"],
)
async def test_the_framing_of_a_body_is_limited(
    server: Server,
    app: Application,
    head: bytes,
    more: bytes,
    status: int,
) -> None:
    peer = await server.connect()
    await peer.send(head)
    sent = len(head)
    while sent < 15_000:  # below all limits
        await peer.send(more)
        sent += len(more)
    await peer.no_answer(0.1)
    await peer.send(more * 70)
    assert refused(await peer.answer())[0] == status
    await until(lambda: app.endings == ["http.disconnect"])


async def test_requests_ahead_of_their_answers_wait_unread() -> None:
    """The server buffers no more than one read of requests that wait for earlier responses."""
    waiting = asyncio.Event()
    calls = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal calls
        calls += 1
        await waiting.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async with serving(app, is_narrow=True) as server:
        peer = await server.connect(sends=NARROW)
        large = request("GET / HTTP/1.1", "Host: a", "A: " + "a" * 8000)
        taken = await peer.fill(large)
        assert calls == 1
        # The kernel's buffers on both sides and one read, but no more.
        assert 2 * len(large) < taken < 20 * NARROW
        waiting.set()
        for _ in range(taken // len(large)):
            assert (await peer.answer()).status == 204


async def test_requests_sent_ahead_are_answered_in_order(server: Server) -> None:
    peer = await server.connect()
    bodies = [b"a" * count for count in range(100)]
    await peer.send(
        b"".join(
            request("POST / HTTP/1.1", "Host: a", f"Content-Length: {len(body)}", body=body)
            for body in bodies
        )
    )
    assert [(await peer.chunked()) for _ in bodies] == [b"%d" % len(body) for body in bodies]


async def test_empty_lines_before_a_request_are_skipped_cheaply(server: Server) -> None:
    peer = await server.connect()
    before = time.process_time()
    await peer.send(b"\r\n" * 1_000_000 + GET)
    assert (await peer.chunked()) == b"0"
    assert time.process_time() - before < 1.0


@hurried
async def test_a_peer_that_does_not_read_an_answer_is_aborted(
    server: Server, app: Application
) -> None:
    peer = await server.connect(window=4096)
    await peer.send(request("GET /much HTTP/1.1", "Host: a"))
    await until(lambda: "send raised" in app.endings or not server.connections)
    await until(lambda: not server.connections)


@pytest.mark.parametrize("headers", [(), ("Connection: close",)], ids=["kept", "to be closed"])
@hurried
async def test_a_peer_that_does_not_read_a_small_answer_is_aborted(
    limits: Limits, headers: tuple[str, ...]
) -> None:
    """Less than 64 KiB does not pause writing: the application ends before the peer reads."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(60_000)})

    async with serving(app, limits, is_narrow=True, timeout_keep_alive=SHORT) as server:
        peer = await server.connect(window=4096)
        await peer.send(request("GET / HTTP/1.1", "Host: a", *headers))
        await until(lambda: len(server.connections) == 1)
        await until(lambda: not server.connections)


@hurried
async def test_a_peer_that_reads_slowly_gets_the_whole_answer(
    server: Server, app: Application
) -> None:
    peer = await server.connect(window=65536)
    began = time.monotonic()
    await peer.send(request("GET /much HTTP/1.1", "Host: a", "Connection: close"))
    got = 0
    while data := await peer.read(65536):
        got += len(data)
        if time.monotonic() - began < 4 * SHORT:
            await asyncio.sleep(SHORT / 10)
    assert got > 4 * 1024 * 1024


# Stopping the server


@pytest.mark.parametrize("limits", [Limits(shutdown_deadline=SHORT, turn=0.02)], ids=["in a hurry"])
async def test_a_stop_does_not_wait_for_unfinished_requests(
    server: Server, app: Application
) -> None:
    for data in (
        b"",
        b"GE",
        GET[:-2],
        GET + b"GE",
        CHUNKED,
        request("POST / HTTP/1.1", "Host: a", "Content-Length: 10"),
    ):
        await (await server.connect()).send(data)
    await until(lambda: app.requests == 3 and len(server.connections) == 6)
    began = asyncio.get_running_loop().time()
    await within(10, server.stop())
    assert asyncio.get_running_loop().time() - began < 4
    assert not server.connections
