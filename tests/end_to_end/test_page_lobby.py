"""The page in a real browser: the lobby's states, "be right back", languages, keys, zoom."""

import asyncio
import re

import pytest
from playwright.async_api import expect

from tests.support.browser import TIMEOUT_MS, Browsers
from tests.support.live_server import LiveServer
from tests.support.manual_clock import SLOT

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


# Be right back


async def test_a_break_shows_as_away_until_the_player_returns(
    browsers: Browsers, lobby: LiveServer
) -> None:
    ada, bob = await browsers.guests("Ada", "Bob")
    await ada.at("#brb-minutes").select_option("10")
    await ada.at("#brb-go").click()
    await bob.sees("Ada", "away")
    await expect(ada.at("#brb-text")).to_contain_text(re.compile(r"stands still for (10:00|9:5\d)"))
    await expect(ada.at("#brb-back")).to_be_focused()
    # Moving the mouse a little does not end the hold.
    for step in range(5):
        await ada.page.mouse.move(300 + 10 * step, 300)
    await bob.be_busy_elsewhere()
    for _ in range(4):
        await lobby.advance(149)
        await bob.be_busy_elsewhere()
    # Nearly ten minutes later: twice the idle timeout.
    await bob.sees("Ada", "away")
    await ada.is_not_warned()
    await ada.at("#brb-back").click()
    await bob.sees("Ada", "active")
    await expect(ada.at("#brb-offer")).to_be_visible()
    await expect(ada.at("#brb-go")).to_be_focused()
    await lobby.advance(120 + SLOT)
    await bob.sees("Ada", "away")


async def test_a_break_survives_a_reload_and_ends_with_a_key_or_a_warning(
    browsers: Browsers, lobby: LiveServer
) -> None:
    ada, bob = await browsers.guests("Ada", "Bob")
    await ada.at("#brb-go").click()
    await bob.sees("Ada", "away")
    await ada.page.reload()
    await ada.is_connected()
    await expect(ada.at("#brb-is")).to_be_visible()
    await ada.sees("Ada", "away")
    await ada.page.keyboard.press("a")
    await bob.sees("Ada", "active")
    await expect(ada.at("#brb-is")).to_be_hidden()

    await ada.at("#brb-minutes").select_option("2")
    await ada.at("#brb-go").click()
    await ada.sees("Ada", "away")
    await lobby.advance(120 + 120 - 1)
    await ada.is_not_warned()
    await lobby.advance(1 + SLOT)
    await ada.is_warned()
    await lobby.advance(60 + SLOT)
    await ada.is_signed_out("idle_timeout")


# Other players


async def test_the_lobby_shows_how_long_a_player_has_been_away(
    browsers: Browsers, lobby: LiveServer
) -> None:
    bob = await browsers.guest("Bob")
    await lobby.guest("Ada")
    await lobby.advance(120 + SLOT)
    await bob.be_busy_elsewhere()
    await expect(bob.row("Ada").locator(".chip")).to_have_text("Away 2 min")
    await lobby.advance(60)
    late = await browsers.guest("Late")
    await expect(late.row("Ada").locator(".chip")).to_have_text("Away 3 min")


async def test_the_lobby_advises_a_lone_player_and_announces_search_results_but_no_joins(
    browsers: Browsers, lobby: LiveServer
) -> None:
    ada = await browsers.guest("Ada")
    spoken = (
        "() => [...document.querySelectorAll('[role=status], [aria-live]')]"
        ".map((region) => region.textContent).join('|')"
    )
    await expect(ada.at("#connection")).to_have_text("Connected")
    await expect(ada.at("#nobody-title")).to_have_text("Nobody else is here yet")
    before = await ada.page.evaluate(spoken)
    bob = await browsers.guest("Bob")
    await ada.sees("Bob", "active")
    await expect(ada.at("#nobody")).to_be_hidden()
    assert await ada.page.evaluate(spoken) == before
    await ada.at("#search").fill("bo")
    await expect(ada.at("#found")).to_have_text("1 of 2 players")
    await ada.at("#search").fill("")
    await bob.at("#sign-out").click()
    await expect(ada.at("#nobody")).to_be_visible()

    for name in ("Søren", "Zoë", "Zoran", "雨晴"):
        await lobby.guest(name)
    for query, names in [("ZO", ["Zoë", "Zoran"]), ("zoe", ["Zoë"]), ("雨", ["雨晴"])]:
        await ada.at("#search").fill(query)
        await expect(ada.at("#roster .player-name")).to_have_text(names)
    await ada.at("#search").fill("<b>")
    await expect(ada.at("#nobody-title")).to_have_text("Nobody here has a name with “<b>”")
    await ada.at("#clear-search").click()
    await expect(ada.at("#roster li")).to_have_count(5)
    await expect(ada.at("#search")).to_be_focused()


# Languages


async def test_another_language_is_chosen_at_any_time_and_stays_chosen(
    browsers: Browsers, lobby: LiveServer
) -> None:
    ada = await browsers.guest("Ada")
    await ada.at("#language").select_option("es")
    await expect(ada.at("#lobby-title")).to_have_text("En la sala")
    await expect(ada.at("#own-status")).to_have_text("Activo")
    await expect(ada.row("Ada")).to_contain_text("Tú")
    await expect(ada.at("#count")).to_have_text("1 jugador aquí")
    await lobby.advance(240 + SLOT)
    await ada.is_warned()
    await expect(ada.at("#warning-title")).to_have_text("¿Sigues ahí?")
    await expect(ada.page).to_have_title(re.compile("¿Sigues ahí?"))
    await lobby.advance(60 + SLOT)
    await ada.is_signed_out("idle_timeout")
    await expect(ada.at("#signed-out-reason")).to_have_text(
        "Nadie tocó esta página durante 5 minutos, así que tu sitio quedó libre."
    )
    await ada.arrive()
    await expect(ada.at("#signed-out-title")).to_have_text("Tu sesión está cerrada")
    await ada.at("#name").fill("x" * 41)
    await ada.page.keyboard.press("Enter")
    await expect(ada.at("#sign-in-error")).to_have_text(
        "Un nombre tiene como mucho 40 caracteres; este tiene 41."
    )


async def test_in_a_chinese_browser_no_text_of_the_page_is_english(
    browsers: Browsers, lobby: LiveServer
) -> None:
    ada = await browsers.window(locale="zh-CN")
    await ada.arrive()
    await ada.is_at("sign-in")
    await expect(ada.at("h1:visible")).to_have_text("谁真的在这里？")
    await expect(ada.at("html")).to_have_attribute("lang", "zh-Hans")

    async def has_no_latin_word() -> None:
        text = await ada.page.evaluate("() => document.body.innerText")
        for name in ("Still Here", "English", "Español", "Linux", "Chrome", "HTTP"):
            text = text.replace(name, "")
        assert re.findall(r"[A-Za-z]{3,}", text) == []

    await has_no_latin_word()
    await ada.page.get_by_role("radio", name="注册").check()
    await has_no_latin_word()
    await ada.page.get_by_role("radio", name="游客").check()
    await ada.at("#name").fill("小雨")
    await ada.page.keyboard.press("Enter")
    await ada.is_connected()
    for section in ("devices", "history", "settings", "lobby-section"):
        await ada.at(f"[data-section={section}]").click()
        await expect(ada.at(f"#{section}")).to_be_visible()
        await has_no_latin_word()
    await lobby.advance(240 + SLOT)
    await ada.is_warned()
    await has_no_latin_word()
    await lobby.advance(60 + SLOT)
    await ada.is_signed_out("idle_timeout")
    await has_no_latin_word()


# Keys, zoom, motion


async def test_everything_is_done_with_the_keyboard_alone(
    browsers: Browsers, lobby: LiveServer
) -> None:
    await lobby.member("Grace")
    ada = await browsers.window()
    await ada.arrive()
    keyboard = ada.page.keyboard
    await ada.is_at("sign-in")

    async def tab_to(selector: str) -> None:
        for _ in range(40):
            await keyboard.press("Tab")
            if await ada.at(selector).evaluate("element => element === document.activeElement"):
                ring = await ada.at(selector).evaluate(
                    "element => getComputedStyle(element.matches('[type=radio]')"
                    " ? element.nextElementSibling : element).outlineStyle"
                )
                assert ring == "solid", "whoever has the focus is seen to have it"
                return
        raise AssertionError(f"the keyboard does not lead to {selector}")

    await keyboard.type("Ada")
    await keyboard.press("Enter")
    await ada.is_connected()
    await tab_to("#brb-go")
    await keyboard.press("Enter")
    await ada.sees("Ada", "away")
    # The focus is on the button already, so that Tab does not have to reach it and end the hold.
    await expect(ada.at("#brb-back")).to_be_focused()
    await keyboard.press("Space")
    await ada.sees("Ada", "active")
    await tab_to("[data-section=devices]")
    await keyboard.press("Enter")
    await expect(ada.at("#devices-title")).to_be_focused()
    await lobby.advance(240 + SLOT)
    await ada.is_warned()
    for _ in range(3):  # the focus does not leave the dialog
        await keyboard.press("Tab")
        inside = "() => document.activeElement.closest('dialog, body').tagName"
        assert await ada.page.evaluate(inside) in ("DIALOG", "BODY")
    await ada.is_not_warned()  # Tab is a key like any other
    await tab_to("#sign-out")
    await keyboard.press("Enter")
    await ada.is_signed_out("signed_out")
    await tab_to("[type=radio]:checked")
    await keyboard.press("ArrowRight")
    await tab_to("#name")
    await keyboard.press("Control+a")
    await keyboard.type("Grace")
    await tab_to("#password")
    await keyboard.type("correct horse")
    await tab_to("#remember")
    await keyboard.press("Space")
    await keyboard.press("Enter")
    await ada.is_connected()


LANGUAGES = {"zh": "zh-Hans", "es": "es", "en": "en"}
"""The languages that can be chosen, and the `lang` of the page then."""

_HIDDEN_WIDTHS = """
async (languages) => {
  const choice = document.querySelector('#language');
  const page = document.documentElement;
  const hidden = {};
  for (const [code, language] of Object.entries(languages)) {
    // Not by hand: below a dialog nothing can be reached.
    choice.value = code;
    choice.dispatchEvent(new Event('change'));
    while (page.lang !== language) await new Promise(requestAnimationFrame);
    const widths = [page, document.querySelector('#warning')]
      .map((each) => each.scrollWidth - each.clientWidth);
    hidden[code] = Math.max(...widths);
  }
  return hidden;
}
"""


async def test_zoomed_to_twice_the_size_everything_fits_a_small_window_in_every_language(
    browsers: Browsers, lobby: LiveServer
) -> None:
    """At 200 %, 640 pixels are 320 (WCAG 2.2, 1.4.10)."""
    await lobby.guest("Nebuchadnezzar the Younger")
    ada = await browsers.window(viewport={"width": 320, "height": 480}, device_scale_factor=2)
    await ada.arrive()
    await ada.is_at("sign-in")
    assert await ada.at("#language option").count() == len(LANGUAGES)

    async def fits(state: str) -> None:
        async with asyncio.timeout(TIMEOUT_MS / 1000):
            hidden = await ada.page.evaluate(_HIDDEN_WIDTHS, LANGUAGES)
        assert hidden == dict.fromkeys(LANGUAGES, 0), state

    for way in ("register", "guest"):
        await ada.at(f"[name=way][value={way}]").check()
        await fits(way)
    await ada.at("#name").fill("Ada")
    await ada.page.keyboard.press("Enter")
    await ada.is_connected()
    for section in ("lobby-section", "devices", "history", "settings"):
        await ada.at(f"[data-section={section}]").click()
        await expect(ada.at(f"#{section}")).to_be_visible()
        await fits(section)
    await lobby.advance(240 + SLOT)
    await ada.is_warned()
    await fits("warning")
    await ada.at("#stay").scroll_into_view_if_needed()
    await ada.at("#stay").click()
    await ada.is_not_warned()


_ROWS_OF_TABS = """async (codes) => {
  const page = document.documentElement;
  const rows = {};
  for (const [code, language] of Object.entries(codes)) {
    const choice = document.querySelector('#language');
    choice.value = code;
    choice.dispatchEvent(new Event('change'));
    while (page.lang !== language) await new Promise(requestAnimationFrame);
    const tabs = [...document.querySelectorAll('nav a')].map((tab) => tab.getBoundingClientRect());
    rows[code] = new Set(tabs.map(({ top }) => top)).size;
  }
  return rows;
}
"""


async def test_all_sections_stand_in_one_row_on_a_small_phone_in_every_language(
    browsers: Browsers,
) -> None:
    """And in the same place, whichever is open."""
    ada = await browsers.window(viewport={"width": 320, "height": 480})
    await ada.enter("Ada")
    places = []
    for section in ("lobby-section", "devices", "settings"):
        await ada.at(f"[data-section={section}]").click()
        async with asyncio.timeout(TIMEOUT_MS / 1000):
            rows = await ada.page.evaluate(_ROWS_OF_TABS, LANGUAGES)
        assert rows == dict.fromkeys(LANGUAGES, 1)
        tabs = await ada.at("nav a").all()
        places.append([await tab.evaluate("tab => tab.getBoundingClientRect().x") for tab in tabs])
    assert places == [places[0]] * 3


async def test_no_view_is_wider_than_another(browsers: Browsers) -> None:
    ada = await browsers.window(viewport={"width": 1600, "height": 800})
    ada.expected.append("status of 404")  # of the room

    async def frame() -> list[list[float]]:
        edges: list[list[float]] = await ada.page.evaluate(
            "() => [...document.querySelectorAll('.top, main')].map((part) => "
            "{ const { left, right } = part.getBoundingClientRect(); return [left, right]; })"
        )
        return edges

    await ada.arrive()
    await ada.is_at("sign-in")
    before = await frame()
    await ada.sign_in("Ada")
    for section in ("lobby-section", "play", "devices", "history", "settings", "/room/no-such"):
        await ada.page.evaluate("name => { location.hash = name }", section)
        shown = "#room" if section.startswith("/room") else f"#{section}"
        await expect(ada.at(shown)).to_be_visible()
        assert await frame() == before, section
    await ada.page.evaluate("() => { location.hash = '' }")
    await ada.at("#sign-out").click()
    await ada.is_signed_out("signed_out")
    assert await frame() == before


async def test_nothing_moves_with_reduced_motion(browsers: Browsers) -> None:
    ada = await browsers.signed_out()
    await ada.page.emulate_media(reduced_motion="reduce")
    await ada.sign_in("Ada")
    moving = "() => document.getAnimations().length"
    assert await ada.page.evaluate(moving) == 0
    await ada.page.emulate_media(reduced_motion="no-preference")
