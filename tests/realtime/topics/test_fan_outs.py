"""All fan-outs together: a slice of each turn of the loop, and a share of its time."""

import asyncio

import msgspec
import pytest

from server.realtime.topics.topic import Common
from tests.realtime.topics.test_topic import LIMITS, Numbers, Watcher
from tests.support.wire import run_on, virtual_loop

COST = 0.00003
"""Seconds for sending one message."""


class Scene:
    """Topics on a loop with virtual time, which sending takes up as well."""

    def __init__(self, *watchers: int, slice: float = LIMITS.slice) -> None:
        """So many watchers of each topic."""
        self.spent = 0.0
        self.loop = asyncio.get_running_loop()
        limits = msgspec.structs.replace(LIMITS, slice=slice)
        self.common = Common(self.time, limits)
        self.topics = [Numbers(self.time, limits, self.common) for _ in watchers]
        self.watchers = [[Watcher("a", self.spend) for _ in range(number)] for number in watchers]
        for topic, crowd in zip(self.topics, self.watchers, strict=True):
            for each in crowd:
                topic.watch(each.connection)

    def time(self) -> float:
        return self.loop.time() + self.spent

    def spend(self) -> None:
        self.spent += COST

    def told(self) -> list[int]:
        """How often the watchers of each topic were sent something."""
        return [len(crowd[0].sent) for crowd in self.watchers]

    async def change(self, seconds: float) -> None:
        """All topics change ten times a second."""
        for _ in range(round(seconds * 10)):
            for topic in self.topics:
                topic.add(1)
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("watchers", [(60,), (60,) * 10, (30,) * 5 + (100, 300, 500)])
def test_all_topics_together_take_no_more_than_a_share_of_the_time(
    watchers: tuple[int, ...],
) -> None:
    async def play() -> None:
        scene = Scene(*watchers)
        await scene.change(6)
        began, spent = scene.time(), scene.spent
        await scene.change(20)
        assert scene.spent - spent <= LIMITS.fan_out_share * 1.2 * (scene.time() - began)

    with virtual_loop() as loop:
        run_on(loop, play())


def test_a_small_topic_is_not_as_slow_as_a_large_one_beside_it() -> None:
    async def play() -> None:
        scene = Scene(21, 1000)
        await scene.change(4)
        before = scene.told()
        await scene.change(5)
        small, large = (after - were for after, were in zip(scene.told(), before, strict=True))
        # The large one is sent many changes at a time, or a snapshot; the small one each.
        assert small >= 48
        assert large <= 48

    with virtual_loop() as loop:
        run_on(loop, play())


def test_a_large_topic_has_all_that_the_small_ones_leave_of_the_share() -> None:
    async def play() -> None:
        scene = Scene(*(21,) * 5, 500)
        await scene.change(4)
        began, spent = scene.time(), scene.spent
        await scene.change(5)
        assert scene.spent - spent >= 0.8 * LIMITS.fan_out_share * (scene.time() - began)

    with virtual_loop() as loop:
        run_on(loop, play())


def test_all_topics_together_have_a_slice_of_each_turn_of_the_loop() -> None:
    async def play() -> None:
        slice_ = 0.003
        scene = Scene(*(60,) * 10, slice=slice_)
        for topic in scene.topics:
            topic.add(1)
        most, spent = 0.0, scene.spent
        while scene.spent - spent < 600 * COST - 1e-9:
            before = scene.spent
            await asyncio.sleep(0)
            most = max(most, scene.spent - before)
        # The last few that are sent before the clock is read again.
        assert slice_ / 2 < most <= slice_ + LIMITS.watchers_at_once * COST
        assert scene.told() == [2] * 10

    with virtual_loop() as loop:
        run_on(loop, play())


def test_a_topic_that_closes_is_sent_no_more_and_the_others_all_of_theirs() -> None:
    async def play() -> None:
        scene = Scene(*(60,) * 4, slice=0.0003)
        for topic in scene.topics:
            topic.add(1)
        await asyncio.sleep(0)
        scene.topics[2].close()
        await asyncio.sleep(1)
        sent = [sum(len(each.sent) for each in crowd) for crowd in scene.watchers]
        assert sent == [120, 120, 60, 120]

    with virtual_loop() as loop:
        run_on(loop, play())


def test_a_topic_that_fails_stops_no_other() -> None:
    async def play() -> None:
        scene = Scene(*(60,) * 4, slice=0.0003)
        failures: list[object] = []
        scene.loop.set_exception_handler(lambda _, context: failures.append(context))
        for topic in scene.topics:
            topic.add(1)
        await asyncio.sleep(0)
        scene.topics[2].go_on = lambda until: 1 // 0 == 0  # type: ignore[method-assign]
        await asyncio.sleep(1)
        assert len(failures) == 1
        assert [told for number, told in enumerate(scene.told()) if number != 2] == [2, 2, 2]

    with virtual_loop() as loop:
        run_on(loop, play())
