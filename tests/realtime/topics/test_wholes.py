"""The allowance of snapshots: bytes of them in any minute, however often a player asks, and in
which tab; each is sent at last, as of then."""

import asyncio
from collections.abc import Coroutine, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from server.base.rates import Rate
from server.realtime.limits import Limits
from server.realtime.topics.topic import Common, Topic
from tests.realtime.topics.test_topic import Numbers, Watcher
from tests.realtime.topics.test_topic_against_model import Views
from tests.simulation.virtual import VirtualLoop
from tests.support.wire import run_on, settled, virtual_loop

LIMITS = Limits(wholes=Rate(100.0, 1000))
SIZE = 250
"""Bytes of a snapshot."""
MOST = 1000 + 60 * 100 + SIZE
"""Bytes in any minute: the last snapshot begins within the allowance."""


class Large(Numbers):
    def whole(self, key: str) -> str:
        return super().whole(key).ljust(SIZE)


class LargeViews(Views):
    def whole(self, key: str) -> str:
        return super().whole(key).ljust(SIZE)


class Player:
    """A player with tabs that record when they were sent how many bytes."""

    def __init__(self, id: str) -> None:
        self.id = id
        self.tabs: list[Watcher] = []
        self.log: list[tuple[float, int]] = []

    def tab(self) -> Watcher:
        tab = Watcher("a", lambda: None)
        tab.session = SimpleNamespace(player=SimpleNamespace(id=self.id, guest=True))
        keep = tab.send

        def send(text: str) -> None:
            keep(text)
            self.log.append((asyncio.get_running_loop().time(), len(text.encode())))

        tab.send = send  # type: ignore[method-assign]
        self.tabs.append(tab)
        return tab

    def most_in_a_minute(self) -> int:
        return max(
            sum(size for at, size in self.log if began <= at < began + 60) for began, _ in self.log
        )


class Scene:
    def __init__(self, loop: VirtualLoop, kind: type[Numbers]) -> None:
        self.loop = loop
        self.common = Common(loop.time, LIMITS)
        self.wholes = self.common.wholes
        self.topic, self.other = (kind(loop.time, LIMITS, self.common) for _ in range(2))
        self.ada, self.kim = Player("p_ada"), Player("p_kim")

    def run(self, play: Coroutine[Any, Any, None]) -> None:
        run_on(self.loop, play)
        assert not self.wholes._queues
        assert not self.wholes._waiting


@pytest.fixture(params=[Large, LargeViews])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    with virtual_loop() as loop:
        yield Scene(loop, request.param)


def test_asking_again_and_again_brings_no_more_than_the_allowance(scene: Scene) -> None:
    async def play() -> None:
        tab = scene.ada.tab()
        for _ in range(3 * 60 * 10):
            scene.topic.watch(tab.connection)
            await asyncio.sleep(0.1)
        sent = len(tab.sent)
        assert sent > 3 * 60 * 100 / SIZE, "as many as are allowed"
        assert scene.ada.most_in_a_minute() <= MOST
        await asyncio.sleep(60)
        assert len(tab.sent) - sent <= 1, "and all requests were answered"

    scene.run(play())


def test_all_tabs_and_topics_of_a_player_have_one_allowance_and_others_their_own(
    scene: Scene,
) -> None:
    async def play() -> None:
        topics: list[Topic[str]] = [scene.topic, scene.other]
        tabs = [scene.ada.tab() for _ in range(40)]
        for _ in range(3):
            for tab in tabs:
                for topic in topics:
                    topic.watch(tab.connection)
            await settled()
        assert sum(size for _, size in scene.ada.log) <= 1000 + SIZE
        scene.topic.watch(scene.kim.tab().connection)
        await settled()
        assert len(scene.kim.tabs[0].sent) == 1, "another player waits for nobody"
        await asyncio.sleep(len(tabs) * len(topics) * SIZE / 100)
        waited = tabs[5:]
        assert {len(tab.sent) for tab in waited} == {len(topics)}, "three requests, one answer"
        assert scene.ada.most_in_a_minute() <= MOST

    scene.run(play())


def test_who_had_to_wait_is_sent_the_present_state_and_every_change_after_it(scene: Scene) -> None:
    async def play() -> None:
        first, late = scene.ada.tab(), scene.ada.tab()
        for _ in range(5):
            scene.topic.watch(first.connection)
            await settled()
        scene.topic.watch(late.connection)
        for number in (1, 2):
            scene.topic.add(number)
            await settled()
        assert late.sent == []
        await asyncio.sleep(2 * SIZE / 100)
        assert [text.strip() for text in late.sent] == ["2: 3 a"]
        scene.topic.add(3)
        await settled()
        assert late.sent[1:] == ["3: +3 a"]
        assert first.sent[-3:] == ["1: +1 a", "2: +2 a", "3: +3 a"], "who has a place keeps it"

    scene.run(play())


def test_a_peer_that_reads_late_again_and_again_is_sent_no_more(scene: Scene) -> None:
    async def play() -> None:
        tab = scene.ada.tab()
        scene.topic.watch(tab.connection)
        for number in range(3 * 60):
            tab.is_behind = True
            scene.topic.add(number)
            await asyncio.sleep(0.5)
            tab.is_behind = False
            scene.topic.caught_up(tab.connection)
            await asyncio.sleep(0.5)
        assert scene.ada.most_in_a_minute() <= MOST
        await asyncio.sleep(2 * SIZE / 100)
        assert tab.sent[-1].startswith(f"{3 * 60}: ")

    scene.run(play())


@pytest.mark.parametrize("how", ["unwatches", "goes", "is behind"])
def test_who_no_longer_waits_is_sent_nothing(scene: Scene, how: str) -> None:
    async def play() -> None:
        first, late = scene.ada.tab(), scene.ada.tab()
        for _ in range(5):
            scene.topic.watch(first.connection)
            await settled()
        scene.topic.watch(late.connection)
        match how:
            case "unwatches":
                scene.topic.unwatch(late.connection)
            case "goes":
                scene.topic.forget(late.connection, has_left=False)
            case _:
                late.is_behind = True
        await asyncio.sleep(60)
        assert late.sent == []
        if how == "is behind":
            late.is_behind = False
            scene.topic.caught_up(late.connection)
            await settled()
            assert len(late.sent) == 1

    scene.run(play())


def test_the_size_is_that_of_the_bytes(scene: Scene) -> None:
    async def play() -> None:
        tab = scene.ada.tab()
        scene.topic.key = tab.key = "é" * 400
        scene.topic.watch(tab.connection)
        await settled()
        scene.topic.watch(tab.connection)
        await settled()
        assert len(tab.sent) == 2
        scene.topic.watch(tab.connection)
        await settled()
        assert len(tab.sent) == 2, "twice 806 bytes are too much, and twice 406 would not be"
        await asyncio.sleep(10)

    scene.run(play())


def test_closing_cancels_what_waits(scene: Scene) -> None:
    async def play() -> None:
        tab = scene.ada.tab()
        for _ in range(6):
            scene.topic.watch(tab.connection)
            await settled()
        sent = len(tab.sent)
        scene.wholes.close()
        await asyncio.sleep(60)
        assert len(tab.sent) == sent

    scene.run(play())


def test_a_topic_that_fails_keeps_no_other_waiting(scene: Scene) -> None:
    async def play() -> None:
        failures: list[object] = []
        scene.loop.set_exception_handler(lambda _, context: failures.append(context))
        first, late = scene.ada.tab(), scene.ada.tab()
        for _ in range(5):
            scene.topic.watch(first.connection)
            await settled()
        scene.other.resume = lambda connection: 1 // 0  # type: ignore[method-assign,assignment]
        scene.other.watch(late.connection)
        scene.topic.watch(late.connection)
        await asyncio.sleep(60)
        assert len(failures) == 1
        assert [text.strip() for text in late.sent] == ["0: 0 a"]

    scene.run(play())
