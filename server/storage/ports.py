"""The ports of the storage: what it provides to the server, and what it needs from an engine.

`Store` (`store.py`) provides all but `ActiveSessions`, which is the registry, and `Reads` and
`Engine`, which are an engine's (`sqlite/` is one); it also provides the ports of
`accounts/ports.py`. Reads of `Store` raise `StorageUnavailable`, and what `Asker.check` raises;
those of an engine `EngineError`.
"""

from collections.abc import Collection, Mapping, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from server.base.ids import MatchId, PlayerId
from server.presence.policy import Policy
from server.presence.session import LastActivity
from server.presence.status import Reason
from server.storage.batch import Batch
from server.storage.rows import (
    LastProcess,
    StoredAccount,
    StoredChange,
    StoredMatch,
    StoredMatches,
    StoredMoves,
    StoredPlayer,
    StoredRating,
    StoredRecord,
    StoredRoom,
    StoredStanding,
)


@dataclass(frozen=True, slots=True)
class StorageStatistics:
    """`waiting`: entries; `kept`: bytes of the rows queued since the start that last; `shed`:
    activities that were not queued; `failing_for`: seconds since writing fails, 0 if it does not;
    `unmerged_bytes`: as of the engine; `in_lifeboat`: sign-outs that are durable only there."""

    waiting: int
    kept: int
    shed: int
    failing_for: float
    unmerged_bytes: int
    in_lifeboat: int


class ActiveSessions(Protocol):
    """What the storage needs from presence; the registry provides it."""

    @property
    def policy(self) -> Policy:
        """The durations that explain endings in a history."""

    @property
    def sessions(self) -> Sized:
        """All live sessions."""

    def take_touched(self, limit: int | None = None) -> list[LastActivity]:
        """Take the last activities of sessions touched since this was last called, at most
        `limit`."""


class Asker(Protocol):
    """Who asks for a list or a history: they wait for their turn (`base/serving.py`)."""

    @property
    def path(self) -> Sequence[str]:
        """Their networks, widest first, and then themselves: places take turns."""

    def check(self) -> None:
        """Raise if they may not be answered any more. Called when it is their turn."""


class Players(Protocol):
    """Players, signed in or not."""

    async def find_player(self, id: PlayerId, asker: Asker) -> StoredPlayer | None:
        """Return a player by id."""

    async def offline_players(
        self, after: tuple[str, str], limit: int, asker: Asker
    ) -> list[StoredPlayer]:
        """Return offline players by name, after the key `after` = (sort_key, id)."""


class History(Protocol):
    """The changes of status."""

    async def history(
        self, player: PlayerId, before: int, limit: int, asker: Asker
    ) -> list[StoredChange]:
        """Return a player's changes, newest first, with numbers below `before`. They include
        everything before the call, unless writing fails."""


class Matches(Protocol):
    """Finished matches. A match in a private room is visible only to its players."""

    async def matches_of(
        self,
        player: PlayerId,
        viewer: PlayerId,
        before: tuple[int, str],
        limit: int,
        asker: Asker,
    ) -> StoredMatches:
        """Return a player's matches that `viewer` may see, newest first, after the key `before` =
        (ended_at, id); at most `limit`, or fewer, even none, though there are more. They include
        all that ended before the call, unless writing fails."""

    async def find_match(
        self, id: str, viewer: PlayerId | None, asker: Asker
    ) -> StoredMatch | None:
        """Return a match if `viewer` may see it; also one that ended just before the call, unless
        writing fails."""

    async def moves_of(self, id: MatchId, after: int, limit: int, asker: Asker) -> StoredMoves:
        """Return the moves of a match after the step `after`, in order; at most `limit`, or fewer
        if their actions are long."""


class Standings(Protocol):
    """Ratings, and who has the best."""

    async def standings(
        self, game: str, week: int | None, after: tuple[int, str], limit: int, asker: Asker
    ) -> list[StoredStanding]:
        """Return players by their rating at a game, the best first; or by what they gained in a
        week, by its number. `after` = (rating or gain, player's id) of the last one before."""

    async def ratings_of(
        self, player: PlayerId, asker: Asker
    ) -> tuple[list[StoredRating], list[StoredRecord]]:
        """Return a player's ratings and records, by game; with what ended just before the call,
        unless writing fails."""


class Health(Protocol):
    """The state of the storage."""

    def statistics(self) -> StorageStatistics:
        """Return the state of the journal."""

    async def readiness(self) -> str | None:
        """Return why the storage cannot be used, as a sentence; None if it can."""


class Archive(Protocol):
    """What a start takes over from the last process."""

    def give_up(self, room: StoredRoom) -> None:
        """Close a room that cannot be restored, and abandon its match."""


class Reads(Protocol):
    """The reads of an engine, available between `open` and `close`. Each returns a copy, of a page
    at most; no transaction stays open. A cancelled one stops. Those for accounts, sessions and
    `check` wait for none of the others."""

    async def owners_of(self, lookalikes: Collection[str]) -> Mapping[str, PlayerId]:
        """Return the players whose stored names have these skeletons, by skeleton."""

    async def find_account(self, name_key: str) -> StoredAccount | None:
        """Return the account with this name, or None."""

    async def find_ending(self, digest: bytes) -> Reason | None:
        """Return why the session with this token ended; None if it has not, or does not exist."""

    async def find_owner(self, digest: bytes) -> PlayerId | None:
        """Return the player whose session has or had this token."""

    async def find_player(self, id: PlayerId) -> StoredPlayer | None:
        """As in `Players`."""

    async def offline_players(self, after: tuple[str, str], limit: int) -> list[StoredPlayer]:
        """As in `Players`."""

    async def history(self, player: PlayerId, before: int, limit: int) -> list[StoredChange]:
        """As in `History`, of what is written."""

    async def matches_of(
        self, player: PlayerId, viewer: PlayerId, before: tuple[int, str], limit: int
    ) -> StoredMatches:
        """As in `Matches`, of what is written."""

    async def find_match(self, id: str, viewer: PlayerId | None) -> StoredMatch | None:
        """As in `Matches`, of what is written."""

    async def moves_of(self, id: MatchId, after: int, limit: int) -> StoredMoves:
        """As in `Matches`."""

    async def standings(
        self, game: str, week: int | None, after: tuple[int, str], limit: int
    ) -> list[StoredStanding]:
        """As in `Standings`."""

    async def ratings_of(self, player: PlayerId) -> tuple[list[StoredRating], list[StoredRecord]]:
        """As in `Standings`."""

    async def last_process(self) -> LastProcess:
        """Return the sessions that have not ended and the rooms that are open, oldest first."""

    async def check(self) -> None:
        """Read anything, to see whether reading works."""


class Engine(Protocol):
    """A database. Its methods raise EngineError unless documented otherwise.

    All writes go through `write`. A cancelled call may still complete; later calls wait for it.
    """

    @property
    def name(self) -> str:
        """Its name for the operator."""

    @property
    def reads(self) -> Reads:
        """Its reads."""

    def local_file(self, ending: str) -> Path:
        """Return the path of a file beside this database, such as the lifeboat or the keys;
        `ending` is its suffix."""

    async def open(self) -> None:
        """Open the database, create it if needed, and migrate it. No other process can use it until
        it is closed. Raises StorageRefused after closing everything."""

    async def write(self, batch: Batch) -> None:
        """Write all of a batch or nothing, in one transaction; it is durable on return."""

    async def close(self, *, is_refused: bool = False) -> None:
        """Close the database. Idempotent. `is_refused`: the server does not start; remove what
        `open` created. Does not raise, and returns even if the disk does not answer."""

    def unmerged_bytes(self) -> int:
        """Return the bytes that are durable but not yet in the main file, such as a write-ahead
        log; 0 for engines without one."""

    def free_space(self) -> tuple[int, int]:
        """Return the bytes that are free where the database is, and all there are, as of the last
        write."""

    def back_up(self, target: Path) -> int:
        """Copy the database to a new file, whether a server is running on it or not; return the
        bytes of the copy. Raises StorageRefused."""
