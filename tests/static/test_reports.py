"""How often activity is reported, and which activity of a gamepad."""

import pytest

from tests.static.rig import Rig

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PING = {"type": "ping"}


# Gamepads


async def test_a_gamepads_buttons_and_sticks_count_and_its_drift_does_not(rig: Rig) -> None:
    await rig.plug(axes=(0.05, 0))
    await rig.sign_in(is_serving=True)
    await rig.run("window.dispatchEvent(new Event('gamepadconnected'))")
    await rig.wait(6)
    assert await rig.sent() == []
    for drift in (0.1, 0.15, 0.2, 0.25, 0.29, 0.1):
        await rig.plug(axes=(drift, 0))
        await rig.wait(6)
    assert await rig.sent("ping") == []
    await rig.plug(axes=(0.9, 0))
    await rig.wait(0.3)
    assert await rig.sent("ping") == [PING]
    await rig.wait(6)
    await rig.plug(buttons=(0, 1), axes=(0.9, 0))
    await rig.wait(0.3)
    assert await rig.sent("ping") == [PING]
    # Held, by a hand or by an object on it.
    await rig.wait(60)
    assert await rig.sent("ping") == []
    await rig.plug(axes=(0.9, 0))
    await rig.wait(6)
    assert await rig.sent("ping") == [], "letting go is no act"


async def test_a_stick_that_is_moved_slowly_counts(rig: Rig) -> None:
    await rig.plug()
    await rig.sign_in(is_serving=True)
    await rig.run("window.dispatchEvent(new Event('gamepadconnected'))")
    for way in (0.1, 0.2, 0.3):
        await rig.plug(axes=(0, way))
        await rig.wait(0.3)
    assert await rig.sent("ping") == [PING]


async def test_gamepads_are_polled_only_while_one_is_connected(rig: Rig) -> None:
    await rig.sign_in()
    timers = await rig.run("rig.clock.timers.size")
    await rig.plug()
    for _ in range(2):
        await rig.run("window.dispatchEvent(new Event('gamepadconnected'))")
    assert await rig.run("rig.clock.timers.size") == timers + 1
    await rig.run("(window.pads = [null], null)")
    await rig.wait(0.3)
    assert await rig.run("rig.clock.timers.size") == timers
    await rig.plug()
    await rig.run("window.dispatchEvent(new Event('gamepadconnected'))")
    await rig.plug(buttons=(1, 0))
    await rig.wait(0.3)
    assert await rig.sent("ping") == [PING]


# How often


async def test_continuous_activity_is_reported_every_five_seconds(rig: Rig) -> None:
    await rig.sign_in(is_serving=True)
    for _ in range(30):
        await rig.press()
        await rig.run("here.active()")
        await rig.wait(1)
    assert await rig.sent("ping") == [PING] * 6


async def test_a_short_time_until_away_makes_reports_more_frequent(rig: Rig) -> None:
    await rig.view(policy={"away_after": 8})
    await rig.sign_in(is_serving=True)
    for _ in range(30):
        await rig.run("here.active()")
        await rig.wait(1)
    assert await rig.sent("ping") == [PING] * 15


async def test_an_activity_while_away_is_reported_within_a_second(rig: Rig) -> None:
    await rig.sign_in()
    await rig.press()
    await rig.hear("session", **await rig.view(player={"status": "away"}))
    await rig.sent()
    await rig.wait(0.9)
    await rig.press()
    assert await rig.sent() == []
    await rig.wait(0.2)
    await rig.press()
    assert await rig.sent() == [PING]
    await rig.hear("pong", expires_in=300)
    assert await rig.told("status") == ["active", "away", "active"]
    await rig.wait(2)
    await rig.press()
    assert await rig.sent() == []


async def test_an_open_page_without_input_reports_nothing_for_hours(rig: Rig) -> None:
    await rig.sign_in(is_serving=True, watch=["lobby"])
    await rig.wait(3600)
    await rig.lose()
    await rig.wait(3600)
    await rig.become("hidden")
    await rig.wait(3600)
    await rig.become("visible")
    await rig.wait(3600)
    assert {message["type"] for message in await rig.sent()} == {"watch", "look"}
    assert {*await rig.calls()} == {"GET /api/session"}
    assert await rig.run("here.connection") == "open"


# Without a connection


async def test_activity_without_a_connection_is_reported_after_the_reconnect(
    rig: Rig,
) -> None:
    await rig.sign_in()
    await rig.lose()
    for _ in range(3):
        await rig.press()
    await rig.reopen()
    assert await rig.sent() == [PING]
    await rig.lose()
    await rig.reopen()
    assert await rig.sent() == [], "and once"


async def test_activity_of_the_last_session_is_not_reported_to_the_next(rig: Rig) -> None:
    await rig.sign_in()
    await rig.lose()
    await rig.press()
    await rig.answer(
        "POST /api/guests", {"status": 201, "json": await rig.view(session={"id": "s2"})}
    )
    await rig.run("here.signInAsGuest('Bob')")
    await rig.hello()
    assert await rig.sent() == []


async def test_activity_is_reported_by_requests_without_a_socket(rig: Rig) -> None:
    await rig.answer("POST /api/session/activity", {})
    await rig.sign_in()
    await rig.calls()
    await rig.lose()
    await rig.wait(9)
    await rig.press()
    assert await rig.calls() == []
    await rig.wait(5.1)
    await rig.press()
    await rig.press()
    assert await rig.calls() == ["POST /api/session/activity"]
    await rig.wait(5.1)
    await rig.press()
    assert await rig.calls() == ["POST /api/session/activity"]


async def test_without_a_session_nothing_is_reported(rig: Rig) -> None:
    await rig.answer("GET /api/session", {"status": 401, "json": {}})
    await rig.make()
    await rig.run("here.start()")
    await rig.calls()
    await rig.wait(30)
    for step in range(3):
        await rig.press()
        await rig.move(100 + step, 100)
        await rig.run("(here.active(), here.stay())")
        await rig.wait(6)
    assert await rig.calls() == []
