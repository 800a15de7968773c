"""A restart while the wall clock is wrong: no player loses time, or gains a session."""

import pytest

from server.presence.session import Session
from server.presence.status import Reason
from tests.support.manual_clock import ManualClock
from tests.support.places import ANYBODY
from tests.support.storage_rig import Opener, StorageRig, only_session, restart

BACK = pytest.mark.parametrize("back", [5.0, 3600.0, 86_400.0])


@BACK
async def test_a_clock_set_back_signs_no_session_out(
    rig: StorageRig, open_rig: Opener, back: float
) -> None:
    rig.until(100)
    session, cookie = rig.sign_in()
    rig.until(300)
    rig.registry.touch(session, 300.0)
    again = await restart(rig, open_rig, -back)
    now = again.clock.now()
    restored = only_session(again)
    assert await again.sessions.find(cookie) is restored
    assert restored.last_activity == restored.idle_from == now
    again.until(now + 29.9)
    assert restored.status == "reconnecting"
    again.until(now + 299.9)
    assert restored.ended is None
    again.until(now + 300.1)
    assert restored.ended is Reason.IDLE_TIMEOUT


@BACK
async def test_a_clock_set_back_prolongs_no_session(
    rig: StorageRig, open_rig: Opener, back: float
) -> None:
    rig.until(100)
    session, _ = rig.sign_in()
    rig.until(300)
    rig.registry.touch(session, 300.0)
    again = await restart(rig, open_rig, -back)
    restored = only_session(again)
    assert restored.ends_at - again.clock.now() == pytest.approx(43_200 - 200)
    assert restored.created_at == pytest.approx(again.clock.now() - 200)


async def test_a_step_back_shorter_than_the_idle_time_shortens_it_by_its_length(
    rig: StorageRig, open_rig: Opener
) -> None:
    rig.sign_in()
    rig.until(60)
    again = await restart(rig, open_rig, -5.0)
    restored = only_session(again)
    assert again.clock.now() - restored.idle_from == 55
    assert restored.ends_at == 43_200


@BACK
async def test_a_step_back_and_forth_changes_no_instant(
    rig: StorageRig, open_rig: Opener, back: float
) -> None:
    session, _ = rig.sign_in()
    rig.until(100)
    rig.registry.touch(session, 100.0)
    rig.until(110)
    wrong = await restart(rig, open_rig, -back)
    right = await restart(wrong, open_rig, back)
    restored = only_session(right)
    assert (restored.last_activity, restored.idle_from) == (100.0, 100.0)
    assert (restored.created_at, restored.ends_at) == (0.0, 43_200.0)


@BACK
async def test_a_step_does_not_wake_a_sleeping_session(
    rig: StorageRig, open_rig: Opener, back: float
) -> None:
    session, cookie = rig.sign_in(rig.player("Ada", "a hash"), remember=True)
    rig.until(400)
    assert session.is_asleep
    again = await restart(rig, open_rig, -back)
    restored = only_session(again)
    assert await again.sessions.find(cookie) is restored
    assert not restored.status.is_here
    assert await again.rows("SELECT is_currently_active FROM players") == [(0,)]


@BACK
async def test_an_ended_session_stays_ended(rig: StorageRig, open_rig: Opener, back: float) -> None:
    session, cookie = rig.sign_in()
    await rig.sessions.end([session.id], Reason.SIGNED_OUT, 1.0)
    again = await restart(rig, open_rig, -back)
    assert await again.sessions.find(cookie) is Reason.SIGNED_OUT


@BACK
async def test_history_keeps_its_order_by_number(
    rig: StorageRig, open_rig: Opener, back: float
) -> None:
    session, _ = rig.sign_in()
    rig.until(130)
    again = await restart(rig, open_rig, -back)
    again.until(again.clock.now() + 31)
    await again.store.journal.written_up_to_here()
    changes = await again.store.history(session.player.id, 1 << 60, 10, ANYBODY)
    assert [change.status for change in changes] == ["offline", "reconnecting", "away", "active"]
    rows = await again.rows("SELECT last_activity_at FROM sessions")
    assert rows == [(ManualClock().to_wall(0.0),)], "what was written does not go back"


async def test_a_clock_set_forward_counts_as_downtime(rig: StorageRig, open_rig: Opener) -> None:
    """A limit of the design: no clock tells it from a longer time down."""
    _, cookie = rig.sign_in()
    remembered, kept = rig.sign_in(rig.player("Bob", "a hash"), remember=True)
    again = await restart(rig, open_rig, 3600.0)
    assert await again.sessions.find(cookie) is Reason.IDLE_TIMEOUT
    found = await again.sessions.find(kept)
    assert isinstance(found, Session)
    assert found.id == remembered.id
