"""How long to wait before the next attempt to reconnect."""

import random
from collections.abc import Callable

from server.client.limits import Limits


class Backoff:
    """Exponential pauses with full jitter: a thousand clients that lost the same server must not
    come back in step. `chance` returns numbers from 0 to 1."""

    def __init__(self, limits: Limits, chance: Callable[[], float] = random.random) -> None:
        self._limits = limits
        self._chance = chance
        self.attempt = 0
        """Attempts since the last stable connection."""

    def next(self) -> float:
        """The pause before the next attempt, in seconds."""
        longest = min(self._limits.longest_pause, self._limits.first_pause * 2.0**self.attempt)
        self.attempt = min(self.attempt + 1, 100)  # 2.0 ** 1024 is too large for a float
        return self._chance() * longest

    def reset(self) -> None:
        """The connection proved stable."""
        self.attempt = 0
