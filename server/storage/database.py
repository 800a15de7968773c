"""The SQLite file: opened once for writing, once for reading, locked against a second server."""

import fcntl
import logging
import os
import sqlite3
from contextlib import AsyncExitStack
from pathlib import Path

import aiosqlite

from server.storage.errors import StorageRefused
from server.storage.migrations import migrate

_log = logging.getLogger("stillhere.storage")

_BUSY_MS = 1000
_SAFE_WAL = (3, 51, 3)
"""Before this version SQLite can corrupt a WAL that two connections write or checkpoint at the
same instant (sqlite.org/wal.html#walresetbug). One writes here; operators must know it too."""

_COMMON = f"PRAGMA busy_timeout = {_BUSY_MS}; PRAGMA foreign_keys = ON;"
# FULL: a commit is on the disk, not only in the system's memory, before it is told. The writer
# commits whatever has piled up at once, so that costs one fsync a batch.
_WRITER = (
    _COMMON
    + """
    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864;
"""
)
_READER = _COMMON + "PRAGMA query_only = ON;"


class Database:
    """Two connections to one file. The writer belongs to the journal, the reader to the queries;
    both are there between `open` and `close`."""

    writer: aiosqlite.Connection
    reader: aiosqlite.Connection

    def __init__(self, path: Path) -> None:
        self._path = path
        self._closing = AsyncExitStack()

    async def open(self) -> None:
        """Open, lock and migrate the file; it is made if it is not there. Raises StorageRefused."""
        path = self._path
        async with AsyncExitStack() as stack:
            stack.callback(os.close, _lock(path))
            try:
                self.writer = await stack.enter_async_context(_connect(path))
                await self.writer.executescript(_WRITER)
                await migrate(self.writer)
                self.reader = await stack.enter_async_context(_connect(path))
                await self.reader.executescript(_READER)
            except sqlite3.Error as error:
                raise StorageRefused(f"the database {path} cannot be used: {error}") from error
            self._closing = stack.pop_all()
        if sqlite3.sqlite_version_info < _SAFE_WAL:
            _log.info("SQLite %s: keep other writers off %s", sqlite3.sqlite_version, path)

    async def close(self) -> None:
        """Close both connections and give up the lock; doing it twice is as good as once."""
        await self._closing.aclose()


def _connect(path: Path) -> aiosqlite.Connection:
    # No isolation level: transactions are begun and committed where the code says so.
    return aiosqlite.connect(path, isolation_level=None)


def _lock(path: Path) -> int:
    """Hold a lock beside the file for as long as this process lives, whatever ends it."""
    try:
        lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StorageRefused(f"the database {path} cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise StorageRefused(
            f"another Still Here is running on {path}; stop it, or give this one its own database"
        ) from None
    return lock
