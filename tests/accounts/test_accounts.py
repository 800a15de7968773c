"""Making players, and recognising them, with a store that lets the test decide when it is done."""

import asyncio
from collections.abc import Collection

import pytest

from server.accounts.accounts import Accounts, OwnName
from server.accounts.attempts import Attempts
from server.accounts.errors import BadCredentials, NameTaken, PasswordRefused, TooManyAttempts
from server.accounts.limits import Limits
from server.accounts.names import Name, parse_name
from server.accounts.passwords import LONGEST, Passwords
from server.accounts.ports import Account, StorageUnavailable
from server.base.ids import PlayerId
from server.presence.session import Session
from server.presence.status import Reason

LIMITS = Limits()


class Store:
    """An `AccountStore` in memory; what was added is found once it was written."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.taken: set[str] = set()
        self.queued: list[tuple[Account, Name, asyncio.Future[None]]] = []
        self.removed: list[PlayerId] = []
        self.is_failing = False
        self.is_full = False

    def write(self) -> None:
        for account, name, written in self.queued:
            self.accounts[name.key] = account
            self.taken |= name.lookalikes
            written.set_result(None)
        self.queued.clear()

    def add_account(self, account: Account, name: Name, created_at: float) -> asyncio.Future[None]:
        written = asyncio.get_running_loop().create_future()
        self.queued.append((account, name, written))
        return written

    async def is_any_taken(self, lookalikes: Collection[str]) -> bool:
        await asyncio.sleep(0)
        return not self.taken.isdisjoint(lookalikes)

    async def find_account(self, name_key: str) -> Account | None:
        return self.accounts.get(name_key)

    def add_session(self, session: Session, digest: bytes) -> None:
        raise NotImplementedError

    async def is_written(self) -> bool:
        return not self.is_failing

    async def secure_endings(self) -> None:
        raise NotImplementedError

    def remove_account(self, id: PlayerId) -> None:
        self.removed.append(id)

    async def find_ending(self, digest: bytes) -> Reason | None:
        raise NotImplementedError


class PlainPasswords(Passwords):
    """Passwords that take no time, and remember what they were asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []

    async def hash(self, password: str) -> str:
        return f"hash of {password}"

    async def verify(self, password: str, hashed: str | None) -> bool:
        self.asked.append((password, hashed))
        return hashed == f"hash of {password}"


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def passwords() -> PlainPasswords:
    return PlainPasswords()


@pytest.fixture
def accounts(store: Store, passwords: PlainPasswords) -> Accounts:
    return Accounts(store, passwords, Attempts(LIMITS))


async def test_a_name_is_taken_from_the_moment_it_was_asked_for(
    accounts: Accounts, store: Store
) -> None:
    await accounts.new_guest(parse_name("Ada"), 0.0, None)
    for _ in range(2):  # on its way to the disk, and on the disk
        with pytest.raises(NameTaken):
            await accounts.new_guest(parse_name("ADA"), 0.0, None)
        store.write()
        await asyncio.sleep(0)


async def test_of_two_at_once_one_gets_the_name(accounts: Accounts) -> None:
    results = await asyncio.gather(
        *(accounts.new_guest(parse_name(name), 0.0, None) for name in ("Bill", "BiIl")),
        return_exceptions=True,
    )
    assert [isinstance(result, NameTaken) for result in results] == [False, True]


async def test_a_registration_that_was_given_up_leaves_the_name_free(
    accounts: Accounts, store: Store
) -> None:
    attempt = asyncio.create_task(accounts.register(parse_name("Ada"), "correct horse", 0.0, None))
    await asyncio.sleep(0)
    attempt.cancel()
    await asyncio.wait([attempt])
    assert (await accounts.new_guest(parse_name("Ada"), 0.0, None)).name == "Ada"
    assert len(store.queued) == 1


async def test_a_refused_password_leaves_the_name_free(accounts: Accounts, store: Store) -> None:
    with pytest.raises(PasswordRefused):
        await accounts.register(parse_name("Ada"), "short", 0.0, None)
    assert store.queued == []
    assert not (await accounts.register(parse_name("Ada"), "correct horse", 0.0, None)).guest


async def test_the_same_player_is_recognised(accounts: Accounts, store: Store) -> None:
    made = await accounts.register(parse_name("Ada"), "correct horse", 0.0, None)
    store.write()
    known = await accounts.recognise(" ADA ", "correct horse", 0.0, "here", None)
    assert (known.id, known.name, known.guest) == (made.id, "Ada", False)


async def test_whatever_is_wrong_a_password_is_checked(
    accounts: Accounts, store: Store, passwords: PlainPasswords
) -> None:
    await accounts.register(parse_name("Ada"), "correct horse", 0.0, None)
    await accounts.new_guest(parse_name("Gus"), 0.0, None)
    store.write()
    for name, password in [
        ("Ada", "wrong horse"),
        ("Gus", "correct horse"),
        ("Nobody", "correct horse"),
        ("Ada", "x" * 1000),
    ]:
        passwords.asked.clear()
        with pytest.raises(BadCredentials):
            await accounts.recognise(name, password, 0.0, "here", None)
        assert len(passwords.asked) == 1
        assert len(passwords.asked[0][0]) <= LONGEST + 1


async def test_what_cannot_be_a_name_is_nobodys(accounts: Accounts) -> None:
    with pytest.raises(BadCredentials):
        await accounts.recognise("\u202eadA", "correct horse", 0.0, "here", None)


# Guests who sign in anew under their own name


def own_name(store: Store, name: str) -> tuple[OwnName, list[str]]:
    """A guest's name, and what they have given up."""
    parsed = parse_name(name)
    store.taken |= parsed.lookalikes
    given_up: list[str] = []

    async def give_up() -> None:
        given_up.append(name)
        store.taken -= parsed.lookalikes

    return OwnName(parsed, give_up), given_up


async def test_the_own_name_is_given_up_for_itself(accounts: Accounts, store: Store) -> None:
    own, given_up = own_name(store, "Gus")
    player = await accounts.new_guest(parse_name("GUS"), 0.0, "here", own)
    assert player.name == "GUS"
    assert given_up == ["Gus"]


async def test_nothing_is_given_up_where_the_limit_is_reached(
    accounts: Accounts, store: Store
) -> None:
    for number in range(LIMITS.players_per_address.count):
        await accounts.new_guest(parse_name(f"Guest {number}"), 0.0, "here")
    own, given_up = own_name(store, "Gus")
    with pytest.raises(TooManyAttempts):
        await accounts.new_guest(parse_name("Gus"), 0.0, "here", own)
    assert given_up == []


async def test_nothing_is_given_up_for_a_spelling_that_is_anothers(
    accounts: Accounts, store: Store
) -> None:
    own, given_up = own_name(store, "biil")
    wanted = parse_name("BiIl")
    assert wanted.key == own.name.key
    store.taken |= wanted.lookalikes - own.name.lookalikes
    with pytest.raises(NameTaken):
        await accounts.new_guest(wanted, 0.0, None, own)
    assert given_up == []
    # And whoever is asked next is not told that it is on its way.
    store.taken.clear()
    await accounts.new_guest(wanted, 0.0, None)


async def test_nothing_is_given_up_while_the_disk_does_not_answer(
    accounts: Accounts, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, given_up = own_name(store, "Gus")

    async def fail(lookalikes: Collection[str]) -> bool:
        raise StorageUnavailable("It does not answer.")

    monkeypatch.setattr(store, "is_any_taken", fail)
    with pytest.raises(StorageUnavailable):
        await accounts.new_guest(parse_name("Gus"), 0.0, None, own)
    assert given_up == []
