"""The secret keys that an operator did not give: made once, kept beside the database."""

import logging
import os
import secrets
from pathlib import Path

from server.accounts.limits import Limits

_log = logging.getLogger("stillhere.accounts")

KEYS = ".keys"
"""What the name of their file ends in, after the database's."""


def check_keys(keys: tuple[str, ...], limits: Limits = Limits()) -> None:
    """Raises ValueError if one of them is too short, in words that do not tell it."""
    for number, key in enumerate(keys, 1):
        if len(key) < limits.shortest_key:
            # The key itself is a secret: its number and length are enough to find it.
            raise ValueError(
                f"key {number} has {len(key)} characters; at least {limits.shortest_key} are needed"
            )


def load_keys(path: Path, limits: Limits = Limits()) -> tuple[str, ...]:
    """The keys in `path`, one a line, newest first.

    Raises OSError, and ValueError if the file holds no key, or one that is too short.
    """
    keys = tuple(path.read_text().split())
    if not keys:
        raise ValueError("it holds no key; delete it to have one made")
    check_keys(keys, limits)
    if path.stat().st_mode & 0o077:
        # A warning only: no session can be opened with a key alone.
        _log.warning("others on this machine may use the secret keys: chmod 600 %s", path)
    return keys


def make_keys(path: Path) -> None:
    """Make the file `path`, with one key in it. Raises OSError: FileExistsError if it is there."""
    # O_EXCL and the mode in one call: at no instant could anybody else read the key.
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w") as opened:
        opened.write(secrets.token_urlsafe(32) + "\n")
