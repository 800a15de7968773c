"""The queries: accounts, endings, history, matches, offline players, and what a start takes
over."""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeAlias, TypeVar

import msgspec

from server.base.ids import MatchId, PlayerId, RoomId
from server.presence.status import Reason, Status
from server.storage.rows import (
    CutShort,
    Ending,
    LastProcess,
    StoredAccount,
    StoredChange,
    StoredLine,
    StoredMatch,
    StoredMatches,
    StoredMove,
    StoredMoves,
    StoredPlayer,
    StoredRating,
    StoredRecord,
    StoredRoom,
    StoredSeat,
    StoredSession,
    StoredStanding,
)
from server.storage.sqlite.database import Database, engine_error
from server.storage.sqlite.limits import SqliteLimits
from server.storage.sqlite.reader import Reader
from server.storage.sqlite.standings import ratings_of, records_of, standings

T = TypeVar("T")

_SESSION = (
    "s.id, s.token_digest, s.remember, s.status, s.created_at, s.last_activity_at,"
    " s.last_activity_by, s.ends_at, s.browser, s.system"
)
_PLAYER = "p.id, p.name, p.sort_key, p.guest, p.status, p.last_activity_at, p.created_at"

_MATCH = (
    "m.id, m.room_id, m.game, m.started_at, m.ended_at, m.lasted, m.steps, m.reason, m.winners,"
    " m.scores, m.ended_by, m.seed"
)
_FINISHED = (
    "SELECT p.ended_at, p.match_id FROM match_players p WHERE p.player_id = ? AND p.private = ?"
    " AND (p.ended_at, p.match_id) < (?, ?) ORDER BY p.ended_at DESC, p.match_id DESC LIMIT ?"
)
# `+`: by the match, which has few players, and not by the player, who has many matches.
_PLAYED_IN = "EXISTS (SELECT 1 FROM match_players o WHERE o.match_id = {id} AND +o.player_id = ?)"

_Key: TypeAlias = tuple[int, str]
"""Of a finished match: the instant of its end, and its id."""


class Queries:
    """The `Reads` of `storage/ports.py`, which documents the methods."""

    def __init__(self, database: Database, limits: SqliteLimits) -> None:
        self._limits = limits
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

    async def find_account(self, name_key: str) -> StoredAccount | None:
        rows = await _all(
            self._signing_in,
            "SELECT id, name, sort_key, guest, password_hash, created_at FROM players"
            " WHERE name_key = ?",
            name_key,
        )
        for id, name, sort_key, guest, password_hash, created_at in rows:
            return StoredAccount(id, name, sort_key, bool(guest), password_hash, created_at)
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
            f"SELECT {_PLAYER} FROM players p WHERE is_currently_active = 0 AND bot = 0"  # noqa: S608
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
        self, player: PlayerId, viewer: PlayerId, before: _Key, limit: int
    ) -> StoredMatches:
        def read(disk: sqlite3.Connection) -> StoredMatches:
            # Only rows of the player and the viewer are read, and no more of them for a page.
            rows: list[Any] = disk.execute(_FINISHED, (player, 0, *before, limit + 1)).fetchall()
            looked_up_to: _Key | None = None
            if viewer == player:
                rows += disk.execute(_FINISHED, (player, 1, *before, limit + 1))
            else:
                shared, looked_up_to = self._shared(disk, player, viewer, before)
                rows += shared
            keys = sorted(set(rows), reverse=True)
            if looked_up_to is not None:
                keys = [key for key in keys if key >= looked_up_to]
            page = keys[:limit]
            ids = msgspec.json.encode([id for _, id in page]).decode()
            which = "m.id IN (SELECT value FROM json_each(?))"
            next_ = page[-1] if len(keys) > limit else looked_up_to
            return StoredMatches(_matches(disk, which, ids), next_)

        return await _run(self._browsing, read)

    async def find_match(self, id: str, viewer: PlayerId | None) -> StoredMatch | None:
        # A match in a private room is visible only to its players.
        may_see = f"(m.private = 0 OR {_PLAYED_IN.format(id='m.id')})"
        which = f"m.id = ? AND m.ended_at IS NOT NULL AND {may_see}"
        found = await _run(self._browsing, lambda disk: _matches(disk, which, id, viewer))
        return found[0] if found else None

    async def moves_of(self, id: MatchId, after: int, limit: int) -> StoredMoves:
        moves: list[StoredMove] = []
        letters = self._limits.action_letters_at_once
        next_: int | None = after

        def read(disk: sqlite3.Connection) -> int | None:
            nonlocal letters
            most = min(limit, len(moves) + self._limits.moves_at_once)
            parameters = (id, next_, most - len(moves) + 1)
            # One by one: of those that are too many, not even one is held.
            for row in disk.execute(
                "SELECT step, at, seat, action, event FROM moves"
                " WHERE match_id = ? AND step > ? ORDER BY step LIMIT ?",
                parameters,
            ):
                if len(moves) == most or letters <= 0:
                    return moves[-1].step
                moves.append(_move(row))
                letters -= len(row[3] or "")
            return None

        while next_ is not None and len(moves) < limit and letters > 0:
            next_ = await _run(self._browsing, read)
        return StoredMoves(moves, next_)

    async def standings(
        self, game: str, week: int | None, after: tuple[int, str], limit: int
    ) -> list[StoredStanding]:
        return await _run(self._browsing, lambda disk: standings(disk, game, week, after, limit))

    async def ratings_of(self, player: PlayerId) -> tuple[list[StoredRating], list[StoredRecord]]:
        return await _run(
            self._browsing, lambda disk: (ratings_of(disk, player), records_of(disk, player))
        )

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
        await _all(self._signing_in, "SELECT 1 FROM boots WHERE id = 1")

    async def _open_rooms(self) -> list[StoredRoom]:
        rows = await _all(
            self._signing_in,
            "SELECT id, game, private, made_by, opened_at, state FROM rooms"
            " WHERE closed_at IS NULL ORDER BY opened_at, rowid",
        )
        lines: dict[RoomId, list[StoredLine]] = {}
        for id, *line in await _all(
            self._signing_in,
            "SELECT room_id, number, at, player_id, name, text, notice, seat FROM chat_lines"
            " ORDER BY room_id, number",
        ):
            lines.setdefault(RoomId(id), []).append(StoredLine(*line))
        return [
            StoredRoom(id, game, bool(private), made_by, opened_at, state, lines.get(id, []))
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

    def _shared(
        self, disk: sqlite3.Connection, player: PlayerId, viewer: PlayerId, before: _Key
    ) -> tuple[list[_Key], _Key | None]:
        """Return private matches of both, and the last key that was looked at if there are more."""
        most = self._limits.matches_looked_at
        is_shared = _PLAYED_IN.format(id="v.match_id")
        found = disk.execute(
            f"SELECT v.ended_at, v.match_id, {is_shared} FROM ({_FINISHED}) v",  # noqa: S608
            (player, viewer, 1, *before, most),
        ).fetchall()
        keys = [(ended_at, id) for ended_at, id, is_shared in found if is_shared]
        return keys, found[-1][:2] if len(found) == most else None


async def _run(reader: Reader, query: Callable[[sqlite3.Connection], T]) -> T:
    try:
        return await reader.run(query)
    except sqlite3.Error as error:
        raise engine_error(error) from error


async def _all(reader: Reader, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    return await _run(reader, lambda disk: disk.execute(sql, parameters).fetchall())


def _matches(disk: sqlite3.Connection, which: str, *parameters: object) -> list[StoredMatch]:
    """Return the matches `which`, newest first."""
    rows = disk.execute(
        f"SELECT {_MATCH}, p.seat, p.player_id, p.name, c.before, c.after"  # noqa: S608
        " FROM matches m JOIN match_players p ON p.match_id = m.id"
        " LEFT JOIN rating_changes c ON c.match_id = m.id AND c.player_id = p.player_id"
        f" WHERE {which}"
        " ORDER BY m.ended_at DESC, m.id DESC, p.seat",
        parameters,
    )
    matches: dict[MatchId, StoredMatch] = {}
    for row in rows:
        found = matches.get(row[0])
        if found is None:
            found = matches[row[0]] = _match(row)
        found.players.append(StoredSeat(*row[-5:]))
    return list(matches.values())


def _session(row: Sequence[Any]) -> StoredSession:
    id, digest, remember, status, *rest = row
    return StoredSession(
        *(id, digest, bool(remember), Status(status), *rest[:6], _player(rest[6:13]))
    )


def _player(row: Sequence[Any]) -> StoredPlayer:
    id, name, sort_key, guest, status, last_activity_at, created_at = row
    return StoredPlayer(
        id, name, sort_key, bool(guest), Status(status), last_activity_at, created_at
    )


def _match(row: tuple[Any, ...]) -> StoredMatch:
    """Return a match without its players, from the columns of `_MATCH`."""
    *columns, winners, scores, ended_by, seed = row[:12]
    decode = msgspec.json.decode
    scores = None if scores is None else decode(scores)
    return StoredMatch(*(*columns, decode(winners), scores, ended_by, seed, []))


def _move(row: tuple[Any, ...]) -> StoredMove:
    step, at, seat, action, event = row
    if action is None:
        return StoredMove(step, at, seat, False, None, event)
    return StoredMove(step, at, seat, True, msgspec.json.decode(action), event)
