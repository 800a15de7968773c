"""The fan-outs of all topics: together they have a slice of each turn of the loop, and a share of
its time."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from server.base.units import LONG_AGO
from server.realtime.limits import Limits

if TYPE_CHECKING:
    from server.realtime.topics.topic import Topic


class _Window:
    """The seconds that topics took for their fan-outs in a window of time."""

    __slots__ = ("by_topic", "total")

    def __init__(self) -> None:
        # By `id`, as topics come and go.
        self.by_topic: dict[int, float] = {}
        self.total = 0.0

    def add(self, topic: object, spent: float) -> None:
        self.by_topic[id(topic)] = self.by_topic.get(id(topic), 0.0) + spent
        self.total += spent

    def of_others(self, topic: object) -> float:
        return self.total - self.by_topic.get(id(topic), 0.0)


class FanOuts:
    """Runs fan-outs, each for a slice in turn, and says how long the next of a topic has to wait.
    Shared by all topics."""

    def __init__(self, time: Callable[[], float], limits: Limits) -> None:
        """`time`: the loop's, in seconds."""
        self._time = time
        self._limits = limits
        self._running: dict[Topic[Any], None] = {}
        # Seconds since `_turn` was last called: in this turn of the loop, or some turns in which
        # they were so few that nobody had to wait.
        self._used = 0.0
        self._handle: asyncio.Handle | None = None
        # What topics took in this window of time, and in the one before.
        self._window_began = LONG_AGO
        self._now, self._before = _Window(), _Window()

    def run(self, topic: "Topic[Any]") -> None:
        """Call `topic.go_on(until)` now, if the slice of this turn of the loop is not used up, and
        in later turns until it returns True."""
        if self._handle is not None:
            self._running[topic] = None
        else:
            self._step(topic)

    def pause(self, topic: "Topic[Any]", spent: float) -> float:
        """Return the seconds until the next fan-out of `topic`, after one that took `spent`: it may
        take what the others leave of the share, and at least as much as each would have of equal
        parts."""
        limits, now = self._limits, self._time()
        length = limits.fan_out_window
        if now - self._window_began >= length:
            self._before = self._now if now - self._window_began < 2 * length else _Window()
            self._now, self._window_began = _Window(), now
        self._now.add(topic, spent)
        others = max(self._now.of_others(topic), self._before.of_others(topic)) / length
        share = limits.fan_out_share
        equal_part = share / max(len(self._now.by_topic), len(self._before.by_topic))
        return spent / max(share - others, equal_part)

    def close(self) -> None:
        """Cancel what runs."""
        self._running.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _step(self, topic: "Topic[Any]") -> None:
        began = self._time()
        slice_ = self._limits.slice
        is_over = topic.go_on(began + slice_ - self._used)
        self._used += self._time() - began
        if not is_over:
            self._running[topic] = None
        if self._handle is None and (not is_over or self._used > slice_):
            self._handle = asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._handle = None
        self._used = 0.0
        try:
            while self._running and self._handle is None:
                topic = next(iter(self._running))
                del self._running[topic]
                self._step(topic)
        finally:  # the failure of one is not that of the others
            if self._running and self._handle is None:
                self._handle = asyncio.get_running_loop().call_soon(self._turn)
