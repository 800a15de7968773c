"""Locks against a second server on the same database."""

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from server.base.files import create_private, open_own
from server.storage.errors import StorageRefused


@dataclass(frozen=True, slots=True)
class LockedFile:
    """An open file that no other process can lock until it is closed."""

    path: Path
    descriptor: int
    is_new: bool

    def close(self) -> None:
        os.close(self.descriptor)

    def discard(self) -> None:
        """Close it, and remove it if it is new."""
        if self.is_new:
            self.path.unlink(missing_ok=True)
        self.close()


def open_locked(path: Path, database: str) -> LockedFile:
    """Open or create the file `path` and lock it. Raises StorageRefused, which names the
    `database`."""
    while True:
        try:
            locked = _open(path, database)
            if os.path.samestat(os.fstat(locked.descriptor), path.stat()):
                return locked
        except FileNotFoundError:
            pass
        # Removed by another start that was refused: locking it would have no effect.
        locked.close()


def _open(path: Path, database: str) -> LockedFile:
    try:
        file, is_new = _open_or_create(path)
    except OSError as error:
        raise StorageRefused.of(database, f"{path.name}: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise StorageRefused(
            f"another Still Here is running on {database}; stop it, or give this one its own "
            "database"
        ) from None
    return LockedFile(path, file, is_new)


def _open_or_create(path: Path) -> tuple[int, bool]:
    while True:
        with suppress(FileExistsError):
            return create_private(path), True
        with suppress(FileNotFoundError):  # removed in between
            return open_own(path), False
