"""What happened is written: once, in order, all or nothing, and again until the disk takes it."""

import asyncio
import logging
import sqlite3
from typing import Any

import pytest

from server.presence.status import Reason, Status
from server.storage import journal as journal_module
from server.storage.sqlite.batch import Batch
from tests.storage.conftest import House
from tests.support.manual_clock import START_MS


async def test_a_sign_in_is_a_player_a_session_and_a_change(house: House) -> None:
    session, _ = house.sign_in()
    assert await house.rows(
        "SELECT id, name, guest, status, is_currently_active, last_activity_at FROM players"
    ) == [(session.player.id, "Ada", 1, "active", 1, START_MS)]
    assert await house.rows("SELECT id, player_id, status, ended_at, end_reason FROM sessions") == [
        (session.id, session.player.id, "active", None, None)
    ]
    assert await house.rows("SELECT session_id, status, reason, at FROM status_changes") == [
        (session.id, "active", "signed_in", START_MS)
    ]


async def test_every_change_is_written_in_order_with_what_the_player_is_then(
    house: House,
) -> None:
    house.sign_in()
    house.until(400)
    assert await house.rows(
        "SELECT status, reason, player_status FROM status_changes ORDER BY id"
    ) == [
        ("active", "signed_in", "active"),
        ("away", "idle", "away"),
        ("warned", "warning", "warned"),
        ("offline", "idle_timeout", "offline"),
    ]
    ((at, reason),) = await house.rows("SELECT ended_at, end_reason FROM sessions")
    assert reason == "idle_timeout"
    assert 300_000 <= at - START_MS < 300_100


async def test_the_database_is_false_when_the_player_is_gone(house: House) -> None:
    session, _ = house.sign_in()
    house.stream.publish(house.registry.end(session, Reason.SIGNED_OUT, 1.0))
    assert await house.rows("SELECT status, is_currently_active FROM players") == [("offline", 0)]


async def test_activity_is_written_for_those_who_were_active_and_never_goes_back(
    house: House,
) -> None:
    session, _ = house.sign_in()
    house.clock.move_to(50.0)
    house.registry.touch(session, 50.0, "ping")
    house.store.journal.note_activity()
    assert await house.rows("SELECT last_activity_at, last_activity_by FROM sessions") == [
        (START_MS + 50_000, "ping")
    ]
    session.last_activity = 10.0
    house.registry.touch(session, 9.0)
    house.store.journal.note_activity()
    assert await house.rows("SELECT last_activity_at FROM players") == [(START_MS + 50_000,)]


async def test_activity_is_taken_down_in_portions(house: House) -> None:
    for number in range(5):
        session, _ = house.sign_in(house.player(f"player {number}"))
        house.registry.touch(session, 7.0)
    note = house.store.journal.note_activity
    assert [note(2), note(2), note(2), note(2)] == [True, True, True, False]
    assert await house.rows("SELECT DISTINCT last_activity_at FROM sessions") == [
        (START_MS + 7_000,)
    ]


async def test_without_activity_nothing_is_written(house: House) -> None:
    house.sign_in()
    await house.store.flush()
    before = house.store.journal.statistics()
    house.store.journal.note_activity()
    assert house.store.journal.statistics() == before


async def test_a_guests_name_is_free_once_the_last_session_is_over(house: House) -> None:
    session, _ = house.sign_in()
    await house.store.flush()
    lookalikes = {row[0] for row in await house.rows("SELECT lookalike FROM name_lookalikes")}
    assert await house.store.is_any_taken(lookalikes)
    await house.sessions.end([session], Reason.SIGNED_OUT, 1.0)
    assert not await house.store.is_any_taken(lookalikes)
    assert await house.rows("SELECT name, name_key FROM players") == [("Ada", None)]


async def test_a_registered_name_stays_taken(house: House) -> None:
    session, _ = house.sign_in(house.player("Ada", "a hash"))
    await house.sessions.end([session], Reason.SIGNED_OUT, 1.0)
    account = await house.store.find_account("ada")
    assert account is not None
    assert (account.id, account.password_hash) == (session.player.id, "a hash")


async def test_whatever_piles_up_is_one_transaction(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    write = Batch.write

    async def counted(batch: Batch, connection: Any) -> None:
        written.append(len(batch))
        await write(batch, connection)

    monkeypatch.setattr(Batch, "write", counted)
    for number in range(50):
        house.sign_in(house.player(f"player {number:02}"))
    await house.store.flush()
    assert len(written) <= 2
    assert len(await house.rows("SELECT id FROM status_changes")) == 50


class BrokenDisk:
    """Makes writing fail until it is mended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_broken = True
        self.attempts = 0
        self.tried = asyncio.Event()
        write = Batch.write

        async def fail(batch: Batch, connection: Any) -> None:
            self.attempts += 1
            self.tried.set()
            if self.is_broken:
                raise sqlite3.OperationalError("database or disk is full")
            await write(batch, connection)

        monkeypatch.setattr(Batch, "write", fail)
        monkeypatch.setattr(journal_module, "_FIRST_RETRY", 0.001)
        monkeypatch.setattr(journal_module, "_LAST_RETRY", 0.002)

    async def wait_until_tried(self) -> None:
        self.tried.clear()
        await asyncio.wait_for(self.tried.wait(), 5)


async def test_a_full_disk_loses_nothing_and_says_so_once(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    disk = BrokenDisk(monkeypatch)
    session, _ = house.sign_in()
    flushing = asyncio.create_task(house.store.flush())
    await disk.wait_until_tried()
    house.until(130)
    for _ in range(3):
        await disk.wait_until_tried()
    statistics = house.store.journal.statistics()
    assert statistics.why == "database or disk is full"
    assert statistics.waiting > 0
    assert not flushing.done(), "nothing is called durable that is not"
    assert session.status is Status.AWAY, "presence goes on"

    disk.is_broken = False
    await asyncio.wait_for(flushing, 5)
    await house.store.flush()
    assert house.store.journal.statistics().why is None
    assert await house.rows("SELECT status FROM status_changes ORDER BY id") == [
        ("active",),
        ("away",),
    ]
    storage = [record for record in caplog.records if record.name == "stillhere.storage"]
    assert [record.levelname for record in storage] == ["ERROR", "WARNING"]


async def test_a_failed_transaction_leaves_nothing_behind(house: House) -> None:
    batch = Batch()
    batch.players.append(("p", "Ada", "ada", "ada", 1, None, 0, 0))
    batch.players.append(("p", "Bob", "bob", "bob", 1, None, 0, 0))
    connection = house.store._database.writer
    with pytest.raises(sqlite3.IntegrityError):
        await batch.write(connection)
    assert not connection.in_transaction
    assert await house.rows("SELECT * FROM players") == []


async def test_mere_activity_is_shed_while_the_disk_fails_and_changes_never_are(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = BrokenDisk(monkeypatch)
    monkeypatch.setattr(journal_module, "MOST_WAITING_FOR_ACTIVITY", 3)
    session, _ = house.sign_in()
    house.sign_in(house.player("Bob"))
    await disk.wait_until_tried()
    await asyncio.sleep(0)
    house.registry.touch(session, 5.0)
    house.store.journal.note_activity()
    assert house.store.journal.statistics().shed == 1
    house.until(130)
    disk.is_broken = False
    await house.store.flush()
    assert len(await house.rows("SELECT id FROM status_changes")) == 4


async def test_closing_gives_up_on_a_disk_that_stays_broken(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    BrokenDisk(monkeypatch)
    house.sign_in()
    await house.store.journal.close(patience=0.05)
    assert "entries are lost" in caplog.records[-1].getMessage()


async def test_a_cancelled_wait_cancels_no_row(house: House) -> None:
    house.sign_in()
    waiting = asyncio.create_task(house.store.flush())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(await house.rows("SELECT id FROM sessions")) == 1
