"""The sleepers: each wakes when the next deadline of its source is due, and at every heartbeat.

There is one for the registry and one for the rooms, whose ticks must not wait for a storm of
sign-outs, nor the other way round.

A storm of deadlines is worked off in slices, between which the loop serves everybody else. Where
the loop wakes it late, it first has everything read that came meanwhile: asyncio's own loop and
uvloop both call a timer before the tasks for which there is something to read, so a player whose
ping lies in the socket would be signed out by a delay of this process.
"""

import asyncio
from typing import Protocol

from server.base.clock import HEARTBEAT, Clock

SLICE = 0.005
"""Seconds of expiring without letting the loop do other work."""

LATE = 0.01
"""Seconds by which a timer may be late before somebody may have been kept waiting."""

_PASSES = 12
"""Turns of the loop in which what had come is heard: a ping takes three, a new socket about
seven (accepted, made, its request read, answered, listened to)."""

_AT_ONCE = 8
"""Sessions expired for one reading of the clock; a warning counts from about that reading."""


class HasDeadlines(Protocol):
    """A service with deadlines: presence, the rooms."""

    def next_deadline(self) -> float | None:
        """The instant at which `expire` has something to do; None: nothing is due by itself."""

    def expire(self, at: float, limit: int) -> None:
        """Do what is due at the instant `at`, for at most `limit` items, and publish it."""


class Ticker:
    """Sleeps and expires. Subscribes to the events, because any may bring a deadline forward."""

    def __init__(self, source: HasDeadlines, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_at = float("inf")
        self._timer_at = 0.0
        # Whatever came before this instant has been heard.
        self._heard_until = float("-inf")
        self._is_stopped = True
        self.worst_lateness = 0.0
        """Seconds by which the latest deadline so far was noticed late."""

    def start(self) -> None:
        """Begin to wake up."""
        self._is_stopped = False
        self._sleep()

    def stop(self) -> None:
        """Do not wake up again."""
        self._is_stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def hear(self, event: object) -> None:
        """Subscriber: sleep less if something will be due sooner than was known."""
        due = self._source.next_deadline()
        if due is not None and due < self._wakes_at and not self._is_stopped:
            self._sleep()

    def wake(self) -> None:
        """Do what is due, at most for a slice, and go back to sleep."""
        self._clock.beat()
        loop = asyncio.get_running_loop()
        stop_at = loop.time() + SLICE
        due = self._source.next_deadline()
        now = self._clock.now()
        if due is not None and due <= now:
            self.worst_lateness = max(self.worst_lateness, now - due)
        while due is not None and due <= now:
            self._source.expire(now, _AT_ONCE)
            if loop.time() > stop_at:
                break
            now = self._clock.now()
            due = self._source.next_deadline()
        if not self._is_stopped:
            self._sleep()

    def _ring(self) -> None:
        loop = asyncio.get_running_loop()
        due = self._source.next_deadline()
        now = self._clock.now()
        if due is None or due <= self._heard_until or loop.time() - self._timer_at <= LATE:
            self.wake()
        else:
            self._hear_others_first(_PASSES, now)

    def _hear_others_first(self, passes: int, since: float) -> None:
        """Let the loop take `passes` turns; what was sent by the instant `since` is heard then."""
        if self._is_stopped:
            return
        if passes:
            asyncio.get_running_loop().call_soon(self._hear_others_first, passes - 1, since)
            return
        self._heard_until = since
        self.wake()

    def _sleep(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        now = self._clock.now()
        due = self._source.next_deadline()
        delay = HEARTBEAT if due is None else min(max(due - now, 0.0), HEARTBEAT)
        self._wakes_at = now + delay
        loop = asyncio.get_running_loop()
        self._timer_at = loop.time() + delay
        self._timer = loop.call_at(self._timer_at, self._ring)
