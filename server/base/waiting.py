"""Waiting with a timeout, alarms, and waiting for the end of a task.

A timeout that is noticed late proves nothing about the peer: this process stood still, and what
arrived meanwhile may not have been read. The wait is then started anew.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from server.base.clock import STALL
from server.base.units import in_digits

T = TypeVar("T")


async def within(seconds: float, awaitable: Awaitable[T]) -> T:
    """Return the result of `awaitable`. After `seconds` cancel it and raise TimeoutError, whose
    text says so. Cancelling this cancels `awaitable`."""
    loop = asyncio.get_running_loop()
    waiting = asyncio.ensure_future(awaitable)
    try:
        while True:
            due = loop.time() + seconds
            await asyncio.wait({waiting}, timeout=seconds)
            if waiting.done():
                return waiting.result()
            if loop.time() - due <= STALL:
                raise TimeoutError(f"no answer within {in_digits(seconds)} s")
    finally:
        waiting.cancel()


class Alarm:
    """Calls `callback` after `seconds`, unless it is stopped before."""

    def __init__(self, seconds: float, callback: Callable[[], None]) -> None:
        self._seconds = seconds
        self._callback = callback
        self._loop = asyncio.get_running_loop()
        self._set()

    def stop(self) -> None:
        """Do not call. Idempotent."""
        self._timer.cancel()

    def _set(self) -> None:
        self._due = self._loop.time() + self._seconds
        self._timer = self._loop.call_at(self._due, self._ring)

    def _ring(self) -> None:
        if self._loop.time() - self._due > STALL:
            self._set()
        else:
            self._callback()


async def stop(task: asyncio.Task[None] | None) -> None:
    """Cancel `task` and wait for its end, however it ends; None: do nothing."""
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
