"""Limits on attempts to guess passwords, on signing in, and on creating players.

Wrong passwords count per name *and* address, so that an attacker elsewhere cannot lock a player
out, and per address over all names, so that one address cannot try a common password on every
account. Limits by address count networks: an IPv6 customer has many of the narrowest.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager

from server.accounts.errors import TooBusy, TooManyAttempts
from server.accounts.limits import Limits
from server.accounts.place import WIDTHS, Place
from server.accounts.ports import StorageUnavailable
from server.base.ids import PlayerId
from server.base.rates import MovingWindow, Quota
from server.base.units import to_wait


class Attempts:
    """Counts attempts. `now` is a presence instant, so steps of the wall clock change no limit."""

    def __init__(self, limits: Limits) -> None:
        self._by_name = _Guesses(limits.guesses_per_name, limits)
        self._by_network = [
            _Guesses(quota, limits) for quota in _of_networks(limits.guesses_per_address, limits)
        ]
        self._sign_ins = MovingWindow[str](limits.sign_ins_per_player, limits.counted_keys)
        self._sign_ins_by_network = [
            MovingWindow[str](quota, limits.counted_keys)
            for quota in _of_networks(limits.sign_ins_per_address, limits)
        ]
        self._players_by_network = [
            MovingWindow[str](quota, limits.counted_keys)
            for quota in _of_networks(limits.players_per_address, limits)
        ]

    @contextmanager
    def guess(self, name_key: str, place: Place, now: float) -> Iterator[None]:
        """Check a password in this block. Raises TooManyAttempts if one more could be one too many.

        A block that ends without an error says that the password was right. This resets the count
        of the name from this address. Wrong ones for other names still count for the networks:
        otherwise an attacker could reset them by signing in to an account of their own. A block
        that raises StorageUnavailable or TooBusy has checked none; any other error counts as a
        wrong one, cancelling included, as a thread may check it all the same.
        """
        name = name_key, place.address
        # The networks first: one whose quota is used up must not fill the memory with names.
        counted: list[tuple[_Guesses, Hashable]] = [
            *zip(self._by_network, place.networks, strict=False),
            (self._by_name, name),
        ]
        for guesses, key in counted:
            guesses.admit(key, now)
        for guesses, key in counted:
            guesses.begin(key)
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
            for guesses, key in counted:
                guesses.end(key, now, is_wrong=is_wrong)

    def sign_in(self, player: PlayerId, place: Place, now: float) -> None:
        """Count a password that was found right. Raises TooManyAttempts."""
        by_network = zip(self._sign_ins_by_network, place.networks, strict=False)
        _take([(self._sign_ins, player), *by_network], now)

    def new_player(self, place: Place, now: float) -> None:
        """Count a player about to be created. Raises TooManyAttempts."""
        _take([*zip(self._players_by_network, place.networks, strict=False)], now)


def _of_networks(quota: Quota, limits: Limits) -> list[Quota]:
    """Return the quotas of networks, narrowest first, of which an address has `quota`."""
    return [
        Quota(quota.count * limits.wider_network**step, quota.seconds)
        for step in range(len(WIDTHS))
    ]


def _take(counted: Sequence[tuple[MovingWindow[str], str]], now: float) -> None:
    """Count one in every window, or in none: then raise TooManyAttempts."""
    wait = max((window.wait(key, now) for window, key in counted), default=0.0)
    if wait > 0:
        raise TooManyAttempts(to_wait(wait))
    for window, key in counted:
        window.take(key, now)


class _Guesses:
    """Counts the wrong passwords of each key, and those that are being checked.

    The latter may be wrong, so they take places of the quota: otherwise a hundred at once would all
    find the count at zero. They only delay further ones for a moment, since all devices of a player
    may sign in at once, with the right password.
    """

    def __init__(self, quota: Quota, limits: Limits) -> None:
        self._quota = quota
        self._retry_after = limits.retry_after_checking
        self._wrong = MovingWindow[Hashable](quota, limits.counted_keys)
        # Not in the window, which drops keys if there are too many.
        self._in_flight = Counter[Hashable]()

    def admit(self, key: Hashable, now: float) -> None:
        """Raise TooManyAttempts if one more could exceed the quota."""
        wait = self._wrong.wait(key, now)
        if wait > 0:
            raise TooManyAttempts(to_wait(wait))
        if self._wrong.count(key, now) + self._in_flight[key] >= self._quota.count:
            raise TooManyAttempts(self._retry_after)

    def begin(self, key: Hashable) -> None:
        """A password is being checked."""
        self._in_flight[key] += 1

    def end(self, key: Hashable, begun_at: float, *, is_wrong: bool) -> None:
        """It is no longer. `begun_at` is when it was admitted."""
        self._in_flight[key] -= 1
        if not self._in_flight[key]:
            del self._in_flight[key]
        if is_wrong:
            self._wrong.take(key, begun_at)

    def forget(self, key: Hashable) -> None:
        """Reset the count of wrong passwords."""
        self._wrong.forget(key)
