"""Limits on attempts to guess passwords, on signing in, and on creating players.

Wrong passwords count per name *and* address, so that an attacker elsewhere cannot lock a player
out, and per address over all names, so that one address cannot try a common password on every
account. Limits by address count networks: an IPv6 customer has many of the narrowest.

They also count per name over all addresses, as a botnet has many. That limit alone would let
anybody lock a player out, so where the player has signed in before, and in a browser whose cookie
was theirs, attempts are counted apart from those of everybody else.
"""

from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager

from server.accounts.errors import TooBusy, TooManyAttempts, TooManyInARow
from server.accounts.limits import Limits
from server.accounts.place import Place
from server.accounts.ports import StorageUnavailable
from server.accounts.series import Series
from server.base.ids import PlayerId
from server.base.networks import shares
from server.base.rates import MovingWindow, Quota
from server.base.units import to_wait

_ELSEWHERE = ""
"""Stands for all places that are not known to be the player's."""


class Attempts:
    """Counts attempts. `now` is a presence instant, so steps of the wall clock change no limit."""

    def __init__(self, limits: Limits) -> None:
        keys = limits.counted_keys
        self._by_name = _Guesses(limits.guesses_per_name, limits)
        self._by_network = [
            _Guesses(quota, limits) for quota in _of_networks(limits.guesses_per_address, limits)
        ]
        in_a_row = limits.guesses_in_a_row
        self._in_a_row = _Guesses(in_a_row, limits, Series(in_a_row, keys), TooManyInARow)
        self._known = _KnownPlaces(limits)
        self._sign_ins = _RightPasswords(limits)
        self._changes = _RightPasswords(limits)
        self._players_by_network = [
            MovingWindow[str](quota, keys)
            for quota in _of_networks(limits.players_per_address, limits)
        ]
        self._registered_by_network = [
            MovingWindow[str](quota, keys)
            for quota in _of_networks(limits.registered_per_address, limits)
        ]

    @contextmanager
    def guess(
        self, name_key: str, place: Place, now: float, own: PlayerId | None = None
    ) -> Iterator[None]:
        """Check a password in this block. Raises TooManyAttempts if one more could be one too many.
        `own`: the player with this name, if it is in a browser of theirs.

        A block that ends without an error says that the password was right. This resets the count
        of the name from this address, which is known from then on. Wrong ones for other names still
        count for the networks: otherwise an attacker could reset them by signing in to an account
        of their own. A block that raises StorageUnavailable or TooBusy has checked none; any other
        error counts as a wrong one, cancelling included, as a thread may check it all the same.
        """
        name, row = (name_key, place.address), (name_key, self._whose(name_key, place, own))
        # The networks first: one whose quota is used up must not fill the memory with names.
        counted: list[tuple[_Guesses, Hashable]] = [
            *zip(self._by_network, place.networks, strict=False),
            (self._in_a_row, row),
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
            if row[1] is not _ELSEWHERE:  # that others guess goes on
                self._in_a_row.forget(row)
            self._known.add(*name)
        finally:
            for guesses, key in counted:
                guesses.end(key, now, is_wrong=is_wrong)

    def needs_own_browser(self, name_key: str, place: Place, now: float) -> bool:
        """Return True if this name can be tried from this place only in a browser of its
        player."""
        try:
            self._in_a_row.admit((name_key, self._whose(name_key, place, None)), now)
        except TooManyAttempts:
            return True
        return False

    def know_only(self, name_key: str, place: Place) -> None:
        """A player's password is new, and was typed at this place: no other is known any more."""
        self._known.forget(name_key)
        self._known.add(name_key, place.address)

    def _whose(self, name_key: str, place: Place, own: PlayerId | None) -> str:
        """Return what stands for those who are counted together in a row."""
        if own is not None:
            return own
        is_known = self._known.has(name_key, place.address)
        return place.address if is_known else _ELSEWHERE

    def sign_in(self, player: PlayerId, place: Place, now: float) -> None:
        """Count a password that was found right at a sign-in. Raises TooManyAttempts."""
        self._sign_ins.take(player, place, now)

    def change(self, player: PlayerId, place: Place, now: float) -> None:
        """Count a password that was found right at its change. Raises TooManyAttempts.

        Apart from sign-ins: whoever else knows the password could go on signing in, and so keep its
        owner from changing it, which is what helps against them. Only who could have changed it
        fills this window."""
        self._changes.take(player, place, now)

    def new_player(self, place: Place, now: float) -> None:
        """Count a player about to be created. Raises TooManyAttempts."""
        _take([*zip(self._players_by_network, place.networks, strict=False)], now)

    def check_registration(self, place: Place, now: float) -> None:
        """Raise TooManyAttempts if too many players were registered from there."""
        for window, network in zip(self._registered_by_network, place.networks, strict=False):
            wait = window.wait(network, now)
            if wait > 0:
                raise TooManyAttempts(to_wait(wait))

    def registered(self, place: Place, now: float) -> None:
        """Count a player who was registered, and not names that turned out to be taken: the limit
        is for a day."""
        for window, network in zip(self._registered_by_network, place.networks, strict=False):
            window.take(network, now)


def _of_networks(quota: Quota, limits: Limits) -> list[Quota]:
    """Return the quotas of networks, narrowest first, of which an address has `quota`."""
    return [quota.times(share) for share in shares(limits.wider_network)]


def _take(counted: Sequence[tuple[MovingWindow[str], str]], now: float) -> None:
    """Count one in every window, or in none: then raise TooManyAttempts."""
    wait = max((window.wait(key, now) for window, key in counted), default=0.0)
    if wait > 0:
        raise TooManyAttempts(to_wait(wait))
    for window, key in counted:
        window.take(key, now)


class _RightPasswords:
    """Counts the right passwords of each player, and those from each network."""

    def __init__(self, limits: Limits) -> None:
        keys = limits.counted_keys
        self._by_player = MovingWindow[str](limits.sign_ins_per_player, keys)
        self._by_network = [
            MovingWindow[str](quota, keys)
            for quota in _of_networks(limits.sign_ins_per_address, limits)
        ]

    def take(self, player: PlayerId, place: Place, now: float) -> None:
        """Count one. Raises TooManyAttempts."""
        by_network = zip(self._by_network, place.networks, strict=False)
        _take([(self._by_player, player), *by_network], now)


class _Guesses:
    """Counts the wrong passwords of each key, and those that are being checked.

    The latter may be wrong, so they take places of the quota: otherwise a hundred at once would all
    find the count at zero. They only delay further ones for a moment, since all devices of a player
    may sign in at once, with the right password.
    """

    def __init__(
        self,
        quota: Quota,
        limits: Limits,
        wrong: Series | None = None,
        refusal: type[TooManyAttempts] = TooManyAttempts,
    ) -> None:
        """`wrong` counts the wrong ones, in a window by default."""
        self._quota = quota
        self._retry_after = limits.retry_after_checking
        self._wrong = wrong or MovingWindow[Hashable](quota, limits.counted_keys)
        self._refusal = refusal
        # Not in the window, which drops keys if there are too many.
        self._in_flight = Counter[Hashable]()

    def admit(self, key: Hashable, now: float) -> None:
        """Raise TooManyAttempts if one more could exceed the quota."""
        wait = self._wrong.wait(key, now)
        if wait > 0:
            raise self._refusal(to_wait(wait))
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


class _KnownPlaces:
    """Where players have signed in: the latest addresses of each, and the latest players."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        # By name, in the order of their latest sign-in; so are the addresses of each.
        self._of: OrderedDict[str, OrderedDict[str, None]] = OrderedDict()

    def add(self, name_key: str, address: str) -> None:
        places = self._of.setdefault(name_key, OrderedDict())
        places[address] = None
        places.move_to_end(address)
        if len(places) > self._limits.known_places:
            places.popitem(last=False)
        self._of.move_to_end(name_key)
        if len(self._of) > self._limits.counted_keys:
            self._of.popitem(last=False)

    def has(self, name_key: str, address: str) -> bool:
        return address in self._of.get(name_key, ())

    def forget(self, name_key: str) -> None:
        self._of.pop(name_key, None)
