"""Keeps the pauses of Python's cyclic garbage collector short.

A full collection walks all objects: with 5,000 connections it stops the loop for half a second,
which is nearly all of the lateness of a plain server. Here the hot path makes no cycles, so
reference counts free its objects. Young collections are short; survivors are frozen, so that no
later collection walks them. A full collection runs only while no client is connected.
"""

import asyncio
import gc
from collections.abc import Callable
from typing import Any

from server.base.clock import stopwatch

YOUNG_THRESHOLDS = (3_000, 2, 1_000_000)
"""Allocations until a youngest collection (1 ms), youngest collections until a middle one; a full
one is never triggered. With 10,000 and 5, a middle one took 15 to 25 ms of processor time while
thousands signed in."""

FREEZE_EVERY = 0.25
"""Seconds between two freezes of the survivors."""


class GarbageCollector:
    """Configures Python's collector, and measures its pauses."""

    def __init__(self, is_idle: Callable[[], bool]) -> None:
        """`is_idle`: returns True if no connection would wait for a full collection."""
        self._is_idle = is_idle
        self._thresholds = gc.get_threshold()
        self._began = 0.0
        self._is_thawed = True
        self._timer: asyncio.TimerHandle | None = None
        self.paused = 0.0
        self.worst_pause = 0.0
        """Seconds that collections took in total, and the longest of them."""

    def start(self) -> None:
        """Freeze all objects made so far: they live as long as the process."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(*YOUNG_THRESHOLDS)
        gc.callbacks.append(self._note)
        self._sleep()

    def stop(self) -> None:
        """Restore the previous settings. Idempotent."""
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        gc.callbacks.remove(self._note)
        gc.set_threshold(*self._thresholds)
        gc.unfreeze()

    def tidy(self) -> None:
        """Freeze the survivors, or collect everything if idle."""
        if self._is_idle():
            if not self._is_thawed:
                self._is_thawed = True
                gc.unfreeze()
                gc.collect()
                gc.freeze()
        else:
            # Regardless of the collector's counts: they are of allocations less releases, so
            # objects that replace frozen ones are not counted. Thousands of these once made a
            # youngest collection of 3,000 allocations take 30 ms.
            self._is_thawed = False
            gc.collect(1)
            gc.freeze()

    def _sleep(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(FREEZE_EVERY, self._wake)

    def _wake(self) -> None:
        self.tidy()
        self._sleep()

    def _note(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            self._began = stopwatch()
            return
        pause = stopwatch() - self._began
        self.paused += pause
        self.worst_pause = max(self.worst_pause, pause)
