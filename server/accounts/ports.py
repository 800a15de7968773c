"""What this package needs of a storage engine; `server/storage` provides it."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from server.accounts.names import Name
from server.ids import PlayerId
from server.presence.session import Session
from server.presence.status import Reason


@dataclass(frozen=True, slots=True)
class Account:
    """A player as stored. `password_hash` is None for a guest."""

    id: PlayerId
    name: str
    sort_key: str
    guest: bool
    password_hash: str | None


class AccountStore(Protocol):
    """Accounts and sessions on disk. The `add_` methods queue and return; a future of theirs, and
    `flush`, are done when what was queued is durable."""

    def add_account(self, account: Account, name: Name, created_at: float) -> asyncio.Future[None]:
        """Queue a new player; `created_at` is a presence instant."""

    def add_session(self, session: Session, digest: bytes) -> None:
        """Queue a new session, known by the digest of its token."""

    async def flush(self) -> None:
        """Wait until all that was queued is durable. Cancelling forgets the wait, not the rows."""

    async def is_any_taken(self, lookalikes: Collection[str]) -> bool:
        """Whether a stored name has one of these skeletons."""

    async def find_account(self, name_key: str) -> Account | None:
        """The account that signs in with this name."""

    async def find_ending(self, digest: bytes) -> Reason | None:
        """Why the session with this token ended; None: it has not, or there was none."""
