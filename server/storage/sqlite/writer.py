"""A batch as one transaction."""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec

from server.storage.batch import Batch
from server.storage.rows import (
    BootRow,
    ChangeRow,
    LookalikeRow,
    MatchPlayerRow,
    MatchRow,
    MoveRow,
    RoomRow,
    SessionRow,
)


def _insert(table: str, columns: Sequence[str], verb: str = "INSERT") -> str:
    marks = ", ".join("?" * len(columns))
    return f"{verb} INTO {table} ({', '.join(columns)}) VALUES ({marks})"


def _put(table: str, columns: Sequence[str], key: str, *updated: str) -> str:
    """Insert a row, or update these columns of the one with the same key."""
    updates = ", ".join(f"{column} = excluded.{column}" for column in updated)
    return f"{_insert(table, columns)} ON CONFLICT ({key}) DO UPDATE SET {updates}"


_INSERT_BOOT = _insert("boots", BootRow.__struct_fields__)
_INSERT_PLAYER = """
    INSERT INTO players (id, name, name_key, sort_key, guest, password_hash, last_activity_at,
                         created_at, status, is_currently_active)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'offline', 0)
"""
_INSERT_LOOKALIKE = _insert("name_lookalikes", LookalikeRow.__struct_fields__)
_SET_PASSWORD = "UPDATE players SET password_hash = ?2 WHERE id = ?1"  # noqa: S105
_INSERT_SESSION = _insert("sessions", SessionRow.__struct_fields__)
_INSERT_CHANGE = _insert("status_changes", ChangeRow.__struct_fields__)
_UPDATE_PLAYER = """
    UPDATE players SET status = ?2, is_currently_active = ?3,
                       last_activity_at = max(last_activity_at, ?4) WHERE id = ?1
"""
_UPDATE_SESSION = """
    UPDATE sessions SET status = ?2, last_activity_at = max(last_activity_at, ?3),
                        last_activity_by = ?4 WHERE id = ?1
"""
_END_SESSION = "UPDATE sessions SET end_reason = ?2, ended_at = ?3 WHERE id = ?1"
_FREE_NAME = "UPDATE players SET name_key = NULL WHERE id = ?"
_FREE_LOOKALIKES = "DELETE FROM name_lookalikes WHERE player_id = ?"
# A player with a session is not removed: a refused DELETE would fail every later transaction too.
_REMOVE_LOOKALIKES = """
    DELETE FROM name_lookalikes WHERE player_id = ?1
        AND NOT EXISTS (SELECT 1 FROM sessions WHERE player_id = ?1)
"""
_REMOVE_PLAYER = """
    DELETE FROM players WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM sessions WHERE player_id = ?1)
"""
_PUT_ROOM = _put("rooms", RoomRow.__struct_fields__, "id", "closed_at", "close_reason", "state")
_PUT_MATCH = _put(
    "matches",
    MatchRow.__struct_fields__,
    "id",
    *("ended_at", "lasted", "steps", "reason", "winners", "scores", "ended_by"),
)
_PUT_MATCH_PLAYER = _put(
    "match_players", MatchPlayerRow.__struct_fields__, "match_id, seat", "ended_at"
)
# A step is taken once. Should one ever be there already, the batch must not fail for ever for it.
_PUT_MOVE = _insert("moves", MoveRow.__struct_fields__, "INSERT OR REPLACE")
_ABANDON_PLAYERS = """
    UPDATE match_players SET ended_at = ?2 WHERE match_id IN
        (SELECT id FROM matches WHERE room_id = ?1 AND ended_at IS NULL)
"""
_ABANDON_MATCH = """
    UPDATE matches SET ended_at = ?2, reason = 'abandoned', winners = '[]'
    WHERE room_id = ?1 AND ended_at IS NULL
"""
# This process has made the last row, and nobody else can have added one: see `Database.open`.
_STOP = "UPDATE boots SET stopped_at = ? WHERE id = (SELECT max(id) FROM boots)"


def write_batch(connection: sqlite3.Connection, batch: Batch) -> None:
    """Write all of it or nothing; it is durable on return. Raises sqlite3.Error; the transaction
    is then undone, or will be before the next one begins."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    connection.execute("BEGIN IMMEDIATE")
    try:
        for sql, rows in _statements(batch):
            if rows:
                connection.executemany(sql, map(_values, rows))
        connection.execute("COMMIT")
    except BaseException:
        # SQLite undoes it by itself after some errors (a full disk), not after others. Where that
        # fails too, the first error is the one to report.
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


def _statements(batch: Batch) -> tuple[tuple[str, Collection[Any]], ...]:
    """What to execute with which rows, in this order."""
    freed = _one_column(batch.freed_names)
    removed = _one_column(batch.removed_players)
    return (
        (_INSERT_BOOT, batch.boots),
        # First for guests who are stored already and whose name another player of this batch has
        # taken over; again below for those who came and went within it.
        (_FREE_NAME, freed),
        (_FREE_LOOKALIKES, freed),
        (_INSERT_PLAYER, batch.players),
        (_INSERT_LOOKALIKE, batch.lookalikes),
        (_SET_PASSWORD, batch.passwords.values()),
        (_INSERT_SESSION, batch.sessions),
        (_INSERT_CHANGE, batch.changes),
        (_UPDATE_PLAYER, batch.player_states.values()),
        (_UPDATE_SESSION, batch.session_states.values()),
        (_END_SESSION, batch.endings),
        (_PUT_ROOM, batch.rooms.values()),
        (_PUT_MATCH, [_match_values(row) for row in batch.matches.values()]),
        (_PUT_MATCH_PLAYER, batch.match_players.values()),
        (_PUT_MOVE, batch.moves),
        (_ABANDON_PLAYERS, batch.lost_rooms),
        (_ABANDON_MATCH, batch.lost_rooms),
        (_FREE_NAME, freed),
        (_FREE_LOOKALIKES, freed),
        (_REMOVE_LOOKALIKES, removed),
        (_REMOVE_PLAYER, removed),
        (_STOP, _one_column(batch.stops)),
    )


def _match_values(row: MatchRow) -> tuple[Any, ...]:
    lists = {"winners": _json(row.winners), "scores": _json(row.scores)}
    return tuple({**msgspec.structs.asdict(row), **lists}.values())


def _json(value: object) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _one_column(values: Iterable[str | int]) -> list[tuple[str | int]]:
    return [(value,) for value in values]


_values = partial(msgspec.to_builtins, builtin_types=(bytes,))
"""The fields of a row. Enumerations become plain texts: `sqlite3` takes long to adapt them."""
