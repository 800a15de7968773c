"""The engine: a `Database` that writes batches, runs queries and keeps its log short."""

import asyncio
import logging
import os
import shutil
import sqlite3
from contextlib import suppress
from functools import partial
from pathlib import Path

from server.base.files import beside
from server.base.waiting import stop
from server.ratings.limits import Limits as RatingLimits
from server.storage.batch import Batch
from server.storage.errors import StorageRefused
from server.storage.sqlite.backup import back_up
from server.storage.sqlite.database import Database, engine_error
from server.storage.sqlite.limits import SqliteLimits
from server.storage.sqlite.queries import Queries
from server.storage.sqlite.writer import write_batch

_log = logging.getLogger("stillhere.storage")


class SqliteEngine:
    """The `Engine` of `storage/ports.py` for SQLite; its methods are documented there."""

    def __init__(
        self,
        path: Path,
        limits: SqliteLimits,
        factory: type[sqlite3.Connection] = sqlite3.Connection,
        ratings: RatingLimits = RatingLimits(),
    ) -> None:
        """`factory`: the class of its connections; `ratings`: which matches count for ratings.
        Raises StorageRefused if `path` is not suitable for a database."""
        _check_path(path)
        self._path = path
        self._limits = limits
        self._ratings = ratings
        self.database = Database(path, self._limits, factory)
        self._log_keeper: asyncio.Task[None] | None = None
        self.reads = Queries(self.database, limits)
        self._space = 1, 1

    @property
    def name(self) -> str:
        return str(self._path)

    def local_file(self, ending: str) -> Path:
        # Beside the file itself, whatever links lead to it.
        return beside(self.database.file, ending)

    async def open(self) -> None:
        await self.database.open()
        self._log_keeper = asyncio.create_task(self._keep_log_short(), name="sqlite-log")

    async def write(self, batch: Batch) -> None:
        try:
            await self.database.write(partial(self._write, batch=batch))
        except sqlite3.Error as error:
            raise engine_error(error) from error

    async def close(self, *, is_refused: bool = False) -> None:
        keeper, self._log_keeper = self._log_keeper, None
        await stop(keeper)
        await self.database.close(is_refused=is_refused)

    def unmerged_bytes(self) -> int:
        return self.database.wal_bytes()

    def free_space(self) -> tuple[int, int]:
        return self._space

    def back_up(self, target: Path) -> int:
        return back_up(self._path, target, self._limits.copy_busy_timeout)

    def _write(self, connection: sqlite3.Connection, batch: Batch) -> None:
        write_batch(connection, batch, self._ratings)
        # On the thread of the writer: a disk that hangs may hang here too.
        with suppress(OSError):
            usage = shutil.disk_usage(self.database.file)
            self._space = usage.free, usage.total

    async def _keep_log_short(self) -> None:
        while True:
            await asyncio.sleep(self._limits.log_interval)
            if self.database.wal_bytes() <= self._limits.max_log_bytes:
                continue
            try:
                await self.database.shorten_wal()
            except sqlite3.Error as error:
                # Nothing depends on it, and it is tried again.
                _log.warning("the write-ahead log could not be cut off: %s", error)


def _check_path(path: Path) -> None:
    """Raise StorageRefused for paths that SQLite, or an operator, would misunderstand."""
    name = str(path)
    if name == ":memory:" or name.startswith("file:"):
        raise StorageRefused.of(
            name,
            "it has to be a file, named by its path; what is in memory only would be lost with the "
            "process",
        )
    if os.path.isdir(path):  # noqa: PTH112 - where it may not be asked, `is_dir` raises
        raise StorageRefused.of(name, "it is a folder; name a file, in it if you like")
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113
        raise StorageRefused.of(
            name,
            "it is a device, a pipe or a socket; name a file, which is made if it is not there",
        )
    folder = os.path.dirname(os.path.realpath(path))  # noqa: PTH120 - as above
    if not os.path.isdir(folder):  # noqa: PTH112
        raise StorageRefused.of(
            name, f"there is no folder {folder}; make it, or name a file in another"
        )
