-- A database as version 0.1.0 left it at eb13598, with schema 5: Ada and Kim play Connect Four and have
-- talked; Gus has opened a room that closed.
BEGIN TRANSACTION;
CREATE TABLE boots (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        started_at INTEGER NOT NULL,
        stopped_at INTEGER,                -- NULL: it did not stop in order
        version TEXT NOT NULL
    ) STRICT;
INSERT INTO "boots" VALUES(1,1700000000000,NULL,'0.1.0');
CREATE TABLE match_players (
        match_id TEXT NOT NULL REFERENCES matches (id),
        seat INTEGER NOT NULL,
        player_id TEXT NOT NULL REFERENCES players (id),
        name TEXT NOT NULL,                -- at the time
        ended_at INTEGER, private INTEGER NOT NULL DEFAULT 0
        CHECK (private IN (0, 1)),                  -- the match's
        PRIMARY KEY (match_id, seat)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "match_players" VALUES('m_KM7h1y8WpxrL9HDc3-dqlA',0,'p_KM7h18kE0W07C4fbtzkMPQ','Ada',NULL,0);
INSERT INTO "match_players" VALUES('m_KM7h1y8WpxrL9HDc3-dqlA',1,'p_KM7h1wo6UH7oM9I7z_zA2g','Kim',NULL,0);
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
INSERT INTO "matches" VALUES('m_KM7h1y8WpxrL9HDc3-dqlA','r_SVVoI7B2-7bqOuHw37Dnjw',1,'connect-four',0,1700000000000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'seed 0');
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
INSERT INTO "moves" VALUES('m_KM7h1y8WpxrL9HDc3-dqlA',1,1500,1,'{"column":3}',NULL);
CREATE TABLE name_lookalikes (         -- skeletons of the names that are somebody's
        lookalike TEXT PRIMARY KEY,
        player_id TEXT NOT NULL REFERENCES players (id)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "name_lookalikes" VALUES('gus','p_KM7h1-XuTyQDUZQtkQ1Y4A');
INSERT INTO "name_lookalikes" VALUES('ada','p_KM7h18kE0W07C4fbtzkMPQ');
INSERT INTO "name_lookalikes" VALUES('kirn','p_KM7h1wo6UH7oM9I7z_zA2g');
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
INSERT INTO "players" VALUES('p_KM7h18kE0W07C4fbtzkMPQ','Ada','ada','ada',0,'a hash','active',1,1700000000000,1700000000000);
INSERT INTO "players" VALUES('p_KM7h1wo6UH7oM9I7z_zA2g','Kim','kim','kim',0,'a hash','active',1,1700000000000,1700000000000);
INSERT INTO "players" VALUES('p_KM7h1-XuTyQDUZQtkQ1Y4A','Gus','gus','gus',0,'a hash','active',1,1700000002250,1700000002250);
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
INSERT INTO "rooms" VALUES('r_SVVoI7B2-7bqOuHw37Dnjw','connect-four',0,'p_KM7h18kE0W07C4fbtzkMPQ',1700000000000,NULL,NULL,'{"seats":[{"player":{"id":"p_KM7h18kE0W07C4fbtzkMPQ","name":"Ada","sort_key":"ada","guest":false},"views_as":0,"plays":true,"brb_left":180.0,"back_in":0.0},{"player":{"id":"p_KM7h1wo6UH7oM9I7z_zA2g","name":"Kim","sort_key":"kim","guest":false},"views_as":1,"plays":true,"brb_left":180.0,"back_in":0.0}],"written":50.0,"written_at":1700000050000,"host":"p_KM7h18kE0W07C4fbtzkMPQ","chat":[{"id":1,"at":0.0,"name":"Ada","notice":"joined","seat":0},{"id":2,"at":0.0,"name":"Kim","notice":"joined","seat":1},{"id":3,"at":1.5,"player_id":"p_KM7h18kE0W07C4fbtzkMPQ","name":"Ada","text":"Hello \"Kim\", \\n 😀 $[0]"},{"id":4,"at":2.25,"player_id":"p_KM7h1wo6UH7oM9I7z_zA2g","name":"Kim","text":"¿Qué tal?"}],"match":{"id":"m_KM7h1y8WpxrL9HDc3-dqlA","seed":"seed 0","number":1,"players":[["p_KM7h18kE0W07C4fbtzkMPQ","Ada"],["p_KM7h1wo6UH7oM9I7z_zA2g","Kim"]],"time":50.0,"step":2,"state":"hKdjb2x1bW5zl6CgoKExoKCgpHR1cm4ApGxhc3QDpGdvbmWQ"}}');
INSERT INTO "rooms" VALUES('r_IoytxZjSI4kCCUf-HuspSQ','connect-four',0,'p_KM7h1-XuTyQDUZQtkQ1Y4A',1700000002250,1700000047252,'empty',NULL);
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
    , browser TEXT, system TEXT) STRICT;
INSERT INTO "sessions" VALUES('s_KM7h113vv5F-AGqVh_2lSQ','p_KM7h18kE0W07C4fbtzkMPQ',X'428684C0A95BA974DA3009B6A5BF4B74CED9170DD666D3AC155D7D29C1568461',0,'active',1700000000000,1700000000000,'sign-in',1700043200000,NULL,NULL,NULL,NULL);
INSERT INTO "sessions" VALUES('s_KM7h14sB8mWXUdP9ArdpoA','p_KM7h1wo6UH7oM9I7z_zA2g',X'BA9BDB60CD36A221F97488BF4BA572DED55DFDBAC65ADA2293000C7AA5467ABE',0,'active',1700000000000,1700000000000,'sign-in',1700043200000,NULL,NULL,NULL,NULL);
INSERT INTO "sessions" VALUES('s_KM7h15kdtXKmxJlIzwZwtQ','p_KM7h1-XuTyQDUZQtkQ1Y4A',X'98322598F3C26BCA275F87FAB0E715462D4FE8D8A6C87445D14E9A7987C2EB5C',0,'active',1700000002250,1700000002250,'sign-in',1700043202250,NULL,NULL,NULL,NULL);
CREATE TABLE status_changes (          -- append-only, in order
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        player_id TEXT NOT NULL REFERENCES players (id),
        session_id TEXT NOT NULL REFERENCES sessions (id),
        status TEXT NOT NULL,              -- the session's
        reason TEXT NOT NULL,
        at INTEGER NOT NULL,
        player_status TEXT NOT NULL,       -- the best of the player's sessions, after this change
        detail TEXT NOT NULL
    , last_activity_at INTEGER, last_activity_by TEXT) STRICT;
INSERT INTO "status_changes" VALUES(1,'p_KM7h18kE0W07C4fbtzkMPQ','s_KM7h113vv5F-AGqVh_2lSQ','active','signed_in',1700000000000,'active','signed in',1700000000000,'sign-in');
INSERT INTO "status_changes" VALUES(2,'p_KM7h1wo6UH7oM9I7z_zA2g','s_KM7h14sB8mWXUdP9ArdpoA','active','signed_in',1700000000000,'active','signed in',1700000000000,'sign-in');
INSERT INTO "status_changes" VALUES(3,'p_KM7h1-XuTyQDUZQtkQ1Y4A','s_KM7h15kdtXKmxJlIzwZwtQ','active','signed_in',1700000002250,'active','signed in',1700000002250,'sign-in');
CREATE INDEX players_offline ON players (sort_key, id) WHERE is_currently_active = 0;
CREATE INDEX name_lookalikes_player ON name_lookalikes (player_id);
CREATE INDEX sessions_live ON sessions (player_id) WHERE ended_at IS NULL;
CREATE INDEX status_changes_player ON status_changes (player_id, id);
CREATE INDEX rooms_open ON rooms (opened_at) WHERE closed_at IS NULL;
CREATE INDEX matches_running ON matches (room_id) WHERE ended_at IS NULL;
CREATE INDEX match_players_player ON match_players (player_id, private, ended_at, match_id);
CREATE INDEX rooms_maker ON rooms (made_by);
CREATE INDEX sessions_player ON sessions (player_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('boots',1);
INSERT INTO "sqlite_sequence" VALUES('status_changes',3);
COMMIT;
PRAGMA user_version = 5;
