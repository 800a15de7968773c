"""Plain requests, parsed in one pass, are those that the general parser finds."""

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.transport.head import WholeRequest, read_request
from server.transport.limits import Limits
from server.transport.request import check_head
from tests.support.examples import examples
from tests.support.requests import around

LIMITS = Limits()

BODY = b'{"name":"Ada"}'
LINES = {
    "first": "POST /api/guests?a=%20 HTTP/1.1",
    "host": "Host: game.example:8000",
    "agent": "User-Agent: Mozilla/5.0 (X11; Linux x86_64)",
    "type": "Content-Type: application/json",
    "length": f"Content-Length: {len(BODY)}",
    "connection": "Connection: keep-alive",
    "cookie": "Cookie: session=abc; theme=dark",
}


def request(**changed: str | None) -> bytes:
    """A plain request with other lines; None leaves one out, and an unknown name adds one."""
    lines = [line for line in (LINES | changed).values() if line is not None]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + BODY


def general(data: bytes) -> WholeRequest:
    """What h11 and `check_head` make of a request. Raises h11.RemoteProtocolError or Problem."""
    parser = h11.Connection(h11.SERVER, LIMITS.largest_header)
    parser.receive_data(data)
    event = parser.next_event()
    assert isinstance(event, h11.Request)
    head = check_head(event, data[: len(data) - len(parser.trailing_data[0])], LIMITS)
    body = b""
    while not isinstance(event := parser.next_event(), h11.EndOfMessage):
        assert isinstance(event, h11.Data)
        body += bytes(event.data)
    return WholeRequest(head, body, parser.trailing_data[0])


@pytest.mark.parametrize(
    "plain",
    [
        request(),
        request(length=None),
        request(length="Content-Length: 0"),
        request(connection=None),
        request(connection="Connection: close"),
        request(first="GET / HTTP/1.1", length=None),
        request(first="HEAD /healthz HTTP/1.1", length=None),
        request(first="DELETE /api/session HTTP/1.1"),
        request(first="PUT /api/password HTTP/1.1"),
        request() + request(),
    ],
)
def test_a_plain_request_is_parsed_in_one_pass(plain: bytes) -> None:
    assert read_request(plain, LIMITS) == general(plain)


@pytest.mark.parametrize(
    "unusual",
    [
        request(first="POST /api/guests HTTP/1.0"),
        request(first="POST http://game.example/ HTTP/1.1"),
        request(first="OPTIONS * HTTP/1.1"),
        request(first="CONNECT /a HTTP/1.1"),
        request(first="post / HTTP/1.1"),
        request(first="POST / HTTP/1.1 "),
        request(host=None),
        request(host="Host: a b"),
        request(host2="Host: other.example"),
        request(length="Content-Length: 014"),
        request(length="Content-Length: +14"),
        request(length="Content-Length: 14, 14"),
        request(length2="Content-Length: 14"),
        request(length="Content-Length: 15"),
        request(length=f"Content-Length: {LIMITS.largest_request}"),
        request(length="Content-Length: 1000000000"),
        request(chunked="Transfer-Encoding: chunked"),
        request(length=None, chunked="Transfer-Encoding: chunked"),
        request(expect="Expect: 100-continue"),
        request(connection="Connection: Upgrade", upgrade="Upgrade: h2c"),
        request(upgrade="Upgrade: h2c"),
        request(connection="Connection: keep-alive, x"),
        request(folded=" a"),
        request(spaced="X : a"),
        request(latin="X: \xe9"),
        request(long=f"X: {'a' * LIMITS.longest_header_line}"),
        request(**{f"x{number}": f"X{number}: a" for number in range(LIMITS.most_header_lines)}),
        request().replace(b"\r\n", b"\n"),
        b"\r\n" + request(),
        request()[:-1],
        b"",
    ],
)
def test_an_unusual_request_is_left_to_the_general_parser(unusual: bytes) -> None:
    assert read_request(unusual, LIMITS) is None


ADDED = (
    "Transfer-Encoding: chunked",
    "Expect: 100-continue",
    "Upgrade: h2c",
    "Content-Length: 14",
    "Host: other.example",
    "X: a",
    " a",
)


@st.composite
def near(draw: st.DrawFn) -> bytes:
    """A request with a change at one or two places, and what may follow it."""
    parts = [*(f"{line}\r\n" for line in LINES.values()), "\r\n"]
    if draw(st.integers(0, 4)) == 0:
        parts.insert(draw(st.integers(1, len(parts) - 1)), f"{draw(st.sampled_from(ADDED))}\r\n")
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.integers(0, len(parts) - 1))
        parts[place] = draw(around(parts[place]))
    after = draw(st.sampled_from(["", "GET / HTTP/1.1\r\n", "\r\n"]))
    return "".join([*parts, BODY.decode(), after]).encode("latin-1")


def test_a_plain_request_equals_the_result_of_the_general_parser() -> None:
    plain_ones = 0

    @settings(max_examples=examples(400))
    @given(near())
    def compare(data: bytes) -> None:
        nonlocal plain_ones
        plain = read_request(data, LIMITS)
        if plain is not None:
            plain_ones += 1
            assert general(data) == plain

    compare()
    assert plain_ones > examples(400) / 10, "or nothing was compared"
