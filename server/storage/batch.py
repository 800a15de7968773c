"""What waits to be written, and how it becomes rows: one transaction for whatever has piled up."""

import sqlite3
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

import aiosqlite

from server.ids import PlayerId, SessionId

Row: TypeAlias = tuple[str | int | bytes | None, ...]

_INSERT_PLAYER = """
    INSERT INTO players (id, name, name_key, sort_key, guest, password_hash, status,
                         is_currently_active, last_activity_at, created_at)
    VALUES (?, ?, ?, ?, ?, ?, 'offline', 0, ?, ?)
"""
_INSERT_LOOKALIKE = "INSERT INTO name_lookalikes (lookalike, player_id) VALUES (?, ?)"
_INSERT_SESSION = """
    INSERT INTO sessions (id, player_id, token_digest, remember, status, created_at,
                          last_activity_at, last_activity_by, ends_at, browser, system)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_CHANGE = """
    INSERT INTO status_changes (player_id, session_id, status, reason, at, player_status, detail,
                                last_activity_at, last_activity_by)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_UPDATE_PLAYER = """
    UPDATE players SET status = ?, is_currently_active = ?,
                       last_activity_at = max(last_activity_at, ?) WHERE id = ?
"""
_UPDATE_SESSION = """
    UPDATE sessions SET status = ?, last_activity_at = max(last_activity_at, ?),
                        last_activity_by = ? WHERE id = ?
"""
_END_SESSION = "UPDATE sessions SET ended_at = ?, end_reason = ? WHERE id = ?"
_FREE_NAME = "UPDATE players SET name_key = NULL WHERE id = ?"
_FREE_LOOKALIKES = "DELETE FROM name_lookalikes WHERE player_id = ?"
# Nobody with a session is removed: one of them refused would keep everything else waiting for ever.
_REMOVE_LOOKALIKES = """
    DELETE FROM name_lookalikes WHERE player_id = ?1
        AND NOT EXISTS (SELECT 1 FROM sessions WHERE player_id = ?1)
"""
_REMOVE_PLAYER = """
    DELETE FROM players WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM sessions WHERE player_id = ?1)
"""


@dataclass(slots=True)
class Batch:
    """Rows in the order of their tables' references. Of a player's or session's present state
    only the latest is kept; of changes, every one, in order."""

    players: list[Row] = field(default_factory=list)
    lookalikes: list[Row] = field(default_factory=list)
    sessions: list[Row] = field(default_factory=list)
    changes: list[Row] = field(default_factory=list)
    player_states: dict[PlayerId, Row] = field(default_factory=dict)
    session_states: dict[SessionId, Row] = field(default_factory=dict)
    endings: list[Row] = field(default_factory=list)
    freed_names: list[Row] = field(default_factory=list)
    removed_players: list[Row] = field(default_factory=list)

    def __len__(self) -> int:
        """How many rows wait."""
        return sum(len(getattr(self, name)) for name in self.__slots__)

    def extend(self, later: "Batch") -> None:
        """Append what came after this batch was taken."""
        self.players += later.players
        self.lookalikes += later.lookalikes
        self.sessions += later.sessions
        self.changes += later.changes
        self.player_states |= later.player_states
        self.session_states |= later.session_states
        self.endings += later.endings
        self.freed_names += later.freed_names
        self.removed_players += later.removed_players

    async def write(self, connection: aiosqlite.Connection) -> None:
        """Write everything or nothing. Raises sqlite3.Error; the transaction is then undone, or
        will be before the next one begins."""
        if connection.in_transaction:
            await connection.execute("ROLLBACK")
        await connection.execute("BEGIN IMMEDIATE")
        try:
            for sql, rows in self._statements():
                if rows:
                    await connection.executemany(sql, rows)
            await connection.execute("COMMIT")
        except BaseException:
            # SQLite undoes it by itself after some errors (a full disk), not after others. Where
            # that fails too, the first error is the one to tell: a cancellation above all.
            if connection.in_transaction:
                with suppress(sqlite3.Error):
                    await connection.execute("ROLLBACK")
            raise

    def _statements(self) -> tuple[tuple[str, Collection[Row]], ...]:
        return (
            # First for who is stored already and whose name somebody in this batch has taken
            # over; last for who came and went within it.
            (_FREE_NAME, self.freed_names),
            (_FREE_LOOKALIKES, self.freed_names),
            (_INSERT_PLAYER, self.players),
            (_INSERT_LOOKALIKE, self.lookalikes),
            (_INSERT_SESSION, self.sessions),
            (_INSERT_CHANGE, self.changes),
            (_UPDATE_PLAYER, self.player_states.values()),
            (_UPDATE_SESSION, self.session_states.values()),
            (_END_SESSION, self.endings),
            (_FREE_NAME, self.freed_names),
            (_FREE_LOOKALIKES, self.freed_names),
            (_REMOVE_LOOKALIKES, self.removed_players),
            (_REMOVE_PLAYER, self.removed_players),
        )
