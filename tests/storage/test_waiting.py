"""Waits for the disk are bounded, and answers are true."""

import asyncio
import threading
import time

import pytest
from msgspec.structs import replace

from server.accounts.accounts import Accounts
from server.accounts.errors import BadCredentials
from server.accounts.limits import Limits
from server.accounts.names import parse_name
from server.accounts.ports import StorageUnavailable
from server.base.clock import STALL
from tests.support.answers import until
from tests.support.open_passwords import OpenPasswords
from tests.support.places import HERE
from tests.support.storage_rig import QUICK, Opener, StorageRig


async def test_a_registration_refused_after_a_timeout_is_withdrawn(
    open_rig: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The disk writes the row a moment after the timeout.
    rig = await open_rig(limits=replace(QUICK, write_timeout=0.0))
    accounts = Accounts(rig.store, OpenPasswords(), Limits(), rig.budget)
    monkeypatch.setattr(rig.store, "remove_account", lambda id: withdrawn.append(id))
    withdrawn: list[object] = []
    with pytest.raises(StorageUnavailable):
        await accounts.register(parse_name("Ada"), "correct horse", 0.0, HERE)
    await rig.store.journal.written_up_to_here()
    account = await rig.store.find_account("ada")
    assert account is not None
    assert withdrawn == [account.id]
    with pytest.raises(BadCredentials):
        await accounts.authenticate("Ada", "correct horse", 0.0, HERE)
    monkeypatch.undo()
    rig.store.remove_account(account.id)
    assert await rig.rows("SELECT * FROM players") == []
    assert await rig.rows("SELECT * FROM name_lookalikes") == []


async def test_a_player_with_a_session_is_never_removed(rig: StorageRig) -> None:
    session, _ = rig.sign_in(rig.player("Ada", "a hash"))
    rig.store.remove_account(session.player.id)
    assert await rig.rows("SELECT name FROM players") == [("Ada",)]
    assert await rig.rows("SELECT player_id FROM name_lookalikes") == [(session.player.id,)]


async def test_a_write_that_does_not_come_back_counts_as_failing(open_rig: Opener) -> None:
    rig = await open_rig(limits=replace(QUICK, stuck_after=0.02))
    journal = rig.store.journal
    gate = threading.Event()
    hanging = asyncio.ensure_future(rig.engine.database.write(lambda _: gate.wait(10)))
    await asyncio.sleep(0)
    rig.sign_in()
    written = journal.written_up_to_here()
    await until(lambda: journal.is_failing)
    assert not await journal.flush()
    assert journal.why == "the disk does not answer"
    assert rig.store.statistics().failing_for == pytest.approx(0.02)
    gate.set()
    assert await hanging
    await written
    assert not journal.is_failing
    assert journal.why is None


async def test_a_write_during_which_the_process_stood_still_does_not_count_as_failing(
    open_rig: Opener,
) -> None:
    stuck_after = 0.4
    rig = await open_rig(limits=replace(QUICK, stuck_after=stuck_after))
    gate = threading.Event()
    hanging = asyncio.ensure_future(rig.engine.database.write(lambda _: gate.wait(10)))
    await asyncio.sleep(0)
    rig.sign_in()
    written = rig.store.journal.written_up_to_here()
    for _ in range(10):
        await asyncio.sleep(0)  # the journal begins to write
    time.sleep(stuck_after + STALL + 0.05)  # noqa: ASYNC251 - all of the process stands still
    # Nor does an instant of presence: the machine may have been suspended.
    rig.clock.move_to(3600.0)
    for _ in range(3):
        await asyncio.sleep(0)  # the alarm is noticed
    assert not rig.store.journal.is_failing
    assert rig.store.statistics().failing_for == 0.0
    assert await rig.store.readiness() is None
    gate.set()
    assert await hanging
    await written
