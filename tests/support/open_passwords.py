"""Passwords that are not hashed, and take no time and no thread."""

from collections.abc import Callable
from typing import TypeVar

from server.accounts.limits import Limits
from server.accounts.passwords import Passwords
from server.accounts.place import Place

T = TypeVar("T")


class OpenPasswords(Passwords):
    """Records in `asked` which passwords were compared with which hashes."""

    def __init__(self) -> None:
        self._limits = Limits()
        self._unknown = "hash of nobody's"
        self.asked: list[tuple[str, str]] = []

    def close(self) -> None:
        """Do nothing: there is no thread."""

    async def _run(self, place: Place, hashes: int, work: Callable[[], T]) -> T:
        return work()

    def _hash(self, password: str) -> str:
        return f"hash of {password}"

    def _verify(self, password: str, hashed: str) -> bool:
        self.asked.append((password, hashed))
        return hashed == f"hash of {password}"
