"""What this package needs of the storage; `server/storage/store.py` provides it."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from server.accounts.names import Name
from server.base.ids import PlayerId, SessionId
from server.presence.session import Device, Session
from server.presence.status import Reason, Status


class StorageUnavailable(Exception):
    """The disk did not do what was asked of it. `str()` is a sentence for the caller."""


@dataclass(frozen=True, slots=True)
class Account:
    """A player as stored. `password_hash` is None for a guest."""

    id: PlayerId
    name: str
    sort_key: str
    guest: bool
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that begins. Instants are presence time; `digest`: of its token."""

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
    """Accounts on disk, for `Accounts`. The `add_` and `remove_` methods queue and return; how long
    a call waits for the disk is the store's to decide. Reads raise StorageUnavailable."""

    @property
    def is_failing(self) -> bool:
        """True while the disk is known to take nothing."""

    @property
    def is_full(self) -> bool:
        """True while so much waits for the disk that nobody more can be let in."""

    def add_account(self, account: Account, name: Name, created_at: float) -> asyncio.Future[None]:
        """Queue a new player; `created_at` is a presence instant. The future is done when the
        row is durable."""

    def remove_account(self, id: PlayerId) -> None:
        """Queue the removal of a player who has never had a session."""

    def set_password(self, id: PlayerId, password_hash: str) -> None:
        """Queue another password of a player."""

    async def is_written(self) -> bool:
        """Wait, for a limited time, until everything queued is durable; returns whether it is.
        Cancelling ends the wait only."""

    async def is_any_taken(self, lookalikes: Collection[str]) -> bool:
        """True if a stored name has one of these skeletons."""

    async def find_account(self, name_key: str) -> Account | None:
        """The account that signs in with this name."""


class SessionStore(Protocol):
    """Sessions on disk, for `Sessions`."""

    @property
    def is_full(self) -> bool:
        """True while so much waits for the disk that nobody more can be let in."""

    def add_session(self, session: NewSession) -> None:
        """Queue a new session."""

    async def secure_endings(self) -> None:
        """Wait until no session that has ended so far can come back, whatever happens.

        Raises StorageUnavailable where that cannot be had.
        """

    async def find_ending(self, digest: bytes) -> Reason | None:
        """Why the session with this token ended; None: it has not, or there was none. Raises
        StorageUnavailable."""
