"""A copy of the database while the server runs: consistent, checked, and complete or absent.

The live file is opened read-only. Such a connection neither writes nor checkpoints, not even when
it is the last to close, so only the server does. The copy is one read of one instant; meanwhile the
server's write-ahead log grows.
"""

import errno
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from server.base.files import beside, create_private, sync
from server.storage.errors import StorageRefused
from server.storage.sqlite.database import address_of, storage_refused

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}


def back_up(database: Path, target: Path, busy_timeout: float) -> int:
    """Copy `database` to the new file `target`, readable by its owner only; return its size in
    bytes.

    The copy is a single file that passed SQLite's check; it gets its name when it is complete and
    durable. `busy_timeout`: seconds to wait for a program that locked the database against readers.
    Raises StorageRefused.
    """
    if not database.exists():
        raise StorageRefused(f"there is no database {database} to copy")
    if target.is_dir():
        raise StorageRefused(f"{target} is a folder; name the file that the copy is to be")
    if os.path.lexists(target):
        raise StorageRefused(f"{target} exists already; remove it, or choose another name")
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
    try:
        # Before SQLite writes to it, so that other users can never read it.
        os.close(create_private(unfinished))
        try:
            _copy(database, unfinished, busy_timeout)
            size = sync(unfinished)
            _name(unfinished, target)
        finally:
            for each in (unfinished, beside(unfinished, "-journal")):
                each.unlink(missing_ok=True)
        sync(target.absolute().parent)
    except FileExistsError:
        raise StorageRefused(f"{target} exists already; choose another name") from None
    except OSError as error:
        raise StorageRefused(f"the copy {target} cannot be written: {error.strerror}") from error
    return size


def _copy(database: Path, copy: Path, busy_timeout: float) -> None:
    with (
        closing(_connect(database, busy_timeout)) as source,
        closing(sqlite3.connect(copy, isolation_level=None)) as target,
    ):
        try:
            # Started here, where waiting for a lock has a limit: `backup` itself would retry for
            # ever.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM boots").fetchall()
        except sqlite3.Error as error:
            raise storage_refused(database, error) from error
        try:
            source.backup(target)
            # A single file, readable where none can be created beside it.
            target.execute("PRAGMA journal_mode = DELETE").fetchall()
            found = target.execute("PRAGMA integrity_check(1)").fetchall()
            found += target.execute("PRAGMA foreign_key_check").fetchmany(1)
        except sqlite3.Error as error:
            raise StorageRefused(f"{database} cannot be copied: {error}") from error
        finally:
            with suppress(sqlite3.Error):
                source.execute("ROLLBACK")
    if found != [("ok",)]:
        sentence = " ".join(str(found[-1][0]).split())
        raise StorageRefused(f"the database {database} is damaged, and so is its copy: {sentence}")


def _name(unfinished: Path, target: Path) -> None:
    try:
        # Not `rename` if possible: it would replace a file created meanwhile.
        os.link(unfinished, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        unfinished.rename(target)


def _connect(database: Path, busy_timeout: float) -> sqlite3.Connection:
    try:
        address = address_of(database.absolute(), "ro")
        return sqlite3.connect(address, uri=True, isolation_level=None, timeout=busy_timeout)
    except sqlite3.Error as error:
        raise storage_refused(database, error) from error
