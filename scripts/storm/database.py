"""The database, read by a connection that cannot write."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Change:
    """A row of `status_changes`."""

    id: int
    player: str
    session: str
    status: str
    reason: str
    at: int
    player_status: str


class Database:
    """The tables that the promises are about."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def integrity(self) -> list[str]:
        """Return the faults that SQLite finds in the file and its references."""
        found = [row[0] for row in self._connection.execute("PRAGMA integrity_check")]
        broken = self._connection.execute("PRAGMA foreign_key_check").fetchall()
        return [word for word in found if word != "ok"] + [str(row) for row in broken]

    def last_change(self) -> int:
        """Return the number of the latest change; 0 for none."""
        number: int = self._connection.execute(
            "SELECT coalesce(max(id), 0) FROM status_changes"
        ).fetchone()[0]
        return number

    def changes(self, after: int) -> list[Change]:
        """Return the changes after number `after`, preceded by each session's last one before."""
        rows = self._connection.execute(
            "SELECT id, player_id, session_id, status, reason, at, player_status"
            " FROM status_changes WHERE id > :after OR id IN"
            " (SELECT max(id) FROM status_changes WHERE id <= :after GROUP BY session_id)"
            " ORDER BY id",
            {"after": after},
        )
        return [Change(*row) for row in rows]

    def endings(self) -> dict[str, str | None]:
        """Return every session with the reason for which it ended; None if it has not."""
        return dict(self._connection.execute("SELECT id, end_reason FROM sessions"))

    def players(self) -> set[str]:
        """Return the ids of all players."""
        return {row[0] for row in self._connection.execute("SELECT id FROM players")}

    def active_players(self) -> set[str]:
        """Return the players who are here, as others read it."""
        return {
            row[0]
            for row in self._connection.execute("SELECT id FROM players WHERE is_currently_active")
        }

    def boots(self) -> list[tuple[int, int, int | None]]:
        """Return the starts: number, started_at, stopped_at."""
        return self._connection.execute(
            "SELECT id, started_at, stopped_at FROM boots ORDER BY id"
        ).fetchall()


@contextmanager
def open_database(path: Path) -> Iterator[Database]:
    """Open the database for reading, whether a server is running on it or not."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    try:
        yield Database(connection)
    finally:
        connection.close()
