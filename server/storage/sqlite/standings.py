"""Ratings, records and standings: brought up to date in the transaction that keeps the end of a
match, so that they never say anything else than the finished matches.

The rules are those of `server/ratings/`. Guests and bots have no rating, and a match with a bot in
it counts for nobody.
"""

import itertools
import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from server.base.ids import MatchId, PlayerId
from server.base.units import from_ms
from server.ratings.limits import Limits
from server.ratings.rating import NEW, Rating, counts, places, rate, week_of
from server.storage.rows import MatchRow, StoredRating, StoredRecord, StoredStanding

_PLAYERS = """
    SELECT p.player_id, q.guest, q.bot, r.mu, r.sigma
    FROM matches m JOIN match_players p ON p.match_id = m.id
    JOIN players q ON q.id = p.player_id
    LEFT JOIN ratings r ON r.player_id = p.player_id AND r.game = m.game
    WHERE m.id = ? AND m.rated = 0 ORDER BY p.seat
"""
_COUNTED = """
    SELECT match_id FROM rating_changes WHERE player_id = ? AND at > ? ORDER BY at DESC LIMIT ?
"""
_SET_RATED = "UPDATE matches SET rated = 1 WHERE id = ?"
_PUT_CHANGE = """
    INSERT INTO rating_changes (match_id, player_id, at, before, after) VALUES (?, ?, ?, ?, ?)
"""
_PUT_RATING = """
    INSERT INTO ratings (player_id, game, mu, sigma, shown, matches, wins, listed)
    VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7 <= 1) ON CONFLICT (player_id, game) DO UPDATE SET
        mu = ?3, sigma = ?4, shown = ?5, matches = matches + 1, wins = wins + ?6,
        listed = ?7 <= matches + 1
"""
_PUT_WEEK = """
    INSERT INTO weekly_gains (player_id, game, week, gained, matches, wins)
    VALUES (?1, ?2, ?3, ?4, 1, ?5) ON CONFLICT (player_id, game, week) DO UPDATE SET
        gained = gained + ?4, matches = matches + 1, wins = wins + ?5
"""
_PUT_RECORD = """
    INSERT INTO records (player_id, game, score, match_id, at) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (player_id, game) DO UPDATE SET score = ?3, match_id = ?4, at = ?5
    WHERE excluded.score > records.score
"""

_STANDINGS = """
    SELECT r.player_id, p.name, r.shown, NULL, r.matches, r.wins
    FROM ratings r JOIN players p ON p.id = r.player_id
    WHERE r.game = ? AND r.listed = 1 AND (r.shown, r.player_id) < (?, ?)
    ORDER BY r.shown DESC, r.player_id DESC LIMIT ?
"""
_STANDINGS_OF_WEEK = """
    SELECT w.player_id, p.name, r.shown, w.gained, w.matches, w.wins
    FROM weekly_gains w JOIN players p ON p.id = w.player_id
    JOIN ratings r ON r.player_id = w.player_id AND r.game = w.game
    WHERE w.game = ? AND w.week = ? AND (w.gained, w.player_id) < (?, ?)
    ORDER BY w.gained DESC, w.player_id DESC LIMIT ?
"""


class _Seated(NamedTuple):
    player: PlayerId
    is_guest: bool
    is_bot: bool
    rating: Rating


def rate_matches(connection: sqlite3.Connection, rows: Iterable[MatchRow], limits: Limits) -> None:
    """Bring ratings and records up to date with the matches that end in this transaction, in the
    order of their ends. Their rows are written already."""
    ended = [row for row in rows if row.ended_at is not None]
    for row in sorted(ended, key=lambda row: (row.ended_at, row.id)):
        _rate(connection, row, limits)


def _rate(connection: sqlite3.Connection, row: MatchRow, limits: Limits) -> None:
    assert row.ended_at is not None
    seated = [
        _Seated(PlayerId(id), bool(guest), bool(bot), NEW if mu is None else Rating(mu, sigma))
        for id, guest, bot, mu, sigma in connection.execute(_PLAYERS, (row.id,))
    ]
    if any(one.is_bot for one in seated):
        return
    seconds, steps = from_ms(row.lasted or 0), row.steps or 0
    if not counts(row.reason or "", seconds, steps, len(seated), limits):
        return
    scores = row.scores if row.scores is not None and len(row.scores) == len(seated) else None
    if len(seated) == 1 and scores is not None:
        record = (seated[0].player, row.game, scores[0], row.id, row.ended_at)
        connection.execute(_PUT_RECORD, record)
        return
    where = places(len(seated), row.winners or (), scores)
    rated = [(one, place) for one, place in zip(seated, where, strict=True) if not one.is_guest]
    players = [one.player for one, _ in rated]
    if len(rated) < 2 or _is_too_often(connection, players, row.ended_at, limits):
        return
    after = rate([one.rating for one, _ in rated], [place for _, place in rated])
    connection.execute(_SET_RATED, (row.id,))
    for (one, place), new in zip(rated, after, strict=True):
        id, before, shown = one.player, one.rating.shown, new.shown
        has_won = place == 1 and len(set(where)) > 1
        connection.execute(_PUT_CHANGE, (row.id, id, row.ended_at, before, shown))
        rating = (id, row.game, new.mu, new.sigma, shown, has_won, limits.matches_until_listed)
        connection.execute(_PUT_RATING, rating)
        week = (id, row.game, week_of(row.ended_at), shown - before, has_won)
        connection.execute(_PUT_WEEK, week)


def _is_too_often(
    connection: sqlite3.Connection, players: Sequence[PlayerId], at: int, limits: Limits
) -> bool:
    """Return True if one of these, or two with each other, had all matches that count in a day."""
    since = at - limits.day * 1000
    counted = [
        {id for (id,) in connection.execute(_COUNTED, (player, since, limits.of_player))}
        for player in players
    ]
    return any(len(each) >= limits.of_player for each in counted) or any(
        len(one & other) >= limits.between_two for one, other in itertools.combinations(counted, 2)
    )


# Queries: `Reads` of storage/ports.py documents them.


def standings(
    disk: sqlite3.Connection, game: str, week: int | None, after: tuple[int, str], limit: int
) -> list[StoredStanding]:
    if week is None:
        rows = disk.execute(_STANDINGS, (game, *after, limit))
    else:
        rows = disk.execute(_STANDINGS_OF_WEEK, (game, week, *after, limit))
    return [StoredStanding(PlayerId(id), *rest) for id, *rest in rows]


def ratings_of(disk: sqlite3.Connection, player: PlayerId) -> list[StoredRating]:
    rows = disk.execute(
        "SELECT game, shown, matches, wins FROM ratings WHERE player_id = ? ORDER BY game",
        (player,),
    )
    return [StoredRating(*row) for row in rows]


def records_of(disk: sqlite3.Connection, player: PlayerId) -> list[StoredRecord]:
    rows = disk.execute(
        "SELECT game, score, match_id, at FROM records WHERE player_id = ? ORDER BY game",
        (player,),
    )
    return [StoredRecord(game, score, MatchId(match), at) for game, score, match, at in rows]
