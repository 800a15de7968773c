"""The secret keys that an operator did not give: made once, kept beside the database."""

import os
import secrets
from pathlib import Path


def keys_path(database: Path) -> Path:
    """Where the keys of a database lie."""
    return database.with_name(database.name + ".keys")


def load_or_make_keys(path: Path) -> tuple[str, ...]:
    """The keys in `path`, one a line, newest first; made if the file is not there.

    Raises OSError, and ValueError if the file holds no key.
    """
    try:
        # O_EXCL and the mode in one call: at no instant could anybody else read the key.
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        keys = tuple(path.read_text().split())
        if not keys:
            raise ValueError(f"{path} holds no key; delete it to have one made") from None
        return keys
    with os.fdopen(file, "w") as opened:
        key = secrets.token_urlsafe(32)
        opened.write(key + "\n")
    return (key,)
