"""Scenes in real time run again if this process was late, and only then."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from math import inf

import pytest

from tests.support.scenes import TooLate, run_in_time

TRIES = 8


def hold_up(seconds: float) -> None:
    time.sleep(seconds)


def scene_of(*tries: Exception | float) -> tuple[Callable[[], Awaitable[None]], list[int]]:
    """A scene, and the numbers of its runs: it fails for each of `tries`, by raising it or after
    blocking its loop twice for so many seconds, and then succeeds."""
    left, played = list(tries), list[int]()

    async def play() -> None:
        played.append(len(played))
        if not left:
            return
        what = left.pop(0)
        if isinstance(what, Exception):
            raise what
        for _ in range(2):
            await asyncio.sleep(0.001)  # the measurement goes on
            hold_up(what)
        raise AssertionError(f"after {what} s")

    return play, played


@pytest.mark.parametrize(
    ("held_up", "worst", "total"), [(0.3, 0.25, inf), (0.15, inf, 0.25)], ids=["worst", "total"]
)
async def test_a_failure_of_a_late_process_is_played_again(
    held_up: float, worst: float, total: float
) -> None:
    scene, played = scene_of(held_up, held_up)
    await run_in_time(scene, worst=worst, total=total)
    assert len(played) == 3


@pytest.mark.parametrize(
    ("held_up", "worst", "total"), [(0.15, 0.25, inf), (0.01, inf, 0.25)], ids=["worst", "total"]
)
async def test_a_failure_of_a_process_in_time_is_raised(
    held_up: float, worst: float, total: float
) -> None:
    scene, played = scene_of(held_up)
    with pytest.raises(AssertionError, match=f"after {held_up} s"):
        await run_in_time(scene, worst=worst, total=total)
    assert len(played) == 1


async def test_another_error_is_raised_at_once() -> None:
    scene, played = scene_of(OSError("its own"))
    with pytest.raises(OSError, match="its own"):
        await run_in_time(scene, worst=0.0)
    assert len(played) == 1


async def test_given_errors_of_a_late_process_are_played_again() -> None:
    scene, played = scene_of(OSError())
    await run_in_time(scene, worst=0.0, failures=(OSError,))
    assert len(played) == 2


async def test_a_failure_of_the_last_try_is_raised_however_late_the_process_is() -> None:
    scene, played = scene_of(*[0.02] * TRIES)
    with pytest.raises(AssertionError, match=r"after 0\.02 s"):
        await run_in_time(scene, worst=0.001)
    assert len(played) == TRIES


async def test_a_scene_that_comes_about_too_late_is_played_again() -> None:
    scene, played = scene_of(TooLate())
    await run_in_time(scene)
    assert len(played) == 2


async def test_a_scene_that_never_comes_about_in_time_fails() -> None:
    scene, played = scene_of(*[TooLate()] * TRIES)
    with pytest.raises(pytest.fail.Exception, match="never in time"):
        await run_in_time(scene)
    assert len(played) == TRIES
