"""What an application may send and in which order, with the results: the same as with uvicorn's own
transport, except for `DIFFERENCES`, which say why."""

import asyncio
import gc
import weakref
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from uvicorn.protocols.utils import ClientDisconnected

from server.base.waiting import within
from server.transport.by_call import Socket
from server.transport.limits import Limits
from server.wire.problem import internal
from tests.simulation.virtual import VirtualLoop
from tests.support.frames import BINARY, CLOSE, PING, PONG, TEXT, client_frame
from tests.support.responses import problem_of
from tests.support.wire import (
    HIGH_WATER,
    OURS,
    UVICORN,
    Event,
    Receive,
    Send,
    Wire,
    run_on,
    settled,
)

# An application of given steps

RECEIVE, PEER_IS_LOST, PEER_ENDS, RETURN, RAISE = "receive", "lost", "fin", "return", "raise"
Step = str | bytes | Event
DISCONNECT = "websocket.disconnect"

ACCEPT: Event = {"type": "websocket.accept"}
HI: Event = {"type": "websocket.send", "text": "hi"}
BYE: Event = {"type": "websocket.close"}
PEER_CLOSES = client_frame(CLOSE, b"\x03\xe9bye")


def start(status: int, *headers: tuple[bytes, bytes]) -> Event:
    return {"type": "websocket.http.response.start", "status": status, "headers": list(headers)}


def body(data: bytes, **more: Any) -> Event:
    return {"type": "websocket.http.response.body", "body": data, **more}


@dataclass(frozen=True)
class Played:
    """The results of the steps, returned or raised, and what the peer received."""

    results: tuple[Any, ...]
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    frames: tuple[tuple[int, bytes], ...]
    has_ended: bool


def play(loop: VirtualLoop, kind: Any, *steps: Step) -> Played:
    """Run the steps of an application; bytes are sent by the peer between them."""
    return run_on(loop, _play(kind, steps))


async def _play(kind: Any, steps: tuple[Step, ...]) -> Played:
    results: list[Any] = []

    async def take(step: Step, receive: Receive, send: Send) -> Any:
        if isinstance(step, dict):
            return await send(step)
        if isinstance(step, bytes):
            wire.transport.say([step])
        elif step == PEER_IS_LOST:
            wire.transport.lose(ConnectionResetError())
        elif step == PEER_ENDS:
            wire.transport.say([b""])
        else:
            event = await within(1.0, receive())
            # The number of turns differs between versions of Python, and so does whether uvicorn's
            # has noticed the lost connection.
            await settled()
            # ASGI: None is the same as an empty reason.
            return {"reason": ""} | event if event["type"] == DISCONNECT else event
        return await settled()

    async def application(scope: Any, receive: Receive, send: Send) -> None:
        results.append(dict(await receive()))
        try:
            for step in steps:
                if step == RETURN:
                    return
                if step == RAISE:
                    raise LookupError("the application is broken")
                try:
                    results.append(await take(step, receive, send))
                except Exception as error:
                    results.append(type(error))
        finally:
            done.set()
        await seen.wait()

    done, seen = asyncio.Event(), asyncio.Event()
    wire = Wire(kind, application)
    await wire.upgrade()
    await done.wait()
    await settled()
    said, has_ended = wire.said, wire.has_ended
    assert wire.transport.crashes == []
    seen.set()
    wire.transport.lose()
    await settled()
    assert not wire.state.tasks
    headers = tuple(header for header in said.headers if header[0] != "date")
    return Played(
        tuple(results), said.status, tuple(sorted(headers)), said.body, said.frames, has_ended
    )


# Without differences

SAME: dict[str, tuple[Step, ...]] = {
    "accepted": (ACCEPT,),
    "accepted with headers": (
        ACCEPT | {"headers": [(b"Set-Cookie", b"a=1"), (b"set-cookie", b"b=\xe9")]},
    ),
    "accepted with a subprotocol": (ACCEPT | {"subprotocol": "chat"},),
    "accepted with none": (ACCEPT | {"subprotocol": None, "headers": []},),
    "accepted twice": (ACCEPT, ACCEPT),
    "sent too early": (HI, ACCEPT, HI),
    "body without a start": (body(b"x"), ACCEPT),
    "nonsense": ({"type": "websocket.open"}, ACCEPT, {"type": "http.response.start"}, HI),
    "denied after it was accepted": (ACCEPT, start(404), HI),
    "refused": (BYE, RECEIVE),
    "refused with a code": (BYE | {"code": 4500, "reason": "no"}, RECEIVE),
    "denied": (start(404, (b"Content-Type", b"text/html")), body(b"<p>"), RECEIVE),
    "denied in parts": (
        start(401, (b"content-type", b"a/b"), (b"www-authenticate", b"x")),
        body(b"one", more_body=True),
        body(b"", more_body=True),
        body(b"two", more_body=False),
        RECEIVE,
    ),
    "denied with its own length": (
        start(403, (b"content-length", b"2"), (b"content-type", b"a/b"), (b"connection", b"close")),
        body(b"no"),
    ),
    "denied without a name for it": (start(499, (b"content-type", b"a/b")), body(b"")),
    "denied with a status that is none": (start(99), start(600), start(1000), BYE, RECEIVE),
    "closed": (ACCEPT, BYE, RECEIVE),
    "closed with a code": (ACCEPT, BYE | {"code": 4001}, RECEIVE),
    "closed with a reason": (ACCEPT, BYE | {"code": 4001, "reason": "größer"}, RECEIVE),
    "closed with no reason": (ACCEPT, BYE | {"code": 1001, "reason": None}, RECEIVE),
    "closed with the longest reason": (ACCEPT, BYE | {"reason": "é" * 61 + "e"}, RECEIVE),
    "closed twice": (ACCEPT, BYE, BYE, HI),
    "closed and answered": (ACCEPT, BYE, PEER_CLOSES, RECEIVE),
    "closed while messages come": (
        ACCEPT,
        BYE,
        client_frame(TEXT, b"too late"),
        client_frame(BINARY, b"") + client_frame(PONG),
        RECEIVE,
    ),
    "text": (ACCEPT, HI, {"type": "websocket.send", "text": "", "bytes": None}),
    "bytes": (ACCEPT, {"type": "websocket.send", "bytes": b"\x00\xff"}),
    "other bytes": (ACCEPT, {"type": "websocket.send", "bytes": bytearray(b"abc")}),
    "both": (ACCEPT, {"type": "websocket.send", "bytes": b"b", "text": "t"}),
    "no bytes and text": (ACCEPT, {"type": "websocket.send", "bytes": None, "text": "t"}),
    "text that cannot be encoded": (ACCEPT, {"type": "websocket.send", "text": "\ud800"}, HI),
    "large messages": (
        ACCEPT,
        *({"type": "websocket.send", "text": "a" * size} for size in (125, 126, 8192, 8193)),
        *({"type": "websocket.send", "bytes": b"a" * size} for size in (65535, 65536)),
        HI,
    ),
    "the peer closes": (ACCEPT, PEER_CLOSES, HI, RECEIVE),
    "the peer closes after it spoke": (
        ACCEPT,
        client_frame(TEXT, b"one"),
        client_frame(BINARY, b"two") + PEER_CLOSES,
        RECEIVE,
        RECEIVE,
        RECEIVE,
        HI,
        BYE,
    ),
    "the peer half-closes": (ACCEPT, PEER_ENDS, HI),
    "the peer half-closes after our close": (ACCEPT, BYE, PEER_ENDS),
    "the peer goes while it waits": (PEER_IS_LOST, HI, ACCEPT, BYE),
    "the peer goes and is sent something": (ACCEPT, PEER_IS_LOST, HI, BYE),
    "returned before it accepted": (RETURN,),
    "raised before it accepted": (RAISE,),
    "returned after it closed": (ACCEPT, BYE, RETURN),
    "raised after it closed": (ACCEPT, BYE, RAISE),
    "returned after it refused": (BYE, RETURN),
    "raised after the peer closed": (ACCEPT, PEER_CLOSES, RAISE),
}


@pytest.mark.parametrize("steps", SAME.values(), ids=SAME.keys())
def test_an_application_sees_no_difference(loop: VirtualLoop, steps: tuple[Step, ...]) -> None:
    ours, twin = play(loop, OURS, *steps), play(loop, UVICORN, *steps)
    if twin.status in (403, 500) and twin.body in (b"", b"Internal Server Error"):
        # Both refuse it, with different bodies.
        assert (ours.status, ours.results, ours.has_ended) == (twin.status, twin.results, True)
        _, code = problem_of(ours.status, dict(ours.headers), ours.body)
        assert code == {403: "refused", 500: "internal"}[ours.status]
    else:
        assert ours == twin


# Differences


@dataclass(frozen=True)
class Difference:
    """Steps of an application with different results; `why` says which is right."""

    why: str
    steps: tuple[Step, ...]
    ours: dict[str, Any]
    twin: dict[str, Any]


LOST = {"type": DISCONNECT, "code": 1006, "reason": ""}
CONNECT = {"type": "websocket.connect"}
LONG = "é" * 100

DIFFERENCES = {
    "the peer vanishes": Difference(
        "RFC 6455, 7.1.5: without a close frame the code is 1006; 1005 is one without a code.",
        (ACCEPT, PEER_IS_LOST, RECEIVE),
        ours={"results": (CONNECT, None, None, LOST)},
        twin={"results": (CONNECT, None, None, LOST | {"code": 1005})},
    ),
    "receives after the end": Difference(
        "ASGI leaves it open. The event again lets everybody who waits end; there it is a hang.",
        (ACCEPT, PEER_CLOSES, RECEIVE, RECEIVE, RECEIVE),
        ours={"results": (CONNECT, None, None, *[LOST | {"code": 1001, "reason": "bye"}] * 3)},
        twin={
            "results": (
                *(CONNECT, None, None, LOST | {"code": 1001, "reason": "bye"}),
                *(LOST | {"code": 1005}, TimeoutError),
            )
        },
    ),
    "returns without closing": Difference(
        "RFC 6455, 7.1.1: an endpoint SHOULD close by the closing handshake. Returning is no"
        " failure: 1000. The twin just ends, which its peer takes for a lost connection.",
        (ACCEPT, HI, RETURN),
        ours={"frames": ((TEXT, b"hi"), (CLOSE, b"\x03\xe8")), "has_ended": False},
        twin={"frames": ((TEXT, b"hi"),), "has_ended": True},
    ),
    "crashes": Difference(
        "RFC 6455, 7.4.1: 1011 says that the server was in the way of an unexpected condition.",
        (ACCEPT, HI, RAISE),
        ours={"frames": ((TEXT, b"hi"), (CLOSE, b"\x03\xf3")), "has_ended": False},
        twin={"frames": ((TEXT, b"hi"),), "has_ended": True},
    ),
    "crashes in a denial": Difference(
        "A request has an answer; the twin ends the connection without one.",
        (start(404), RAISE),
        ours={"status": 500, "body": internal().body},
        twin={"status": 0, "body": b""},
    ),
    "sends after it refused": Difference(
        "ASGI: after a close, an event is an error. The twin forgets as soon as the peer is gone.",
        (BYE, PEER_IS_LOST, HI),
        ours={"results": (CONNECT, None, None, RuntimeError)},
        twin={"results": (CONNECT, None, None, ClientDisconnected)},
    ),
    "closes with too long a reason": Difference(
        "RFC 6455, 5.5: 125 bytes. Ours says what fits of it, in whole characters; that the"
        " application should crash instead helps nobody.",
        (ACCEPT, BYE | {"code": 4001, "reason": LONG}, RECEIVE),
        ours={
            "results": (CONNECT, None, None, LOST | {"code": 4001, "reason": LONG}),
            "frames": ((CLOSE, b"\x0f\xa1" + LONG[:61].encode()),),
        },
        twin={"frames": ()},
    ),
    "closes with a code that may not be sent": Difference(
        "RFC 6455, 7.4.1: 1006 MUST NOT be in a close frame. Both refuse; ours as any other error"
        " of order, and can be closed properly afterwards.",
        (ACCEPT, *(BYE | {"code": code} for code in (1004, 1005, 1006, 1015, 5000, 0, None)), BYE),
        ours={
            "results": (CONNECT, None, *[RuntimeError] * 7, None),
            "frames": ((CLOSE, b"\x03\xe8"),),
        },
        twin={"frames": ((CLOSE, b""),)},
    ),
    "denies without a type": Difference(
        "RFC 9110, 8.3: the recipient may look for itself. Ours adds what is needed, no more.",
        (start(404), body(b"?")),
        ours={"headers": (("connection", "close"), ("content-length", "1"))},
        twin={
            "headers": (
                ("connection", "close"),
                ("content-length", "1"),
                ("content-type", "text/plain; charset=utf-8"),
            )
        },
    ),
    "denies without a body": Difference(
        "ASGI: a missing `body` is an empty one.",
        (start(404), {"type": "websocket.http.response.body"}),
        ours={"status": 404, "results": (CONNECT, None, None)},
        twin={"status": 0, "results": (CONNECT, None, KeyError)},
    ),
    "sends nothing": Difference(
        "ASGI: one of the two must be there. Ours says so; the twin sends nothing, in silence.",
        (ACCEPT, {"type": "websocket.send"}, HI),
        ours={"results": (CONNECT, None, KeyError, None), "frames": ((TEXT, b"hi"),)},
        twin={"results": (CONNECT, None, None, None), "frames": ((TEXT, b"hi"),)},
    ),
    "the peer pings after our close": Difference(
        "RFC 6455, 5.5.2: a ping is answered unless a close was received. Here the twin is right;"
        " ours sends nothing after its close, as a browser would not mind.",
        (ACCEPT, BYE, client_frame(PING, b"?")),
        ours={"frames": ((CLOSE, b"\x03\xe8"),)},
        twin={"frames": ((CLOSE, b"\x03\xe8"), (PONG, b"?"))},
    ),
    "the peer breaks the rules": Difference(
        "RFC 6455, 7.1.6: the reason is nobody's business but that of who debugs.",
        (ACCEPT, client_frame(TEXT, b"\xff"), HI, RECEIVE),
        ours={
            "results": (
                *(CONNECT, None, None, ClientDisconnected),
                LOST | {"code": 1007, "reason": "text must be UTF-8"},
            ),
            "frames": ((CLOSE, b"\x03\xeftext must be UTF-8"),),
        },
        twin={
            "results": (CONNECT, None, None, ClientDisconnected, LOST | {"code": 1007}),
            "frames": ((CLOSE, b"\x03\xef"),),
        },
    ),
}


@pytest.mark.parametrize("difference", DIFFERENCES.values(), ids=DIFFERENCES.keys())
def test_every_difference_from_the_twin_is_listed(
    loop: VirtualLoop, difference: Difference
) -> None:
    for kind, expected in ((OURS, difference.ours), (UVICORN, difference.twin)):
        played = play(loop, kind, *difference.steps)
        assert {name: getattr(played, name) for name in expected} == expected, kind


# Waiting


def filled(wire: Wire) -> None:
    """Fill the buffer, so that `send` has to wait."""
    wire.transport.is_taking = False
    wire.transport.write(bytes(HIGH_WATER + 1))


async def conversation(kind: Any) -> tuple[Wire, Receive, Send]:
    """An open connection, with its application's `receive` and `send`."""
    ends: asyncio.Future[tuple[Receive, Send]] = asyncio.get_running_loop().create_future()

    async def application(scope: Any, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        ends.set_result((receive, send))
        await asyncio.sleep(60.0)

    wire = Wire(kind, application)
    await wire.upgrade()
    wire.transport.taken.clear()
    return wire, *await ends


def numbered(number: int) -> Event:
    return {"type": "websocket.send", "bytes": bytes([number]) * 3}


NUMBERED = [bytes([0x82, 3, number, number, number]) for number in range(9)]

both_kinds = pytest.mark.parametrize("kind", [OURS, UVICORN], ids=["ours", "twin"])


@both_kinds
def test_sends_wait_for_a_peer_that_does_not_read_and_keep_their_order(
    loop: VirtualLoop, kind: Any
) -> None:
    async def scene() -> None:
        wire, _, send = await conversation(kind)
        filled(wire)
        senders = [asyncio.ensure_future(send(numbered(number))) for number in range(5)]
        await settled()
        assert not any(sender.done() for sender in senders)
        wire.transport.take()
        await asyncio.gather(*senders, send(numbered(5)))
        assert wire.transport.taken[HIGH_WATER + 1 :] == b"".join(NUMBERED[:6])

    run_on(loop, scene())


@both_kinds
@pytest.mark.parametrize("exc", [None, ConnectionResetError()])
def test_a_waiting_send_raises_when_the_peer_is_gone(
    loop: VirtualLoop, kind: Any, exc: Exception | None
) -> None:
    async def scene() -> None:
        wire, _, send = await conversation(kind)
        filled(wire)
        senders = [asyncio.ensure_future(send(event)) for event in (HI, HI, BYE)]
        await settled()
        wire.transport.lose(exc)
        results = await asyncio.gather(*senders, send(HI), return_exceptions=True)
        assert [type(result) for result in results] == [ClientDisconnected] * 4

    run_on(loop, scene())


@both_kinds
def test_a_cancelled_send_is_not_sent(loop: VirtualLoop, kind: Any) -> None:
    async def scene() -> None:
        wire, _, send = await conversation(kind)
        filled(wire)
        senders = [asyncio.ensure_future(send(numbered(number))) for number in range(3)]
        await settled()
        senders[1].cancel()
        await settled()
        wire.transport.take()
        await asyncio.gather(*senders, return_exceptions=True)
        assert wire.transport.taken[HIGH_WATER + 1 :] == NUMBERED[0] + NUMBERED[2]

    run_on(loop, scene())


@both_kinds
@pytest.mark.parametrize("passes", range(6))
def test_a_cancelled_receive_loses_no_message(loop: VirtualLoop, kind: Any, passes: int) -> None:
    async def scene() -> None:
        wire, receive, _ = await conversation(kind)
        waiting = asyncio.ensure_future(receive())
        await settled()
        wire.transport.say([client_frame(TEXT, b"one"), client_frame(TEXT, b"two")])
        for _ in range(passes):
            await asyncio.sleep(0)
        waiting.cancel()
        texts = []
        with suppress(asyncio.CancelledError):
            texts.append((await waiting)["text"])
        while len(texts) < 2:
            texts.append((await within(1.0, receive()))["text"])
        assert texts == ["one", "two"]

    run_on(loop, scene())


def test_a_close_by_the_peer_ends_a_waiting_send(loop: VirtualLoop) -> None:
    """With uvicorn's, it waits until the peer has read, or for ever."""

    async def scene() -> None:
        wire, _, send = await conversation(OURS)
        filled(wire)
        sender = asyncio.ensure_future(send(HI))
        await settled()
        wire.transport.say([PEER_CLOSES])
        with pytest.raises(ClientDisconnected):
            await within(1.0, sender)

    run_on(loop, scene())


def test_a_second_concurrent_receive_raises(loop: VirtualLoop) -> None:
    async def scene() -> None:
        wire, receive, _ = await conversation(OURS)
        waiting = asyncio.ensure_future(receive())
        await settled()
        with pytest.raises(RuntimeError, match="Only one"):
            await receive()
        wire.transport.say([client_frame(TEXT, b"one")])
        assert (await waiting)["text"] == "one"

    run_on(loop, scene())


def test_pings_are_answered_when_the_peer_reads_again(loop: VirtualLoop) -> None:
    async def scene() -> None:
        wire, _, _ = await conversation(OURS)
        filled(wire)
        wire.transport.say([client_frame(PING, b"%d" % number) for number in range(5)])
        await settled()
        wire.transport.take()
        wire.transport.say([client_frame(PING, b"last")])
        await settled()
        assert bytes(wire.transport.taken[HIGH_WATER + 1 :]) == b"\x8a\x04last"

    run_on(loop, scene())


# What is left


@pytest.mark.parametrize(
    "ending",
    ["it closes", "the peer closes", "the peer breaks the rules", "the peer is lost", "it crashes"],
)
@pytest.mark.parametrize("is_taken", [False, True], ids=["called", "taken"])
def test_a_closed_connection_leaves_no_references(
    loop: VirtualLoop, ending: str, monkeypatch: pytest.MonkeyPatch, is_taken: bool
) -> None:
    timers: list[weakref.ref[Any]] = []
    call_at = loop.call_at

    def noted(*args: Any, **kwargs: Any) -> asyncio.TimerHandle:
        timer = call_at(*args, **kwargs)
        timers.append(weakref.ref(timer))
        return timer

    async def application(scope: Any, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        while (event := await receive())["type"] != DISCONNECT:
            await send(HI)
            if ending == "it closes":
                await send(BYE)
            if ending == "it crashes":
                raise LookupError(event)

    class Hearer:
        def __init__(self, socket: Socket) -> None:
            self._socket = socket

        def hear(self, data: str | bytes) -> None:
            self._socket.send_text("hi")
            if ending == "it closes":
                self._socket.close(4501)
            if ending == "it crashes":
                raise LookupError(data)

        def hear_fragment(self) -> None:
            raise AssertionError("there is none")

        def gone(self, code: int) -> None:
            pass

    def take(scope: Any, socket: Socket) -> bool:
        if is_taken:
            socket.accept(None)
            socket.listen(Hearer(socket))
        return is_taken

    async def scene() -> weakref.ref[Any]:
        wire = Wire(OURS, application, take=take)
        await wire.upgrade()
        protocol = weakref.ref(wire.protocol)
        wire.transport.say([client_frame(PING), client_frame(TEXT, b"x" * 9000)])
        await settled()
        if ending == "the peer closes":
            wire.transport.say([PEER_CLOSES])
        elif ending == "the peer breaks the rules":
            wire.transport.say([client_frame(BINARY, bytes(3), fin=False) + client_frame(3)])
        await settled()
        wire.transport.lose()
        await settled(2 * Limits().turn)
        assert not wire.state.tasks
        assert not wire.state.connections
        return protocol

    monkeypatch.setattr(loop, "call_at", noted)
    gc.collect()
    gc.disable()
    try:
        protocol = run_on(loop, scene())
        assert protocol() is None, "without the collector: nothing holds it, not even itself"
    finally:
        gc.enable()
    left = [timer() for timer in timers]
    assert all(timer is None or timer.cancelled() for timer in left)


@pytest.mark.parametrize("answers", [True, False])
@pytest.mark.parametrize("wanted", [None, 1.0, 60.0])
def test_a_close_is_answered_within_its_deadline_or_the_peer_is_aborted(
    loop: VirtualLoop, answers: bool, wanted: float | None
) -> None:
    """The application may want it sooner, but not later."""
    deadline = 1.0 if wanted == 1.0 else Limits().close_deadline

    async def scene() -> None:
        wire, _, send = await conversation(OURS)
        await send(BYE if wanted is None else BYE | {"within": wanted})
        await settled(deadline - 0.1)
        assert not wire.has_ended
        if answers:
            wire.transport.say([PEER_CLOSES])
        await settled(0.1 + 2 * Limits().turn)
        assert wire.transport.is_lost
        assert wire.transport.is_aborted != answers

    run_on(loop, scene())


def test_a_refused_upgrade_ends_soon_though_the_peer_stays(loop: VirtualLoop) -> None:
    async def application(scope: Any, receive: Receive, send: Send) -> None:
        await send(start(403))
        await send(body(b""))

    async def scene() -> None:
        wire = Wire(OURS, application)
        await wire.upgrade()
        await settled(Limits().linger - 0.1)
        assert wire.transport.is_half_closed
        assert not wire.transport.is_lost
        await settled(0.1 + 2 * Limits().turn)
        assert wire.transport.is_aborted

    run_on(loop, scene())
