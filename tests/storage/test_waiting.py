"""Waits for the disk are bounded, and answers are true."""

import asyncio
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from server.accounts.accounts import Accounts
from server.accounts.errors import BadCredentials
from server.accounts.limits import Limits
from server.accounts.names import parse_name
from server.accounts.ports import StorageUnavailable
from tests.support.manual_clock import ManualClock
from tests.support.open_passwords import OpenPasswords
from tests.support.storage_rig import QUICK, StorageRig


async def test_a_registration_refused_after_a_timeout_is_withdrawn(
    rig: StorageRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = Accounts(rig.store, OpenPasswords(), Limits())
    flush = rig.store.journal.flush
    # The disk writes the row a moment after the timeout.
    monkeypatch.setattr(rig.store, "flush", lambda: flush(0.0))
    monkeypatch.setattr(rig.store, "remove_account", lambda id: withdrawn.append(id))
    withdrawn: list[object] = []
    with pytest.raises(StorageUnavailable):
        await accounts.register(parse_name("Ada"), "correct horse", 0.0, None)
    await rig.store.journal.written_up_to_here()
    account = await rig.store.find_account("ada")
    assert account is not None
    assert withdrawn == [account.id]
    with pytest.raises(BadCredentials):
        await accounts.recognise("Ada", "correct horse", 0.0, "here", None)
    monkeypatch.undo()
    rig.store.remove_account(account.id)
    assert await rig.rows("SELECT * FROM players") == []
    assert await rig.rows("SELECT * FROM name_lookalikes") == []


async def test_a_player_with_a_session_is_never_removed(rig: StorageRig) -> None:
    session, _ = rig.sign_in(rig.player("Ada", "a hash"))
    rig.store.remove_account(session.player.id)
    assert await rig.rows("SELECT name FROM players") == [("Ada",)]
    assert await rig.rows("SELECT player_id FROM name_lookalikes") == [(session.player.id,)]


async def test_a_write_that_does_not_come_back_counts_as_failing(tmp_path: Path) -> None:
    limits = replace(QUICK, stuck_after=0.02)
    rig = await StorageRig.open(tmp_path / "test.db", ManualClock(), limits=limits)
    gate = threading.Event()
    hanging = asyncio.ensure_future(rig.engine.database.write(lambda _: gate.wait(10)))
    await asyncio.sleep(0)
    rig.sign_in()
    journal = rig.store.journal
    assert not await journal.flush(0.05)
    assert journal.is_failing
    assert journal.why == "the disk does not answer"
    assert rig.store.statistics().failing_for > 0.02
    gate.set()
    assert await hanging
    await rig.store.journal.written_up_to_here()
    assert not journal.is_failing
    assert journal.why is None
    await rig.store.close()
