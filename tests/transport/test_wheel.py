"""Deadlines on a wheel: never early, at most a turn late, and postponed after a stall."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from server.base.clock import STALL
from server.transport.limits import Limits
from server.transport.wheel import Wheel
from tests.support.manual_loop import Handle, ManualLoop

TURN = 0.25


class Item:
    """Records when it was called."""

    def __init__(self, loop: ManualLoop) -> None:
        self._loop = loop
        self.turn: int | None = None
        self.told: list[float] = []

    def due(self) -> None:
        self.told.append(self._loop.now)


@pytest.fixture
def loop() -> ManualLoop:
    return ManualLoop()


@pytest.fixture
def wheel(loop: ManualLoop) -> Wheel:
    return Wheel(Limits(turn=TURN), loop)  # type: ignore[arg-type]


@pytest.mark.parametrize("most", [1, 4])
def test_deadlines_are_processed_in_portions_of_the_limit(loop: ManualLoop, most: int) -> None:
    wheel = Wheel(Limits(turn=TURN, deadlines_at_once=most), loop)  # type: ignore[arg-type]
    items = [Item(loop) for _ in range(8)]
    for item in items:
        wheel.set(item, 0.0)
    told: list[int] = []
    while sum(told) < len(items):
        before = sum(len(item.told) for item in items)
        loop.step()
        told += [sum(len(item.told) for item in items) - before]
    assert max(told) == most


@pytest.mark.parametrize("since", [0.0, 0.01, 0.124, 0.249, 0.25])
@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.25, 0.251, 4.0, 4.1])
def test_a_deadline_is_never_early_and_at_most_a_turn_late(
    loop: ManualLoop, wheel: Wheel, seconds: float, since: float
) -> None:
    wheel.set(Item(loop), 100.0)  # keeps it turning
    loop.run_until(since)
    item = Item(loop)
    wheel.set(item, seconds)
    loop.run_until(50.0)
    (told,) = item.told
    assert seconds <= told - since <= seconds + TURN
    assert item.turn is None


@pytest.mark.parametrize("late", [0.1, 0.25, STALL, STALL + 0.01, 10.0])
@pytest.mark.parametrize("seconds", [0.0, 0.25, 0.3, 4.0])
def test_a_deadline_set_during_a_late_turn_is_not_early(
    loop: ManualLoop, wheel: Wheel, seconds: float, late: float
) -> None:
    wheel.set(Item(loop), 100.0)  # keeps it turning
    loop.run_until(0.9)
    loop.now = 1.0 + late  # the next turn was due at 1.0
    item = Item(loop)
    wheel.set(item, seconds)
    loop.run_until(50.0)
    (told,) = item.told
    assert seconds <= told - (1.0 + late) <= seconds + 2 * TURN


def test_a_deadline_replaces_the_last_and_a_stopped_one_never_comes(
    loop: ManualLoop, wheel: Wheel
) -> None:
    item, stopped = Item(loop), Item(loop)
    wheel.set(item, 1.0)
    wheel.set(stopped, 1.0)
    loop.run_until(0.9)
    wheel.set(item, 3.0)
    wheel.stop(stopped)
    wheel.stop(stopped)
    loop.run_until(20.0)
    assert stopped.told == []
    (told,) = item.told
    assert 3.9 <= told <= 3.9 + 2 * TURN


def test_after_a_stall_every_deadline_is_given_again_in_full(
    loop: ManualLoop, wheel: Wheel
) -> None:
    item = Item(loop)
    wheel.set(item, 4.0)
    loop.stand_still_until(60.0)
    loop.run_until(63.0)
    assert item.told == []
    loop.run_until(60.0 + 4.0 + 2 * TURN)
    assert len(item.told) == 1


def test_after_a_stall_bytes_are_read_before_a_deadline_comes(
    loop: ManualLoop, wheel: Wheel
) -> None:
    item = Item(loop)
    wheel.set(item, 4.0)
    loop.run_until(4.0)  # one turn is left
    loop.stand_still_until(60.0)
    loop.run_until(60.0 + TURN - 0.001)
    assert item.told == []
    loop.run_until(60.0 + TURN)
    assert item.told == [60.0 + TURN]


def test_the_lateness_of_turns_does_not_add_up() -> None:
    class LateLoop(ManualLoop):
        """Calls every timer late."""

        def call_at(self, when: float, callback: Callable[..., None], *args: Any) -> Handle:
            return super().call_at(when + 0.04, callback, *args)

    loop = LateLoop()
    wheel = Wheel(Limits(turn=TURN), loop)  # type: ignore[arg-type]
    item = Item(loop)
    wheel.set(item, 29.0)
    loop.run_until(60.0)
    (told,) = item.told
    assert 29.0 <= told <= 29.0 + 2 * TURN + 0.04


def test_the_wheel_turns_only_while_there_is_a_deadline(loop: ManualLoop, wheel: Wheel) -> None:
    item = Item(loop)
    for _ in range(3):
        wheel.set(item, 1.0)
        loop.run_until(loop.now + 10.0)
        assert wheel._timer is None
        assert not wheel._turns
    assert len(item.told) == 3
    assert wheel.now < 6.0, "it stands"


def test_a_thousand_simultaneous_deadlines_come_in_portions_and_once_each(
    loop: ManualLoop, wheel: Wheel
) -> None:
    items = [Item(loop) for _ in range(1000)]
    for item in items:
        wheel.set(item, 1.0)

    class Stops(Item):
        """Stops others that are due with it."""

        def due(self) -> None:
            super().due()
            for other in items[:10]:
                wheel.stop(other)

    first = Stops(loop)
    wheel.set(first, 1.0)
    loop.run_until(1.0 + 2 * TURN)
    assert [len(item.told) for item in items] == [0] * 10 + [1] * 990
    assert len(first.told) == 1


def test_a_failing_deadline_does_not_stop_the_others(
    loop: ManualLoop, wheel: Wheel, caplog: pytest.LogCaptureFixture
) -> None:
    class Fails(Item):
        def due(self) -> None:
            raise ValueError

    items = [Item(loop), Item(loop)]
    for item in (items[0], Fails(loop), items[1]):
        wheel.set(item, 1.0)
    with caplog.at_level(logging.CRITICAL, "stillhere.transport"):
        loop.run_until(5.0)
    assert [len(item.told) for item in items] == [1, 1]


def test_a_deadline_that_is_handed_on_keeps_its_time(loop: ManualLoop, wheel: Wheel) -> None:
    item, other, heir = Item(loop), Item(loop), Item(loop)
    wheel.set(item, 5.0)
    wheel.set(other, 5.0)
    loop.run_until(4.0)
    wheel.hand_on(item, heir)
    wheel.hand_on(Item(loop), item)  # without a deadline
    loop.run_until(10.0)
    assert item.told == []
    assert len(heir.told) == 1
    assert heir.told == other.told
