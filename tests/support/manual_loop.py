"""A loop whose time the test moves."""

import heapq
from collections.abc import Callable
from typing import Any


class Handle:
    """What `call_later` returns."""

    is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class ManualLoop:
    """Its time moves when the test says so, and it can stand still."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Handle, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[..., None], *args: Any) -> Handle:
        handle = Handle()
        entry = (self.now + delay, len(self._due), handle, lambda: callback(*args))
        heapq.heappush(self._due, entry)
        return handle

    def call_at(self, when: float, callback: Callable[..., None], *args: Any) -> Handle:
        return self.call_later(when - self.now, callback, *args)

    def call_soon(self, callback: Callable[..., None], *args: Any) -> Handle:
        return self.call_later(0.0, callback, *args)

    def run_until(self, instant: float) -> None:
        """Let time pass, handle by handle."""
        while self._due and self._due[0][0] <= instant:
            self.now = max(self._due[0][0], self.now)
            self._call_next()
        self.now = instant

    def step(self) -> None:
        """Let time pass until something is due, and do that alone."""
        self.now = max(self._due[0][0], self.now)
        self._call_next()

    def stand_still_until(self, instant: float) -> None:
        """Let time pass in which nothing is done; then what was due is done, late."""
        self.now = instant
        due_by_now = [entry for entry in self._due if entry[0] <= instant]
        for _ in due_by_now:
            self._call_next()

    def _call_next(self) -> None:
        _, _, handle, callback = heapq.heappop(self._due)
        if not handle.is_cancelled:
            callback()
