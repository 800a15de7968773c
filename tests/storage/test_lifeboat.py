"""A sign-out that the database does not take is in a file beside it, and found by the next
start."""

import asyncio
import os
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from server.accounts.ports import StorageUnavailable
from server.base.ids import PlayerId, SessionId
from server.presence.session import Session
from server.presence.status import Reason
from server.storage import lifeboat as lifeboat_module
from server.storage.errors import StorageRefused
from server.storage.lifeboat import RECORD, Lifeboat
from server.storage.limits import Limits
from server.storage.rows import Ending
from tests.support.answers import until
from tests.support.faulty import FaultyDisk
from tests.support.manual_clock import START_MS, ManualClock
from tests.support.storage_rig import QUICK, StorageRig

FOR_EVER = 10**9
CAPACITY = Limits().lifeboat_records
SIZE = RECORD * CAPACITY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "test.db"


@pytest.fixture
def disk() -> FaultyDisk:
    """A disk that works until `break_` is called."""
    return FaultyDisk()


async def break_(disk: FaultyDisk, rig: StorageRig) -> None:
    """Let all writes fail from now on, and wait until the journal has noticed."""
    disk.first, disk.count = disk.calls + 1, FOR_EVER
    rig.store.remove_account(PlayerId("p_nobody"))
    await until(lambda: rig.store.is_failing)


def mend(disk: FaultyDisk) -> None:
    disk.count = 0


def endings(*numbers: int) -> list[Ending]:
    return [Ending(SessionId(f"s_{n:022}"), Reason.SIGNED_OUT, START_MS + n) for n in numbers]


def look_at(path: Path) -> os.stat_result:
    return path.stat()


async def sign_out(rig: StorageRig, *sessions: Session) -> None:
    ids = [session.id for session in sessions]
    await rig.sessions.end(ids, Reason.SIGNED_OUT, rig.clock.now())


# The file


async def test_saved_ends_are_found_at_the_next_start(path: Path) -> None:
    boat = Lifeboat(path, CAPACITY)
    assert boat.open("test.db") == []
    await boat.save(lambda: endings(1, 2))
    await boat.save(lambda: endings(2, 3))
    assert len(boat) == 3
    boat.close()
    again = Lifeboat(path, CAPACITY)
    assert again.open("test.db") == endings(1, 2, 3), "each once, in order"
    await again.save(lambda: endings(4))
    again.close()
    assert Lifeboat(path, CAPACITY).open("test.db") == endings(1, 2, 3, 4), (
        "it goes on behind what is there"
    )


async def test_the_file_never_grows_and_is_private(path: Path) -> None:
    boat = Lifeboat(path, CAPACITY)
    boat.open("test.db")
    before = look_at(path)
    assert (before.st_size, before.st_mode & 0o777) == (SIZE, 0o600)
    assert before.st_blocks * 512 >= SIZE, "not a hole, for which there might be no room"
    await boat.save(lambda: endings(*range(CAPACITY)))
    after = look_at(path)
    assert (after.st_size, after.st_blocks) == (SIZE, before.st_blocks)
    with pytest.raises(OSError, match="no record is free"):
        await boat.save(lambda: endings(CAPACITY))
    boat.close()


async def test_what_fits_is_saved_when_not_all_does(path: Path) -> None:
    boat = Lifeboat(path, 3)
    boat.open("test.db")
    await boat.save(lambda: endings(1))
    for _ in range(2):
        with pytest.raises(OSError, match="no record is free"):
            await boat.save(lambda: endings(1, 2, 3, 4))
    assert [SessionId(f"s_{n:022}") in boat for n in range(1, 5)] == [True, True, True, False]
    boat.close()
    assert Lifeboat(path, 3).open("test.db") == endings(1, 2, 3)


async def test_a_partially_written_record_is_ignored(path: Path) -> None:
    boat = Lifeboat(path, CAPACITY)
    boat.open("test.db")
    await boat.save(lambda: endings(1, 2, 3))
    boat.close()
    with path.open("r+b") as file:
        file.seek(RECORD + 15)
        file.write(b"AAA")  # still a session's id, but the wrong one
    again = Lifeboat(path, CAPACITY)
    assert again.open("test.db") == endings(1, 3)
    await again.save(lambda: endings(4))
    again.close()
    assert Lifeboat(path, CAPACITY).open("test.db") == endings(1, 3, 4)


def test_a_refused_start_removes_the_file_if_it_has_made_it(path: Path) -> None:
    boat = Lifeboat(path, CAPACITY)
    boat.open("test.db")
    boat.discard()
    assert not path.exists()
    boat = Lifeboat(path, CAPACITY)
    boat.open("test.db")
    boat.close()
    boat = Lifeboat(path, CAPACITY)
    boat.open("test.db")
    boat.discard()
    assert path.exists()


async def test_clearing_keeps_ends_that_the_database_does_not_have(path: Path) -> None:
    boat = Lifeboat(path, CAPACITY)
    boat.open("test.db")
    await boat.save(lambda: endings(1, 2))
    await boat.clear(lambda: endings(2, 9))
    assert len(boat) == 2
    await boat.clear(lambda: endings(9))
    assert len(boat) == 0
    boat.close()
    assert Lifeboat(path, CAPACITY).open("test.db") == []


async def test_a_failed_write_saves_no_end_and_takes_no_room(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boat = Lifeboat(path, CAPACITY)
    boat.open("test.db")

    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", refuse)
        for _ in range(3):
            with pytest.raises(OSError, match="Input/output"):
                await boat.save(lambda: endings(1))
        assert len(boat) == 0
    await boat.save(lambda: endings(*range(CAPACITY)))
    boat.close()


async def test_simultaneous_saves_are_written_together(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = 0
    write = lifeboat_module._write

    def count(*arguments: object) -> None:
        nonlocal writes
        writes += 1
        write(*arguments)  # type: ignore[arg-type]

    boat = Lifeboat(path, CAPACITY)
    boat.open("test.db")
    monkeypatch.setattr(lifeboat_module, "_write", count)
    over: list[Ending] = []

    async def end(number: int) -> None:
        over.extend(endings(number))
        await boat.save(lambda: over)

    await asyncio.gather(*(end(number) for number in range(50)))
    assert len(boat) == 50
    assert writes <= 2
    boat.close()


async def test_a_second_server_cannot_open_the_lifeboat(path: Path) -> None:
    boat = Lifeboat(path, CAPACITY)
    boat.open("test.db")
    with pytest.raises(StorageRefused, match="another Still Here is running on test"):
        Lifeboat(path, CAPACITY).open("test.db")
    boat.close()
    assert Lifeboat(path, CAPACITY).open("test.db") == []


# Its use by the journal


async def test_a_sign_out_outlives_a_disk_that_fails_and_a_crash(
    path: Path, disk: FaultyDisk
) -> None:
    rig = await StorageRig.open(path, ManualClock(), disk)
    ada, cookie = rig.sign_in()
    bob, _ = rig.sign_in(rig.player("Bob", "a hash"))
    other, _ = rig.sign_in(bob.player)
    await rig.store.journal.written_up_to_here()
    await break_(disk, rig)
    rig.clock.move_to(7.0)
    await sign_out(rig, ada, other)
    mend(disk)
    await rig.kill()

    again = await StorageRig.open(path, ManualClock(20.0))
    assert await again.sessions.find(cookie) is Reason.SIGNED_OUT
    assert set(again.registry.sessions) == {bob.id}
    over = START_MS + 7_000
    assert await again.rows(
        "SELECT session_id, status, reason, at, player_status, detail, last_activity_by"
        " FROM status_changes WHERE reason = 'signed_out' ORDER BY id"
    ) == [
        (ada.id, "offline", "signed_out", over, "offline", "You signed out.", "sign-in"),
        (other.id, "offline", "signed_out", over, "active", "You signed out.", "sign-in"),
    ]
    assert await again.rows(
        "SELECT DISTINCT s.last_activity_at = c.last_activity_at FROM status_changes c"
        " JOIN sessions s ON s.id = c.session_id WHERE c.reason = 'signed_out'"
    ) == [(1,)]
    assert await again.rows(
        "SELECT id, ended_at, end_reason FROM sessions WHERE ended_at IS NOT NULL ORDER BY rowid"
    ) == [(ada.id, over, "signed_out"), (other.id, over, "signed_out")]
    assert await again.rows("SELECT name, name_key, is_currently_active FROM players") == [
        ("Ada", None, 0),
        ("Bob", "bob", 1),
    ]
    assert again.store.statistics().in_lifeboat == 0, "the database has it now"
    await again.store.close()


async def test_the_lifeboat_is_cleared_when_the_database_has_its_ends(
    path: Path, disk: FaultyDisk
) -> None:
    rig = await StorageRig.open(path, ManualClock(), disk)
    ada, _ = rig.sign_in()
    await rig.store.journal.written_up_to_here()
    await break_(disk, rig)
    await sign_out(rig, ada)
    assert rig.store.statistics().in_lifeboat == 1
    mend(disk)
    await rig.store.journal.written_up_to_here()
    await rig.store.close()
    content = path.with_name("test.db.revoked").read_bytes()
    assert content == bytes(SIZE)


async def test_a_replaced_session_is_saved_and_a_timed_out_one_is_not(
    path: Path, disk: FaultyDisk
) -> None:
    rig = await StorageRig.open(path, ManualClock(), disk)
    rig.sign_in()
    bob, cookie = rig.sign_in(rig.player("Bob", "a hash"))
    await rig.store.journal.written_up_to_here()
    await break_(disk, rig)
    rig.until(1.0)
    await rig.sessions.end([bob.id], Reason.REPLACED, 1.0)
    rig.until(400.0)
    rig.sign_in(bob.player)
    await rig.sessions.flush()
    assert rig.store.statistics().in_lifeboat == 1
    mend(disk)
    await rig.kill()
    again = await StorageRig.open(path, ManualClock(2.0))
    assert await again.sessions.find(cookie) is Reason.REPLACED
    await again.store.close()


async def test_a_sign_out_that_could_not_be_saved_is_not_confirmed(
    path: Path, disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = await StorageRig.open(path, ManualClock(), disk)
    ada, cookie = rig.sign_in()
    await rig.store.journal.written_up_to_here()
    await break_(disk, rig)

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(lifeboat_module, "_write", refuse)
    with pytest.raises(StorageUnavailable, match="signed out, here and now, but"):
        await sign_out(rig, ada)
    assert await rig.sessions.find(cookie) is Reason.SIGNED_OUT
    monkeypatch.undo()
    mend(disk)
    await rig.store.close()


async def test_of_simultaneous_sign_outs_exactly_those_that_are_saved_are_confirmed(
    path: Path, disk: FaultyDisk
) -> None:
    rig = await StorageRig.open(path, ManualClock(), disk, replace(QUICK, lifeboat_records=5))
    signed_in = [rig.sign_in(rig.player(f"Player {n}", "a hash")) for n in range(8)]
    await rig.store.journal.written_up_to_here()
    await break_(disk, rig)
    answers = await asyncio.gather(
        *(sign_out(rig, session) for session, _ in signed_in), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [type(None)] * 5 + [StorageUnavailable] * 3
    both = [session for session, _ in signed_in][4:6]
    with pytest.raises(StorageUnavailable):
        await sign_out(rig, *both)
    mend(disk)
    await rig.kill()
    again = await StorageRig.open(path, ManualClock(20.0))
    assert set(again.registry.sessions) == {session.id for session, _ in signed_in[5:]}
    await again.store.close()


async def test_asking_for_an_end_that_could_not_be_saved_is_logged_once(
    path: Path, disk: FaultyDisk, caplog: pytest.LogCaptureFixture
) -> None:
    rig = await StorageRig.open(path, ManualClock(), disk, replace(QUICK, lifeboat_records=0))
    ada, cookie = rig.sign_in()
    await rig.store.journal.written_up_to_here()
    await break_(disk, rig)
    with pytest.raises(StorageUnavailable):
        await sign_out(rig, ada)
    for _ in range(300):
        assert await rig.sessions.find(cookie) is Reason.SIGNED_OUT
    assert sum("a sign-out is in memory only" in line for line in caplog.messages) == 1
    mend(disk)
    await rig.store.close()


async def test_a_disk_that_hangs_is_not_waited_for(
    path: Path, disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = replace(QUICK, lifeboat_timeout=0.05)
    rig = await StorageRig.open(path, ManualClock(), disk, limits)
    ada, _ = rig.sign_in()
    await rig.store.journal.written_up_to_here()
    await break_(disk, rig)

    gate = threading.Event()
    monkeypatch.setattr(lifeboat_module, "_write", lambda *_: gate.wait(10))
    with pytest.raises(StorageUnavailable):
        await sign_out(rig, ada)
    gate.set()
    mend(disk)
    monkeypatch.undo()
    await rig.store.close()


async def test_a_name_whose_freeing_waits_can_be_taken_again(path: Path, disk: FaultyDisk) -> None:
    rig = await StorageRig.open(path, ManualClock(), disk)
    first, _ = rig.sign_in()
    await rig.store.journal.written_up_to_here()
    lookalikes = {row[0] for row in await rig.rows("SELECT lookalike FROM name_lookalikes")}
    await break_(disk, rig)
    await sign_out(rig, first)
    disk.spares_readers = True
    assert not await rig.store.is_any_taken(lookalikes)
    second, _ = rig.sign_in()
    mend(disk)
    await rig.store.journal.written_up_to_here()
    assert await rig.rows("SELECT id, name_key FROM players ORDER BY rowid") == [
        (first.player.id, None),
        (second.player.id, "ada"),
    ]
    assert await rig.store.is_any_taken(lookalikes)
    await rig.store.close()
