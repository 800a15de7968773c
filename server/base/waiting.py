"""Waiting for the disk, for so long and no longer."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")

LATE = 0.5
"""Seconds by which a deadline may be noticed late. Later, this process itself has stood still, and
what the disk did meanwhile may not have been heard: it is given the same time again."""


async def within(seconds: float | None, awaitable: Awaitable[T]) -> T:
    """What `awaitable` returns. Raises TimeoutError after `seconds`, and cancels it then; None: for
    ever. Cancelling this cancels it too."""
    loop = asyncio.get_running_loop()
    waiting = asyncio.ensure_future(awaitable)
    try:
        while True:
            began = loop.time()
            done, _ = await asyncio.wait({waiting}, timeout=seconds)
            if done:
                return waiting.result()
            if seconds is not None and loop.time() - began - seconds <= LATE:
                raise TimeoutError
    finally:
        waiting.cancel()
