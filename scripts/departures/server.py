"""A `stillhere` server, with defaults for the other settings."""

import sqlite3
from pathlib import Path

from scripts.server_process import ServerProcess, flags
from server.presence.policy import Policy
from server.settings import Settings


class NotMeasured(Exception):
    """There was no run; the message says why."""


class DepartureServer(ServerProcess):
    """The server in `folder`, with `settings` besides the defaults."""

    def __init__(self, folder: Path, **settings: float) -> None:
        folder.mkdir()
        super().__init__(folder, *flags(**settings))
        chosen = Settings(_env_file=None, **settings)  # type: ignore[call-arg, arg-type]
        self.policy: Policy = chosen.policy

    def noticed(self, player: str, since_ms: float) -> float | None:
        """Return the Unix time, in seconds, of the first change of `player` since then to a status
        of absence."""
        database = sqlite3.connect(self.folder / "stillhere.db")
        try:
            row = database.execute(
                "SELECT at FROM status_changes WHERE player_id = ? AND at >= ?"
                " AND status IN ('reconnecting', 'offline') ORDER BY id LIMIT 1",
                (player, since_ms),
            ).fetchone()
        finally:
            database.close()
        return None if row is None else row[0] / 1000
