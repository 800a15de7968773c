"""Waits for the disk are bounded, and answers are true."""

import asyncio
import threading

import pytest
from msgspec.structs import replace

from server.accounts.accounts import Accounts
from server.accounts.errors import BadCredentials
from server.accounts.limits import Limits
from server.accounts.names import parse_name
from server.accounts.ports import StorageUnavailable
from tests.support.open_passwords import OpenPasswords
from tests.support.storage_rig import QUICK, Opener, StorageRig


async def test_a_registration_refused_after_a_timeout_is_withdrawn(
    open_rig: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The disk writes the row a moment after the timeout.
    rig = await open_rig(limits=replace(QUICK, write_timeout=0.0))
    accounts = Accounts(rig.store, OpenPasswords(), Limits())
    monkeypatch.setattr(rig.store, "remove_account", lambda id: withdrawn.append(id))
    withdrawn: list[object] = []
    with pytest.raises(StorageUnavailable):
        await accounts.register(parse_name("Ada"), "correct horse", 0.0, None)
    await rig.store.journal.written_up_to_here()
    account = await rig.store.find_account("ada")
    assert account is not None
    assert withdrawn == [account.id]
    with pytest.raises(BadCredentials):
        await accounts.authenticate("Ada", "correct horse", 0.0, "here", None)
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
    rig = await open_rig(limits=replace(QUICK, write_timeout=0.02))
    stuck_after = rig.store.limits.stuck_after
    gate = threading.Event()
    hanging = asyncio.ensure_future(rig.engine.database.write(lambda _: gate.wait(10)))
    await asyncio.sleep(0)
    rig.sign_in()
    journal = rig.store.journal
    assert not await journal.flush()
    rig.clock.move_to(stuck_after)
    assert not journal.is_failing
    rig.clock.move_to(stuck_after + 0.001)
    assert journal.is_failing
    assert journal.why == "the disk does not answer"
    assert rig.store.statistics().failing_for == stuck_after + 0.001
    gate.set()
    assert await hanging
    await rig.store.journal.written_up_to_here()
    assert not journal.is_failing
    assert journal.why is None


async def test_a_write_during_which_the_process_stood_still_does_not_count_as_failing(
    open_rig: Opener,
) -> None:
    rig = await open_rig(limits=replace(QUICK, write_timeout=0.02, stuck_after=0.01))
    gate = threading.Event()
    hanging = asyncio.ensure_future(rig.engine.database.write(lambda _: gate.wait(10)))
    await asyncio.sleep(0)
    rig.sign_in()
    # The loop's time goes on, and presence time does not.
    assert not await rig.store.journal.flush()
    assert not rig.store.journal.is_failing
    assert rig.store.statistics().failing_for == 0.0
    assert await rig.store.readiness() is None
    gate.set()
    assert await hanging
