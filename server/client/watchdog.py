"""Detects a dead connection that was not closed."""

import asyncio
from collections.abc import Awaitable, Callable

from server.client.limits import Limits


class Watchdog:
    """Watches one connection for silence.

    A pulled cable closes nothing: a missing answer is the only sign. After `silent_after` without a
    message it sends a request; a connection without a message for `answer_within` after any request
    is dead. Costs one timer, however many messages there are.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._heard_at = self._loop.time()
        self._asked_at: float | None = None
        self._is_asked = asyncio.Event()

    def heard(self) -> None:
        """A message was received."""
        self._heard_at = self._loop.time()
        self._asked_at = None

    def asked(self) -> None:
        """A request was sent."""
        if self._asked_at is None:
            self._asked_at = self._loop.time()
            self._is_asked.set()

    async def wait_for_silence(self, ask: Callable[[], Awaitable[object]]) -> None:
        """Return once the connection is dead. `ask` sends a request."""
        while True:
            due = self._due
            await self._sleep_until(due)
            if self._due > self._loop.time():
                continue
            if self._asked_at is None:
                self.asked()
                await ask()
                continue
            if self._loop.time() - due > self._limits.late:
                # This process stood still: the answer may have arrived, and be unread.
                await asyncio.sleep(self._limits.late)
            if self._due <= self._loop.time():
                return

    @property
    def _due(self) -> float:
        if self._asked_at is not None:
            return self._asked_at + self._limits.answer_within
        return self._heard_at + self._limits.silent_after

    async def _sleep_until(self, due: float) -> None:
        """Sleep until `due`, or until a request is sent, which has an earlier deadline."""
        if self._asked_at is None:
            self._is_asked.clear()
        try:
            async with asyncio.timeout_at(due):
                if self._asked_at is None:
                    await self._is_asked.wait()
                else:
                    await asyncio.Event().wait()
        except TimeoutError:
            pass
