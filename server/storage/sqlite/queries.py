"""What is read back: accounts, endings, history, matches, who is offline, and what a start has to
know."""

import logging
import sqlite3
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from server.accounts.ports import Account, StorageUnavailable
from server.base.ids import MatchId, PlayerId, RoomId, SessionId
from server.base.waiting import within
from server.presence.status import Reason, Status
from server.storage.room_rows import StoredRoom
from server.storage.sqlite.database import Database

_log = logging.getLogger("stillhere.storage")

PATIENCE = 5.0
"""Seconds for an answer. They take milliseconds, unless the disk hangs."""


class StoredPlayer(NamedTuple):
    """A player as the database has them. Instants are Unix milliseconds."""

    id: PlayerId
    name: str
    sort_key: str
    guest: bool
    status: Status
    last_activity_at: int


class StoredChange(NamedTuple):
    """A row of the history. `number` grows with time and pages the history. The last activity is
    None in rows that schema 1 has written."""

    number: int
    status: Status
    player_status: Status
    reason: Reason
    at: int
    session_id: SessionId
    detail: str
    last_activity_at: int | None
    last_activity_by: str | None
    remember: bool


class StoredSession(NamedTuple):
    """A session that had not ended when the last process stopped."""

    id: SessionId
    digest: bytes
    remember: bool
    status: Status
    created_at: int
    last_activity_at: int
    last_activity_by: str
    ends_at: int
    browser: str | None
    system: str | None
    player: StoredPlayer


class StoredMatch(NamedTuple):
    """A finished match. `winners` and `scores` are JSON; `lasted` is in milliseconds of match
    time; `players`: seat, id and name at the time."""

    id: MatchId
    room_id: RoomId
    game: str
    started_at: int
    ended_at: int
    lasted: int | None
    steps: int | None
    reason: str
    winners: str
    scores: str | None
    ended_by: int | None
    seed: str
    players: list[tuple[int, PlayerId, str]]


_PLAYER = "p.id, p.name, p.sort_key, p.guest, p.status, p.last_activity_at"

# A match in a private room is the business of those who played in it. ?1: who asks.
_MAY_SEE = (
    "(m.private = 0 OR EXISTS"
    " (SELECT 1 FROM match_players o WHERE o.match_id = m.id AND o.player_id = ?1))"
)
# In the order of the primary key, which is that of the steps.
_MOVES = """
    SELECT '[' || coalesce(group_concat(
        '{"step":' || step || ',"at":' || (at / 1000.0) || ',"seat":' || seat
        || coalesce(',"action":' || action, '') || coalesce(',"event":"' || event || '"', '')
        || '}'), '') || ']'
    FROM (SELECT * FROM moves WHERE match_id = ? ORDER BY step)
"""


class Queries:
    """Reads on a connection that cannot write. Every answer is a copy, of a page at the most;
    no transaction stays open. All but `check` raise StorageUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def owners_of(self, lookalikes: Collection[str]) -> set[PlayerId]:
        """The players whose stored names have one of these skeletons."""
        marks = ", ".join("?" * len(lookalikes))
        rows = await self._all(
            f"SELECT player_id FROM name_lookalikes WHERE lookalike IN ({marks})",  # noqa: S608
            *lookalikes,
        )
        return {PlayerId(id) for (id,) in rows}

    async def find_account(self, name_key: str) -> Account | None:
        """The account that signs in with this name."""
        rows = await self._all(
            "SELECT id, name, sort_key, guest, password_hash FROM players WHERE name_key = ?",
            name_key,
        )
        for id, name, sort_key, guest, password_hash in rows:
            return Account(PlayerId(id), name, sort_key, bool(guest), password_hash)
        return None

    async def find_ending(self, digest: bytes) -> Reason | None:
        """Why the session with this token ended; None: it has not, or there was none."""
        rows = await self._all(
            "SELECT end_reason FROM sessions WHERE token_digest = ? AND ended_at IS NOT NULL",
            digest,
        )
        return Reason(rows[0][0]) if rows else None

    async def find_player(self, id: PlayerId) -> StoredPlayer | None:
        """A player by id, here or not."""
        rows = await self._all(f"SELECT {_PLAYER} FROM players p WHERE p.id = ?", id)  # noqa: S608
        return _player(rows[0]) if rows else None

    async def offline_players(self, after: tuple[str, str], limit: int) -> list[StoredPlayer]:
        """Players who are not here, by name, behind the key `after` = (sort_key, id)."""
        rows = await self._all(
            f"SELECT {_PLAYER} FROM players p WHERE is_currently_active = 0"  # noqa: S608
            " AND (sort_key, id) > (?, ?) ORDER BY sort_key, id LIMIT ?",
            *after,
            limit,
        )
        return [_player(row) for row in rows]

    async def history(self, player: PlayerId, before: int, limit: int) -> list[StoredChange]:
        """A player's changes, newest first, with numbers below `before`."""
        rows = await self._all(
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
        """A player's finished matches as far as `viewer` may know of them, the last one first,
        behind the key `before` = (ended_at, id)."""
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
        """A finished match, if `viewer` may know of it."""
        found = await self._matches(
            f"m.id = ?2 AND m.ended_at IS NOT NULL AND {_MAY_SEE}", viewer, id
        )
        return found[0] if found else None

    async def moves_of(self, id: MatchId) -> str:
        """The moves of a match as JSON, made where it keeps nobody waiting: there can be tens of
        thousands."""
        rows = await self._all(_MOVES, id)
        return str(rows[0][0])

    async def open_rooms(self) -> list[StoredRoom]:
        """The rooms that have not closed, oldest first."""
        rows = await self._all(
            "SELECT id, game, private, made_by, opened_at, state FROM rooms"
            " WHERE closed_at IS NULL ORDER BY opened_at, rowid"
        )
        return [
            StoredRoom(id, game, bool(private), made_by, opened_at, state)
            for id, game, private, made_by, opened_at, state in rows
        ]

    async def live_sessions(self) -> list[StoredSession]:
        """Every session that has not ended, oldest first."""
        rows = await self._all(
            "SELECT s.id, s.token_digest, s.remember, s.status, s.created_at,"  # noqa: S608
            f" s.last_activity_at, s.last_activity_by, s.ends_at, s.browser, s.system, {_PLAYER}"
            " FROM sessions s JOIN players p ON p.id = s.player_id"
            " WHERE s.ended_at IS NULL ORDER BY s.created_at, s.rowid"
        )
        return [
            StoredSession(
                id,
                digest,
                bool(remember),
                Status(status),
                created_at,
                last_activity_at,
                last_activity_by,
                ends_at,
                browser,
                system,
                _player(tuple(player)),
            )
            for (
                id,
                digest,
                remember,
                status,
                created_at,
                last_activity_at,
                last_activity_by,
                ends_at,
                browser,
                system,
                *player,
            ) in rows
        ]

    async def check(self) -> None:
        """Raise sqlite3.Error or TimeoutError unless the database can be read."""
        await within(PATIENCE, self._rows("SELECT 1 FROM boots LIMIT 1"))

    async def _all(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        try:
            rows = await within(PATIENCE, self._rows(sql, *parameters))
        except (sqlite3.Error, TimeoutError) as error:
            _log.error("the database cannot be read: %s", error or "it does not answer")
            raise StorageUnavailable(
                "What was asked for cannot be read just now; ask again in a moment."
            ) from error
        return [tuple(row) for row in rows]

    async def _matches(self, which: str, *parameters: object) -> list[StoredMatch]:
        rows = await self._all(
            "SELECT m.id, m.room_id, m.game, m.started_at, m.ended_at, m.lasted, m.steps,"  # noqa: S608
            " m.reason, m.winners, m.scores, m.ended_by, m.seed, p.seat, p.player_id, p.name"
            f" FROM matches m JOIN match_players p ON p.match_id = m.id WHERE {which}"
            " ORDER BY m.ended_at DESC, m.id DESC, p.seat",
            *parameters,
        )
        matches: dict[MatchId, StoredMatch] = {}
        for row in rows:
            found = matches.get(row[0])
            if found is None:
                found = matches[row[0]] = StoredMatch(*(*row[:12], []))
            found.players.append((row[12], row[13], row[14]))
        return list(matches.values())

    async def _rows(self, sql: str, *parameters: object) -> Iterable[sqlite3.Row]:
        return await self._database.reader.execute_fetchall(sql, parameters)


def _player(row: tuple[Any, ...]) -> StoredPlayer:
    id, name, sort_key, guest, status, last_activity_at = row
    return StoredPlayer(id, name, sort_key, bool(guest), Status(status), last_activity_at)
