"""The mechanism of topics: consecutive versions or a snapshot, encoded once, in slices, at a
pace."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from server.realtime.connection import Connection
from server.realtime.limits import Limits
from server.realtime.topics.topic import Common, Topic
from server.realtime.topics.topics import Topics

COST = 0.001
"""Seconds for sending one message, on the clock of these tests."""

LIMITS = Limits(
    slice=0.05, fan_out_share=0.1, slowest_pace=2.0, watchers_at_once=20, waiting_changes=7
)


class Watcher:
    """A connection that records its messages."""

    def __init__(self, key: str, on_send: Callable[[], None]) -> None:
        self.key = key
        self.topics: tuple[Topic[Any], ...] = ()
        self.session = SimpleNamespace(player=SimpleNamespace(id="p_ada", guest=True))
        self.networks: tuple[str, ...] = ()
        self.unpaid = 0
        self.is_behind = False
        self.sent: list[str] = []
        self.falls_behind_after = 1_000_000
        self._on_send = on_send

    def send(self, text: str) -> None:
        self.sent.append(text)
        self._on_send()
        self.falls_behind_after -= 1
        self.is_behind = self.is_behind or self.falls_behind_after == 0

    @property
    def connection(self) -> Connection:
        return cast(Connection, self)


class Numbers(Topic[str]):
    """A list of numbers; each added number is a change. Watchers with a key other than "a" are
    served first."""

    def __init__(
        self, time: Callable[[], float], limits: Limits = LIMITS, common: Common | None = None
    ) -> None:
        super().__init__(common or Common(time, limits), "a")
        self.added: list[int] = []
        self.total = 0
        self.encoded = 0
        self.without: set[str] = set()

    def add(self, *numbers: int) -> None:
        self.added += numbers
        self.changed()

    def first(self) -> Mapping[Connection, str]:
        keys = {each: cast(Watcher, each).key for each in self.watchers}
        return {each: key for each, key in keys.items() if key != "a"}

    def next_due(self) -> float | None:
        return 0.0 if self.added else None

    def take(self, now: float, keys: Collection[str]) -> list[Mapping[str, str]]:
        changes: list[Mapping[str, str]] = []
        for number in self.added:
            self.version += 1
            self.total += number
            text = f"{self.version}: +{number}"
            changes.append({key: f"{text} {key}" for key in keys if key not in self.without})
        self.added = []
        return changes

    def whole(self, key: str) -> str:
        self.encoded += 1
        return f"{self.version}: {self.total} {key}"


class Scene:
    """A topic on a clock that moves with every message."""

    def __init__(self) -> None:
        self.now = 0.0
        self.topic = Numbers(lambda: self.now)

    def spend(self) -> None:
        self.now += COST

    def watcher(self, key: str = "a") -> Watcher:
        watcher = Watcher(key, self.spend)
        self.topic.watch(watcher.connection)
        return watcher

    async def turn(self) -> None:
        """Run one turn of the loop."""
        await asyncio.sleep(0)

    async def all_sent(self) -> None:
        while self.topic._fan_out is not None or self.topic._handle is not None:
            await self.turn()


@pytest.fixture
async def scene() -> Scene:
    return Scene()


async def test_a_watcher_is_sent_a_snapshot_at_once_and_then_every_change(scene: Scene) -> None:
    ada = scene.watcher()
    assert ada.sent == ["0: 0 a"]
    scene.topic.add(1)
    scene.topic.add(2)
    assert len(ada.sent) == 1, "what happens in one turn of the loop is taken together"
    await scene.all_sent()
    assert ada.sent == ["0: 0 a", "1: +1 a", "2: +2 a"]


async def test_a_new_watcher_is_sent_a_snapshot_with_the_changes_that_are_due(scene: Scene) -> None:
    scene.topic.add(1)
    ada = scene.watcher()
    assert ada.sent == []
    await scene.all_sent()
    assert ada.sent == ["1: 1 a"]


async def test_each_key_is_sent_its_diff_and_a_key_without_one_a_snapshot(scene: Scene) -> None:
    watchers = [scene.watcher(key) for key in "aabb"]
    scene.topic.encoded = 0
    scene.topic.without = {"b"}
    scene.topic.add(5)
    await scene.all_sent()
    assert [each.sent[1:] for each in watchers] == [["1: +5 a"]] * 2 + [["1: 5 b"]] * 2
    assert scene.topic.encoded == 1, "a whole is encoded once for all with the same key"


async def test_a_watcher_whose_key_changes_is_sent_a_snapshot(scene: Scene) -> None:
    ada = scene.watcher("a")
    ada.key = "b"
    scene.topic.add(5)
    await scene.all_sent()
    assert ada.sent == ["0: 0 a", "1: 5 b"]


async def test_a_watcher_that_is_behind_is_sent_a_snapshot_when_it_has_caught_up(
    scene: Scene,
) -> None:
    ada = scene.watcher()
    ada.is_behind = True
    for number in (1, 2):
        scene.topic.add(number)
        await scene.all_sent()
    assert ada.sent == ["0: 0 a"]
    ada.is_behind = False
    scene.topic.caught_up(ada.connection)
    assert ada.sent == ["0: 0 a", "2: 3 a"]
    scene.topic.caught_up(ada.connection)
    assert len(ada.sent) == 2, "nothing was missed since"
    scene.topic.add(3)
    await scene.all_sent()
    assert ada.sent[2:] == ["3: +3 a"]


async def test_a_watcher_that_falls_behind_between_two_messages_is_sent_a_snapshot(
    scene: Scene,
) -> None:
    ada = scene.watcher()
    ada.falls_behind_after = 2
    scene.topic.add(1, 2, 3, 4)
    await scene.all_sent()
    assert ada.sent == ["0: 0 a", "1: +1 a", "2: +2 a"]
    ada.is_behind = False
    scene.topic.caught_up(ada.connection)
    assert ada.sent[3:] == ["4: 10 a"]


async def test_a_fan_out_lets_the_loop_do_other_work_after_each_slice(scene: Scene) -> None:
    watchers = [scene.watcher() for _ in range(1000)]
    scene.topic.add(1)
    turns = []
    while any(len(each.sent) == 1 for each in watchers):
        await scene.turn()
        turns.append(sum(len(each.sent) == 2 for each in watchers))
    slices = [after - before for before, after in zip([0, *turns], turns, strict=False)]
    # At most a slice, and the few that are sent before the clock is read again.
    assert max(slices) * COST <= LIMITS.slice + LIMITS.watchers_at_once * COST
    assert len([each for each in slices if each]) >= 1000 * COST / (
        LIMITS.slice + LIMITS.watchers_at_once * COST
    )


async def test_changes_during_a_fan_out_leave_no_gap_in_versions(
    scene: Scene,
) -> None:
    watchers = [scene.watcher() for _ in range(300)]
    scene.topic.add(1)
    await scene.turn()
    assert {len(each.sent) for each in watchers} == {1, 2}, "it has begun"
    scene.topic.add(2)
    late = scene.watcher()
    scene.topic.unwatch(watchers[-1].connection)
    watchers[-2].is_behind = True
    scene.now += 10
    await scene.turn()
    watchers[-2].is_behind = False
    scene.topic.caught_up(watchers[-2].connection)
    while scene.topic.version < 2 or scene.topic._fan_out is not None:
        scene.now += 10
        await scene.turn()
    for each in watchers[:-2]:
        assert each.sent == ["0: 0 a", "1: +1 a", "2: +2 a"]
    assert watchers[-1].sent == ["0: 0 a"]
    for each in (late, watchers[-2]):
        assert each.sent[-1] in ("2: +2 a", "2: 3 a")
        versions = [int(text.split(":")[0]) for text in each.sent]
        assert versions == sorted(versions)


async def test_first_watchers_are_sent_each_change_at_once(
    scene: Scene,
) -> None:
    others = [scene.watcher() for _ in range(1000)]
    ada = scene.watcher("ada")
    scene.topic.add(1)
    await scene.turn()
    assert ada.sent[1:] == ["1: +1 ada"]
    assert {len(each.sent) for each in others} == {1, 2}, "the fan-out goes on"
    scene.topic.add(2)
    await scene.turn()
    assert ada.sent[2:] == ["2: +2 ada"], "during it"
    while scene.topic._fan_out is not None:
        await scene.turn()
    assert all(len(each.sent) == 2 for each in others)
    scene.topic.add(3)
    await scene.turn()
    assert ada.sent[3:] == ["3: +3 ada"], "and in the pause after it"
    assert all(len(each.sent) == 2 for each in others), "which holds for the others"
    late = scene.watcher("bo")
    assert late.sent == ["3: 6 bo"]
    scene.now = scene.topic._not_before
    scene.topic._tell()
    await scene.all_sent()
    for each in others:
        assert each.sent == ["0: 0 a", "1: +1 a", "2: +2 a", "3: +3 a"]
    assert len(ada.sent) == 4
    assert late.sent == ["3: 6 bo"]


@pytest.mark.parametrize(("count", "texts"), [(7, 7), (8, 1)])
async def test_many_waiting_changes_are_replaced_by_a_snapshot(
    scene: Scene, count: int, texts: int
) -> None:
    bo = scene.watcher()
    ada = scene.watcher("ada")
    scene.topic._not_before = scene.now + 1
    for _ in range(count):
        scene.topic.add(1)
        await scene.turn()
    assert (len(ada.sent), len(bo.sent)) == (1 + count, 1)
    scene.now += 1
    scene.topic._tell()
    await scene.all_sent()
    assert len(bo.sent) == 1 + texts
    assert bo.sent[-1].startswith(f"{count}: ")


async def test_a_change_of_view_during_a_fan_out_leaves_no_gap_in_versions(
    scene: Scene,
) -> None:
    watchers = [scene.watcher() for _ in range(300)]
    ada, last = scene.watcher("ada"), watchers[-1]
    scene.topic.add(1)
    await scene.turn()
    last.key, ada.key = "last", "a"
    scene.topic.add(2)
    await scene.turn()
    assert last.sent[1:] == ["2: 3 last"]
    last.key = "a"
    scene.topic.add(3)
    while scene.topic._fan_out is not None:
        await scene.turn()
    scene.now += 10
    scene.topic._tell()
    await scene.all_sent()
    assert ada.sent[1:] == ["1: +1 ada", "3: 6 a"]
    assert last.sent[1:] == ["2: 3 last", "3: 6 a"]
    assert watchers[0].sent[1:] == ["1: +1 a", "2: +2 a", "3: +3 a"]


@pytest.mark.parametrize(("count", "pause"), [(20, 0.0), (21, 0.21), (100, 1.0), (1000, 2.0)])
async def test_the_next_fan_out_waits_to_keep_the_topic_to_its_share_of_the_loop(
    scene: Scene, count: int, pause: float
) -> None:
    watchers = [scene.watcher() for _ in range(count)]
    scene.topic.add(1)
    await scene.all_sent()
    assert all(len(each.sent) == 2 for each in watchers)
    # A tenth of the loop's time: a second for a tenth of a second; for a few watchers, none.
    assert scene.topic._not_before == pytest.approx(scene.now + pause)


async def test_one_fan_out_is_ahead_of_the_pace_once_it_is_quiet_and_the_next_makes_up_for_it(
    scene: Scene,
) -> None:
    ada, *_ = [scene.watcher() for _ in range(100)]
    scene.topic.add(1)
    await scene.all_sent()
    due = scene.topic._not_before
    assert due == pytest.approx(scene.now + 1.0)

    for number in (2, 3, 4):
        scene.topic.add(number)
        scene.topic._tell()
        assert len(ada.sent) == 2, "changes keep coming"
        scene.now += 0.75 * LIMITS.quiet
    scene.now += 0.25 * LIMITS.quiet
    scene.topic._tell()
    await scene.all_sent()
    assert ada.sent[2:] == ["2: +2 a", "3: +3 a", "4: +4 a"]

    scene.topic.add(5)
    scene.now = due - 0.001
    scene.topic._tell()
    assert len(ada.sent) == 5
    scene.now = due
    scene.topic._tell()
    await scene.all_sent()
    assert ada.sent[5:] == ["5: +5 a"]


@pytest.mark.parametrize("count", [30, 100, 150, 199])
async def test_early_fan_outs_do_not_raise_the_share_of_the_loop(scene: Scene, count: int) -> None:
    for _ in range(count):
        scene.watcher()
    began, spent = scene.now, 0.0
    for number in range(20):
        scene.topic.add(number)
        scene.now = max(scene.now, scene.topic._paced_until())  # it is always quiet
        before = scene.now
        scene.topic._tell()
        await scene.all_sent()
        spent += scene.now - before
    one = count * COST
    # The first, and one that is early, have not been made up for.
    assert spent - 2 * one <= LIMITS.fan_out_share * (scene.now - began)


async def test_the_last_message_is_sent_to_every_watcher_and_nothing_after_it(
    scene: Scene,
) -> None:
    watchers = [scene.watcher() for _ in range(300)]
    scene.topic.add(1)
    await scene.turn()
    watchers[-1].is_behind = True
    await scene.all_sent()
    watchers[-1].is_behind = False
    scene.topic.end("over")
    scene.topic.resume(watchers[-1].connection)
    await scene.all_sent()
    assert watchers[-1].sent == ["0: 0 a", "over"]
    for each in watchers:
        assert each.sent[-1] == "over"
        assert each.sent.count("over") == 1
        assert each.topics == ()
    assert not scene.topic.watchers


async def test_a_gone_connection_is_removed_from_every_topic(scene: Scene) -> None:
    topics, second = Topics(), Numbers(lambda: scene.now)
    topics.add("first", scene.topic)
    topics.add("second", second)
    watcher = Watcher("a", scene.spend)
    assert topics.watch(watcher.connection, "first", 0.0)
    assert topics.watch(watcher.connection, "second", 0.0)
    assert topics.watch(watcher.connection, "second", 0.0), "twice is once"
    assert not topics.watch(watcher.connection, "third", 0.0)
    assert watcher.topics == (scene.topic, second)
    topics.forget(watcher.connection, has_left=False)
    assert not watcher.topics
    assert not scene.topic.watchers
    assert not second.watchers


async def test_nothing_is_sent_after_a_close(scene: Scene) -> None:
    watchers = [scene.watcher() for _ in range(300)]
    scene.topic.add(1)
    await scene.turn()
    sent = sum(len(each.sent) for each in watchers)
    scene.topic.close()
    for _ in range(5):
        await scene.turn()
    assert sum(len(each.sent) for each in watchers) == sent
