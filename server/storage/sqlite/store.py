"""The storage as the rest of the server sees it: opened, reconciled, written to, closed."""

import asyncio
import logging
import sqlite3
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from server import __version__
from server.accounts.names import Name
from server.accounts.ports import Account, StorageUnavailable
from server.base.clock import Clock
from server.base.ids import PlayerId
from server.presence.registry import Registry
from server.presence.session import Session
from server.presence.status import Reason
from server.storage.errors import StorageRefused
from server.storage.journal import Journal
from server.storage.lifeboat import Ending, Lifeboat, lifeboat_path, rows_of
from server.storage.room_rows import StoredRoom
from server.storage.sqlite.database import Connect, Database, connect, refusal
from server.storage.sqlite.queries import Queries, StoredSession

_log = logging.getLogger("stillhere.storage")


class Left(NamedTuple):
    """What the last process left. `killed_since`: the Unix milliseconds at which it had started,
    if it did not stop in order."""

    sessions: list[StoredSession]
    rooms: list[StoredRoom]
    killed_since: int | None


class Store:
    """One database: the journal that writes it, the queries that read it, and its boot row.

    It is the `AccountStore` of `server/accounts/ports.py`.
    """

    def __init__(
        self,
        path: Path,
        registry: Registry,
        clock: Clock,
        connect: Connect = connect,
    ) -> None:
        self._path = path
        self._registry = registry
        self._clock = clock
        self._boot: int | None = None
        self._database = Database(path, connect)
        self._lifeboat = Lifeboat(lifeboat_path(self.file))
        self.journal = Journal(self._database, self._lifeboat, registry, clock)
        self.queries = Queries(self._database)

    @property
    def file(self) -> Path:
        """The database's file itself, wherever the path it was named by leads tomorrow."""
        return self._database.file

    async def open(self) -> Left:
        """Open the database, making it if need be, write the boot row, and begin to write.

        Returns what is to be restored. Raises StorageRefused, and leaves nothing open then.
        """
        try:
            await self._database.open()
            return await self._take_over()
        except BaseException:
            await self.close()
            raise

    async def _take_over(self) -> Left:
        writer = self._database.writer
        try:
            saved = self._lifeboat.open()
            if saved:
                await self._apply(saved)
            last = list(
                await writer.execute_fetchall(
                    "SELECT started_at, stopped_at FROM boots ORDER BY id DESC LIMIT 1"
                )
            )
            cursor = await writer.execute(
                "INSERT INTO boots (started_at, version) VALUES (?, ?)",
                (self._clock.to_wall(self._clock.now()), __version__),
            )
            self._boot = cursor.lastrowid
            await cursor.close()
            sessions = await self.queries.live_sessions()
            rooms = await self.queries.open_rooms()
        except sqlite3.Error as error:
            raise refusal(self._path, error) from error
        except (OSError, StorageUnavailable) as error:
            raise StorageRefused(f"the database {self._path} cannot be used: {error}") from error
        self.journal.start()
        killed = [started_at for started_at, stopped_at in last if stopped_at is None]
        return Left(sessions, rooms, killed[0] if killed else None)

    async def _apply(self, saved: list[Ending]) -> None:
        """Have the database know what only the lifeboat did."""
        writer = self._database.writer
        await (await rows_of(saved, writer, self._registry.policy)).write(writer)
        await self._lifeboat.clear(list)
        _log.warning("%d sign-outs that the database had not taken are in it now", len(saved))

    async def close(self) -> None:
        """Write what is left, note the stop, and close. Doing it twice is as good as once."""
        await self.journal.close()
        if self._boot is not None and self.journal.statistics().waiting == 0:
            boot, self._boot = self._boot, None
            # Where it fails, the next start counts this one as stopped out of order, rightly.
            with suppress(sqlite3.Error):
                await self._database.writer.execute(
                    "UPDATE boots SET stopped_at = ? WHERE id = ?",
                    (self._clock.to_wall(self._clock.now()), boot),
                )
        await self._database.close()
        self._lifeboat.close()

    async def flush(self) -> None:
        """Wait until all that was queued is durable, however long that takes."""
        await self.journal.flush(patience=None)

    # What the accounts need

    def add_account(self, account: Account, name: Name, created_at: float) -> asyncio.Future[None]:
        return self.journal.add_account(account, name, created_at)

    def add_session(self, session: Session, digest: bytes) -> None:
        self.journal.add_session(session, digest)

    @property
    def is_failing(self) -> bool:
        return self.journal.is_failing

    @property
    def is_full(self) -> bool:
        return self.journal.is_full

    def remove_account(self, id: PlayerId) -> None:
        self.journal.remove_account(id)

    async def is_written(self) -> bool:
        return await self.journal.flush()

    async def secure_endings(self) -> None:
        await self.journal.secure_endings()

    async def is_any_taken(self, lookalikes: Collection[str]) -> bool:
        # Asked first: of who is freed meanwhile, the disk knows it, or they are still in the way.
        freed = self.journal.freed_names()
        return bool(await self.queries.owners_of(lookalikes) - freed)

    async def find_account(self, name_key: str) -> Account | None:
        return await self.queries.find_account(name_key)

    async def find_ending(self, digest: bytes) -> Reason | None:
        return await self.queries.find_ending(digest)
