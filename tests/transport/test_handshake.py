"""The opening handshake: accepted and refused requests, and the application's scope.

As in production, every request goes through our HTTP transport, to both implementations.
"""

import asyncio
import base64
import hashlib
import json
from typing import Any

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.transport.handshake import scope_of, upgrade_of
from server.transport.head import Upgrade, read_upgrade
from server.transport.limits import Limits
from server.transport.request import check_head
from server.wire.problem import Problem
from tests.simulation.virtual import VirtualLoop
from tests.support.examples import examples
from tests.support.frames import CLOSE, TEXT, client_frame
from tests.support.requests import around
from tests.support.responses import problem_of
from tests.support.wire import (
    OURS,
    UVICORN,
    Event,
    Listener,
    Said,
    Wire,
    run_on,
    settled,
)

LIMITS = Limits()

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPTED = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, 1.3, has the same example

ONE_OF_EACH = {
    "Host": "game.example",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
}


def head(*more: str, first: str = "GET /ws HTTP/1.1", **other: str | None) -> bytes:
    """A valid upgrade with changes: `Sec_WebSocket_Key=None` leaves it out."""
    lines = ONE_OF_EACH | {name.replace("_", "-"): value for name, value in other.items()}
    fields = [f"{name}: {value}" for name, value in lines.items() if value is not None]
    return "\r\n".join([first, *fields, *more, "", ""]).encode("latin-1")


class Outcome:
    """The result of a request."""

    def __init__(self, said: Said, has_ended: bool, listener: Listener) -> None:
        self.said, self.has_ended, self.listener = said, has_ended, listener

    @property
    def scope(self) -> dict[str, Any]:
        return self.listener.scope


def code_of(said: Said) -> str:
    """The code of a refusal."""
    return problem_of(said.status, dict(said.headers), said.body)[1]


def read(request: bytes) -> Upgrade | None:
    """The upgrade that our HTTP transport makes of `request` if it is not plain, or None if it is
    no upgrade. Raises Problem, or errors of h11."""
    parser = h11.Connection(h11.SERVER)
    parser.receive_data(request)
    event = parser.next_event()
    if not isinstance(event, h11.Request):
        return None
    size = len(request) - len(parser.trailing_data[0])
    checked = check_head(event, request[:size], LIMITS)
    if not checked.opens_websocket:
        return None
    while parser.next_event() is not h11.PAUSED:
        pass
    return upgrade_of(checked, parser.trailing_data[0], Limits())


def send_request(loop: VirtualLoop, kind: Any, *chunks: bytes, **options: Any) -> Outcome:
    async def scene() -> Outcome:
        listener = Listener()
        wire = Wire(kind, listener, **options)
        wire.transport.say(chunks)
        await settled()
        outcome = Outcome(wire.said, wire.has_ended, listener)
        assert wire.transport.crashes == []
        wire.transport.lose()
        await settled()
        assert not wire.state.tasks
        assert not wire.state.connections
        return outcome

    return run_on(loop, scene())


def without_date(said: Said) -> list[tuple[str, str]]:
    return [header for header in said.headers if header[0] != "date"]


# Accepted requests

BROWSERS = {
    "Chromium": [
        "Host: game.example",
        "Connection: Upgrade",
        "Pragma: no-cache",
        "Cache-Control: no-cache",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0.0.0",
        "Upgrade: websocket",
        "Origin: https://game.example",
        "Sec-WebSocket-Version: 13",
        "Accept-Encoding: gzip, deflate, br, zstd",
        "Accept-Language: en-US,en;q=0.9",
        "Cookie: session=abc; theme=dark",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
    ],
    "Firefox": [
        "Host: game.example",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
        "Accept: */*",
        "Accept-Language: en-US,en;q=0.5",
        "Accept-Encoding: gzip, deflate, br, zstd",
        "Sec-WebSocket-Version: 13",
        "Origin: https://game.example",
        "Sec-WebSocket-Extensions: permessage-deflate",
        f"Sec-WebSocket-Key: {KEY}",
        "Connection: keep-alive, Upgrade",
        "Cookie: session=abc",
        "Sec-Fetch-Dest: empty",
        "Sec-Fetch-Mode: websocket",
        "Sec-Fetch-Site: same-origin",
        "Pragma: no-cache",
        "Cache-Control: no-cache",
        "Upgrade: websocket",
    ],
    "Safari": [
        "Upgrade: websocket",
        "Host: game.example",
        "Origin: https://game.example",
        "Sec-WebSocket-Protocol: stillhere, other",
        "Pragma: no-cache",
        "Cache-Control: no-cache",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Extensions: permessage-deflate",
        "User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.1 Safari/605.1.15",
        "Connection: Upgrade",
    ],
}


@pytest.mark.parametrize("browser", BROWSERS)
def test_browsers_are_accepted_without_extensions(loop: VirtualLoop, browser: str) -> None:
    request = "\r\n".join(["GET /ws?v=1 HTTP/1.1", *BROWSERS[browser], "", ""]).encode()
    ours, twin = send_request(loop, OURS, request), send_request(loop, UVICORN, request)
    assert ours.said.status == 101
    assert ours.said.header("sec-websocket-accept") == ACCEPTED
    assert ours.said.header("sec-websocket-extensions") is None
    assert ours.said.header("sec-websocket-protocol") is None, "nobody chose one"
    assert without_date(ours.said) == without_date(twin.said)
    assert ours.scope == twin.scope
    assert (b"origin", b"https://game.example") in ours.scope["headers"]


def test_the_key_is_answered_as_the_rfc_says(loop: VirtualLoop) -> None:
    for number in range(20):
        key = base64.b64encode(bytes([number * 12]) * 16).decode()
        digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
        outcome = send_request(loop, OURS, head(Sec_WebSocket_Key=key))
        assert outcome.said.header("sec-websocket-accept") == base64.b64encode(digest).decode()


# Without differences

SAME: dict[str, bytes] = {
    "plain": head(),
    "the name of the protocol in capitals": head(Upgrade="WebSocket", Connection="UPGRADE"),
    "one of several connections": head(Connection="keep-alive, Upgrade"),
    "an empty body": head("Content-Length: 0"),
    "a path in percents": head(first="GET /a%20b/%C3%A9/%2F?x=%20&y=%ff HTTP/1.1"),
    "a path in broken percents": head(first="GET /%ff%zz/% HTTP/1.1"),
    "a path with dots": head(first="GET /../a/./b//c HTTP/1.1"),
    "a path with odd characters": head(first='GET /a\\b"<>`{}| HTTP/1.1'),
    "an empty query": head(first="GET /ws? HTTP/1.1"),
    "a query with another in it": head(first="GET /ws?a?b=%3F#c HTTP/1.1"),
    "a whole address": head(first="GET http://game.example/ws HTTP/1.1"),
    "UTF-8 in a header": head("X-Name: h\xc3\xa9"),
    "ISO-8859-1 in a header": head("X-Name: \xe9\xff\x80"),
    "tabs and spaces in a header": head("X-Name: \t a \t b\t "),
    "an empty header": head("X-Name:"),
    "the same header many times": head(*["X-Name: a", "x-name: b", "X-NAME: a"]),
    "subprotocols": head("Sec-WebSocket-Protocol: a, b", "Sec-WebSocket-Protocol:c"),
    "extensions nobody knows": head("Sec-WebSocket-Extensions: x; y=1, z", Cookie="a=b"),
    "a long cookie": head("Cookie: " + "a" * 8000),
    "no key": head(Sec_WebSocket_Key=None),
    "a short key": head(Sec_WebSocket_Key="AAAA"),
    "a long key": head(Sec_WebSocket_Key="A" * 32),
    "a key that is none": head(Sec_WebSocket_Key="!" * 24),
    "two keys": head(f"Sec-WebSocket-Key: {KEY}"),
    "an empty subprotocol": head("Sec-WebSocket-Protocol: "),
    "a subprotocol that is none": head("Sec-WebSocket-Protocol: a b@"),
    "a connection that is none": head(Connection="Upgrade, @@"),
    "a folded header": head("X-Name: a\r\n b"),
}


@pytest.mark.parametrize("request_", SAME.values(), ids=SAME.keys())
def test_a_request_is_answered_as_by_the_twin_and_described_alike(
    loop: VirtualLoop, request_: bytes
) -> None:
    ours, twin = send_request(loop, OURS, request_), send_request(loop, UVICORN, request_)
    assert ours.scope == twin.scope
    assert ours.said.status == twin.said.status != 0
    assert ours.has_ended == twin.has_ended == (ours.said.status != 101)
    if ours.said.status == 101:
        assert without_date(ours.said) == without_date(twin.said)
    else:
        # Both refuse it, with different bodies.
        assert code_of(ours.said) == "bad_request"


@pytest.mark.parametrize("root_path", ["", "/api", "/api/v1"])
def test_a_scope_equals_that_of_the_twin(loop: VirtualLoop, root_path: str) -> None:
    request = head("Sec-WebSocket-Protocol: a, b", first="GET /ws/%C3%A9?q=%20 HTTP/1.1")
    ours = send_request(loop, OURS, request, root_path=root_path)
    twin = send_request(loop, UVICORN, request, root_path=root_path)
    assert ours.scope == twin.scope
    assert ours.scope["root_path"] == root_path
    assert ours.scope["path"] == f"{root_path}/ws/é"
    assert ours.scope["raw_path"] == f"{root_path}/ws/%C3%A9".encode()
    assert ours.scope["query_string"] == b"q=%20"
    assert ours.scope["subprotocols"] == ["a", "b"]
    assert ours.scope["state"] is not send_request(loop, OURS, request).scope["state"]


@pytest.mark.parametrize("cuts", [[1], [3, 50], [7], [10_000]])
def test_a_request_may_come_in_any_pieces(loop: VirtualLoop, cuts: list[int]) -> None:
    request = head()
    chunks: list[bytes] = []
    at = 0
    while at < len(request):
        size = cuts[len(chunks) % len(cuts)]
        chunks.append(request[at : at + size])
        at += size
    assert send_request(loop, OURS, *chunks).said.status == 101


# Differences


NO_UPGRADES = {
    "HTTP/1.0": head(first="GET /ws HTTP/1.0"),
    "another method": head(first="POST /ws HTTP/1.1"),
    "a body": head("Content-Length: 5") + b"hello",
    "a chunked body": head("Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "no connection": head(Connection=None),
    "another connection": head(Connection="keep-alive"),
    "another protocol": head(Upgrade="h2c"),
    "a version of it": head(Upgrade="websocket/13"),
}


@pytest.mark.parametrize("request_", NO_UPGRADES.values(), ids=NO_UPGRADES.keys())
def test_a_request_that_cannot_be_an_upgrade_is_plain_http(
    loop: VirtualLoop, request_: bytes
) -> None:
    assert send_request(loop, OURS, request_).listener.scope["type"] == "http"


@pytest.mark.parametrize(
    "request_",
    [
        head("Connection: keep-alive"),
        head("Connection: Upgrade", Connection="keep-alive"),
        head(Connection="keep-alive , ,UPGRADE"),
        head("Upgrade: h2c"),
        head(Upgrade="h2c, WebSocket"),
    ],
    ids=["two lines", "the other two lines", "a list", "two protocols", "a list of protocols"],
)
def test_an_upgrade_may_be_one_of_several(loop: VirtualLoop, request_: bytes) -> None:
    """Lines of one name are one list (RFC 9110, 5.3), and the server chooses (7.8)."""
    assert send_request(loop, OURS, request_).said.status == 101


@pytest.mark.parametrize(
    "line",
    ["X A: b", ": b", "X\xe9: b", "X : b", "X\t: b", "X", "X\0: b", "X: a\0b", "X: a\x1fb"],
)
def test_an_invalid_header_line_is_refused(loop: VirtualLoop, line: str) -> None:
    outcome = send_request(loop, OURS, head(line))
    assert (outcome.said.status, outcome.has_ended) == (400, True)
    assert code_of(outcome.said) == "bad_request"


@pytest.mark.parametrize("version", ["8", "14", "13, 8", "", None])
def test_another_version_is_refused_with_the_supported_one(
    loop: VirtualLoop, version: str | None
) -> None:
    """RFC 6455, 4.2.2 and 4.4; RFC 9110, 15.5.22. uvicorn's answers 400, and no more."""
    said = send_request(loop, OURS, head(Sec_WebSocket_Version=version)).said
    assert (said.status, said.header("sec-websocket-version")) == (426, "13")
    assert (said.header("upgrade"), said.header("connection")) == ("websocket", "Upgrade, close")
    assert code_of(said) == "upgrade_required"


def test_a_refusal_of_a_large_header_is_small(loop: VirtualLoop) -> None:
    said = send_request(loop, OURS, head(Sec_WebSocket_Key="!" * 8000)).said
    assert (said.status, code_of(said)) == (400, "bad_request")
    assert len(said.body) < 500


def test_a_refusal_does_not_send_100_continue(loop: VirtualLoop) -> None:
    """RFC 9110, 10.1.1: a final status instead of 100."""
    outcome = send_request(loop, OURS, head("Expect: 100-continue", Sec_WebSocket_Key=None))
    assert (outcome.said.status, outcome.has_ended) == (400, True)


def test_empty_names_among_subprotocols_are_ignored(loop: VirtualLoop) -> None:
    """RFC 9110, 5.6.1: empty elements of a list are ignored; uvicorn's offers them."""
    request = head("Sec-WebSocket-Protocol: a,,b, ")
    assert send_request(loop, UVICORN, request).scope["subprotocols"] == ["a", "", "b", ""]
    assert send_request(loop, OURS, request).scope["subprotocols"] == ["a", "b"]


def test_a_socket_waits_while_writing_is_paused_by_an_earlier_response(loop: VirtualLoop) -> None:
    """The event loop calls only the present protocol to pause, and only once."""

    async def scene() -> None:
        listener = Listener()
        wire = Wire(OURS, listener)
        wire.protocol.pause_writing()
        await wire.upgrade()
        assert wire.said.status == 101
        assert not wire.protocol.send_text("not yet")
        wire.protocol.resume_writing()
        assert wire.protocol.send_text("now")
        # The protocol before it has stopped its timers.
        await asyncio.sleep(3 * LIMITS.write_stall)
        assert not wire.transport.is_closing()
        wire.transport.lose()
        await settled()

    run_on(loop, scene())


# Limits


@pytest.mark.parametrize("lines", [1, 2])
@pytest.mark.parametrize("name", ["Connection", "Sec-WebSocket-Protocol"])
def test_the_lists_in_an_upgrade_are_bounded(name: str, lines: int) -> None:
    """Lists of thousands took 20 ms to parse."""

    def listing(count: int) -> bytes:
        listed = ["Upgrade", *(f"p{number}" for number in range(count - 1))]
        more = [f"{name}: {','.join(listed[n::lines])}" for n in range(lines)]
        return head(*more, Connection=None if name == "Connection" else "Upgrade")

    assert read(listing(LIMITS.most_listed)) is not None
    with pytest.raises(Problem) as refused:
        read(listing(LIMITS.most_listed + 1))
    assert read_upgrade(listing(LIMITS.most_listed + 1), LIMITS) is None
    assert (refused.value.status, refused.value.code) == (400, "bad_request")


TOO_LARGE = {
    "a line too long": head("X-Name: " + "a" * LIMITS.longest_header_line),
    "too many lines": head(*[f"X-{number}: a" for number in range(LIMITS.most_header_lines)]),
    "too much of it": head(*[f"X-{number}: " + "a" * 4000 for number in range(5)]),
}


@pytest.mark.parametrize("request_", TOO_LARGE.values(), ids=TOO_LARGE.keys())
def test_a_header_that_is_too_large_is_refused_with_431(loop: VirtualLoop, request_: bytes) -> None:
    outcome = send_request(loop, OURS, request_)
    assert (outcome.said.status, outcome.has_ended) == (431, True)
    assert code_of(outcome.said) == "header_too_large"
    assert outcome.listener.scope == {}


def test_a_header_as_large_as_is_allowed_is_read_and_not_a_byte_more(loop: VirtualLoop) -> None:
    def sized(length: int) -> bytes:
        lines = [f"X-{number}: " + "a" * 5000 for number in range(3)]
        missing = length - len(head(*lines)) - len("X-9: \r\n")
        return head(*lines, "X-9: " + "a" * missing)

    assert len(sized(LIMITS.largest_header)) == LIMITS.largest_header
    assert send_request(loop, OURS, sized(LIMITS.largest_header)).said.status == 101
    assert send_request(loop, OURS, sized(LIMITS.largest_header + 1)).said.status == 431


def test_the_number_and_length_of_header_lines_are_limited(loop: VirtualLoop) -> None:
    others = len(ONE_OF_EACH)
    for more, status in (
        (["X: a"] * (LIMITS.most_header_lines - others), 101),
        (["X: a"] * (LIMITS.most_header_lines - others + 1), 431),
        (["X-Name: " + "a" * (LIMITS.longest_header_line - len("X-Name: "))], 101),
        (["X-Name: " + "a" * (LIMITS.longest_header_line - len("X-Name: ") + 1)], 431),
    ):
        assert send_request(loop, OURS, head(*more)).said.status == status


def test_a_header_without_an_end_is_refused_as_soon_as_it_is_too_large(loop: VirtualLoop) -> None:
    line = b"X-Name: " + b"a" * 990 + b"\r\n"
    outcome = send_request(loop, OURS, head()[:-2], *[line] * 20)
    assert (outcome.said.status, outcome.has_ended) == (431, True)


# Messages before the response


class Hesitant(Listener):
    """Accepts only after a while."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await settled(1.0)
        await super().__call__(scope, receive, send)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_bytes_received_before_the_answer_are_delivered_after_it(
    loop: VirtualLoop, size: int
) -> None:
    """RFC 6455, 4.1: a client waits for the response. Messages of one that does not are kept."""
    early = client_frame(TEXT, b"early") + client_frame(CLOSE, b"\x03\xe9")

    async def scene() -> list[Event]:
        hesitant = Hesitant()
        wire = Wire(OURS, hesitant)
        wire.transport.say([head()])
        wire.transport.say([early[at : at + size] for at in range(0, len(early), size)])
        await settled(0.5)
        assert wire.said.status == 0
        await settled(1.0)
        assert wire.said.status == 101
        assert wire.transport.is_lost
        assert wire.transport.crashes == []
        return hesitant.events[1:]

    assert run_on(loop, scene()) == [
        {"type": "websocket.receive", "text": "early"},
        {"type": "websocket.disconnect", "code": 1001, "reason": ""},
    ]


def test_bytes_received_while_accepting_follow_earlier_ones(
    loop: VirtualLoop,
) -> None:
    """The order in which loops call readers and other callbacks is not specified."""
    message = client_frame(TEXT, b"early")

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await settled()
        await send({"type": "websocket.accept"})
        wires[0].protocol.data_received(message[4:])
        assert (await receive())["text"] == "early"
        heard.append("early")

    async def scene() -> None:
        wires.append(Wire(OURS, application))
        wires[0].transport.say([head(), message[:4]])
        await settled(0.1)
        wires[0].transport.lose()

    heard: list[str] = []
    wires: list[Wire] = []
    run_on(loop, scene())
    assert heard == ["early"]


def test_too_many_bytes_before_the_answer_abort_the_connection(loop: VirtualLoop) -> None:
    async def scene() -> bool:
        hesitant = Hesitant()
        wire = Wire(OURS, hesitant)
        wire.transport.say([head(), *[bytes(1000)] * (LIMITS.largest_header // 1000)])
        await settled(0.1)
        assert not wire.transport.is_aborted
        wire.transport.say([bytes(1000)])
        await settled(0.1)
        assert wire.transport.is_lost
        await settled(2.0)
        assert hesitant.events == [{"type": "websocket.connect"}], "nobody is let in any more"
        return wire.transport.is_aborted

    assert run_on(loop, scene())


# Random requests

names = st.one_of(st.sampled_from(list(ONE_OF_EACH)), st.text("aZ-9: \x00\xe9", max_size=4))
values = st.one_of(
    st.sampled_from(["websocket", "Upgrade", "13", KEY, "5", "chunked", ""]),
    st.text(st.characters(max_codepoint=255), max_size=6),
)
firsts = st.one_of(
    st.just("GET /ws HTTP/1.1"),
    st.text(st.characters(max_codepoint=255), max_size=12),
    st.tuples(*[st.sampled_from(["GET", "POST", "", "/", "/%ff?", "?", "HTTP/1.1", "HTTP/9"])] * 3)
    .map(" ".join),
)  # fmt: skip


@settings(max_examples=examples(100))
@given(
    first=firsts,
    more=st.lists(st.tuples(names, values).map(": ".join), max_size=3),
    other=st.dictionaries(
        st.sampled_from([name.replace("-", "_") for name in ONE_OF_EACH]),
        st.one_of(st.none(), values),
        max_size=2,
    ),
)
def test_any_request_is_read_or_refused(
    first: str, more: list[str], other: dict[str, str | None]
) -> None:
    refused: Problem | None = None
    upgrade: Upgrade | None = None
    try:
        upgrade = read(head(*more, first=first, **other))
    except h11.RemoteProtocolError:
        return
    except Problem as problem:
        refused = problem
    if refused is not None:
        assert refused.status in (400, 426)
        assert json.loads(refused.body)["detail"]
    if upgrade is None:
        return
    scope = scope_of(upgrade, "/root")
    assert scope["path"].startswith("/root")
    assert all(name == name.lower() for name, _ in scope["headers"])


# Plain requests are parsed in one pass, and all others by the HTTP parser

ODD = [
    head("Content-Length: 0"),
    head("Transfer-Encoding: chunked"),
    head("Expect: 100-continue"),
    head("Host: game.example"),
    head("X: a", "X: a"),
    head("X: a", " b"),
    head("X : a"),
    head("X: \xe9"),
    head("X: a\tb", Connection="close, Upgrade"),
    head(Upgrade="websocket, h2c"),
    head(Host="a b"),
    head(Host=None),
    head(Sec_WebSocket_Version="8"),
    head(Sec_WebSocket_Key=KEY[:-3] + "R=="),
    head(Sec_WebSocket_Protocol="a b"),
    head(Sec_WebSocket_Protocol=""),
    head(first="GET http://game.example/ws HTTP/1.1"),
    head(first="GET /ws HTTP/1.0"),
    head(first="GET  /ws HTTP/1.1"),
    head(first="POST /ws HTTP/1.1"),
    head(f"X: {'a' * LIMITS.longest_header_line}"),
    head(*(f"X-{number}: a" for number in range(LIMITS.most_header_lines))),
    b"\r\n" + head(),
    head().replace(b"\r\n", b"\n"),
    head()[:-1],
]


@pytest.mark.parametrize("request_", ODD)
def test_an_unusual_request_is_left_to_the_general_parser(request_: bytes) -> None:
    assert read_upgrade(request_, LIMITS) is None


@pytest.mark.parametrize("browser", sorted(BROWSERS))
def test_requests_of_browsers_are_parsed_as_plain_upgrades(browser: str) -> None:
    request = "\r\n".join(["GET /ws?a=%20 HTTP/1.1", *BROWSERS[browser], "", "rest"]).encode()
    upgrade = read_upgrade(request, LIMITS)
    assert upgrade is not None
    assert (upgrade.target, upgrade.key, upgrade.rest) == (b"/ws?a=%20", KEY.encode(), b"rest")


def perhaps(text: str) -> st.SearchStrategy[str]:
    """`text`, or a small change of it."""
    return st.one_of(st.just(text), around(text))


near = st.builds(
    lambda *parts: "".join(parts).encode("latin-1"),
    perhaps("GET /ws?a=1%20 HTTP/1.1\r\n"),
    *(perhaps(f"{name}: {value}\r\n") for name, value in ONE_OF_EACH.items()),
    st.one_of(
        st.just(""),
        *(
            perhaps(f"{line}\r\n")
            for line in (
                "Sec-WebSocket-Protocol: stillhere.v1, b",
                "Cookie: session=abc; theme=dark",
                "Origin: https://game.example",
                "Content-Length: 0",
            )
        ),
    ),
    perhaps("\r\n"),
)


@settings(max_examples=examples(400))
@given(near)
def test_a_plain_upgrade_equals_the_result_of_the_general_parser(
    request: bytes,
) -> None:
    plain = read_upgrade(request, LIMITS)
    if plain is None:
        return
    assert read(request) == plain
