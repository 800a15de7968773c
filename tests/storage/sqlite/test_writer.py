"""A batch is written as given."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from server.base.ids import PlayerId, SessionId
from server.presence.status import Reason, Status
from server.storage.batch import Batch
from server.storage.rows import (
    ChangeRow,
    Ending,
    LookalikeRow,
    PlayerRow,
    PlayerStateRow,
    SessionRow,
    SessionStateRow,
)
from server.storage.sqlite.writer import write_batch
from tests.support.storage_rig import StorageRig

ODD = "\"'\\\n\t\u2028 \U0001f600 $[0] ?1"


@pytest.fixture
async def connection(tmp_path: Path, rig: StorageRig) -> AsyncIterator[sqlite3.Connection]:
    """A second connection to the file of an open store."""
    with closing(sqlite3.connect(tmp_path / "test.db", isolation_level=None)) as opened:
        yield opened


def player(id: str, key: str | None = None) -> PlayerRow:
    return PlayerRow(PlayerId(id), id, key or id, id, True, None, 5, 5)


def session(id: str, of: str) -> SessionRow:
    token = bytes(range(32 - len(id))) + id.encode()
    return SessionRow(
        SessionId(id), PlayerId(of), token, False, Status.ACTIVE, 5, 5, "sign-in", 9, None, None
    )


def rows(connection: sqlite3.Connection, sql: str) -> list[tuple[object, ...]]:
    return connection.execute(sql).fetchall()


async def test_rows_that_come_as_one_document_are_written_as_they_are(
    connection: sqlite3.Connection,
) -> None:
    first = Batch(
        players=[player("a"), player("b")],
        lookalikes=[LookalikeRow(id, PlayerId(id)) for id in "ab"],
        sessions=[session("s", "a"), session("t", "b")],
    )
    write_batch(connection, first)
    s, t = SessionId("s"), SessionId("t")
    changes = [
        ChangeRow(
            PlayerId("a" if number % 2 else "b"),
            s if number % 2 else t,
            Status.AWAY,
            Reason.IDLE_TIMEOUT,
            2**53 + number,
            Status.OFFLINE,
            f"{number} {ODD}",
            -number,
            ODD,
        )
        for number in range(1000)
    ]
    second = Batch(
        changes=changes,
        player_states={
            PlayerId("a"): PlayerStateRow(PlayerId("a"), Status.AWAY, True, 2**53 + 1),
            PlayerId("b"): PlayerStateRow(PlayerId("b"), Status.OFFLINE, False, 1),
        },
        session_states={s: SessionStateRow(s, Status.AWAY, 1, ODD)},
        endings=[Ending(t, Reason.KICKED, 2**53 + 3)],
        freed_names=[PlayerId("b")],
    )
    write_batch(connection, second)
    read = rows(
        connection,
        "SELECT player_id, session_id, status, reason, at, player_status, detail,"
        " last_activity_at, last_activity_by FROM status_changes ORDER BY id",
    )
    assert read == [
        (
            row.player_id,
            row.session_id,
            row.status.value,
            row.reason.value,
            row.at,
            row.player_status.value,
            row.detail,
            row.last_activity_at,
            row.last_activity_by,
        )
        for row in changes
    ]
    assert rows(
        connection, "SELECT status, is_currently_active, last_activity_at, name_key FROM players"
    ) == [("away", 1, 2**53 + 1, "a"), ("offline", 0, 5, None)]
    assert rows(
        connection,
        "SELECT status, last_activity_at, last_activity_by, end_reason, ended_at FROM sessions",
    ) == [("away", 5, ODD, None, None), ("active", 5, "sign-in", "kicked", 2**53 + 3)]
    assert rows(connection, "SELECT * FROM name_lookalikes") == [("a", "a")]


async def test_a_freed_name_can_be_taken_in_the_same_batch(
    connection: sqlite3.Connection,
) -> None:
    write_batch(connection, Batch(players=[player("old", "ada")]))
    batch = Batch(
        players=[player("new", "ada"), player("guest", "kim")],
        lookalikes=[LookalikeRow("kim", PlayerId("guest"))],
        freed_names=[PlayerId("old"), PlayerId("guest")],
    )
    write_batch(connection, batch)
    assert rows(connection, "SELECT id, name_key FROM players ORDER BY id") == [
        ("guest", None),
        ("new", "ada"),
        ("old", None),
    ]
    assert rows(connection, "SELECT * FROM name_lookalikes") == []
