"""Limits on attempts to guess passwords and to create players.

Failed passwords count per name *and* address, so that an attacker elsewhere cannot lock a player
out, and per address over all names, so that one address cannot try a common password on every
account.
"""

import math
from collections.abc import Hashable
from typing import Any

from server.accounts.errors import TooManyAttempts
from server.accounts.limits import Limits
from server.base.limits import MovingWindow


class Attempts:
    """Counts attempts. `address` is None if limits by address do not apply (see `web`); `now` is a
    presence instant, so steps of the wall clock change no limit."""

    def __init__(self, limits: Limits) -> None:
        most = limits.counted_keys
        self._guesses_per_name = MovingWindow[tuple[str, str]](limits.guesses_per_name, most)
        self._guesses_per_address = MovingWindow[str](limits.guesses_per_address, most)
        self._players_per_address = MovingWindow[str](limits.players_per_address, most)

    def guess(self, name_key: str, host: str, address: str | None, now: float) -> None:
        """Count a password that is about to be checked. Counted before the check, or a hundred at
        once would all find the count at zero. Raises TooManyAttempts."""
        if address is not None:
            # First: an address whose quota is used up must not fill the memory with names.
            _check(self._guesses_per_address, address, now)
        _check(self._guesses_per_name, (name_key, host), now)
        self._guesses_per_name.take((name_key, host), now)
        if address is not None:
            self._guesses_per_address.take(address, now)

    def guessed_right(self, name_key: str, host: str, address: str | None) -> None:
        """The password was right: reset the count of this name from this host, and take back one
        guess of the address. Its guesses for other names still count: otherwise an attacker could
        reset them by signing in to an account of their own."""
        self._guesses_per_name.forget((name_key, host))
        if address is not None:
            self._guesses_per_address.give_back(address)

    def new_player(self, address: str | None, now: float) -> None:
        """Count a player about to be created. Raises TooManyAttempts."""
        if address is not None:
            _check(self._players_per_address, address, now)
            self._players_per_address.take(address, now)


def _check(window: MovingWindow[Any], key: Hashable, now: float) -> None:
    wait = window.wait(key, now)
    if wait > 0:
        raise TooManyAttempts(math.ceil(wait))
