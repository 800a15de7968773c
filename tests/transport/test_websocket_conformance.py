"""Our transport and uvicorn's own do the same with the same bytes, except where uvicorn's is wrong.

Both are compared with a simple reading of RFC 6455 (`tests/support/rfc6455.py`) as well, which
tells where they differ: `DIFFERENCES` has an example of each. Ours gets the bytes in any pieces,
uvicorn's frame by frame, since it loses good frames that come in one piece with a broken one.
"""

import asyncio
import gc
import logging
import struct
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.transport.by_call import Socket
from server.transport.http import HttpTransport
from server.transport.limits import Limits
from tests.simulation.virtual import VirtualLoop
from tests.support.examples import examples
from tests.support.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    client_frame,
    split_frames,
)
from tests.support.peers import opening, serving
from tests.support.rfc6455 import LOST, MAY_BE_SENT, Reading, Twin, read
from tests.support.wire import (
    OURS,
    OURS_ON_WEBSOCKETS,
    UVICORN,
    Event,
    Listener,
    Receive,
    Send,
    Wire,
    parse,
    run_on,
    settled,
    virtual_loop,
)

MOST = 16 * 1024
"""The size of the largest message in bytes, as the command sets it."""

EXAMPLES = examples(100)

many = settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


# Comparison


@pytest.fixture(params=[OURS, OURS_ON_WEBSOCKETS], ids=["ours", "websockets"])
def implementation(request: pytest.FixtureRequest) -> Any:
    """Our transport, on each of the parsers."""
    return request.param


@dataclass(frozen=True)
class Outcome:
    """The result of a stream, with the fields of `Reading`."""

    events: tuple[Event, ...]
    answers: tuple[tuple[int, bytes], ...]
    is_ended: bool


def outcome_of(reading: Reading) -> Outcome:
    return Outcome(reading.events, reading.answers, reading.is_ended)


def told(outcome: Outcome) -> tuple[Any, ...]:
    """In short: messages, then the code of the disconnect."""
    return tuple(
        event.get("text", event.get("bytes", event.get("code"))) for event in outcome.events
    )


async def _play(kind: Any, chunks: list[bytes], is_failure: bool, is_reset: bool) -> Outcome:
    listener = Listener()
    wire = Wire(kind, listener, ws_max_size=MOST)
    await wire.upgrade()
    wire.transport.say(chunks)
    await settled()
    is_ended = wire.has_ended
    if is_reset:
        wire.transport.lose(ConnectionResetError())
    else:
        wire.transport.say([b""])
    await settled()
    if kind is UVICORN:
        # The loop closes it later; nothing of the server may be left after that.
        wire.transport.lose()
        await settled()
    assert wire.transport.crashes == []
    assert not wire.state.connections
    assert not wire.state.tasks
    assert wire.transport.is_lost
    said = wire.said
    assert said.status == 101
    events, answers = listener.events[1:], list(said.frames)
    if is_failure:
        # The text of a failure is not specified.
        events[-1] = {key: events[-1][key] for key in ("type", "code")}
        answers[-1] = answers[-1][0], answers[-1][1][:2]
    return Outcome(tuple(events), tuple(answers), is_ended)


def play(
    loop: VirtualLoop, kind: Any, chunks: list[bytes], reading: Reading, *, is_reset: bool = False
) -> Outcome:
    """Send `chunks`, and then FIN or RST."""
    if kind is OURS_ON_WEBSOCKETS and reading.is_failed:
        # The library checks a whole frame, and most faults are in the header.
        chunks = [*chunks, bytes(2 * MOST)]
    outcome = run_on(loop, _play(kind, chunks, reading.is_failed, is_reset))
    if kind is UVICORN and outcome.events[-1:] == ({"type": "websocket.disconnect", "code": 1005},):
        # Twin.CALLS_A_LOSS_A_CLOSE: a close without a code would have an empty reason.
        lost = {"type": "websocket.disconnect", "code": LOST, "reason": ""}
        return Outcome((*outcome.events[:-1], lost), outcome.answers, outcome.is_ended)
    return outcome


# Streams

keys = st.sampled_from([b"\x01\x80\xfe\x37", bytes(4), b"\xff\xff\xff\xff", b"ABCD"])
flags = st.sampled_from([True, True, True, False])
sizes = st.sampled_from([0, 1, 2, 125, 126, 127, 300, 9000, MOST - 1, MOST, MOST + 1])
NO_UTF8 = [
    b"\xff",
    b"ok\x80",
    b"\xc0\xaf",  # an overlong slash
    b"\xed\xa0\x80",  # a surrogate
    b"\xf4\x90\x80\x80",  # beyond Unicode
    "héé".encode()[:-1],  # cut within a character
]
texts = st.text(max_size=12).map(str.encode)
nearly_texts = st.one_of(texts, texts, st.sampled_from(NO_UTF8), st.just(b"\xef\xbb\xbfBOM"))


@st.composite
def controls(draw: st.DrawFn) -> bytes:
    """A ping or a pong."""
    payload = draw(st.one_of(st.binary(max_size=6), sizes.map(lambda size: bytes(min(size, 125)))))
    return client_frame(draw(st.sampled_from([PING, PONG])), payload, key=draw(keys))


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A message in fragments, with control frames between them; its text may be invalid UTF-8."""
    kind = draw(st.sampled_from([TEXT, BINARY]))
    data = draw(st.one_of(nearly_texts, nearly_texts, sizes.map(lambda size: b"a" * size)))
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=4)))
    frames = b""
    for index, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(data)], strict=True)):
        frames += client_frame(
            CONTINUATION if index else kind,
            data[start:end],
            fin=index == len(cuts),
            key=draw(keys),
        )
        if draw(flags) is False:
            frames += draw(controls())
    return frames


@st.composite
def closes(draw: st.DrawFn) -> bytes:
    """A close frame with any code and any reason, or half a code."""
    code = draw(
        st.one_of(
            st.sampled_from(sorted(MAY_BE_SENT & set(range(2000)))),
            st.sampled_from([0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 3000, 4999, 5000, 65535]),
            st.integers(0, 65535),
        )
    )
    payload = struct.pack("!H", code) + draw(nearly_texts)
    if draw(st.integers(0, 9)) == 0:
        payload = payload[: draw(st.integers(0, 2))]
    return client_frame(CLOSE, payload, key=draw(keys))


@st.composite
def odd_frames(draw: st.DrawFn) -> bytes:
    """Usually a header with one fault."""
    oddity: dict[str, Any] = draw(
        st.one_of(
            st.just({}),
            st.builds(lambda rsv: {"rsv": rsv}, st.sampled_from([1, 2, 4, 7])),
            st.just({"fin": False}),
            st.just({"key": None}),
            st.builds(
                lambda width, announced: {
                    "width": width,
                    "announced": None if announced is None else min(announced, 256**width - 1),
                },
                st.sampled_from([2, 8]),
                st.sampled_from([None, 125, 126, 65535, 65536, MOST, MOST + 1, 2**62, 2**63]),
            ),
        )
    )
    opcode = draw(st.one_of(st.sampled_from([CONTINUATION, TEXT, BINARY]), st.integers(0, 15)))
    return client_frame(opcode, draw(st.binary(max_size=8)), **({"key": draw(keys)} | oddity))


streams = st.builds(
    lambda parts, cut: b"".join(parts)[: -cut or None],
    st.lists(
        st.one_of(
            messages(), messages(), controls(), closes(), odd_frames(), st.binary(max_size=6)
        ),
        max_size=6,
    ),
    st.one_of(st.just(0), st.integers(0, 12), st.integers(0, 400)),
)

pieces = st.one_of(
    st.just([1]), st.just([MOST * 100]), st.lists(st.integers(1, 30), min_size=1, max_size=5)
)


def cut_into(stream: bytes, sizes: list[int]) -> list[bytes]:
    """Pieces of these sizes in turn, scaled up for long streams."""
    chunks: list[bytes] = []
    scale = len(stream) // 1000 + 1
    endless = cycle(sizes)
    while stream:
        size = next(endless) * scale
        chunks.append(stream[:size])
        stream = stream[size:]
    return chunks


# Random streams


@many
@given(stream=streams, sizes=pieces, is_reset=st.booleans())
def test_a_stream_has_the_outcome_of_the_rfc_and_of_the_twin(
    loop: VirtualLoop, implementation: Any, stream: bytes, sizes: list[int], is_reset: bool
) -> None:
    reading = read(stream, MOST)
    if implementation is OURS_ON_WEBSOCKETS and reading.twin:
        return  # most faults of uvicorn's are the library's
    ours = play(loop, implementation, cut_into(stream, sizes), reading, is_reset=is_reset)
    if not reading.twin:
        twin = play(loop, UVICORN, split_frames(stream), reading, is_reset=is_reset)
        assert ours == twin
    assert ours == outcome_of(reading)


@many
@given(stream=streams, one=pieces, other=pieces)
def test_the_outcome_of_a_stream_does_not_depend_on_its_pieces(
    loop: VirtualLoop, implementation: Any, stream: bytes, one: list[int], other: list[int]
) -> None:
    def in_pieces(chunks: list[bytes]) -> Outcome:
        return run_on(loop, _play(implementation, chunks, is_failure=False, is_reset=False))

    assert in_pieces(cut_into(stream, one)) == in_pieces(cut_into(stream, other))


HI = client_frame(TEXT, b"hi")
UNFINISHED = client_frame(TEXT, b"hi", fin=False)

BROKEN: dict[str, tuple[bytes, int]] = {
    **{
        f"reserved bits {rsv} in opcode {opcode}": (client_frame(opcode, rsv=rsv), 1002)
        for rsv in (1, 2, 4, 7)
        for opcode in (TEXT, BINARY, CLOSE, PING, PONG)
    },
    "reserved bits in a fragment": (UNFINISHED + client_frame(CONTINUATION, rsv=1), 1002),
    **{
        f"opcode {opcode}": (client_frame(opcode, b"x"), 1002)
        for opcode in range(16)
        if opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG)
    },
    **{
        f"fragmented control frame {opcode}": (client_frame(opcode, fin=False), 1002)
        for opcode in (CLOSE, PING, PONG)
    },
    **{
        f"control frame {opcode} of 126 bytes": (client_frame(opcode, b"\x03\xe8" * 63), 1002)
        for opcode in (CLOSE, PING, PONG)
    },
    **{
        f"opcode {opcode} not masked": (client_frame(opcode, b"x", key=None), 1002)
        for opcode in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG)
    },
    "a continuation of nothing": (client_frame(CONTINUATION, b"x"), 1002),
    "a continuation of what has ended": (
        UNFINISHED + client_frame(CONTINUATION) + client_frame(CONTINUATION, b"x"),
        1002,
    ),
    "text in the middle of a message": (UNFINISHED + HI, 1002),
    "a new message in the middle of one": (UNFINISHED + client_frame(BINARY, fin=False), 1002),
    "half a close code": (client_frame(CLOSE, b"\x03"), 1002),
    **{
        f"{text!r} for text": (client_frame(TEXT, text), 1007)
        for text in NO_UTF8
    },
    **{
        f"{text!r} for text, byte by byte": (
            client_frame(TEXT, b"", fin=False)
            + b"".join(
                client_frame(CONTINUATION, text[at : at + 1], fin=at == len(text) - 1)
                for at in range(len(text))
            ),
            1007,
        )
        for text in NO_UTF8
    },
    **{
        f"{text!r} for a reason": (client_frame(CLOSE, b"\x03\xe8" + text), 1007)
        for text in NO_UTF8
    },
    "a byte too much": (client_frame(BINARY, bytes(MOST + 1)), 1009),
    "a byte too much in fragments": (
        client_frame(BINARY, bytes(MOST), fin=False) + client_frame(CONTINUATION, b"x"),
        1009,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("broken", "code"), BROKEN.values(), ids=BROKEN.keys())
def test_an_invalid_frame_closes_with_its_code_after_earlier_messages_are_delivered(
    loop: VirtualLoop, implementation: Any, broken: bytes, code: int
) -> None:
    stream = HI + client_frame(PING, b"?") + broken
    for after in (b"", HI, client_frame(3), client_frame(CLOSE)):
        reading = read(stream + after, MOST)
        assert reading.answers == ((PONG, b"?"), (CLOSE, struct.pack("!H", code)))
        assert reading.events[0]["text"] == "hi"
        assert reading.events[-1]["code"] == code
        expected = outcome_of(reading)
        assert play(loop, UVICORN, split_frames(stream + after), reading) == expected
        for sizes in ([1], [10, 3], [MOST * 10]):
            assert play(loop, implementation, cut_into(stream + after, sizes), reading) == expected


@pytest.mark.parametrize("cut", ["in one piece", "byte by byte"])
def test_every_close_code_is_echoed_or_refused_as_the_twin_does(
    loop: VirtualLoop, implementation: Any, cut: str
) -> None:
    boundaries = {0, 1, 2999, 3000, 3999, 4000, 4999, 5000, 32768, 65535}
    codes = sorted({*boundaries, *range(990, 1030), *range(0, 65536, 65536 // (EXAMPLES // 4))})
    for code in codes:
        for reason in (b"", b"bye"):
            stream = client_frame(CLOSE, struct.pack("!H", code) + reason)
            reading = read(stream, MOST)
            chunks = cut_into(stream, [1] if cut == "byte by byte" else [len(stream)])
            outcome = play(loop, implementation, chunks, reading)
            assert outcome == play(loop, UVICORN, [stream], reading) == outcome_of(reading), code
            assert reading.is_failed == (code not in MAY_BE_SENT)


@pytest.mark.parametrize("size", [0, 1, 2, 124, 125])
@pytest.mark.parametrize("key", [bytes(4), b"\x9c\x01\x80\xff"])
def test_a_ping_is_answered_with_its_payload(
    loop: VirtualLoop, implementation: Any, size: int, key: bytes
) -> None:
    payload = bytes(range(100, 100 + size))
    stream = client_frame(PING, payload, key=key)
    reading = read(stream, MOST)
    assert reading.answers == ((PONG, payload),)
    assert play(loop, implementation, [stream], reading) == outcome_of(reading)


@pytest.mark.parametrize("size", [125, 126, 65535, 65536, 199_999, 200_000, 200_001])
@pytest.mark.parametrize("fragments", [1, 2, 7])
def test_a_message_may_be_as_large_as_the_limit(
    loop: VirtualLoop, implementation: Any, size: int, fragments: int
) -> None:
    async def told(kind: Any) -> list[Event]:
        listener = Listener()
        wire = Wire(kind, listener, ws_max_size=200_000)
        await wire.upgrade()
        share = size // fragments + 1
        data = bytes(range(256)) * (size // 256 + 1)
        for index in range(fragments):
            part = data[index * share : min((index + 1) * share, size)]
            wire.transport.say(
                [client_frame(CONTINUATION if index else BINARY, part, fin=index == fragments - 1)]
            )
        wire.transport.say([client_frame(CLOSE, b"\x03\xe8")])
        await settled()
        assert wire.transport.crashes == []
        received = [event["bytes"] for event in listener.events if "bytes" in event]
        assert received == ([data[:size]] if size <= 200_000 else [])
        return [*listener.events[1:-1], {"code": listener.events[-1]["code"]}]

    ours = run_on(loop, told(implementation))
    assert ours == run_on(loop, told(UVICORN))
    assert ours[-1]["code"] == (1000 if size <= 200_000 else 1009)


@pytest.mark.parametrize("announced", [MOST + 1, 2**31, 2**32, 2**62, 2**63 - 1])
def test_a_message_announced_as_too_large_is_refused_before_its_payload(
    loop: VirtualLoop, implementation: Any, announced: int
) -> None:
    stream = client_frame(BINARY, b"", width=2 if announced < 65536 else 8, announced=announced)
    reading = read(stream, MOST)
    assert reading.events[-1]["code"] == 1009
    outcome = play(loop, implementation, [stream], reading)
    assert outcome == play(loop, UVICORN, [stream], reading) == outcome_of(reading)


@pytest.mark.parametrize("count", [15, 16, 17, 40, 400])
@pytest.mark.parametrize("sizes", [[1], [7], [MOST * 10]], ids=["bytes", "pieces", "all at once"])
def test_any_number_of_messages_in_a_read_are_delivered_in_order(
    loop: VirtualLoop, implementation: Any, count: int, sizes: list[int]
) -> None:
    texts = [f"{number}" * (number % 30) for number in range(count)]
    stream = b"".join(client_frame(TEXT, text.encode()) for text in texts) + client_frame(CLOSE)
    reading = read(stream, MOST)
    assert play(loop, implementation, cut_into(stream, sizes), reading) == outcome_of(reading)
    assert told(outcome_of(reading)) == (*texts, 1005)


@dataclass(frozen=True)
class Hears:
    """The hearer of a socket."""

    hear: Callable[[Any], None]
    gone: Callable[[int], None]

    def hear_fragment(self) -> None:
        raise AssertionError("there is none")


async def nobody(scope: Any, receive: Receive, send: Send) -> None:
    raise AssertionError("the socket was taken")


@pytest.mark.parametrize("count", [0, 1, 16, 17, 400])
@pytest.mark.parametrize("is_early", [False, True], ids=["later", "with the handshake"])
def test_the_taker_of_a_socket_hears_every_message_and_can_answer_at_once(
    loop: VirtualLoop, implementation: Any, count: int, is_early: bool
) -> None:
    heard: list[str | bytes] = []
    ends: list[int] = []

    def take(scope: Any, socket: Socket) -> bool:
        def hear(data: str | bytes) -> None:
            assert isinstance(data, str)
            heard.append(data)
            assert socket.send_text(data)

        socket.accept("b" if "b" in scope["subprotocols"] else None)
        assert socket.send_text("hello")
        socket.listen(Hears(hear, ends.append))
        return True

    async def scene() -> None:
        wire = Wire(implementation, nobody, take=take)
        frames = b"".join(client_frame(TEXT, b"%d" % number) for number in range(count))
        head = opening("/", None, "Sec-WebSocket-Protocol: a, b")
        await wire.upgrade(head + frames if is_early else head)
        wire.transport.say([frames] if frames and not is_early else [])
        await settled(2.0)
        wire.transport.say([client_frame(CLOSE, b"\x03\xe9")])
        await settled()
        assert wire.transport.is_lost
        assert not wire.state.tasks
        assert wire.said.header("sec-websocket-protocol") == "b"
        assert [payload.decode() for _, payload in wire.said.frames[:-1]] == ["hello", *heard]
        assert wire.said.codes == [1001]
        assert ends == [1001]

    run_on(loop, scene())
    assert heard == [f"{number}" for number in range(count)]


def test_a_socket_that_is_not_taken_is_the_applications(
    loop: VirtualLoop, implementation: Any
) -> None:
    asked: list[str] = []

    def take(scope: Any, socket: Socket) -> bool:
        asked.append(scope["path"])
        return False

    async def scene() -> None:
        listener = Listener()
        wire = Wire(implementation, listener, take=take)
        await wire.upgrade()
        wire.transport.say([HI, b""])
        await settled()
        assert wire.said.status == 101
        assert asked == [listener.scope["path"]]
        assert [event.get("text") for event in listener.events] == [None, "hi", None]

    run_on(loop, scene())


@pytest.mark.parametrize("is_accepted", [False, True])
def test_a_failing_taker_leaves_no_socket(
    loop: VirtualLoop, implementation: Any, is_accepted: bool
) -> None:
    def take(scope: Any, socket: Socket) -> bool:
        if is_accepted:
            socket.accept(None)
        raise ValueError

    called: list[str] = []

    async def application(scope: Any, receive: Receive, send: Send) -> None:
        called.append(scope["path"])

    async def scene() -> None:
        wire = Wire(implementation, application, take=take)
        await wire.upgrade()
        wire.transport.say([HI, b""])
        await settled()
        assert wire.transport.crashes == []
        assert (wire.said.status, wire.said.codes) == ((101, [1011]) if is_accepted else (500, []))
        assert called == []
        assert wire.transport.is_lost
        assert not wire.state.connections

    run_on(loop, scene())


@pytest.mark.parametrize("how", ["lost", "closed at once", "cannot hear", "hears no more"])
def test_the_taker_of_a_socket_is_told_of_the_end_once(loop: VirtualLoop, how: str) -> None:
    ends: list[int] = []
    heard: list[str | bytes] = []
    ends_within: list[list[int]] = []
    code = {"lost": 1006, "closed at once": 4503}.get(how, 1011)

    def take(scope: Any, socket: Socket) -> bool:
        def hear(data: str | bytes) -> None:
            heard.append(data)
            if how == "closed at once":
                socket.close(4503)
                ends_within.append(list(ends))
            elif data == "hi":
                raise ValueError(data)

        socket.accept(None)
        socket.listen(Hears(hear, ends.append))
        return True

    async def scene() -> None:
        wire = Wire(OURS, nobody, take=take)
        if how in ("closed at once", "cannot hear"):
            await wire.upgrade(opening() + HI)
        else:
            await wire.upgrade()
        if how == "hears no more":
            # Messages that were passed on before are not passed on again.
            wire.transport.say([client_frame(TEXT, b"ho") * 40 + HI * 2])
        await settled()
        if how == "lost":
            wire.transport.lose(ConnectionResetError())
        await settled()
        assert ends == [code]
        wire.transport.say([b""])
        await settled()
        assert (ends, wire.transport.crashes) == ([code], [])
        assert ends_within == ([[]] if how == "closed at once" else []), "who closes goes on first"
        assert heard.count("hi") == (how != "lost")
        assert heard.count("ho") == (40 if how == "hears no more" else 0)
        assert not wire.state.tasks

    run_on(loop, scene())


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
@pytest.mark.parametrize(
    "broken", [client_frame(3), client_frame(TEXT, b"\xff")], ids=["3", "no text"]
)
@pytest.mark.parametrize("is_early", [False, True], ids=["later", "with the handshake"])
def test_every_message_before_an_error_is_answered(
    loop: VirtualLoop, implementation: Any, broken: bytes, size: int, is_early: bool
) -> None:
    ends: list[int] = []

    def take(scope: Any, socket: Socket) -> bool:
        def answer(event: object) -> None:
            assert socket.send_text("a" * size)

        socket.accept(None)
        socket.listen(Hears(answer, ends.append))
        return True

    async def scene() -> None:
        wire = Wire(implementation, nobody, take=take)
        stream = HI * 3 + broken
        if is_early:
            await wire.upgrade(opening() + stream)
        else:
            await wire.upgrade()
            wire.transport.say([stream])
        await settled()
        opcodes = [opcode for opcode, _ in wire.said.frames]
        assert opcodes == [TEXT, TEXT, TEXT, CLOSE]
        assert [payload for _, payload in wire.said.frames[:3]] == [b"a" * size] * 3
        wire.transport.say([b""])
        await settled()
        assert wire.transport.crashes == []
        assert ends == [1002 if broken == client_frame(3) else 1007]

    run_on(loop, scene())


def test_the_taker_of_a_socket_is_told_when_the_peer_is_behind(loop: VirtualLoop) -> None:
    results: list[bool] = []
    ends: list[int] = []
    sockets: list[Socket] = []

    def take(scope: Any, socket: Socket) -> bool:
        socket.accept(None)
        socket.listen(Hears(results.append, ends.append))
        sockets.append(socket)
        return True

    async def scene() -> None:
        wire = Wire(OURS, nobody, take=take)
        await wire.upgrade()
        socket = sockets[0]
        wire.transport.is_taking = False
        while socket.send_text("x" * 10_000):
            results.append(True)
        results.append(socket.close(4503, "signed_out"))
        waiting = asyncio.ensure_future(socket.send({"type": "websocket.send", "text": "waited"}))
        await settled()
        assert not waiting.done()
        wire.transport.take()
        await waiting
        results.append(socket.send_text("the last"))
        with pytest.raises(RuntimeError):
            socket.close(1005)
        results.append(socket.close(4503, "signed_out"))
        results.append(socket.send_text("too late"))
        results.append(socket.close(4503, "signed_out"))
        await settled()
        assert [payload for _, payload in wire.said.frames[-3:-1]] == [b"waited", b"the last"]
        assert wire.said.codes == [4503]
        assert ends == [4503]

    run_on(loop, scene())
    # Sends until the buffer is full, then not even a close; more after the peer has read.
    assert results == [True] * (len(results) - 5) + [False, True, True, False, False]
    assert len(results) > 10


@pytest.mark.parametrize("at_once", [True, False])
def test_a_last_message_and_the_close_are_one_write(
    loop: VirtualLoop, implementation: Any, at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sockets: list[Socket] = []

    def take(scope: Any, socket: Socket) -> bool:
        socket.accept(None)
        socket.listen(Hears(lambda data: None, lambda code: None))
        sockets.append(socket)
        assert socket.send_text("hello")
        if at_once:
            assert socket.close(4501, "idle_timeout", "so long")
        return True

    async def scene() -> None:
        wire = Wire(implementation, nobody, take=take)
        writes: list[bytes] = []
        write = wire.transport.write

        def noted(data: bytes) -> None:
            writes.append(data)
            write(data)

        monkeypatch.setattr(wire.transport, "write", noted)
        await wire.upgrade()
        assert len(writes) == 1, "the answer to the handshake, and what is said at once"
        if not at_once:
            writes.clear()
            assert sockets[0].close(4501, "idle_timeout", "so long")
        assert [payload for _, payload in wire.said.frames] == [
            b"hello",
            b"so long",
            struct.pack("!H", 4501) + b"idle_timeout",
        ]
        assert len(writes) == 1
        assert not sockets[0].close(4501, "idle_timeout", "again")
        wire.transport.say([client_frame(PING, b"late"), client_frame(CLOSE, b"\x11\x95"), b""])
        await settled()
        assert (wire.transport.is_lost, wire.transport.crashes) == (True, [])

    run_on(loop, scene())


@pytest.mark.parametrize("kind", [PING, TEXT])
def test_a_flood_after_a_close_is_no_longer_parsed(
    loop: VirtualLoop, implementation: Any, kind: int
) -> None:
    def take(scope: Any, socket: Socket) -> bool:
        socket.accept(None)
        socket.listen(Hears(lambda data: None, ends.append))
        assert socket.close(4401)
        return True

    ends: list[int] = []

    async def scene() -> None:
        wire = Wire(implementation, nobody, take=take)
        await wire.upgrade()
        flood = client_frame(kind, b"x" * 10) * 4000
        wire.transport.say([flood] * 4)
        await settled()
        assert not wire.transport.is_half_closed, "some of it may be on its way"
        wire.transport.say([flood] * 20)
        await settled()
        assert wire.transport.is_half_closed
        assert wire.protocol._frames is None
        assert wire.transport.is_reading()
        assert wire.said.codes == [4401]
        await settled(Limits().close_deadline + 2 * Limits().turn)
        assert wire.transport.is_lost
        assert wire.transport.crashes == []
        assert ends == [4401]

    run_on(loop, scene())


# Differences


@dataclass(frozen=True)
class Difference:
    """A difference between ours and uvicorn's, the rule, and an example."""

    of: Twin
    section: str
    says: str
    chunks: tuple[bytes, ...]
    twin: tuple[Any, ...]
    """The events with uvicorn's: messages, then the code of the disconnect."""
    ours: tuple[Any, ...]


DIFFERENCES = [
    Difference(
        Twin.LOSES_WHAT_CAME_BEFORE,
        "7.1.7",
        "Failing the connection ends what comes after; a message that came before is a message.",
        (client_frame(TEXT, b"hi") + client_frame(3),),
        twin=(1002,),
        ours=("hi", 1002),
    ),
    Difference(
        Twin.TAKES_LONG_LENGTHS,
        "5.2",
        "The minimal number of bytes MUST be used to encode the length.",
        (client_frame(TEXT, b"hi", width=2), client_frame(TEXT, b"ho", width=8)),
        twin=("hi", "ho", 1005),
        ours=(1002,),
    ),
    Difference(
        Twin.TAKES_A_SIGN_FOR_SIZE,
        "5.2",
        "The most significant bit of a 64-bit length MUST be 0: no message is that large.",
        (client_frame(TEXT, b"", width=8, announced=2**63),),
        twin=(1009,),
        ours=(1002,),
    ),
    Difference(
        Twin.REFUSES_CLOSE_BETWEEN_FRAGMENTS,
        "5.4",
        "Control frames MAY be injected in the middle of a fragmented message; a close is one.",
        (client_frame(TEXT, b"hi", fin=False), client_frame(CLOSE, b"\x03\xe9")),
        twin=(1002,),
        ours=(1001,),
    ),
    Difference(
        Twin.COUNTS_CONTROL_FRAMES,
        "5.4",
        "A control frame is no part of the message it comes between, and takes none of its room.",
        (
            client_frame(BINARY, bytes(MOST - 1), fin=False),
            client_frame(PING, b"ab"),
            client_frame(CONTINUATION, b"c"),
        ),
        twin=(1009,),
        ours=(bytes(MOST - 1) + b"c", LOST),
    ),
    Difference(
        Twin.CALLS_CONTROL_FRAMES_TOO_BIG,
        "5.5",
        "Control frames MUST have a payload of 125 bytes or less: one that has not is broken.",
        (client_frame(PING, b"", width=2, announced=MOST + 1),),
        twin=(1009,),
        ours=(1002,),
    ),
    Difference(
        Twin.WAITS_FOR_THE_PAYLOAD,
        "5.5",
        "Control frames MUST NOT be fragmented. Nothing says when to notice; ours does at once.",
        (client_frame(PING, b"ab", fin=False)[:4],),
        twin=(1005,),
        ours=(1002,),
    ),
    Difference(
        Twin.JUDGES_FRAGMENTS_BY_THEIR_HEADER,
        "10.4",
        "The limit is one's own. Ours judges a message by what it has, up to one fragment more.",
        (
            client_frame(BINARY, bytes(MOST), fin=False),
            client_frame(CONTINUATION, b"abc")[:-1],
        ),
        twin=(1009,),
        ours=(LOST,),
    ),
    Difference(
        Twin.NAMES_THE_OTHER_FAULT,
        "7.1.7",
        "Of two faults in one frame, here a code and a reason that no close has, either counts.",
        (client_frame(CLOSE, struct.pack("!H", 999) + b"\xff"),),
        twin=(1007,),
        ours=(1002,),
    ),
    Difference(
        Twin.CALLS_A_LOSS_A_CLOSE,
        "7.1.5",
        "1005 is a close frame without a code; if there was no close frame, the code is 1006.",
        (),
        twin=(1005,),
        ours=(LOST,),
    ),
]


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda each: each.of.name)
def test_the_twin_differs_as_listed_and_ours_follows_the_rfc(
    loop: VirtualLoop, difference: Difference
) -> None:
    stream = b"".join(difference.chunks)
    reading = read(stream, MOST)
    chunks = list(difference.chunks)
    ours = run_on(loop, _play(OURS, chunks, reading.is_failed, is_reset=False))
    assert ours == outcome_of(reading)
    assert told(ours) == difference.ours
    twin = run_on(loop, _play(UVICORN, chunks, is_failure=False, is_reset=False))
    assert told(twin) == difference.twin


def test_every_known_difference_has_an_example() -> None:
    assert [difference.of for difference in DIFFERENCES] == list(Twin)
    for difference in DIFFERENCES:
        known = read(b"".join(difference.chunks), MOST).twin
        # Two are about pieces and about the end, and not in the stream.
        assert known <= {difference.of}
        assert known or difference.of in (Twin.LOSES_WHAT_CAME_BEFORE, Twin.CALLS_A_LOSS_A_CLOSE)


# Over real sockets

PLAIN_TALK = [
    b"",
    client_frame(TEXT, "größer".encode())
    + client_frame(PING, b"?")
    + client_frame(BINARY, b"\x00"),
    client_frame(TEXT, b"hi") + client_frame(CLOSE, b"\x03\xe9bye"),
    client_frame(TEXT, b"a", fin=False) + client_frame(PONG) + client_frame(CONTINUATION, b"b"),
    client_frame(BINARY, bytes(MOST)) + client_frame(CLOSE),
    client_frame(BINARY, bytes(MOST + 1)),
    client_frame(TEXT, b"\xff") + client_frame(3) + client_frame(CLOSE),
    client_frame(TEXT, b"hi", key=None),
    client_frame(CLOSE, b"\x03\xed"),
    client_frame(TEXT, b"cut off")[:-2],
    *(b"".join(difference.chunks) for difference in DIFFERENCES),
]


@pytest.fixture
def made_up() -> list[tuple[Outcome, Outcome]]:
    """The results of each stream in the simulation: ours, and uvicorn's."""
    with virtual_loop() as loop:
        return [
            (
                run_on(loop, _play(OURS, [stream], is_failure=False, is_reset=False)),
                run_on(loop, _play(UVICORN, [stream], is_failure=False, is_reset=False)),
            )
            for stream in PLAIN_TALK
        ]


@pytest.mark.both_loops
@pytest.mark.parametrize("kind", [OURS, UVICORN], ids=["ours", "twin"])
async def test_real_sockets_have_the_outcomes_of_the_simulated_ones(
    made_up: list[tuple[Outcome, Outcome]], kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    listener = Listener()
    first = HttpTransport if kind is UVICORN else kind
    async with serving(listener, http=first, ws=kind, ws_max_size=MOST) as server:
        for stream, outcomes in zip(PLAIN_TALK, made_up, strict=True):
            expected = outcomes[kind is UVICORN]
            listener.events.clear()
            peer = await server.connect()
            await peer.send(opening())
            answer = await peer.read_until(b"\r\n\r\n")
            await peer.send(stream)
            peer.half_close()
            said = parse(answer + await peer.end())
            peer.close()
            async with asyncio.timeout(10):
                while (  # noqa: ASYNC110
                    server.connections or len(listener.events) < len(expected.events) + 1
                ):
                    await asyncio.sleep(0.001)
            assert tuple(listener.events[1:]) == expected.events, stream[:40]
            assert said.frames == expected.answers, stream[:40]


@pytest.mark.both_loops
async def test_large_messages_are_not_changed_by_later_ones() -> None:
    """Loops keep a reference to what they are given while the peer does not read: it must not be
    changed meanwhile."""
    sizes = [9000, 3, 20_000, 125, 8193, 8192, 1, 12_000, 126, 5] * 120
    messages = [bytes([65 + index % 26]) * size for index, size in enumerate(sizes)]
    sent = 0

    async def application(scope: Any, receive: Receive, send: Send) -> None:
        nonlocal sent
        await receive()
        await send({"type": "websocket.accept"})
        for message in messages:
            await send({"type": "websocket.send", "bytes": message})
            sent += 1
        await send({"type": "websocket.close"})
        await receive()

    async with serving(application) as server:
        peer = await server.upgraded(window=4096)
        before = -1
        while sent != before:  # until all buffers are full
            before = sent
            await asyncio.sleep(0.05)
        assert 0 < sent < len(messages)
        pieces = [b"HTTP/1.1 101 Switching Protocols\r\n\r\n"]
        left = sum(size + (2 if size < 126 else 4) for size in sizes) + len(b"\x88\x02\x03\xe8")
        while left:
            pieces.append(await peer.read(left))
            left -= len(pieces[-1])
    said = parse(b"".join(pieces))
    is_intact = said.frames[:-1] == tuple((BINARY, message) for message in messages)
    assert is_intact  # without the messages in the output: they are megabytes
    assert said.codes == [1000]


@pytest.mark.both_loops
@pytest.mark.parametrize(
    "goodbye",
    [client_frame(CLOSE, b"\x03\xe8"), client_frame(3), None],
    ids=["a close", "a broken frame", "a reset"],
)
async def test_a_closed_connection_is_freed(goodbye: bytes | None) -> None:
    async def application(scope: Any, receive: Receive, send: Send) -> None:
        await Listener()(scope, receive, send)

    async with serving(application) as server:
        peer = await server.upgraded()
        (protocol,) = server.connections
        gone = weakref.ref(protocol)
        del protocol
        if goodbye is None:
            peer.reset()
        else:
            await peer.send(client_frame(TEXT, b"hi") + goodbye)
            await peer.end()
            peer.close()
        async with asyncio.timeout(10):
            while gone() is not None:
                await asyncio.sleep(0.01)
                gc.collect()
        assert not server.connections
