"""Timers: each wakes when the next deadline of its source is due, and at every heartbeat.

There is one for presence and one for the rooms, whose ticks must not wait for a storm of sign-outs,
nor the other way round.

Many deadlines at once are worked off in slices, between which the loop does other work. If the loop
calls the timer late, what has arrived meanwhile is read first: asyncio's own loop and uvloop both
call a timer before the tasks for which there is something to read, so a player whose ping is in the
socket's buffer would be signed out for a delay of this process.
"""

import asyncio
from math import ceil
from typing import Protocol

from server.base.clock import HEARTBEAT, Clock
from server.realtime.limits import Limits

_LATE = 0.01
"""Seconds by which a timer may be late without anything being read first. No limit: it tells what a
loop does anyway from a loop that stood still."""

_TURNS = 12
"""Turns of the loop in which what has arrived is read: a ping takes three, a new socket about
seven (accepted, made, its request read, answered, listened to). No limit: it follows from how
asyncio and the transports are made."""


class HasDeadlines(Protocol):
    """A service with deadlines: presence, the rooms."""

    def next_deadline(self) -> float | None:
        """The instant at which `expire` has something to do; None: nothing is due by itself."""

    def expire(self, at: float, *, limit: int) -> None:
        """Do what is due at the instant `at`, for at most `limit` items, and publish it."""


class Ticker:
    """Calls `expire` when it is due. Subscribes to the events: any may bring a deadline forward."""

    def __init__(self, source: HasDeadlines, clock: Clock, limits: Limits) -> None:
        self._source = source
        self._clock = clock
        self._limits = limits
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_at = float("inf")
        self._timer_at = 0.0
        # What arrived before this instant has been read.
        self._read_until = float("-inf")
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
        stop_at = loop.time() + self._limits.slice
        due = self._source.next_deadline()
        now = self._clock.now()
        if due is not None and due <= now:
            self.worst_lateness = max(self.worst_lateness, now - due)
        while due is not None and due <= now:
            self._source.expire(now, limit=self._limits.expired_at_once)
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
        if due is None or due <= self._read_until or loop.time() - self._timer_at <= _LATE:
            self.wake()
        else:
            self._read_first(_TURNS, now)

    def _read_first(self, turns: int, since: float) -> None:
        """Let the loop take `turns` turns; what arrived before the instant `since` is read then."""
        if self._is_stopped:
            return
        if turns:
            asyncio.get_running_loop().call_soon(self._read_first, turns - 1, since)
            return
        self._read_until = since
        self.wake()

    def _sleep(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        now = self._clock.now()
        due = self._source.next_deadline()
        delay = HEARTBEAT if due is None else min(max(due - now, 0.0), HEARTBEAT)
        # In whole milliseconds, up: uvloop makes nothing of less than half of one, and would call
        # over and over until the deadline is there.
        delay = ceil(delay * 1000) / 1000
        self._wakes_at = now + delay
        loop = asyncio.get_running_loop()
        self._timer_at = loop.time() + delay
        self._timer = loop.call_at(self._timer_at, self._ring)
