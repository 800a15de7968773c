"""The SQLite file: opened once for writing, once for reading, locked against a second server."""

import asyncio
import logging
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from server.base.units import to_ms
from server.base.waiting import within
from server.storage.errors import EngineError, StorageRefused
from server.storage.locks import LockedFile, open_locked
from server.storage.sqlite.limits import SqliteLimits
from server.storage.sqlite.migrations import migrate
from server.storage.thread import DaemonThread

T = TypeVar("T")

_log = logging.getLogger("stillhere.storage")

_LOCK = ".lock"
"""What the name of the file ends in that is locked, after the database's. The lifeboat is locked
too: an operator may take a lock file for a stale one and delete it."""

SAFE_WAL = ((3, 51, 3), (3, 50, 7), (3, 44, 6))
"""From the first on, and in the last releases of two older lines, SQLite does not corrupt a WAL
that two connections write or checkpoint at the same instant (sqlite.org/wal.html#walresetbug)."""

# FULL: a commit is on the disk, not only in the system's memory, before it returns. The writer
# commits whatever has piled up at once, so that costs one fsync a batch: sessions, sign-outs and
# passwords need it, and it costs the other rows of the batch nothing.
_WRITER = """
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 1000;
"""


class Database:
    """Two connections to one file, between `open` and `close`.

    The writer is `sqlite3`'s and has a thread of its own, on which `write` has it do one thing
    after another; nothing else writes or checkpoints. The reader is aiosqlite's.
    """

    def __init__(self, path: Path, limits: SqliteLimits, factory: type[sqlite3.Connection]) -> None:
        """`factory`: the class of both connections."""
        self._path = path
        self.file = real_path(path)
        self._limits = limits
        self._factory = factory
        self._wal = self.file.with_name(self.file.name + "-wal")
        self._thread = DaemonThread("sqlite-writer")
        self._writer: sqlite3.Connection | None = None
        self._reader: aiosqlite.Connection | None = None
        self._lock: LockedFile | None = None
        self._is_new = False

    async def open(self) -> None:
        """Open, lock, check and migrate the file; it is made if it is not there.

        Reads all of it once (`quick_check`). Raises StorageRefused, and leaves nothing open then,
        and no file that was not there.
        """
        try:
            lock = open_locked(self.file.with_name(self.file.name + _LOCK), str(self._path))
            self._lock = lock
            self._is_new = not os.path.lexists(self.file)  # noqa: ASYNC240 - as the lock, at once
            _refuse_other_names(self.file, self._path)
            await self._call(self._open_writer)
            self._reader = await self._open_reader()
        except BaseException as error:
            await self.close(is_refused=True)
            if isinstance(error, sqlite3.Error):
                raise storage_refused(self._path, error) from error
            raise
        if not _is_safe(sqlite3.sqlite_version_info):
            _log.warning(
                "SQLite %s can corrupt a database that two programs write at the same instant: "
                "open %s with other programs for reading only",
                sqlite3.sqlite_version,
                self._path,
            )

    @property
    def reader(self) -> aiosqlite.Connection:
        """The connection that can write nothing. Raises sqlite3.Error if there is none."""
        if self._reader is None:
            raise sqlite3.ProgrammingError("the database is not open")
        return self._reader

    async def write(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Call `function` with the writer, on its thread, after all earlier calls. Raises what it
        raises, and sqlite3.Error if there is no writer.

        Where this is cancelled while it runs, `function` runs to its end.
        """
        return await self._call(lambda: function(self._connected()))

    async def close(self, *, is_refused: bool = False) -> None:
        """Close both connections and give up the lock. Idempotent. `is_refused`: the server does
        not start, and the files that `open` made are removed."""
        await self._disconnect()
        lock, self._lock = self._lock, None
        if lock is None:
            return
        if not is_refused:
            lock.close()
            return
        if self._is_new:
            self.file.unlink(missing_ok=True)
        lock.discard()

    async def _disconnect(self) -> None:
        reader, self._reader = self._reader, None
        try:
            await within(self._limits.closing_timeout, self._close_both(reader))
        except (sqlite3.Error, TimeoutError) as error:
            # What was committed is safe; nothing depends on the rest.
            _log.error("%s could not be closed: %s", self._path, str(error) or "it does not answer")
        self._thread.shutdown()

    async def _close_both(self, reader: aiosqlite.Connection | None) -> None:
        if reader is not None:
            await reader.close()
        if self._thread.is_running:
            # Also where `open` was cancelled: the thread may still be about to connect.
            await self._call(self._close_writer)

    def wal_bytes(self) -> int:
        """The size of the write-ahead log; 0 where there is none."""
        try:
            return self._wal.stat().st_size
        except OSError:
            return 0

    async def shorten_wal(self) -> None:
        """Bring the write-ahead log into the database and cut it off, unless another program reads
        in it. Raises sqlite3.Error."""
        await self.write(self._shorten_wal)

    async def _call(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    # On the writer's thread

    def _open_writer(self) -> None:
        # For its owner only; SQLite gives its other files the same mode. What cannot be made, it
        # says better.
        with suppress(OSError):
            os.close(os.open(self.file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        self._writer = writer = sqlite3.connect(self._address("rwc"), **self._options)
        writer.executescript(self._common)
        # Before the file is changed: `_WRITER` makes it one with a write-ahead log.
        _refuse_foreign(writer, self._path)
        writer.executescript(_WRITER)
        writer.execute(f"PRAGMA journal_size_limit = {self._limits.max_log_bytes}").fetchall()
        for (found,) in writer.execute("PRAGMA quick_check(1)").fetchall():
            if found != "ok":
                error = sqlite3.DatabaseError(" ".join(str(found).split()))
                error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
                raise error
        migrate(writer)

    def _shorten_wal(self, writer: sqlite3.Connection) -> None:
        # Without waiting: every write would wait with it for a long read of another program.
        writer.execute("PRAGMA busy_timeout = 0").fetchall()
        try:
            writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            writer.executescript(self._common)

    def _close_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _connected(self) -> sqlite3.Connection:
        if self._writer is None:
            raise sqlite3.ProgrammingError("the database is not open")
        return self._writer

    # Connections

    def _address(self, mode: str) -> str:
        return f"{self.file.as_uri()}?mode={mode}"

    @property
    def _options(self) -> dict[str, Any]:
        # No isolation level: transactions are begun and committed where the code says so.
        return {"uri": True, "isolation_level": None, "factory": self._factory}

    async def _open_reader(self) -> aiosqlite.Connection:
        # Made on the writer's thread, which is a daemon, and so is each thread that it makes:
        # aiosqlite's own would keep the process from exiting until it is closed.
        reader = await self._call(partial(aiosqlite.connect, self._address("ro"), **self._options))
        await reader
        try:
            await reader.executescript(f"{self._common} PRAGMA query_only = ON;")
        except BaseException:
            await reader.close()
            raise
        return reader

    @property
    def _common(self) -> str:
        return f"""
            PRAGMA busy_timeout = {to_ms(self._limits.busy_timeout)};
            PRAGMA foreign_keys = ON;
            PRAGMA trusted_schema = OFF;
        """


def real_path(path: Path) -> Path:
    """Where the file is that `path` leads to, absolute: what lies beside it lies there. A link of
    today may lead elsewhere tomorrow, or another link to the same file."""
    return Path(os.path.realpath(path))


def engine_error(error: sqlite3.Error) -> EngineError:
    """The same for the rest of the server."""
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    advice: str | None = None
    match code:
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            advice = (
                f"it is damaged: {error}; restore a backup of it, or move it away to begin with "
                "an empty one"
            )
        case sqlite3.SQLITE_BUSY:
            advice = "another program has locked it; end that, and start again"
        case _:
            pass
    return EngineError(str(error), advice)


def storage_refused(path: Path, error: sqlite3.Error) -> StorageRefused:
    """What to tell an operator whose database could not be opened."""
    return StorageRefused(f"the database {path} cannot be used: {engine_error(error).advice}")


def _is_safe(version: tuple[int, int, int]) -> bool:
    newest, *backports = SAFE_WAL
    return version >= newest or any(
        version[:2] == line[:2] and version >= line for line in backports
    )


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


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    """Another program keeps its tables in this file, and would find the server's among them."""
    found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    tables = [name for (name,) in found]
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    # The first migration makes its tables and sets the version in one transaction.
    if tables and (version == 0 or "players" not in tables):
        raise StorageRefused(
            f"the database {path} cannot be used: another program's table {tables[0]!r} is in it; "
            "name another file, which is made if it is not there"
        )
