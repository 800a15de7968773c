"""When a crowd leaves, the ends of its sessions are written and told first, and a kill in between
changes nothing that the next start does not mend."""

import asyncio
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from server.base.ids import SessionId
from server.base.waiting import within
from server.presence.session import Session
from server.presence.status import Reason, Status
from server.storage.batch import Batch
from server.storage.errors import EngineError
from server.storage.sqlite.writer import write_batch
from tests.support.answers import until
from tests.support.database import rows
from tests.support.faulty import FaultyDisk
from tests.support.live_server import TIMEOUT
from tests.support.manual_clock import ManualClock
from tests.support.places import ANYBODY
from tests.support.storage_rig import QUICK, Opener, StorageRig

CROWD = 5
"""Sessions that end at once, and are one more than a crowd in these tests."""

LIMITS = replace(QUICK, crowd=CROWD - 1, gather=60.0, longest_deferral=600.0)
"""The rest of the rows waits for the test."""

ENDED = "SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL"
LEFT = "SELECT count(*) FROM status_changes WHERE status = 'offline'"
OFFLINE = "SELECT count(*) FROM sessions WHERE status = 'offline'"
NAMES = "SELECT count(*) FROM players WHERE name_key IS NOT NULL"


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[Batch]:
    """The batches that were written, in order."""
    written: list[Batch] = []

    def write(connection: Any, batch: Batch, limits: Any) -> None:
        write_batch(connection, batch, limits)
        written.append(batch)

    monkeypatch.setattr("server.storage.sqlite.engine.write_batch", write)
    return written


def sign_in(rig: StorageRig, number: int = CROWD) -> list[Session]:
    return [rig.sign_in(rig.player(f"Guest {chr(97 + n)}"))[0] for n in range(number)]


def end(rig: StorageRig, *sessions: Session, reason: Reason = Reason.SIGNED_OUT) -> None:
    for session in sessions:
        rig.stream.publish(rig.registry.end(session, reason, rig.clock.now()))


def counts(rig: StorageRig) -> tuple[int, ...]:
    """How many sessions have ended in the file, how many changes say so, how many sessions are
    offline, and how many names are taken."""
    return tuple(rows(rig.path, each)[0][0] for each in (ENDED, LEFT, OFFLINE, NAMES))


async def test_the_ends_of_a_crowd_are_told_before_the_rest_of_their_rows(
    open_rig: Opener,
) -> None:
    rig = await open_rig(limits=LIMITS)
    sessions = sign_in(rig)
    assert await rig.store.flush()
    end(rig, *sessions)
    await rig.store.secure_endings()
    assert counts(rig) == (CROWD, 0, 0, CROWD)
    assert rig.store.statistics().waiting
    assert await rig.store.flush()
    assert counts(rig) == (CROWD, CROWD, CROWD, 0)
    assert not rig.store.statistics().waiting


async def test_further_ends_do_not_wait_for_the_rest_either(
    open_rig: Opener, batches: list[Batch]
) -> None:
    rig = await open_rig(limits=LIMITS)
    *sessions, last = sign_in(rig)
    assert await rig.store.flush()
    batches.clear()
    end(rig, *sessions)
    await rig.store.secure_endings()
    end(rig, last)
    await rig.store.secure_endings()
    assert [(len(each.endings), len(each.changes)) for each in batches] == [(CROWD - 1, 0), (1, 0)]
    assert await rig.store.flush()
    assert counts(rig) == (CROWD, CROWD, CROWD, 0)


async def test_the_rest_follows_unasked(open_rig: Opener) -> None:
    rig = await open_rig(limits=replace(LIMITS, gather=0.001))
    sessions = sign_in(rig)
    assert await rig.store.flush()
    end(rig, *sessions)
    await rig.store.secure_endings()
    await until(lambda: not rig.store.statistics().waiting)
    assert counts(rig) == (CROWD, CROWD, CROWD, 0)


async def test_the_rest_does_not_wait_for_ever(open_rig: Opener) -> None:
    rig = await open_rig(limits=replace(LIMITS, longest_deferral=0.0))
    *sessions, last = sign_in(rig)
    assert await rig.store.flush()
    end(rig, *sessions)
    await rig.store.secure_endings()
    assert counts(rig)[:2] == (CROWD - 1, 0)
    end(rig, last)
    await rig.store.secure_endings()
    assert counts(rig) == (CROWD, CROWD, CROWD, 0)


async def test_few_ends_are_written_whole(open_rig: Opener) -> None:
    rig = await open_rig(limits=LIMITS)
    sessions = sign_in(rig, CROWD - 2)
    assert await rig.store.flush()
    end(rig, *sessions)
    await rig.store.secure_endings()
    assert counts(rig) == (CROWD - 2, CROWD - 2, CROWD - 2, 0)


def change(rig: StorageRig, bystander: Session) -> None:
    rig.stream.publish(rig.registry.disconnected(bystander, rig.clock.now(), has_left=False))


def come(rig: StorageRig, bystander: Session) -> None:
    rig.sign_in(rig.player("Zoe"))


def come_back(rig: StorageRig, bystander: Session) -> None:
    rig.sign_in(bystander.player)


@pytest.mark.parametrize("happens", [change, come, come_back])
async def test_no_end_is_written_before_what_else_happened_before_it(
    open_rig: Opener, happens: Callable[[StorageRig, Session], None]
) -> None:
    rig = await open_rig(limits=LIMITS)
    sessions = sign_in(rig)
    bystander, _ = rig.sign_in(rig.player("Bystander"))
    rig.stream.publish(rig.registry.connected(bystander, rig.clock.now()))
    assert await rig.store.flush()
    before = rows(rig.path, "SELECT count(*) FROM status_changes")[0][0]
    happens(rig, bystander)
    end(rig, *sessions)
    await rig.store.secure_endings()
    # Nothing waits: a kill would leave the history without a gap.
    assert not rig.store.statistics().waiting
    assert rows(rig.path, "SELECT count(*) FROM status_changes") == [(before + 1 + CROWD,)]


def sleep_remembered(rig: StorageRig) -> Session:
    """A guest whose session is dormant."""
    session, _ = rig.sign_in(rig.player("Sleeper"), remember=True)
    rig.until(rig.clock.now() + rig.registry.policy.idle_timeout + 1.0)
    assert session.status is Status.OFFLINE
    assert session.ended is None
    return session


async def test_the_end_of_a_dormant_session_is_written_whole(open_rig: Opener) -> None:
    # The next start could not tell it from an end of which all is written, and free its name.
    rig = await open_rig(limits=LIMITS)
    sleeper = sleep_remembered(rig)
    sessions = sign_in(rig)
    assert await rig.store.flush()
    end(rig, *sessions, sleeper)
    await rig.store.secure_endings()
    assert not rig.store.statistics().waiting
    assert rows(rig.path, NAMES) == [(0,)]


async def test_after_a_failure_no_end_is_written_before_what_could_not_be(
    open_rig: Opener, batches: list[Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = await open_rig(limits=replace(LIMITS, write_timeout=0.02))
    sleeper = sleep_remembered(rig)
    sessions = sign_in(rig)
    await within(TIMEOUT, rig.store.journal.written_up_to_here())
    batches.clear()
    with monkeypatch.context() as broken:
        broken.setattr(rig.engine, "write", _fail)
        # It sleeps and ends, with a failed write in between.
        rig.stream.publish(rig.registry.connected(sleeper, rig.clock.now()))
        rig.until(rig.clock.now() + rig.registry.policy.idle_timeout - 60.0)
        for session in sessions:
            rig.stream.publish(rig.registry.touch(session, rig.clock.now()))
        rig.until(rig.clock.now() + 61.0)
        come_back(rig, sessions[0])
        assert not await rig.store.journal.secure()
        end(rig, *sessions, sleeper)
    await until(lambda: bool(batches))
    assert len(batches[0].endings) == CROWD + 1
    assert {row.session_id for row in batches[0].changes} >= {each.id for each in sessions}


async def _fail(batch: Batch) -> None:
    raise EngineError("the disk is full")


async def test_a_history_that_is_asked_for_has_the_ends(open_rig: Opener) -> None:
    rig = await open_rig(limits=LIMITS)
    sessions = sign_in(rig)
    assert await rig.store.flush()
    end(rig, *sessions)
    player = sessions[0].player.id
    newest, *_ = await rig.store.history(player, 2**62, 10, ANYBODY)
    assert newest.reason is Reason.SIGNED_OUT


async def test_a_stop_writes_the_rest(open_rig: Opener) -> None:
    rig = await open_rig(limits=LIMITS)
    sessions = sign_in(rig)
    assert await rig.store.flush()
    end(rig, *sessions)
    await rig.store.close()
    assert counts(rig) == (CROWD, CROWD, CROWD, 0)


async def _leave(rig: StorageRig, told: set[SessionId]) -> None:
    """A crowd leaves: some twice, one with a second session, which stays."""
    *crowd, twice, second = sign_in(rig, CROWD + 2)
    other, _ = rig.sign_in(second.player)
    await rig.sessions.flush()
    end(rig, *crowd, second, reason=Reason.IDLE_TIMEOUT)
    await rig.store.secure_endings()
    told |= {each.id for each in (*crowd, second)}
    end(rig, twice)
    await rig.store.secure_endings()
    told.add(twice.id)
    assert other.ended is None
    await rig.store.flush()


async def test_a_kill_at_every_call_of_the_database_loses_no_end_and_no_row_of_it(
    tmp_path: Path,
) -> None:
    """From the n-th call on nothing is written; the next start finds what a kill leaves."""
    cut_short = 0
    for number in count(1):
        path, clock, disk = tmp_path / f"{number}.db", ManualClock(), FaultyDisk()
        rig = await StorageRig.open(path, clock, disk, replace(LIMITS, write_timeout=0.5))
        start = disk.calls
        disk.first, disk.count = start + number, 10**9
        told: set[SessionId] = set()
        leaving = asyncio.ensure_future(_leave(rig, told))
        await until(lambda: leaving.done() or disk.calls >= disk.first)  # noqa: B023
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        await rig.kill()
        cut_short += rows(path, ENDED)[0][0] > rows(path, LEFT)[0][0]
        again = await StorageRig.open(path, ManualClock(clock.now() + 1.0))
        try:
            ended = rows(path, "SELECT id, status, end_reason FROM sessions WHERE ended_at")
            assert told <= {id for id, *_ in ended}
            for id, status, reason in ended:
                assert status == "offline"
                changes = rows(
                    path,
                    "SELECT reason, player_status FROM status_changes"
                    f" WHERE session_id = '{id}' AND status = 'offline'",
                )
                assert [each[0] for each in changes] == [reason]
            here = {session.player.id for session in again.registry.sessions.values()}
            for id, is_active, key in rows(
                path, "SELECT id, is_currently_active, name_key FROM players"
            ):
                assert bool(is_active) is (id in here)
                if is_active:
                    assert key is not None
            if len(ended) == CROWD + 2:
                assert rows(path, NAMES) == [(1,)]
        finally:
            await again.store.close()
        if disk.calls < disk.first:
            break
    assert number > 15
    assert cut_short >= 4
