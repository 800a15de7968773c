"""Players: creating them, signing them in, and changing their passwords."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from server.accounts.attempts import Attempts
from server.accounts.errors import (
    BadCredentials,
    NameRefused,
    NameTaken,
    NoPassword,
    TooBusy,
    TooManyAttempts,
    WrongPassword,
)
from server.accounts.limits import Limits
from server.accounts.names import Name, parse_name, sort_key
from server.accounts.passwords import Passwords, Verdict, check_password
from server.accounts.place import Place
from server.accounts.ports import Account, AccountStore, StorageUnavailable
from server.base.ids import PlayerId, new_player_id
from server.base.units import to_wait
from server.budget.budget import Budget
from server.presence.session import Player

_NOT_REGISTERED = (
    "Nobody can be registered just now: it could not be saved. Try again in a moment, or "
    "come in as a guest."
)

_NOT_CHANGED = (
    "The password cannot be changed just now: it could not be saved. The old one still "
    "holds. Try again in a moment."
)
_LOW = (
    "Nobody new can come in just now: the disk of the server is nearly full. Players who are "
    "registered can sign in."
)
_FULL = (
    "Nobody can come in just now: the disk has taken nothing for long, and too much waits for it. "
    "Who is here already can stay. Try again in a moment."
)


class OwnName(NamedTuple):
    """The present name of a guest who asks for another, and a call that frees it."""

    name: Name
    give_up: Callable[[], Awaitable[None]]


class Accounts:
    """Creates players, verifies and changes passwords. What is done from a `Place` is counted."""

    def __init__(
        self,
        store: AccountStore,
        passwords: Passwords,
        limits: Limits,
        budget: Budget,
    ) -> None:
        """`budget`: what each player makes the server keep."""
        self._store = store
        self._passwords = passwords
        self._limits = limits
        self._budget = budget
        self._attempts = Attempts(limits)
        # Skeletons of names that are being taken, until that is refused or their rows are durable.
        # The future is done once it is decided.
        self._claims: dict[str, asyncio.Future[None]] = {}
        # Players whose registration was refused with 503 after their row was queued.
        self._withdrawn: set[PlayerId] = set()
        # Players whose new password is being written.
        self._changing: set[PlayerId] = set()
        # Hashes changed since the start, which may be newer than what a query returned.
        self._changed: dict[PlayerId, str] = {}

    def parse_name(self, raw: str) -> Name:
        """Return the prepared form of a name that a person typed. Raises NameRefused."""
        return parse_name(raw, self._limits)

    async def new_guest(
        self, name: Name, now: float, place: Place, own: OwnName | None = None
    ) -> Player:
        """Create a guest: a player for as long as their session lives. `own`: the caller's present
        name if the new one is a spelling of it; it is freed once every other check has passed.

        Raises NameTaken, TooManyAttempts, StorageUnavailable (the disk does not answer whether the
        name is taken, or too much waits for it).
        """
        self._check_newcomer(place, now, age=None)
        return await self._new_player(name, None, now, place, own)

    async def register(self, name: Name, password: str, now: float, place: Place) -> Player:
        """Create a player with a password; returns when it is durable.

        If it raises NameTaken, PasswordRefused, TooManyAttempts, TooBusy or StorageUnavailable, no
        player is created.
        """
        check_password(password, name.text, self._limits)
        if self._store.is_failing:
            raise StorageUnavailable(_NOT_REGISTERED)
        self._check_newcomer(place, now, age=0.0)
        player = await self._new_player(name, password, now, place)
        is_written = False
        try:
            is_written = await self._store.flush()
        finally:
            if not is_written:
                self._withdrawn.add(player.id)
                self._budget.forget(player.id)
                self._store.remove_account(player.id)
        if not is_written:
            # Unlike a session, an account with a password must survive a crash.
            raise StorageUnavailable(_NOT_REGISTERED)
        self._attempts.know_only(name.key, place)
        return player

    async def authenticate(
        self,
        raw_name: str,
        password: str,
        now: float,
        place: Place,
        owner_of_cookie: Callable[[], Awaitable[PlayerId | None]] | None = None,
    ) -> Player:
        """Return the registered player with this name and password. `owner_of_cookie` returns whose
        session the browser's cookie names or named.

        Raises BadCredentials (after the same time for a wrong name as for a wrong password),
        TooManyAttempts, TooBusy, StorageUnavailable.
        """
        try:
            key = self.parse_name(raw_name).key
        except NameRefused:
            raise BadCredentials from None
        self._check_room()
        own = None
        if owner_of_cookie is not None and self._attempts.needs_own_browser(key, place, now):
            # Looked up only here: it asks the disk.
            owner = await owner_of_cookie()
            known = None if owner is None else await self._store.find_account(key)
            own = owner if known is not None and known.id == owner else None
        account = await self._verify(key, password, now, place, own)
        # Only now: a refusal of anybody else would tell that there is such a player.
        self._attempts.sign_in(account.id, place, now)
        wait = self._budget.wait(account.id, now)
        if wait > 0:
            raise TooManyAttempts(to_wait(wait))
        return self._let_in(account, now, place)

    async def change_password(
        self,
        player: Player,
        current: str,
        new: str,
        now: float,
        place: Place,
    ) -> None:
        """Change the password; returns when that is durable.

        From then on the old password opens no session; the caller has to end those that are open.
        If it raises NoPassword (a guest), PasswordRefused, WrongPassword, TooManyAttempts, TooBusy
        or StorageUnavailable, the old password is kept.
        """
        if player.guest:
            raise NoPassword
        check_password(new, player.name, self._limits)
        if self._store.is_failing:
            raise StorageUnavailable(_NOT_CHANGED)
        try:
            key = self.parse_name(player.name).key
            account = await self._verify(key, current, now, place, player.id)
        except BadCredentials:
            raise WrongPassword(player.id) from None
        self._attempts.change(player.id, place, now)
        before = account.password_hash
        hashed = await self._passwords.hash(new, place)
        if before is None or self._hash_of(account) != before:
            raise WrongPassword(player.id)  # it was changed elsewhere meanwhile
        if player.id in self._changing:
            # Until that write ends it is not known which password is valid.
            raise TooBusy(self._limits.retry_after_busy, "Another change is being written.")
        self._changing.add(player.id)
        self._set_password(player.id, hashed)
        is_written = False
        try:
            is_written = await self._store.flush()
        finally:
            self._changing.discard(player.id)
            if not is_written:
                self._set_password(player.id, before)
        if not is_written:
            raise StorageUnavailable(_NOT_CHANGED)
        self._attempts.know_only(key, place)

    async def _verify(
        self, key: str, password: str, now: float, place: Place, own: PlayerId | None
    ) -> Account:
        """Return the account with this key and password, and the hash that was verified. `own`: its
        player, if it is in a browser of theirs. Raises BadCredentials, TooManyAttempts, TooBusy,
        StorageUnavailable."""
        with self._attempts.guess(key, place, now, own):
            account = await self._store.find_account(key)
            hashed = None if account is None else self._hash_of(account)
            verdict = await self._passwords.verify(password, hashed, place)
            if verdict is Verdict.WRONG or account is None or account.id in self._withdrawn:
                raise BadCredentials(None if account is None else account.id)
        again = None
        if verdict is Verdict.OUTDATED:
            with suppress(TooBusy):  # the next sign-in tries again
                again = await self._passwords.hash(password, place)
        if self._hash_of(account) != hashed:
            raise BadCredentials(account.id)  # it was changed while this one was verified
        if again is not None:
            self._store.set_password(account.id, again)
        return replace(account, password_hash=hashed)

    def _hash_of(self, account: Account) -> str | None:
        return self._changed.get(account.id, account.password_hash)

    def _set_password(self, id: PlayerId, hashed: str) -> None:
        self._changed[id] = hashed
        self._store.set_password(id, hashed)

    async def _new_player(
        self,
        name: Name,
        password: str | None,
        now: float,
        place: Place,
        own: OwnName | None = None,
    ) -> Player:
        self._check_room()
        if password is not None:
            self._attempts.check_registration(place, now)
        self._attempts.new_player(place, now)
        await self._claim(name, own)
        try:
            if own is not None:
                # Query the same name too: if the disk does not answer, the guest keeps theirs.
                if await self._store.is_any_taken(name.lookalikes - own.name.lookalikes):
                    raise NameTaken(name.text)
                await own.give_up()
            if await self._store.is_any_taken(name.lookalikes):
                raise NameTaken(name.text)
            hashed = None if password is None else await self._passwords.hash(password, place)
        except BaseException:
            self._release(name)
            raise
        account = Account(
            new_player_id(), name.text, sort_key(name.text), password is None, hashed, now
        )
        if not account.guest:
            self._attempts.registered(place, now)
        player = self._let_in(account, now, place)
        written = self._store.add_account(account, name)
        self._decide(name)
        written.add_done_callback(lambda _: self._release(name))
        return player

    def _let_in(self, account: Account, now: float, place: Place) -> Player:
        """Return the player of an account, whose rows their place pays for from now on."""
        player = Player(
            account.id,
            account.name,
            account.sort_key,
            guest=account.guest,
            registered_at=account.created_at,
        )
        self._budget.let_in(player.id, place.networks, player.registered_for(now))
        return player

    async def _claim(self, name: Name, own: OwnName | None) -> None:
        """Claim the skeletons of `name`. Raises NameTaken if another request has claimed one.

        One that asks for the caller's own name is about to be refused: wait for that, or the caller
        would be refused because of it.
        """
        while claimed := self._claims.keys() & name.lookalikes:
            undecided = {self._claims[each] for each in claimed if not self._claims[each].done()}
            if own is None or not claimed <= own.name.lookalikes or not undecided:
                raise NameTaken(name.text)
            await asyncio.wait(undecided)
        decided = asyncio.get_running_loop().create_future()
        self._claims |= dict.fromkeys(name.lookalikes, decided)

    def _decide(self, name: Name) -> None:
        """The name is refused to who claimed it, or is theirs: nobody waits for that any more."""
        for each in name.lookalikes:
            if not self._claims[each].done():
                self._claims[each].set_result(None)

    def _release(self, name: Name) -> None:
        self._decide(name)
        for each in name.lookalikes:
            del self._claims[each]

    def _check_newcomer(self, place: Place, now: float, *, age: float | None) -> None:
        """Raise StorageUnavailable if there is no space for more players, and TooManyAttempts if
        too much is kept already of players from there; `age` as in `Budget`."""
        if self._budget.is_disk_low:
            raise StorageUnavailable(_LOW)
        wait = self._budget.wait_of_newcomer(place.networks, now, age)
        if wait > 0:
            raise TooManyAttempts(to_wait(wait))

    def _check_room(self) -> None:
        """Raise StorageUnavailable if too much waits for the disk. Called before anything is
        counted or hashed."""
        if self._store.is_full:
            raise StorageUnavailable(_FULL)
