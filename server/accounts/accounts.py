"""Making players, and recognising them."""

from server.accounts.attempts import Attempts
from server.accounts.errors import BadCredentials, NameRefused, NameTaken
from server.accounts.names import Name, parse_name, sort_key
from server.accounts.passwords import LONGEST, Passwords, check_password
from server.accounts.ports import Account, AccountStore
from server.ids import new_player_id
from server.presence.session import Player


class Accounts:
    """Who may sign in. `address` is None where limits by address do not apply."""

    def __init__(self, store: AccountStore, passwords: Passwords, attempts: Attempts) -> None:
        self._store = store
        self._passwords = passwords
        self._attempts = attempts
        # Names on their way to the disk: the disk does not know yet that they are taken.
        self._claimed: set[str] = set()

    async def new_guest(self, name: Name, now: float, address: str | None) -> Player:
        """A guest: a player for as long as their session lives.

        Raises NameTaken, TooManyAttempts.
        """
        return await self._new_player(name, None, now, address)

    async def register(self, name: Name, password: str, now: float, address: str | None) -> Player:
        """A player who can come back.

        Raises NameTaken, PasswordRefused, TooManyAttempts, TooBusy.
        """
        check_password(password, name.text)
        return await self._new_player(name, password, now, address)

    async def recognise(
        self, raw_name: str, password: str, host: str, address: str | None
    ) -> Player:
        """The registered player with this name and password; `host` is where they sit.

        Raises BadCredentials (whichever of the two is wrong, and as late), TooManyAttempts,
        TooBusy.
        """
        try:
            key = parse_name(raw_name).key
        except NameRefused:
            raise BadCredentials from None
        await self._attempts.guess(key, host, address)
        account = await self._store.find_account(key)
        hashed = account.password_hash if account is not None else None
        # Longer than any password there is: not worth hashing, but worth the same time.
        if not await self._passwords.verify(password[: LONGEST + 1], hashed) or account is None:
            raise BadCredentials
        await self._attempts.guessed_right(key, host)
        return Player(account.id, account.name, account.sort_key, guest=False)

    async def _new_player(
        self, name: Name, password: str | None, now: float, address: str | None
    ) -> Player:
        await self._attempts.new_player(address)
        if not self._claimed.isdisjoint(name.lookalikes):
            raise NameTaken(name.text)
        self._claimed |= name.lookalikes
        try:
            if await self._store.is_any_taken(name.lookalikes):
                raise NameTaken(name.text)
            hashed = None if password is None else await self._passwords.hash(password)
        except BaseException:
            self._claimed -= name.lookalikes
            raise
        account = Account(new_player_id(), name.text, sort_key(name.text), password is None, hashed)
        written = self._store.add_account(account, name, now)
        written.add_done_callback(lambda _: self._claimed.difference_update(name.lookalikes))
        return Player(account.id, account.name, account.sort_key, guest=account.guest)
