"""The queries: accounts, endings, history, matches, offline players, and what a start takes
over."""

import sqlite3
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from server.accounts.ports import Account
from server.base.ids import MatchId, PlayerId
from server.presence.status import Reason, Status
from server.storage.rows import (
    CutShort,
    Ending,
    LastProcess,
    StoredChange,
    StoredMatch,
    StoredMove,
    StoredPlayer,
    StoredRoom,
    StoredSeat,
    StoredSession,
)
from server.storage.sqlite.database import Database, engine_error
from server.storage.sqlite.reader import Reader

_SESSION = (
    "s.id, s.token_digest, s.remember, s.status, s.created_at, s.last_activity_at,"
    " s.last_activity_by, s.ends_at, s.browser, s.system"
)
_PLAYER = "p.id, p.name, p.sort_key, p.guest, p.status, p.last_activity_at"

# A match in a private room is visible only to its players. ?1: the viewer.
_MAY_SEE = (
    "(m.private = 0 OR EXISTS"
    " (SELECT 1 FROM match_players o WHERE o.match_id = m.id AND o.player_id = ?1))"
)
_MATCH = (
    "m.id, m.room_id, m.game, m.started_at, m.ended_at, m.lasted, m.steps, m.reason, m.winners,"
    " m.scores, m.ended_by, m.seed"
)


class Queries:
    """The `Reads` of `storage/ports.py`, which documents the methods."""

    def __init__(self, database: Database) -> None:
        self._signing_in = database.signing_in
        self._browsing = database.browsing

    async def owners_of(self, lookalikes: Collection[str]) -> dict[str, PlayerId]:
        rows = await _all(
            self._signing_in,
            "SELECT lookalike, player_id FROM name_lookalikes"
            " WHERE lookalike IN (SELECT value FROM json_each(?))",
            msgspec.json.encode(lookalikes).decode(),
        )
        return {lookalike: PlayerId(id) for lookalike, id in rows}

    async def find_account(self, name_key: str) -> Account | None:
        rows = await _all(
            self._signing_in,
            "SELECT id, name, sort_key, guest, password_hash FROM players WHERE name_key = ?",
            name_key,
        )
        for id, name, sort_key, guest, password_hash in rows:
            return Account(PlayerId(id), name, sort_key, bool(guest), password_hash)
        return None

    async def find_ending(self, digest: bytes) -> Reason | None:
        rows = await _all(
            self._signing_in,
            "SELECT end_reason FROM sessions WHERE token_digest = ? AND ended_at IS NOT NULL",
            digest,
        )
        return Reason(rows[0][0]) if rows else None

    async def find_owner(self, digest: bytes) -> PlayerId | None:
        rows = await _all(
            self._signing_in, "SELECT player_id FROM sessions WHERE token_digest = ?", digest
        )
        return PlayerId(rows[0][0]) if rows else None

    async def find_player(self, id: PlayerId) -> StoredPlayer | None:
        rows = await _all(self._browsing, f"SELECT {_PLAYER} FROM players p WHERE p.id = ?", id)  # noqa: S608
        return _player(rows[0]) if rows else None

    async def offline_players(self, after: tuple[str, str], limit: int) -> list[StoredPlayer]:
        rows = await _all(
            self._browsing,
            f"SELECT {_PLAYER} FROM players p WHERE is_currently_active = 0"  # noqa: S608
            " AND (sort_key, id) > (?, ?) ORDER BY sort_key, id LIMIT ?",
            *after,
            limit,
        )
        return [_player(row) for row in rows]

    async def history(self, player: PlayerId, before: int, limit: int) -> list[StoredChange]:
        rows = await _all(
            self._browsing,
            "SELECT c.id, c.status, c.player_status, c.reason, c.at, c.session_id, c.detail,"
            " c.last_activity_at, c.last_activity_by, s.remember"
            " FROM status_changes c JOIN sessions s ON s.id = c.session_id"
            " WHERE c.player_id = ? AND c.id < ? ORDER BY c.id DESC LIMIT ?",
            player,
            before,
            limit,
        )
        return [
            StoredChange(
                id, Status(status), Status(player_status), Reason(reason), *(*rest, bool(remember))
            )
            for id, status, player_status, reason, *rest, remember in rows
        ]

    async def matches_of(
        self, player: PlayerId, viewer: PlayerId, before: tuple[int, str], limit: int
    ) -> list[StoredMatch]:
        return await self._matches(
            "m.id IN (SELECT p.match_id FROM match_players p"  # noqa: S608
            " JOIN matches m ON m.id = p.match_id"
            f" WHERE p.player_id = ?2 AND p.ended_at IS NOT NULL AND {_MAY_SEE}"
            " AND (p.ended_at, p.match_id) < (?3, ?4)"
            " ORDER BY p.ended_at DESC, p.match_id DESC LIMIT ?5)",
            viewer,
            player,
            *before,
            limit,
        )

    async def find_match(self, id: str, viewer: PlayerId | None) -> StoredMatch | None:
        found = await self._matches(
            f"m.id = ?2 AND m.ended_at IS NOT NULL AND {_MAY_SEE}", viewer, id
        )
        return found[0] if found else None

    async def moves_of(self, id: MatchId, from_step: int, limit: int) -> list[StoredMove]:
        rows = await _all(
            self._browsing,
            "SELECT step, at, seat, action, event FROM moves"
            " WHERE match_id = ? AND step >= ? ORDER BY step LIMIT ?",
            id,
            from_step,
            limit,
        )
        decode = msgspec.json.decode
        return [
            StoredMove(step, at, seat, True, decode(action), event)
            if action is not None
            else StoredMove(step, at, seat, False, None, event)
            for step, at, seat, action, event in rows
        ]

    async def last_process(self) -> LastProcess:
        killed = await _all(
            self._signing_in,
            "SELECT started_at FROM boots WHERE stopped_at IS NULL"
            " AND id = (SELECT max(id) FROM boots)",
        )
        return LastProcess(
            [_session(row) for row in await self._sessions("s.ended_at IS NULL", "s.created_at")],
            await self._open_rooms(),
            # Only after a kill: this reads all sessions there were.
            await self._cut_short() if killed else [],
            killed[0][0] if killed else None,
        )

    async def check(self) -> None:
        await _all(self._signing_in, "SELECT 1 FROM boots LIMIT 1")

    async def _open_rooms(self) -> list[StoredRoom]:
        rows = await _all(
            self._signing_in,
            "SELECT id, game, private, made_by, opened_at, state FROM rooms"
            " WHERE closed_at IS NULL ORDER BY opened_at, rowid",
        )
        return [
            StoredRoom(id, game, bool(private), made_by, opened_at, state)
            for id, game, private, made_by, opened_at, state in rows
        ]

    async def _cut_short(self) -> list[CutShort]:
        which = f"s.ended_at IS NOT NULL AND s.status <> '{Status.OFFLINE}'"
        return [
            CutShort(_session(row), Ending(row[0], Reason(row[-2]), row[-1]))
            for row in await self._sessions(which, "s.ended_at")
        ]

    async def _sessions(self, which: str, order: str) -> list[tuple[Any, ...]]:
        return await _all(
            self._signing_in,
            f"SELECT {_SESSION}, {_PLAYER}, s.end_reason, s.ended_at"  # noqa: S608
            " FROM sessions s JOIN players p ON p.id = s.player_id"
            f" WHERE {which} ORDER BY {order}, s.rowid",
        )

    async def _matches(self, which: str, *parameters: object) -> list[StoredMatch]:
        rows = await _all(
            self._browsing,
            f"SELECT {_MATCH}, p.seat, p.player_id, p.name"  # noqa: S608
            f" FROM matches m JOIN match_players p ON p.match_id = m.id WHERE {which}"
            " ORDER BY m.ended_at DESC, m.id DESC, p.seat",
            *parameters,
        )
        matches: dict[MatchId, StoredMatch] = {}
        for row in rows:
            found = matches.get(row[0])
            if found is None:
                found = matches[row[0]] = _match(row)
            found.players.append(StoredSeat(*row[-3:]))
        return list(matches.values())


async def _all(reader: Reader, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    try:
        return await reader.run(lambda disk: disk.execute(sql, parameters).fetchall())
    except sqlite3.Error as error:
        raise engine_error(error) from error


def _session(row: Sequence[Any]) -> StoredSession:
    id, digest, remember, status, *rest = row
    return StoredSession(
        *(id, digest, bool(remember), Status(status), *rest[:6], _player(rest[6:12]))
    )


def _player(row: Sequence[Any]) -> StoredPlayer:
    id, name, sort_key, guest, status, last_activity_at = row
    return StoredPlayer(id, name, sort_key, bool(guest), Status(status), last_activity_at)


def _match(row: tuple[Any, ...]) -> StoredMatch:
    """Return a match without its players, from the columns of `_MATCH`."""
    *columns, winners, scores, ended_by, seed = row[:12]
    decode = msgspec.json.decode
    scores = None if scores is None else decode(scores)
    return StoredMatch(*(*columns, decode(winners), scores, ended_by, seed, []))
