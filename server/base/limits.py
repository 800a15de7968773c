"""Rate limits: `TokenBucket` for steady streams, `MovingWindow` for a few attempts per key.

Neither reads a clock. The caller passes instants: seconds of any clock that does not go back.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

import msgspec

K = TypeVar("K", bound=Hashable)


class Rate(msgspec.Struct, frozen=True):
    """At most `burst` at once, and `per_second` more in each second after."""

    per_second: float
    burst: float


class TokenBucket:
    """Holds a stream to a `Rate`; it starts full."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate.per_second
        self._tokens = self._burst = rate.burst
        self._at = now

    def take(self, now: float) -> bool:
        """Take a token; False if there is none."""
        tokens = self._tokens + (now - self._at) * self._rate
        if tokens > self._burst:
            tokens = self._burst
        self._at = now
        if tokens < 1.0:
            self._tokens = tokens
            return False
        self._tokens = tokens - 1.0
        return True


class Quota(msgspec.Struct, frozen=True):
    """At most `count` in any stretch of `seconds`."""

    count: int
    seconds: float


class MovingWindow(Generic[K]):
    """Holds each key to a `Quota`, over a window that moves with the clock.

    >>> window = MovingWindow[str](Quota(2, 60.0), max_keys=1000)
    >>> window.take("ada", now=0.0), window.take("ada", now=10.0), window.take("ada", now=20.0)
    (True, True, False)
    >>> window.wait("ada", now=20.0)
    40.0

    Every operation costs at most `quota.count` steps, and a key that is over is dropped by later
    calls for other keys. Beyond `max_keys` the key that was counted longest ago is forgotten, so
    that memory is bounded: choose it so high that to reach it costs more than it gains.
    """

    __slots__ = ("_count", "_instants", "_max_keys", "_seconds")

    def __init__(self, quota: Quota, max_keys: int) -> None:
        self._count, self._seconds = quota.count, quota.seconds
        self._max_keys = max_keys
        # The instants that were counted, oldest first. Keys are in the order of their last one.
        self._instants: OrderedDict[K, list[float]] = OrderedDict()

    def __len__(self) -> int:
        """The number of keys that are remembered."""
        return len(self._instants)

    def take(self, key: K, now: float) -> bool:
        """Count one for `key`; False, and nothing is counted, if its quota is used up."""
        instants = self._current(key, now)
        if len(instants) >= self._count:
            return False
        instants.append(now)
        self._instants[key] = instants
        self._instants.move_to_end(key)
        if len(self._instants) > self._max_keys:
            self._instants.popitem(last=False)
        return True

    def wait(self, key: K, now: float) -> float:
        """Seconds until `take` would count one for `key`; 0.0 if it would now. Counts nothing."""
        instants = self._current(key, now)
        if len(instants) < self._count:
            return 0.0
        return self._seconds - (now - instants[-self._count])

    def give_back(self, key: K) -> None:
        """Uncount the latest one of `key`, if there is one."""
        instants = self._instants.get(key)
        if instants:
            instants.pop()
            if not instants:
                del self._instants[key]

    def forget(self, key: K) -> None:
        """Uncount all of `key`."""
        self._instants.pop(key, None)

    def _current(self, key: K, now: float) -> list[float]:
        """The instants of `key` that are within the window. Drops keys that have none."""
        while self._instants:
            oldest = next(iter(self._instants.values()))
            if now - oldest[-1] < self._seconds:
                break
            self._instants.popitem(last=False)
        return [each for each in self._instants.get(key, ()) if now - each < self._seconds]
