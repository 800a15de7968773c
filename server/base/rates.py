"""Rate limits: `TokenBucket` for steady streams, `MovingWindow` for a few attempts per key, `Debts`
for amounts that are known only when they have been spent.

Neither reads a clock. The caller passes instants: seconds of any clock that does not go back.
"""

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

import msgspec

from server.base.units import LONG_AGO, in_digits

K = TypeVar("K", bound=Hashable)


class Rate(msgspec.Struct, frozen=True):
    """At most `burst` at once, then `per_second`."""

    per_second: float
    burst: float

    def times(self, factor: float) -> "Rate":
        """Return the rate of so many times as much."""
        return Rate(self.per_second * factor, self.burst * factor)


class TokenBucket:
    """Limits a stream to a `Rate`; starts full."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate.per_second
        self._tokens = self._burst = rate.burst
        self._at = now

    def take(self, now: float) -> bool:
        """Take a token; return False if there is none."""
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

    def times(self, factor: int) -> "Quota":
        """Return the quota of so many times as many."""
        return Quota(self.count * factor, self.seconds)

    def refusal(self, what: str) -> str:
        """Return the sentence of a refusal; `what` is a plural."""
        return (
            f"{self.count} {what} in {in_digits(self.seconds)} seconds are enough: try again later."
        )


class MovingWindow(Generic[K]):
    """Limits each key to a `Quota`, over a window that moves with the clock.

    >>> window = MovingWindow[str](Quota(2, 60.0), max_keys=1000)
    >>> window.take("ada", now=0.0), window.take("ada", now=10.0), window.take("ada", now=20.0)
    (True, True, False)
    >>> window.wait("ada", now=20.0)
    40.0

    Every operation costs at most `quota.count` steps; expired keys are dropped by later calls for
    other keys. Beyond `max_keys` the key that was counted longest ago is dropped, so that memory is
    bounded. Choose it so high that exceeding it costs an attacker more than it gains.
    """

    __slots__ = ("_count", "_instants", "_max_keys", "_seconds")

    def __init__(self, quota: Quota, max_keys: int) -> None:
        self._count, self._seconds = quota.count, quota.seconds
        self._max_keys = max_keys
        # The counted instants of each key, oldest first. Keys are in the order of their latest.
        self._instants: OrderedDict[K, list[float]] = OrderedDict()

    def take(self, key: K, now: float) -> bool:
        """Count one for `key`; return False, and count nothing, if its quota is used up. `now` may
        be earlier than instants that were counted before."""
        instants = self._current(key, now)
        if len(instants) >= self._count:
            return False
        insort(instants, now)
        self._instants[key] = instants
        self._instants.move_to_end(key)
        if len(self._instants) > self._max_keys:
            self._instants.popitem(last=False)
        return True

    def wait(self, key: K, now: float) -> float:
        """Return the seconds until `take` would count one for `key`; 0.0 if it would now."""
        instants = self._current(key, now)
        if len(instants) < self._count:
            return 0.0
        return self._seconds - (now - instants[-self._count])

    def count(self, key: K, now: float) -> int:
        """Return how many are counted for `key` within the window."""
        return len(self._current(key, now))

    def forget(self, key: K) -> None:
        """Remove all counts of `key`."""
        self._instants.pop(key, None)

    def _current(self, key: K, now: float) -> list[float]:
        """Return the instants of `key` within the window. Drops expired keys."""
        while self._instants:
            oldest = next(iter(self._instants.values()))
            if now - oldest[-1] < self._seconds:
                break
            self._instants.popitem(last=False)
        instants = self._instants.get(key, [])
        seconds = self._seconds
        # Not one by one: the quota of a network can be thousands.
        return instants[bisect_left(instants, True, key=lambda each: now - each < seconds) :]


class Debts(Generic[K]):
    """What each key has spent of a `Rate`. Charging never refuses: what has happened is charged,
    and who causes the next asks `wait` first.

    >>> debts = Debts[str](Rate(10.0, 100.0), max_keys=1000)
    >>> debts.charge("ada", 120.0, now=0.0)
    >>> debts.wait("ada", now=0.0), debts.wait("ada", now=2.5)
    (2.0, 0.0)

    A key has spent at most `most` bursts: what it spends beyond is not remembered. So one that may
    spend a single burst never waits longer than it takes to earn another, by default. Every
    operation costs a few steps. Keys that owe nothing any more are dropped by later charges; with
    `max_keys` more, those that were not charged meanwhile are too, unless they have spent a burst:
    those would be worth making many others for.
    """

    __slots__ = ("_burst", "_earlier", "_max_keys", "_most", "_paid_at", "_per_second", "_turn_at")

    def __init__(self, rate: Rate, max_keys: int, most: float = 2.0) -> None:
        self._per_second = rate.per_second
        # In seconds, as everything below.
        self._burst = rate.burst / rate.per_second
        self._most = most * self._burst
        self._max_keys = max_keys
        # For each key the instant at which it will have paid everything back: one number, which no
        # call has to bring up to date.
        self._paid_at: dict[K, float] = {}
        # The keys that were charged before the last turn, and not since.
        self._earlier: dict[K, float] = {}
        self._turn_at = LONG_AGO

    def charge(self, key: K, amount: float, now: float) -> None:
        """Charge `amount` to `key`. `now` may be earlier than in calls before."""
        paid_at = self._paid_at.get(key)
        if paid_at is None:
            paid_at = self._earlier.pop(key, now)
            if now >= self._turn_at or len(self._paid_at) >= self._max_keys:
                self._turn(now)
        if paid_at < now:
            paid_at = now
        paid_at += amount / self._per_second
        most = now + self._most
        self._paid_at[key] = most if paid_at > most else paid_at

    def wait(self, key: K, now: float, bursts: float = 1.0) -> float:
        """Return the seconds until `key` has something to spend of so many bursts; 0.0 if it has
        now."""
        paid_at = self._paid_at.get(key)
        if paid_at is None:
            paid_at = self._earlier.get(key, now)
        wait = paid_at - bursts * self._burst - now
        return wait if wait > 0.0 else 0.0

    def _turn(self, now: float) -> None:
        """Drop the keys that were not charged since the last turn: unless it came early, as there
        were too many, that is as long ago as anything can be owed."""
        earlier = self._earlier if now < self._turn_at else {}
        kept = {key: at for key, at in earlier.items() if at - now >= self._burst}
        # Nobody can afford to have so many that owe as much.
        self._earlier = self._paid_at | kept if len(kept) <= self._max_keys else self._paid_at
        self._paid_at = {}
        self._turn_at = now + self._most
