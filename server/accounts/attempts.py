"""Limits on attempts: guessing passwords, and making players without end.

Failed passwords count per name *and* address, so nobody can lock a player out from elsewhere,
and per address over all names, so that one address cannot try a common password on everybody.
"""

import math

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from server.accounts.errors import TooManyAttempts
from server.clock import unix_time

GUESSES_PER_NAME = RateLimitItemPerMinute(10, 5)
GUESSES_PER_ADDRESS = RateLimitItemPerMinute(100, 5)
PLAYERS_PER_ADDRESS = RateLimitItemPerMinute(60, 10)
"""Ten wrong passwords for a name in five minutes, a hundred over all names, and sixty new players
in ten minutes: a school behind one address can still play."""


class Attempts:
    """Counts attempts. `address` is None where limits by address do not apply (see `web`)."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def guess(self, name_key: str, host: str, address: str | None) -> None:
        """Count a password about to be checked, before it is: else a hundred at once would all
        find the count at zero. Raises TooManyAttempts."""
        await self._hit(GUESSES_PER_NAME, "name", name_key, host)
        if address is not None:
            await self._hit(GUESSES_PER_ADDRESS, "guess", address)

    async def guessed_right(self, name_key: str, host: str) -> None:
        """The password was right: what was mistyped before is forgiven."""
        await self._limiter.clear(GUESSES_PER_NAME, "name", name_key, host)

    async def new_player(self, address: str | None) -> None:
        """Count a player about to be made. Raises TooManyAttempts."""
        if address is not None:
            await self._hit(PLAYERS_PER_ADDRESS, "player", address)

    async def _hit(self, limit: RateLimitItem, *key: str) -> None:
        if not await self._limiter.hit(limit, *key):
            window = await self._limiter.get_window_stats(limit, *key)
            raise TooManyAttempts(max(1, math.ceil(window.reset_time - unix_time())))
