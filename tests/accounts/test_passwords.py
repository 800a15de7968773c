"""Passwords: their bounds, and that timing does not reveal which names exist."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from server.accounts.errors import PasswordRefused, TooBusy
from server.accounts.limits import Limits
from server.accounts.passwords import Passwords, Verdict, check_password
from tests.support.live_server import with_quick_hashes

LIMITS = Limits(waiting_passwords=16)


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords(LIMITS, threads=1)
    yield made
    made.close()


@pytest.mark.parametrize(
    "password",
    [
        "p" * 8,
        "p" * 256,
        "é" * 8,
        " " * 8,
        "漢" * 256,
        "e\u0301" * 256,
        "\U0001f600" * 8,
        "\x00" * 8,
        "love \u2764\ufe0f you",
    ],
)
def test_a_password_within_bounds_may_be_anything(password: str) -> None:
    check_password(password, "Ada", LIMITS)


@pytest.mark.parametrize(
    "password", ["", "p" * 7, "p" * 257, "é" * 7, "漢" * 257, "e\u0301" * 7, "e\u0301" * 257]
)
def test_a_password_out_of_bounds_is_refused(password: str) -> None:
    with pytest.raises(PasswordRefused, match=r"8|256"):
        check_password(password, "Ada", LIMITS)


def test_the_password_must_not_be_the_name_in_letters_newer_than_python_either() -> None:
    with pytest.raises(PasswordRefused, match="must not be the name"):
        check_password("\ua7cf" * 8, "\ua7ce" * 8, LIMITS)  # Unicode 17


def test_the_password_must_not_be_the_name() -> None:
    with pytest.raises(PasswordRefused, match="name"):
        check_password("ADA Lovelace", "Ada lovelace", LIMITS)
    check_password("Ada Lovelace!", "Ada Lovelace", LIMITS)


@pytest.mark.parametrize("password", ["stillhere", "Still Here", "STILL-HERE!", " still here "])
def test_the_password_must_not_be_the_servers_name(password: str) -> None:
    with pytest.raises(PasswordRefused, match="server"):
        check_password(password, "Ada", LIMITS)
    check_password(f"{password} 7", "Ada", LIMITS)


@pytest.mark.parametrize(
    ("password", "rule", "facts"),
    [
        ("p" * 7, "password_too_short", {"limit": 8}),
        ("p" * 257, "password_too_long", {"limit": 256}),
        ("ada lovelace", "password_is_name", {}),
        ("Still Here", "password_is_server", {}),
        ("password1", "password_common", {}),
    ],
)
def test_a_refusal_carries_its_rule(password: str, rule: str, facts: dict[str, int | str]) -> None:
    with pytest.raises(PasswordRefused) as caught:
        check_password(password, "Ada Lovelace", LIMITS)
    assert (caught.value.rule, caught.value.facts) == (rule, facts)


async def test_a_password_is_the_same_on_every_keyboard(passwords: Passwords) -> None:
    """RFC 8265, 4.2: "é" may be one code point or two, and any space is a space."""
    for typed, again in [
        ("Pass wörd", "Pass wo\u0308rd"),
        ("Pass wo\u0308rd", "Pass wörd"),
        ("Pass wörd", "Pass\u00a0wörd"),
        ("Pass\u3000wörd", "Pass wörd"),
        ("\u212bngstr\u00f6m", "\u00c5ngstr\u00f6m"),
    ]:
        assert await passwords.verify(again, await passwords.hash(typed)) is Verdict.RIGHT


async def test_a_different_password_is_wrong(passwords: Passwords) -> None:
    hashed = await passwords.hash("Pass wörd")
    assert await passwords.verify("Pass wörd", hashed) is Verdict.RIGHT
    for other in [
        "pass wörd",
        "Pass word",
        "Pass wörd ",
        " Pass wörd",
        "Ｐass wörd",
        "Pass wör",
        "",
    ]:
        assert await passwords.verify(other, hashed) is Verdict.WRONG


@pytest.mark.parametrize("stored", ["Pass wo\u0308rd", "Pass\u00a0wörd", "\u212bngstr\u00f6m"])
async def test_a_password_hashed_as_typed_is_right_and_outdated(
    passwords: Passwords, stored: str
) -> None:
    hashed = passwords._hash(stored)
    assert await passwords.verify(stored, hashed) is Verdict.OUTDATED


async def test_the_work_for_a_wrong_password_depends_on_the_typed_text_only(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    monkeypatch.setattr(passwords, "_verify", lambda spelling, _: checked.append(spelling))
    counts = []
    for typed in ["wrong horse", "wr\u00f6ng horse", "wro\u0308ng\u00a0horse", "x" * 5000, "\x00"]:
        for hashed in (None, "a hash"):
            checked.clear()
            assert await passwords.verify(typed, hashed) is Verdict.WRONG
            counts.append(len(checked))
    assert counts == [1, 1, 2, 2, 3, 3, 1, 1, 1, 1]


async def test_a_password_is_stored_as_a_salted_argon2id_hash(passwords: Passwords) -> None:
    one, other = await passwords.hash("correct horse"), await passwords.hash("correct horse")
    assert one != other
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert "correct" not in one


async def test_even_a_lone_surrogate_can_be_hashed(passwords: Passwords) -> None:
    hashed = await passwords.hash("\ud800" * 8)
    assert await passwords.verify("\ud800" * 8, hashed) is Verdict.RIGHT


async def test_an_unknown_name_costs_a_verification_too(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    verify = passwords._verify

    def note(password: str, hashed: str) -> bool:
        checked.append(hashed)
        return verify(password, hashed)

    monkeypatch.setattr(passwords, "_verify", note)
    hashed = await passwords.hash("correct horse")
    assert await passwords.verify("correct horse", None) is Verdict.WRONG
    assert await passwords.verify("wrong horse", hashed) is Verdict.WRONG
    assert len(checked) == 2
    # The same work in both cases, so timing reveals nothing.
    assert checked[0].rpartition("p=1$")[0] == checked[1].rpartition("p=1$")[0]


async def test_a_broken_hash_verifies_no_password(passwords: Passwords) -> None:
    assert await passwords.verify("correct horse", "no hash at all") is Verdict.WRONG


@pytest.fixture
async def crowded(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Passwords, list[asyncio.Task[str]]]]:
    """As many waiting passwords as the limit allows, until they are cancelled or the test ends."""
    may_go = threading.Event()
    monkeypatch.setattr(passwords, "_hash", lambda password: str(may_go.wait()))
    tasks = [
        asyncio.create_task(passwords.hash("correct horse"))
        for _ in range(LIMITS.waiting_passwords)
    ]
    await asyncio.sleep(0)
    yield passwords, tasks
    may_go.set()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_hash_beyond_the_waiting_limit_is_refused_with_a_time_to_retry(
    crowded: tuple[Passwords, list[asyncio.Task[str]]],
) -> None:
    passwords, tasks = crowded
    for attempt in (passwords.hash("correct horse"), passwords.verify("correct horse", None)):
        with pytest.raises(TooBusy) as caught:
            await attempt
        assert caught.value.retry_after > 0
    tasks[-1].cancel()
    await asyncio.wait([tasks[-1]])
    another = asyncio.create_task(passwords.hash("correct horse"))
    await asyncio.sleep(0)
    assert not another.done()
    tasks.append(another)


async def test_the_loop_goes_on_while_passwords_are_hashed(
    crowded: tuple[Passwords, list[asyncio.Task[str]]],
) -> None:
    _, tasks = crowded
    assert not any(task.done() for task in tasks)


async def test_sixty_four_simultaneous_hashes_stay_within_their_threads_and_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each running hash needs 19 MiB; waiting ones need none."""
    passwords = Passwords(with_quick_hashes(Limits()), threads=2)
    running, most, threads = 0, 0, set()
    counting = threading.Lock()
    hash_ = passwords._hash

    def note(password: str) -> str:
        nonlocal running, most
        with counting:
            running += 1
            most = max(most, running)
            threads.add(threading.get_ident())
        try:
            time.sleep(0.005)  # stands for the hash's work
            return hash_(password)
        finally:
            with counting:
                running -= 1

    monkeypatch.setattr(passwords, "_hash", note)
    hashing = asyncio.gather(*(passwords.hash(f"correct horse {n}") for n in range(64)))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    passwords.close()
    assert len(set(hashing.result())) == 64
    assert most <= 2
    assert len(threads) <= 2
    assert threading.get_ident() not in threads
    assert turns > 64, "the loop turns while they are hashed"
