"""The ports of the storage: what the server needs of it, and what it needs of an engine.

`Store` (`store.py`) provides the first five, and those that `accounts/ports.py` declares; an engine
(`sqlite/` is one) provides `Engine` with its `Reads`. Whatever is read raises `StorageUnavailable`
at the first, `EngineError` at an engine.
"""

from collections.abc import Collection, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from server.accounts.ports import Account
from server.base.ids import MatchId, PlayerId
from server.presence.policy import Policy
from server.presence.session import LastActivity
from server.presence.status import Reason
from server.storage.batch import Batch
from server.storage.rows import (
    LastProcess,
    StoredChange,
    StoredMatch,
    StoredMove,
    StoredPlayer,
    StoredRoom,
)


@dataclass(frozen=True, slots=True)
class StorageStatistics:
    """`waiting`, `written`: entries; `shed`: activity that was not queued; `failing_for`: seconds
    since the disk last took anything, 0 when it does; `why` it fails; `unmerged_bytes`: as of the
    engine; `in_lifeboat`: sign-outs that are safe there only."""

    waiting: int
    written: int
    shed: int
    failing_for: float
    why: str | None
    unmerged_bytes: int
    in_lifeboat: int


class ActiveSessions(Protocol):
    """What the storage asks of presence, whose registry provides it."""

    @property
    def policy(self) -> Policy:
        """The figures by which endings are explained in a history."""

    @property
    def sessions(self) -> Sized:
        """The sessions there are."""

    def take_touched(self, limit: int | None = None) -> list[LastActivity]:
        """The last activities of sessions that had one since they were last taken, at most `limit`
        of them."""


class Players(Protocol):
    """Players, signed in or not."""

    async def find_player(self, id: PlayerId) -> StoredPlayer | None:
        """A player by id."""

    async def offline_players(self, after: tuple[str, str], limit: int) -> list[StoredPlayer]:
        """Players who are offline, by name, behind the key `after` = (sort_key, id)."""


class History(Protocol):
    """The changes of status."""

    async def history(self, player: PlayerId, before: int, limit: int) -> list[StoredChange]:
        """A player's changes, newest first, with numbers below `before`. Whatever happened before
        the call is among them, unless writing fails."""


class Matches(Protocol):
    """Finished matches. One in a private room is shown only to those who played in it."""

    async def matches_of(
        self, player: PlayerId, viewer: PlayerId, before: tuple[int, str], limit: int
    ) -> list[StoredMatch]:
        """A player's matches that `viewer` may see, the last one first, behind the key `before` =
        (ended_at, id). Whatever ended before the call is among them, unless writing fails."""

    async def find_match(self, id: str, viewer: PlayerId | None) -> StoredMatch | None:
        """A match, if `viewer` may see it."""

    async def moves_of(self, id: MatchId) -> list[StoredMove]:
        """Every move of a match, in order."""


class Health(Protocol):
    """How the storage is doing."""

    def statistics(self) -> StorageStatistics:
        """The state of the journal, at this instant."""

    async def readiness(self) -> str | None:
        """Why the storage cannot be used at present, as a sentence; None: it can be."""


class Archive(Protocol):
    """What a start takes over."""

    def give_up(self, room: StoredRoom) -> None:
        """Close a room of the last process that cannot be restored, and abandon its match."""


class Reads(Protocol):
    """What an engine can be asked, at any time between `open` and `close`. Each answer is a copy,
    a page at the most; no transaction stays open."""

    async def owners_of(self, lookalikes: Collection[str]) -> set[PlayerId]:
        """The players whose stored names have one of these skeletons."""

    async def find_account(self, name_key: str) -> Account | None:
        """The account that signs in with this name."""

    async def find_ending(self, digest: bytes) -> Reason | None:
        """Why the session with this token ended; None: it has not, or there was none."""

    async def find_player(self, id: PlayerId) -> StoredPlayer | None:
        """As in `Players`."""

    async def offline_players(self, after: tuple[str, str], limit: int) -> list[StoredPlayer]:
        """As in `Players`."""

    async def history(self, player: PlayerId, before: int, limit: int) -> list[StoredChange]:
        """As in `History`, of what is written."""

    async def matches_of(
        self, player: PlayerId, viewer: PlayerId, before: tuple[int, str], limit: int
    ) -> list[StoredMatch]:
        """As in `Matches`, of what is written."""

    async def find_match(self, id: str, viewer: PlayerId | None) -> StoredMatch | None:
        """As in `Matches`, of what is written."""

    async def moves_of(self, id: MatchId, from_step: int, limit: int) -> list[StoredMove]:
        """The moves of a match from this step on, in order, at most `limit` of them."""

    async def last_process(self) -> LastProcess:
        """The sessions that have not ended and the rooms that have not closed, oldest first."""

    async def check(self) -> None:
        """Read anything."""


class Engine(Protocol):
    """A database. Its methods raise EngineError where they fail, if they do not say otherwise.

    Everything that is written goes through `write`. A call that is cancelled may still be carried
    out; those that follow wait for it.
    """

    @property
    def name(self) -> str:
        """What an operator calls it."""

    @property
    def reads(self) -> Reads:
        """What can be read of it."""

    def local_file(self, ending: str) -> Path:
        """Where a file lies that belongs to this database and is not in it, such as the lifeboat
        and the keys; `ending` tells such files apart."""

    async def open(self) -> None:
        """Open the database, make it if need be, and bring it up to date. No other process can use
        it until it is closed. Raises StorageRefused, and leaves nothing open then."""

    async def write(self, batch: Batch) -> None:
        """Write all of a batch or nothing, in one transaction; it is durable on return."""

    async def close(self, *, is_refused: bool = False) -> None:
        """Close it. Idempotent. `is_refused`: the server does not start after all, and what `open`
        has made is removed. Raises nothing, and returns even if the disk does not answer."""

    def unmerged_bytes(self) -> int:
        """What is durable beside the database and has yet to be brought into it, where an engine
        writes like that; else 0."""

    def back_up(self, target: Path) -> int:
        """Copy the database to a new file, whether a server runs on it or not; returns the bytes
        of the copy. Raises StorageRefused."""
