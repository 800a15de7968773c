"""The wheel: never early, at most a slot late, one entry for each item."""

import math

from hypothesis import given
from hypothesis import strategies as st

from server.base.deadlines import SLOTS_PER_SECOND, Deadlines

WIDTH = 1 / SLOTS_PER_SECOND
INSTANTS = st.floats(min_value=-1e6, max_value=1e9, allow_nan=False)


class Item:
    slot: int | None = None


def test_nothing_is_due_when_nothing_is_armed() -> None:
    deadlines: Deadlines[Item] = Deadlines()
    assert deadlines.next_due() is None
    assert deadlines.pop_due(1e9, 10) == []


@given(due=INSTANTS)
def test_an_item_is_popped_at_its_deadline_or_at_most_a_slot_later(
    due: float,
) -> None:
    deadlines: Deadlines[Item] = Deadlines()
    item = Item()
    deadlines.arm(item, due)
    assert deadlines.pop_due(math.nextafter(due, -math.inf), 10) == []
    look = deadlines.next_due()
    assert look is not None
    assert due <= look <= due + 2 * WIDTH
    assert deadlines.pop_due(look, 10) == [item]
    assert item.slot is None


def test_a_deadline_is_noticed_within_two_milliseconds() -> None:
    """The tolerance of all other tests, `SLOT`, grows with the slots."""
    deadlines: Deadlines[Item] = Deadlines()
    deadlines.arm(Item(), 240.0)
    look = deadlines.next_due()
    assert look is not None
    assert 240.0 <= look <= 240.002


@given(due=st.floats(-1e6, 1e6), later=st.floats(0.0, 10.0))
def test_an_item_that_is_ahead_is_not_due(due: float, later: float) -> None:
    deadlines: Deadlines[Item] = Deadlines()
    item = Item()
    assert not deadlines.is_ahead(item, due)
    deadlines.arm(item, due + later)
    assert not deadlines.is_ahead(item, due + later)
    if deadlines.is_ahead(item, due):
        assert later > 0.0
        assert deadlines.pop_due(due, 10) == []
    else:
        assert later < 3 * WIDTH


def test_arming_moves_a_deadline_earlier_and_never_later() -> None:
    deadlines: Deadlines[Item] = Deadlines()
    item = Item()
    deadlines.arm(item, 10.0)
    deadlines.arm(item, 20.0)
    assert deadlines.pop_due(10.0 + WIDTH, 10) == [item]
    deadlines.arm(item, 20.0)
    deadlines.arm(item, 15.0)
    assert deadlines.pop_due(15.0 + WIDTH, 10) == [item]
    assert deadlines.pop_due(100.0, 10) == []


def test_a_disarmed_item_is_never_popped_and_takes_no_room() -> None:
    deadlines: Deadlines[Item] = Deadlines()
    items = [Item() for _ in range(3)]
    for item in items:
        deadlines.arm(item, 5.0)
    deadlines.disarm(items[1])
    deadlines.disarm(items[1])
    assert deadlines.pop_due(6.0, 10) == [items[0], items[2]]
    assert deadlines.next_due() is None


def test_an_emptied_slot_is_not_waited_for() -> None:
    deadlines: Deadlines[Item] = Deadlines()
    first, second = Item(), Item()
    deadlines.arm(first, 1.0)
    deadlines.arm(second, 9.0)
    deadlines.disarm(first)
    look = deadlines.next_due()
    assert look is not None
    assert look > 9.0


def test_a_slot_is_popped_in_portions() -> None:
    deadlines: Deadlines[Item] = Deadlines()
    items = {Item() for _ in range(10)}
    for item in items:
        deadlines.arm(item, 5.0)
    portions = [deadlines.pop_due(6.0, 4) for _ in range(4)]
    assert [len(portion) for portion in portions] == [4, 4, 2, 0]
    assert {item for portion in portions for item in portion} == items


@given(st.lists(st.tuples(st.integers(0, 5), st.one_of(st.none(), st.floats(0, 100))), max_size=60))
def test_every_item_is_known_once_and_by_its_earliest_deadline(
    steps: list[tuple[int, float | None]],
) -> None:
    deadlines: Deadlines[Item] = Deadlines()
    items = [Item() for _ in range(6)]
    earliest: dict[Item, float] = {}
    for number, due in steps:
        item = items[number]
        if due is None:
            deadlines.disarm(item)
            earliest.pop(item, None)
        else:
            deadlines.arm(item, due)
            earliest[item] = min(earliest.get(item, math.inf), due)
    now = 50.0
    popped = deadlines.pop_due(now, 100)
    assert all(earliest[item] <= now for item in popped)
    assert all(due > now - 2 * WIDTH for item, due in earliest.items() if item not in popped)
    known = popped + deadlines.pop_due(1e9, 100)
    assert len(known) == len(earliest)
    assert set(known) == earliest.keys()
