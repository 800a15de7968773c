-- A database as version 0.1.0 left it at 7326420, with schema 4: Ada and Kim have finished a
-- match of Connect Four in a private room and one in a public one, and Ada and Eve play in private.
BEGIN TRANSACTION;
CREATE TABLE boots (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        started_at INTEGER NOT NULL,
        stopped_at INTEGER,                -- NULL: it did not stop in order
        version TEXT NOT NULL
    ) STRICT;
INSERT INTO "boots" VALUES(1,1700000000000,1700000003000,'0.1.0');
CREATE TABLE match_players (
        match_id TEXT NOT NULL REFERENCES matches (id),
        seat INTEGER NOT NULL,
        player_id TEXT NOT NULL REFERENCES players (id),
        name TEXT NOT NULL,                -- at the time
        ended_at INTEGER,                  -- the match's
        PRIMARY KEY (match_id, seat)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "match_players" VALUES('m_zLKENQ3s1a0i7yFbSz3HWw',0,'p_zLKENVp-7Ny6sUeXr6p8sg','Ada',1700000000000);
INSERT INTO "match_players" VALUES('m_zLKENQ3s1a0i7yFbSz3HWw',1,'p_zLKENbzUqT0TpgdDKTH3xg','Kim',1700000000000);
INSERT INTO "match_players" VALUES('m_zLKENTRjyg-wweC5PtbWhg',0,'p_zLKENVp-7Ny6sUeXr6p8sg','Ada',1700000001000);
INSERT INTO "match_players" VALUES('m_zLKENTRjyg-wweC5PtbWhg',1,'p_zLKENbzUqT0TpgdDKTH3xg','Kim',1700000001000);
INSERT INTO "match_players" VALUES('m_zLKENeFWsuDJyq4E_PFx7w',0,'p_zLKENVp-7Ny6sUeXr6p8sg','Ada',NULL);
INSERT INTO "match_players" VALUES('m_zLKENeFWsuDJyq4E_PFx7w',1,'p_zLKENYG_W0nDqpUnups08Q','Eve',NULL);
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
INSERT INTO "matches" VALUES('m_zLKENQ3s1a0i7yFbSz3HWw','r_CN4ocEOPj3-qi2N3oM20ng',1,'connect-four',1,1700000000000,1700000000000,0,8,'four','[1]',NULL,NULL,'seed 0');
INSERT INTO "matches" VALUES('m_zLKENTRjyg-wweC5PtbWhg','r_ZkkBGgpziuot_tVuqlKwww',1,'connect-four',0,1700000001000,1700000001000,0,8,'four','[0]',NULL,NULL,'seed 1');
INSERT INTO "matches" VALUES('m_zLKENeFWsuDJyq4E_PFx7w','r_Fvup-6QIZf2ZHetx3knBVA',1,'connect-four',1,1700000002000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'seed 2');
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
INSERT INTO "moves" VALUES('m_zLKENQ3s1a0i7yFbSz3HWw',1,0,1,'{"column":3}',NULL);
INSERT INTO "moves" VALUES('m_zLKENQ3s1a0i7yFbSz3HWw',2,0,0,'{"column":4}',NULL);
INSERT INTO "moves" VALUES('m_zLKENQ3s1a0i7yFbSz3HWw',3,0,1,'{"column":3}',NULL);
INSERT INTO "moves" VALUES('m_zLKENQ3s1a0i7yFbSz3HWw',4,0,0,'{"column":4}',NULL);
INSERT INTO "moves" VALUES('m_zLKENQ3s1a0i7yFbSz3HWw',5,0,1,'{"column":3}',NULL);
INSERT INTO "moves" VALUES('m_zLKENQ3s1a0i7yFbSz3HWw',6,0,0,'{"column":4}',NULL);
INSERT INTO "moves" VALUES('m_zLKENQ3s1a0i7yFbSz3HWw',7,0,1,'{"column":3}',NULL);
INSERT INTO "moves" VALUES('m_zLKENTRjyg-wweC5PtbWhg',1,0,0,'{"column":3}',NULL);
INSERT INTO "moves" VALUES('m_zLKENTRjyg-wweC5PtbWhg',2,0,1,'{"column":4}',NULL);
INSERT INTO "moves" VALUES('m_zLKENTRjyg-wweC5PtbWhg',3,0,0,'{"column":3}',NULL);
INSERT INTO "moves" VALUES('m_zLKENTRjyg-wweC5PtbWhg',4,0,1,'{"column":4}',NULL);
INSERT INTO "moves" VALUES('m_zLKENTRjyg-wweC5PtbWhg',5,0,0,'{"column":3}',NULL);
INSERT INTO "moves" VALUES('m_zLKENTRjyg-wweC5PtbWhg',6,0,1,'{"column":4}',NULL);
INSERT INTO "moves" VALUES('m_zLKENTRjyg-wweC5PtbWhg',7,0,0,'{"column":3}',NULL);
INSERT INTO "moves" VALUES('m_zLKENeFWsuDJyq4E_PFx7w',1,0,0,'{"column":3}',NULL);
CREATE TABLE name_lookalikes (         -- skeletons of the names that are somebody's
        lookalike TEXT PRIMARY KEY,
        player_id TEXT NOT NULL REFERENCES players (id)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "name_lookalikes" VALUES('ada','p_zLKENVp-7Ny6sUeXr6p8sg');
INSERT INTO "name_lookalikes" VALUES('eve','p_zLKENYG_W0nDqpUnups08Q');
INSERT INTO "name_lookalikes" VALUES('kirn','p_zLKENbzUqT0TpgdDKTH3xg');
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
INSERT INTO "players" VALUES('p_zLKENVp-7Ny6sUeXr6p8sg','Ada','ada','ada',0,'a hash','active',1,1700000000000,1700000000000);
INSERT INTO "players" VALUES('p_zLKENbzUqT0TpgdDKTH3xg','Kim','kim','kim',0,'a hash','active',1,1700000000000,1700000000000);
INSERT INTO "players" VALUES('p_zLKENYG_W0nDqpUnups08Q','Eve','eve','eve',0,'a hash','active',1,1700000000000,1700000000000);
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
INSERT INTO "rooms" VALUES('r_CN4ocEOPj3-qi2N3oM20ng','connect-four',1,'p_zLKENVp-7Ny6sUeXr6p8sg',1700000000000,NULL,NULL,'{"seats":[{"brb_left":0.0,"back_in":0.0},{"brb_left":0.0,"back_in":0.0}],"written":3.0,"written_at":1700000003000,"chat":[{"id":1,"at":0.0,"name":"Ada","notice":"joined","seat":0},{"id":2,"at":0.0,"name":"Kim","notice":"joined","seat":1},{"id":3,"at":1.0,"name":"Ada","notice":"left","seat":0},{"id":4,"at":1.0,"name":"Kim","notice":"left","seat":1}],"match":{"id":"m_zLKENQ3s1a0i7yFbSz3HWw","seed":"seed 0","number":1,"players":[["p_zLKENVp-7Ny6sUeXr6p8sg","Ada"],["p_zLKENbzUqT0TpgdDKTH3xg","Kim"]],"time":0.0,"step":8,"state":"hKdjb2x1bW5zl6CgoKQxMTExozAwMKCgpHR1cm4ApGxhc3QDpGdvbmWQ","outcome":{"winners":[1],"reason":"four","scores":null}}}');
INSERT INTO "rooms" VALUES('r_ZkkBGgpziuot_tVuqlKwww','connect-four',0,'p_zLKENVp-7Ny6sUeXr6p8sg',1700000001000,NULL,NULL,'{"seats":[{"brb_left":0.0,"back_in":0.0},{"player":{"id":"p_zLKENbzUqT0TpgdDKTH3xg","name":"Kim","sort_key":"kim","guest":false},"views_as":1,"brb_left":0.0,"back_in":0.0}],"written":3.0,"written_at":1700000003000,"host":"p_zLKENbzUqT0TpgdDKTH3xg","chat":[{"id":1,"at":1.0,"name":"Ada","notice":"joined","seat":0},{"id":2,"at":1.0,"name":"Kim","notice":"joined","seat":1},{"id":3,"at":2.0,"name":"Ada","notice":"left","seat":0}],"match":{"id":"m_zLKENTRjyg-wweC5PtbWhg","seed":"seed 1","number":1,"players":[["p_zLKENVp-7Ny6sUeXr6p8sg","Ada"],["p_zLKENbzUqT0TpgdDKTH3xg","Kim"]],"time":0.0,"step":8,"state":"hKdjb2x1bW5zl6CgoKQwMDAwozExMaCgpHR1cm4BpGxhc3QDpGdvbmWQ","outcome":{"winners":[0],"reason":"four","scores":null}}}');
INSERT INTO "rooms" VALUES('r_Fvup-6QIZf2ZHetx3knBVA','connect-four',1,'p_zLKENVp-7Ny6sUeXr6p8sg',1700000002000,NULL,NULL,'{"seats":[{"player":{"id":"p_zLKENVp-7Ny6sUeXr6p8sg","name":"Ada","sort_key":"ada","guest":false},"views_as":0,"plays":true,"brb_left":180.0,"back_in":0.0},{"player":{"id":"p_zLKENYG_W0nDqpUnups08Q","name":"Eve","sort_key":"eve","guest":false},"views_as":1,"plays":true,"brb_left":180.0,"back_in":0.0}],"written":3.0,"written_at":1700000003000,"host":"p_zLKENVp-7Ny6sUeXr6p8sg","chat":[{"id":1,"at":2.0,"name":"Ada","notice":"joined","seat":0},{"id":2,"at":2.0,"name":"Eve","notice":"joined","seat":1}],"match":{"id":"m_zLKENeFWsuDJyq4E_PFx7w","seed":"seed 2","number":1,"players":[["p_zLKENVp-7Ny6sUeXr6p8sg","Ada"],["p_zLKENYG_W0nDqpUnups08Q","Eve"]],"time":1.0,"step":2,"state":"hKdjb2x1bW5zl6CgoKEwoKCgpHR1cm4BpGxhc3QDpGdvbmWQ"}}');
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
INSERT INTO "sessions" VALUES('s_zLKENUi4aENGm0Rk3fG3Tw','p_zLKENVp-7Ny6sUeXr6p8sg',X'8EC44AD08C65B196AFA4580A69C0257E1220E42CDAD0325627BECE916A313568',0,'active',1700000000000,1700000000000,'sign-in',1700043200000,NULL,NULL,NULL,NULL);
INSERT INTO "sessions" VALUES('s_zLKENZvj8cuwUYEFkFlOkw','p_zLKENbzUqT0TpgdDKTH3xg',X'C3960F642908111C8BC56C25E45D671E2D5372823698DA03539F65EE39362D05',0,'active',1700000000000,1700000000000,'sign-in',1700043200000,NULL,NULL,NULL,NULL);
INSERT INTO "sessions" VALUES('s_zLKENRZGrhZxu0GZRNpt7A','p_zLKENYG_W0nDqpUnups08Q',X'8F4F3B17C8D7254CF825E50B45C96EA439F72D6F1D9086F226A5289C7730C58D',0,'active',1700000000000,1700000000000,'sign-in',1700043200000,NULL,NULL,NULL,NULL);
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
INSERT INTO "status_changes" VALUES(1,'p_zLKENVp-7Ny6sUeXr6p8sg','s_zLKENUi4aENGm0Rk3fG3Tw','active','signed_in',1700000000000,'active','signed in',1700000000000,'sign-in');
INSERT INTO "status_changes" VALUES(2,'p_zLKENbzUqT0TpgdDKTH3xg','s_zLKENZvj8cuwUYEFkFlOkw','active','signed_in',1700000000000,'active','signed in',1700000000000,'sign-in');
INSERT INTO "status_changes" VALUES(3,'p_zLKENYG_W0nDqpUnups08Q','s_zLKENRZGrhZxu0GZRNpt7A','active','signed_in',1700000000000,'active','signed in',1700000000000,'sign-in');
CREATE INDEX players_offline ON players (sort_key, id) WHERE is_currently_active = 0;
CREATE INDEX name_lookalikes_player ON name_lookalikes (player_id);
CREATE INDEX sessions_live ON sessions (player_id) WHERE ended_at IS NULL;
CREATE INDEX status_changes_player ON status_changes (player_id, id);
CREATE INDEX rooms_open ON rooms (opened_at) WHERE closed_at IS NULL;
CREATE INDEX matches_running ON matches (room_id) WHERE ended_at IS NULL;
CREATE INDEX match_players_finished ON match_players (player_id, ended_at, match_id)
        WHERE ended_at IS NOT NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('boots',1);
INSERT INTO "sqlite_sequence" VALUES('status_changes',3);
COMMIT;
PRAGMA user_version = 4;
