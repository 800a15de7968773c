"""Waiting for somebody, for so long and no longer.

A deadline that is noticed late proves nothing about who was waited for: this process itself stood
still, and what happened meanwhile may not have been read. So they are given the same time again.
"""

import asyncio
import math
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")

LATE = 0.5
"""Seconds by which a deadline may be noticed late before this process is taken to have stood
still."""


async def within(seconds: float | None, awaitable: Awaitable[T]) -> T:
    """What `awaitable` returns. Raises TimeoutError after `seconds`, and cancels it then; None: for
    ever. Cancelling this cancels it too."""
    loop = asyncio.get_running_loop()
    waiting = asyncio.ensure_future(awaitable)
    try:
        while True:
            due = math.inf if seconds is None else loop.time() + seconds
            await asyncio.wait({waiting}, timeout=seconds)
            if waiting.done():
                return waiting.result()
            if loop.time() - due <= LATE:
                raise TimeoutError
    finally:
        waiting.cancel()
