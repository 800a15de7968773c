"""The storage as the rest of the server sees it: opened, reconciled, written to, closed."""

import asyncio
import sqlite3
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from server import __version__
from server.accounts.names import Name
from server.accounts.ports import Account
from server.clock import Clock
from server.presence.registry import Registry
from server.presence.session import Session
from server.presence.status import Reason
from server.storage.database import Database
from server.storage.journal import Journal
from server.storage.queries import Queries, StoredSession


class Store:
    """One database: the journal that writes it, the queries that read it, and its boot row.

    It is the `AccountStore` of `server/accounts/ports.py`.
    """

    def __init__(self, path: Path, registry: Registry, clock: Clock) -> None:
        self._database = Database(path)
        self._clock = clock
        self._boot: int | None = None
        self.journal = Journal(self._database, registry, clock)
        self.queries = Queries(self._database)

    async def open(self) -> tuple[list[StoredSession], bool]:
        """Open the database, making it if need be, write the boot row, and begin to write.

        Returns the sessions to be restored, and whether the last process stopped in order (or
        there was none). Raises StorageRefused.
        """
        await self._database.open()
        writer = self._database.writer
        last = list(
            await writer.execute_fetchall("SELECT stopped_at FROM boots ORDER BY id DESC LIMIT 1")
        )
        in_order = all(row[0] is not None for row in last)
        cursor = await writer.execute(
            "INSERT INTO boots (started_at, version) VALUES (?, ?)",
            (self._clock.to_wall(self._clock.now()), __version__),
        )
        self._boot = cursor.lastrowid
        await cursor.close()
        self.journal.start()
        return await self.queries.live_sessions(), in_order

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

    # What the accounts need

    def add_account(self, account: Account, name: Name, created_at: float) -> asyncio.Future[None]:
        return self.journal.add_account(account, name, created_at)

    def add_session(self, session: Session, digest: bytes) -> None:
        self.journal.add_session(session, digest)

    async def flush(self) -> None:
        await self.journal.flush()

    async def is_any_taken(self, lookalikes: Collection[str]) -> bool:
        return await self.queries.is_any_taken(lookalikes)

    async def find_account(self, name_key: str) -> Account | None:
        return await self.queries.find_account(name_key)

    async def find_ending(self, digest: bytes) -> Reason | None:
        return await self.queries.find_ending(digest)
