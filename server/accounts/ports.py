"""What this package needs from the storage; `server/storage/store.py` provides it."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from server.accounts.names import Name
from server.base.ids import PlayerId, SessionId
from server.presence.session import Device, Session
from server.presence.status import Reason, Status


class StorageUnavailable(Exception):
    """The disk failed. `str()` is a sentence for the caller."""


@dataclass(frozen=True, slots=True)
class Account:
    """A player as stored. `password_hash` is None for a guest; `created_at` is presence time."""

    id: PlayerId
    name: str
    sort_key: str
    guest: bool
    password_hash: str | None
    created_at: float


@dataclass(frozen=True, slots=True)
class NewSession:
    """A new session. Instants are presence time; `digest` is that of its token."""

    id: SessionId
    player_id: PlayerId
    digest: bytes
    remember: bool
    status: Status
    created_at: float
    last_activity: float
    last_activity_by: str
    ends_at: float
    device: Device

    @classmethod
    def of(cls, session: Session, digest: bytes) -> "NewSession":
        return cls(
            session.id,
            session.player.id,
            digest,
            session.remember,
            session.status,
            session.created_at,
            session.last_activity,
            session.last_activity_by,
            session.ends_at,
            session.device,
        )


class AccountStore(Protocol):
    """Accounts on disk, for `Accounts`. The `add_`, `remove_` and `set_` methods queue and return;
    how long the other calls wait for the disk is up to the store. Reads raise
    StorageUnavailable."""

    @property
    def is_failing(self) -> bool:
        """True while writing to the disk fails."""

    @property
    def is_full(self) -> bool:
        """True while too much waits for the disk to let more players in."""

    def add_account(self, account: Account, name: Name) -> asyncio.Future[None]:
        """Queue a new player. The future is done when the row is durable."""

    def remove_account(self, id: PlayerId) -> None:
        """Queue the removal of a player who never had a session."""

    def set_password(self, id: PlayerId, password_hash: str) -> None:
        """Queue a new password of a player."""

    async def flush(self) -> bool:
        """Wait, for a limited time, until everything queued is durable; return True if it is.
        Cancelling only ends the wait."""

    async def is_any_taken(self, lookalikes: Collection[str]) -> bool:
        """Return True if a stored name has one of these skeletons."""

    async def find_account(self, name_key: str) -> Account | None:
        """Return the account with this name, or None."""


class SessionStore(Protocol):
    """Sessions on disk, for `Sessions`."""

    @property
    def is_full(self) -> bool:
        """True while too much waits for the disk to open more sessions."""

    def add_session(self, session: NewSession) -> None:
        """Queue a new session."""

    async def secure_endings(self, sessions: Collection[SessionId] | None = None) -> None:
        """Wait until every end of a session so far is durable.

        Raises StorageUnavailable if that fails for one of `sessions`; for any, by default.
        """

    async def find_ending(self, digest: bytes) -> Reason | None:
        """Return why the session with this token ended; None if it has not, or does not exist.
        Raises StorageUnavailable."""

    async def find_owner(self, digest: bytes) -> PlayerId | None:
        """Return the player whose session has or had this token. Raises StorageUnavailable."""
