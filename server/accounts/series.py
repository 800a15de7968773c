"""Series of failures, which are counted for as long as they go on."""

import math
from collections import OrderedDict
from collections.abc import Hashable, Iterator

from server.base.rates import Quota


class Series:
    """Counts the failures of each key until `quota.seconds` go by without one: at most
    `quota.count` of them.

    >>> series = Series(Quota(3, 60.0), max_keys=1000)
    >>> for now in (0.0, 50.0, 100.0):
    ...     series.take("ada", now)
    >>> series.wait("ada", now=110.0), series.wait("ada", now=160.0)
    (50.0, 0.0)

    Time does not go back: an instant before that of another failure counts as that.

    Stricter than a `MovingWindow`, and smaller: a key costs the same however much is counted. Keys
    that are used up are remembered apart from the others, `max_keys` of each, those counted longest
    ago the first to be dropped: one that is used up is not forgotten before as many others are.
    """

    __slots__ = ("_count", "_counted", "_max_keys", "_now", "_seconds", "_used_up")

    def __init__(self, quota: Quota, max_keys: int) -> None:
        self._count, self._seconds = quota.count, quota.seconds
        self._max_keys = max_keys
        self._now = -math.inf
        # The number and the latest instant, in the order of their latest.
        self._counted: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()
        self._used_up: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()

    def take(self, key: Hashable, now: float) -> None:
        """Count a failure."""
        count = self._find(key, now)[0] + 1
        self.forget(key)
        keys = self._used_up if count >= self._count else self._counted
        keys[key] = count, self._now
        if len(keys) > self._max_keys:
            keys.popitem(last=False)

    def wait(self, key: Hashable, now: float) -> float:
        """Return the seconds until a failure would be one of a new series, if this one is used up;
        otherwise 0.0."""
        count, latest = self._find(key, now)
        return 0.0 if count < self._count else self._seconds - (self._now - latest)

    def count(self, key: Hashable, now: float) -> int:
        """Return how many are counted for `key`."""
        return self._find(key, now)[0]

    def forget(self, key: Hashable) -> None:
        """End the series of `key`."""
        for keys in self._both():
            keys.pop(key, None)

    def _find(self, key: Hashable, now: float) -> tuple[int, float]:
        """Return the number and the latest instant of the series of `key`. Drops ended ones."""
        self._now = max(self._now, now)
        for keys in self._both():
            while keys and self._now - next(iter(keys.values()))[1] >= self._seconds:
                keys.popitem(last=False)
        return self._used_up.get(key) or self._counted.get(key) or (0, self._now)

    def _both(self) -> Iterator[OrderedDict[Hashable, tuple[int, float]]]:
        yield self._counted
        yield self._used_up
