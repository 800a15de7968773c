"""Passwords: their bounds, and that timing does not reveal which names exist."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from server.accounts.errors import PasswordRefused, TooBusy
from server.accounts.limits import Limits
from server.accounts.passwords import Passwords, Verdict, check_password
from server.accounts.place import Place
from tests.support.answers import until
from tests.support.live_server import with_quick_hashes
from tests.support.places import HERE

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
        hashed = await passwords.hash(typed, HERE)
        assert await passwords.verify(again, hashed, HERE) is Verdict.RIGHT


async def test_a_different_password_is_wrong(passwords: Passwords) -> None:
    hashed = await passwords.hash("Pass wörd", HERE)
    assert await passwords.verify("Pass wörd", hashed, HERE) is Verdict.RIGHT
    for other in [
        "pass wörd",
        "Pass word",
        "Pass wörd ",
        " Pass wörd",
        "Ｐass wörd",
        "Pass wör",
        "",
    ]:
        assert await passwords.verify(other, hashed, HERE) is Verdict.WRONG


@pytest.mark.parametrize("stored", ["Pass wo\u0308rd", "Pass\u00a0wörd", "\u212bngstr\u00f6m"])
async def test_a_password_hashed_as_typed_is_right_and_outdated(
    passwords: Passwords, stored: str
) -> None:
    hashed = passwords._hash(stored)
    assert await passwords.verify(stored, hashed, HERE) is Verdict.OUTDATED


async def test_the_work_for_a_wrong_password_depends_on_the_typed_text_only(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    monkeypatch.setattr(passwords, "_verify", lambda spelling, _: checked.append(spelling))
    counts = []
    for typed in ["wrong horse", "wr\u00f6ng horse", "wro\u0308ng\u00a0horse", "x" * 5000, "\x00"]:
        for hashed in (None, "a hash"):
            checked.clear()
            assert await passwords.verify(typed, hashed, HERE) is Verdict.WRONG
            counts.append(len(checked))
    assert counts == [1, 1, 2, 2, 3, 3, 1, 1, 1, 1]


async def test_a_password_is_stored_as_a_salted_argon2id_hash(passwords: Passwords) -> None:
    one, other = (
        await passwords.hash("correct horse", HERE),
        await passwords.hash("correct horse", HERE),
    )
    assert one != other
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert "correct" not in one


async def test_even_a_lone_surrogate_can_be_hashed(passwords: Passwords) -> None:
    hashed = await passwords.hash("\ud800" * 8, HERE)
    assert await passwords.verify("\ud800" * 8, hashed, HERE) is Verdict.RIGHT


async def test_an_unknown_name_costs_a_verification_too(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    verify = passwords._verify

    def note(password: str, hashed: str) -> bool:
        checked.append(hashed)
        return verify(password, hashed)

    monkeypatch.setattr(passwords, "_verify", note)
    hashed = await passwords.hash("correct horse", HERE)
    assert await passwords.verify("correct horse", None, HERE) is Verdict.WRONG
    assert await passwords.verify("wrong horse", hashed, HERE) is Verdict.WRONG
    assert len(checked) == 2
    # The same work in both cases, so timing reveals nothing.
    assert checked[0].rpartition("p=1$")[0] == checked[1].rpartition("p=1$")[0]


async def test_a_broken_hash_verifies_no_password(passwords: Passwords) -> None:
    assert await passwords.verify("correct horse", "no hash at all", HERE) is Verdict.WRONG


@pytest.fixture
async def crowded(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Passwords, list[asyncio.Task[str]]]]:
    """As many waiting passwords as the limit allows, until they are cancelled or the test ends."""
    may_go = threading.Event()
    monkeypatch.setattr(passwords, "_hash", lambda password: str(may_go.wait()))
    tasks = [
        asyncio.create_task(passwords.hash("correct horse", HERE))
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
    for attempt in (
        passwords.hash("correct horse", HERE),
        passwords.verify("correct horse", None, HERE),
    ):
        with pytest.raises(TooBusy) as caught:
            await attempt
        assert caught.value.retry_after > 0
    tasks[-1].cancel()
    await asyncio.wait([tasks[-1]])
    another = asyncio.create_task(passwords.hash("correct horse", HERE))
    await asyncio.sleep(0)
    assert not another.done()
    tasks.append(another)


class Queue:
    """Passwords of `places` that wait for one thread, which the test lets go on."""

    def __init__(self, passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
        self._passwords = passwords
        self._may_go_on = threading.Semaphore(0)
        self.begun: list[str] = []
        self.tasks: dict[str, asyncio.Task[str]] = {}
        monkeypatch.setattr(passwords, "_hash", self._hash)

    def _hash(self, password: str) -> str:
        self.begun.append(password)
        self._may_go_on.acquire()
        return password

    async def add(self, place: Place, password: str) -> asyncio.Task[str]:
        task = asyncio.create_task(self._passwords.hash(password, place))
        self.tasks[password] = task
        await asyncio.sleep(0)
        return task

    async def go_on(self, count: int) -> list[str]:
        """Let `count` be hashed; return what began meanwhile."""
        before = len(self.begun)
        for _ in range(count):
            self._may_go_on.release()
            waiting = len(self.begun)
            await until(lambda waiting=waiting: len(self.begun) > waiting)  # type: ignore[misc]
        return self.begun[before:]

    async def end(self) -> None:
        for _ in self.tasks:
            self._may_go_on.release()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


@pytest.fixture
async def queue(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Queue]:
    made = Queue(passwords, monkeypatch)
    yield made
    await made.end()


def at(name: str) -> Place:
    return Place(name, (name,))


async def test_a_place_with_one_password_is_next_after_one_of_each_other(queue: Queue) -> None:
    for number in range(5):
        for place in ("a", "b", "c"):
            await queue.add(at(place), f"{place}{number}")
    await queue.add(HERE, "mine")
    await until(lambda: queue.begun == ["a0"])
    assert await queue.go_on(7) == ["b0", "c0", "a1", "mine", "b1", "c1", "a2"]


async def test_a_full_queue_refuses_the_last_of_the_place_that_has_most(queue: Queue) -> None:
    most = LIMITS.waiting_passwords
    await queue.add(at("b"), "b0")
    for number in range(1, most):
        await queue.add(at("a"), f"a{number}")
    assert not any(task.done() for task in queue.tasks.values())
    mine = await queue.add(HERE, "mine")
    await until(queue.tasks[f"a{most - 1}"].done)
    with pytest.raises(TooBusy):
        queue.tasks[f"a{most - 1}"].result()
    # The one that has most is refused further ones, and nobody else is.
    late = await queue.add(at("a"), "late")
    await until(late.done)
    assert isinstance(late.exception(), TooBusy)
    assert sum(task.done() for task in queue.tasks.values()) == 2
    await queue.go_on(3)
    await until(mine.done)
    assert mine.result() == "mine"


SPELLINGS = "\u1e69 and e\u0301 and \u3000"
"""A password with four: prepared, as typed, composed and decomposed."""


async def test_a_password_waits_for_a_turn_for_each_of_its_spellings(
    queue: Queue, passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def many(place: Place) -> asyncio.Task[Verdict]:
        task = asyncio.create_task(passwords.verify(SPELLINGS, None, place))
        await asyncio.sleep(0)
        return task

    assert len(passwords._spellings(SPELLINGS)) == 4
    monkeypatch.setattr(passwords, "_verify_any", lambda *_: queue._hash("many") and Verdict.WRONG)
    await queue.add(HERE, "first")
    dear = await many(at("a"))
    for number in range(6):
        await queue.add(at("b"), f"b{number}")
    assert len(passwords._waiting) == 10
    assert await queue.go_on(5) == ["b0", "b1", "b2", "many", "b3"]
    assert await dear is Verdict.WRONG
    # A full queue drops it whole, and so does who gives up.
    dearer = [await many(at("a")) for _ in range(4)]
    await until(dearer[-1].done)
    assert isinstance(dearer[-1].exception(), TooBusy)
    assert len(passwords._waiting) == 2 + 3 * 4
    dearer[0].cancel()
    await until(dearer[0].done)
    assert len(passwords._waiting) == 2 + 2 * 4
    queue.tasks |= {f"dear {number}": task for number, task in enumerate(dearer)}  # type: ignore[misc]


async def test_who_is_cancelled_is_not_hashed(queue: Queue) -> None:
    await queue.add(at("a"), "first")
    given_up = await queue.add(at("a"), "given up")
    await queue.add(at("a"), "last")
    given_up.cancel()
    await until(given_up.done)
    assert await queue.go_on(1) == ["last"]


async def test_an_error_of_a_thread_is_raised_and_the_next_is_hashed(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(password: str) -> str:
        if password == "bad":
            raise MemoryError
        return password

    monkeypatch.setattr(passwords, "_hash", fail)
    bad, good = await asyncio.gather(
        passwords.hash("bad", HERE), passwords.hash("good", HERE), return_exceptions=True
    )
    assert isinstance(bad, MemoryError)
    assert good == "good"


async def test_closing_cancels_those_that_wait(queue: Queue, passwords: Passwords) -> None:
    await queue.add(at("a"), "running")
    waiting = await queue.add(at("a"), "waiting")
    passwords.close()
    await until(waiting.done)
    assert waiting.cancelled()


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
    hashing = asyncio.gather(*(passwords.hash(f"correct horse {n}", HERE) for n in range(64)))
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


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, priorities are those of processes")
async def test_the_threads_stand_back_where_the_loop_wants_the_same_core() -> None:
    passwords = Passwords(Limits())
    loop = asyncio.get_running_loop()
    own = os.getpriority(os.PRIO_PROCESS, 0)
    theirs = await loop.run_in_executor(
        passwords._pool, lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    )
    assert own < theirs <= own + 10
    assert os.getpriority(os.PRIO_PROCESS, 0) == own
    passwords.close()
