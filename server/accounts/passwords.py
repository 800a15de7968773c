"""Passwords: what may be one, and argon2id in a bounded pool of threads."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from server.accounts.common_passwords import is_common
from server.accounts.errors import PasswordRefused, TooBusy

SHORTEST = 8
LONGEST = 256
"""Characters (OWASP ASVS 5.0, 6.2.1 and 6.2.9: at least 8, and at least 64 must be allowed)."""

MOST_WAITING = 256
"""Passwords that may wait for a thread; the last of them waits some five seconds."""

_PRODUCT = "stillhere"
_BUSY_FOR = 5
T = TypeVar("T")


def check_password(password: str, name: str) -> None:
    """Raise PasswordRefused with a sentence that says what is wrong; no rules of composition."""
    if len(password) < SHORTEST:
        raise PasswordRefused(
            f"A password needs at least {SHORTEST} characters.",
            "password_too_short",
            limit=SHORTEST,
        )
    if len(password) > LONGEST:
        raise PasswordRefused(
            f"A password has at most {LONGEST} characters.", "password_too_long", limit=LONGEST
        )
    if password.casefold() == name.casefold():
        raise PasswordRefused("The password must not be the name.", "password_is_name")
    if "".join(filter(str.isalnum, password.casefold())) == _PRODUCT:
        # ASVS 5.0, 6.2.11: whoever guesses here begins with where they are.
        raise PasswordRefused(
            "The password must not be the name of this server.", "password_is_server"
        )
    if is_common(password):
        raise PasswordRefused(
            "That password is among the first that guessers try.", "password_common"
        )


class Passwords:
    """Hashes and checks passwords off the event loop.

    19 MiB, 2 passes, 1 lane (OWASP Password Storage Cheat Sheet) cost about 20 ms of one core.
    One core is left to the loop; argon2 releases the GIL, so a queue of passwords delays other
    passwords and nobody else.
    """

    def __init__(self, threads: int | None = None) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._pool = ThreadPoolExecutor(
            threads or max(1, (os.cpu_count() or 1) - 1), thread_name_prefix="passwords"
        )
        self._waiting = 0
        # What an unknown name is checked against, so that it takes as long as a known one.
        self._nobodys = self._hasher.hash(os.urandom(16).hex())

    async def hash(self, password: str) -> str:
        """The hash to store. Raises TooBusy. Cancelling does not stop the thread."""
        return await self._run(self._hash, password)

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Whether `password` is the one behind `hashed`; None takes as long and is never."""
        is_right = await self._run(self._verify, password, hashed or self._nobodys)
        return is_right and hashed is not None

    def close(self) -> None:
        """Wait for no one: what still runs belongs to requests that are gone."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[..., T], *args: str) -> T:
        if self._waiting >= MOST_WAITING:
            raise TooBusy(_BUSY_FOR)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)
        finally:
            self._waiting -= 1

    def _hash(self, password: str) -> str:
        return self._hasher.hash(_encode(password))

    def _verify(self, password: str, hashed: str) -> bool:
        try:
            return self._hasher.verify(hashed, _encode(password))
        except (VerifyMismatchError, InvalidHashError):
            return False


def _encode(password: str) -> bytes:
    # Verified exactly as typed; a lone surrogate from a hostile client is bytes like any other.
    return password.encode("utf-8", "surrogatepass")
