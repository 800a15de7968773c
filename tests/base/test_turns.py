"""Places take turns at each width of their networks, and the one with the most loses its last."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base import turns
from server.base.turns import Turns

A, B = ("4.3.2.1",), ("8.7.6.5",)
WIDE = "2001:db8::/48"


def six(number: int) -> tuple[str, ...]:
    """A /64 of one /48; four in turn share a /56."""
    return (WIDE, f"/56 {number // 4}", f"/64 {number}")


def filled(*paths: tuple[str, ...]) -> Turns[str]:
    made = Turns[str]()
    for number, path in enumerate(paths):
        made.add(path, f"{path[-1]} {number}")
    return made


def in_order(of: Turns[str]) -> list[str]:
    return [of.take_next() for _ in range(len(of))]


def test_the_example_is_true() -> None:
    assert doctest.testmod(turns).failed == 0


def test_of_one_place_the_first_is_first() -> None:
    assert in_order(filled(A, A, A)) == ["4.3.2.1 0", "4.3.2.1 1", "4.3.2.1 2"]


def test_a_customer_with_many_networks_has_one_turn_of_the_others() -> None:
    queue = filled(*[six(number) for number in range(50)], A, B, A)
    assert in_order(queue)[:6] == [
        "/64 0 0", "4.3.2.1 50", "8.7.6.5 51", "/64 4 4", "4.3.2.1 52", "/64 8 8",
    ]  # fmt: skip


def test_the_widest_network_with_the_most_loses_its_last() -> None:
    queue = filled(A, A, A, *[six(number) for number in (0, 1, 2, 4)], B)
    assert queue.drop_last_of_most(B) == "/64 2 5"
    assert len(queue) == 7


def test_of_several_with_the_most_the_newest_loses() -> None:
    queue = filled(A, B, A, B)
    assert queue.drop_last_of_most(newest=A) == "4.3.2.1 2"
    assert queue.drop_last_of_most(newest=A) == "8.7.6.5 3"
    assert queue.drop_last_of_most(newest=B) == "8.7.6.5 1"


PATHS = st.sampled_from([A, B, ("here",), *map(six, range(9))])
STEPS = st.lists(st.tuples(st.sampled_from(["add", "take", "drop", "discard"]), PATHS), max_size=60)


@given(STEPS)
def test_nothing_is_lost_and_only_who_has_most_loses(
    steps: list[tuple[str, tuple[str, ...]]],
) -> None:
    queue = Turns[int]()
    there: dict[int, tuple[str, ...]] = {}
    for number, (what, path) in enumerate(steps):
        if what == "add":
            queue.add(path, number)
            there[number] = path
        elif what == "discard":
            item = max((each for each in there if there[each] == path), default=-1)
            assert queue.discard(path, item) == (item in there)
            there.pop(item, None)
        elif there and what == "take":
            item = queue.take_next()
            assert item == min(each for each in there if there[each] == there[item])
            del there[item]
        elif there:
            held = [each[0] for each in there.values()]
            item = queue.drop_last_of_most(path)
            assert held.count(there[item][0]) == max(map(held.count, held))
            assert item == max(each for each in there if there[each] == there[item])
            del there[item]
        assert len(queue) == len(there)
    rest = [queue.take_next() for _ in range(len(queue))]
    assert sorted(rest) == sorted(there)
    with pytest.raises((KeyError, IndexError)):
        queue.take_next()
