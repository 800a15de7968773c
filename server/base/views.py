"""Sorted views of a collection, a page of which takes as long however much else there is."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Generic, TypeVar

ViewT = TypeVar("ViewT", bound=Hashable)
KeyT = TypeVar("KeyT", bound=Any)


class SortedViews(Generic[ViewT, KeyT]):
    """Keys, each in some views, in which they are sorted.

    >>> views = SortedViews[str, int]()
    >>> for number in (3, 1, 2):
    ...     views.put(number, ["all", "odd"] if number % 2 else ["all"])
    >>> views.first("all", 2, after=1), views.last("odd", 5), views.count("odd")
    ([2, 3], [3, 1], 2)
    """

    __slots__ = ("_keys", "_views_of")

    def __init__(self) -> None:
        self._views_of: dict[KeyT, frozenset[ViewT]] = {}
        self._keys: dict[ViewT, list[KeyT]] = {}

    def put(self, key: KeyT, views: Iterable[ViewT]) -> None:
        """Have `key` in these views, and in no others; in none it is removed."""
        before, after = self._views_of.get(key, frozenset()), frozenset(views)
        for view in before - after:
            keys = self._keys[view]
            del keys[bisect_left(keys, key)]
            if not keys:
                del self._keys[view]
        for view in after - before:
            insort(self._keys.setdefault(view, []), key)
        if after:
            self._views_of[key] = after
        else:
            self._views_of.pop(key, None)

    def of(self, view: ViewT) -> Sequence[KeyT]:
        """Return all keys of a view, the least first."""
        return self._keys.get(view, ())

    def first(self, view: ViewT, limit: int, after: KeyT) -> list[KeyT]:
        """Return the keys of a view that are greater than `after`, the least first."""
        keys = self.of(view)
        at = bisect_right(keys, after)
        return list(keys[at : at + limit])

    def last(self, view: ViewT, limit: int) -> list[KeyT]:
        """Return the keys of a view, the greatest first."""
        return list(self.of(view)[: -limit - 1 : -1])

    def count(self, view: ViewT) -> int:
        """Return how many keys a view has."""
        return len(self.of(view))
