"""Errors that every request can meet, in a bounded number of lines of the log."""

import logging

from server.base.clock import Clock
from server.base.units import LONG_AGO

_log = logging.getLogger("stillhere.storage")


class Complaints:
    """Logs an error of one kind when it first occurs, then at most once in `interval` seconds with
    the number of those left out: while the disk fails, clients choose how often it occurs."""

    def __init__(self, what: str, clock: Clock, interval: float) -> None:
        self._what = what
        self._clock = clock
        self._interval = interval
        self._logged_at = LONG_AGO
        self._left_out = 0

    def add(self, why: str) -> None:
        """Log the error, or count it."""
        now = self._clock.now()
        if now - self._logged_at < self._interval:
            self._left_out += 1
            return
        more = f"; {self._left_out} times more since the last such line" if self._left_out else ""
        _log.error("%s: %s%s", self._what, why, more)
        self._logged_at, self._left_out = now, 0
