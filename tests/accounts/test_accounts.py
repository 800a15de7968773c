"""Making and finding players, with a store whose writes the test completes."""

import asyncio
import unicodedata
from collections.abc import Collection
from dataclasses import replace
from typing import Literal

import pytest

from server.accounts.accounts import Accounts, OwnName
from server.accounts.errors import (
    BadCredentials,
    NameTaken,
    NoPassword,
    PasswordRefused,
    TooBusy,
    TooManyAttempts,
    WrongPassword,
)
from server.accounts.limits import Limits
from server.accounts.names import Name, parse_name
from server.accounts.passwords import Verdict
from server.accounts.place import Place
from server.accounts.ports import Account, NewSession, StorageUnavailable
from server.base.ids import PlayerId, SessionId
from server.budget.budget import Budget
from server.presence.session import Player
from server.presence.status import Reason
from tests.support.answers import until
from tests.support.open_passwords import OpenPasswords
from tests.support.places import HERE, LIMITED

LIMITS = Limits()


class Store:
    """An `AccountStore` in memory; `find` sees a player once they are written."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.taken: set[str] = set()
        self.queued: list[tuple[Account, Name, asyncio.Future[None]]] = []
        self.removed: list[PlayerId] = []
        self.passwords: list[tuple[PlayerId, str]] = []
        self.is_failing = False
        self.is_full = False

    def write(self) -> None:
        for account, name, written in self.queued:
            self.accounts[name.key] = account
            self.taken |= name.lookalikes
            written.set_result(None)
        self.queued.clear()

    def add_account(self, account: Account, name: Name) -> asyncio.Future[None]:
        written = asyncio.get_running_loop().create_future()
        self.queued.append((account, name, written))
        return written

    async def is_any_taken(self, lookalikes: Collection[str]) -> bool:
        await asyncio.sleep(0)
        return not self.taken.isdisjoint(lookalikes)

    async def find_account(self, name_key: str) -> Account | None:
        return self.accounts.get(name_key)

    def set_password(self, id: PlayerId, password_hash: str) -> None:
        self.passwords.append((id, password_hash))
        for key, account in self.accounts.items():
            if account.id == id and not self.is_failing:
                self.accounts[key] = replace(account, password_hash=password_hash)

    def add_session(self, session: NewSession) -> None:
        raise NotImplementedError

    async def flush(self) -> bool:
        return not self.is_failing

    async def secure_endings(self, sessions: Collection[SessionId] | None = None) -> None:
        raise NotImplementedError

    def remove_account(self, id: PlayerId) -> None:
        self.removed.append(id)

    async def find_ending(self, digest: bytes) -> Reason | None:
        raise NotImplementedError

    async def find_owner(self, digest: bytes) -> PlayerId | None:
        raise NotImplementedError


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def passwords() -> OpenPasswords:
    return OpenPasswords()


@pytest.fixture
def accounts(store: Store, passwords: OpenPasswords) -> Accounts:
    return Accounts(store, passwords, LIMITS, Budget())


async def test_a_name_is_taken_as_soon_as_it_is_requested(accounts: Accounts, store: Store) -> None:
    await accounts.new_guest(parse_name("Ada"), 0.0, HERE)
    for _ in range(2):  # queued, then written
        with pytest.raises(NameTaken):
            await accounts.new_guest(parse_name("ADA"), 0.0, HERE)
        store.write()
        await asyncio.sleep(0)


async def test_of_two_simultaneous_requests_for_a_name_one_gets_it(accounts: Accounts) -> None:
    results = await asyncio.gather(
        *(accounts.new_guest(parse_name(name), 0.0, HERE) for name in ("Bill", "BiIl")),
        return_exceptions=True,
    )
    assert [isinstance(result, NameTaken) for result in results] == [False, True]


async def test_a_registration_that_was_given_up_leaves_the_name_free(
    accounts: Accounts, store: Store
) -> None:
    attempt = asyncio.create_task(accounts.register(parse_name("Ada"), "correct horse", 0.0, HERE))
    await asyncio.sleep(0)
    attempt.cancel()
    await asyncio.wait([attempt])
    assert (await accounts.new_guest(parse_name("Ada"), 0.0, HERE)).name == "Ada"
    assert len(store.queued) == 1


async def test_a_refused_password_leaves_the_name_free(accounts: Accounts, store: Store) -> None:
    with pytest.raises(PasswordRefused):
        await accounts.register(parse_name("Ada"), "short", 0.0, HERE)
    assert store.queued == []
    assert not (await accounts.register(parse_name("Ada"), "correct horse", 0.0, HERE)).guest


async def test_the_same_player_is_recognised(accounts: Accounts, store: Store) -> None:
    made = await accounts.register(parse_name("Ada"), "correct horse", 0.0, HERE)
    store.write()
    known = await accounts.authenticate(" ADA ", "correct horse", 0.0, HERE)
    assert (known.id, known.name, known.guest) == (made.id, "Ada", False)


async def test_every_failing_sign_in_checks_a_password(
    accounts: Accounts, store: Store, passwords: OpenPasswords
) -> None:
    await accounts.register(parse_name("Ada"), "correct horse", 0.0, HERE)
    await accounts.new_guest(parse_name("Gus"), 0.0, HERE)
    store.write()
    for name, password in [
        ("Ada", "wrong horse"),
        ("Gus", "correct horse"),
        ("Nobody", "correct horse"),
        ("Ada", "x" * 1000),
    ]:
        passwords.asked.clear()
        with pytest.raises(BadCredentials):
            await accounts.authenticate(name, password, 0.0, HERE)
        assert len(passwords.asked) == 1
        assert len(passwords.asked[0][0]) <= LIMITS.longest_password + 1


async def test_an_invalid_name_is_bad_credentials(accounts: Accounts) -> None:
    with pytest.raises(BadCredentials):
        await accounts.authenticate("\u202eadA", "correct horse", 0.0, HERE)


# Passwords that an earlier version hashed as they were typed


@pytest.mark.parametrize("stored", ["pa\u0301ssword!", "p\u00e1ssword!", "p\u00e1ss\u00a0word"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
async def test_a_password_hashed_as_typed_is_right_on_every_keyboard_and_rehashed(
    accounts: Accounts, store: Store, stored: str, form: Literal["NFC", "NFD"]
) -> None:
    made = await accounts.register(parse_name("Ada"), "correct horse", 0.0, HERE)
    store.write()
    store.set_password(made.id, f"hash of {stored}")
    store.passwords.clear()
    spelling = unicodedata.normalize(form, stored)
    assert (await accounts.authenticate("Ada", spelling, 0.0, HERE)).id == made.id
    prepared = unicodedata.normalize("NFC", stored).replace("\u00a0", " ")
    assert store.passwords == ([] if stored == prepared else [(made.id, f"hash of {prepared}")])
    assert (await accounts.authenticate("Ada", spelling, 0.0, HERE)).id == made.id
    assert len(store.passwords) <= 1, "once is enough"


# Changing the password


@pytest.fixture
async def ada(accounts: Accounts, store: Store) -> Player:
    made = await accounts.register(parse_name("Ada"), "correct horse", 0.0, HERE)
    store.write()
    return made


async def test_a_password_that_was_changed_signs_in_and_the_old_one_does_not(
    accounts: Accounts, ada: Player
) -> None:
    await accounts.change_password(ada, "correct horse", "battery staple", 0.0, HERE)
    known = await accounts.authenticate("Ada", "battery staple", 0.0, HERE)
    assert known.id == ada.id
    with pytest.raises(BadCredentials):
        await accounts.authenticate("Ada", "correct horse", 0.0, HERE)


async def test_changing_the_password_needs_the_current_one(
    accounts: Accounts, store: Store, ada: Player
) -> None:
    with pytest.raises(WrongPassword):
        await accounts.change_password(ada, "wrong horse", "battery staple", 0.0, HERE)
    assert store.passwords == []


async def test_guessing_by_changing_is_limited_as_signing_in_is(
    accounts: Accounts, ada: Player
) -> None:
    for _ in range(LIMITS.guesses_per_name.count):
        with pytest.raises(WrongPassword):
            await accounts.change_password(ada, "wrong", "battery staple", 0.0, HERE)
    with pytest.raises(TooManyAttempts):
        await accounts.change_password(ada, "correct horse", "battery staple", 0.0, HERE)
    with pytest.raises(TooManyAttempts):
        await accounts.authenticate("Ada", "correct horse", 0.0, HERE)


async def test_right_passwords_at_changes_have_a_limit_as_those_at_sign_ins_have(
    accounts: Accounts, ada: Player
) -> None:
    quota = LIMITS.sign_ins_per_player
    for number in range(quota.count):
        old, new = (f"correct horse {each}" for each in (number, number + 1))
        await accounts.change_password(ada, old if number else "correct horse", new, 0.0, HERE)
    last, new = f"correct horse {quota.count}", "battery staple"
    with pytest.raises(TooManyAttempts) as caught:
        await accounts.change_password(ada, last, new, 100.0, HERE)
    assert caught.value.retry_after == quota.seconds - 100
    with pytest.raises(WrongPassword):
        await accounts.change_password(ada, "wrong horse", new, 100.0, HERE)
    # Signing in goes on.
    assert (await accounts.authenticate("Ada", last, 100.0, HERE)).id == ada.id
    await accounts.change_password(ada, last, new, quota.seconds, HERE)


async def test_who_knows_the_password_keeps_its_owner_from_no_change_by_signing_in(
    accounts: Accounts, ada: Player
) -> None:
    for _ in range(LIMITS.sign_ins_per_player.count):
        await accounts.authenticate("Ada", "correct horse", 0.0, HERE)
    with pytest.raises(TooManyAttempts):
        await accounts.authenticate("Ada", "correct horse", 0.0, HERE)
    await accounts.change_password(ada, "correct horse", "battery staple", 0.0, HERE)


async def test_a_guest_has_no_password_to_change(accounts: Accounts) -> None:
    guest = await accounts.new_guest(parse_name("Gus"), 0.0, HERE)
    with pytest.raises(NoPassword):
        await accounts.change_password(guest, "", "battery staple", 0.0, HERE)


@pytest.mark.parametrize("new", ["short", "password1", "Still Here"])
async def test_a_new_password_that_breaks_the_rules_is_refused_and_costs_no_attempt(
    accounts: Accounts, store: Store, passwords: OpenPasswords, ada: Player, new: str
) -> None:
    with pytest.raises(PasswordRefused):
        await accounts.change_password(ada, "correct horse", new, 0.0, HERE)
    assert passwords.asked == []
    assert store.passwords == []


async def test_the_old_password_stays_if_the_new_one_cannot_be_written(
    accounts: Accounts, store: Store, ada: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def flush() -> bool:
        return False

    monkeypatch.setattr(store, "flush", flush)
    with pytest.raises(StorageUnavailable):
        await accounts.change_password(ada, "correct horse", "battery staple", 0.0, HERE)
    assert (await accounts.authenticate("Ada", "correct horse", 0.0, HERE)).id == ada.id
    with pytest.raises(BadCredentials):
        await accounts.authenticate("Ada", "battery staple", 0.0, HERE)
    assert store.passwords[-1] == (ada.id, "hash of correct horse")


async def test_a_change_of_password_is_refused_while_another_is_being_written(
    accounts: Accounts, store: Store, ada: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = asyncio.get_running_loop().create_future()

    async def flush() -> bool:
        return bool(await written)

    monkeypatch.setattr(store, "flush", flush)
    first = asyncio.create_task(
        accounts.change_password(ada, "correct horse", "battery staple", 0.0, HERE)
    )
    await until(lambda: store.passwords != [])
    with pytest.raises(TooBusy, match="Another change is being written"):
        await accounts.change_password(ada, "battery staple", "third password", 0.0, HERE)
    written.set_result(False)
    with pytest.raises(StorageUnavailable):
        await first
    assert store.passwords[-1] == (ada.id, "hash of correct horse")
    monkeypatch.undo()
    await accounts.change_password(ada, "correct horse", "third password", 0.0, HERE)
    assert store.passwords[-1] == (ada.id, "hash of third password")


async def test_no_password_is_changed_while_the_disk_is_failing(
    accounts: Accounts, store: Store, ada: Player
) -> None:
    store.is_failing = True
    with pytest.raises(StorageUnavailable):
        await accounts.change_password(ada, "correct horse", "battery staple", 0.0, HERE)
    assert store.passwords == []


async def test_a_sign_in_verified_by_the_old_password_fails_after_the_change(
    accounts: Accounts, passwords: OpenPasswords, ada: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a session could begin after the others have ended."""
    verified, may_go_on = asyncio.Event(), asyncio.Event()
    verify = passwords.verify

    async def slowly(typed: str, hashed: str | None, place: Place) -> Verdict:
        verdict = await verify(typed, hashed, place)
        verified.set()
        await may_go_on.wait()
        return verdict

    monkeypatch.setattr(passwords, "verify", slowly)
    sign_in = asyncio.create_task(accounts.authenticate("Ada", "correct horse", 0.0, HERE))
    await verified.wait()
    monkeypatch.setattr(passwords, "verify", verify)
    await accounts.change_password(ada, "correct horse", "battery staple", 0.0, HERE)
    may_go_on.set()
    with pytest.raises(BadCredentials):
        await sign_in


# Guests who sign in anew under their own name


def own_name(store: Store, name: str) -> tuple[OwnName, list[str]]:
    """A guest's name, and the names they have given up."""
    parsed = parse_name(name)
    store.taken |= parsed.lookalikes
    given_up: list[str] = []

    async def give_up() -> None:
        given_up.append(name)
        store.taken -= parsed.lookalikes

    return OwnName(parsed, give_up), given_up


async def test_a_guest_can_sign_in_anew_under_the_same_name(
    accounts: Accounts, store: Store
) -> None:
    own, given_up = own_name(store, "Gus")
    player = await accounts.new_guest(parse_name("GUS"), 0.0, LIMITED, own)
    assert player.name == "GUS"
    assert given_up == ["Gus"]


async def test_a_guest_gets_their_own_name_while_others_ask_for_it(
    accounts: Accounts, store: Store
) -> None:
    own, given_up = own_name(store, "Gus")
    name = parse_name("Gus")
    others = [asyncio.create_task(accounts.new_guest(name, 0.0, HERE)) for _ in range(3)]
    await asyncio.sleep(0)
    player = await accounts.new_guest(name, 0.0, HERE, own)
    assert player.name == "Gus"
    assert given_up == ["Gus"]
    for other in others:
        with pytest.raises(NameTaken):
            await other


async def test_nobody_waits_for_the_disk_to_have_their_own_name_again(
    accounts: Accounts, store: Store
) -> None:
    own, given_up = own_name(store, "Gus")
    await accounts.new_guest(parse_name("Gus"), 0.0, HERE, own)
    assert store.queued, "its row is not durable yet"
    again = OwnName(own.name, own.give_up)
    async with asyncio.timeout(1.0):
        with pytest.raises(NameTaken):
            await accounts.new_guest(parse_name("GUS"), 0.0, HERE, again)
    assert given_up == ["Gus"]
    store.write()
    await asyncio.sleep(0)
    assert not accounts._claims


async def test_no_name_is_given_up_if_the_limit_is_reached(
    accounts: Accounts, store: Store
) -> None:
    for number in range(LIMITS.players_per_address.count):
        await accounts.new_guest(parse_name(f"Guest {number}"), 0.0, LIMITED)
    own, given_up = own_name(store, "Gus")
    with pytest.raises(TooManyAttempts):
        await accounts.new_guest(parse_name("Gus"), 0.0, LIMITED, own)
    assert given_up == []


async def test_registered_players_have_a_limit_for_a_day_which_taken_names_do_not_count_to(
    accounts: Accounts, store: Store
) -> None:
    limit, window = LIMITS.registered_per_address, LIMITS.players_per_address
    now = 0.0
    store.taken |= parse_name("Taken").lookalikes
    for number in range(limit.count):
        now = number // (window.count // 2) * window.seconds
        with pytest.raises(NameTaken):
            await accounts.register(parse_name("Taken"), "correct horse", now, LIMITED)
        await accounts.register(parse_name(f"Player {number}"), "correct horse", now, LIMITED)
    for later in (now + window.seconds, limit.seconds - 1.0):
        with pytest.raises(TooManyAttempts) as refused:
            await accounts.register(parse_name("One more"), "correct horse", later, LIMITED)
        assert refused.value.retry_after == limit.seconds - later
        await accounts.new_guest(parse_name(f"Guest {later}"), later, LIMITED)
        await accounts.register(parse_name(f"Here {later}"), "correct horse", later, HERE)
    await accounts.register(parse_name("One more"), "correct horse", limit.seconds, LIMITED)


async def test_no_name_is_given_up_for_a_spelling_of_another_player(
    accounts: Accounts, store: Store
) -> None:
    own, given_up = own_name(store, "biil")
    wanted = parse_name("BiIl")
    assert wanted.key == own.name.key
    store.taken |= wanted.lookalikes - own.name.lookalikes
    with pytest.raises(NameTaken):
        await accounts.new_guest(wanted, 0.0, HERE, own)
    assert given_up == []
    # The refused name is not reserved for other players either.
    store.taken.clear()
    await accounts.new_guest(wanted, 0.0, HERE)


async def test_no_name_is_given_up_while_the_disk_does_not_answer(
    accounts: Accounts, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, given_up = own_name(store, "Gus")

    async def fail(lookalikes: Collection[str]) -> bool:
        raise StorageUnavailable("It does not answer.")

    monkeypatch.setattr(store, "is_any_taken", fail)
    with pytest.raises(StorageUnavailable):
        await accounts.new_guest(parse_name("Gus"), 0.0, HERE, own)
    assert given_up == []
