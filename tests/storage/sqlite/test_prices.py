"""No row takes more of the disk than its player pays for it, and every kind of row has a price."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from msgspec.structs import replace

from server.base.ids import (
    MatchId,
    PlayerId,
    SessionId,
    new_match_id,
    new_player_id,
    new_room_id,
    new_seed,
    new_session_id,
)
from server.presence.status import Reason, Status
from server.storage.batch import Batch
from server.storage.prices import PAGE, price, size_of_document, size_of_line
from server.storage.rows import (
    BootRow,
    BotRow,
    ChangeRow,
    Ending,
    Lasting,
    LineRow,
    LookalikeRow,
    LostRoom,
    MatchPlayerRow,
    MatchRow,
    MoveRow,
    PasswordRow,
    PlayerRow,
    PlayerStateRow,
    Replacing,
    RoomRow,
    SessionRow,
    SessionStateRow,
)
from server.storage.sqlite.migrations import migrate
from server.storage.sqlite.writer import write_batch

NOW = 1_764_000_000_000
ROWS = 1_500
AT_ONCE = 50
"""Rows of a batch."""
PLAYERS = [new_player_id() for _ in range(ROWS)]
SESSIONS = [new_session_id() for _ in range(ROWS)]
LONGEST = "\U00020000" * 35
"""With five digits behind it, a name of 40 letters, of four bytes each but these."""
HASH = f"$argon2id$v=19$m=19456,t=2,p=1${'s' * 22}${'h' * 43}"
MATCHES = [new_match_id() for _ in range(ROWS)]

WEEK = 7 * 86_400_000
RATED_SEAT = 350
"""Bytes for a player and match that counts for a rating. SECURITY.md has what that is in a day."""

Maker = Callable[[int], Lasting]
"""Makes the row with this number."""


def player(name: str, hashed: str | None = None) -> Maker:
    def make(number: int) -> Lasting:
        own = f"{name}{number:05d}"
        return PlayerRow(new_player_id(), own, own, own, hashed is None, hashed, NOW, NOW)

    return make


def lookalike(name: str) -> Maker:
    return lambda number: LookalikeRow(f"{name}{number:05d}", PLAYERS[number])


def session(browser: str | None, system: str | None) -> Maker:
    def make(number: int) -> Lasting:
        return SessionRow(
            new_session_id(),
            PLAYERS[number],
            number.to_bytes(32, "big"),
            False,
            Status.ACTIVE,
            NOW,
            NOW,
            "sign-in",
            NOW,
            browser,
            system,
        )

    return make


def change(status: Status, reason: Reason, detail: str, by: str) -> Maker:
    def make(number: int) -> Lasting:
        id, of = PLAYERS[number], SESSIONS[number]
        return ChangeRow(id, of, status, reason, NOW, status, detail, NOW, by)

    return make


def room(number: int) -> Lasting:
    return RoomRow(new_room_id(), "snake-arena", True, PLAYERS[number], NOW, NOW, "failed", None)


def match(seats: int) -> Maker:
    def make(number: int) -> Lasting:
        return MatchRow(
            MATCHES[number],
            new_room_id(),
            number,
            "snake-arena",
            True,
            NOW,
            new_seed(),
            NOW,
            9000,
            8,
            "the longest",
            tuple(range(seats)),
            tuple(map(float, range(seats))),
            1,
        )

    return make


def match_player(name: str, seats: int) -> Maker:
    def make(number: int) -> Lasting:
        of, seat = MATCHES[number // seats], number % seats
        return MatchPlayerRow(of, seat, PLAYERS[number * 7 % ROWS], name, True, NOW)

    return make


def move(action: str | None, event: str | None, per_match: int) -> Maker:
    def make(number: int) -> Lasting:
        step = number % per_match
        return MoveRow(MATCHES[number // per_match], 3 * step, 100 * step, step % 16, action, event)

    return make


BE_RIGHT_BACK = (
    "be right back, within 180 s (hold); last activity: POST /api/session/activity, 0.1 s ago"
)
SAMPLES: dict[str, Maker] = {
    "a guest": player("Ada"),
    "a player": player("Ada Lovelace", HASH),
    "a guest with the longest name": player(LONGEST),
    "a player with the longest name": player(LONGEST, HASH),
    "a skeleton": lookalike("ada"),
    "the longest skeleton": lookalike(LONGEST),
    "a session of a program": session(None, None),
    "a session of a browser": session("Samsung Internet", "Android"),
    "a connect": change(Status.ACTIVE, Reason.CONNECTED, "connected", "ping"),
    "the longest change": change(
        Status.RECONNECTING, Reason.CONNECTION_LOST, BE_RIGHT_BACK, "POST /api/session/activity"
    ),
    "a room": room,
    "a match": match(2),
    "a seat of two": match_player("Ada Lovelace 1815", 2),
    "a seat of eight": match_player("Ada", 8),
    "a seat with the longest name": match_player(LONGEST, 8),
    "a move of a short match": move('{"column":3}', None, 8),
    "a move of a long match": move('{"turn":"right"}', None, 300),
    "a bot's move": move('{"column":3}', "bot", 300),
    "a hook": move(None, "away", 300),
    "a long action": move(f'{{"text":"{"x" * 500}"}}', None, 8),
    "the longest action": move(f'{{"text":"{"x" * 16_000}"}}', None, 8),
}
TABLES: dict[type, str] = {
    PlayerRow: "players",
    LookalikeRow: "lookalikes",
    SessionRow: "sessions",
    ChangeRow: "changes",
    RoomRow: "rooms",
    MatchRow: "matches",
    MatchPlayerRow: "match_players",
    MoveRow: "moves",
}
"""The fields of a batch, of rows that last."""


@pytest.fixture
def empty() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection)
        connection.execute("PRAGMA foreign_keys = OFF")  # only one table is written
        yield connection


def size_of(connection: sqlite3.Connection) -> int:
    ((pages,),) = connection.execute("PRAGMA page_count").fetchall()
    return int(pages) * 4096


def add(batch: Batch, row: Any) -> None:
    field = getattr(batch, (TABLES | {LineRow: "lines", BotRow: "bots"})[type(row)])
    match row:
        case RoomRow(id=id) | MatchRow(id=id) | BotRow(id=id):
            field[id] = row
        case LineRow(room_id=id, place=place):
            field[id, place] = row
        case MatchPlayerRow(match_id=id, seat=seat):
            field[id, seat] = row
        case _:
            field.append(row)


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_row_costs_what_it_takes_and_at_most_twice_as_much(
    sample: str, empty: sqlite3.Connection
) -> None:
    make, before, paid = SAMPLES[sample], size_of(empty), 0
    for start in range(0, ROWS, AT_ONCE):
        batch = Batch()
        for number in range(start, start + AT_ONCE):
            row = make(number)
            paid += price(row)
            add(batch, row)
        write_batch(empty, batch)
    taken = size_of(empty) - before
    assert taken <= paid <= 2 * taken, f"{paid / ROWS:.0f} bytes paid, {taken / ROWS:.0f} taken"


def test_what_is_kept_of_ratings_is_little(empty: sqlite3.Connection) -> None:
    """It is not charged: few matches of a player count in a day."""
    matches, seats = 600, 2
    rows = [PlayerRow(id, id, id, id, False, HASH, NOW, NOW) for id in PLAYERS]
    write_batch(empty, Batch(players=rows))
    taken: list[int] = []
    for reason in ("abandoned", "the longest"):
        before = size_of(empty)
        for start in range(0, matches, AT_ONCE):
            batch = Batch()
            for number in range(start, start + AT_ONCE):
                ended = match(seats)(number)
                assert isinstance(ended, MatchRow)
                # Each in a week of its own, which is the most that it can lead to.
                at, id = NOW + number * WEEK, MatchId(f"{ended.id}-{len(taken)}")
                add(batch, replace(ended, id=id, ended_at=at, lasted=60_000, reason=reason))
                for seat in range(seats):
                    player = PLAYERS[(number * seats + seat) * 7 % ROWS]
                    add(batch, MatchPlayerRow(id, seat, player, "Ada", True, at))
            write_batch(empty, batch)
        taken.append(size_of(empty) - before)
    unrated, rated = taken
    ((changes,),) = empty.execute("SELECT count(*) FROM rating_changes").fetchall()
    assert changes == matches * seats
    assert rated - unrated <= RATED_SEAT * changes


def test_every_kind_of_row_that_lasts_is_measured() -> None:
    assert {type(make(0)) for make in SAMPLES.values()} == set(get_args(Lasting)) == set(TABLES)


def test_every_row_of_a_batch_either_has_a_price_or_replaces_another() -> None:
    """A new kind of row is found here, and by the type checker in `price` once it lasts."""
    written = {get_args(hint)[-1] for hint in get_type_hints(Batch).values()}
    of_the_operator = {BootRow, int}
    ids = {PlayerId, SessionId}
    of_sessions = {SessionStateRow, PlayerStateRow, Ending}
    replacing = set(get_args(Replacing)) | of_sessions
    assert written - of_the_operator - ids == set(get_args(Lasting)) | replacing


def test_every_table_has_rows_that_are_paid_for_or_its_reason(empty: sqlite3.Connection) -> None:
    write_batch(empty, batch_of(one_of_each()))
    follow_from_matches = {"ratings", "rating_changes", "weekly_gains", "records"}
    of_the_operator = {"boots"}
    go_with_their_room = {"chat_lines"}
    assert {table for table, count in counts(empty).items() if not count} == (
        follow_from_matches | of_the_operator | go_with_their_room
    )


def test_rows_that_replace_others_take_no_more_of_the_disk_each_time(
    empty: sqlite3.Connection,
) -> None:
    rows = one_of_each()
    replacing: dict[type, Any] = {
        PasswordRow: PasswordRow(rows[PlayerRow].id, HASH),
        LostRoom: LostRoom(rows[RoomRow].id, NOW),
        LineRow: line("a", "b", 10)(0, 0),
        BotRow: BotRow(PlayerId("p_bot"), "Bot 1", "bot 1", NOW),
    }
    first = {kind: replacing[kind] for kind in (LineRow, BotRow)}
    write_batch(empty, batch_of(rows | first))
    before = counts(empty)
    for kind in get_args(Replacing):
        batch = Batch()
        batch.replace(replacing.get(kind) or rows[kind])
        write_batch(empty, batch)
        assert counts(empty) == before, kind


def one_of_each() -> dict[type, Any]:
    return {type(row): row for row in (make(0) for make in SAMPLES.values())}


def batch_of(rows: dict[type, Any]) -> Batch:
    batch = Batch()
    for row in rows.values():
        add(batch, row)
    return batch


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """The number of rows of each table."""
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    return {
        table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for (table,) in tables
    }


def document(size: int) -> Callable[[int, int], RoomRow]:
    def make(number: int, time: int) -> RoomRow:
        state = chr(97 + time % 26) * (size + time)
        return RoomRow(ROOMS[number], "a-game", False, PLAYERS[0], NOW, None, None, state)

    return make


def line(letter: str, other: str, length: int) -> Callable[[int, int], LineRow]:
    def make(number: int, time: int) -> LineRow:
        place, words = time % 50, (letter if time < 50 else other) * (length - time % 2)
        return LineRow(ROOMS[number], place, time, NOW, PLAYERS[0], LONGEST, words, None, None)

    return make


ROOMS = [new_room_id() for _ in range(60)]
WRITTEN: dict[str, tuple[Callable[[int, int], RoomRow | LineRow], int]] = {
    "a document": (document(600), 1),
    "a document of many players": (document(3_000), 1),
    "a document of a large game": (document(6_000), 1),
    "a line": (line("a", "b", 10), 50),
    "a long line": (line("a", "b", 300), 50),
    "the longest line": (line("\U0001f600", "\U0001f601", 300), 50),
}
"""What takes the place of another, and how many of it a room has."""


@pytest.mark.parametrize("sample", WRITTEN)
def test_what_is_written_again_counts_as_much_as_the_log_grows(sample: str, tmp_path: Path) -> None:
    make, of_a_room = WRITTEN[sample]
    path = tmp_path / "test.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as disk:
        disk.execute("PRAGMA journal_mode = WAL")
        disk.execute("PRAGMA wal_autocheckpoint = 0")
        migrate(disk)
        before = Batch()
        for number in range(len(ROOMS)):
            before.rooms[ROOMS[number]] = document(600)(number, 0)
            for time in range(of_a_room):
                add(before, make(number, time))
        disk.execute("PRAGMA foreign_keys = OFF")
        write_batch(disk, before)
        disk.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        counted = 0
        for time in range(1, 11):
            batch = Batch()
            # Not those that are beside each other.
            for number in range(time % 6, len(ROOMS), 6):
                row = make(number, of_a_room + time)
                counted += size_of_document(row) if type(row) is RoomRow else size_of_line(row)
                add(batch, row)
            write_batch(disk, batch)
        grown = (tmp_path / "test.db-wal").stat().st_size
    assert counted % PAGE == 0
    assert grown / 1.5 <= counted <= 1.1 * grown, "a commit and its free pages come on top"
