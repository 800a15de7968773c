"""What another program reads from the database."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

Change: TypeAlias = tuple[str, str, str, str]
"""A change of status: session, status, reason, and the player's status."""

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
"""A query that never ends by itself."""


def rows(path: Path | str, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """The rows of a query, whether a server runs on the database or not. Writes nothing."""
    address = f"{Path(path).absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as disk:
        return disk.execute(sql, values).fetchall()


def read_changes(path: Path) -> list[Change]:
    """Every change of status, oldest first."""
    return rows(
        path, "SELECT session_id, status, reason, player_status FROM status_changes ORDER BY id"
    )
