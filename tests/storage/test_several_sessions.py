"""What the disk says of a player with several sessions."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from tests.support.house import House
from tests.support.manual_clock import START_MS, ManualClock

Opener: TypeAlias = Callable[..., Awaitable[House]]


async def test_the_last_activity_of_a_player_is_that_of_all_their_sessions(house: House) -> None:
    """Ada plays at her laptop, and in the same moment her phone, long untouched, goes away."""
    player = house.player("Ada", "a hash")
    house.sign_in(player)
    laptop, _ = house.sign_in(player)
    await house.store.flush()
    house.until(119)
    house.registry.touch(laptop, 119.0)
    house.store.activity.note()
    house.until(121)  # in one batch with it
    (row,) = await house.rows("SELECT last_activity_at FROM players")
    assert row == (START_MS + 119_000,)


async def test_a_restart_tells_of_a_player_what_becomes_of_all_their_sessions(
    house: House, open_house: Opener
) -> None:
    """One of two had run out while the server was down: that is not the player's leaving."""
    player = house.player("Ada", "a hash")
    house.sign_in(player)
    house.until(100)
    house.sign_in(player)
    await house.store.close()
    again = await open_house(ManualClock(310.0))
    told = await again.rows("SELECT status, reason, player_status FROM status_changes ORDER BY id")
    assert told[-2:] == [
        ("offline", "idle_timeout", "active"),
        ("reconnecting", "server_restart", "reconnecting"),
    ]
    again.until(345)
    told = await again.rows("SELECT player_status FROM status_changes ORDER BY id")
    assert told.count(("offline",)) == 1
