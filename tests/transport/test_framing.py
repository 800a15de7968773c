"""Where one request ends and the next begins: as many responses as requests, in order.

Whatever the bodies contain, however the bytes are split into reads, and whatever `Upgrade` asks
for, a body never runs as a request (RFC 9112, 11.2: request smuggling).
"""

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.transport.limits import Limits
from tests.simulation.virtual import VirtualLoop
from tests.support.examples import examples
from tests.support.live_server import LiveServer
from tests.support.peers import Peer, Peers, request
from tests.support.responses import read_head
from tests.support.wire import OURS, Wire, run_on, settled, virtual_loop

# The smallest inputs


SMUGGLED = b"GET /api/players HTTP/1.1\r\nHost: x\r\n\r\n"
UPGRADES = {
    "h2c": ["Connection: Upgrade", "Upgrade: h2c"],
    "h2c, as Java's HttpClient asks": [
        "Connection: Upgrade, HTTP2-Settings",
        "HTTP2-Settings: AAMAAABkAAQAAP__",
        "Upgrade: h2c",
    ],
    "a WebSocket, by POST": ["Connection: Upgrade", "Upgrade: websocket"],
    "nothing that there is": ["Connection: upgrade", "Upgrade: TLS/1.0, IRC/6.9"],
    "none, and says so": ["Connection: Upgrade"],
    "h2c, by no connection": ["Upgrade: h2c"],
}


@pytest.mark.parametrize("delay", [0.0, 0.05], ids=["in one read", "in two reads"])
@pytest.mark.parametrize("upgrade", UPGRADES.values(), ids=UPGRADES)
async def test_a_body_after_an_upgrade_header_is_read_as_a_body(
    server: LiveServer, upgrade: list[str], delay: float
) -> None:
    """The body is a valid request, which would be answered with 200."""
    head = request(
        "POST /api/guests HTTP/1.1",
        "Host: x",
        "Content-Type: application/json",
        f"Content-Length: {len(SMUGGLED)}",
        *upgrade,
    )
    with Peers(server.port) as peers:
        peer = await peers.connect()
        await _send(peer, head, SMUGGLED, delay)
        answer = await peer.answer()
        assert answer.status == 400
        assert b'"bad_json"' in answer.body
        await peer.no_answer(0.1)
        # The connection continues after the body.
        await peer.send(request("GET /healthz HTTP/1.1", "Host: x", "Connection: close"))
        assert (await peer.answer()).body == b'{"status":"ok"}'
        assert await peer.end() == b""


@pytest.mark.parametrize("delay", [0.0, 0.05], ids=["in one read", "in two reads"])
@pytest.mark.parametrize("upgrade", UPGRADES.values(), ids=UPGRADES)
async def test_a_request_for_another_upgrade_is_served_without_it(
    server: LiveServer, upgrade: list[str], delay: float
) -> None:
    """`curl --http2` and Java's HttpClient ask for h2c with each request (RFC 9110, 7.8)."""
    body = b'{"name": "Ada"}'
    head = request(
        "POST /api/guests HTTP/1.1",
        "Host: x",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *upgrade,
    )
    with Peers(server.port) as peers:
        peer = await peers.connect()
        await _send(peer, head, body, delay)
        assert (await peer.answer()).status == 201


GUEST = b'{"name":"Eve"}'
READINGS = {
    "a line that ends with LF": (201, b"Content-Length: 14\n\n%s"),
    "a folded length": (201, b"Content-Length:\r\n 14\r\n\r\n%s"),
    "folded chunks": (201, b"Transfer-Encoding:\r\n chunked\r\n\r\ne\r\n%s\r\n0\r\n\r\n"),
    "a repeated length": (201, b"Content-Length: 14\r\nContent-Length: 14\r\n\r\n%s"),
    "a line with CR": (400, b"Content-Length: 14\r\nX: a\rb\r\n\r\n%s"),
    "a space before the colon": (400, b"Content-Length : 14\r\n\r\n%s"),
    "a length of a chunk that ends with LF": (
        400,
        b"Transfer-Encoding: chunked\r\n\r\ne\n%s\r\n0\r\n\r\n",
    ),
    "a chunk that ends with LF": (
        400,
        b"Transfer-Encoding: chunked\r\n\r\ne\r\n%s\n0\r\n\r\n",
    ),
}
"""The status of the answer, and the end of the header with the body."""


@pytest.mark.parametrize(("status", "rest"), READINGS.values(), ids=READINGS)
async def test_a_header_is_read_as_the_standard_lets_a_server_read_it(
    server: LiveServer, status: int, rest: bytes
) -> None:
    """RFC 9112, 2.2, 5.2 and 6.3."""
    head = b"POST /api/guests HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with Peers(server.port) as peers:
        peer = await peers.connect()
        await peer.send(head + rest % GUEST)
        assert (await peer.answer()).status == status


async def _send(peer: Peer, head: bytes, body: bytes, delay: float) -> None:
    if not delay:
        await peer.send(head + body)
        return
    await peer.send(head)
    await asyncio.sleep(delay)
    await peer.send(body)


# Random requests

OWN_STATUS = 299


@dataclass(frozen=True)
class Sent:
    """A request, and the expected response."""

    data: bytes
    method: str
    status: int
    body: bytes
    is_last: bool
    """True if the connection ends after the response."""


class Application:
    """Answers with the method of a request and a digest of its body, or refuses to read it."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            raise AssertionError("none of these handshakes is valid")
        headers = dict(scope["headers"])
        refusal = int(headers.get(b"x-refuse", b"0"))
        body = b""
        if not refusal:
            while True:
                event = await receive()
                body += event.get("body", b"")
                if event["type"] == "http.disconnect":
                    return
                if not event["more_body"]:
                    break
        for _ in range(int(headers.get(b"x-turns", b"0"))):
            await asyncio.sleep(0)
        text = b"refused" if refusal else digest(scope["method"], body)
        status = refusal or OWN_STATUS
        fields = [] if b"x-chunked" in headers else [(b"content-length", b"%d" % len(text))]
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": text[:5], "more_body": True})
        await send({"type": "http.response.body", "body": text[5:]})


def digest(method: str, body: bytes) -> bytes:
    return f"{method} {len(body)} {hashlib.sha256(body).hexdigest()}".encode()


def chunked(body: bytes, sizes: list[int], trailer: bool) -> bytes:
    data = b""
    at = 0
    for size in [*sizes, len(body)]:
        if part := body[at : at + size]:
            data += b"%x;name=value\r\n%b\r\n" % (len(part), part)
        at += size
    return data + b"0\r\n" + (b"Content-Length: 5\r\n" if trailer else b"") + b"\r\n"


BODIES = st.one_of(
    st.sampled_from([SMUGGLED, b"0\r\n\r\n" + SMUGGLED, b"\r\n\r\n", b"5\r\n" + SMUGGLED]),
    st.binary(max_size=60),
    st.just(b"x" * 70_000),
)
PROTOCOLS = ["h2c", "websocket", "WebSocket", "TLS/1.0", "", ",", "h2c, websocket", "a b"]
TOKENS = ["Upgrade", "upgrade", "keep-alive", "HTTP2-Settings", "close", "", "x"]


@st.composite
def sent(draw: st.DrawFn) -> Sent:
    """A request with valid framing, or with a header that is too large."""
    method = draw(st.sampled_from(["GET", "POST", "HEAD", "DELETE", "OPTIONS", "BREW"]))
    fields = ["Host: x"]
    upgrades = draw(st.lists(st.sampled_from(PROTOCOLS), max_size=2))
    connections = draw(st.lists(st.lists(st.sampled_from(TOKENS), max_size=2), max_size=2))
    fields += [f"Upgrade: {each}" for each in upgrades]
    fields += [f"Connection: {', '.join(each)}" for each in connections]
    refusal = draw(st.sampled_from([0, 0, 0, 401, 413, 415, 422]))
    if refusal:
        fields.append(f"X-Refuse: {refusal}")
    if draw(st.booleans()):
        fields.append("X-Chunked: 1")
    fields.append(f"X-Turns: {draw(st.integers(0, 3))}")
    has_large_header = draw(st.sampled_from([False] * 9 + [True]))
    if has_large_header:
        fields += ["X-Large: " + "x" * 5000] * 4
    framing = draw(st.sampled_from(["none", "length", "chunked"]))
    body = b"" if framing == "none" else draw(BODIES)
    data = body
    if framing == "length":
        fields.append(f"Content-Length: {len(body)}")
    elif framing == "chunked":
        fields.append("Transfer-Encoding: chunked")
        sizes = draw(st.lists(st.integers(1, 30), max_size=4))
        data = chunked(body, sizes, draw(st.booleans()))
    expects = framing != "none" and draw(st.booleans())
    if expects:
        fields.append("Expect: 100-continue")
    fields = draw(st.permutations(fields))

    words = {word.lower() for each in connections for word in each}
    protocols = {word.strip().lower() for each in upgrades for word in each.split(",")}
    opens_websocket = (
        method == "GET"
        and "upgrade" in words
        and "websocket" in protocols
        and framing != "chunked"
        and not body
    )
    if has_large_header:
        status, answer = 431, b'"header_too_large"'
    elif opens_websocket:
        status, answer = 0, b""  # without a key, refused by the WebSocket transport
    elif refusal:
        status, answer = refusal, b"refused"
    else:
        status, answer = OWN_STATUS, digest(method, body)
    return Sent(
        draw(st.sampled_from([b"", b"\r\n"])) + request(f"{method} / HTTP/1.1", *fields, body=data),
        method,
        status,
        b"" if method == "HEAD" else answer,
        is_last=has_large_header
        or opens_websocket
        or "close" in words
        or bool(expects and refusal),
    )


@pytest.fixture(scope="module")
def loop() -> Iterator[VirtualLoop]:
    with virtual_loop() as loop:
        yield loop


@settings(
    max_examples=examples(100),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    requests=st.lists(sent(), min_size=1, max_size=5),
    cuts=st.lists(st.integers(1, 200), min_size=1, max_size=5),
)
def test_every_request_has_one_response_in_order(
    loop: VirtualLoop, requests: list[Sent], cuts: list[int]
) -> None:
    data = b"".join(each.data for each in requests)
    reads: list[bytes] = []
    at = 0
    while at < len(data):
        # Small reads for the heads, large ones for a large body.
        size = cuts[len(reads) % len(cuts)] if len(reads) < 50 else 20_000
        reads.append(data[at : at + size])
        at += size

    async def scene() -> bytes:
        wire = Wire(OURS, Application())
        wire.transport.say(reads)
        await settled(1.0)
        assert wire.transport.crashes == []
        has_ended = wire.has_ended
        wire.transport.lose()
        await settled()
        assert not wire.state.tasks
        assert not wire.state.connections
        assert has_ended == any(each.is_last for each in requests)
        return bytes(wire.transport.taken)

    taken = run_on(loop, scene())
    for each in requests:
        status, body, taken = next_response(taken, each.method)
        if each.status:
            assert (status, each.body in body) == (each.status, True)
            assert not (each.method == "HEAD" and body)
        else:
            assert status in (400, 426)
        if each.is_last:
            break
    assert taken == b"", "nobody asked for this"


def next_response(data: bytes, method: str) -> tuple[int, bytes, bytes]:
    """Status and body of the first final response, and the bytes after it."""
    while True:
        head, blank, rest = data.partition(b"\r\n\r\n")
        assert blank, data
        status, fields = read_head(head)
        if status != 100:
            break
        data = rest
    headers = dict(fields)
    if method == "HEAD":
        return status, b"", rest
    if "content-length" in headers:
        length = int(headers["content-length"])
        return status, rest[:length], rest[length:]
    assert headers["transfer-encoding"] == "chunked"
    body = b""
    while True:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        body += rest[:length]
        assert rest[length : length + 2] == b"\r\n"
        rest = rest[length + 2 :]
        if not length:
            return status, body, rest


# Broken requests

CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
BROKEN = {
    "no size": CHUNKED + b"zz\r\n",
    "an empty size": CHUNKED + b"\r\nabcde\r\n",
    "a negative size": CHUNKED + b"-1\r\n",
    "a size with a prefix": CHUNKED + b"0x5\r\nabcde\r\n",
    "a chunk without its end": CHUNKED + b"5\r\nabcde__",
    "a second chunk": CHUNKED + b"5\r\nabcde\r\nzz\r\n",
    "HTTP/2": b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
    "HTTP/2 with prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/3.7": b"GET / HTTP/3.7\r\nHost: x\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/0.9 that says so": b"GET / HTTP/0.9\r\nHost: x\r\n\r\n",
    "a version of two digits": b"GET / HTTP/1.10\r\nHost: x\r\n\r\n",
    "no minor version": b"GET / HTTP/1\r\nHost: x\r\n\r\n",
    "another protocol": b"GET / ICY/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("at_once", [True, False], ids=["in one read", "byte by byte"])
@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_a_broken_request_is_answered_at_once_and_not_when_a_deadline_passes(
    loop: VirtualLoop, data: bytes, at_once: bool
) -> None:
    """Even while the application waits for the body."""

    async def scene() -> None:
        wire = Wire(OURS, Application())
        wire.transport.say([data] if at_once else [bytes([each]) for each in data])
        await settled()
        assert next_response(bytes(wire.transport.taken), "POST")[0] == 400
        assert wire.has_ended
        assert not wire.state.tasks
        wire.transport.lose()
        await settled()

    run_on(loop, scene())


def test_the_largest_header_is_smaller_than_the_examples_of_large_ones() -> None:
    assert Limits().largest_header < 4 * 5000
