"""Passwords: which are allowed, and argon2id in a bounded pool of threads.

A password is prepared by the OpaqueString profile of PRECIS (RFC 8265, 4.2) before it is hashed or
verified, as keyboards differ in how they encode "é" and spaces. Characters that the profile
refuses, such as those inside "❤️", are accepted: a person who typed one can type it again.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from enum import Enum, auto
from functools import partial
from typing import Any, TypeVar

import unicodedata2
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from precis_i18n import get_profile

from server.accounts.common_passwords import is_common
from server.accounts.errors import PasswordRefused, TooBusy
from server.accounts.limits import Limits
from server.accounts.lookalikes import fold
from server.accounts.place import Place
from server.base.turns import Turns

_PRODUCT = "stillhere"
_PRIORITY = 5
"""Of the threads, as a nice value: a third of the loop's share of a core, if both want it."""

_profile = get_profile("OpaqueString", unicodedata=unicodedata2)
T = TypeVar("T")


def check_password(typed: str, name: str, limits: Limits) -> None:
    """Raise PasswordRefused if the password is not allowed; there are no rules of composition.
    Lengths are of the prepared password."""
    shortest, longest = limits.shortest_password, limits.longest_password
    # Preparing a megabyte would cost more than refusing it; a letter and its marks become one.
    is_hopeless = len(typed) > limits.longest_typed * longest
    password = typed if is_hopeless else _prepare(typed)
    if len(password) < shortest:
        raise PasswordRefused(
            f"A password needs at least {shortest} characters.",
            "password_too_short",
            limit=shortest,
        )
    if len(password) > longest:
        raise PasswordRefused(
            f"A password has at most {longest} characters.", "password_too_long", limit=longest
        )
    folded = fold(password)
    if folded == fold(name):
        raise PasswordRefused("The password must not be the name.", "password_is_name")
    if "".join(filter(str.isalnum, folded)) == _PRODUCT:
        # ASVS 5.0, 6.2.11: words of the context, which attackers try first.
        raise PasswordRefused(
            "The password must not be the name of this server.", "password_is_server"
        )
    if is_common(password):
        raise PasswordRefused(
            "That password is among the first that guessers try.", "password_common"
        )


class Verdict(Enum):
    """How a password compares to a hash. OUTDATED: right, but hashed as it was typed, by a version
    that did not prepare passwords; it should be hashed again."""

    WRONG = auto()
    RIGHT = auto()
    OUTDATED = auto()


class _Task:
    """Work for a thread: so many `hashes`. It waits for as many turns of its place, and is done in
    the last."""

    __slots__ = ("path", "result", "turns_left", "work")

    def __init__(
        self,
        work: Callable[[], Any],
        hashes: int,
        path: Sequence[str],
        result: asyncio.Future[Any],
    ) -> None:
        self.work = work
        self.turns_left = hashes
        self.path = path
        self.result = result

    def refuse(self, retry_after: int) -> None:
        """Let who waits for it have TooBusy."""
        if not self.result.done():
            self.result.set_exception(TooBusy(retry_after))


def _stand_back() -> None:
    """Let this thread have what the event loop leaves, where both share a core."""
    if sys.platform == "linux":  # elsewhere, priorities are those of processes
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _PRIORITY)


class Passwords:
    """Hashes and verifies passwords off the event loop.

    One core is left to the loop. argon2 releases the GIL, so a queue of passwords delays only other
    passwords; and as places are served in turn, one with many waits for itself.
    """

    def __init__(self, limits: Limits, threads: int | None = None) -> None:
        self._limits = limits
        self._hasher = PasswordHasher(limits.hash_passes, limits.hash_memory, parallelism=1)
        self._threads = threads or max(1, (os.cpu_count() or 1) - 1)
        self._pool = ThreadPoolExecutor(
            self._threads, thread_name_prefix="passwords", initializer=_stand_back
        )
        self._waiting = Turns[_Task]()
        self._running = 0
        self._is_closed = False
        # Verified against for an unknown name, so that it takes as long as a known one.
        self._unknown = self._hasher.hash(os.urandom(16).hex())

    async def hash(self, typed: str, place: Place) -> str:
        """Return the hash to store of a password as typed at `place`. Raises TooBusy. Cancelling
        does not stop the thread."""
        spelling = self._spellings(typed)[0]
        return await self._run(place, 1, lambda: self._hash(spelling))

    async def verify(self, typed: str, hashed: str | None, place: Place) -> Verdict:
        """Compare a password as typed at `place` to `hashed`; None takes as long and is always
        wrong. Raises TooBusy."""
        spellings = self._spellings(typed)
        against = hashed or self._unknown
        count = len(spellings)
        verdict = await self._run(place, count, lambda: self._verify_any(spellings, against))
        return Verdict.WRONG if hashed is None else verdict

    def close(self) -> None:
        """Stop the threads without waiting: the requests that use them are gone."""
        self._is_closed = True
        while self._waiting:
            self._waiting.take_next().result.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, place: Place, hashes: int, work: Callable[[], T]) -> T:
        """Run `work`, which makes so many hashes, in a thread when it is its turn. If too many
        wait, the place that has the most loses its last: somebody else's flood must not refuse
        others."""
        task = _Task(work, hashes, place.path, asyncio.get_running_loop().create_future())
        for _ in range(hashes):
            self._waiting.add(task.path, task)
        while len(self._waiting) + self._running > self._limits.waiting_passwords:
            dropped = self._waiting.drop_last_of_most(task.path)
            self._discard(dropped)
            dropped.refuse(self._limits.retry_after_busy)
        self._start()
        try:
            result: T = await task.result
            return result
        finally:
            self._discard(task)  # if it is cancelled

    def _discard(self, task: _Task) -> None:
        while self._waiting.discard(task.path, task):
            pass

    def _start(self) -> None:
        """Give the free threads the next tasks. The pool has no queue of its own, which would not
        be fair."""
        loop = asyncio.get_running_loop()
        while self._waiting and self._running < self._threads and not self._is_closed:
            task = self._waiting.take_next()
            task.turns_left -= 1
            if task.turns_left:
                continue
            self._running += 1
            running = loop.run_in_executor(self._pool, task.work)
            running.add_done_callback(partial(self._end, task))

    def _end(self, task: _Task, ran: asyncio.Future[Any]) -> None:
        self._running -= 1
        self._start()
        if ran.cancelled():
            task.result.cancel()
            return
        error = ran.exception()
        if task.result.done():  # who waited for it was cancelled
            return
        if error is None:
            task.result.set_result(ran.result())
        else:
            task.result.set_exception(error)

    def _spellings(self, typed: str) -> list[str]:
        """Return the texts that may have been hashed for this password: prepared, as is done now;
        as typed; and as other keyboards encode it. Never empty, so that a password that cannot be
        right takes as long."""
        longest = self._limits.longest_password
        if len(typed) > self._limits.longest_typed * longest:
            return [typed[: longest + 1]]  # not worth preparing
        forms = [str(unicodedata2.normalize(form, typed)) for form in ("NFC", "NFD")]
        return [text[: longest + 1] for text in dict.fromkeys([_prepare(typed), typed, *forms])]

    def _hash(self, password: str) -> str:
        return self._hasher.hash(_encode(password))

    def _verify_any(self, spellings: list[str], hashed: str) -> Verdict:
        # Their number depends only on what was typed, so the time reveals nothing of the hash.
        for number, spelling in enumerate(spellings):
            if self._verify(spelling, hashed):
                return Verdict.OUTDATED if number else Verdict.RIGHT
        return Verdict.WRONG

    def _verify(self, password: str, hashed: str) -> bool:
        try:
            return self._hasher.verify(hashed, _encode(password))
        except (VerifyMismatchError, InvalidHashError):
            return False


def _prepare(typed: str) -> str:
    """Apply the mappings of OpaqueString: all spaces become U+0020, and NFC."""
    return str(_profile.apply_five_rules(typed))


def _encode(password: str) -> bytes:
    # A lone surrogate from a hostile client must not raise.
    return password.encode("utf-8", "surrogatepass")
