"""Presence time and wall time. No other module asks the machine for them; the event loop's own
time, which paces what is sent, is asked of the loop.

Presence runs on *presence time*: seconds in which this process could have heard a player. It is
the monotonic clock, less the stretches in which the process stood still (SIGSTOP, a debugger, an
overloaded host), plus the time the machine slept. Steps of the wall clock change nothing, and a
stall ends no session: a ping that arrived meanwhile is read before the time is up.
"""

import time
from bisect import bisect_left
from collections.abc import Callable
from typing import Protocol

from server.base.units import LONG_AGO, from_ms

HEARTBEAT = 0.25
"""Seconds between two readings of the clock, at most; `realtime/ticker.py` sees to it."""

STALL = 2 * HEARTBEAT
"""Seconds without a reading of the clock, or by which the loop calls a timer late, from which on
the process is taken to have stood still."""


class Clock(Protocol):
    """Presence time in seconds, and its conversion to and from wall time."""

    def now(self) -> float:
        """Return the present instant in seconds of presence time. It never goes back. Has to be
        called at least every `HEARTBEAT` seconds."""

    def to_wall(self, instant: float) -> int:
        """Return the Unix time, in milliseconds, at which presence time was `instant`."""

    def from_wall(self, unix_ms: int) -> float:
        """Return the presence instant of a Unix time in milliseconds; negative before the start."""


stopwatch = time.perf_counter
"""A clock in seconds for measuring how long work took."""


_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def _slept() -> float:
    """Return the seconds for which this machine has been suspended since boot; 0 where unknown.

    CLOCK_MONOTONIC stands still in suspend, CLOCK_BOOTTIME does not (Linux, clock_gettime(2)).
    """
    if _BOOTTIME is None:
        return 0.0
    # In this order: if the process is stopped between the two calls, the result gets smaller, not
    # larger, and no suspend is detected.
    return time.clock_gettime(_BOOTTIME) - time.monotonic()


class SystemClock:
    """Presence time from this machine's clocks, which tests replace."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        slept: Callable[[], float] = _slept,
    ) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._slept = slept
        self._last = monotonic()
        # The machine's age = monotonic + slept = presence time + lost.
        self._slept_so_far = slept()
        self._lost = self._last + self._slept_so_far
        self._zero = self._last  # the monotonic instant that is presence instant 0 by now
        # (presence instant of a stall, time lost up to its end), oldest first.
        self._stalls: list[tuple[float, float]] = [(LONG_AGO, self._lost)]

    def now(self) -> float:
        reading = self._monotonic()
        gap = reading - self._last
        if gap > STALL:
            self._stalls.append((self._last - self._zero, self._lost + gap))
            self._lost += gap
            self._zero += gap
        self._last = reading
        # Checked at every reading: an activity right after a suspend must count from after it. The
        # readings of two clocks differ by microseconds, a suspend is seconds.
        slept = self._slept()
        if slept - self._slept_so_far > STALL:
            self._zero -= slept - self._slept_so_far
            self._slept_so_far = slept
        return reading - self._zero

    def to_wall(self, instant: float) -> int:
        lost = self._stalls[bisect_left(self._stalls, (instant, LONG_AGO)) - 1][1]
        age = self._monotonic() + self._slept_so_far
        return round((self._wall() - (age - (instant + lost))) * 1000)

    def from_wall(self, unix_ms: int) -> float:
        return self.now() - (self._wall() - from_ms(unix_ms))
