"""The secret keys if the operator gives none: created once, kept beside the database."""

import logging
import os
import secrets
from pathlib import Path

from server.accounts.limits import Limits
from server.base.files import create_private, sync

_log = logging.getLogger("stillhere.accounts")

KEYS = ".keys"
"""The suffix of the key file, after the name of the database."""


def check_keys(keys: tuple[str, ...], limits: Limits) -> None:
    """Raise ValueError, without showing the key, if one of them is too short."""
    for number, key in enumerate(keys, 1):
        if len(key) < limits.shortest_key:
            # The key is a secret: its number and length are enough to find it.
            raise ValueError(
                f"key {number} has {len(key)} characters; at least {limits.shortest_key} are needed"
            )


def load_keys(path: Path, limits: Limits) -> tuple[str, ...]:
    """Read the keys in `path`, one a line, newest first.

    Raises OSError, and ValueError if there is no key or one that is too short.
    """
    keys = tuple(path.read_text().split())
    if not keys:
        raise ValueError("it holds no key; delete it to have one made")
    check_keys(keys, limits)
    if path.stat().st_mode & 0o077:
        # A warning only: a key alone opens no session.
        _log.warning("others on this machine may use the secret keys: chmod 600 %s", path)
    return keys


def make_keys(path: Path) -> None:
    """Create the file `path` with one new key, durably: a start with an empty one is refused.
    Raises OSError: FileExistsError if it exists."""
    with os.fdopen(create_private(path), "w") as opened:
        opened.write(secrets.token_urlsafe(32) + "\n")
    sync(path)
    sync(path.parent)
