"""Timeouts, which a stall of this process does not shorten."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from server.base.waiting import LATE, within
from tests.simulation.virtual import VirtualLoop

A_MOMENT = 0.01
"""Seconds: more than the turns of the loop in a test take."""


def on_a_loop(test: Callable[[VirtualLoop], Awaitable[None]]) -> None:
    """Run a test on a loop with virtual time."""
    loop = VirtualLoop()
    try:
        loop.run_until_complete(test(loop))
    finally:
        loop.close()


def test_what_comes_in_time_is_returned() -> None:
    async def waits(loop: VirtualLoop) -> None:
        answer: asyncio.Future[int] = loop.create_future()
        loop.call_later(4.0 - A_MOMENT, answer.set_result, 7)
        assert await within(4.0, answer) == 7

    on_a_loop(waits)


def test_what_does_not_come_is_cancelled_when_it_is_due_and_not_before() -> None:
    async def waits(loop: VirtualLoop) -> None:
        never: asyncio.Future[int] = loop.create_future()
        with pytest.raises(TimeoutError):
            await within(4.0, never)
        assert 4.0 <= loop.time() < 4.0 + A_MOMENT
        assert never.cancelled()

    on_a_loop(waits)


def test_without_a_limit_it_is_for_ever() -> None:
    async def waits(loop: VirtualLoop) -> None:
        answer: asyncio.Future[int] = loop.create_future()
        loop.call_later(1e6, answer.set_result, 7)
        assert await within(None, answer) == 7

    on_a_loop(waits)


def test_what_it_waits_for_raises_through_it_and_is_cancelled_with_it() -> None:
    async def waits(loop: VirtualLoop) -> None:
        answer: asyncio.Future[int] = loop.create_future()
        answer.set_exception(ValueError("no"))
        with pytest.raises(ValueError, match="no"):
            await within(4.0, answer)
        never: asyncio.Future[int] = loop.create_future()
        waiting = asyncio.ensure_future(within(4.0, never))
        await asyncio.sleep(1.0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert never.cancelled()

    on_a_loop(waits)


@pytest.mark.parametrize("late", [0.0, LATE - A_MOMENT])
def test_a_deadline_that_is_noticed_a_little_late_counts(late: float) -> None:
    async def waits(loop: VirtualLoop) -> None:
        loop.call_later(1.0, loop.stand_still, 3.0 + late)
        with pytest.raises(TimeoutError):
            await within(4.0, loop.create_future())
        assert loop.time() < 4.0 + late + A_MOMENT

    on_a_loop(waits)


def test_a_deadline_that_is_noticed_late_is_given_again_in_full() -> None:
    async def waits(loop: VirtualLoop) -> None:
        noticed = 4.0 + LATE + A_MOMENT
        loop.call_later(1.0, loop.stand_still, noticed - 1.0)
        with pytest.raises(TimeoutError):
            await within(4.0, loop.create_future())
        assert noticed + 4.0 <= loop.time() < noticed + 4.0 + A_MOMENT

    on_a_loop(waits)


def test_what_comes_in_the_time_that_was_given_again_is_returned() -> None:
    async def waits(loop: VirtualLoop) -> None:
        answer: asyncio.Future[int] = loop.create_future()
        loop.call_later(1.0, loop.stand_still, 60.0)
        loop.call_later(64.0, answer.set_result, 7)
        assert await within(4.0, answer) == 7

    on_a_loop(waits)
