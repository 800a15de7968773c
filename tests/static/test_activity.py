"""What counts as the player's doing, how often it is reported, and that nothing else ever is."""

from collections.abc import Awaitable, Callable

import pytest

from tests.static.rig import BrowserRig

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PING = {"type": "ping"}

_PADS = """
(window.pads = argument.map((pad, index) => pad && ({
  index,
  buttons: pad.buttons.map((pressed) => ({ pressed: Boolean(pressed) })),
  axes: pad.axes,
})), navigator.getGamepads = () => window.pads, null)
"""


async def plug(
    rig: BrowserRig, *, buttons: tuple[int, ...] = (0, 0), axes: tuple[float, ...] = (0, 0)
) -> None:
    """A gamepad is in this state from now on; browsers leave gaps in their list of them."""
    await rig.run(_PADS, [None, {"buttons": buttons, "axes": axes}])


async def point(rig: BrowserRig) -> None:
    await rig.page.mouse.move(100, 100)
    await rig.page.mouse.move(120, 110)


async def press_button(rig: BrowserRig) -> None:
    await rig.page.mouse.down()


async def scroll(rig: BrowserRig) -> None:
    await rig.page.mouse.wheel(0, 10)
    await rig.run("new Promise((done) => requestAnimationFrame(() => done(null)))")


async def tap(rig: BrowserRig) -> None:
    await rig.page.touchscreen.tap(300, 300)


async def hold_key(rig: BrowserRig) -> None:
    await rig.page.keyboard.down("Shift")


ACTS: dict[str, Callable[[BrowserRig], Awaitable[None]]] = {
    "pointermove": point,
    "pointerdown": press_button,
    "wheel": scroll,
    "touch": tap,
    "key": hold_key,
}


@pytest.fixture
def rig(browser_rig: BrowserRig) -> BrowserRig:
    """Input is a browser's own, and so is what it says of it."""
    return browser_rig


# What counts


@pytest.mark.parametrize("kind", ACTS)
async def test_input_of_every_kind_is_one_report(rig: BrowserRig, kind: str) -> None:
    await rig.sign_in()
    await ACTS[kind](rig)
    assert await rig.sent() == [PING]
    await rig.page.mouse.up()
    await rig.page.keyboard.up("Shift")


async def test_input_that_comes_without_a_key_or_a_pointer_counts(rig: BrowserRig) -> None:
    await rig.sign_in(is_serving=True)
    await rig.run("document.querySelector('#box').focus()")
    await rig.page.keyboard.insert_text("dictated")
    assert await rig.sent() == [PING]
    await rig.wait(6)
    await rig.run("document.querySelector('#go').focus()")
    await rig.page.keyboard.down("Space")
    assert await rig.sent() == [PING]
    await rig.wait(6)
    await rig.page.keyboard.up("Space")  # the click comes with that
    assert await rig.sent() == [PING]


async def test_a_pointer_that_rests_while_the_page_changes_under_it_does_not_count(
    rig: BrowserRig,
) -> None:
    await rig.sign_in()
    await rig.page.mouse.move(50, 50)
    await rig.run("window.heard = []")
    await rig.run("window.addEventListener('pointermove', (e) => heard.push(e.isTrusted))")
    for _ in range(3):
        await rig.wait(6)
        await rig.sent()
        await rig.page.mouse.move(50, 50)
        assert await rig.sent("ping") == []
    assert await rig.run("heard") == [True] * 3, "the browser did tell of it"
    await rig.page.mouse.move(51, 50)
    assert await rig.sent("ping") == [PING]


async def test_a_pointer_that_a_game_has_locked_moves_without_getting_anywhere(
    rig: BrowserRig,
) -> None:
    await rig.sign_in(is_serving=True)
    await rig.run(
        """(document.querySelector('#go').onclick = () => {
          window.locking = document.body.requestPointerLock();
        }, null)"""
    )
    await rig.page.click("#go")
    await rig.run("locking.then(() => null)")
    await rig.page.mouse.move(100, 200)
    await rig.wait(6)
    await rig.sent()
    await rig.page.mouse.move(130, 200)
    assert await rig.sent("ping") == [PING]


async def test_the_first_word_of_a_pointer_is_where_it_is_not_that_it_moved(
    rig: BrowserRig,
) -> None:
    await rig.page.mouse.move(70, 71)
    await rig.page.reload()
    await rig.sign_in()
    await rig.page.mouse.move(70, 71)
    assert await rig.sent() == []


async def test_what_a_script_makes_up_never_counts(rig: BrowserRig) -> None:
    await rig.sign_in()
    await rig.run(
        """[KeyboardEvent, PointerEvent, WheelEvent, InputEvent, Event].forEach((Kind) => {
          for (const type of ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart',
            'click', 'input']) {
            for (const screenX of [1, 100]) {
              document.body.dispatchEvent(new Kind(type, { bubbles: true, screenX }));
            }
          }
        }), document.querySelector('#go').click()"""
    )
    assert await rig.sent() == []


async def test_nothing_in_the_page_can_swallow_a_sign_of_life(rig: BrowserRig) -> None:
    await rig.sign_in()
    await rig.run(
        """document.body.addEventListener('keydown', (event) => {
          event.stopImmediatePropagation();
          event.preventDefault();
        }, { capture: true })"""
    )
    await rig.press()
    assert await rig.sent() == [PING]


async def test_only_the_input_of_the_part_that_was_named_counts(rig: BrowserRig) -> None:
    await rig.answer("GET /api/session", {})
    await rig.run("import('/static/stillhere.js').then((module) => Object.assign(window, module))")
    await rig.run("(window.here = new StillHere({input: document.querySelector('#box')}), null)")
    await rig.run("here.start()")
    await rig.hello()
    await rig.press()
    assert await rig.sent() == []
    await plug(rig)
    await rig.run("window.dispatchEvent(new Event('gamepadconnected'))")
    await plug(rig, buttons=(1, 0))
    await rig.wait(0.3)
    assert await rig.sent() == [PING], "a gamepad is in no part of the page"
    await rig.wait(6)
    await rig.run("document.querySelector('#box').focus()")
    await rig.press()
    assert await rig.sent() == [PING]


async def test_without_input_only_what_the_game_reports_counts(rig: BrowserRig) -> None:
    await rig.sign_in(input=None)
    await rig.press()
    await point(rig)
    assert await rig.sent() == []
    await rig.run("here.active()")
    assert await rig.sent() == [PING]


# Gamepads


async def test_a_gamepads_buttons_and_sticks_count_and_its_drift_does_not(rig: BrowserRig) -> None:
    await plug(rig, axes=(0.05, 0))
    await rig.sign_in(is_serving=True)
    await rig.run("window.dispatchEvent(new Event('gamepadconnected'))")
    await rig.wait(6)
    assert await rig.sent() == []
    for drift in (0.1, 0.15, 0.2, 0.25, 0.29, 0.1):
        await plug(rig, axes=(drift, 0))
        await rig.wait(6)
    assert await rig.sent("ping") == []
    await plug(rig, axes=(0.9, 0))
    await rig.wait(0.3)
    assert await rig.sent("ping") == [PING]
    await rig.wait(6)
    await plug(rig, buttons=(0, 1), axes=(0.9, 0))
    await rig.wait(0.3)
    assert await rig.sent("ping") == [PING]
    # Held, by a hand or by the thing that lies on it.
    await rig.wait(60)
    assert await rig.sent("ping") == []
    await plug(rig, axes=(0.9, 0))
    await rig.wait(6)
    assert await rig.sent("ping") == [], "letting go is no act"


async def test_a_stick_that_is_moved_slowly_counts(rig: BrowserRig) -> None:
    await plug(rig)
    await rig.sign_in(is_serving=True)
    await rig.run("window.dispatchEvent(new Event('gamepadconnected'))")
    for way in (0.1, 0.2, 0.3):
        await plug(rig, axes=(0, way))
        await rig.wait(0.3)
    assert await rig.sent("ping") == [PING]


async def test_a_gamepad_is_looked_at_only_while_there_is_one(rig: BrowserRig) -> None:
    await rig.sign_in()
    timers = await rig.run("rig.clock.timers.size")
    await plug(rig)
    for _ in range(2):
        await rig.run("window.dispatchEvent(new Event('gamepadconnected'))")
    assert await rig.run("rig.clock.timers.size") == timers + 1
    await rig.run("(window.pads = [null], null)")
    await rig.wait(0.3)
    assert await rig.run("rig.clock.timers.size") == timers
    await plug(rig)
    await rig.run("window.dispatchEvent(new Event('gamepadconnected'))")
    await plug(rig, buttons=(1, 0))
    await rig.wait(0.3)
    assert await rig.sent("ping") == [PING]


# How often


async def test_somebody_who_is_busy_is_reported_every_five_seconds(rig: BrowserRig) -> None:
    await rig.sign_in(is_serving=True)
    for _ in range(30):
        await rig.press()
        await rig.run("here.active()")
        await rig.wait(1)
    assert await rig.sent("ping") == [PING] * 6


async def test_a_key_that_something_lies_on_is_pressed_once(rig: BrowserRig) -> None:
    await rig.sign_in(is_serving=True)
    keyboard = rig.page.keyboard
    await keyboard.down("a")
    for _ in range(10):
        await rig.wait(5)
        await keyboard.down("a")  # without an `up` between them: it repeats itself
    await keyboard.up("a")
    assert await rig.sent("ping") == [PING]


async def test_a_short_time_until_away_makes_reports_more_frequent(rig: BrowserRig) -> None:
    await rig.view(policy={"away_after": 8})
    await rig.sign_in(is_serving=True)
    for _ in range(30):
        await rig.run("here.active()")
        await rig.wait(1)
    assert await rig.sent("ping") == [PING] * 15


async def test_somebody_who_was_away_is_back_within_a_second(rig: BrowserRig) -> None:
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


async def test_an_open_page_that_nobody_touches_reports_nothing_for_hours(rig: BrowserRig) -> None:
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


async def test_what_was_done_while_the_connection_was_away_is_reported_when_it_is_back(
    rig: BrowserRig,
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


async def test_nothing_is_owed_to_the_session_before(rig: BrowserRig) -> None:
    await rig.sign_in()
    await rig.lose()
    await rig.press()
    await rig.answer(
        "POST /api/guests", {"status": 201, "json": await rig.view(session={"id": "s2"})}
    )
    await rig.run("here.signInAsGuest('Bob')")
    await rig.hello()
    assert await rig.sent() == []


async def test_requests_report_where_no_socket_gets_through(rig: BrowserRig) -> None:
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


async def test_where_nobody_is_signed_in_nothing_is_reported(rig: BrowserRig) -> None:
    await rig.answer("GET /api/session", {"status": 401, "json": {}})
    await rig.make()
    await rig.run("here.start()")
    await rig.calls()
    await rig.wait(30)
    for _ in range(3):
        await rig.press()
        await point(rig)
        await rig.run("(here.active(), here.stay())")
        await rig.wait(6)
    assert await rig.calls() == []


# While warned


async def test_only_a_deliberate_act_answers_a_warning(rig: BrowserRig) -> None:
    await rig.sign_in()
    await plug(rig)
    await rig.run("window.dispatchEvent(new Event('gamepadconnected'))")
    await rig.wait(6)
    await rig.hear("warning", reason="idle_timeout", expires_in=60)
    await rig.page.mouse.move(10, 10)
    await point(rig)
    await scroll(rig)
    await press_button(rig)
    await plug(rig, axes=(1, 1))
    await rig.wait(1)
    assert await rig.sent() == []
    await rig.press()
    assert await rig.sent() == [PING]
    await rig.wait(2)
    await plug(rig, buttons=(1, 0), axes=(1, 1))
    await rig.wait(0.3)
    assert await rig.sent() == [PING]
    await rig.wait(2)
    await rig.page.mouse.up()
    assert await rig.sent() == [PING], "a click is deliberate"


async def test_the_warning_of_the_lifetime_takes_no_input_for_an_answer(rig: BrowserRig) -> None:
    await rig.sign_in()
    await rig.hear("warning", reason="session_lifetime", expires_in=60)
    await rig.page.mouse.move(10, 10)
    await point(rig)
    assert await rig.sent() == [PING], "it is activity as ever"
