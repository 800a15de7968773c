"""Any input over HTTP or a socket gets an answer below 500, no error in the log, and harms no
player."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from server.web.calls import Call
from server.wire.messages import LARGEST_MESSAGE, ClientMessage
from server.wire.problem import SECURITY_HEADERS
from tests.hostile.conftest import GENERATED, OTHERS_USE_RANDOM, TIMEOUT, Served, serve
from tests.support.answers import calls_of
from tests.support.examples import examples
from tests.support.live_server import Tab
from tests.support.responses import problem_of, read_head

# Generated input


def pieces(most: int = 12) -> SearchStrategy[bytes]:
    """Bytes that have broken servers before, in any order, among others."""
    hard = [
        b"%00",
        b"%",
        b"%ff",
        b"%ED%A0%80",
        b"%C0%AF",
        b"..",
        b"/",
        b"//",
        b"\\",
        b"\x00",
        b"\x7f",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        "\u202e\u200b𝕏é".encode(),
        b"{id}",
        b"~",
        b"=",
        b"&",
        b";",
        b'"',
        b"'",
        b"<img src=x>",
        b"-1",
        b"9" * 40,
        b"1e999",
        b"NaN",
        b"x" * 3000,
    ]
    part = st.sampled_from(hard) | st.binary(max_size=20)
    return st.lists(part, max_size=most).map(b"".join)


def rarely(made: SearchStrategy[bytes]) -> SearchStrategy[bytes]:
    """Mostly empty: with several faults, only the first would be tested."""
    nothing = st.just(b"")
    return nothing | nothing | nothing | nothing | made


def values() -> SearchStrategy[str]:
    """JSON and near misses: numbers out of range, duplicate keys, deep nesting."""
    plain = st.sampled_from(
        [
            "null",
            "true",
            "0",
            "-0.0",
            "1e308",
            "1e999",
            "-1e-999",
            "9" * 400,
            "NaN",
            "-Infinity",
            '""',
            '"lobby"',
            '"\\u0000"',
            '"\\ud800"',
            '"\\udc00\\ud800"',
            '"' + "a" * 2000 + '"',
            "[" * 4000,
            "[" * 500 + "]" * 500,
            '{"a":' * 300 + "0" + "}" * 300,
        ]
    )
    simple = (
        plain
        | st.integers().map(str)
        | st.floats().map(json.dumps)
        | st.text(max_size=30).map(json.dumps)
    )
    return st.recursive(simple, lambda inner: st.lists(inner, max_size=3).map(_array), max_leaves=6)


def _array(items: list[str]) -> str:
    return f"[{','.join(items)}]"


@st.composite
def objects(draw: st.DrawFn, /, fields: list[str], **always: str) -> str:
    """An object with some of `fields` and some unknown ones, in any order, possibly twice."""
    names = st.sampled_from([*fields, *always, "__proto__", "", "id\x00"])
    pairs = draw(st.lists(st.tuples(names, values()), max_size=5))
    pairs += list(always.items())
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in pairs) + "}"


# HTTP


def bodies(call: Call) -> SearchStrategy[bytes]:
    fields = (
        [] if call.takes is None else [each.name for each in msgspec.structs.fields(call.takes)]
    )
    raw = st.binary(max_size=200) | pieces()
    nearly = objects(fields).map(lambda text: text.encode("utf-8", "surrogatepass"))
    typed = st.fixed_dictionaries({field: st.text(max_size=60) for field in fields})
    return nearly | raw | typed.map(lambda body: json.dumps(body).encode())


@st.composite
def requests(draw: st.DrawFn, calls: list[Call], cookie: str) -> bytes:
    """The bytes of a nearly valid request."""
    call = draw(st.sampled_from(calls))
    path = call.path.encode()
    if b"{id}" in path:
        path = path.replace(b"{id}", draw(pieces(3)))
    target = path + draw(rarely(pieces(2)))
    names = [each.name.encode() for each in call.query] or [b"x"]
    if draw(st.booleans()):
        target += b"?" + draw(st.sampled_from(names)) + b"=" + draw(pieces(3))
    lines = [draw(st.sampled_from([call.method] * 6 + ["HEAD", "BREW"])).encode() + b" "]
    lines[0] += _without(target, b" \r\n") + b" HTTP/1.1"
    cookies = st.sampled_from([f"session={cookie}".encode(), b"session", b"session=a.b; session="])
    headers = {
        b"Cookie": cookies | pieces(3),
        b"Content-Type": st.sampled_from([b"application/json"] * 3 + [b"text/plain", b"\xff"]),
        b"Passive": st.sampled_from([b"1", b"0", b""]) | pieces(1),
        b"Origin": st.sampled_from([b"null", b"http://[", b"http://127.0.0.1"]) | pieces(2),
        b"Sec-Fetch-Site": st.sampled_from([b"same-origin", b"cross-site"]) | pieces(1),
        b"X-Forwarded-For": pieces(2),
        b"If-None-Match": pieces(2),
        b"Expect": st.just(b"100-continue"),
    }
    for name, made in headers.items():
        value = draw(made if name in (b"Content-Type", b"Cookie") else rarely(made))
        if value:
            lines.append(name + b": " + _without(value, b"\r\n\x00"))
    body = draw(bodies(call)) if draw(st.booleans()) else b""
    if body and draw(st.booleans()):
        lines.append(b"Transfer-Encoding: chunked")
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    elif body:
        lines.append(b"Content-Length: %d" % len(body))
    lines += [b"Host: 127.0.0.1", b"Connection: close"]
    return b"\r\n".join([*lines, b"", b""]) + body


def _without(data: bytes, unwanted: bytes) -> bytes:
    return data.translate(None, unwanted)


def a_request(line: bytes, body: bytes = b"") -> bytes:
    """A complete request."""
    lines = [line, b"Host: 127.0.0.1", b"Connection: close"]
    if body:
        lines += [b"Content-Type: application/json", b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*lines, b"", body])


def ask(port: int, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes and return the whole response."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT) as connection:
        connection.sendall(request)
        answer = b""
        while more := connection.recv(65536):
            answer += more
    # Skip the answer to `Expect`.
    answer = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    status, headers = read_head(head)
    return status, dict(headers), body


@OTHERS_USE_RANDOM
def test_every_request_has_its_answer(served: Served) -> None:
    calls = calls_of(served.server.still_here.app)
    ada = served.run(served.server.guest("Ada"))
    statuses = set()

    @settings(GENERATED, max_examples=examples(60))
    @given(requests(calls, ada.cookie))
    @example(a_request(b"GET /api/players HTTP/1.1"))
    @example(a_request(b"GET /api/rooms/r_nowhere HTTP/1.1"))
    @example(a_request(b"POST /api/guests HTTP/1.1", b'{"name": ""}'))
    @example(a_request(b"POST /api/guests HTTP/1.1", b"{"))
    @example(a_request(b"GET /api/sessions HTTP/1.1"))
    @example(a_request(b"BREW /api/session HTTP/1.1"))
    def attack(request: bytes) -> None:
        status, headers, body = ask(served.port, request)
        statuses.add(status)
        assert status < 500
        for name, value in SECURITY_HEADERS.items():
            assert headers[name] == value
        if status >= 400 and body:
            problem_of(status, headers, body)

    attack()
    # Generated input depends on the constants of the code, so these statuses have examples.
    assert statuses >= {200, 400, 401, 404, 405, 422}


# Messages


@pytest.fixture
def talkative(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Served]:
    """A server without a limit of messages."""
    with serve(tmp_path / "test.db", max_messages_per_second=0) as server:
        yield server
    assert [each.getMessage() for each in caplog.get_records("call") if each.levelno > 30] == []


def kinds() -> dict[str, list[str]]:
    """Every type that a client may send, and its fields."""
    found = {}
    for each in get_args(ClientMessage):
        info: Any = msgspec.inspect.type_info(each)
        found[info.tag] = [field.encode_name for field in info.fields]
    return found


GOOD = [
    '{"type":"ping"}',
    '{"type":"hold","seconds":5}',
    '{"type":"hold","seconds":5,"away":true}',
    '{"type":"look"}',
    '{"type":"release"}',
    '{"type":"watch","topic":"lobby"}',
    '{"type":"unwatch","topic":"lobby"}',
    '{"type":"quick_match","game":"connect-four"}',
    '{"type":"join","room":"r_0123456789012345678901","spectate":true}',
    '{"type":"leave","room":"r_0123456789012345678901"}',
    '{"type":"start","room":"r_0123456789012345678901"}',
    '{"type":"act","room":"r_0123456789012345678901","action":{"column":3}}',
    '{"type":"say","room":"r_0123456789012345678901","text":"Hello"}',
    '{"type":"claim","room":"r_0123456789012345678901","result":"win"}',
    '{"type":"pulse","room":"r_0123456789012345678901","seat":0}',
    '{"type":"brb","room":"r_0123456789012345678901","seconds":30}',
]


@st.composite
def messages(draw: st.DrawFn) -> str | bytes:
    """A frame: of a known type, of an unknown type, or no message at all."""
    kind = draw(st.sampled_from([*kinds(), "hello", "PING", "", "__class__"]))
    fields = sorted({field for each in kinds().values() for field in each})
    frame = draw(
        st.sampled_from(GOOD)
        | objects(fields, type=json.dumps(kind))
        | objects([*fields, "type"])
        | values()
        | st.text(max_size=50)
        | st.binary(max_size=50)
    )
    if isinstance(frame, str):
        # Text frames are UTF-8; the transport checks that.
        frame = frame.encode("utf-8", "replace").decode()
    return frame[: LARGEST_MESSAGE // 4]


def test_the_generated_messages_cover_every_type() -> None:
    assert set(kinds()) == {json.loads(each)["type"] for each in GOOD}
    assert "seconds" in kinds()["hold"]


@OTHERS_USE_RANDOM
def test_every_message_has_its_answer_and_the_connection_stays(talkative: Served) -> None:
    server = talkative.server
    ada = talkative.run(server.guest("Ada"))
    answers: set[str] = set()

    async def converse(frames: list[str | bytes]) -> None:
        # Enough time for the limits of one more connection, and of a break for each frame.
        await server.advance(1 + 15)
        tab: Tab = await ada.tab()
        for frame in frames:
            await tab.socket.send(frame)
        await tab.ask("watch", "roster", topic="lobby")
        end = await tab.ask("ping", "pong", id="the end")
        while end.get("id") != "the end":
            end = await tab.next("pong")
        answers.update(each["type"] for each in tab.seen)
        answers.update(each["code"] for each in tab.seen if each["type"] == "error")
        await tab.socket.close()

    @settings(GENERATED, max_examples=examples(25))
    @given(st.lists(messages(), min_size=1, max_size=15))
    @example([*GOOD])
    @example(["{", '{"type":"hold"}', '{"type":"__class__"}'])
    def attack(frames: list[str | bytes]) -> None:
        talkative.run(converse(frames))

    attack()
    assert answers >= {"hello", "pong", "held", "session", "roster"}
    assert answers >= {"bad_json", "invalid", "unknown_type"}
    assert talkative.run(ada.status()) != "offline"
