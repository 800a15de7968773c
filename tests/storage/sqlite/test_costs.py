"""No statement that the server runs reads more because more is stored, by others or by the player.

What a start takes over is the exception: `last_process`.
"""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from server.base.ids import MatchId, PlayerId, RoomId, SessionId
from server.presence.status import Reason, Status
from server.ratings.limits import Limits as RatingLimits
from server.ratings.rating import week_of
from server.storage.batch import Batch
from server.storage.ports import Reads
from server.storage.rows import (
    BootRow,
    BotRow,
    ChangeRow,
    Ending,
    LineRow,
    LookalikeRow,
    LostRoom,
    MatchPlayerRow,
    MatchRow,
    MoveRow,
    PasswordRow,
    PlayerRow,
    PlayerStateRow,
    RoomRow,
    SessionRow,
    SessionStateRow,
)
from server.storage.sqlite.engine import SqliteEngine
from server.storage.sqlite.limits import SqliteLimits
from server.storage.sqlite.writer import _statements

LIMITS = SqliteLimits(matches_looked_at=20)
PAGE = 5
NOW = 2**62

Read = Callable[[Any], Awaitable[object]]


class Statements:
    """What all connections of an engine were asked, and how many steps that took."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        """A row of parameters for each statement."""
        self.steps = 0
        self.factory = type("CountingConnection", (_CountingConnection,), {"statements": self})


class _CountingConnection(sqlite3.Connection):
    statements: Statements

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        super().set_progress_handler(self._count, 1)

    def _count(self) -> bool:
        self.statements.steps += 1
        return False

    def set_progress_handler(self, *_: object) -> None:
        """Keep that which counts."""

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        self.statements.asked[sql] = parameters
        return super().execute(sql, parameters)

    def executemany(self, sql: str, rows: Any) -> sqlite3.Cursor:
        rows = list(rows)
        self.statements.asked[sql] = rows[0]
        return super().executemany(sql, rows)


def player(id: str) -> PlayerRow:
    return PlayerRow(PlayerId(id), id, id, id, False, "a hash", 5, 5)


def session(id: str, of: str) -> SessionRow:
    digest = id.encode()
    return SessionRow(
        SessionId(id), PlayerId(of), digest, False, Status.ACTIVE, 5, 5, "sign-in", 9, None, None
    )


def room(id: str, of: str, closed_at: int | None = 9) -> RoomRow:
    return RoomRow(RoomId(id), "a-game", False, PlayerId(of), 5, closed_at, None, None)


def add_line(batch: Batch, room: str, place: int = 0) -> None:
    of = RoomId(room)
    batch.lines[of, place] = LineRow(of, place, 1, 5, PlayerId("a"), "a", "Hello", None, None)


def add_match(
    batch: Batch, id: str, *players: str, ended_at: int | None = 9, private: bool = True
) -> None:
    """Add a match that counts for the ratings of its players, or the record of who was alone."""
    match = MatchId(id)
    batch.matches[match] = MatchRow(
        *(match, RoomId("r-a"), 1, "a-game", private, 5, "seed", ended_at),
        *(20_000, 9, "won", (0,), (1.0,), None),
    )
    for seat, each in enumerate(players):
        row = MatchPlayerRow(match, seat, PlayerId(each), each, private, ended_at)
        batch.match_players[match, seat] = row


def add_change(batch: Batch, player: str, session: str) -> None:
    batch.changes.append(
        ChangeRow(
            *(PlayerId(player), SessionId(session), Status.AWAY, Reason.IDLE, 5),
            *(Status.AWAY, "detail", 5, "by"),
        )
    )


def stored(scale: int) -> Batch:
    """Players a and b with much of everything, and as many others."""
    batch = Batch(boots=[BootRow(5, "1")])
    names = ["a", "b", *map("p{}".format, range(scale))]
    for name in names:
        add_line(batch, f"r-open-{name}")
        batch.players.append(player(name))
        batch.lookalikes.append(LookalikeRow(f"like-{name}", PlayerId(name)))
        batch.sessions.append(session(f"s-{name}", name))
        batch.rooms[RoomId(f"r-{name}")] = room(f"r-{name}", name)
        batch.rooms[RoomId(f"r-open-{name}")] = room(f"r-open-{name}", name, None)
        add_change(batch, name, f"s-{name}")
        add_match(batch, f"m-{name}", name, "a" if name == "p0" else "p0")
        batch.moves.append(MoveRow(MatchId(f"m-{name}"), 1, 0, 0, "{}", None))
    for number in range(scale):
        batch.sessions.append(session(f"s-a-{number}", "a"))
        batch.endings.append(Ending(SessionId(f"s-a-{number}"), Reason.SIGNED_OUT, 9))
        batch.rooms[RoomId(f"r-a-{number}")] = room(f"r-a-{number}", "a")
        add_change(batch, "a", "s-a")
        batch.moves.append(MoveRow(MatchId("m-a"), 2 + number, 0, 0, "{}", None))
        # The last ones are those that fewest may see.
        for age, (kind, players, private) in enumerate(
            [
                ("public", ("a", "b"), False),
                ("shared", ("a", "b"), True),
                ("of-a", ("a", "p0"), True),
                ("of-b", ("p0", "b"), True),
            ]
        ):
            ended_at = 9 + age * scale + number
            add_match(batch, f"m-{kind}-{number}", *players, private=private, ended_at=ended_at)
    return batch


def every_kind_of_row() -> Batch:
    """A batch of the two players, and of new ones."""
    batch = Batch(
        boots=[BootRow(5, "1")],
        players=[player("new"), player("withdrawn")],
        bots={PlayerId("bot"): BotRow(PlayerId("bot"), "Bot 1", "bot 1", 5)},
        lookalikes=[LookalikeRow("like-new", PlayerId("new"))],
        passwords={PlayerId("a"): PasswordRow(PlayerId("a"), "another")},
        sessions=[session("s-new", "new")],
        player_states={PlayerId("a"): PlayerStateRow(PlayerId("a"), Status.AWAY, True, 6)},
        session_states={SessionId("s-a"): SessionStateRow(SessionId("s-a"), Status.AWAY, 6, "by")},
        endings=[Ending(SessionId("s-b"), Reason.KICKED, 9)],
        freed_names=[PlayerId("b"), PlayerId("new")],
        removed_players=[PlayerId("withdrawn")],
        rooms={
            RoomId("r-a"): room("r-a", "a", None),
            RoomId("r-open-b"): room("r-open-b", "b"),
        },
        moves=[MoveRow(MatchId("m-new"), 1, 0, 0, "{}", None)],
        lost_rooms=[LostRoom(RoomId("r-a"), 9)],
        stops=[9],
    )
    add_line(batch, "r-open-a")
    add_change(batch, "a", "s-a")
    add_match(batch, "m-new", "a", "b", ended_at=None)
    add_match(batch, "m-rated", "a", "new")
    add_match(batch, "m-alone", "a")
    return batch


READS: dict[str, Read] = {
    "owners_of": lambda reads: reads.owners_of(["like-a", "like-nobody"]),
    "find_account": lambda reads: reads.find_account("a"),
    "find_ending": lambda reads: reads.find_ending(b"s-a-1"),
    "find_owner": lambda reads: reads.find_owner(b"s-a-1"),
    "find_player": lambda reads: reads.find_player("a"),
    "offline_players": lambda reads: reads.offline_players(("", ""), PAGE),
    "history": lambda reads: reads.history("a", NOW, PAGE),
    "matches_of": lambda reads: reads.matches_of("a", "a", (NOW, ""), PAGE),
    "matches_of, for another": lambda reads: reads.matches_of("a", "b", (NOW, ""), PAGE),
    "matches_of, for a stranger": lambda reads: reads.matches_of("a", "p0", (NOW, ""), PAGE),
    "find_match": lambda reads: reads.find_match("m-a", None),
    "find_match, for its player": lambda reads: reads.find_match("m-a", "a"),
    "moves_of": lambda reads: reads.moves_of("m-a", 1, PAGE),
    "standings": lambda reads: reads.standings("a-game", None, (NOW, ""), PAGE),
    "standings, of a week": lambda reads: reads.standings("a-game", week_of(9), (NOW, ""), PAGE),
    "ratings_of": lambda reads: reads.ratings_of("a"),
    "check": lambda reads: reads.check(),
}
EXCEPT_AT_THE_START = {"last_process"}


@asynccontextmanager
async def filled(path: Path, scale: int) -> AsyncIterator[tuple[SqliteEngine, Statements]]:
    statements = Statements()
    engine = SqliteEngine(path, LIMITS, statements.factory, RatingLimits(matches_until_listed=1))
    await engine.open()
    try:
        await engine.write(stored(scale))
        statements.asked.clear()
        yield engine, statements
    finally:
        await engine.close()


async def run_everything(engine: SqliteEngine, statements: Statements) -> dict[str, int]:
    """Run every read, and write every kind of row; return the steps of each."""
    steps: dict[str, int] = {}
    runs: dict[str, Read] = READS | {"write": lambda _: engine.write(every_kind_of_row())}
    for name, run in runs.items():
        before = statements.steps
        await run(engine.reads)
        steps[name] = statements.steps - before
    return steps


def test_every_read_and_every_kind_of_row_is_tried() -> None:
    reads = {name for name in vars(Reads) if not name.startswith("_")}
    assert {name.partition(",")[0] for name in READS} == reads - EXCEPT_AT_THE_START
    batch = every_kind_of_row()
    assert [name for name in Batch.__slots__ if not getattr(batch, name)] == []


async def test_no_statement_takes_more_steps_when_ten_times_as_much_is_stored(
    tmp_path: Path,
) -> None:
    found = []
    for scale in (30, 300):
        async with filled(tmp_path / f"{scale}.db", scale) as (engine, statements):
            found.append(await run_everything(engine, statements))
    few, many = found
    assert min(few.values()) > 0
    more = {name: (few[name], many[name]) for name in few if many[name] > 1.2 * few[name] + 10}
    assert more == {}


async def test_no_statement_scans_a_table(tmp_path: Path) -> None:
    async with filled(tmp_path / "test.db", 30) as (engine, statements):
        await run_everything(engine, statements)
        asked = {sql: each for sql, each in statements.asked.items() if len(sql.split()) > 2}
        written = {sql for sql, _ in _statements(Batch())}
        assert written <= asked.keys()
        assert len(asked) > len(written) + 8

        def plans(disk: sqlite3.Connection) -> dict[str, list[str]]:
            return {
                sql: [step[3] for step in disk.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)]
                for sql, parameters in asked.items()
            }

        found = await engine.database.write(plans)
    for sql, plan in found.items():
        # A subquery is scanned as far as it was read.
        inner = {f"SCAN {step.split()[1]}" for step in plan if step.startswith("CO-ROUTINE")}
        scans = {step for step in plan if step.startswith("SCAN") and "VIRTUAL" not in step}
        assert scans <= inner, (sql, plan)
