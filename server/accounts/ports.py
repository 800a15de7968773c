"""What this package needs of a storage engine; `server/storage` provides it."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from server.accounts.names import Name
from server.base.ids import PlayerId
from server.presence.session import Session
from server.presence.status import Reason


class StorageUnavailable(Exception):
    """The disk does not do what was asked of it. `str()` is a sentence for the caller, and
    `retry_after` the seconds after which asking again makes sense."""

    def __init__(self, sentence: str, retry_after: int = 5) -> None:
        self.retry_after = retry_after
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class Account:
    """A player as stored. `password_hash` is None for a guest."""

    id: PlayerId
    name: str
    sort_key: str
    guest: bool
    password_hash: str | None


class AccountStore(Protocol):
    """Accounts and sessions on disk. The `add_` and `remove_` methods queue and return; how long
    anybody waits for the disk is the store's to decide. Reads raise StorageUnavailable."""

    @property
    def is_failing(self) -> bool:
        """Whether the disk is known to take nothing just now."""

    @property
    def is_full(self) -> bool:
        """Whether so much waits for the disk that nobody more can be let in."""

    def add_account(self, account: Account, name: Name, created_at: float) -> asyncio.Future[None]:
        """Queue a new player; `created_at` is a presence instant. The future is done when the
        row is durable."""

    def remove_account(self, id: PlayerId) -> None:
        """Queue the removal of a player who has never had a session."""

    def add_session(self, session: Session, digest: bytes) -> None:
        """Queue a new session, known by the digest of its token."""

    async def is_written(self) -> bool:
        """Wait, for as long as is worth it, until all that was queued is durable; says whether it
        is. Cancelling forgets the wait, not the rows."""

    async def secure_endings(self) -> None:
        """Wait until no session that was ended so far can come back, whatever happens.

        Raises StorageUnavailable where that cannot be had.
        """

    async def is_any_taken(self, lookalikes: Collection[str]) -> bool:
        """Whether a stored name has one of these skeletons."""

    async def find_account(self, name_key: str) -> Account | None:
        """The account that signs in with this name."""

    async def find_ending(self, digest: bytes) -> Reason | None:
        """Why the session with this token ended; None: it has not, or there was none."""
