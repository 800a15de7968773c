"""The deadlines of connections: many, rarely due, and precise to a fraction of a second.

A timer of the loop for each would take more memory than the rest of the connection. Here deadlines
are grouped by the turn of a wheel, and one timer turns it while there are any.

A turn that is late proves nothing about the peers: this process stood still, and what they sent
meanwhile may not have been read. So the wheel counts its own turns: one that is more than `STALL`
late is repeated, and all deadlines keep the time that was left.

Sessions have another kind of wheel (`base/deadlines.py`): precise to the millisecond, and moved by
storing a number.
"""

import asyncio
import logging
from typing import Protocol

from server.base.clock import STALL
from server.transport.limits import Limits

_log = logging.getLogger("stillhere.transport")


class HasDeadline(Protocol):
    """Something with one deadline. `turn` belongs to the wheel; None if no deadline is set."""

    turn: int | None

    def due(self) -> None:
        """The deadline has passed, and is no longer set."""


class Wheel:
    """Deadlines in seconds: never early, and up to a turn late, or two if a turn is late when they
    are set. For one event loop."""

    def __init__(self, limits: Limits, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """`loop`: by default the running one."""
        self._seconds = limits.turn
        self._at_once = limits.deadlines_at_once
        self._loop = loop
        self._turns: dict[int, dict[HasDeadline, None]] = {}
        self._turn = 0
        self._timer: asyncio.Handle | None = None
        # When the next turn is due, in the loop's time.
        self._next = 0.0
        self.now = 0.0
        """Seconds on the wheel's clock, which stands still while no deadline is set. Written here
        only."""

    def set(self, item: HasDeadline, seconds: float) -> None:
        """Call `item.due` in `seconds`; replaces its deadline."""
        self.stop(item)
        now = self._running().time()
        is_standing = self._timer is None
        if is_standing:
            self._next = now + self._seconds
        # If turns are late, several may follow at once; one that is too late is repeated.
        behind = now - self._next
        gone = behind + self._seconds if behind <= STALL else 0.0
        item.turn = self._turn + int((seconds + gone) / self._seconds) + 1
        self._turns.setdefault(item.turn, {})[item] = None
        if is_standing:
            self._sleep()

    def stop(self, item: HasDeadline) -> None:
        """Cancel the deadline of `item`. Idempotent."""
        turn, item.turn = item.turn, None
        if turn is not None:
            items = self._turns[turn]
            del items[item]
            if not items and turn != self._turn:
                del self._turns[turn]

    def hand_on(self, item: HasDeadline, to: HasDeadline) -> None:
        """Move the deadline of `item` to `to`, which has none yet."""
        turn, item.turn = item.turn, None
        if turn is not None:
            items = self._turns[turn]
            del items[item]
            items[to] = None
            to.turn = turn

    def _running(self) -> asyncio.AbstractEventLoop:
        # Asked once: each call of `get_running_loop` is a system call, on Python 3.11.
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    def _sleep(self) -> None:
        self._timer = None
        if self._turns:
            self._timer = self._running().call_at(self._next, self._go_on)

    def _go_on(self) -> None:
        now = self._running().time()
        if now - self._next > STALL:
            self._next = now + self._seconds
            self._sleep()
            return
        # Not from now: the lateness of turns would add up.
        self._next += self._seconds
        self._turn += 1
        self.now = self._turn * self._seconds
        self._tell()

    def _tell(self) -> None:
        items = self._turns.get(self._turn, {})
        for _ in range(min(self._at_once, len(items))):
            if not items:
                break  # an item cancelled the others
            item, _ = items.popitem()
            item.turn = None
            try:
                item.due()
            except Exception:
                _log.exception("a deadline failed")
        if items:
            self._timer = self._running().call_soon(self._tell)
        else:
            self._turns.pop(self._turn, None)
            self._sleep()
