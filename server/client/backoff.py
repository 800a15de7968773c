"""Pauses between attempts to reconnect."""

import random
from collections.abc import Callable

from server.client.limits import Limits


class Backoff:
    """Exponential backoff with full jitter, so that clients that lost the same server do not
    reconnect in step. `chance` returns numbers from 0 to 1."""

    def __init__(self, limits: Limits, chance: Callable[[], float] = random.random) -> None:
        self._limits = limits
        self._chance = chance
        self.attempt = 0
        """Attempts since the last stable connection."""

    def next(self) -> float:
        """Return the pause before the next attempt, in seconds."""
        longest = min(self._limits.longest_pause, self._limits.first_pause * 2.0**self.attempt)
        self.attempt = min(self.attempt + 1, 100)  # 2.0 ** 1024 is too large for a float
        return self._chance() * longest

    def reset(self) -> None:
        """Begin with the shortest pause again, after a stable connection."""
        self.attempt = 0
