"""What happened is written: once, in order, all or nothing, and again until the disk takes it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest
from msgspec.structs import replace

from server.base.ids import PlayerId
from server.presence.status import Reason, Status
from server.storage.batch import Batch
from server.storage.errors import EngineError
from server.storage.rows import PlayerRow
from tests.support.answers import until
from tests.support.house import QUICK, House
from tests.support.manual_clock import START_MS

Opener: TypeAlias = Callable[..., Awaitable[House]]


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
    house.store.activity.note()
    assert await house.rows("SELECT last_activity_at, last_activity_by FROM sessions") == [
        (START_MS + 50_000, "ping")
    ]
    session.last_activity = 10.0
    house.registry.touch(session, 9.0)
    house.store.activity.note()
    assert await house.rows("SELECT last_activity_at FROM players") == [(START_MS + 50_000,)]


async def test_activity_is_taken_down_in_portions(house: House) -> None:
    for number in range(5):
        session, _ = house.sign_in(house.player(f"player {number}"))
        house.registry.touch(session, 7.0)
    note = house.store.activity.note
    assert [note(2), note(2), note(2), note(2)] == [True, True, True, False]
    assert await house.rows("SELECT DISTINCT last_activity_at FROM sessions") == [
        (START_MS + 7_000,)
    ]


async def test_rows_that_nobody_waits_for_are_gathered_and_one_who_waits_does_not_wait_for_that(
    open_house: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await open_house(limits=replace(QUICK, gather=60.0))
    written: list[int] = []
    write = house.store.journal._engine.write

    async def noted(batch: Batch) -> None:
        written.append(len(batch.changes))
        await write(batch)

    for number in range(5):
        house.sign_in(house.player(f"player {number}"))
    await house.store.flush()
    monkeypatch.setattr(house.store.journal._engine, "write", noted)
    for seconds in (200.0, 250.0):  # all are away, and warned
        house.until(seconds)
        await asyncio.sleep(0.01)
    assert written == []
    await house.store.flush()
    assert written == [10]
    house.until(400.0)
    await asyncio.sleep(0.01)
    assert written == [10], "each time anew"


async def test_rows_that_nobody_waits_for_are_written_before_long(open_house: Opener) -> None:
    house = await open_house(limits=replace(QUICK, gather=0.02))
    house.sign_in()
    await house.store.flush()
    house.until(200.0)
    assert house.store.journal.waiting
    await until(lambda: not house.store.journal.waiting)


async def test_without_activity_nothing_is_written(house: House) -> None:
    house.sign_in()
    await house.store.flush()
    before = house.store.statistics()
    house.store.activity.note()
    assert house.store.statistics() == before


async def test_a_guests_name_is_free_once_the_last_session_is_over(house: House) -> None:
    session, _ = house.sign_in()
    await house.store.flush()
    lookalikes = {row[0] for row in await house.rows("SELECT lookalike FROM name_lookalikes")}
    assert await house.store.is_any_taken(lookalikes)
    await house.sessions.end([session.id], Reason.SIGNED_OUT, 1.0)
    assert not await house.store.is_any_taken(lookalikes)
    assert await house.rows("SELECT name, name_key FROM players") == [("Ada", None)]


async def test_a_registered_name_stays_taken(house: House) -> None:
    session, _ = house.sign_in(house.player("Ada", "a hash"))
    await house.sessions.end([session.id], Reason.SIGNED_OUT, 1.0)
    account = await house.store.find_account("ada")
    assert account is not None
    assert (account.id, account.password_hash) == (session.player.id, "a hash")


async def test_whatever_piles_up_is_one_transaction(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    write = house.engine.write

    async def counted(batch: Batch) -> None:
        written.append(len(batch))
        await write(batch)

    monkeypatch.setattr(house.engine, "write", counted)
    for number in range(50):
        house.sign_in(house.player(f"player {number:02}"))
    await house.store.flush()
    assert len(written) <= 2
    assert len(await house.rows("SELECT id FROM status_changes")) == 50


class BrokenDisk:
    """Makes writing fail until it is mended."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_broken = True
        self.tried = asyncio.Event()
        write = house.engine.write

        async def fail(batch: Batch) -> None:
            self.tried.set()
            if self.is_broken:
                raise EngineError("database or disk is full")
            await write(batch)

        monkeypatch.setattr(house.engine, "write", fail)

    async def wait_until_tried(self) -> None:
        self.tried.clear()
        await asyncio.wait_for(self.tried.wait(), 5)


async def test_a_full_disk_loses_nothing_and_says_so_once(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    disk = BrokenDisk(house, monkeypatch)
    session, _ = house.sign_in()
    flushing = asyncio.create_task(house.store.flush())
    await disk.wait_until_tried()
    house.until(130)
    for _ in range(3):
        await disk.wait_until_tried()
    statistics = house.store.statistics()
    assert statistics.why == "database or disk is full"
    assert statistics.waiting > 0
    assert not flushing.done(), "nothing is called durable that is not"
    assert session.status is Status.AWAY, "presence goes on"

    disk.is_broken = False
    await asyncio.wait_for(flushing, 5)
    await house.store.flush()
    assert house.store.statistics().why is None
    assert await house.rows("SELECT status FROM status_changes ORDER BY id") == [
        ("active",),
        ("away",),
    ]
    storage = [record for record in caplog.records if record.name == "stillhere.storage"]
    assert [record.levelname for record in storage] == ["ERROR", "WARNING"]


async def test_a_failed_transaction_leaves_nothing_behind(house: House) -> None:
    batch = Batch()
    for name in ("Ada", "Bob"):
        id = PlayerId("p")
        batch.players.append(PlayerRow(id, name, name, name, True, None, 0, 0))
    with pytest.raises(EngineError, match="UNIQUE constraint failed"):
        await house.engine.write(batch)
    assert not await house.engine.database.write(lambda writer: writer.in_transaction)
    assert await house.rows("SELECT * FROM players") == []


async def test_mere_activity_is_shed_while_the_disk_fails_and_changes_never_are(
    open_house: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await open_house(limits=replace(QUICK, max_waiting_for_activity=3))
    disk = BrokenDisk(house, monkeypatch)
    session, _ = house.sign_in()
    house.sign_in(house.player("Bob"))
    await disk.wait_until_tried()
    await asyncio.sleep(0)
    house.registry.touch(session, 5.0)
    house.store.activity.note()
    assert house.store.statistics().shed == 1
    house.until(130)
    disk.is_broken = False
    await house.store.flush()
    assert len(await house.rows("SELECT id FROM status_changes")) == 4


async def test_closing_gives_up_on_a_disk_that_stays_broken(
    open_house: Opener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    house = await open_house(limits=replace(QUICK, closing_patience=0.05))
    BrokenDisk(house, monkeypatch)
    house.sign_in()
    await house.store.close()
    assert "entries are lost" in caplog.records[-1].getMessage()


async def test_a_cancelled_wait_cancels_no_row(house: House) -> None:
    house.sign_in()
    waiting = asyncio.create_task(house.store.flush())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(await house.rows("SELECT id FROM sessions")) == 1
