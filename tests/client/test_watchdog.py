"""Silence is detected in time, and a stall of the process is not silence."""

import asyncio
from collections.abc import Iterator

import pytest

from server.client.limits import Limits
from server.client.watchdog import Watchdog
from tests.simulation.virtual import VirtualLoop
from tests.support.wire import run_on, virtual_loop

LIMITS = Limits(silent_after=25.0, answer_within=10.0, late=2.0)


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    with virtual_loop() as loop:
        yield loop


def test_a_silent_connection_is_asked_and_without_an_answer_it_is_dead(
    loop: VirtualLoop,
) -> None:
    asked: list[float] = []

    async def scene() -> float:
        async def ask() -> None:
            asked.append(loop.time())

        await Watchdog(LIMITS).wait_for_silence(ask)
        return loop.time()

    dead_at = run_on(loop, scene())
    assert asked == [pytest.approx(25.0, abs=0.01)]
    assert dead_at == pytest.approx(35.0, abs=0.01)


def test_a_request_without_an_answer_for_ten_seconds_is_silence(loop: VirtualLoop) -> None:
    async def scene() -> float:
        watchdog = Watchdog(LIMITS)
        watching = asyncio.create_task(watchdog.wait_for_silence(_nothing))
        await asyncio.sleep(3.0)
        watchdog.asked()
        await asyncio.sleep(5.0)
        watchdog.asked()  # the first of two calls counts
        await watching
        return loop.time()

    assert run_on(loop, scene()) == pytest.approx(13.0, abs=0.01)


def test_any_message_is_a_sign_of_life(loop: VirtualLoop) -> None:
    async def scene() -> float:
        watchdog = Watchdog(LIMITS)
        watching = asyncio.create_task(watchdog.wait_for_silence(_nothing))
        for _ in range(20):
            watchdog.asked()
            await asyncio.sleep(9.9)
            watchdog.heard()
        assert not watching.done()
        last = loop.time()
        await watching
        return loop.time() - last

    assert run_on(loop, scene()) == pytest.approx(35.0, abs=0.01)


@pytest.mark.parametrize("is_heard", [True, False])
def test_an_answer_that_came_while_the_process_stood_still_is_waited_for(
    loop: VirtualLoop, is_heard: bool
) -> None:
    async def scene() -> float:
        watchdog = Watchdog(LIMITS)
        watching = asyncio.create_task(watchdog.wait_for_silence(_nothing))
        await asyncio.sleep(1.0)
        watchdog.asked()
        await asyncio.sleep(0.1)
        loop.stand_still(60.0)
        await asyncio.sleep(1.0)  # after the timer, which is late by now
        assert not watching.done()
        if is_heard:
            watchdog.heard()
        last = loop.time()
        await watching
        return loop.time() - last

    assert run_on(loop, scene()) == pytest.approx(35.0 if is_heard else 1.0, abs=0.1)


async def _nothing() -> None: ...
