"""Files that only their owner may read, and those that lie beside another."""

import os
from pathlib import Path


def create_private(path: Path) -> int:
    """Create the file `path`, and return a descriptor to read and write it. Raises OSError:
    FileExistsError if it exists."""
    # Both in one call: it is never readable by others, and never another's file.
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)


def beside(path: Path, suffix: str) -> Path:
    """Return the path of the file beside `path` whose name has `suffix` added."""
    return path.with_name(path.name + suffix)
