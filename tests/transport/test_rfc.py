"""The MUSTs of the RFCs for servers, each with a test.

From RFC 9110 (5.3, 5.5, 6.6.1, 7.6.1, 7.8, 8.6, 9.1, 9.3, 10.1.1, 12.5, 13.1, 13.2, 15), RFC 9112
(2 to 7, 9.3, 9.6) and RFC 6455 (4.2, 4.4). `@must` adds a sentence to the table `RULES`, and each
is tried on a running server. `NOT_OURS` lists the parts that are for others, and for whom.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import pytest

from tests.hostile.conftest import serve
from tests.support.peers import Answer, Peer, Peers, opening, request

Check = Callable[[Peers], Awaitable[None]]


@dataclass(frozen=True)
class Rule:
    section: str
    sentence: str
    check: Check


RULES: list[Rule] = []

NOT_OURS = {
    "RFC 9110, 7.6.1: what intermediaries do with connection options": "proxies",
    "RFC 9110, 7.6.2, 7.6.3: Max-Forwards, Via": "proxies; TRACE is not served",
    "RFC 9110, 9.3.3 to 9.3.5: what is invalidated by POST, PUT and DELETE": "caches",
    "RFC 9110, 9.3.6: how a tunnel is kept": "proxies; CONNECT is refused",
    "RFC 9110, 12.5.3: codings": "a server that has more than one; nginx compresses",
    "RFC 9110, 12.5.5: Vary": "there is one representation of each resource",
    "RFC 9110, 13.1.3, 13.1.4: dates": "must be ignored where there is no modification date",
    "RFC 9110, 13.1.5: If-Range": "ranges are not served",
    "RFC 9112, 3.2.1, 3.2.2: which form a client sends": "clients",
    "RFC 9112, 4, 6.3: how a response is read": "clients",
    "RFC 9112, 7.4: TE": "no other coding is sent",
    "RFC 9112, 9.2, 9.3.1: which request a response is of, retries": "clients",
    "RFC 9112, 9.5: a timeout is a close": "a SHOULD",
    "RFC 6455, 4.1: what a client sends and checks": "clients",
    "RFC 6455, 4.2.2 (1): TLS": "the proxy",
}


def must(section: str, sentence: str) -> Callable[[Check], Check]:
    """Add a rule to the table."""

    def add(check: Check) -> Check:
        RULES.append(Rule(section, sentence, check))
        return check

    return add


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with serve(tmp_path_factory.mktemp("rfc") / "test.db") as served:
        yield served.port


# Helpers of the rules

HOST = "Host: a"
CLOSE = "Connection: close"
NEXT = request("GET /healthz HTTP/1.1", HOST, CLOSE)
OK = b'{"status":"ok"}'


async def ask(peers: Peers, *lines: str, body: bytes = b"") -> Answer:
    """The response to one request, on a connection of its own."""
    peer = await peers.connect()
    await peer.send(request(*lines, body=body))
    return await peer.answer(has_content=not lines[0].startswith("HEAD "))


async def refused_and_closed(peers: Peers, data: bytes, *statuses: int) -> None:
    """Check that it gets one of these statuses, that the next request is not served, and the
    close."""
    peer = await peers.connect()
    await peer.send(data + NEXT)
    answer = await peer.answer()
    assert answer.status in (statuses or (400,)), answer
    assert answer.headers["connection"] == "close"
    assert await peer.end() == b""


async def guest(
    peers: Peers, name: str, *lines: str, body: bytes | None = None
) -> tuple[Peer, Answer]:
    """Sign in; the connection stays open."""
    peer = await peers.connect()
    body = b'{"name": "%b"}' % name.encode() if body is None else body
    json = "Content-Type: application/json"
    if not any(line.startswith(("Content-Length", "Transfer-Encoding")) for line in lines):
        lines = (*lines, f"Content-Length: {len(body)}")
    await peer.send(request("POST /api/guests HTTP/1.1", HOST, json, *lines, body=body))
    return peer, await peer.answer()


def upgrade(*more: str, without: str = "", first: str = "GET /ws HTTP/1.1") -> bytes:
    """A valid handshake, with changes."""
    lines = opening("/ws").decode().split("\r\n")[1:-2]
    kept = [line for line in lines if not (without and line.startswith(f"{without}:"))]
    return request(first, *kept, *more)


async def handshake(peers: Peers, data: bytes) -> Answer:
    peer = await peers.connect()
    await peer.send(data)
    return await peer.answer()


async def end_of(peer: Peer) -> None:
    """Check that the connection serves the next request."""
    await peer.send(NEXT)
    assert (await peer.answer()).body == OK


# RFC 9110: fields


@must("RFC 9110, 5.3", "field lines of one name are one list, in their order")
async def lines_are_a_list(peers: Peers) -> None:
    data = upgrade("Connection: keep-alive", "Connection: Upgrade", without="Connection")
    assert (await handshake(peers, data)).status == 101


@must("RFC 9110, 5.5", "a value with CR, LF or NUL MUST be rejected, or each replaced by SP")
async def dangerous_characters(peers: Peers) -> None:
    for byte in (b"\r", b"\0"):
        data = request("GET /healthz HTTP/1.1", HOST, "X: a#b").replace(b"#", byte)
        await refused_and_closed(peers, data)


@must("RFC 9110, 6.6.1", "an origin server with a clock MUST generate Date in 2xx, 3xx and 4xx")
async def dates(peers: Peers) -> None:
    answers = [
        await ask(peers, "GET / HTTP/1.1", HOST),
        await ask(peers, "GET / HTTP/1.1", HOST, "If-None-Match: *"),
        await ask(peers, "GET /nowhere HTTP/1.1", HOST),
        await ask(peers, "GET / HTTP/1.1"),
        await ask(peers, f"GET /{'a' * 9000} HTTP/1.1", HOST),
        await handshake(peers, upgrade(without="Sec-WebSocket-Key")),
        await handshake(peers, upgrade(without="Sec-WebSocket-Version")),
        await handshake(peers, upgrade("Origin: http://evil.example")),
        await handshake(peers, upgrade("X: " + "a" * 9000)),
    ]
    assert [each.status for each in answers] == [200, 304, 404, 400, 414, 400, 426, 403, 431]
    for each in answers:
        assert parsedate_to_datetime(each.headers["date"]).year > 2000


# RFC 9110, 7.6.1 and 7.8: Connection and Upgrade


@must("RFC 9110, 7.6.1", "connection options are case-insensitive")
async def options_have_no_case(peers: Peers) -> None:
    peer = await peers.connect()
    await peer.send(request("GET /healthz HTTP/1.1", HOST, "Connection: X, CLOSE") + NEXT)
    assert (await peer.answer()).headers["connection"] == "close"
    assert await peer.end() == b""


@must("RFC 9110, 7.6.1", "no option MUST be sent that names a field for all recipients")
async def no_option_for_all(peers: Peers) -> None:
    for answer in (
        await ask(peers, "GET / HTTP/1.1", HOST, CLOSE),
        await ask(peers, "GET / HTTP/1.0"),
        await handshake(peers, upgrade()),
        await handshake(peers, upgrade(without="Sec-WebSocket-Version")),
    ):
        options = {each.strip() for each in answer.headers["connection"].lower().split(",")}
        assert options <= {"close", "upgrade"}


@must("RFC 9110, 7.8", "no protocol MUST be switched to that the client has not named")
async def nothing_unasked(peers: Peers) -> None:
    for line in ("Upgrade: h2c", "Upgrade: websocket/13", "Upgrade: xwebsocket", "Upgrade:"):
        answer = await handshake(peers, upgrade(line, without="Upgrade"))
        assert answer.status == 404
    assert (await handshake(peers, upgrade(without="Upgrade"))).status == 404
    assert (await handshake(peers, upgrade("Connection: x", without="Connection"))).status == 404


@must("RFC 9110, 7.8", "an Upgrade in an HTTP/1.0 request MUST be ignored")
async def no_upgrade_of_1_0(peers: Peers) -> None:
    assert (await handshake(peers, upgrade(first="GET /healthz HTTP/1.0"))).body == OK


@must("RFC 9110, 7.8", "a 101 MUST have an Upgrade, and so the option `upgrade`")
async def switching_names_the_protocol(peers: Peers) -> None:
    answer = await handshake(peers, upgrade())
    assert answer.status == 101
    assert answer.headers["upgrade"] == "websocket"
    assert answer.headers["connection"].lower() == "upgrade"


@must("RFC 9110, 7.8 and 15.5.22", "a 426 MUST have an Upgrade, and so the option `upgrade`")
async def upgrade_required_names_the_protocol(peers: Peers) -> None:
    answer = await handshake(peers, upgrade(without="Sec-WebSocket-Version"))
    assert answer.status == 426
    assert answer.headers["upgrade"] == "websocket"
    assert "upgrade" in answer.headers["connection"].lower()


@must("RFC 9110, 7.8", "with Upgrade and 100-continue, 100 MUST be sent before 101")
async def continue_before_switching(peers: Peers) -> None:
    peer = await peers.connect()
    await peer.send(upgrade("Expect: 100-continue"))
    assert (await peer.answer()).status == 100
    assert (await peer.answer()).status == 101


@must("RFC 9110, 7.8", "an upgrade is not taken before the whole request was read")
async def no_upgrade_inside_a_body(peers: Peers) -> None:
    peer = await peers.connect()
    first = "GET /healthz HTTP/1.1"
    await peer.send(upgrade(f"Content-Length: {len(NEXT)}", first=first) + NEXT)
    assert (await peer.answer()).body == OK
    await end_of(peer)


# RFC 9110, 8.6: Content-Length


@must("RFC 9110, 8.6", "no Content-Length MUST be sent in 1xx and 204")
async def no_length_without_content(peers: Peers) -> None:
    peer, answer = await guest(peers, "No length")
    cookie = answer.headers["set-cookie"].partition(";")[0]
    await peer.send(request("DELETE /api/session HTTP/1.1", HOST, f"Cookie: {cookie}"))
    answer = await peer.answer()
    assert answer.status == 204
    assert "content-length" not in answer.headers
    assert "transfer-encoding" not in answer.headers
    await end_of(peer)


@must("RFC 9110, 8.6", "large lengths MUST be anticipated, and overflow no integer")
async def large_lengths(peers: Peers) -> None:
    for length in (2**31, 2**32 + 2, 2**63, 2**64 + 2, 10**300):
        peer, answer = await guest(peers, "Large", f"Content-Length: {length}", body=b"{}")
        assert answer.status in (400, 413)
        peer.close()


# RFC 9110, 9: methods


@must("RFC 9110, 9.1", "GET and HEAD MUST be supported")
async def get_and_head(peers: Peers) -> None:
    for path in ("/", "/static/app.js", "/healthz", "/api/players", "/openapi.json", "/metrics"):
        for method in ("GET", "HEAD"):
            assert (await ask(peers, f"{method} {path} HTTP/1.1", HOST)).status == 200


@must("RFC 9110, 9.3.2", "no content MUST be sent in the response to HEAD")
async def head_has_no_content(peers: Peers) -> None:
    for lines in (
        ["HEAD / HTTP/1.1", HOST],
        ["HEAD /api/session HTTP/1.1", HOST],
        ["HEAD /nowhere HTTP/1.1", HOST],
        ["HEAD / HTTP/1.1", HOST, "X: " + "a" * 9000],
        ["HEAD / HTTP/1.1"],
    ):
        peer = await peers.connect()
        await peer.send(request(*lines))
        answer = await peer.answer(has_content=False)
        assert answer.headers["content-length"] != "0"
        if answer.headers.get("connection") == "close":
            assert await peer.end() == b""
        else:
            await end_of(peer)


@must("RFC 9110, 9.3.6", "a CONNECT without a valid port MUST be rejected")
async def no_tunnels(peers: Peers) -> None:
    for target in ("a:443", "a", "a:", "/"):
        await refused_and_closed(peers, request(f"CONNECT {target} HTTP/1.1", HOST))


# RFC 9110, 10.1.1: Expect


@must("RFC 9110, 10.1.1", "100-continue in an HTTP/1.0 request MUST be ignored")
async def nothing_to_expect_of_1_0(peers: Peers) -> None:
    answer = await ask(peers, "GET /healthz HTTP/1.0", "Expect: 100-continue")
    assert (answer.status, answer.body) == (200, OK)


@must("RFC 9110, 10.1.1", "a server MUST send 100, or a final status, before the content comes")
async def continue_is_said(peers: Peers) -> None:
    for kind, status in (("application/json", 100), ("text/plain", 415)):
        peer = await peers.connect()
        lines = [HOST, f"Content-Type: {kind}", "Content-Length: 16", "Expect: 100-continue"]
        await peer.send(request("POST /api/guests HTTP/1.1", *lines))
        answer = await peer.answer()
        assert answer.status == status
        if status != 100:
            # The server does not know whether the content follows.
            assert answer.headers["connection"] == "close"
            continue
        await peer.send(b'{"name": "Exp."}')
        assert (await peer.answer()).status == 201


# RFC 9110, 12.5: negotiation


@must("RFC 9110, 12.5", "what is asked for may be disregarded, and never breaks a request")
async def any_negotiation(peers: Peers) -> None:
    for line in (
        "Accept: image/x-nothing;q=1.000, */*;q=0",
        "Accept-Encoding: identity;q=0, *;q=0",
        "Accept-Language: tlh",
        "Accept-Charset: x",
        "Accept: ;;;q=,,=",
    ):
        assert (await ask(peers, "GET / HTTP/1.1", HOST, line)).status == 200


# RFC 9110, 13: preconditions


async def page(peers: Peers, *lines: str) -> Answer:
    return await ask(peers, "GET / HTTP/1.1", HOST, *lines)


@must("RFC 9110, 13.1.1", "a method MUST NOT be performed where If-Match is false")
async def if_match(peers: Peers) -> None:
    tag = (await page(peers)).headers["etag"]
    for value, status in (
        (tag, 200),
        ("*", 200),
        (f'"x", {tag}', 200),
        ('"x"', 412),
        ("", 200),
    ):
        assert (await page(peers, f"If-Match: {value}")).status == status, value


@must("RFC 9110, 13.1.1", "If-Match MUST be compared strongly")
async def if_match_is_strong(peers: Peers) -> None:
    tag = (await page(peers)).headers["etag"]
    assert (await page(peers, f"If-Match: W/{tag}")).status == 412


@must("RFC 9110, 13.1.2", "304 MUST be the answer to GET and HEAD where If-None-Match is false")
async def if_none_match(peers: Peers) -> None:
    tag = (await page(peers)).headers["etag"]
    for lines, status in (
        ([f"If-None-Match: {tag}"], 304),
        (["If-None-Match: *"], 304),
        ([f'If-None-Match: "x", {tag}'], 304),
        (['If-None-Match: "x"', f"If-None-Match: {tag}"], 304),
        (['If-None-Match: "x"'], 200),
    ):
        assert (await page(peers, *lines)).status == status, lines
        answer = await ask(peers, "HEAD / HTTP/1.1", HOST, *lines)
        assert answer.status == status, lines


@must("RFC 9110, 13.1.2", "If-None-Match MUST be compared weakly")
async def if_none_match_is_weak(peers: Peers) -> None:
    tag = (await page(peers)).headers["etag"]
    assert (await page(peers, f"If-None-Match: W/{tag}")).status == 304


@must("RFC 9110, 13.1.3", "If-Modified-Since MUST be ignored beside If-None-Match or without dates")
async def if_modified_since(peers: Peers) -> None:
    later = "If-Modified-Since: Fri, 31 Dec 2100 23:59:59 GMT"
    assert (await page(peers, later)).status == 200
    assert (await page(peers, later, 'If-None-Match: "x"')).status == 200


@must("RFC 9110, 13.1.4", "If-Unmodified-Since MUST be ignored where there is no date")
async def if_unmodified_since(peers: Peers) -> None:
    early = "If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT"
    assert (await page(peers, early)).status == 200


@must("RFC 9110, 13.2.1", "preconditions MUST be ignored where the answer would be no 2xx")
async def errors_come_first(peers: Peers) -> None:
    for line in ('If-Match: "x"', "If-None-Match: *"):
        assert (await ask(peers, "GET /nowhere HTTP/1.1", HOST, line)).status == 404


@must("RFC 9110, 13.2.2", "If-Match MUST be evaluated before If-None-Match")
async def the_order_of_preconditions(peers: Peers) -> None:
    tag = (await page(peers)).headers["etag"]
    assert (await page(peers, 'If-Match: "x"', f"If-None-Match: {tag}")).status == 412


# RFC 9110, 15: what a status asks for


@must("RFC 9110, 15.4.5", "a 304 MUST have the Cache-Control, ETag and Vary of the 200")
async def not_modified(peers: Peers) -> None:
    whole = await page(peers)
    answer = await page(peers, "If-None-Match: *")
    assert answer.status == 304
    for name in ("cache-control", "etag", "vary", "content-location", "expires"):
        assert answer.headers.get(name) == whole.headers.get(name)


@must("RFC 9110, 15.5.2", "a 401 MUST have a WWW-Authenticate with a challenge")
async def unauthorized(peers: Peers) -> None:
    answer = await ask(peers, "GET /api/session HTTP/1.1", HOST)
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Cookie ")


@must("RFC 9110, 15.5.6", "a 405 MUST say in Allow which methods there are")
async def method_not_allowed(peers: Peers) -> None:
    for method, path, allowed in (
        ("OPTIONS", "/api/session", "DELETE, GET, HEAD, POST"),
        ("TRACE", "/", "GET, HEAD"),
        ("BREW", "/healthz", "GET, HEAD"),
    ):
        answer = await ask(peers, f"{method} {path} HTTP/1.1", HOST)
        assert (answer.status, answer.headers["allow"]) == (405, allowed)


# RFC 9112, 2 to 5: the head of a message


@must("RFC 9112, 2.2", "a bare CR MUST make an element invalid, or be replaced by SP")
async def bare_cr(peers: Peers) -> None:
    for data in (
        b"GET /healthz HTTP/1.1\rHost: a\r\n\r\n",
        b"GET /healthz\r HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
    ):
        await refused_and_closed(peers, data)


@must("RFC 9112, 2.2", "whitespace before the first field MUST be rejected, or the line consumed")
async def whitespace_before_fields(peers: Peers) -> None:
    for space in (b" ", b"\t"):
        data = b"GET /healthz HTTP/1.1\r\n%bX: y\r\nHost: a\r\n\r\n" % space
        await refused_and_closed(peers, data)


@must("RFC 9112, 2.3", "another major version MUST NOT be taken for this one")
async def versions(peers: Peers) -> None:
    for version in ("HTTP/2.0", "HTTP/0.9", "HTTP/9.9", "http/1.1", "HTTP/1.10", "HTTP/1", ""):
        data = request(f"GET /healthz {version}".rstrip(), HOST)
        await refused_and_closed(peers, data, 400, 505)
    assert (await ask(peers, "GET /healthz HTTP/1.2", HOST)).body == OK


@must("RFC 9112, 3", "a target longer than is read MUST be answered with 414")
async def long_targets(peers: Peers) -> None:
    for length in (9_000, 20_000):
        await refused_and_closed(peers, request(f"GET /{'a' * length} HTTP/1.1", HOST), 414)


@must("RFC 9112, 3.2", "400 MUST be the answer to no Host, to more than one, or an invalid one")
async def hosts(peers: Peers) -> None:
    for lines in (
        [],
        [HOST, HOST],
        [HOST, "Host: b"],
        ["Host: a b"],
        ["Host: a, b"],
        ["Host: a/b"],
        ["Host: user@a"],
        ["Host: a:b"],
        ["Host: [::1"],
    ):
        await refused_and_closed(peers, request("GET /healthz HTTP/1.1", *lines))
    for value in ("a", "a:80", "[::1]:8000", "127.0.0.1", "x_y.example", ""):
        assert (await ask(peers, "GET /healthz HTTP/1.1", f"Host: {value}")).status == 200


@must("RFC 9112, 3.2", "also of a handshake: no Host, or two, MUST be answered with 400")
async def hosts_of_handshakes(peers: Peers) -> None:
    assert (await handshake(peers, upgrade(without="Host"))).status == 400
    assert (await handshake(peers, upgrade("Host: b"))).status == 400


@must("RFC 9112, 3.2.2", "a server MUST accept the absolute form")
async def absolute_form(peers: Peers) -> None:
    for target in ("http://a/healthz", "HTTP://a:80/healthz?x", "https://a/healthz"):
        assert (await ask(peers, f"GET {target} HTTP/1.1", HOST)).body == OK
    assert (await ask(peers, "GET http://a HTTP/1.1", HOST)).body.startswith(b"<!")


@must("RFC 9112, 3.2.2", "Host MUST be ignored beside an absolute form, for the host in it")
async def absolute_host(peers: Peers) -> None:
    # The server compares `Origin` with the host.
    for host, status in (("a", 201), ("b", 403)):
        peer = await peers.connect()
        body = b'{"name": "Absolute %b"}' % host.encode()
        lines = [
            f"POST http://{host}/api/guests HTTP/1.1",
            "Host: c",
            "Origin: http://a",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
        await peer.send(request(*lines, body=body))
        assert (await peer.answer()).status == status


@must("RFC 9112, 3.2.3, 3.2.4", "the authority form is for CONNECT, `*` for OPTIONS only")
async def other_forms(peers: Peers) -> None:
    for line in ("GET a:80 HTTP/1.1", "GET * HTTP/1.1", "GET healthz HTTP/1.1"):
        await refused_and_closed(peers, request(line, HOST))
    assert (await ask(peers, "OPTIONS * HTTP/1.1", HOST)).status in (200, 204, 404, 405)


@must("RFC 9112, 4", "the space behind a status MUST be sent, even where no reason follows")
async def status_lines(peers: Peers) -> None:
    for data in (NEXT, request("GET / HTTP/1.1"), upgrade(), upgrade("Host: b")):
        peer = await peers.connect()
        await peer.send(data)
        line = await peer.read_until(b"\r\n")
        assert line.startswith(b"HTTP/1.1 ")
        assert line[9:12].isdigit()
        assert line[12:13] == b" "


@must("RFC 9112, 5.1", "400 MUST be the answer to whitespace between a name and its colon")
async def whitespace_before_colon(peers: Peers) -> None:
    for line in ("X : y", "X\t: y", "Content-Length : 5", "Transfer-Encoding : chunked"):
        await refused_and_closed(peers, request("GET /healthz HTTP/1.1", HOST, line))


@must("RFC 9112, 5.2", "an obs-fold MUST be rejected, or replaced by SP")
async def folds(peers: Peers) -> None:
    answer = await ask(peers, "GET /healthz HTTP/1.1", HOST, "X: a\r\n  b")
    assert answer.status in (200, 400)
    # Nor does it count as a line of its own.
    data = request("GET /healthz HTTP/1.1", HOST, "X: a\r\n Content-Length: 5") + NEXT
    peer = await peers.connect()
    await peer.send(data)
    assert (await peer.answer()).status in (200, 400)


# RFC 9112, 6: the length of a body


@must("RFC 9112, 6.1", "chunked MUST be understood")
async def chunks(peers: Peers) -> None:
    body = b'5\r\n{"nam\r\nE\r\ne": "Chunked"}\r\n0\r\n\r\n'
    peer, answer = await guest(peers, "", "Transfer-Encoding: Chunked", body=body)
    assert answer.status in (201, 409)
    await end_of(peer)


@must("RFC 9112, 6.1", "Transfer-Encoding MUST NOT be sent to a client of HTTP/1.0, or in 1xx, 204")
async def nothing_chunked_for_1_0(peers: Peers) -> None:
    for path in ("/", "/metrics", "/openapi.json", "/healthz"):
        answer = await ask(peers, f"GET {path} HTTP/1.0")
        assert answer.status == 200
        assert "transfer-encoding" not in answer.headers


@must("RFC 9112, 6.1", "Transfer-Encoding in HTTP/1.0 MUST be taken for faulty framing, and closed")
async def chunks_of_1_0(peers: Peers) -> None:
    lines = ["POST /api/guests HTTP/1.0", HOST, "Transfer-Encoding: chunked"]
    await refused_and_closed(peers, request(*lines, body=b"0\r\n\r\n"))


@must("RFC 9112, 6.1", "with both lengths, the connection MUST be closed after the response")
async def both_lengths(peers: Peers) -> None:
    for lines in (
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 5"],
        ["Content-Length: 0", "Transfer-Encoding: chunked"],
    ):
        data = request("POST /api/guests HTTP/1.1", HOST, *lines, body=b"0\r\n\r\n")
        await refused_and_closed(peers, data)


@must("RFC 9112, 6.3", "400 MUST be the answer where chunked is not the last coding, and a close")
async def chunked_not_last(peers: Peers) -> None:
    for coding in ("chunked, gzip", "gzip", "chunked, chunked", "x", "identity", "chunked;a=b"):
        lines = ["POST /api/guests HTTP/1.1", HOST, f"Transfer-Encoding: {coding}"]
        await refused_and_closed(peers, request(*lines, body=b"0\r\n\r\n"))


@must("RFC 9112, 6.3", "400 MUST be the answer to an invalid Content-Length, and a close")
async def invalid_lengths(peers: Peers) -> None:
    for value in ("-1", "+5", "5 5", "0x5", "5, 6", "five", "", "\u0665", "5;a"):
        data = f"POST /api/guests HTTP/1.1\r\nHost: a\r\nContent-Length: {value}\r\n\r\n".encode()
        await refused_and_closed(peers, data)
    two = request("POST /api/guests HTTP/1.1", HOST, "Content-Length: 5", "Content-Length: 6")
    await refused_and_closed(peers, two)


# RFC 9112, 7: chunks


@must("RFC 9112, 7.1", "large chunk sizes MUST be anticipated, and overflow no integer")
async def large_chunks(peers: Peers) -> None:
    for size in (b"100000002", b"10000000000000002", b"f" * 40):
        body = size + b"\r\n{}\r\n0\r\n\r\n" + NEXT
        peer = await peers.connect()
        lines = [HOST, "Content-Type: application/json", "Transfer-Encoding: chunked"]
        await peer.send(request("POST /api/guests HTTP/1.1", *lines, body=body))
        await peer.send(b"x" * 70_000)
        assert (await peer.answer()).status in (400, 413)
        peer.half_close()
        assert OK not in await peer.end()


@must("RFC 9112, 7.1.1", "unknown chunk extensions MUST be ignored")
async def chunk_extensions(peers: Peers) -> None:
    body = b'12;x;y="z";Content-Length=9\r\n{"name": "Extended"}\r\n0;end\r\n\r\n'
    body = body.replace(b"12;", b"%x;" % len(b'{"name": "Extended"}'))
    peer, answer = await guest(peers, "", "Transfer-Encoding: chunked", body=body)
    assert answer.status == 201
    await end_of(peer)


@must("RFC 9112, 7.1.2", "trailers MUST NOT be merged into the header where that is not safe")
async def trailers(peers: Peers) -> None:
    _, answer = await guest(peers, "Trailer")
    cookie = answer.headers["set-cookie"].partition(";")[0]
    peer = await peers.connect()
    body = f"0\r\nCookie: {cookie}\r\nContent-Length: 99\r\nConnection: close\r\n\r\n".encode()
    lines = ["GET /api/session HTTP/1.1", HOST, "Transfer-Encoding: chunked"]
    await peer.send(request(*lines, body=body))
    assert (await peer.answer()).status == 401
    await end_of(peer)


# RFC 9112, 9: connections


@must("RFC 9112, 9.3", "the whole request MUST be read, or the connection closed, after a response")
async def what_is_left_of_a_request(peers: Peers) -> None:
    peer = await peers.connect()
    lines = ["POST /api/guests HTTP/1.1", HOST, "Content-Type: text/plain"]
    await peer.send(request(*lines, f"Content-Length: {len(NEXT)}"))
    assert (await peer.answer()).status == 415
    await peer.send(NEXT)
    await peer.no_answer(0.05)
    await end_of(peer)


@must("RFC 9112, 9.3.2", "responses MUST be sent in the order of pipelined requests")
async def pipelines(peers: Peers) -> None:
    peer = await peers.connect()
    lines = [f"GET /{path} HTTP/1.1" for path in ("healthz", "nowhere", "", "api/session")]
    await peer.send(b"".join(request(line, HOST) for line in lines * 3))
    statuses = [(await peer.answer()).status for _ in lines * 3]
    assert statuses == [200, 404, 200, 401] * 3


@must("RFC 9112, 9.6", "after a request with `close` the connection MUST be closed, none served")
async def close(peers: Peers) -> None:
    for lines in ([CLOSE], ["Connection: keep-alive, close"], ["Connection: x", CLOSE]):
        peer = await peers.connect()
        await peer.send(request("GET /healthz HTTP/1.1", HOST, *lines) + NEXT)
        answer = await peer.answer()
        assert (answer.body, answer.headers["connection"]) == (OK, "close")
        assert await peer.end() == b""


@must("RFC 9112, 9.6", "after a response with `close` the connection MUST be closed")
async def closes_where_it_says_so(peers: Peers) -> None:
    peer = await peers.connect()
    await peer.send(request("GET /healthz HTTP/1.0") + NEXT)
    assert (await peer.answer()).headers["connection"] == "close"
    assert await peer.end() == b""


# RFC 6455, 4.2: the opening handshake


@must("RFC 6455, 4.2.1", "what is no valid handshake MUST be answered with an HTTP error")
async def invalid_handshakes(peers: Peers) -> None:
    for data, status in (
        (upgrade(first="POST /ws HTTP/1.1"), 404),
        (upgrade(first="GET /ws HTTP/1.0"), 404),
        (upgrade(without="Host"), 400),
        (upgrade(without="Upgrade"), 404),
        (upgrade(without="Connection"), 404),
        (upgrade(without="Sec-WebSocket-Key"), 400),
        (upgrade("Sec-WebSocket-Key: AAAA", without="Sec-WebSocket-Key"), 400),
        (upgrade(f"Sec-WebSocket-Key: {'!' * 24}", without="Sec-WebSocket-Key"), 400),
        (upgrade(without="Sec-WebSocket-Version"), 426),
        (upgrade("Sec-WebSocket-Version: 12", without="Sec-WebSocket-Version"), 426),
    ):
        assert (await handshake(peers, data)).status == status, data


@must(
    "RFC 6455, 4.2.1", "`websocket` and `Upgrade` are compared without case, and may be in a list"
)
async def handshakes_without_case(peers: Peers) -> None:
    for more, without in (
        (["Upgrade: WebSocket"], "Upgrade"),
        (["Upgrade: h2c, WEBSOCKET"], "Upgrade"),
        (["Upgrade: h2c", "Upgrade: websocket"], "Upgrade"),
        (["Connection: keep-alive, uPGRADE"], "Connection"),
        (["Connection: upgrade", "Connection: keep-alive"], "Connection"),
    ):
        assert (await handshake(peers, upgrade(*more, without=without))).status == 101, more


@must(
    "RFC 6455, 4.2.2 (4) and 4.4", "an unknown version MUST be answered with those that are known"
)
async def unknown_versions(peers: Peers) -> None:
    for version in ("0", "8", "14", "13, 8"):
        line = f"Sec-WebSocket-Version: {version}"
        answer = await handshake(peers, upgrade(line, without="Sec-WebSocket-Version"))
        assert (answer.status, answer.headers["sec-websocket-version"]) == (426, "13")


@must("RFC 6455, 4.2.2 (5)", "Sec-WebSocket-Accept is the SHA-1 of the key and the GUID")
async def accept(peers: Peers) -> None:
    key = base64.b64encode(b"the sample nonce").decode()
    assert key == "dGhlIHNhbXBsZSBub25jZQ=="
    answer = await handshake(peers, upgrade())
    assert answer.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@must("RFC 6455, 4.2.2 (5)", "no subprotocol MUST be answered that the client has not asked for")
async def subprotocols(peers: Peers) -> None:
    name = "sec-websocket-protocol"
    assert name not in (await handshake(peers, upgrade())).headers
    assert name not in (await handshake(peers, upgrade("Sec-WebSocket-Protocol: x"))).headers
    answer = await handshake(peers, upgrade("Sec-WebSocket-Protocol: x, stillhere.v1"))
    assert answer.headers[name] == "stillhere.v1"


@must("RFC 6455, 4.2.2 (5)", "no extension MUST be answered that the client has not asked for")
async def extensions(peers: Peers) -> None:
    for lines in ([], ["Sec-WebSocket-Extensions: permessage-deflate"]):
        answer = await handshake(peers, upgrade(*lines))
        assert answer.status == 101
        assert "sec-websocket-extensions" not in answer.headers


@must("RFC 6455, 11.3.1, 11.3.5", "key and version MUST NOT be there more than once")
async def repeated(peers: Peers) -> None:
    answer = await handshake(peers, upgrade("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
    assert answer.status == 400
    assert (await handshake(peers, upgrade("Sec-WebSocket-Version: 13"))).status == 426


# The table


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.section}: {rule.check.__name__}")
async def test_the_server_keeps_the_rule(port: int, rule: Rule) -> None:
    async with asyncio.timeout(30):
        with Peers(port) as peers:
            await rule.check(peers)


def test_the_table_has_each_sentence_once() -> None:
    assert len({(rule.section, rule.sentence) for rule in RULES}) == len(RULES) > 50
