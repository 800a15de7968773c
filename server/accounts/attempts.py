"""Limits on attempts: guessing passwords, and making players without end.

Failed passwords count per name *and* address, so nobody can lock a player out from elsewhere,
and per address over all names, so that one address cannot try a common password on everybody.
"""

import math
from collections.abc import Hashable
from typing import Any

from server.accounts.errors import TooManyAttempts
from server.accounts.limits import Limits
from server.base.limits import MovingWindow


class Attempts:
    """Counts attempts. `address` is None where limits by address do not apply (see `web`); `now`
    is a presence instant, so a step of the wall clock frees nobody and locks nobody out."""

    def __init__(self, limits: Limits) -> None:
        most = limits.counted_keys
        self._guesses_per_name = MovingWindow[tuple[str, str]](limits.guesses_per_name, most)
        self._guesses_per_address = MovingWindow[str](limits.guesses_per_address, most)
        self._players_per_address = MovingWindow[str](limits.players_per_address, most)

    def guess(self, name_key: str, host: str, address: str | None, now: float) -> None:
        """Count a password about to be checked, before it is: else a hundred at once would all
        find the count at zero. Raises TooManyAttempts."""
        if address is not None:
            # First: an address whose quota is used up must not fill the memory with names.
            _check(self._guesses_per_address, address, now)
        _check(self._guesses_per_name, (name_key, host), now)
        self._guesses_per_name.take((name_key, host), now)
        if address is not None:
            self._guesses_per_address.take(address, now)

    def guessed_right(self, name_key: str, host: str, address: str | None) -> None:
        """The password was right: forget the wrong ones for this name from here, and uncount this
        one for the address. Wrong ones for other names still count: else everybody could reset
        the count of their address by signing in to an account of their own."""
        self._guesses_per_name.forget((name_key, host))
        if address is not None:
            self._guesses_per_address.give_back(address)

    def new_player(self, address: str | None, now: float) -> None:
        """Count a player about to be made. Raises TooManyAttempts."""
        if address is not None:
            _check(self._players_per_address, address, now)
            self._players_per_address.take(address, now)


def _check(window: MovingWindow[Any], key: Hashable, now: float) -> None:
    wait = window.wait(key, now)
    if wait > 0:
        raise TooManyAttempts(math.ceil(wait))
