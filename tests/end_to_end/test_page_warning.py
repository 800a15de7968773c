"""The page in a real browser: alone, warned, staying, signed out."""

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.support.answers import until
from tests.support.browser import Browsers, Window, open_browsers
from tests.support.live_server import LiveServer
from tests.support.manual_clock import SLOT
from tests.support.page_server import run_page_server

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TO_WARNING = 240 + SLOT
WARNED_FOR = 60 + SLOT


async def until_warned(window: Window) -> None:
    """Let four minutes pass without activity."""
    await window.server.advance(TO_WARNING)
    await window.is_warned()


# The main job


async def test_a_player_left_alone_is_warned_signed_out_by_the_server_and_can_come_back(
    browsers: Browsers, lobby: LiveServer
) -> None:
    ada, bob = await browsers.guests("Ada", "Bob")
    await lobby.advance(200)
    await bob.be_busy_elsewhere()
    await lobby.advance(40 + SLOT)
    await ada.is_warned()
    await expect(ada.at("#countdown")).to_have_text(re.compile(r"^(1:00|0:5\d)$"))
    await expect(ada.at("#countdown")).to_have_text(re.compile(r"^0:5\d$"))  # it counts down
    await bob.sees("Ada", "warned")
    await expect(bob.row("Ada")).to_contain_text("Timing out")
    await bob.is_not_warned()

    calls: list[str] = []
    ada.hear("request", lambda request: calls.append(request.url))
    await lobby.advance(WARNED_FOR)
    await ada.is_signed_out("idle_timeout")
    await expect(ada.at("#warning")).to_be_hidden()
    await expect(ada.at("#signed-out-reason")).to_have_text(
        "Nobody touched this page for 5 minutes, so your place was given up."
    )
    await expect(ada.page).to_have_title("Signed out – Still Here")
    await bob.does_not_see("Ada")
    await expect(bob.at(".count")).to_have_text("1 player here")
    assert (calls, ada.pings) == ([], [])
    # The page shows nothing of the lobby any more.
    assert await ada.at("#roster li").count() == 0

    await ada.page.get_by_role("button", name="Come back as Ada").click()
    await ada.is_connected()
    await expect(ada.at("#own-name")).to_have_text("Ada")
    await bob.sees("Ada", "active")


# Staying


async def test_every_way_to_stay_answers_the_warning_each_time(
    browsers: Browsers, lobby: LiveServer
) -> None:
    ada = await browsers.guest("Ada")
    for way in ("button", "Enter", "Escape", "a", "Space", "backdrop"):
        await ada.at("#sign-out").focus()
        await until_warned(ada)
        await expect(ada.at("#stay")).to_be_focused()
        assert ada.session.status == "warned", way
        match way:
            case "button":
                await ada.page.get_by_role("button", name="I’m still here").click()
            case "backdrop":
                await ada.page.mouse.click(10, 10)
            case _:
                # Released only after the dialog has closed, as by a slow finger.
                await ada.page.keyboard.down(way)
                await ada.is_not_warned()
                await ada.page.keyboard.up(way)
        await ada.is_not_warned()
        await expect(ada.at("#sign-out")).to_be_focused()
        await expect(ada.at("#own-time")).to_be_hidden()
        await expect(ada.page).to_have_title("Still Here")
        await until(lambda: ada.session.status == "active")
        left = ada.session.expires_in(lobby.still_here.registry.policy, lobby.clock.now())
        assert left == pytest.approx(300), way
        await ada.is_at("lobby")
    for _ in range(6):
        await until_warned(ada)
        await ada.page.keyboard.press("Enter")
        await ada.is_not_warned()
    assert ada.session.status == "active"

    # The page does not give up earlier than the server: this is late, but not too late.
    await until_warned(ada)
    await lobby.advance(59.9)
    assert ada.session.ended is None
    await asyncio.gather(ada.at("#stay").click(), ada.is_not_warned())
    await lobby.advance(200)
    await ada.is_at("lobby")


async def test_an_activity_elsewhere_answers_the_warning_and_pointer_moves_do_not(
    browsers: Browsers, lobby: LiveServer
) -> None:
    ada = await browsers.guest("Ada")
    await until_warned(ada)
    await ada.be_busy_elsewhere()
    await ada.is_not_warned()
    await expect(ada.at("#own-status")).to_have_text("Active")

    await until_warned(ada)
    for step in range(10):
        await ada.page.mouse.move(50 + 30 * step, 200 + step)
        await ada.page.mouse.wheel(0, 5)
    await lobby.advance(30)
    await ada.is_warned()
    await lobby.advance(30 + SLOT)
    await ada.is_signed_out("idle_timeout")
    assert ada.pings == []


async def test_every_tab_shows_the_warning_until_one_of_them_answers(
    browsers: Browsers, lobby: LiveServer
) -> None:
    first = await browsers.guest("Ada")
    second = await browsers.tab(first.page.context)
    await until_warned(first)
    await lobby.advance(20)
    # A page that is opened or reloaded during the warning shows the time that is left.
    await second.arrive()
    await second.is_warned()
    await expect(second.at("#countdown")).to_have_text(re.compile(r"^0:(40|3\d)$"))
    await first.page.reload()
    await first.is_warned()
    await expect(first.at("#countdown")).to_have_text(re.compile(r"^0:(40|3\d)$"))
    await second.at("#stay").click()
    await first.is_not_warned()
    await second.is_not_warned()
    assert first.pings == []

    await until_warned(first)
    await second.is_warned()
    await lobby.advance(WARNED_FOR)
    await first.is_signed_out("idle_timeout")
    await second.is_signed_out("idle_timeout")
    await second.page.close()


# On a phone, and on a hidden page

OVERHEAR = """
window.isHidden = false;
Object.defineProperty(document, 'visibilityState', {
  get: () => (window.isHidden ? 'hidden' : 'visible'),
});
window.notes = [];
window.Notification = class {
  static permission = 'default';
  static async requestPermission() { return (this.permission = window.decision); }
  constructor(title, { body, tag }) { window.notes.push({ title, body, tag, isOpen: true }); }
  close() { window.notes.at(-1).isOpen = false; }
};
window.tones = 0;
const { start } = OscillatorNode.prototype;
OscillatorNode.prototype.start = function (at) { window.tones += 1; start.call(this, at); };
"""
"""Records what would reach the player."""


async def forbid_notifications(ada: Window) -> None:
    """The settings say that there will be no notifications."""
    await ada.page.evaluate("() => { window.decision = 'denied' }")
    await ada.at("#notify").click()
    await expect(ada.at("#notify")).not_to_be_checked()
    await expect(ada.at("#notify")).to_be_disabled()
    await expect(ada.at("#notify-text")).to_contain_text("does not allow it")
    await ada.page.evaluate("() => { window.isHidden = true }")
    await until_warned(ada)
    assert await ada.page.evaluate("() => notes") == []


async def be_called(ada: Window) -> None:
    """With a sound and a notification, but only while the page is hidden."""
    await expect(ada.at("#sound")).to_be_checked()
    await ada.page.evaluate("() => { window.decision = 'granted' }")
    await ada.at("#notify").check()
    # While the page is visible, the dialog is enough.
    await until_warned(ada)
    assert await ada.page.evaluate("() => [notes.length, tones]") == [0, 0]
    await ada.page.keyboard.press("Enter")
    await ada.is_not_warned()

    await ada.page.evaluate("() => { window.isHidden = true }")
    await until_warned(ada)
    await expect(ada.page).to_have_title(re.compile("Still there"))
    (note,) = await ada.page.evaluate("() => notes")
    assert note["title"] == "Are you still there?"
    assert re.fullmatch(r"You will be signed out in (1 minute|5\d seconds)\. .*", note["body"])
    assert note["isOpen"]
    assert await ada.page.evaluate("() => tones") == 2, "one chime, of two tones"
    await ada.be_busy_elsewhere()
    await ada.is_not_warned()
    assert not (await ada.page.evaluate("() => notes"))[0]["isOpen"]
    await ada.page.evaluate("() => { window.isHidden = false }")


async def answer_with_a_finger(ada: Window) -> None:
    """The touch does not hit the element below."""
    below = await ada.at("#sign-out").bounding_box()
    assert below is not None
    point = {"x": below["x"] + below["width"] / 2, "y": below["y"] + below["height"] / 2}
    await until_warned(ada)
    calls: list[str] = []
    ada.hear("request", lambda call: calls.append(call.method))
    before = len(ada.pings)
    touch = await ada.page.context.new_cdp_session(ada.page)
    await touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    await ada.page.evaluate("() => fetch('/api/session')")
    # An answer at this point would close the dialog under the finger.
    assert len(ada.pings) == before
    assert ada.session.status == "warned"
    await touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    await ada.is_not_warned()
    # Any other call that the touch caused would have been sent before this one is answered.
    await ada.page.evaluate("() => fetch('/api/session')")
    assert calls == ["GET", "GET"]
    assert len(ada.pings) == before + 1
    await ada.is_at("lobby")


async def test_a_hidden_phone_alerts_the_player_and_touch_answers_the_warning(
    browsers: Browsers,
) -> None:
    ada = await browsers.window(
        script=OVERHEAR, viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True
    )
    await ada.enter("Ada")
    await answer_with_a_finger(ada)
    await ada.at("[data-section=settings]").click()
    await be_called(ada)
    # The choice is kept for the next visit.
    await ada.at("#sound").uncheck()
    await ada.page.evaluate("() => { window.isHidden = true; window.tones = 0 }")
    await until_warned(ada)
    assert await ada.page.evaluate("() => tones") == 0
    await ada.be_busy_elsewhere()
    await ada.is_not_warned()
    await ada.page.reload()
    await ada.is_at("lobby")
    await expect(ada.at("#sound")).not_to_be_checked()
    await forbid_notifications(ada)
    assert await ada.page.evaluate("() => tones") == 0


# The clock


async def test_the_countdown_follows_a_deadline_and_the_server_has_the_last_word(
    browsers: Browsers, lobby: LiveServer
) -> None:
    ada = await browsers.guest("Ada", has_clock=True)
    # From here on the page's clock stands still as well.
    await ada.page.clock.pause_at(await ada.page.evaluate("() => Date.now() + 1000"))
    await until_warned(ada)
    await expect(ada.at("#countdown")).to_have_text("1:00")
    await expect(ada.page).to_have_title("1:00 – Still there?")
    await expect(ada.at("#own-time")).to_have_text("Signed out in 1:00")
    await expect(ada.at("#warning")).to_have_accessible_description(re.compile("1 minute left"))

    # After a sleep, or with throttled timers, the timer fires once; the countdown is right even so.
    await ada.page.clock.fast_forward(21_000)
    await expect(ada.at("#countdown")).to_have_text("0:39")
    await expect(ada.page).to_have_title("0:39 – Still there?")
    await expect(ada.at("#announcement")).to_have_text("40 seconds left.")
    await ada.page.clock.run_for(3_100)
    await expect(ada.at("#countdown")).to_have_text("0:36")
    await expect(ada.at("#announcement")).to_have_text("40 seconds left.")  # not every second
    await lobby.advance(41)
    await ada.page.clock.fast_forward(17_000)
    await expect(ada.at("#announcement")).to_have_text("20 seconds left.")

    # The server's clock is at 0:19 left: past its own end, the page asks the server.
    await ada.page.clock.fast_forward(20_000)
    await expect(ada.at("#countdown")).to_have_text("0:00")
    await ada.page.clock.fast_forward(4_000)
    await ada.page.clock.run_for(4_000)
    await expect(ada.at("#countdown")).to_have_text(re.compile(r"^0:(20|1\d)$"))
    await ada.is_at("lobby")
    await lobby.advance(WARNED_FOR)
    await ada.is_signed_out("idle_timeout")


async def test_the_absolute_end_is_warned_of_and_cannot_be_moved(
    chromium: Browser, tmp_path: Path
) -> None:
    async with (
        run_page_server(tmp_path / "test.db", session_lifetime=200) as server,
        open_browsers(chromium, server) as browsers,
    ):
        ada = await browsers.guest("Ada")
        await server.advance(140 + SLOT)
        await ada.is_warned()
        await expect(ada.at("#warning-title")).to_have_text("Your session ends soon")
        await expect(ada.at("#stay")).to_be_hidden()
        await expect(ada.at("#dismiss")).to_be_focused()
        await ada.at("#dismiss").click()
        await ada.is_not_warned()
        await expect(ada.at("#own-time")).to_have_text(re.compile(r"^Session ends in \d:\d\d$"))
        # The click was an activity as well. It restarts the idle clock, not the absolute one.
        await until(lambda: len(ada.pongs) == 1)
        await ada.is_not_warned()
        await expect(ada.at("#own-time")).to_be_visible()

        await ada.page.reload()
        await ada.is_warned()
        await ada.page.keyboard.press("Escape")
        await ada.is_not_warned()
        await server.advance(WARNED_FOR)
        await ada.is_signed_out("session_lifetime")
        await expect(ada.at("#signed-out-reason")).to_contain_text("Every session ends")
