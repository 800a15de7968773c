"""Locks that keep a second server off what belongs to one."""

import fcntl
import os
from pathlib import Path

from server.storage.errors import StorageRefused


def open_locked(path: Path, database: str) -> int:
    """Open the file `path`, or make it, and hold a lock on it until it is closed; returns its
    descriptor. Raises StorageRefused, which speaks of the `database`."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StorageRefused(f"the database {database} cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise StorageRefused(
            f"another Still Here is running on {database}; stop it, or give this one its own "
            "database"
        ) from None
    return file
