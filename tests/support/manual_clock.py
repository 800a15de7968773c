"""A clock that the test moves."""

from server.base.deadlines import SLOTS_PER_SECOND

SLOT = 2 / SLOTS_PER_SECOND
"""Seconds by which a deadline may be late: its slot of the wheel, and the timer's rounding.
It is never early."""

START_MS = 1_700_000_000_000
"""The Unix time, in milliseconds, at presence time 0."""


class ManualClock:
    """Presence time as a number; wall time moves with it."""

    def __init__(self, now: float = 0.0) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def to_wall(self, instant: float) -> int:
        return START_MS + round(instant * 1000)

    def from_wall(self, unix_ms: int) -> float:
        return (unix_ms - START_MS) / 1000

    def move_to(self, instant: float) -> None:
        """Move to a later instant."""
        assert instant >= self._now
        self._now = instant


class CountingClock(ManualClock):
    """A clock that counts its readings."""

    readings = 0

    def now(self) -> float:
        self.readings += 1
        return super().now()
