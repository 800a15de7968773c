"""WebSockets against peers that stop reading, go silent, or never stop sending."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from server.base.rates import Rate
from server.base.waiting import within
from server.limits import Limits as AllLimits
from server.transport.limits import Limits
from tests.support.answers import until, until_status
from tests.support.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, client_frame
from tests.support.live_server import LiveServer, run_server
from tests.support.peers import (
    NARROW,
    Frame,
    Peer,
    Peers,
    Server,
    close_frame,
    opening,
    request,
    serving,
)
from tests.support.responses import problem_of
from tests.support.scenes import run_in_time

pytestmark = pytest.mark.both_loops

DEFAULTS = Limits()

SHORT = 0.15
"""Seconds of the shortened deadlines, for tests that wait for them."""

HELD_UP = SHORT / 4
"""Seconds of a stall after which a peer may have missed a deadline of `SHORT`."""

MISSED = (AssertionError, OSError, EOFError)
"""Errors of a test whose peer has missed a deadline."""

PING_MESSAGE = client_frame(TEXT, b'{"type":"ping"}')


MOST_TAKEN = 1024 * 1024
"""Bytes that a peer can send while the application reads none: the kernel's buffers and two
reads."""


class Conversation:
    """A connection, as its application sees it."""

    def __init__(self, scope: Any, send: Any) -> None:
        self.path = scope["path"]
        self.send = send
        self.heard: list[Any] = []
        self.code: int | None = None
        self.is_listening = asyncio.Event()

    async def say(self, size: int) -> None:
        await self.send({"type": "websocket.send", "text": "x" * size})

    async def talk(self) -> str:
        """Send for ever; return the name of the error that ends it."""
        try:
            while True:
                await self.say(1000)
                await asyncio.sleep(0)
        except OSError as error:
            return type(error).__name__


class Application:
    """Accepts every socket, and records messages; `/unanswered` is never accepted, and `/deaf`
    reads only after `is_listening`."""

    def __init__(self) -> None:
        self.conversations: list[Conversation] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        conversation = Conversation(scope, send)
        self.conversations.append(conversation)
        await receive()
        if scope["path"] != "/unanswered":
            await send({"type": "websocket.accept"})
        if scope["path"] == "/deaf":
            await conversation.is_listening.wait()
        while (event := await receive())["type"] != "websocket.disconnect":
            conversation.heard.append(event.get("text") or event.get("bytes"))
        conversation.code = event["code"]


@pytest.fixture
def app() -> Application:
    return Application()


HURRIED = Limits(
    header_deadline=SHORT,
    close_deadline=SHORT,
    shutdown_deadline=SHORT,
    write_stall=SHORT,
    turn=0.02,
)

hurried = pytest.mark.parametrize("limits", [HURRIED], ids=["in a hurry"])


@pytest.fixture
def limits() -> Limits:
    return DEFAULTS


@pytest.fixture
async def plain(app: Application, limits: Limits) -> AsyncIterator[Server]:
    """`app` on our transports."""
    async with serving(app, limits) as running:
        yield running


@pytest.fixture
async def narrow(app: Application, limits: Limits) -> AsyncIterator[Server]:
    """The same, with small buffers of the kernel."""
    async with serving(app, limits, is_narrow=True) as running:
        yield running


def now() -> float:
    return asyncio.get_running_loop().time()


async def gone(server: Server) -> None:
    """Wait until the server has no connections."""
    await until(lambda: not server.connections)


# The handshake


@hurried
async def test_an_upgrade_without_an_answer_is_aborted(plain: Server, app: Application) -> None:
    began = now()
    peer = await plain.connect()
    await peer.send(opening("/unanswered"))
    assert SHORT * 0.9 < await peer.ended_after(began) < 8
    await gone(plain)
    await until(lambda: app.conversations[0].code == 1006)


async def test_bytes_before_the_answer_are_kept_up_to_a_limit(
    plain: Server, app: Application
) -> None:
    peer = await plain.connect()
    await peer.send(opening("/unanswered"))
    await until(lambda: len(app.conversations) == 1)
    for _ in range(DEFAULTS.largest_header // 1024):
        await peer.send(bytes(1024))
    (connection,) = plain.connections
    await until(lambda: len(connection._unparsed) == DEFAULTS.largest_header)
    assert not connection._transport.is_closing()
    await peer.send(b"x")
    async with asyncio.timeout(DEFAULTS.header_deadline / 2):  # before the deadline
        await gone(plain)
    await until(lambda: app.conversations[0].code == 1006)


@pytest.mark.parametrize(
    "fields",
    [["Cookie: " + "x" * 9000], [f"H{number}: x" for number in range(130)]],
    ids=["a line of 9 KB", "130 lines"],
)
async def test_an_upgrade_with_too_large_a_header_is_refused_and_not_held(
    plain: Server, app: Application, fields: list[str]
) -> None:
    peer = await plain.connect()
    await peer.send(opening("/", None, *fields))
    assert (await peer.answer()).status == 431
    assert await peer.end() == b""
    peer.close()
    await gone(plain)
    assert app.conversations == []


async def test_unknown_paths_and_foreign_origins_are_refused_with_a_problem(
    server: LiveServer,
) -> None:
    with Peers(server.port) as peers:
        for upgrade, expected in (
            (opening("/nowhere"), (404, "not_found")),
            (opening("/ws", None, "Origin: https://evil.example"), (403, "cross_origin")),
        ):
            peer = await peers.connect()
            await peer.send(upgrade)
            answer = await peer.answer()
            assert problem_of(answer.status, answer.headers, answer.body) == expected
            assert await peer.end() == b""


# Peers that do not read


@hurried
async def test_a_peer_that_stops_reading_is_aborted_and_send_raises(
    plain: Server, app: Application
) -> None:
    await plain.upgraded(window=4096)
    (conversation,) = app.conversations
    talking = asyncio.create_task(conversation.talk())
    await gone(plain)
    assert await within(5, talking) == "ClientDisconnected"
    await until(lambda: conversation.code == 1006)


@hurried
async def test_a_peer_that_reads_slowly_but_steadily_is_not_aborted(
    plain: Server, app: Application
) -> None:
    """So slowly that the kernel's buffer of megabytes never asks for more."""

    async def read() -> None:
        peer = await plain.upgraded(window=4096)
        talking = asyncio.create_task(app.conversations[-1].talk())
        (connection,) = plain.connections
        try:
            await until(lambda: connection._stall is not None)
            until_then = now() + 4 * SHORT
            while now() < until_then:
                assert await peer.read(2048)
                await asyncio.sleep(0.01)
            assert plain.connections == {connection}
        finally:
            talking.cancel()
            peer.reset()
            await gone(plain)

    await run_in_time(read, total=HELD_UP, failures=MISSED)


@hurried
async def test_a_slow_peer_that_resumes_in_time_gets_everything(
    plain: Server, app: Application
) -> None:

    async def talk(conversation: Conversation) -> None:
        with suppress(OSError):
            for _ in range(1000):
                await conversation.say(10_000)

    async def read() -> None:
        peer = await plain.upgraded(window=65536)
        talking = asyncio.create_task(talk(app.conversations[-1]))
        try:
            for number in range(1000):
                assert len((await peer.frame()).payload) == 10_000
                if number % 250 == 0:
                    await asyncio.sleep(SHORT / 2)
        finally:
            peer.close()
            await talking
            await gone(plain)

    await run_in_time(read, total=HELD_UP, failures=MISSED)


async def behind(server: LiveServer, peers: Peers, name: str) -> tuple[Any, Any, Peer]:
    """A player, their connection, and a peer that pings without reading until all buffers are
    full."""
    visitor = await server.guest(name)
    peer = await peers.upgraded("/ws", visitor.cookie, window=4096)
    await until(lambda: visitor.session.connections == 1)
    (connection,) = server.still_here.tabs.of(visitor.session)
    message = client_frame(TEXT, json.dumps({"type": "ping", "id": "\x00" * 100}).encode())
    async with asyncio.timeout(20):
        while not connection.is_behind:
            # A portion: what is read ahead of its answers would be too much for the outbox.
            await peer.send(message * 2)
            await asyncio.sleep(0)
    return visitor, connection, peer


async def watch_lobby(server: LiveServer, peer: Peer) -> None:
    await peer.send(client_frame(TEXT, b'{"type":"watch","topic":"lobby"}'))
    await until(lambda: len(server.still_here.lobby.watchers) == 1)


@pytest.fixture
async def unlimited(tmp_path: Path, limits: Limits) -> AsyncIterator[LiveServer]:
    """A server without a limit of messages."""
    of_all = AllLimits(transport=limits)
    async with run_server(
        tmp_path / "test.db", limits=of_all, max_messages_per_second=0
    ) as running:
        yield running


@pytest.fixture
async def soon_full(tmp_path: Path, limits: Limits) -> AsyncIterator[LiveServer]:
    """The same, with small buffers of the kernel."""
    of_all = AllLimits(transport=limits)
    async with run_server(
        tmp_path / "test.db", is_narrow=True, limits=of_all, max_messages_per_second=0
    ) as running:
        yield running


@hurried
async def test_a_player_who_stops_reading_is_shown_as_reconnecting(
    soon_full: LiveServer,
) -> None:
    with Peers(soon_full.port) as peers:
        ada, _, _ = await behind(soon_full, peers, "Ada")
        await until_status(ada, "reconnecting")
        assert await ada.status() == "reconnecting"
        assert ada.session.connections == 0


async def test_messages_of_a_player_who_does_not_read_are_processed(soon_full: LiveServer) -> None:
    """Reading a socket does not wait for writing."""
    with Peers(soon_full.port) as peers:
        ada, connection, peer = await behind(soon_full, peers, "Ada")
        await watch_lobby(soon_full, peer)  # all earlier messages have been read then
        assert ada.session.last_activity == 0
        for instant in (10.0, 20.0):
            await soon_full.advance(10)
            await peer.send(PING_MESSAGE)
            await until(lambda at=instant: ada.session.last_activity == at)  # type: ignore[misc]
        assert connection.is_behind
        assert not connection.is_closing


@pytest.mark.parametrize("limits", [replace(HURRIED, write_stall=1.0)], ids=["in a hurry"])
async def test_a_peer_closed_as_too_slow_that_still_does_not_read_is_aborted(
    soon_full: LiveServer,
) -> None:
    with Peers(soon_full.port) as peers:
        ada, connection, peer = await behind(soon_full, peers, "Ada")
        while not connection.is_closing:
            await peer.send(PING_MESSAGE)
            await asyncio.sleep(0)
        assert soon_full.still_here.tabs.closed["too_slow"] == 1
        assert ada.session.connections == 0
        began = now()
        with_a_socket = asyncio.create_task(peer.flood(PING_MESSAGE * 100, 10))
        await with_a_socket
        assert now() - began < 8, "the socket is there, and taken from, after the close"


# Peers that never stop sending


FLOODS = {
    "pings": client_frame(PING, b"x" * 100),
    "empty pings": client_frame(PING),
    "pongs": client_frame(PONG, b"x" * 100),
    "empty pongs": client_frame(PONG),
    "empty fragments": client_frame(CONTINUATION, fin=False),
}


@pytest.mark.parametrize("reads", [True, False], ids=["read", "unread"])
@pytest.mark.parametrize("what", FLOODS)
@hurried
async def test_a_flood_of_empty_frames_is_closed_with_4401(
    plain: Server, app: Application, what: str, reads: bool
) -> None:
    peer = await plain.upgraded()
    if what == "empty fragments":
        await peer.send(client_frame(TEXT, fin=False))
    flooding = asyncio.create_task(peer.flood(FLOODS[what] * 500, 10))
    if reads:
        closing = await peer.next(CLOSE)
        assert (closing.code, closing.payload[2:]) == (4401, b"too_many_messages")
    await gone(plain)
    await flooding
    assert app.conversations[0].code == 4401
    assert app.conversations[0].heard == []


async def test_as_many_pings_as_are_allowed_are_answered(plain: Server) -> None:
    peer = await plain.upgraded()
    count = int(DEFAULTS.control_frames.burst)
    await peer.send(b"".join(client_frame(PING, b"%d" % number) for number in range(count)))
    for number in range(count):
        assert await peer.frame() == Frame(PONG, b"%d" % number)
    await peer.send(client_frame(PING) * 20)
    assert (await peer.next(CLOSE)).code == 4401


async def test_a_message_of_one_byte_fragments_is_accepted(plain: Server, app: Application) -> None:
    peer = await plain.upgraded()
    parts = [client_frame(CONTINUATION, b"x", fin=False)] * 15_000 + [client_frame(CONTINUATION)]
    await peer.send(client_frame(TEXT, fin=False) + b"".join(parts))
    await until(lambda: app.conversations[0].heard == ["x" * 15_000])


@pytest.mark.parametrize(
    "limits", [Limits(small_fragments=Rate(0.001, 200))], ids=["few small fragments"]
)
async def test_small_fragments_are_limited_over_all_messages_and_large_ones_are_not(
    plain: Server, app: Application
) -> None:
    small, large = (
        client_frame(CONTINUATION, b"x" * size, fin=False)
        for size in (DEFAULTS.small_fragment - 1, DEFAULTS.small_fragment)
    )
    peer = await plain.upgraded()
    begin, end = client_frame(TEXT, fin=False), client_frame(CONTINUATION)
    await peer.send((begin + large * 100 + end) * 3)
    await peer.send((begin + small * 100 + end) * 2)
    await until(lambda: len(app.conversations[0].heard) == 5)
    await peer.send(begin + small)
    closing = await peer.next(CLOSE)
    assert (closing.code, closing.payload[2:]) == (4401, b"too_many_messages")


@pytest.mark.parametrize(
    "limits", [Limits(control_frames=Rate(10.0, 1e9))], ids=["any control frames"]
)
async def test_pings_with_unread_answers_cost_bounded_memory(
    plain: Server, app: Application
) -> None:
    peer = await plain.upgraded(window=4096)
    (connection,) = plain.connections
    sent = most = 0
    # The machine decides how much is sent in a time; go on until it is enough.
    for _ in range(20):
        flooding = asyncio.create_task(peer.flood(client_frame(PING, b"x" * 100) * 500, 0.4))
        while not flooding.done():
            most = max(most, connection._transport.get_write_buffer_size())
            await asyncio.sleep(0)
        sent += await flooding
        if connection._stall is not None and sent > 10 * most:
            break
    assert connection._stall is not None
    assert sent > 10 * most
    assert most < 200_000


@pytest.mark.parametrize("size", [0, 1, 1000])
async def test_messages_that_the_application_does_not_receive_wait_at_the_peer(
    narrow: Server, app: Application, size: int
) -> None:
    peer = await narrow.upgraded("/deaf", sends=NARROW)
    (connection,) = narrow.connections
    data = client_frame(BINARY, bytes(size))
    taken = await peer.fill(data * 1000)
    # One portion of the stream can contain many small messages.
    assert len(connection._call._events) <= DEFAULTS.most_unread + 2048 // len(data)
    assert len(connection._unparsed) <= 2 * 256 * 1024
    app.conversations[0].is_listening.set()
    assert taken < MOST_TAKEN
    await until(lambda: len(app.conversations[0].heard) == taken // len(data), 60)


@hurried
async def test_an_unfinished_message_uses_bounded_memory(plain: Server, app: Application) -> None:
    peer = await plain.upgraded()
    await peer.send(client_frame(TEXT, b"x", fin=False))
    flooding = asyncio.create_task(
        peer.flood(client_frame(CONTINUATION, b"x", fin=False) * 1000, 10)
    )
    assert (await peer.next(CLOSE)).code == 1009
    await gone(plain)
    await flooding
    assert app.conversations[0].code == 1009


@pytest.mark.parametrize(
    "data",
    [
        client_frame(TEXT),
        PING_MESSAGE,
        client_frame(PING),
        client_frame(PONG),
        client_frame(TEXT, fin=False) + client_frame(CONTINUATION, fin=False) * 100_000,
        (client_frame(TEXT, b"x", fin=False) + client_frame(CONTINUATION, b"x", fin=False) * 1000
         + client_frame(CONTINUATION)) * 10,
    ],
    ids=["empty messages", "messages", "pings", "pongs", "empty fragments", "tiny fragments"],
)  # fmt: skip
@pytest.mark.parametrize(
    "limits", [Limits(control_frames=Rate(10.0, 1e9))], ids=["any control frames"]
)
async def test_a_flood_does_not_hold_the_loop(unlimited: LiveServer, data: bytes) -> None:
    """Input is parsed in portions, with turns of the loop in between."""
    visitor = await unlimited.guest("Ada")
    with Peers(unlimited.port) as peers:
        peer = await peers.upgraded("/ws", visitor.cookie)
        flood = asyncio.create_task(peer.flood(data * (500_000 // len(data) or 1), 0.2))
        # CPU time of this thread, so that other load of the machine does not count.
        longest, last = 0.0, time.thread_time()
        while not flood.done():
            await asyncio.sleep(0)
            longest, last = max(longest, time.thread_time() - last), time.thread_time()
        peer.reset()
    assert longest < 0.25


# Silent peers


IMPATIENT = Limits(ping_interval=SHORT, ping_timeout=SHORT, shutdown_deadline=SHORT, turn=0.02)


@pytest.fixture
async def impatient(app: Application) -> AsyncIterator[Server]:
    """`app` on transports with short ping intervals and timeouts."""
    async with serving(app, IMPATIENT) as running:
        yield running


async def test_a_silent_peer_is_pinged_closed_and_aborted(
    impatient: Server, app: Application
) -> None:
    began = now()
    peer = await impatient.upgraded()
    assert (await peer.frame()).opcode == PING
    assert (await peer.frame()).code == 1011
    assert 2 * SHORT * 0.9 < now() - began < 8
    assert app.conversations[0].code == 1011
    assert await peer.ended_after(began) < 8
    await gone(impatient)


async def test_a_peer_that_only_answers_pings_stays(impatient: Server, app: Application) -> None:
    async def answer() -> None:
        peer = await impatient.upgraded()
        for _ in range(5):
            asked = await peer.frame()
            assert asked.opcode == PING
            await peer.send(client_frame(PONG, asked.payload))
        assert app.conversations[-1].code is None
        peer.reset()
        await gone(impatient)

    await run_in_time(answer, total=HELD_UP, failures=MISSED)


async def test_a_peer_that_talks_need_not_answer_pings(impatient: Server, app: Application) -> None:
    async def talk() -> None:
        peer = await impatient.upgraded()
        for _ in range(4):
            assert (await peer.frame()).opcode == PING
            await peer.send(PING_MESSAGE)
        assert app.conversations[-1].code is None
        peer.reset()
        await gone(impatient)

    await run_in_time(talk, total=HELD_UP, failures=MISSED)


async def test_a_peer_that_talks_is_not_pinged(impatient: Server) -> None:
    async def talk() -> None:
        peer = await impatient.upgraded()
        for _ in range(10):
            await asyncio.sleep(SHORT / 5)
            await peer.send(PING_MESSAGE)
        await peer.send(close_frame(1000))
        assert (await peer.frame()).opcode == CLOSE

    await run_in_time(talk, total=HELD_UP, failures=MISSED)


@pytest.mark.parametrize("limits", [IMPATIENT], ids=["in time"])
async def test_a_stall_of_the_server_closes_no_peer(plain: Server, app: Application) -> None:
    """The answer to the ping is in the buffer when its deadline has passed."""
    standing = SHORT + 0.3

    async def stand_still() -> None:
        app.conversations.clear()
        peer = await plain.upgraded()
        silent = await plain.upgraded()
        try:
            asked = await peer.frame()
            time.sleep(standing)  # noqa: ASYNC251 - the process stands still
            await asyncio.sleep(0)
            peer.send_now(client_frame(PONG, asked.payload))
            for _ in range(3):
                asked = await peer.frame()
                assert asked.opcode == PING
                await peer.send(client_frame(PONG, asked.payload))
            assert app.conversations[0].code is None
            assert await silent.ended_after(now()) < 8
            assert app.conversations[1].code == 1011
        finally:
            peer.reset()
            silent.reset()
            await gone(plain)

    await run_in_time(stand_still, total=standing + HELD_UP, failures=MISSED)


# Peers that disconnect without a close


@pytest.mark.parametrize("way", [Peer.close, Peer.reset, Peer.half_close])
async def test_a_peer_that_disconnects_without_a_close_is_gone_at_once(
    plain: Server, app: Application, way: Callable[[Peer], None]
) -> None:
    peer = await plain.upgraded()
    way(peer)
    await gone(plain)
    await until(lambda: app.conversations[0].code == 1006)


@pytest.mark.parametrize("way", [Peer.close, Peer.reset, Peer.half_close])
@hurried
async def test_a_peer_that_disconnects_with_unread_messages_is_gone_in_time(
    plain: Server, app: Application, way: Callable[[Peer], None]
) -> None:
    peer = await plain.upgraded(window=4096)
    (conversation,) = app.conversations
    talking = asyncio.create_task(conversation.talk())
    (connection,) = plain.connections
    await until(lambda: connection._stall is not None)
    way(peer)
    assert await within(5, talking) == "ClientDisconnected"
    await until(lambda: conversation.code == 1006)
    await gone(plain)


async def test_a_send_to_a_half_closed_peer_ends_its_wait(plain: Server, app: Application) -> None:
    peer = await plain.upgraded(window=4096)
    talking = asyncio.create_task(app.conversations[0].talk())
    (connection,) = plain.connections
    await until(lambda: connection._stall is not None)
    peer.half_close()
    async with asyncio.timeout(DEFAULTS.close_deadline / 2):
        assert await talking == "ClientDisconnected"


async def test_a_half_closed_peer_gets_the_messages_sent_before(
    plain: Server, app: Application
) -> None:
    peer = await plain.upgraded(window=4096)
    (conversation,) = app.conversations
    (connection,) = plain.connections
    while connection._stall is None:
        await conversation.say(100_000)
    peer.half_close()
    await until(lambda: conversation.code == 1006)
    await peer.next(TEXT)
    assert (await peer.frame()).opcode == TEXT


@pytest.mark.parametrize("is_reading", [True, False])
@hurried
async def test_a_close_without_an_answer_ends_at_its_deadline(
    plain: Server, app: Application, is_reading: bool
) -> None:
    peer = await plain.upgraded()
    (conversation,) = app.conversations
    began = now()
    await conversation.send({"type": "websocket.close", "code": 4000})
    assert conversation.code is None or conversation.code == 4000
    if is_reading:
        assert (await peer.frame()).code == 4000
        assert SHORT * 0.9 < await peer.ended_after(began) < 8
    await gone(plain)


async def test_an_answered_close_ends_the_connection_at_once(
    plain: Server, app: Application
) -> None:
    peer = await plain.upgraded()
    await app.conversations[0].send({"type": "websocket.close", "code": 4000})
    assert (await peer.frame()).code == 4000
    began = now()
    await peer.send(close_frame(4000))
    assert await peer.ended_after(began) < 4
    await gone(plain)


# Stopping the server


# No other deadline ends any of them.
UNHURRIED = replace(DEFAULTS, shutdown_deadline=1.0, turn=HURRIED.turn)


@pytest.mark.parametrize("limits", [UNHURRIED], ids=["in no hurry before"])
async def test_the_server_stops_in_time_with_any_peers(plain: Server, app: Application) -> None:
    # These answer within `shutdown_deadline`.
    healthy = [await plain.upgraded() for _ in range(3)]
    await plain.upgraded()  # reads nothing, and answers nothing
    stalled = await plain.upgraded(window=4096)
    talking = asyncio.create_task(app.conversations[-1].talk())
    flooding = asyncio.create_task((await plain.upgraded()).flood(PING_MESSAGE * 1000, 20))
    for data in (opening("/unanswered"), opening()[:-2], b"GE", request("POST / HTTP/1.1")[:-2]):
        await (await plain.connect()).send(data)
    half_closed = await plain.upgraded()
    half_closed.half_close()
    await until(lambda: len(plain.connections) == 10)
    await until(
        lambda: not all(getattr(each, "_stall", None) is None for each in plain.connections)
    )

    async def hear(peer: Peer) -> int:
        code = (await peer.frame()).code
        await peer.send(close_frame(code))
        await peer.end()
        return code

    hearing = asyncio.gather(*map(hear, healthy))
    began = now()
    await within(10, plain.stop())
    assert await hearing == [1012] * 3
    assert now() - began < 8
    assert not plain.connections
    await asyncio.wait([talking, flooding])
    assert stalled is not None


# A slow reader in the lobby


async def test_a_slow_watcher_loses_diffs_then_gets_a_roster_and_keeps_the_connection(
    soon_full: LiveServer,
) -> None:
    with Peers(soon_full.port) as peers:
        _, connection, peer = await behind(soon_full, peers, "Ada")
        await watch_lobby(soon_full, peer)
        lobby = soon_full.still_here.lobby
        for number in range(5):
            before = lobby.version
            await soon_full.guest(f"Player {number}")
            await until(lambda last=before: lobby.version > last)  # type: ignore[misc]
        assert connection.is_behind
        seen: list[dict[str, Any]] = []
        while not (seen and seen[-1]["type"] == "roster" and seen[-1]["total"] == 6):
            message = json.loads((await peer.next(TEXT)).payload)
            if message["type"] in ("roster", "presence"):
                seen.append(message)
        assert [message["type"] for message in seen] == ["roster"] * len(seen)
        assert not connection.is_closing
