"""The schema, as numbered steps. `PRAGMA user_version` is the number of steps applied to a file.

A released step never changes; a later one corrects its mistakes. Instants are Unix milliseconds.
"""

import sqlite3

import msgspec

from server.accounts.lookalikes import lookalikes
from server.storage.errors import StorageRefused

_LOOKALIKES_AGAIN = """
    DELETE FROM name_lookalikes;
    INSERT OR IGNORE INTO name_lookalikes (lookalike, player_id)
        SELECT value, players.id FROM players, json_each(lookalikes(players.name))
        WHERE players.name_key IS NOT NULL ORDER BY players.rowid;
"""
"""Rewrites the skeletons of all names by the present table (`accounts/lookalikes.py`). To be added
again as a new step whenever that table changes. If two names become alike, both stay, and the
skeleton belongs to the older one."""

MIGRATIONS = (
    """
    CREATE TABLE players (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        name_key TEXT UNIQUE,              -- what signs in; NULL once a guest's name is free again
        sort_key TEXT NOT NULL,
        guest INTEGER NOT NULL CHECK (guest IN (0, 1)),
        password_hash TEXT,
        status TEXT NOT NULL,
        is_currently_active INTEGER NOT NULL CHECK (is_currently_active IN (0, 1)),
        last_activity_at INTEGER NOT NULL,
        created_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX players_offline ON players (sort_key, id) WHERE is_currently_active = 0;

    CREATE TABLE name_lookalikes (         -- skeletons of the names that are somebody's
        lookalike TEXT PRIMARY KEY,
        player_id TEXT NOT NULL REFERENCES players (id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX name_lookalikes_player ON name_lookalikes (player_id);

    CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        player_id TEXT NOT NULL REFERENCES players (id),
        token_digest BLOB NOT NULL UNIQUE, -- SHA-256 of the secret in the cookie
        remember INTEGER NOT NULL CHECK (remember IN (0, 1)),
        status TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        last_activity_at INTEGER NOT NULL,
        last_activity_by TEXT NOT NULL,
        ends_at INTEGER NOT NULL,
        ended_at INTEGER,
        end_reason TEXT
    ) STRICT;
    CREATE INDEX sessions_live ON sessions (player_id) WHERE ended_at IS NULL;

    CREATE TABLE status_changes (          -- append-only, in order
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        player_id TEXT NOT NULL REFERENCES players (id),
        session_id TEXT NOT NULL REFERENCES sessions (id),
        status TEXT NOT NULL,              -- the session's
        reason TEXT NOT NULL,
        at INTEGER NOT NULL,
        player_status TEXT NOT NULL,       -- the best of the player's sessions, after this change
        detail TEXT NOT NULL
    ) STRICT;
    CREATE INDEX status_changes_player ON status_changes (player_id, id);

    CREATE TABLE boots (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        started_at INTEGER NOT NULL,
        stopped_at INTEGER,                -- NULL: it did not stop in order
        version TEXT NOT NULL
    ) STRICT;
    """,
    """
    ALTER TABLE sessions ADD COLUMN browser TEXT;  -- what it was opened with; NULL: not known
    ALTER TABLE sessions ADD COLUMN system TEXT;
    ALTER TABLE status_changes ADD COLUMN last_activity_at INTEGER;  -- what the idle clock went by;
    ALTER TABLE status_changes ADD COLUMN last_activity_by TEXT;     -- NULL: a row from before
    """,
    """
    CREATE TABLE rooms (
        id TEXT PRIMARY KEY,
        game TEXT NOT NULL,
        private INTEGER NOT NULL CHECK (private IN (0, 1)),
        made_by TEXT NOT NULL REFERENCES players (id),
        opened_at INTEGER NOT NULL,
        closed_at INTEGER,                 -- NULL: it is open
        close_reason TEXT,
        state TEXT                         -- of an open one, as JSON: see server/rooms/document.py
    ) STRICT;
    CREATE INDEX rooms_open ON rooms (opened_at) WHERE closed_at IS NULL;

    CREATE TABLE matches (
        id TEXT PRIMARY KEY,
        room_id TEXT NOT NULL REFERENCES rooms (id),
        number INTEGER NOT NULL,           -- in its room, from 1
        game TEXT NOT NULL,
        private INTEGER NOT NULL CHECK (private IN (0, 1)),
        started_at INTEGER NOT NULL,
        ended_at INTEGER,                  -- NULL: it is being played
        lasted INTEGER,                    -- milliseconds of match time
        steps INTEGER,                     -- how often its state changed
        reason TEXT,
        winners TEXT,                      -- JSON: seats
        scores TEXT,                       -- JSON: numbers by seat; NULL: the game has none
        ended_by INTEGER,                  -- a seat
        seed TEXT NOT NULL                 -- of the dice; secret until the match is over
    ) STRICT;
    CREATE INDEX matches_running ON matches (room_id) WHERE ended_at IS NULL;

    CREATE TABLE match_players (
        match_id TEXT NOT NULL REFERENCES matches (id),
        seat INTEGER NOT NULL,
        player_id TEXT NOT NULL REFERENCES players (id),
        name TEXT NOT NULL,                -- at the time
        ended_at INTEGER,                  -- the match's
        PRIMARY KEY (match_id, seat)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX match_players_finished ON match_players (player_id, ended_at, match_id)
        WHERE ended_at IS NOT NULL;

    CREATE TABLE moves (
        match_id TEXT NOT NULL REFERENCES matches (id),
        step INTEGER NOT NULL,             -- how often its state had changed before: see
                                           -- server/rooms/replay.py
        at INTEGER NOT NULL,               -- milliseconds of match time
        seat INTEGER NOT NULL,
        action TEXT,                       -- JSON; NULL: a hook of the game, which is the event
        event TEXT,                        -- with an action: `bot` or `back`, else NULL
        PRIMARY KEY (match_id, step)
    ) STRICT, WITHOUT ROWID;
    """,
    _LOOKALIKES_AGAIN,
    """
    ALTER TABLE match_players ADD COLUMN private INTEGER NOT NULL DEFAULT 0
        CHECK (private IN (0, 1));     -- the match's
    UPDATE match_players SET private = 1
        WHERE match_id IN (SELECT id FROM matches WHERE private = 1);
    DROP INDEX match_players_finished;
    -- Not of finished matches only: removing a player looks for rows that refer to it.
    CREATE INDEX match_players_player ON match_players (player_id, private, ended_at, match_id);
    CREATE INDEX rooms_maker ON rooms (made_by);
    CREATE INDEX sessions_player ON sessions (player_id);
    """,
    """
    ALTER TABLE matches ADD COLUMN rated INTEGER NOT NULL DEFAULT 0 CHECK (rated IN (0, 1));

    CREATE TABLE ratings (
        player_id TEXT NOT NULL REFERENCES players (id),
        game TEXT NOT NULL,
        mu REAL NOT NULL,                  -- see server/ratings/rating.py
        sigma REAL NOT NULL,
        shown INTEGER NOT NULL,
        matches INTEGER NOT NULL,          -- that count for it
        wins INTEGER NOT NULL,
        listed INTEGER NOT NULL CHECK (listed IN (0, 1)),  -- has enough matches for the standings
        PRIMARY KEY (player_id, game)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX ratings_standings ON ratings (game, shown, player_id) WHERE listed = 1;

    CREATE TABLE rating_changes (          -- by the matches that counted
        match_id TEXT NOT NULL REFERENCES matches (id),
        player_id TEXT NOT NULL REFERENCES players (id),
        at INTEGER NOT NULL,
        before INTEGER NOT NULL,           -- as shown
        after INTEGER NOT NULL,
        PRIMARY KEY (match_id, player_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX rating_changes_player ON rating_changes (player_id, at);

    CREATE TABLE weekly_gains (
        player_id TEXT NOT NULL REFERENCES players (id),
        game TEXT NOT NULL,
        week INTEGER NOT NULL,             -- its number since 1970: they begin on Mondays, UTC
        gained INTEGER NOT NULL,
        matches INTEGER NOT NULL,
        wins INTEGER NOT NULL,
        PRIMARY KEY (player_id, game, week)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX weekly_gains_standings ON weekly_gains (game, week, gained, player_id);

    CREATE TABLE records (                 -- the best scores of who played alone
        player_id TEXT NOT NULL REFERENCES players (id),
        game TEXT NOT NULL,
        score REAL NOT NULL,
        match_id TEXT NOT NULL REFERENCES matches (id),
        at INTEGER NOT NULL,
        PRIMARY KEY (player_id, game)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX records_match ON records (match_id);
    """,
    """
    CREATE TABLE chat_lines (              -- the latest of each open room
        room_id TEXT NOT NULL REFERENCES rooms (id),
        place INTEGER NOT NULL,            -- which the line takes from the oldest one
        number INTEGER NOT NULL,           -- in its room, from 1
        at INTEGER NOT NULL,
        player_id TEXT,                    -- NULL: the room's own line
        name TEXT,
        text TEXT,
        notice TEXT,
        seat INTEGER,
        PRIMARY KEY (room_id, place)
    ) STRICT, WITHOUT ROWID;
    INSERT OR REPLACE INTO chat_lines
        SELECT rooms.id, json_extract(line.value, '$.id') % 50, json_extract(line.value, '$.id'),
            json_extract(rooms.state, '$.written_at') + CAST(round(1000 * (
                json_extract(line.value, '$.at') - json_extract(rooms.state, '$.written')
            )) AS INTEGER),
            json_extract(line.value, '$.player_id'), json_extract(line.value, '$.name'),
            json_extract(line.value, '$.text'), json_extract(line.value, '$.notice'),
            json_extract(line.value, '$.seat')
        FROM rooms,
            json_each(iif(json_valid(rooms.state), rooms.state, '{}'), '$.chat') AS line;
    UPDATE rooms SET state = json_remove(state, '$.chat', '$.written', '$.written_at')
        WHERE json_valid(state);
    """,
    """
    ALTER TABLE players ADD COLUMN bot INTEGER NOT NULL DEFAULT 0 CHECK (bot IN (0, 1));
    -- 1: an opponent that the server has; see server/rooms/robots.py
    DROP INDEX players_offline;
    CREATE INDEX players_offline ON players (sort_key, id)
        WHERE is_currently_active = 0 AND bot = 0;
    """,
)


def migrate(connection: sqlite3.Connection) -> None:
    """Apply the missing steps, each in a transaction of its own.

    Raises StorageRefused for a file made by a newer version.
    """
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    if version > len(MIGRATIONS):
        raise StorageRefused(
            f"the database has schema {version}, this version knows {len(MIGRATIONS)}: "
            "it was made by a newer Still Here"
        )
    connection.create_function("lookalikes", 1, _lookalikes, deterministic=True)
    for number, step in enumerate(MIGRATIONS[version:], version + 1):
        connection.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version = {number}; COMMIT;")


def _lookalikes(name: str) -> str:
    """Return the skeletons of a name, as JSON."""
    return msgspec.json.encode(sorted(lookalikes(name))).decode()
