-- A database as version 0.1.0 left it at 780bff7, with schema 3: Ada and Kim play their second match
-- of Connect Four, Eve is in an arena that Gus has left for bots, and Gus has signed out.
BEGIN TRANSACTION;
CREATE TABLE boots (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        started_at INTEGER NOT NULL,
        stopped_at INTEGER,                -- NULL: it did not stop in order
        version TEXT NOT NULL
    ) STRICT;
INSERT INTO "boots" VALUES(1,1700000000000,1700000130000,'0.1.0');
CREATE TABLE match_players (
        match_id TEXT NOT NULL REFERENCES matches (id),
        seat INTEGER NOT NULL,
        player_id TEXT NOT NULL REFERENCES players (id),
        name TEXT NOT NULL,                -- at the time
        ended_at INTEGER,                  -- the match's
        PRIMARY KEY (match_id, seat)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "match_players" VALUES('m_OlxT3a5-8xJb35YmL7kUZg',0,'p_OJ5XSn9yyM2t2Pw0TB45cA','Gus',NULL);
INSERT INTO "match_players" VALUES('m_OlxT3a5-8xJb35YmL7kUZg',1,'p_tpNl6nQKSabbBfW6ilTWIw','Eve',NULL);
INSERT INTO "match_players" VALUES('m_Y8NLdu1O0-t6Kfbmh6flLA',0,'p_oZ1LFUMxgecpc-gv5rLOYg','Ada',1700000000000);
INSERT INTO "match_players" VALUES('m_Y8NLdu1O0-t6Kfbmh6flLA',1,'p_ivekMNGv6HVSEEs5qmrIoQ','Kim',1700000000000);
INSERT INTO "match_players" VALUES('m_d_-R9ZLTuO14pJlVugO5ow',0,'p_oZ1LFUMxgecpc-gv5rLOYg','Ada',NULL);
INSERT INTO "match_players" VALUES('m_d_-R9ZLTuO14pJlVugO5ow',1,'p_ivekMNGv6HVSEEs5qmrIoQ','Kim',NULL);
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
INSERT INTO "matches" VALUES('m_Y8NLdu1O0-t6Kfbmh6flLA','r_d0wiqrrAv0-YXBqIZCYk3A',1,'connect-four',0,1700000000000,1700000000000,0,8,'four','[0]',NULL,NULL,'fc8898375643f9318c048b149615324b');
INSERT INTO "matches" VALUES('m_d_-R9ZLTuO14pJlVugO5ow','r_d0wiqrrAv0-YXBqIZCYk3A',2,'connect-four',0,1700000000000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'a5ab5a6be4a099053347c31963582efe');
INSERT INTO "matches" VALUES('m_OlxT3a5-8xJb35YmL7kUZg','r_y7o9hDvch5naP5qLlPLrpQ',1,'snake-arena',0,1700000000000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'e51da7edb50646d0de58df36a3f8cae3');
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
INSERT INTO "moves" VALUES('m_OlxT3a5-8xJb35YmL7kUZg',32,6110,0,'{"turn":"up"}','bot');
INSERT INTO "moves" VALUES('m_OlxT3a5-8xJb35YmL7kUZg',35,6310,1,'{"turn":"up"}','bot');
INSERT INTO "moves" VALUES('m_OlxT3a5-8xJb35YmL7kUZg',41,6810,0,'{"turn":"left"}','bot');
INSERT INTO "moves" VALUES('m_OlxT3a5-8xJb35YmL7kUZg',44,7010,1,'{"turn":"right"}','bot');
INSERT INTO "moves" VALUES('m_OlxT3a5-8xJb35YmL7kUZg',48,7310,1,'{"turn":"down"}','bot');
INSERT INTO "moves" VALUES('m_OlxT3a5-8xJb35YmL7kUZg',53,7710,1,'{"turn":"left"}','bot');
INSERT INTO "moves" VALUES('m_OlxT3a5-8xJb35YmL7kUZg',55,7810,1,'{"turn":"down"}','bot');
INSERT INTO "moves" VALUES('m_OlxT3a5-8xJb35YmL7kUZg',61,8310,0,'{"turn":"down"}','bot');
INSERT INTO "moves" VALUES('m_OlxT3a5-8xJb35YmL7kUZg',62,8310,1,'{"turn":"right"}','bot');
INSERT INTO "moves" VALUES('m_OlxT3a5-8xJb35YmL7kUZg',68,8810,1,'{"turn":"up"}','bot');
INSERT INTO "moves" VALUES('m_OlxT3a5-8xJb35YmL7kUZg',76,9510,1,'{"turn":"right"}','bot');
INSERT INTO "moves" VALUES('m_OlxT3a5-8xJb35YmL7kUZg',79,9700,0,'{"turn":"right"}','bot');
INSERT INTO "moves" VALUES('m_OlxT3a5-8xJb35YmL7kUZg',81,9810,0,'{"turn":"down"}','bot');
INSERT INTO "moves" VALUES('m_Y8NLdu1O0-t6Kfbmh6flLA',1,0,0,'{"column":3}',NULL);
INSERT INTO "moves" VALUES('m_Y8NLdu1O0-t6Kfbmh6flLA',2,0,1,'{"column":4}',NULL);
INSERT INTO "moves" VALUES('m_Y8NLdu1O0-t6Kfbmh6flLA',3,0,0,'{"column":3}',NULL);
INSERT INTO "moves" VALUES('m_Y8NLdu1O0-t6Kfbmh6flLA',4,0,1,'{"column":4}',NULL);
INSERT INTO "moves" VALUES('m_Y8NLdu1O0-t6Kfbmh6flLA',5,0,0,'{"column":3}',NULL);
INSERT INTO "moves" VALUES('m_Y8NLdu1O0-t6Kfbmh6flLA',6,0,1,'{"column":4}',NULL);
INSERT INTO "moves" VALUES('m_Y8NLdu1O0-t6Kfbmh6flLA',7,0,0,'{"column":3}',NULL);
INSERT INTO "moves" VALUES('m_d_-R9ZLTuO14pJlVugO5ow',1,0,0,'{"column":0}',NULL);
CREATE TABLE name_lookalikes (         -- skeletons of the names that are somebody's
        lookalike TEXT PRIMARY KEY,
        player_id TEXT NOT NULL REFERENCES players (id)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "name_lookalikes" VALUES('kirn','p_ivekMNGv6HVSEEs5qmrIoQ');
INSERT INTO "name_lookalikes" VALUES('ada','p_oZ1LFUMxgecpc-gv5rLOYg');
INSERT INTO "name_lookalikes" VALUES('eve','p_tpNl6nQKSabbBfW6ilTWIw');
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
INSERT INTO "players" VALUES('p_oZ1LFUMxgecpc-gv5rLOYg','Ada','ada','ada',1,NULL,'away',1,1700000000000,1700000000000);
INSERT INTO "players" VALUES('p_ivekMNGv6HVSEEs5qmrIoQ','Kim','kim','kim',0,'a hash','away',1,1700000000000,1700000000000);
INSERT INTO "players" VALUES('p_OJ5XSn9yyM2t2Pw0TB45cA','Gus',NULL,'gus',1,NULL,'offline',0,1700000000000,1700000000000);
INSERT INTO "players" VALUES('p_tpNl6nQKSabbBfW6ilTWIw','Eve','eve','eve',1,NULL,'away',1,1700000000000,1700000000000);
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
INSERT INTO "rooms" VALUES('r_d0wiqrrAv0-YXBqIZCYk3A','connect-four',0,'p_oZ1LFUMxgecpc-gv5rLOYg',1700000000000,NULL,NULL,'{"seats":[{"player":{"id":"p_oZ1LFUMxgecpc-gv5rLOYg","name":"Ada","sort_key":"ada","guest":true},"views_as":0,"plays":true,"brb_left":180.0},{"player":{"id":"p_ivekMNGv6HVSEEs5qmrIoQ","name":"Kim","sort_key":"kim","guest":false},"views_as":1,"plays":true,"brb_left":180.0}],"written":10.0,"written_at":1700000010000,"host":"p_oZ1LFUMxgecpc-gv5rLOYg","chat":[{"id":1,"at":0.0,"name":"Ada","notice":"joined","seat":0},{"id":2,"at":0.0,"name":"Kim","notice":"joined","seat":1}],"match":{"id":"m_d_-R9ZLTuO14pJlVugO5ow","seed":"a5ab5a6be4a099053347c31963582efe","number":2,"players":[["p_oZ1LFUMxgecpc-gv5rLOYg","Ada"],["p_ivekMNGv6HVSEEs5qmrIoQ","Kim"]],"time":10.0,"step":2,"state":"hKdjb2x1bW5zl6EwoKCgoKCgpHR1cm4BpGxhc3QApGdvbmWQ"}}');
INSERT INTO "rooms" VALUES('r_y7o9hDvch5naP5qLlPLrpQ','snake-arena',0,'p_OJ5XSn9yyM2t2Pw0TB45cA',1700000000000,NULL,NULL,'{"seats":[{"player":{"id":"p_OJ5XSn9yyM2t2Pw0TB45cA","name":"Gus","sort_key":"gus","guest":true},"views_as":0,"plays":true,"is_bot":true,"brb_left":60.0},{"player":{"id":"p_tpNl6nQKSabbBfW6ilTWIw","name":"Eve","sort_key":"eve","guest":true},"views_as":1,"plays":true,"is_bot":true,"brb_left":60.0},{"brb_left":60.0},{"brb_left":60.0},{"brb_left":60.0},{"brb_left":60.0},{"brb_left":60.0},{"brb_left":60.0},{"brb_left":60.0},{"brb_left":60.0},{"brb_left":60.0},{"brb_left":60.0},{"brb_left":60.0},{"brb_left":60.0},{"brb_left":60.0},{"brb_left":60.0}],"written":10.0,"written_at":1700000010000,"host":"p_OJ5XSn9yyM2t2Pw0TB45cA","chat":[{"id":1,"at":0.0,"name":"Gus","notice":"joined","seat":0},{"id":2,"at":0.0,"name":"Eve","notice":"joined","seat":1},{"id":3,"at":6.01,"name":"Gus","notice":"bot","seat":0},{"id":4,"at":6.01,"name":"Eve","notice":"bot","seat":1}],"match":{"id":"m_OlxT3a5-8xJb35YmL7kUZg","seed":"e51da7edb50646d0de58df36a3f8cae3","number":1,"players":[["p_OJ5XSn9yyM2t2Pw0TB45cA","Gus"],["p_tpNl6nQKSabbBfW6ilTWIw","Eve"]],"time":10.0,"step":84,"state":"hqVib2FyZMUFQAMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAICAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAACAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAACAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAACAgICAgIAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAACAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAACAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAACAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA6V3aWR0aCqmc25ha2VzkoWlY2VsbHOWzQLgzQK2zQKMzQKLzQJhzQI3p2hlYWRpbmekZG93bqZsZW5ndGgGpXR1cm5zkKRkaWVkwIWlY2VsbHOZzQMDzQMCzQMBzQMAzQL/zQL+zQMozQNSzQN8p2hlYWRpbmelcmlnaHSmbGVuZ3RoCaV0dXJuc5CkZGllZMCkZm9vZJTNA7HNAwXNA4TNAcypc3RhcnRzX2F0y0AIAAAAAAAApHRpY2tG"}}');
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
INSERT INTO "sessions" VALUES('s_eHgpFt4xqpaWhfoUP6L68g','p_oZ1LFUMxgecpc-gv5rLOYg',X'0E64B0B180D07C8464020C1D1E800D0AD82D061BDA5A9168C8E9E6CA4B34DED5',0,'away',1700000000000,1700000000000,'sign-in',1700043200000,NULL,NULL,'Firefox','Linux');
INSERT INTO "sessions" VALUES('s_d1HDFz8lAD2NQCgGYwwO3g','p_ivekMNGv6HVSEEs5qmrIoQ',X'BC602C65F925343A5F4194FE2DDAD0F6A4A2C3A78DAC01D202D73D32341FF623',1,'away',1700000000000,1700000000000,'sign-in',1701209600000,NULL,NULL,NULL,NULL);
INSERT INTO "sessions" VALUES('s_4otLOiJmFFSk5a1LyEviKg','p_OJ5XSn9yyM2t2Pw0TB45cA',X'BBC413DFF2F1EFB985CCC247522491992137A8A54A1D3A0F6A15E46FA2A97253',0,'offline',1700000000000,1700000000000,'sign-in',1700043200000,1700000010000,'signed_out',NULL,NULL);
INSERT INTO "sessions" VALUES('s_tAMGPyub85k3UrpS7aBNOA','p_tpNl6nQKSabbBfW6ilTWIw',X'20B6DE0535CA3513563440D2DB74BF43B037C88AC592E722CDFA8D708CF00F12',0,'away',1700000000000,1700000000000,'sign-in',1700043200000,NULL,NULL,NULL,NULL);
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
INSERT INTO "status_changes" VALUES(1,'p_oZ1LFUMxgecpc-gv5rLOYg','s_eHgpFt4xqpaWhfoUP6L68g','active','signed_in',1700000000000,'active','signed in',1700000000000,'sign-in');
INSERT INTO "status_changes" VALUES(2,'p_ivekMNGv6HVSEEs5qmrIoQ','s_d1HDFz8lAD2NQCgGYwwO3g','active','signed_in',1700000000000,'active','signed in',1700000000000,'sign-in');
INSERT INTO "status_changes" VALUES(3,'p_OJ5XSn9yyM2t2Pw0TB45cA','s_4otLOiJmFFSk5a1LyEviKg','active','signed_in',1700000000000,'active','signed in',1700000000000,'sign-in');
INSERT INTO "status_changes" VALUES(4,'p_tpNl6nQKSabbBfW6ilTWIw','s_tAMGPyub85k3UrpS7aBNOA','active','signed_in',1700000000000,'active','signed in',1700000000000,'sign-in');
INSERT INTO "status_changes" VALUES(5,'p_OJ5XSn9yyM2t2Pw0TB45cA','s_4otLOiJmFFSk5a1LyEviKg','offline','signed_out',1700000010000,'offline','You signed out.',1700000000000,'sign-in');
INSERT INTO "status_changes" VALUES(6,'p_oZ1LFUMxgecpc-gv5rLOYg','s_eHgpFt4xqpaWhfoUP6L68g','away','idle',1700000120010,'away','no activity for 120 s (away_after); last activity: sign-in, 120 s ago',1700000000000,'sign-in');
INSERT INTO "status_changes" VALUES(7,'p_ivekMNGv6HVSEEs5qmrIoQ','s_d1HDFz8lAD2NQCgGYwwO3g','away','idle',1700000120010,'away','no activity for 120 s (away_after); last activity: sign-in, 120 s ago',1700000000000,'sign-in');
INSERT INTO "status_changes" VALUES(8,'p_tpNl6nQKSabbBfW6ilTWIw','s_tAMGPyub85k3UrpS7aBNOA','away','idle',1700000120010,'away','no activity for 120 s (away_after); last activity: sign-in, 120 s ago',1700000000000,'sign-in');
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
INSERT INTO "sqlite_sequence" VALUES('status_changes',8);
COMMIT;
PRAGMA user_version = 3;
