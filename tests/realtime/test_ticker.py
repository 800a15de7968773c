"""The timer of presence and of the rooms: when it is set, and which failures it survives."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from unittest import mock

import pytest

from server.base.clock import HEARTBEAT, Clock, SystemClock
from server.realtime.limits import Limits
from server.realtime.ticker import Ticker
from tests.support.manual_clock import ManualClock


class Source:
    """Deadlines at the given instants, each with an event."""

    def __init__(self, *due: float) -> None:
        self.due = sorted(due)
        self.ticker: Ticker
        self.fails = False
        self.expired: Callable[[], object] = lambda: None

    def next_deadline(self) -> float | None:
        return self.due[0] if self.due else None

    def expire(self, at: float, *, limit: int) -> None:
        if self.fails:
            raise RuntimeError("as the test wants it")
        for _ in range(limit):
            if self.due and self.due[0] <= at:
                self.due.pop(0)
                self.expired()
                self.ticker.hear(object())

    def add(self, due: float) -> None:
        self.due = sorted([*self.due, due])
        self.ticker.hear(object())


def ticking(source: Source, clock: Clock) -> Ticker:
    source.ticker = Ticker(source, clock, Limits(slice=60.0))
    return source.ticker


@pytest.fixture
async def delays() -> AsyncIterator[list[float]]:
    """The delay in seconds of every timer that is set."""
    loop = asyncio.get_running_loop()
    found: list[float] = []
    call_at = loop.call_at

    def call_at_and_note(when: float, *args: object) -> asyncio.TimerHandle:
        found.append(when - loop.time())
        return call_at(when, *args)  # type: ignore[arg-type]

    with mock.patch.object(loop, "call_at", call_at_and_note):
        yield found


async def test_the_timer_is_set_once_however_many_deadlines_are_due(delays: list[float]) -> None:
    clock = ManualClock()
    # The timer is set for whole milliseconds: all are due before it fires.
    source = Source(*[0.1004] * 500, 0.2)
    ticker = ticking(source, clock)
    ticker.start()
    clock.move_to(0.101)
    delays.clear()

    ticker.wake()

    assert source.due == [0.2]
    assert len(delays) == 1
    assert delays[0] == pytest.approx(0.1, abs=0.05)
    ticker.stop()


async def test_an_earlier_deadline_sets_the_timer_and_a_later_one_does_not(
    delays: list[float],
) -> None:
    source = Source(0.2)
    ticker = ticking(source, ManualClock())
    ticker.start()
    delays.clear()

    source.add(0.3)
    assert delays == []
    source.add(0.1)
    assert len(delays) == 1
    assert delays[0] == pytest.approx(0.1, abs=0.05)
    ticker.stop()


async def test_a_failure_leaves_the_timer_set(delays: list[float]) -> None:
    clock = ManualClock()
    source = Source(1.0)
    ticker = ticking(source, clock)
    ticker.start()
    clock.move_to(1.0)
    source.fails = True
    delays.clear()

    with pytest.raises(RuntimeError):
        ticker.wake()
    assert len(delays) == 1

    source.fails = False
    source.add(0.5)
    ticker.wake()
    assert source.due == []
    ticker.stop()


async def test_a_heartbeat_sets_the_timer_again_and_does_nothing_else(delays: list[float]) -> None:
    source = Source(10.0)
    ticker = ticking(source, ManualClock())
    ticker.start()
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    with mock.patch.object(ticker, "wake") as wake:
        ticker._ring()
    assert delays == [pytest.approx(HEARTBEAT, abs=0.05)] * 2
    assert not wake.called
    assert not ready
    ticker.stop()


async def test_a_stopped_ticker_hears_nothing(delays: list[float]) -> None:
    source = Source(1.0)
    ticker = ticking(source, ManualClock())
    ticker.start()
    ticker.stop()
    delays.clear()

    source.add(0.5)
    assert delays == []


@pytest.mark.both_loops
@pytest.mark.parametrize("stall", [0.03, 0.1, 0.2])
async def test_what_arrived_during_a_stall_that_ends_with_a_deadline_is_read_before_it(
    stall: float,
) -> None:
    loop = asyncio.get_running_loop()
    clock = SystemClock()
    ours, peers = socket.socketpair()
    ours.setblocking(False)
    order: list[str] = []
    source = Source()
    is_over = asyncio.Event()

    def expired() -> None:
        order.append("expired")
        is_over.set()

    source.expired = expired
    ticker = ticking(source, clock)
    with ours, peers:

        def hear(turns: int) -> None:
            if turns:
                loop.call_soon(hear, turns - 1)
            else:
                order.append("heard")

        def read() -> None:
            ours.recv(10)
            hear(3)  # as a ping takes

        loop.add_reader(ours, read)
        ticker.start()
        source.add(clock.now() + stall)
        await asyncio.sleep(0)
        due = source.due[0]
        peers.send(b"ping")
        while clock.now() < due + 0.002:
            pass  # as a process that stands still
        async with asyncio.timeout(5):
            await is_over.wait()
        loop.remove_reader(ours)
    ticker.stop()
    assert order == ["heard", "expired"]
