"""What waits to be written, and how it becomes rows: one transaction for whatever has piled up."""

import sqlite3
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

import aiosqlite

from server.base.ids import MatchId, PlayerId, RoomId, SessionId

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
_PUT_ROOM = """
    INSERT INTO rooms (id, game, private, made_by, opened_at, closed_at, close_reason, state)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET closed_at = excluded.closed_at,
                                   close_reason = excluded.close_reason, state = excluded.state
"""
_PUT_MATCH = """
    INSERT INTO matches (id, room_id, number, game, private, started_at, ended_at, lasted, steps,
                         reason, winners, scores, ended_by, seed)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at, lasted = excluded.lasted,
                                   steps = excluded.steps, reason = excluded.reason,
                                   winners = excluded.winners, scores = excluded.scores,
                                   ended_by = excluded.ended_by
"""
_PUT_MATCH_PLAYER = """
    INSERT INTO match_players (match_id, seat, player_id, name, ended_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (match_id, seat) DO UPDATE SET ended_at = excluded.ended_at
"""
# A step is taken once. Should one ever be there already, the batch must not wait for ever for it.
_PUT_MOVE = """
    INSERT OR REPLACE INTO moves (match_id, step, at, seat, action, event)
    VALUES (?, ?, ?, ?, ?, ?)
"""
# Of a room that nobody can go on with.
_ABANDON_PLAYERS = """
    UPDATE match_players SET ended_at = ?1 WHERE match_id IN
        (SELECT id FROM matches WHERE room_id = ?2 AND ended_at IS NULL)
"""
_ABANDON_MATCH = """
    UPDATE matches SET ended_at = ?1, reason = 'abandoned', winners = '[]'
    WHERE room_id = ?2 AND ended_at IS NULL
"""


@dataclass(slots=True)
class Batch:
    """Rows in the order of their tables' references. Of a player's, session's, room's or match's
    present state only the latest is kept; of changes and moves, every one, in order."""

    players: list[Row] = field(default_factory=list)
    lookalikes: list[Row] = field(default_factory=list)
    sessions: list[Row] = field(default_factory=list)
    changes: list[Row] = field(default_factory=list)
    player_states: dict[PlayerId, Row] = field(default_factory=dict)
    session_states: dict[SessionId, Row] = field(default_factory=dict)
    endings: list[Row] = field(default_factory=list)
    freed_names: list[Row] = field(default_factory=list)
    removed_players: list[Row] = field(default_factory=list)
    rooms: dict[RoomId, Row] = field(default_factory=dict)
    matches: dict[MatchId, Row] = field(default_factory=dict)
    match_players: dict[tuple[MatchId, int], Row] = field(default_factory=dict)
    moves: list[Row] = field(default_factory=list)
    lost_rooms: list[Row] = field(default_factory=list)

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
        self.rooms |= later.rooms
        self.matches |= later.matches
        self.match_players |= later.match_players
        self.moves += later.moves
        self.lost_rooms += later.lost_rooms

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
            (_PUT_ROOM, self.rooms.values()),
            (_PUT_MATCH, self.matches.values()),
            (_PUT_MATCH_PLAYER, self.match_players.values()),
            (_PUT_MOVE, self.moves),
            (_ABANDON_PLAYERS, self.lost_rooms),
            (_ABANDON_MATCH, self.lost_rooms),
            (_FREE_NAME, self.freed_names),
            (_FREE_LOOKALIKES, self.freed_names),
            (_REMOVE_LOOKALIKES, self.removed_players),
            (_REMOVE_PLAYER, self.removed_players),
        )
