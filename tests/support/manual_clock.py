"""A clock that stands still until the test moves it."""

START_MS = 1_700_000_000_000
"""The Unix time, in milliseconds, of presence instant 0."""


class ManualClock:
    """Presence time as a number; wall time goes along with it."""

    def __init__(self, now: float = 0.0) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def beat(self) -> None:
        pass

    def to_wall(self, instant: float) -> int:
        return START_MS + round(instant * 1000)

    def from_wall(self, unix_ms: int) -> float:
        return (unix_ms - START_MS) / 1000

    def move_to(self, instant: float) -> None:
        """Time goes forward only."""
        assert instant >= self._now
        self._now = instant


class CountingClock(ManualClock):
    """A clock that counts how often it is read."""

    readings = 0

    def now(self) -> float:
        self.readings += 1
        return super().now()
