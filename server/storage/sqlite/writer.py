"""Writes a batch as one transaction.

Rows that come by the thousand when a crowd leaves (changes, states, endings) are written by one
statement each, which reads them from a JSON document. Statements for single rows would release and
reacquire the GIL at each row, while the loop is busy.
"""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec

from server.ratings.limits import Limits
from server.storage.batch import Batch
from server.storage.rows import (
    BootRow,
    ChangeRow,
    LineRow,
    LookalikeRow,
    MatchPlayerRow,
    MatchRow,
    MoveRow,
    RoomRow,
    SessionRow,
)
from server.storage.sqlite.standings import rate_matches


def _insert(
    table: str, columns: Sequence[str], verb: str = "INSERT", source: str | None = None
) -> str:
    values = source or f"VALUES ({', '.join('?' * len(columns))})"
    return f"{verb} INTO {table} ({', '.join(columns)}) {values}"


def _insert_all(table: str, columns: Sequence[str]) -> str:
    """Return the statement that inserts the rows of a document, in their order."""
    values = ", ".join(f"json_extract(value, '$[{place}]')" for place in range(len(columns)))
    source = ("SELECT", values, "FROM json_each(?) ORDER BY key")
    return _insert(table, columns, source=" ".join(source))


def _put(table: str, columns: Sequence[str], key: str, *updated: str) -> str:
    """Return the statement that inserts a row, or updates these columns of the one with the same
    key."""
    updates = ", ".join(f"{column} = excluded.{column}" for column in updated)
    return f"{_insert(table, columns)} ON CONFLICT ({key}) DO UPDATE SET {updates}"


_INSERT_BOOT = _insert("boots", BootRow.__struct_fields__)
_INSERT_PLAYER = """
    INSERT INTO players (id, name, name_key, sort_key, guest, password_hash, last_activity_at,
                         created_at, status, is_currently_active)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'offline', 0)
"""
_INSERT_BOT = """
    INSERT INTO players (id, name, sort_key, last_activity_at, created_at, guest, bot, status,
                         is_currently_active)
    VALUES (?1, ?2, ?3, ?4, ?4, 0, 1, 'offline', 0) ON CONFLICT DO NOTHING
"""
_INSERT_LOOKALIKE = _insert("name_lookalikes", LookalikeRow.__struct_fields__)
_SET_PASSWORD = "UPDATE players SET password_hash = ?2 WHERE id = ?1"  # noqa: S105
_INSERT_SESSION = _insert("sessions", SessionRow.__struct_fields__)
_INSERT_CHANGES = _insert_all("status_changes", ChangeRow.__struct_fields__)
_UPDATE_PLAYERS = """
    UPDATE players SET status = json_extract(new.value, '$[1]'),
        is_currently_active = json_extract(new.value, '$[2]'),
        last_activity_at = max(last_activity_at, json_extract(new.value, '$[3]'))
    FROM json_each(?) AS new WHERE players.id = json_extract(new.value, '$[0]')
"""
_UPDATE_SESSIONS = """
    UPDATE sessions SET status = json_extract(new.value, '$[1]'),
        last_activity_at = max(last_activity_at, json_extract(new.value, '$[2]')),
        last_activity_by = json_extract(new.value, '$[3]')
    FROM json_each(?) AS new WHERE sessions.id = json_extract(new.value, '$[0]')
"""
_END_SESSIONS = """
    UPDATE sessions SET end_reason = json_extract(new.value, '$[1]'),
        ended_at = json_extract(new.value, '$[2]')
    FROM json_each(?) AS new WHERE sessions.id = json_extract(new.value, '$[0]')
"""
_FREE_NAMES = """
    UPDATE players SET name_key = NULL WHERE id IN (SELECT value FROM json_each(?))
"""
_FREE_LOOKALIKES = """
    DELETE FROM name_lookalikes WHERE player_id IN (SELECT value FROM json_each(?))
"""
AT_ONCE = frozenset(
    {
        _INSERT_CHANGES,
        _UPDATE_PLAYERS,
        _UPDATE_SESSIONS,
        _END_SESSIONS,
        _FREE_NAMES,
        _FREE_LOOKALIKES,
    }
)
"""Statements that take all of their rows as one document."""

# A player with a session is not removed: a refused DELETE would fail all later batches too.
_REMOVE_LOOKALIKES = """
    DELETE FROM name_lookalikes WHERE player_id = ?1
        AND NOT EXISTS (SELECT 1 FROM sessions WHERE player_id = ?1)
"""
_REMOVE_PLAYER = """
    DELETE FROM players WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM sessions WHERE player_id = ?1)
"""
_PUT_ROOM = _put("rooms", RoomRow.__struct_fields__, "id", "closed_at", "close_reason", "state")
_PUT_LINE = _put(
    "chat_lines", LineRow.__struct_fields__, "room_id, place", *LineRow.__struct_fields__[2:]
)
_REMOVE_LINES = "DELETE FROM chat_lines WHERE room_id = ?"
_PUT_MATCH = _put(
    "matches",
    MatchRow.__struct_fields__,
    "id",
    *("ended_at", "lasted", "steps", "reason", "winners", "scores", "ended_by"),
)
_PUT_MATCH_PLAYER = _put(
    "match_players", MatchPlayerRow.__struct_fields__, "match_id, seat", "ended_at"
)
# Each step is written once. If it exists nevertheless, the batch must not fail for ever.
_PUT_MOVE = _insert("moves", MoveRow.__struct_fields__, "INSERT OR REPLACE")
_ABANDON_PLAYERS = """
    UPDATE match_players SET ended_at = ?2 WHERE match_id IN
        (SELECT id FROM matches WHERE room_id = ?1 AND ended_at IS NULL)
"""
_ABANDON_MATCH = """
    UPDATE matches SET ended_at = ?2, reason = 'abandoned', winners = '[]'
    WHERE room_id = ?1 AND ended_at IS NULL
"""
# This process inserted the last row, and no other can have added one: see `Database.open`.
_STOP = "UPDATE boots SET stopped_at = ? WHERE id = (SELECT max(id) FROM boots)"


def write_batch(connection: sqlite3.Connection, batch: Batch, limits: Limits = Limits()) -> None:
    """Write all of a batch or nothing, and rate the matches that end in it by `limits`; it is
    durable on return. Raises sqlite3.Error; the transaction is then rolled back, or will be before
    the next one begins."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    connection.execute("BEGIN IMMEDIATE")
    try:
        for sql, rows in _statements(batch):
            if not rows:
                continue
            if sql in AT_ONCE:
                connection.execute(sql, (_json(list(rows)),))
            else:
                connection.executemany(sql, map(_values, rows))
        rate_matches(connection, batch.matches.values(), limits)
        connection.execute("COMMIT")
    except BaseException:
        # SQLite rolls back by itself after some errors (a full disk), but not all. If this rollback
        # fails too, the first error is reported.
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


def _statements(batch: Batch) -> tuple[tuple[str, Collection[Any]], ...]:
    """Return the statements with their rows, in order."""
    new = {row.id for row in batch.players}
    # Names of stored guests are freed first: other players of this batch may take them.
    stored = [id for id in batch.freed_names if id not in new]
    came_and_went = [id for id in batch.freed_names if id in new]
    removed = _one_column(batch.removed_players)
    return (
        (_INSERT_BOOT, batch.boots),
        (_FREE_NAMES, stored),
        (_FREE_LOOKALIKES, stored),
        (_INSERT_PLAYER, batch.players),
        (_INSERT_BOT, batch.bots.values()),
        (_INSERT_LOOKALIKE, batch.lookalikes),
        (_SET_PASSWORD, batch.passwords.values()),
        (_INSERT_SESSION, batch.sessions),
        (_INSERT_CHANGES, batch.changes),
        (_UPDATE_PLAYERS, batch.player_states.values()),
        (_UPDATE_SESSIONS, batch.session_states.values()),
        (_END_SESSIONS, batch.endings),
        (_PUT_ROOM, batch.rooms.values()),
        (_PUT_LINE, batch.lines.values()),
        (_REMOVE_LINES, _one_column(row.id for row in batch.rooms.values() if row.is_closed)),
        (_PUT_MATCH, [_match_values(row) for row in batch.matches.values()]),
        (_PUT_MATCH_PLAYER, batch.match_players.values()),
        (_PUT_MOVE, batch.moves),
        (_ABANDON_PLAYERS, batch.lost_rooms),
        (_ABANDON_MATCH, batch.lost_rooms),
        (_FREE_NAMES, came_and_went),
        (_FREE_LOOKALIKES, came_and_went),
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
"""The fields of a row. Enumerations become plain strings, as `sqlite3` is slow to adapt them."""
