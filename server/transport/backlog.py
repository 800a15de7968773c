"""What peers have sent and is not parsed yet: a portion of each in turn.

A peer may send all the messages that it is allowed at once, and hundreds may do so together. The
first portion of what arrives is parsed when it arrives, while there is time in this turn of the
loop; the rest waits here, so that the loop does other work in between, and a peer that sends one
message does not wait for those that send many.
"""

import asyncio
from collections import deque
from typing import Protocol

from server.base.units import LONG_AGO
from server.transport.limits import Limits


class HasMore(Protocol):
    """A connection with something left to parse."""

    def read_on(self) -> None:
        """Parse another portion; add yourself again if there is more."""


class Backlog:
    """The connections with something left to parse. For one event loop."""

    def __init__(self, limits: Limits, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """`loop`: by default the running one."""
        self._slice = limits.slice
        self._loop = loop
        self._waiting: deque[HasMore] = deque()
        self._is_scheduled = False
        # For what is parsed on arrival: until when, and whether the loop is still in the turn in
        # which that was set.
        self._until = LONG_AGO
        self._is_same_turn = False

    def has_time(self) -> bool:
        """Return True if what has just arrived may be parsed at once: for a slice, or two, of each
        turn of the loop.

        A slice is begun only when the one before is over, which may have begun some turns ago: a
        callback for every turn would cost more than a message."""
        loop = self._loop = self._loop or asyncio.get_running_loop()
        now = loop.time()
        if now < self._until:
            return True
        if self._is_same_turn:
            return False
        self._until = now + self._slice
        self._is_same_turn = True
        loop.call_soon(self._note_turn)
        return True

    def _note_turn(self) -> None:
        self._is_same_turn = False

    def add(self, connection: HasMore) -> None:
        """Have `connection` read on in a later turn of the loop."""
        self._waiting.append(connection)
        self._schedule()

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            # As in `Wheel`: asked once.
            self._loop = self._loop or asyncio.get_running_loop()
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """Let connections read on for a slice."""
        assert self._loop is not None
        self._is_scheduled = False
        until = self._loop.time() + self._slice
        try:
            while self._waiting:
                self._waiting.popleft().read_on()
                if self._loop.time() >= until:
                    break
        finally:
            if self._waiting:
                self._schedule()
