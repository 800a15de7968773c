"""Limits on attempts: guessing passwords, and making players without end.

Failed passwords count per name *and* address, so nobody can lock a player out from elsewhere,
and per address over all names, so that one address cannot try a common password on everybody.
"""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Hashable

from limits import RateLimitItem, RateLimitItemPerMinute

from server.accounts.errors import TooManyAttempts

GUESSES_PER_NAME = RateLimitItemPerMinute(10, 5)
GUESSES_PER_ADDRESS = RateLimitItemPerMinute(100, 5)
PLAYERS_PER_ADDRESS = RateLimitItemPerMinute(60, 10)
"""Ten wrong passwords for a name in five minutes, a hundred over all names, and sixty new players
in ten minutes: a school behind one address can still play."""

MOST_KEYS = 50_000
"""Names at a place, or addresses, that are told apart; beyond it those heard of longest ago are
forgotten. Some 30 MiB, for which it takes five hundred addresses that guess all the time."""


class Attempts:
    """Counts attempts. `address` is None where limits by address do not apply (see `web`)."""

    def __init__(self) -> None:
        self._guesses_per_name = MovingWindow(GUESSES_PER_NAME)
        self._guesses_per_address = MovingWindow(GUESSES_PER_ADDRESS)
        self._players_per_address = MovingWindow(PLAYERS_PER_ADDRESS)

    async def guess(self, name_key: str, host: str, address: str | None) -> None:
        """Count a password about to be checked, before it is: else a hundred at once would all
        find the count at zero. Raises TooManyAttempts."""
        if address is not None:
            # First of all: an address that has had its guesses must not fill the memory with names.
            self._guesses_per_address.check(address)
        self._guesses_per_name.count((name_key, host))
        if address is not None:
            self._guesses_per_address.count(address)

    async def guessed_right(self, name_key: str, host: str, address: str | None) -> None:
        """The password was right: what was mistyped before is forgiven, and it was no guess. Of
        what others at the address got wrong, nothing is: else an account of one's own would do."""
        self._guesses_per_name.forget((name_key, host))
        if address is not None:
            self._guesses_per_address.take_back(address)

    async def new_player(self, address: str | None) -> None:
        """Count a player about to be made. Raises TooManyAttempts."""
        if address is not None:
            self._players_per_address.count(address)


class MovingWindow:
    """At most so many of a key in any stretch of so many seconds of the running loop's clock: a
    step of the wall clock frees nobody, and locks nobody out for longer.

    Not one of the `limits` library's: their memory storage goes by the wall clock, asks a thread
    about each key in turn whether it is out of date, and fails, as a task whose exception nobody
    takes, when a key is cleared meanwhile.
    """

    def __init__(self, limit: RateLimitItem) -> None:
        self._most = limit.amount
        self._seconds = limit.get_expiry()
        # When what was counted, oldest first; keys too, by the last of theirs.
        self._instants: OrderedDict[Hashable, list[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._instants)

    def check(self, key: Hashable) -> None:
        """Raise TooManyAttempts if no more of `key` may be counted now."""
        self._room(key, asyncio.get_running_loop().time())

    def count(self, key: Hashable) -> None:
        """Count one of `key`, in constant time. Raises TooManyAttempts, and has not counted it."""
        now = asyncio.get_running_loop().time()
        instants = self._room(key, now)
        instants.append(now)
        self._instants[key] = instants
        self._instants.move_to_end(key)
        if len(self._instants) > MOST_KEYS:
            self._instants.popitem(last=False)

    def take_back(self, key: Hashable) -> None:
        """Have counted one of `key` less: the latest."""
        instants = self._instants.get(key)
        if instants:
            instants.pop()
            if not instants:
                del self._instants[key]

    def forget(self, key: Hashable) -> None:
        """Have counted none of `key`."""
        self._instants.pop(key, None)

    def _room(self, key: Hashable, now: float) -> list[float]:
        over = now - self._seconds
        while self._instants and next(iter(self._instants.values()))[-1] <= over:
            self._instants.popitem(last=False)
        instants = [each for each in self._instants.get(key, ()) if each > over]
        if len(instants) >= self._most:
            raise TooManyAttempts(max(1, math.ceil(instants[0] - over)))
        return instants
