"""Events are written once, in order, all or nothing, and again until the disk works."""

import asyncio
import logging

import pytest
from msgspec.structs import replace

from server.base.ids import PlayerId
from server.base.waiting import within
from server.presence.status import Reason, Status
from server.storage.batch import Batch
from server.storage.errors import EngineError
from server.storage.rows import PlayerRow
from tests.support.answers import until
from tests.support.manual_clock import START_MS
from tests.support.storage_rig import QUICK, Opener, StorageRig


async def turns_of_the_loop() -> None:
    """More than a write takes from its cause until the engine is called."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_sign_in_is_a_player_a_session_and_a_change(rig: StorageRig) -> None:
    session, _ = rig.sign_in()
    assert await rig.rows(
        "SELECT id, name, guest, status, is_currently_active, last_activity_at FROM players"
    ) == [(session.player.id, "Ada", 1, "active", 1, START_MS)]
    assert await rig.rows("SELECT id, player_id, status, ended_at, end_reason FROM sessions") == [
        (session.id, session.player.id, "active", None, None)
    ]
    assert await rig.rows("SELECT session_id, status, reason, at FROM status_changes") == [
        (session.id, "active", "signed_in", START_MS)
    ]


async def test_every_change_is_written_in_order_with_the_status_of_its_player(
    rig: StorageRig,
) -> None:
    rig.sign_in()
    rig.until(400)
    assert await rig.rows(
        "SELECT status, reason, player_status FROM status_changes ORDER BY id"
    ) == [
        ("active", "signed_in", "active"),
        ("away", "idle", "away"),
        ("warned", "warning", "warned"),
        ("offline", "idle_timeout", "offline"),
    ]
    ((at, reason),) = await rig.rows("SELECT ended_at, end_reason FROM sessions")
    assert reason == "idle_timeout"
    assert 300_000 <= at - START_MS < 300_100


async def test_is_currently_active_is_false_when_the_player_is_gone(rig: StorageRig) -> None:
    session, _ = rig.sign_in()
    rig.stream.publish(rig.registry.end(session, Reason.SIGNED_OUT, 1.0))
    assert await rig.rows("SELECT status, is_currently_active FROM players") == [("offline", 0)]


async def test_the_last_activity_of_active_sessions_is_written_and_never_decreases(
    rig: StorageRig,
) -> None:
    session, _ = rig.sign_in()
    rig.clock.move_to(50.0)
    rig.registry.touch(session, 50.0, "ping")
    rig.store.activity.note()
    assert await rig.rows("SELECT last_activity_at, last_activity_by FROM sessions") == [
        (START_MS + 50_000, "ping")
    ]
    session.last_activity = 10.0
    rig.registry.touch(session, 9.0)
    rig.store.activity.note()
    assert await rig.rows("SELECT last_activity_at FROM players") == [(START_MS + 50_000,)]


async def test_activity_is_noted_in_portions(rig: StorageRig) -> None:
    for number in range(5):
        session, _ = rig.sign_in(rig.player(f"player {number}"))
        rig.registry.touch(session, 7.0)
    note = rig.store.activity.note
    assert [note(2), note(2), note(2), note(2)] == [True, True, True, False]
    assert await rig.rows("SELECT DISTINCT last_activity_at FROM sessions") == [(START_MS + 7_000,)]


async def test_rows_are_batched_and_a_flush_does_not_wait_for_the_batch(
    open_rig: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = await open_rig(limits=replace(QUICK, gather=60.0))
    written: list[int] = []
    write = rig.store.journal._engine.write

    async def noted(batch: Batch) -> None:
        written.append(len(batch.changes))
        await write(batch)

    for number in range(5):
        rig.sign_in(rig.player(f"player {number}"))
    await rig.store.journal.written_up_to_here()
    monkeypatch.setattr(rig.store.journal._engine, "write", noted)
    for seconds in (200.0, 250.0):  # all away, then all warned
        rig.until(seconds)
        await turns_of_the_loop()
    assert written == []
    await rig.store.journal.written_up_to_here()
    assert written == [10]
    rig.until(400.0)
    await turns_of_the_loop()
    assert written == [10], "each time anew"


async def test_batched_rows_are_written_without_a_flush(open_rig: Opener) -> None:
    rig = await open_rig(limits=replace(QUICK, gather=0.02))
    rig.sign_in()
    await rig.store.journal.written_up_to_here()
    rig.until(200.0)
    assert rig.store.journal.waiting
    await until(lambda: not rig.store.journal.waiting)


async def test_without_activity_nothing_is_written(rig: StorageRig) -> None:
    rig.sign_in()
    await rig.store.journal.written_up_to_here()
    journal = rig.store.journal
    before = journal.queued, journal.written
    rig.store.activity.note()
    assert (journal.queued, journal.written) == before


async def test_a_guests_name_is_free_once_the_last_session_is_over(rig: StorageRig) -> None:
    session, _ = rig.sign_in()
    await rig.store.journal.written_up_to_here()
    lookalikes = {row[0] for row in await rig.rows("SELECT lookalike FROM name_lookalikes")}
    assert await rig.store.is_any_taken(lookalikes)
    await rig.sessions.end([session.id], Reason.SIGNED_OUT, 1.0)
    assert not await rig.store.is_any_taken(lookalikes)
    assert await rig.rows("SELECT name, name_key FROM players") == [("Ada", None)]


async def test_a_registered_name_stays_taken(rig: StorageRig) -> None:
    session, _ = rig.sign_in(rig.player("Ada", "a hash"))
    await rig.sessions.end([session.id], Reason.SIGNED_OUT, 1.0)
    account = await rig.store.find_account("ada")
    assert account is not None
    assert (account.id, account.password_hash) == (session.player.id, "a hash")


async def test_rows_that_queue_up_are_one_transaction(
    rig: StorageRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    write = rig.engine.write

    async def counted(batch: Batch) -> None:
        written.append(len(batch))
        await write(batch)

    monkeypatch.setattr(rig.engine, "write", counted)
    for number in range(50):
        rig.sign_in(rig.player(f"player {number:02}"))
    await rig.store.journal.written_up_to_here()
    assert len(written) <= 2
    assert len(await rig.rows("SELECT id FROM status_changes")) == 50


class BrokenDisk:
    """Makes writes fail until it is mended."""

    def __init__(self, rig: StorageRig, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_broken = True
        self.tried = asyncio.Event()
        write = rig.engine.write

        async def fail(batch: Batch) -> None:
            self.tried.set()
            if self.is_broken:
                raise EngineError("database or disk is full")
            await write(batch)

        monkeypatch.setattr(rig.engine, "write", fail)

    async def wait_until_tried(self) -> None:
        self.tried.clear()
        await within(5, self.tried.wait())


async def test_a_full_disk_loses_no_row_and_is_logged_once(
    rig: StorageRig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    disk = BrokenDisk(rig, monkeypatch)
    session, _ = rig.sign_in()
    flushing = rig.store.journal.written_up_to_here()
    await disk.wait_until_tried()
    rig.until(130)
    for _ in range(3):
        await disk.wait_until_tried()
    assert rig.store.journal.why == "database or disk is full"
    assert rig.store.statistics().waiting > 0
    assert not flushing.done(), "nothing is called durable that is not"
    assert session.status is Status.AWAY, "presence goes on"

    disk.is_broken = False
    await within(5, flushing)
    await rig.store.journal.written_up_to_here()
    assert rig.store.journal.why is None
    assert await rig.rows("SELECT status FROM status_changes ORDER BY id") == [
        ("active",),
        ("away",),
    ]
    storage = [record for record in caplog.records if record.name == "stillhere.storage"]
    assert [record.levelname for record in storage] == ["ERROR", "WARNING"]


async def test_a_failed_transaction_leaves_nothing_behind(rig: StorageRig) -> None:
    batch = Batch()
    for name in ("Ada", "Bob"):
        id = PlayerId("p")
        batch.players.append(PlayerRow(id, name, name, name, True, None, 0, 0))
    with pytest.raises(EngineError, match="UNIQUE constraint failed"):
        await rig.engine.write(batch)
    assert not await rig.engine.database.write(lambda writer: writer.in_transaction)
    assert await rig.rows("SELECT * FROM players") == []


async def test_while_the_disk_fails_rows_of_activity_are_dropped_and_changes_kept(
    open_rig: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = await open_rig(limits=replace(QUICK, max_waiting_for_activity=3))
    disk = BrokenDisk(rig, monkeypatch)
    session, _ = rig.sign_in()
    rig.sign_in(rig.player("Bob"))
    await disk.wait_until_tried()
    await asyncio.sleep(0)
    rig.registry.touch(session, 5.0)
    rig.store.activity.note()
    assert rig.store.statistics().shed == 1
    rig.until(130)
    disk.is_broken = False
    await rig.store.journal.written_up_to_here()
    assert len(await rig.rows("SELECT id FROM status_changes")) == 4


async def test_closing_gives_up_on_a_disk_that_stays_broken(
    open_rig: Opener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rig = await open_rig(limits=replace(QUICK, closing_timeout=0.05))
    BrokenDisk(rig, monkeypatch)
    rig.sign_in()
    await rig.store.close()
    assert "entries are lost" in caplog.records[-1].getMessage()


async def test_a_cancelled_wait_cancels_no_row(rig: StorageRig) -> None:
    rig.sign_in()
    waiting = rig.store.journal.written_up_to_here()
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(await rig.rows("SELECT id FROM sessions")) == 1
