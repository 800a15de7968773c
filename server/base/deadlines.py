"""Deadlines: a deadline is a number; moving it later is an assignment.

What it is: a wheel of slots, `SLOTS_PER_SECOND` to a second. A slot holds its items in the order
in which they came; a heap holds the numbers of the slots that are not empty. One timer, the
owner's, sleeps until the first of them.

What it promises: an item comes out at or after the instant it was armed for, never before, and
at most one slot later plus the time the owner takes to ask. What it does not: an item that was
armed early comes out early. The owner then looks at its own numbers and arms it again. That is
the point: activity moves a deadline later by storing a number, without a word to the wheel.

Cost: arming is a division, a dict insertion and, for a new slot, a heap push; about 0.4 us. An
item is in at most one slot, so a million touches leave no more entries than there are items.

Example: 1000 slots a second. `arm(ada, 240.0)` puts Ada into slot 240001. At 100.0 she pings: her
session stores idle_from = 100.0 and nothing moves here. At 240.001 `pop_due` returns her; the
registry sees that her warning is due at 340.0 and arms her for that. `arm(ada, 250.0)` would have
done nothing, `arm(ada, 130.0)` would have moved her to slot 130001.

Who may call it: the registry, which is in turn called by one event loop. Nothing here awaits.
"""

import heapq
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Generic, Protocol, TypeVar

SLOTS_PER_SECOND = 1000
"""How finely time is cut: on an idle loop a deadline is noticed at most 1 ms late, and the timer's
own rounding, another."""


class HasSlot(Protocol):
    """Something with deadlines. `slot` belongs to the wheel; None: not armed."""

    slot: int | None


T = TypeVar("T", bound=HasSlot)


class Deadlines(Generic[T]):
    """The items that something will be due for, by when. Instants are seconds, on any clock."""

    def __init__(self) -> None:
        # An item that is alone in its slot, as most are, or several: a dict for its order, as what
        # is due at once comes out as it went in, in every run. A dict takes 230 bytes.
        self._slots: dict[int, T | dict[T, None]] = {}
        self._order: list[int] = []
        self._count = 0

    def __len__(self) -> int:
        """How many items are armed."""
        return self._count

    def __iter__(self) -> Iterator[T]:
        for held in self._slots.values():
            yield from _items(held)

    def arm(self, item: T, due: float) -> None:
        """Have `item` come out at `due` at the latest. Never moves it later: see the module."""
        # Never early: n + 1 is greater than the rounded product, and n + 1 divided again is then,
        # rounding being monotonic, at least `due`.
        slot = int(due * SLOTS_PER_SECOND) + 1
        if item.slot is not None:
            if item.slot <= slot:
                return
            self.disarm(item)
        held = self._slots.get(slot)
        if held is None:
            self._slots[slot] = item
            heapq.heappush(self._order, slot)
        elif isinstance(held, dict):
            held[item] = None
        else:
            self._slots[slot] = {held: None, item: None}
        item.slot = slot
        self._count += 1

    def disarm(self, item: T) -> None:
        """Forget `item`; nothing happens where it is not armed."""
        slot = item.slot
        if slot is None:
            return
        held = self._slots[slot]
        if isinstance(held, dict):
            del held[item]
        if not isinstance(held, dict) or not held:
            # Its number stays in the heap until it comes to the top: removing it there is O(n).
            del self._slots[slot]
        item.slot = None
        self._count -= 1

    def is_ahead(self, item: T, now: float) -> bool:
        """Whether nothing that `item` is armed for can be due by `now`. False within two slots."""
        # A deadline lies in the slot before that of its item, or, where it is negative, in that
        # before.
        return item.slot is not None and item.slot - 2 > now * SLOTS_PER_SECOND

    def next_due(self) -> float | None:
        """When to call `pop_due` next; None: nothing is armed."""
        slot = self._first_slot()
        return None if slot is None else slot / SLOTS_PER_SECOND

    def pop_due(self, now: float, limit: int) -> list[T]:
        """Take out what is due, at most `limit` items; the rest stays due."""
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


def _items(held: T | dict[T, None]) -> Iterable[T]:
    return held if isinstance(held, dict) else (held,)
