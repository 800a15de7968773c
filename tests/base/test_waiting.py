"""Deadlines: they come when they are due, and never because this process stood still."""

import asyncio
import time

import pytest

from server.base.waiting import LATE, Timer, within
from tests.support.still_loop import StillLoop


def timer_on(loop: StillLoop) -> tuple[Timer, list[float]]:
    """A timer, and when what it was to call was called."""
    return Timer(loop), []  # type: ignore[arg-type]


# Deadlines


def test_a_deadline_comes_when_it_is_due_and_not_before() -> None:
    loop = StillLoop()
    deadline, called = timer_on(loop)
    deadline.set(4.0, lambda: called.append(loop.now))
    loop.run_until(3.999)
    assert called == []
    loop.run_until(10.0)
    assert called == [4.0]


def test_a_new_deadline_takes_the_place_of_the_old_one() -> None:
    loop = StillLoop()
    deadline, called = timer_on(loop)
    deadline.set(4.0, lambda: called.append(-1.0))
    loop.run_until(3.0)
    deadline.set(4.0, lambda: called.append(loop.now))
    loop.run_until(20.0)
    assert called == [7.0]


def test_a_deadline_that_is_stopped_never_comes() -> None:
    loop = StillLoop()
    deadline, called = timer_on(loop)
    deadline.set(4.0, lambda: called.append(loop.now))
    deadline.stop()
    deadline.stop()
    loop.run_until(20.0)
    assert called == []


@pytest.mark.parametrize("late", [0.0, LATE])
def test_a_deadline_that_is_noticed_a_little_late_counts(late: float) -> None:
    loop = StillLoop()
    deadline, called = timer_on(loop)
    deadline.set(4.0, lambda: called.append(loop.now))
    loop.stand_still_until(4.0 + late)
    assert called == [4.0 + late]


def test_a_deadline_that_is_noticed_late_is_given_again() -> None:
    loop = StillLoop()
    deadline, called = timer_on(loop)
    deadline.set(4.0, lambda: called.append(loop.now))
    loop.stand_still_until(4.25 + LATE)
    assert called == []
    loop.run_until(8.0 + LATE)
    assert called == []
    loop.run_until(20.0)
    assert called == [8.25 + LATE]


# Waiting for something


async def test_what_comes_in_time_is_returned_and_what_does_not_is_cancelled() -> None:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[int] = loop.create_future()
    loop.call_later(0.01, answer.set_result, 7)
    assert await within(5, answer) == 7
    never: asyncio.Future[int] = loop.create_future()
    with pytest.raises(TimeoutError):
        await within(0.01, never)
    assert never.cancelled()


async def test_a_process_that_stood_still_gives_the_same_time_again() -> None:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[int] = loop.create_future()
    loop.call_soon(time.sleep, LATE + 0.3)
    loop.call_later(LATE + 0.35, answer.set_result, 7)
    assert await within(0.2, answer) == 7
