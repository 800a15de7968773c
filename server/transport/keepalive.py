"""Finding out whether a silent peer is still there."""

import asyncio
from collections.abc import Callable

from server.base.waiting import Timer


class Keepalive:
    """Pings a peer that was silent for `interval`, and gives it up `timeout` after that.

    Runs on the connection's own timer, so that setting that for something else ends it.
    """

    __slots__ = (
        "_give_up",
        "_interval",
        "_loop",
        "_ping",
        "_pinged_at",
        "_timeout",
        "_timer",
        "heard_at",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        timer: Timer,
        interval: float | None,
        timeout: float | None,
        ping: Callable[[], None],
        give_up: Callable[[], None],
    ) -> None:
        """Begins at once. `interval` None: it never pings; `timeout` None: it never gives up."""
        self._loop = loop
        self._timer = timer
        self._interval = interval
        self._timeout = timeout
        self._ping = ping
        self._give_up = give_up
        self._pinged_at: float | None = None
        self.heard_at = loop.time()
        """When the last bytes came, on the loop's clock. Written by the connection."""
        if interval:
            timer.set(interval, self._check)
        else:
            timer.stop()

    def take_pong(self) -> bool:
        """True if it answers a ping; one pong does."""
        if self._pinged_at is None:
            return False
        self._pinged_at = None
        return True

    def _check(self) -> None:
        assert self._interval is not None
        now = self._loop.time()
        if self._pinged_at is not None and self.heard_at < self._pinged_at:
            self._give_up()
            return
        left = self.heard_at + self._interval - now
        if left > 0.0:
            self._pinged_at = None
            self._timer.set(left, self._check)
            return
        self._ping()
        if self._timeout:
            self._pinged_at = now
        self._timer.set(self._timeout or self._interval, self._check)
