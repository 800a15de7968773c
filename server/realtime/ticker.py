"""The one sleeper: wakes when the registry's next deadline is due, and at every heartbeat.

A storm of deadlines is worked off in slices, between which the loop serves everybody else.
"""

import asyncio

from server.clock import HEARTBEAT, Clock
from server.presence.events import Event
from server.presence.registry import Registry
from server.presence.stream import EventStream

SLICE = 0.005
"""Seconds of expiring without letting the loop do other work."""

_AT_ONCE = 8
"""Sessions expired for one reading of the clock; a warning counts from about that reading."""


class Ticker:
    """Sleeps and expires. Subscribes to the events, because any may bring a deadline forward."""

    def __init__(self, registry: Registry, stream: EventStream, clock: Clock) -> None:
        self._registry = registry
        self._stream = stream
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_at = float("inf")
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

    def hear(self, event: Event) -> None:
        """Subscriber: sleep less if something will be due sooner than was known."""
        due = self._registry.next_deadline()
        if due is not None and due < self._wakes_at and not self._is_stopped:
            self._sleep()

    def wake(self) -> None:
        """Do what is due, at most for a slice, and go back to sleep."""
        self._clock.beat()
        loop = asyncio.get_running_loop()
        stop_at = loop.time() + SLICE
        due = self._registry.next_deadline()
        now = self._clock.now()
        if due is not None and due <= now:
            self.worst_lateness = max(self.worst_lateness, now - due)
        while due is not None and due <= now:
            self._stream.publish(self._registry.expire(now, _AT_ONCE))
            if loop.time() > stop_at:
                break
            now = self._clock.now()
            due = self._registry.next_deadline()
        if not self._is_stopped:
            self._sleep()

    def _sleep(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        now = self._clock.now()
        due = self._registry.next_deadline()
        delay = HEARTBEAT if due is None else min(max(due - now, 0.0), HEARTBEAT)
        self._wakes_at = now + delay
        self._timer = asyncio.get_running_loop().call_later(delay, self.wake)
