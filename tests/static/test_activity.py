"""What counts as the player's activity in a browser, and what does not."""

from collections.abc import Awaitable, Callable

import pytest

from tests.static.rig import BrowserRig

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PING = {"type": "ping"}


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
    """Input is a browser's own, with its `isTrusted`."""
    return browser_rig


# Activity


@pytest.mark.parametrize("kind", ACTS)
async def test_every_kind_of_input_is_reported_once(rig: BrowserRig, kind: str) -> None:
    await rig.sign_in()
    await ACTS[kind](rig)
    assert await rig.sent() == [PING]
    await rig.page.mouse.up()
    await rig.page.keyboard.up("Shift")


async def test_continuous_input_sends_a_ping_every_five_seconds(rig: BrowserRig) -> None:
    await rig.sign_in(is_serving=True)
    await rig.page.keyboard.press("Shift")
    assert await rig.sent() == [PING]
    for number in range(3):
        for _ in range(5):
            await rig.page.keyboard.press("ArrowDown")
            await rig.page.mouse.move(100 + number, 100)
            await rig.page.mouse.wheel(0, 10)
        await rig.wait(4.9)
        await rig.page.keyboard.press("ArrowDown")
        assert await rig.sent() == []
        await rig.wait(0.1)
        await rig.page.keyboard.press("Shift")
        assert await rig.sent() == [PING]


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
    await rig.page.keyboard.up("Space")  # which fires the click
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


async def test_movement_of_a_locked_pointer_counts(
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


async def test_the_first_pointer_event_is_no_movement(
    rig: BrowserRig,
) -> None:
    await rig.page.mouse.move(70, 71)
    await rig.page.reload()
    await rig.sign_in()
    await rig.page.mouse.move(70, 71)
    assert await rig.sent() == []


async def test_synthetic_events_never_count(rig: BrowserRig) -> None:
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


async def test_stopped_propagation_does_not_hide_input(rig: BrowserRig) -> None:
    await rig.sign_in()
    await rig.run(
        """document.body.addEventListener('keydown', (event) => {
          event.stopImmediatePropagation();
          event.preventDefault();
        }, { capture: true })"""
    )
    await rig.press()
    assert await rig.sent() == [PING]


async def test_only_input_in_the_given_element_counts(rig: BrowserRig) -> None:
    await rig.answer("GET /api/session", {})
    await rig.run("import('/static/stillhere.js').then((module) => Object.assign(window, module))")
    await rig.run("(window.here = new StillHere({input: document.querySelector('#box')}), null)")
    await rig.run("here.start()")
    await rig.hello()
    await rig.press()
    assert await rig.sent() == []
    await rig.plug()
    await rig.run("window.dispatchEvent(new Event('gamepadconnected'))")
    await rig.plug(buttons=(1, 0))
    await rig.wait(0.3)
    assert await rig.sent() == [PING], "a gamepad is in no part of the page"
    await rig.wait(6)
    await rig.run("document.querySelector('#box').focus()")
    await rig.press()
    assert await rig.sent() == [PING]


async def test_without_an_input_element_only_reports_of_the_game_count(rig: BrowserRig) -> None:
    await rig.sign_in(input=None)
    await rig.press()
    await point(rig)
    assert await rig.sent() == []
    await rig.run("here.active()")
    assert await rig.sent() == [PING]


async def test_a_held_key_counts_once(rig: BrowserRig) -> None:
    await rig.sign_in(is_serving=True)
    keyboard = rig.page.keyboard
    await keyboard.down("a")
    for _ in range(10):
        await rig.wait(5)
        await keyboard.down("a")  # without an `up` between: auto-repeat
    await keyboard.up("a")
    assert await rig.sent("ping") == [PING]


# While warned


async def test_only_a_deliberate_act_answers_a_warning(rig: BrowserRig) -> None:
    await rig.sign_in()
    await rig.plug()
    await rig.run("window.dispatchEvent(new Event('gamepadconnected'))")
    await rig.wait(6)
    await rig.hear("warning", reason="idle_timeout", expires_in=60)
    await rig.page.mouse.move(10, 10)
    await point(rig)
    await scroll(rig)
    await press_button(rig)
    await rig.plug(axes=(1, 1))
    await rig.wait(1)
    assert await rig.sent() == []
    await rig.press()
    assert await rig.sent() == [PING]
    await rig.wait(2)
    await rig.plug(buttons=(1, 0), axes=(1, 1))
    await rig.wait(0.3)
    assert await rig.sent() == [PING]
    await rig.wait(2)
    await rig.page.mouse.up()
    assert await rig.sent() == [PING], "a click is deliberate"


async def test_input_does_not_answer_the_warning_of_the_absolute_end(rig: BrowserRig) -> None:
    await rig.sign_in()
    await rig.hear("warning", reason="session_lifetime", expires_in=60)
    await rig.page.mouse.move(10, 10)
    await point(rig)
    assert await rig.sent() == [PING], "it is activity as ever"
