"""Limits on attempts to guess passwords and to create players.

Wrong passwords count per name *and* address, so that an attacker elsewhere cannot lock a player
out, and per address over all names, so that one address cannot try a common password on every
account.
"""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from server.accounts.errors import TooBusy, TooManyAttempts
from server.accounts.limits import Limits
from server.accounts.ports import StorageUnavailable
from server.base.rates import MovingWindow, Quota
from server.base.units import to_wait

K = TypeVar("K", bound=Hashable)


class Attempts:
    """Counts attempts. `limited_address` is None if limits by address do not apply (see `web`);
    `now` is a presence instant, so steps of the wall clock change no limit."""

    def __init__(self, limits: Limits) -> None:
        self._by_name = _Guesses[tuple[str, str]](limits.guesses_per_name, limits)
        self._by_address = _Guesses[str](limits.guesses_per_address, limits)
        self._players_per_address = MovingWindow[str](
            limits.players_per_address, limits.counted_keys
        )

    @contextmanager
    def guess(
        self, name_key: str, client_address: str, limited_address: str | None, now: float
    ) -> Iterator[None]:
        """Check a password in this block. Raises TooManyAttempts if one more could be one too many.

        A block that ends without an error says that the password was right. This resets the count
        of the name from this address. Wrong ones for other names still count for the address:
        otherwise an attacker could reset them by signing in to an account of their own. A block
        that raises StorageUnavailable or TooBusy has checked none; any other error counts as a
        wrong one, cancelling included, as a thread may check it all the same.
        """
        name = name_key, client_address
        if limited_address is not None:
            # First: an address whose quota is used up must not fill the memory with names.
            self._by_address.admit(limited_address, now)
        self._by_name.admit(name, now)
        self._by_name.begin(name)
        if limited_address is not None:
            self._by_address.begin(limited_address)
        is_wrong = False
        try:
            yield
        except (StorageUnavailable, TooBusy):
            raise
        except BaseException:
            is_wrong = True
            raise
        else:
            self._by_name.forget(name)
        finally:
            self._by_name.end(name, now, is_wrong=is_wrong)
            if limited_address is not None:
                self._by_address.end(limited_address, now, is_wrong=is_wrong)

    def new_player(self, limited_address: str | None, now: float) -> None:
        """Count a player about to be created. Raises TooManyAttempts."""
        if limited_address is not None:
            wait = self._players_per_address.wait(limited_address, now)
            if wait > 0:
                raise TooManyAttempts(to_wait(wait))
            self._players_per_address.take(limited_address, now)


class _Guesses(Generic[K]):
    """Counts the wrong passwords of each key, and those that are being checked.

    The latter may be wrong, so they take places of the quota: otherwise a hundred at once would all
    find the count at zero. They only delay further ones for a moment, since all devices of a player
    may sign in at once, with the right password.
    """

    def __init__(self, quota: Quota, limits: Limits) -> None:
        self._quota = quota
        self._retry_after = limits.retry_after_checking
        self._wrong = MovingWindow[K](quota, limits.counted_keys)
        # Not in the window, which drops keys if there are too many.
        self._in_flight = Counter[K]()

    def admit(self, key: K, now: float) -> None:
        """Raise TooManyAttempts if one more could exceed the quota."""
        wait = self._wrong.wait(key, now)
        if wait > 0:
            raise TooManyAttempts(to_wait(wait))
        if self._wrong.count(key, now) + self._in_flight[key] >= self._quota.count:
            raise TooManyAttempts(self._retry_after)

    def begin(self, key: K) -> None:
        """A password is being checked."""
        self._in_flight[key] += 1

    def end(self, key: K, begun_at: float, *, is_wrong: bool) -> None:
        """It is no longer. `begun_at` is when it was admitted."""
        self._in_flight[key] -= 1
        if not self._in_flight[key]:
            del self._in_flight[key]
        if is_wrong:
            self._wrong.take(key, begun_at)

    def forget(self, key: K) -> None:
        """Reset the count of wrong passwords."""
        self._wrong.forget(key)
