"""The deadlines of connections: many, hardly ever due, and good to a fraction of a second.

A timer of the loop for each would cost more memory than what is known of the connection. Here a
deadline is an entry among those that fall into the same turn of a wheel, and one timer turns it
while there is any.

The wheel counts its own turns, and goes by nothing else: where this process stood still, all have
what they were given, once more. A deadline that is noticed late proves nothing about a peer: what
it sent meanwhile may not have been read.
"""

import asyncio
import logging
from math import ceil
from typing import Protocol

_log = logging.getLogger("stillhere.realtime")

_AT_ONCE = 64
"""Deadlines that are worked off before other connections have their turn."""


class HasDeadline(Protocol):
    """Something with one deadline, of which `turn` belongs to the wheel; None: none is set."""

    turn: int | None

    def due(self) -> None:
        """The deadline has come, and is not set any more."""


class Wheel:
    """Deadlines in seconds, noticed up to two turns late and never early. For one event loop."""

    def __init__(self, seconds: float, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """`seconds`: how long a turn takes. `loop`: None: the one that runs when it is used."""
        self._seconds = seconds
        self._loop = loop
        self._turns: dict[int, dict[HasDeadline, None]] = {}
        self._turn = 0
        self._timer: asyncio.Handle | None = None
        self.now = 0.0
        """Seconds on the clock of the wheel, which stands while no deadline is set. Written here
        only."""

    def set(self, item: HasDeadline, seconds: float) -> None:
        """Have `item` told in `seconds`, instead of when it was to be told before."""
        self.stop(item)
        # One more: the present turn has begun.
        item.turn = self._turn + ceil(seconds / self._seconds) + 1
        self._turns.setdefault(item.turn, {})[item] = None
        if self._timer is None:
            self._sleep()

    def stop(self, item: HasDeadline) -> None:
        """Tell `item` nothing. Idempotent."""
        turn, item.turn = item.turn, None
        if turn is not None:
            items = self._turns[turn]
            del items[item]
            if not items:
                del self._turns[turn]

    def _sleep(self) -> None:
        if not self._turns:
            self._timer = None
            return
        loop = self._loop or asyncio.get_running_loop()
        self._timer = loop.call_later(self._seconds, self._go_on)

    def _go_on(self) -> None:
        self._turn += 1
        self.now = self._turn * self._seconds
        self._tell()

    def _tell(self) -> None:
        for _ in range(_AT_ONCE):
            items = self._turns.get(self._turn)
            if items is None:
                self._sleep()
                return
            item = next(reversed(items))  # the last: before the first, there are gaps to pass
            self.stop(item)
            try:
                item.due()
            except Exception:
                _log.exception("a deadline failed")
        loop = self._loop or asyncio.get_running_loop()
        self._timer = loop.call_soon(self._tell)
