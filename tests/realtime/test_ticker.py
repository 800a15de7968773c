"""The timer of presence and of the rooms: when it is set, and which failures it survives."""

import asyncio
from collections.abc import AsyncIterator
from unittest import mock

import pytest

from server.realtime.limits import Limits
from server.realtime.ticker import Ticker
from tests.support.manual_clock import ManualClock


class Source:
    """Deadlines at the given instants, each with an event."""

    def __init__(self, *due: float) -> None:
        self.due = sorted(due)
        self.ticker: Ticker
        self.fails = False

    def next_deadline(self) -> float | None:
        return self.due[0] if self.due else None

    def expire(self, at: float, *, limit: int) -> None:
        if self.fails:
            raise RuntimeError("as the test wants it")
        for _ in range(limit):
            if self.due and self.due[0] <= at:
                self.due.pop(0)
                self.ticker.hear(object())

    def add(self, due: float) -> None:
        self.due = sorted([*self.due, due])
        self.ticker.hear(object())


def ticking(source: Source, clock: ManualClock) -> Ticker:
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


async def test_a_stopped_ticker_hears_nothing(delays: list[float]) -> None:
    source = Source(1.0)
    ticker = ticking(source, ManualClock())
    ticker.start()
    ticker.stop()
    delays.clear()

    source.add(0.5)
    assert delays == []
