"""Deadlines: a deadline is a number; moving it later is an assignment.

What it is: a wheel of slots, `SLOTS_PER_SECOND` to a second. A slot holds its items in order of
arrival; a heap holds the numbers of the slots that are not empty. The owner has one timer, for the
first of them.

What it promises: an item comes out at or after the instant it was armed for, never before, and
at most one slot later plus the time the owner takes to ask. What it does not promise: an item that
was armed early comes out early. The owner then looks at its own numbers and arms it again. That is
the point: activity moves a deadline later by storing a number, without calling the wheel.

Cost: arming is a division, a dict insertion and, for a new slot, a heap push; about 0.4 us. An
item is in at most one slot, so a million touches leave no more entries than there are items.

Example: 1000 slots a second. `arm(ada, 240.0)` puts Ada into slot 240001. At 100.0 she pings: her
session stores idle_from = 100.0 and nothing moves here. At 240.001 `pop_due` returns her; the
registry sees that her warning is due at 340.0 and arms her for that. `arm(ada, 250.0)` would have
done nothing, `arm(ada, 130.0)` would have moved her to slot 130001.

Who may call it: the registry, and the rooms, which are in turn called by one event loop. Nothing
here awaits.
"""

import heapq
from collections.abc import Iterable
from itertools import islice
from typing import Generic, Protocol, TypeAlias, TypeVar

SLOTS_PER_SECOND = 1000
"""On an idle loop a deadline is noticed at most 1 ms late, plus 1 ms for the timer's rounding."""


class HasSlot(Protocol):
    """Something with deadlines. `slot` belongs to the wheel; None if not armed."""

    slot: int | None


T = TypeVar("T", bound=HasSlot)

_FEW = 8
"""Items up to which a slot holds them in a tuple."""

_Held: TypeAlias = T | tuple[T, ...] | dict[T, None]
"""The only item of a slot (the usual case), a few, or many. A dict would take 230 bytes for a few;
a tuple is copied at each change. Both keep the order of arrival, so that runs are reproducible."""


class Deadlines(Generic[T]):
    """Items, by the instant at which they are due. Instants are seconds, on any clock."""

    def __init__(self) -> None:
        self._slots: dict[int, _Held[T]] = {}
        self._order: list[int] = []

    def arm(self, item: T, due: float) -> None:
        """Make `item` due at `due` or earlier. Never moves it later: see the module."""
        # Never early: n + 1 is greater than the rounded product, and as rounding is monotonic, (n +
        # 1) / SLOTS_PER_SECOND is at least `due`.
        slot = int(due * SLOTS_PER_SECOND) + 1
        if item.slot is not None:
            if item.slot <= slot:
                return
            self.disarm(item)
        held = self._slots.get(slot)
        if held is None:
            self._slots[slot] = item
            heapq.heappush(self._order, slot)
            item.slot = slot
        else:
            self._slots[slot] = _with(held, item)
            # The same number for all, not an equal one: that would take 32 bytes.
            item.slot = next(iter(_items(held))).slot

    def disarm(self, item: T) -> None:
        """Remove `item`; do nothing if it is not armed."""
        slot = item.slot
        if slot is None:
            return
        left = _without(self._slots[slot], item)
        if left:
            self._slots[slot] = left
        else:
            # The slot's number stays in the heap until it reaches the top: removing it here is
            # O(n).
            del self._slots[slot]
        item.slot = None

    def is_ahead(self, item: T, now: float) -> bool:
        """Return True if `item` is armed and not due by `now`, with up to two slots to spare."""
        # A deadline lies one slot before that of its item, or two if it is negative.
        return item.slot is not None and item.slot - 2 > now * SLOTS_PER_SECOND

    def next_due(self) -> float | None:
        """Return the instant at which to call `pop_due` next; None if nothing is armed."""
        slot = self._first_slot()
        return None if slot is None else slot / SLOTS_PER_SECOND

    def pop_due(self, now: float, limit: int) -> list[T]:
        """Remove and return what is due, at most `limit` items; the rest stays due."""
        due: list[T] = []
        while len(due) < limit:
            slot = self._first_slot()
            if slot is None or slot / SLOTS_PER_SECOND > now:
                break
            for item in list(islice(_items(self._slots[slot]), limit - len(due))):
                self.disarm(item)
                due.append(item)
        return due

    def _first_slot(self) -> int | None:
        while self._order and self._order[0] not in self._slots:
            heapq.heappop(self._order)
        return self._order[0] if self._order else None


# What a slot holds


def _with(held: _Held[T], item: T) -> _Held[T]:
    if isinstance(held, dict):
        held[item] = None
        return held
    items = (*_items(held), item)
    return items if len(items) <= _FEW else dict.fromkeys(items)


def _without(held: _Held[T], item: T) -> _Held[T] | None:
    """Return what is left; None, or what is empty, if nothing is."""
    if isinstance(held, dict):
        del held[item]
        return held
    if isinstance(held, tuple):
        return tuple(each for each in held if each is not item)
    return None


def _items(held: _Held[T]) -> Iterable[T]:
    return held if isinstance(held, (tuple, dict)) else (held,)
