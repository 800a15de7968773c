"""The SQLite file: opened once for writing, once for reading, locked against a second server."""

import asyncio
import fcntl
import logging
import os
import sqlite3
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeAlias

import aiosqlite

from server.storage.errors import StorageRefused
from server.storage.lifeboat import LIFEBOAT
from server.storage.sqlite.migrations import migrate

_log = logging.getLogger("stillhere.storage")

BUSY = 1.0
"""Seconds for which a call waits for somebody else's lock before it fails, and is tried again."""

LARGE_WAL = 8 * 1024 * 1024
"""Bytes of write-ahead log, twice of what a checkpoint lets it become: somebody's long read has
kept it from being used again, and it is cut off as soon as that is over."""

_LOCK = ".lock"
"""What only a lock is on. The lifeboat is locked too: people take a lock file for a stale one, and
delete it, and would have let a second server in."""

_CLOSING = 3.0
"""Seconds to close in. A disk that does not answer must not keep the process from stopping."""

_SAFE_WAL = ((3, 51, 3), (3, 50, 7), (3, 44, 6))
"""From the first on, and in the last releases of two older lines, SQLite does not corrupt a WAL
that two connections write or checkpoint at the same instant (sqlite.org/wal.html#walresetbug)."""

_COMMON = f"""
    PRAGMA busy_timeout = {BUSY * 1000:.0f};
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
"""
# FULL: a commit is on the disk, not only in the system's memory, before it is told. The writer
# commits whatever has piled up at once, so that costs one fsync a batch. It is stated once for all
# rows: sessions, sign-outs and passwords need it, and what else is in the batch comes for free.
_WRITER = f"""
    {_COMMON}
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 1000;
    PRAGMA journal_size_limit = {LARGE_WAL};
"""
_READER = f"{_COMMON} PRAGMA query_only = ON;"

Connect: TypeAlias = Callable[..., aiosqlite.Connection]
"""Makes a connection: the file's address first, then what `sqlite3.connect` takes."""


def connect(address: str, **options: Any) -> aiosqlite.Connection:
    """A connection whose thread ends with the process, closed or not.

    aiosqlite's own threads keep an interpreter from exiting for as long as nobody closes them.
    """
    connection = aiosqlite.connect(address, **options)
    connection._thread.daemon = True
    return connection


class Database:
    """Two connections to one file. The writer belongs to the journal, and nobody else writes or
    checkpoints; the reader belongs to the queries. Both are there between `open` and `close`."""

    writer: aiosqlite.Connection
    reader: aiosqlite.Connection

    def __init__(self, path: Path, connect: Connect = connect) -> None:
        self._path = path
        self.file = real_path(path)
        self._wal = self.file.with_name(self.file.name + "-wal")
        self._connect = connect
        self._closing = AsyncExitStack()

    async def open(self) -> None:
        """Open, lock, check and migrate the file; it is made if it is not there.

        Reads all of it once (`quick_check`). Raises StorageRefused.
        """
        path = self._path
        # No isolation level: transactions are begun and committed where the code says so.
        options: dict[str, Any] = {"uri": True, "isolation_level": None}
        address = self.file.as_uri()
        async with AsyncExitStack() as stack:
            for lock in (_LOCK, LIFEBOAT):
                stack.callback(os.close, _lock(self.file.with_name(self.file.name + lock), path))
            _refuse_other_names(self.file, path)
            try:
                self.writer = await stack.enter_async_context(
                    self._connect(f"{address}?mode=rwc", **options)
                )
                await self.writer.executescript(_WRITER)
                await _check(self.writer)
                await migrate(self.writer)
                self.reader = await stack.enter_async_context(
                    self._connect(f"{address}?mode=ro", **options)
                )
                await self.reader.executescript(_READER)
            except sqlite3.Error as error:
                raise refusal(path, error) from error
            self._closing = stack.pop_all()
        if not _is_safe(sqlite3.sqlite_version_info):
            _log.warning(
                "SQLite %s can corrupt a database that two programs write at the same instant: "
                "open %s with other programs for reading only",
                sqlite3.sqlite_version,
                path,
            )

    async def close(self) -> None:
        """Close both connections and give up the lock; doing it twice is as good as once."""
        try:
            async with asyncio.timeout(_CLOSING):
                await self._closing.aclose()
        except (sqlite3.Error, TimeoutError) as error:
            # What was committed is safe; nothing depends on the rest.
            _log.error("%s could not be closed: %s", self._path, error or "it does not answer")

    def wal_bytes(self) -> int:
        """The size of the write-ahead log; 0 where there is none."""
        try:
            return self._wal.stat().st_size
        except OSError:
            return 0

    async def shorten_wal(self) -> None:
        """Bring the write-ahead log into the database and cut it off, unless somebody reads in it.

        For the journal, between two transactions. Raises sqlite3.Error.
        """
        # Without patience: whoever reads for long would have every write wait for them.
        await self.writer.execute("PRAGMA busy_timeout = 0")
        try:
            await self.writer.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            await self.writer.execute(f"PRAGMA busy_timeout = {BUSY * 1000:.0f}")


def real_path(path: Path) -> Path:
    """Where the file is that `path` leads to, absolute: what lies beside it lies there. A link of
    today may lead elsewhere tomorrow, or another link to the same file."""
    return Path(os.path.realpath(path))


def refusal(path: Path, error: sqlite3.Error) -> StorageRefused:
    """What to tell an operator whose database could not be opened."""
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    match code:
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return StorageRefused(
                f"the database {path} cannot be used, it is damaged: {error}; restore a backup "
                "of it, or move it away to begin with an empty one"
            )
        case sqlite3.SQLITE_BUSY:
            return StorageRefused(
                f"the database {path} cannot be used: another program has locked it; end that, "
                "and start again"
            )
        case _:
            return StorageRefused(f"the database {path} cannot be used: {error}")


async def _check(connection: aiosqlite.Connection) -> None:
    for (found,) in await connection.execute_fetchall("PRAGMA quick_check(1)"):
        if found != "ok":
            error = sqlite3.DatabaseError(" ".join(str(found).split()))
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error


def _is_safe(version: tuple[int, int, int]) -> bool:
    newest, *backports = _SAFE_WAL
    return version >= newest or any(
        version[:2] == line[:2] and version >= line for line in backports
    )


def _lock(beside: Path, path: Path) -> int:
    """Hold a lock on the file `beside` that of `path`, for as long as this process lives."""
    try:
        lock = os.open(beside, os.O_RDWR | os.O_CREAT, 0o600)
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


def _refuse_other_names(file: Path, path: Path) -> None:
    """A second server would find no lock, and no log, beside the other name."""
    try:
        names = file.stat().st_nlink
    except OSError:
        return  # not there yet, or SQLite will say why
    if names > 1:
        raise StorageRefused(
            f"the database {path} cannot be used: the same file has {names} names (hard links), "
            "and nothing would keep a second server off the others; remove them, or copy it"
        )
