"""Files that only their owner may read, durable ones, and those that lie beside another."""

import errno
import os
import stat
from pathlib import Path


def create_private(path: Path) -> int:
    """Create the file `path`, and return a descriptor to read and write it. Raises OSError:
    FileExistsError if it exists."""
    # Both in one call: it is never readable by others, and never another's file.
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)


def open_own(path: Path) -> int:
    """Open the existing file `path` to read and write it; return a descriptor. Raises OSError,
    also if it is a link, has other names, or is no plain file: writing would change another file,
    which somebody else chose."""
    file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    found = os.fstat(file)
    if stat.S_ISREG(found.st_mode) and found.st_nlink <= 1:  # 0: it was just removed
        return file
    os.close(file)
    raise OSError(errno.EPERM, "it is no plain file with one name", str(path))


def sync(path: Path) -> int:
    """Make a file or folder durable; return its size. Raises OSError."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
        return os.fstat(file).st_size
    finally:
        os.close(file)


def beside(path: Path, suffix: str) -> Path:
    """Return the path of the file beside `path` whose name has `suffix` added."""
    return path.with_name(path.name + suffix)
