"""The rows of a player with several sessions."""

from tests.support.manual_clock import START_MS, ManualClock
from tests.support.storage_rig import Opener, StorageRig


async def test_the_last_activity_of_a_player_is_the_latest_of_all_their_sessions(
    rig: StorageRig,
) -> None:
    """Ada is active on her laptop; at the same moment her phone becomes away."""
    player = rig.player("Ada", "a hash")
    rig.sign_in(player)
    laptop, _ = rig.sign_in(player)
    await rig.store.journal.written_up_to_here()
    rig.until(119)
    rig.registry.touch(laptop, 119.0)
    rig.store.activity.note()
    rig.until(121)  # in the same batch
    (row,) = await rig.rows("SELECT last_activity_at FROM players")
    assert row == (START_MS + 119_000,)


async def test_after_a_restart_the_status_of_a_player_is_that_of_all_their_sessions(
    rig: StorageRig, open_rig: Opener
) -> None:
    """One of two sessions ran out while the server was down; the player is still here."""
    player = rig.player("Ada", "a hash")
    rig.sign_in(player)
    rig.until(100)
    rig.sign_in(player)
    await rig.store.close()
    again = await open_rig(ManualClock(310.0))
    told = await again.rows("SELECT status, reason, player_status FROM status_changes ORDER BY id")
    assert told[-2:] == [
        ("offline", "idle_timeout", "active"),
        ("reconnecting", "server_restart", "reconnecting"),
    ]
    again.until(345)
    told = await again.rows("SELECT player_status FROM status_changes ORDER BY id")
    assert told.count(("offline",)) == 1
