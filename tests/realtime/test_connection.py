"""One WebSocket: its messages are sent in order, and no caller waits for the peer."""

import asyncio
from typing import Any

import pytest

from server.base.ids import PlayerId, SessionId, new_connection_id
from server.presence.session import Player, Session
from server.realtime.connection import Connection
from server.transport.by_call import Hearer, Socket
from server.wire.closing import Close
from tests.support.answers import until

MOST_WAITING = 64


class Peer:
    """The transport's side: takes messages by `send` or by call until `stop_reading`."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.error: Exception | None = None
        self._is_reading = asyncio.Event()
        self._is_reading.set()
        self.times_caught_up = 0

    def stop_reading(self) -> None:
        self._is_reading.clear()

    def read_on(self) -> None:
        self._is_reading.set()

    def send_text(self, text: str) -> bool:
        return self._take(text)

    def close(
        self,
        code: int,
        reason: str = "",
        last: str | None = None,
        *,
        within: float | None = None,
    ) -> bool:
        return (last is None or self._take(last)) and self._take(code)

    def accept(self, subprotocol: str | None) -> None:
        raise NotImplementedError

    def peer(self) -> None:
        raise NotImplementedError

    def listen(self, hearer: Hearer) -> None:
        raise NotImplementedError

    def _take(self, what: str | int) -> bool:
        if self.error is not None or not self._is_reading.is_set():
            return False
        self.taken.append(what)
        return True

    async def send(self, event: Any) -> None:
        await self._is_reading.wait()
        if self.error is not None:
            raise self.error
        self.taken.append(event.get("text", event.get("code")))


class Notes:
    """Closes connections as it is asked, and counts those that caught up."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def caught_up(self, connection: Connection) -> None:
        self._peer.times_caught_up += 1

    def close(self, connection: Connection, close: Close) -> None:
        connection.close(close)

    def gone(self, connection: Connection, code: int) -> None:
        connection.gone()


@pytest.fixture
def peer() -> Peer:
    return Peer()


@pytest.fixture(params=["by call", "by send"])
def connection(peer: Peer, request: pytest.FixtureRequest) -> Connection:
    return connect(peer, peer if request.param == "by call" else None)


def connect(peer: Peer, socket: Socket | None) -> Connection:
    player = Player(PlayerId("p"), "Ada", "ada", guest=True)
    session = Session(SessionId("s"), player, 0.0, 100.0, remember=False)
    return Connection(new_connection_id(), session, socket or peer.send, Notes(peer), MOST_WAITING)


async def settle(connection: Connection) -> None:
    """Wait until the outbox is sent."""
    await until(lambda: connection._sender is None)


async def test_a_message_goes_out_by_call_at_once_and_without_a_task(peer: Peer) -> None:
    connection = connect(peer, peer)
    tasks = asyncio.all_tasks()
    connection.send("a")
    connection.send("b")
    assert peer.taken == ["a", "b"]
    assert not connection.is_behind
    assert asyncio.all_tasks() == tasks
    assert peer.times_caught_up == 0


async def test_without_calls_messages_are_sent_in_order_and_the_peer_is_not_behind(
    peer: Peer,
) -> None:
    connection = connect(peer, None)
    for number in range(2 * MOST_WAITING):
        connection.send(str(number))
        assert not connection.is_behind
    await settle(connection)
    assert peer.taken == [str(number) for number in range(2 * MOST_WAITING)]
    assert peer.times_caught_up == 0


async def test_messages_a_peer_does_not_read_wait_and_are_sent_in_order(
    peer: Peer, connection: Connection
) -> None:
    connection.send("a")
    await settle(connection)
    peer.stop_reading()
    for text in "bcd":
        connection.send(text)
    await until(lambda: connection.is_behind)
    assert peer.taken == ["a"]
    peer.read_on()
    connection.send("e")
    await settle(connection)
    assert peer.taken == list("abcde")
    assert peer.times_caught_up == 1
    connection.send("f")
    await settle(connection)
    assert peer.taken == list("abcdef")


async def test_a_peer_that_stops_again_while_it_catches_up_is_still_behind(
    peer: Peer, connection: Connection
) -> None:
    for round_ in range(3):
        peer.stop_reading()
        connection.send(f"{round_}a")
        connection.send(f"{round_}b")
        await until(lambda: connection.is_behind)
        peer.read_on()
        await settle(connection)
    assert peer.taken == ["0a", "0b", "1a", "1b", "2a", "2b"]
    assert peer.times_caught_up == 3


async def test_one_message_more_than_may_wait_closes_4400(
    peer: Peer, connection: Connection
) -> None:
    peer.stop_reading()
    connection.send("on its way")
    await until(lambda: connection.is_behind and not connection._outbox)
    for number in range(MOST_WAITING):
        connection.send(str(number))
    assert not connection.is_closing
    connection.send("one more")
    assert connection.is_closing
    connection.send("too late")
    peer.read_on()
    await settle(connection)
    # The outbox is dropped: a peer that reconnects gets everything again.
    assert peer.taken == ["on its way", 4400]
    assert peer.times_caught_up == 0


async def test_closing_says_farewell_and_nothing_after(peer: Peer, connection: Connection) -> None:
    connection.close(Close.KICKED, "farewell")
    connection.close(Close.SIGNED_OUT, "another")
    connection.send("too late")
    await settle(connection)
    assert peer.taken == ["farewell", 4504]
    assert connection.is_closing


async def test_closing_a_peer_that_is_behind_drops_its_waiting_messages(
    peer: Peer, connection: Connection
) -> None:
    peer.stop_reading()
    connection.send("on its way")
    await until(lambda: connection.is_behind and not connection._outbox)
    for text in ("waits", "waits"):
        connection.send(text)
    connection.close(Close.SIGNED_OUT, "farewell")
    peer.read_on()
    await settle(connection)
    assert peer.taken == ["on its way", "farewell", 4503]
    assert peer.times_caught_up == 0


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("gone")])
async def test_a_peer_that_is_gone_is_noticed_and_nothing_is_raised(
    peer: Peer, connection: Connection, error: Exception
) -> None:
    peer.error = error
    connection.send("a")
    await settle(connection)
    assert connection.is_closing
    assert not connection.is_behind
    connection.send("b")
    connection.close(Close.KICKED, "farewell")
    assert peer.taken == []


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("gone")])
async def test_a_peer_that_goes_while_messages_wait_is_noticed(
    peer: Peer, connection: Connection, error: Exception
) -> None:
    peer.stop_reading()
    connection.send("a")
    connection.send("b")
    peer.error = error
    peer.read_on()
    await settle(connection)
    assert connection.is_closing
    assert (peer.taken, peer.times_caught_up) == ([], 0)


@pytest.mark.parametrize("by_call", [True, False])
async def test_a_peer_that_goes_between_two_waiting_messages_is_noticed(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, by_call: bool
) -> None:
    send = peer.send

    async def break_at_b(event: Any) -> None:
        if event["text"] == "b":
            raise OSError("gone")
        await send(event)

    monkeypatch.setattr(peer, "send", break_at_b)
    connection = connect(peer, peer if by_call else None)
    peer.stop_reading()
    for text in "abc":
        connection.send(text)
    peer.read_on()
    await settle(connection)
    assert peer.taken == ["a"]
    assert connection.is_closing


async def test_sending_stops_when_the_peer_is_gone(peer: Peer, connection: Connection) -> None:
    tasks = asyncio.all_tasks()
    peer.stop_reading()
    connection.send("a")
    connection.send("b")
    connection.gone()
    assert not connection.is_behind
    peer.read_on()
    connection.send("c")
    connection.close(Close.KICKED)
    assert (peer.taken, peer.times_caught_up) == ([], 0)
    await until(lambda: asyncio.all_tasks() == tasks)


async def test_a_peer_may_be_gone_before_the_first_message(
    peer: Peer, connection: Connection
) -> None:
    connection.gone()
    connection.gone()
    connection.send("a")
    assert peer.taken == []
