"""Waiting for somebody, for so long and no longer.

A deadline that is noticed late proves nothing about who was waited for: this process itself stood
still, and what happened meanwhile may not have been read. So they are given the same time again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

LATE = 0.5
"""Seconds by which a deadline may be noticed late before this process is taken to have stood
still."""


class Timer:
    """One deadline, which can be set anew."""

    __slots__ = ("_handle", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None

    def set(self, seconds: float, then: Callable[[], None]) -> None:
        """Call `then` in `seconds`, instead of what was to be called before."""
        self.stop()
        due = self._loop.time() + seconds
        self._handle = self._loop.call_later(seconds, self._wake, seconds, then, due)

    def stop(self) -> None:
        """Call nothing. Idempotent."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _wake(self, seconds: float, then: Callable[[], None], due: float) -> None:
        self._handle = None
        if self._loop.time() - due > LATE:
            self.set(seconds, then)
        else:
            then()


async def within(seconds: float | None, awaitable: Awaitable[T]) -> T:
    """What `awaitable` returns. Raises TimeoutError after `seconds`, and cancels it then; None: for
    ever. Cancelling this cancels it too."""
    waiting = asyncio.ensure_future(awaitable)
    over = asyncio.get_running_loop().create_future()
    timer = Timer(asyncio.get_running_loop())
    if seconds is not None:
        timer.set(seconds, lambda: over.set_result(None))
    try:
        await asyncio.wait({waiting, over}, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            return waiting.result()
        raise TimeoutError
    finally:
        timer.stop()
        waiting.cancel()
