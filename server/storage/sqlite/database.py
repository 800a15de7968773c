"""The SQLite file: a connection that writes, two that read, and a lock against other servers."""

import asyncio
import logging
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from server.base.files import beside, create_private
from server.base.units import to_ms
from server.base.waiting import within
from server.storage.errors import EngineError, StorageRefused
from server.storage.locks import LockedFile, open_locked
from server.storage.sqlite.limits import SqliteLimits
from server.storage.sqlite.migrations import migrate
from server.storage.sqlite.reader import Reader
from server.storage.thread import DaemonThread

T = TypeVar("T")

_log = logging.getLogger("stillhere.storage")

_LOCK = ".lock"
"""The suffix of the lock file, after the name of the database. The lifeboat is locked too, as an
operator may delete a lock file that looks stale."""

SAFE_WAL = ((3, 51, 3), (3, 50, 7), (3, 44, 6))
"""Versions from the first on, and from the others on in their release lines, do not corrupt a WAL
that two connections write or checkpoint at once (sqlite.org/wal.html#walresetbug)."""

# FULL: a commit is on the disk, not only in the system's memory, before it returns. Sessions,
# sign-outs and passwords need that; the other rows of the batch share its one fsync.
_WRITER = """
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 1000;
"""


class Database:
    """Three connections to one file, between `open` and `close`, each on a thread of its own.

    The writer runs the calls of `write` in order; nothing else writes or checkpoints. Whoever signs
    in never waits for a read of somebody who browses.
    """

    def __init__(self, path: Path, limits: SqliteLimits, factory: type[sqlite3.Connection]) -> None:
        """`factory`: the class of the connections."""
        self._path = path
        self.file = real_path(path)
        self._limits = limits
        self._factory = factory
        self._wal = beside(self.file, "-wal")
        self._thread = DaemonThread("sqlite-writer")
        self._writer: sqlite3.Connection | None = None
        self.signing_in = self._make_reader()
        """Reads for accounts, sessions and the state of the server: of a few rows each."""
        self.browsing = self._make_reader()
        """Reads for lists and histories."""
        self._lock: LockedFile | None = None
        self._is_new = False

    async def open(self) -> None:
        """Open, lock, check and migrate the file; create it if it does not exist.

        Reads all of it once (`quick_check`). Raises StorageRefused after closing everything and
        removing the files it created.
        """
        try:
            lock = open_locked(beside(self.file, _LOCK), str(self._path))
            self._lock = lock
            self._is_new = not os.path.lexists(self.file)  # noqa: ASYNC240 - as the lock, at once
            _refuse_other_names(self.file, self._path)
            await self._call(self._open_writer)
            await self.signing_in.open()
            await self.browsing.open()
        except BaseException as error:
            await self.close(is_refused=True)
            if isinstance(error, sqlite3.Error):
                raise storage_refused(self._path, error) from error
            raise
        if self.file.stat().st_mode & 0o077:
            _log.warning(
                "others on this machine may read %s, with hashes of passwords, histories and chat: "
                "chmod 600 it",
                self._path,
            )
        if not _is_safe(sqlite3.sqlite_version_info):
            _log.warning(
                "SQLite %s can corrupt a database that two programs write at the same instant: "
                "open %s with other programs for reading only",
                sqlite3.sqlite_version,
                self._path,
            )

    async def write(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Call `function` with the writer, on its thread, after all earlier calls. Raises what it
        raises, and sqlite3.Error if the writer is not open.

        Cancelling does not stop a running `function`.
        """
        return await self._call(lambda: function(self._connected()))

    async def close(self, *, is_refused: bool = False) -> None:
        """Close the connections and release the lock. Idempotent. `is_refused`: the server does
        not start; remove the files that `open` created."""
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
        try:
            await within(self._limits.closing_timeout, self._close_all())
        except (sqlite3.Error, TimeoutError) as error:
            # What was committed is durable; nothing depends on the rest.
            _log.error("%s could not be closed: %s", self._path, error)
        self._thread.shutdown()

    async def _close_all(self) -> None:
        # Before the writer: the last connection removes the log, which a reader may not.
        await asyncio.gather(self.signing_in.close(), self.browsing.close())
        if self._thread.is_running:
            # Even if `open` was cancelled: the thread may be about to connect.
            await self._call(self._close_writer)

    def wal_bytes(self) -> int:
        """Return the size of the write-ahead log in bytes; 0 if there is none."""
        try:
            return self._wal.stat().st_size
        except OSError:
            return 0

    async def shorten_wal(self) -> None:
        """Checkpoint and truncate the write-ahead log, unless another program reads it. Raises
        sqlite3.Error."""
        await self.write(self._shorten_wal)

    async def _call(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    # On the writer's thread

    def _open_writer(self) -> None:
        # Readable by its owner only; SQLite gives its other files the same mode. If this fails,
        # SQLite reports a better error.
        with suppress(OSError):
            os.close(create_private(self.file))
        self._writer = writer = sqlite3.connect(address_of(self.file, "rwc"), **self._options)
        writer.executescript(self._common)
        # Before `_WRITER`, which changes the file.
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
        # Without waiting for other programs' reads, as every write would wait too.
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

    @property
    def _options(self) -> dict[str, Any]:
        # No isolation level: the code begins and commits transactions explicitly.
        return {"uri": True, "isolation_level": None, "factory": self._factory}

    def _make_reader(self) -> Reader:
        return Reader(self._connect_reader, self._limits.steps_at_once)

    def _connect_reader(self) -> sqlite3.Connection:
        address = address_of(self.file, "ro")
        reader: sqlite3.Connection = sqlite3.connect(address, **self._options)
        try:
            reader.executescript(f"{self._common} PRAGMA query_only = ON;")
        except BaseException:
            reader.close()
            raise
        return reader

    @property
    def _common(self) -> str:
        return f"""
            PRAGMA busy_timeout = {to_ms(self._limits.busy_timeout)};
            PRAGMA foreign_keys = ON;
            PRAGMA trusted_schema = OFF;
        """


def address_of(file: Path, mode: str) -> str:
    """Return the URI of a database, with SQLite's mode of opening it. `file` is absolute."""
    return f"{file.as_uri()}?mode={mode}"


def real_path(path: Path) -> Path:
    """Return the absolute path of the file that `path` leads to, beside which its other files lie.
    A link may be changed later, or be one of several."""
    return Path(os.path.realpath(path))


def engine_error(error: sqlite3.Error) -> EngineError:
    """Convert to the error that the rest of the server knows."""
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
    """Return the error for an operator whose database could not be opened."""
    return StorageRefused.of(path, engine_error(error).advice)


def _is_safe(version: tuple[int, int, int]) -> bool:
    newest, *backports = SAFE_WAL
    return version >= newest or any(
        version[:2] == line[:2] and version >= line for line in backports
    )


def _refuse_other_names(file: Path, path: Path) -> None:
    """Refuse hard links: a second server would find neither the lock nor the log beside another
    name."""
    try:
        names = file.stat().st_nlink
    except OSError:
        return  # not there yet, or SQLite will say why
    if names > 1:
        raise StorageRefused.of(
            path,
            f"the same file has {names} names (hard links), and nothing would keep a second server "
            "off the others; remove them, or copy it",
        )


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that contains tables of another program."""
    found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    tables = [name for (name,) in found]
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    # The first migration creates its tables and sets the version in one transaction.
    if tables and (version == 0 or "players" not in tables):
        raise StorageRefused.of(
            path,
            f"another program's table {tables[0]!r} is in it; name another file, which is made if "
            "it is not there",
        )
