"""Timeouts, which a stall of this process does not shorten, and the stop of a task."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from server.base.clock import STALL
from server.base.waiting import Alarm, stop, within
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


def test_a_result_in_time_is_returned() -> None:
    async def waits(loop: VirtualLoop) -> None:
        answer: asyncio.Future[int] = loop.create_future()
        loop.call_later(4.0 - A_MOMENT, answer.set_result, 7)
        assert await within(4.0, answer) == 7

    on_a_loop(waits)


def test_a_missing_result_is_cancelled_at_the_deadline_and_not_before() -> None:
    async def waits(loop: VirtualLoop) -> None:
        never: asyncio.Future[int] = loop.create_future()
        with pytest.raises(TimeoutError, match=r"^no answer within 4 s$"):
            await within(4.0, never)
        assert 4.0 <= loop.time() < 4.0 + A_MOMENT
        assert never.cancelled()

    on_a_loop(waits)


def test_an_error_is_passed_through_and_a_cancellation_passed_on() -> None:
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


@pytest.mark.parametrize("late", [0.0, STALL - A_MOMENT])
def test_a_deadline_noticed_slightly_late_counts(late: float) -> None:
    async def waits(loop: VirtualLoop) -> None:
        loop.call_later(1.0, loop.stand_still, 3.0 + late)
        with pytest.raises(TimeoutError):
            await within(4.0, loop.create_future())
        assert loop.time() < 4.0 + late + A_MOMENT

    on_a_loop(waits)


def test_a_deadline_noticed_late_is_given_again_in_full() -> None:
    async def waits(loop: VirtualLoop) -> None:
        noticed = 4.0 + STALL + A_MOMENT
        loop.call_later(1.0, loop.stand_still, noticed - 1.0)
        with pytest.raises(TimeoutError):
            await within(4.0, loop.create_future())
        assert noticed + 4.0 <= loop.time() < noticed + 4.0 + A_MOMENT

    on_a_loop(waits)


def test_a_result_in_the_time_given_again_is_returned() -> None:
    async def waits(loop: VirtualLoop) -> None:
        answer: asyncio.Future[int] = loop.create_future()
        loop.call_later(1.0, loop.stand_still, 60.0)
        loop.call_later(64.0, answer.set_result, 7)
        assert await within(4.0, answer) == 7

    on_a_loop(waits)


async def test_a_task_is_stopped_when_it_has_ended_and_not_before() -> None:
    did: list[str] = []

    async def tidies_up() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            did.append("tidied up")

    task = asyncio.create_task(tidies_up())
    await asyncio.sleep(0)
    await stop(task)
    assert (did, task.cancelled()) == (["tidied up"], True)


async def test_stopping_is_not_concerned_with_how_a_task_ended() -> None:
    async def fails() -> None:
        raise OSError

    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    await stop(task)
    await stop(task)
    await stop(None)


def test_an_alarm_rings_once_after_its_time_and_not_after_a_stop() -> None:
    async def waits(loop: VirtualLoop) -> None:
        rung: list[float] = []
        Alarm(4.0, lambda: rung.append(loop.time()))
        stopped = Alarm(4.0, lambda: rung.append(-1.0))
        await asyncio.sleep(3.0)
        stopped.stop()
        await asyncio.sleep(10.0)
        stopped.stop()
        assert rung == [pytest.approx(4.0, abs=A_MOMENT)]

    on_a_loop(waits)


def test_an_alarm_that_is_noticed_late_starts_anew() -> None:
    async def waits(loop: VirtualLoop) -> None:
        rung: list[float] = []
        Alarm(4.0, lambda: rung.append(loop.time()))
        loop.call_later(1.0, loop.stand_still, 3.0 + STALL + A_MOMENT)
        await asyncio.sleep(20.0)
        late = 4.0 + STALL + A_MOMENT
        assert rung == [pytest.approx(late + 4.0, abs=A_MOMENT)]

    on_a_loop(waits)
