"""Timers: each wakes when the next deadline of its source is due, and at every heartbeat.

Presence and rooms have one each, so that neither waits for a storm of the other's deadlines.

Many deadlines at once are handled in slices, between which the loop does other work. What arrived
before a deadline is read first, unless this process was awake a moment before. It may have stood
still since: asyncio's own loop and uvloop both call timers before they read sockets, so a player
whose ping is in the socket's buffer would be signed out for a delay of this process.
"""

import asyncio
from math import ceil
from typing import Protocol

from server.base.clock import HEARTBEAT, Clock
from server.base.units import LONG_AGO, NEVER
from server.realtime.limits import Limits

_AWAKE = 0.01
"""Seconds since the last `wake` within which the process counts as awake. A ping that
came earlier than that before its deadline is always heard."""

_TURNS = 12
"""Turns of the loop within which what has arrived is read: a ping takes three, a new socket about
seven (accept, create, read the request, answer, listen). Follows from how asyncio and the
transports work."""


class HasDeadlines(Protocol):
    """A service with deadlines: presence, the rooms."""

    def next_deadline(self) -> float | None:
        """Return the instant at which to call `expire` next; None if no deadline is armed."""

    def expire(self, at: float, *, limit: int) -> None:
        """Handle what is due at the instant `at`, for at most `limit` items, and publish it."""


class Ticker:
    """Calls `expire` when it is due. Subscribes to events, which may bring a deadline forward."""

    def __init__(self, source: HasDeadlines, clock: Clock, limits: Limits) -> None:
        self._source = source
        self._clock = clock
        self._limits = limits
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_at = NEVER
        # The last `wake`, by the loop's clock.
        self._woke_at = LONG_AGO
        # What arrived before this instant has been read.
        self._read_until = LONG_AGO
        self._is_stopped = True
        self._is_awake = False
        self.worst_lateness = 0.0
        """Seconds by which a deadline was noticed late, at most so far."""

    def start(self) -> None:
        """Start the timer."""
        self._is_stopped = False
        self._sleep()

    def stop(self) -> None:
        """Stop the timer."""
        self._is_stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def hear(self, event: object) -> None:
        """Subscriber: set the timer earlier if a deadline has moved up."""
        if self._is_awake or self._is_stopped:
            return  # `wake` sets the timer when it is done
        due = self._source.next_deadline()
        if due is not None and due < self._wakes_at:
            self._sleep()

    def wake(self) -> None:
        """Handle what is due, for at most a slice, and set the timer again."""
        self._is_awake = True
        self._woke_at = asyncio.get_running_loop().time()
        try:
            self._expire()
        finally:
            self._is_awake = False
            if not self._is_stopped:
                self._sleep()

    def _expire(self) -> None:
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

    def _ring(self) -> None:
        loop = asyncio.get_running_loop()
        due = self._source.next_deadline()
        now = self._clock.now()
        if due is None or now < due:
            self._sleep()  # it was a heartbeat
        elif due <= self._read_until or loop.time() - self._woke_at <= _AWAKE:
            self.wake()
        else:
            self._read_first(_TURNS, now)

    def _read_first(self, turns: int, since: float) -> None:
        """Let the loop take `turns` turns, which read what arrived before the instant `since`."""
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
        # Whole milliseconds, rounded up: uvloop rounds less than half of one to zero, and would
        # call again and again until the deadline.
        delay = ceil(delay * 1000) / 1000
        self._wakes_at = now + delay
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(loop.time() + delay, self._ring)
