"""The page in a real browser: an account, its devices, its history."""

import asyncio
import re
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Route, expect

from server.presence.status import Reason
from tests.support.answers import until
from tests.support.browser import UNREACHABLE, Browsers, Window
from tests.support.cable import run_cable
from tests.support.live_server import LiveServer
from tests.support.manual_clock import SLOT

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PASSWORD = "correct horse"
LONGEST_TYPED = 20


async def open_section(window: Window, name: str) -> None:
    await window.at("nav").get_by_text(name, exact=True).click()
    await expect(window.at("nav a[aria-current]")).to_have_text(name)


async def fill_in(window: Window, way: str, name: str, password: str) -> None:
    """With the keyboard alone."""
    await window.page.get_by_role("radio", name=way).check()
    await window.at("#name").fill(name)
    await window.page.keyboard.press("Tab")
    await expect(window.at("#password")).to_be_focused()
    if len(password) <= LONGEST_TYPED:
        await window.page.keyboard.type(password)
    else:
        await window.page.keyboard.insert_text(password)  # a key takes two round trips
    await window.page.keyboard.press("Enter")
    window.name = name


# Signing in


async def test_a_player_registers_signs_out_and_signs_in_again(browsers: Browsers) -> None:
    ada = await browsers.signed_out()
    # The password can be shown.
    await ada.page.get_by_role("radio", name="Register").check()
    await ada.at("#password").fill(PASSWORD)
    await ada.page.get_by_role("button", name="Show the password").click()
    await expect(ada.at("#password")).to_have_attribute("type", "text")
    await ada.page.get_by_role("button", name="Hide the password").click()
    await expect(ada.at("#password")).to_have_attribute("type", "password")
    # The page says why a password is refused, and keeps it in the field.
    for password, complaint in [
        ("", "Type your password."),
        ("seven77", "A password needs at least 8 characters."),
        ("Ada Lovelace", "The password must not be the name."),
        ("trustno1", "That password is among the first that guessers try."),
        ("x" * 257, "A password has at most 256 characters."),
    ]:
        await ada.at("#password").fill("")
        await fill_in(ada, "Register", "Ada Lovelace", password)
        await expect(ada.at("#sign-in-error")).to_have_text(complaint)
        await expect(ada.at("#password")).to_be_focused()
        await expect(ada.at("#password")).to_have_value(password)
        await expect(ada.at("#name")).not_to_have_attribute("aria-invalid", "true")

    await ada.at("#password").fill("")
    await fill_in(ada, "Register", "Ada", PASSWORD)
    await ada.is_connected()
    await expect(ada.at("#own-kind")).to_have_text("Player")
    await ada.at("#sign-out").click()
    await ada.is_signed_out("signed_out")
    await expect(ada.at("#signed-out-reason")).to_have_text("See you soon.")
    # The name is kept and the way to sign in selected; no password is kept.
    await expect(ada.page.get_by_role("radio", name="Sign in")).to_be_checked()
    await expect(ada.at("#name")).to_have_value("Ada")
    await expect(ada.at("#password")).to_have_value("")
    await fill_in(ada, "Sign in", "Ada", "wrong horse")
    await expect(ada.at("#sign-in-error")).to_have_text(
        "There is no player with this name and password."
    )
    await expect(ada.at("#password")).to_be_focused()
    await expect(ada.at("#password")).to_have_value("wrong horse")  # to be corrected, not retyped
    await ada.at("#password").fill("")
    await fill_in(ada, "Sign in", "Ada", PASSWORD)
    await ada.is_connected()
    (cookie,) = await ada.page.context.cookies()
    assert cookie["expires"] == -1, "goes with the browser"


async def test_a_sleeping_player_returns_with_one_click_and_history_shows_it(
    browsers: Browsers, lobby: LiveServer
) -> None:
    ada = await browsers.of(await lobby.member("Ada"))
    await lobby.advance(120 + SLOT)
    await lobby.advance(120)
    await ada.is_warned()
    await lobby.advance(60 + SLOT)
    await ada.is_signed_out("idle_timeout")
    await expect(ada.page.get_by_role("radio", name="Sign in")).to_be_checked()
    await ada.at("#remember").check()
    await fill_in(ada, "Sign in", "Ada", PASSWORD)
    await ada.is_connected()
    (cookie,) = await ada.page.context.cookies()
    assert cookie["expires"] > 0
    await open_section(ada, "History")
    await expect(ada.at(".change p:first-child")).to_have_text(
        [
            "You signed in.",
            "You were signed out, because nothing was done for 5 minutes.",
            "You were warned that your time was running out.",
            "Nothing was done for 2 minutes, so you were shown as away.",
            "You signed in.",
        ]
    )
    end = ada.at(".change").nth(1)
    await expect(end).to_contain_text("Another browser, or an earlier sign-in")
    await expect(end).to_contain_text(re.compile(r"Last activity: .*, (a request|the sign-in)"))

    bob = await browsers.guest("Bob")
    await lobby.advance(200)
    await bob.be_busy_elsewhere()
    await lobby.advance(40 + SLOT)
    await lobby.advance(60 + SLOT)
    await ada.is_signed_out("idle_timeout")
    await expect(ada.at("#signed-out-title")).to_have_text("Welcome back any time")
    await bob.does_not_see("Ada")
    await ada.page.get_by_role("button", name="Come back as Ada").click()
    await ada.is_connected_again()
    await bob.sees("Ada", "active")
    # The history distinguishes a sign-out from becoming dormant.
    await open_section(ada, "History")
    said = ada.at('.change[data-reason="idle_timeout"] p:first-child')
    await expect(said).to_have_text(
        [
            "Nothing was done for 5 minutes, so you were shown as offline.",
            "You were signed out, because nothing was done for 5 minutes.",
        ]
    )


async def test_an_outage_is_shown_and_delayed_answers_appear_after_it(
    browsers: Browsers, lobby: LiveServer
) -> None:
    await lobby.member("Ada")
    async with run_cable(lobby.port) as cable:
        ada = await browsers.window(cable.url)
        ada.expected.append(UNREACHABLE)
        await ada.arrive()
        remember = ada.at("#remember-text")
        await expect(remember).to_have_text("Remember me on this device for 14 days")
        await ada.sign_in("Bob")
        cable.pull()
        await expect(ada.at("#connection")).to_have_attribute("data-state", "reconnecting")
        for section in ("History", "Devices"):
            await open_section(ada, section)
            await expect(ada.at(f"#{section.lower()}-error")).to_contain_text("cannot be reached")
        await expect(ada.at("#sign-out-everywhere")).to_be_hidden()  # a guest has one session
        cable.plug()
        await expect(ada.at(".device")).to_have_count(1)
        await expect(ada.at("#devices-error")).to_be_empty()
        await ada.at("#sign-out").click()
        await ada.is_signed_out("signed_out")

        # "Resume" says that the server is unreachable, or why the session is over.
        await ada.page.get_by_role("radio", name="Sign in").check()
        await ada.at("#remember").check()
        await fill_in(ada, "Sign in", "Ada", PASSWORD)
        await ada.is_at("lobby")
        await ada.is_connected_again()
        (session,) = [each for each in lobby.still_here.registry.sessions.values() if each.remember]
        await lobby.advance(240 + SLOT)
        await lobby.advance(60 + SLOT)
        await ada.is_signed_out("idle_timeout")
        cable.pull()
        await ada.at("#resume").click()
        await expect(ada.at("#resume-error")).to_contain_text("cannot be reached")
        cable.plug()
        await lobby.still_here.sessions.end([session.id], Reason.KICKED, lobby.clock.now())
        await ada.at("#resume").click()
        await ada.is_signed_out("kicked")
        await expect(ada.at("#sign-in")).to_be_visible()
        await expect(ada.at("#name")).to_have_value("Ada")
        await ada.page.close()


# Devices


async def on_a_phone(browsers: Browsers, name: str) -> Window:
    """A window of Firefox on Android in which a registered player has signed in."""
    agent = "Mozilla/5.0 (Android 14; Mobile; rv:125.0) Gecko/125.0 Firefox/125.0"
    window = await browsers.window(user_agent=agent)
    await window.arrive()
    await fill_in(window, "Sign in", name, PASSWORD)
    await window.is_connected()
    return window


async def test_signing_out_another_device_ends_its_session_and_is_shown_there(
    browsers: Browsers, lobby: LiveServer
) -> None:
    here = await browsers.of(await lobby.member("Ada"))
    there = await on_a_phone(browsers, "Ada")

    await open_section(here, "Devices")
    rows = here.at(".device")
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_contain_text("This one")
    await expect(rows.nth(1)).to_contain_text("Firefox on Android")
    await expect(rows.nth(1)).to_contain_text("1 tab open")
    await here.page.get_by_role("button", name="Sign out Firefox on Android").click()
    await there.is_signed_out("signed_out")
    await expect(there.at("#signed-out-reason")).to_have_text(
        "You signed out in another tab, or on another device."
    )
    await expect(rows).to_have_count(1)
    await expect(here.at("#devices-said")).to_have_text("Firefox on Android is signed out.")
    await expect(here.at("#devices-title")).to_be_focused()
    await here.is_at("lobby")


async def test_every_device_that_is_signed_out_is_announced(
    browsers: Browsers, lobby: LiveServer
) -> None:
    here = await browsers.of(await lobby.member("Ada"))
    for _ in range(2):
        await on_a_phone(browsers, "Ada")

    await open_section(here, "Devices")
    rows = here.at(".device")
    await expect(rows).to_have_count(3)
    await here.page.evaluate("""() => {
      const said = document.getElementById('devices-said');
      window.announced = [];
      new MutationObserver(() => window.announced.push(said.textContent))
        .observe(said, { childList: true, characterData: true, subtree: true });
    }""")
    for left in (2, 1):
        await here.page.get_by_role("button", name="Sign out Firefox on Android").first.click()
        await expect(rows).to_have_count(left)
        await expect(here.at("#devices-said")).to_have_text("Firefox on Android is signed out.")
    announced = await here.page.evaluate("window.announced")
    assert announced.count("Firefox on Android is signed out.") == 2


async def test_a_list_of_devices_that_is_loaded_again_keeps_the_focus(
    browsers: Browsers, lobby: LiveServer
) -> None:
    async with run_cable(lobby.port) as cable:
        ada = await browsers.window(cable.url)
        ada.expected += [UNREACHABLE, "WebSocket"]
        await ada.enter("Ada")
        await open_section(ada, "Devices")
        button = ada.at(".device button")
        await expect(button).to_be_visible()
        cable.pull()
        await expect(ada.at("#connection")).to_have_attribute("data-state", "reconnecting")
        await button.click()
        await expect(ada.at("#devices-error")).to_contain_text("cannot be reached")
        cable.plug()
        await expect(ada.at("#devices-error")).to_be_empty()
        await ada.is_connected_again()
        await expect(button).to_be_focused()
        await ada.page.close()


async def test_changing_the_password_needs_the_old_one_and_signs_out_other_devices(
    browsers: Browsers, lobby: LiveServer
) -> None:
    here = await browsers.of(await lobby.member("Ada"))
    here.expected.append("status of 403")  # a wrong password
    there = await browsers.signed_out()
    await fill_in(there, "Sign in", "Ada", PASSWORD)
    await there.is_connected()
    await open_section(here, "Devices")
    await expect(here.at(".device")).to_have_count(2)
    current, new = (
        here.page.get_by_label("Current password"),
        here.page.get_by_label("New password"),
    )
    for typed, wanted, field, complaint in [
        ("", "", current, "Type your password."),
        ("wrong horse", "", new, "Type your password."),
        ("wrong horse", "battery staple", current, "That is not your current password."),
        (PASSWORD, "trustno1", new, "That password is among the first that guessers try."),
    ]:
        await current.fill(typed)
        await new.fill(wanted)
        await here.page.keyboard.press("Enter")
        await expect(field).to_have_accessible_description(re.compile(re.escape(complaint)))
        await expect(field).to_be_focused()
        await expect(here.at("#password-form [aria-invalid]")).to_have_count(1)
        # The hint is not shown beside the error.
        await expect(here.at("#new-password-hint")).to_be_visible(visible=field is current)
        await expect(field).not_to_have_accessible_description(re.compile("At least"))
        await expect(new).to_have_value(wanted)
    await new.press("Tab")
    show = here.page.locator(":focus")
    await expect(show).to_have_accessible_name("Show the password")
    await expect(show).to_have_accessible_description("New password")
    await show.press("Enter")
    await expect(new).to_have_attribute("type", "text")
    await expect(current).to_have_attribute("type", "password")
    await here.is_accessible()
    await new.fill("battery staple")
    await here.page.get_by_role("button", name="Change the password").click()
    await expect(here.at("#password-said")).to_contain_text("Your password is changed.")
    await here.is_accessible()
    await there.is_signed_out("signed_out_everywhere")
    await expect(there.at("#signed-out-reason")).to_contain_text("changed your password")
    await expect(here.at(".device")).to_have_count(1)
    await here.is_at("lobby")
    for field in (current, new):
        await expect(field).to_have_value("")
        await expect(field).to_have_attribute("type", "password")
    await fill_in(there, "Sign in", "Ada", "battery staple")
    await there.is_connected()

    # Closing the section clears the fields. A guest has no password.
    await current.fill(PASSWORD)
    await here.at("#password-form").get_by_role("button", name="Show the password").first.click()
    await open_section(here, "History")
    await open_section(here, "Devices")
    await expect(current).to_have_value("")
    await expect(current).to_have_attribute("type", "password")
    await expect(here.at("#password-said")).to_be_empty()
    await here.at("#sign-out").click()
    await here.is_signed_out("signed_out")
    await here.page.get_by_role("radio", name="Guest").check()
    await here.sign_in("Bob")
    await open_section(here, "Devices")
    await expect(here.at(".device")).to_have_count(1)
    await expect(here.at("#password-form")).to_be_hidden()


async def test_a_form_that_waits_for_its_answer_is_not_sent_again(browsers: Browsers) -> None:
    here = await browsers.signed_out()
    asked: list[str] = []
    is_free = asyncio.Event()

    async def slow(route: Route) -> None:
        asked.append(f"{route.request.method} {urlsplit(route.request.url).path}")
        await is_free.wait()
        await route.continue_()

    async def submit_twice(form: str) -> None:
        await here.at(form).evaluate("form => { form.requestSubmit(); form.requestSubmit(); }")
        await expect(here.at(form)).to_have_attribute("aria-busy", "true")
        is_free.set()
        await expect(here.at(form)).not_to_have_attribute("aria-busy", "true")
        is_free.clear()

    await here.page.route(re.compile("/api/(players|password)$"), slow)
    await here.page.get_by_role("radio", name="Register").check()
    await here.at("#name").fill("Ada")
    await here.at("#password").fill(PASSWORD)
    await submit_twice("#sign-in")
    here.name = "Ada"
    await here.is_connected()
    await open_section(here, "Devices")
    await here.page.get_by_label("Current password").fill(PASSWORD)
    await here.page.get_by_label("New password").fill("battery staple")
    await submit_twice("#password-form")
    await expect(here.at("#password-said")).to_contain_text("Your password is changed.")
    assert asked == ["POST /api/players", "PUT /api/password"]


# History


async def test_the_history_describes_the_last_activity_in_words(
    browsers: Browsers, lobby: LiveServer
) -> None:
    ada = await browsers.guest("Ada")
    said = {
        "GET /api/players/{id}/history": "a request to the server",
        "POST /api/session/activity": "something done in the page",
        "ping": "something done in the page",
        "game": "something done in a room",
        "game action": "something done in a room",
        "chat": "a message in the chat",
    }
    for by in said:
        lobby.still_here.presence.touch(ada.session.id, by=by)
        await lobby.advance(120 + SLOT)
    await open_section(ada, "History")
    idle = ada.at('.change[data-reason="idle"] .muted:last-child')
    await expect(idle).to_have_text(
        [re.compile(f", {what}\\.$") for what in [*said.values()][::-1]]
    )
    for language in ("zh", "es"):
        await ada.at("#language").select_option(language)
        await expect(ada.at("html")).to_have_attribute("lang", re.compile(f"^{language}"))
        # None of the server's own terms, and no English.
        named = re.compile("|".join([r"/", *(re.escape(word) for word in {*said, *said.values()})]))
        assert [text for text in await idle.all_inner_texts() if named.search(text)] == []


async def test_the_history_says_of_one_browser_that_the_player_was_here_in_another(
    browsers: Browsers, lobby: LiveServer
) -> None:
    here = await browsers.of(await lobby.member("Ada"))
    there = await browsers.window()
    await there.arrive()
    await fill_in(there, "Sign in", "Ada", PASSWORD)
    await there.is_connected()
    await lobby.advance(119)
    await here.page.keyboard.press("a")
    await expect(here.at("#own-status")).to_have_attribute("data-status", "active")
    await lobby.advance(1 + SLOT)
    await there.page.close()
    await until(lambda: len(lobby.still_here.tabs) == 1)
    await lobby.advance(5 + SLOT)
    await open_section(here, "History")
    said = [
        "The page did not come back. You were still here in another browser.",
        "The page was closed.",
        "Nothing was done for 2 minutes. You were active in another browser.",
    ]
    await expect(here.at(".change p:first-child")).to_contain_text(said)
    for language in ("zh", "es"):
        await here.at("#language").select_option(language)
        await expect(here.at("html")).to_have_attribute("lang", re.compile(f"^{language}"))
        translated = await here.at(".change p:first-child").all_inner_texts()
        assert len({*translated[:3], *said}) == 6


async def test_nothing_of_a_player_is_left_when_another_signs_in_from_another_tab(
    browsers: Browsers, lobby: LiveServer
) -> None:
    first = await browsers.guest("Ada")
    second = await browsers.tab(first.page.context)
    await lobby.advance(120 + SLOT)
    await first.be_busy_elsewhere()
    await open_section(first, "History")
    await expect(first.at(".change")).to_have_count(3)
    await second.arrive()
    await second.is_connected()
    await second.at("#sign-out").click()
    await second.is_signed_out("signed_out")
    await first.is_signed_out("signed_out")
    await second.at("#name").fill("Bob")
    await second.page.keyboard.press("Enter")
    await second.is_connected()
    await first.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    await expect(first.at("#own-name")).to_have_text("Bob")
    await first.page.evaluate("() => { location.hash = 'history' }")
    await expect(first.at(".change")).to_have_count(1)
    await second.page.close()


async def test_looking_at_devices_and_history_is_no_activity(
    browsers: Browsers, lobby: LiveServer
) -> None:
    ada = await browsers.guest("Ada")
    before = ada.session.last_activity
    await lobby.advance(30)
    # Without the mouse or the keyboard, which would be an activity.
    for section in ("devices", "history", "settings"):
        await ada.page.evaluate("name => { location.hash = name }", section)
        await expect(ada.at(f"#{section}")).to_be_visible()
    await expect(ada.at("#settings-title")).to_be_focused()
    await ada.page.go_back()
    await expect(ada.at(".change")).to_have_count(1)
    assert ada.session.last_activity == before

    await ada.page.go_back()
    await expect(ada.at("#devices")).to_be_visible()
    for _ in range(30):
        await lobby.advance(120 + SLOT)
        await ada.be_busy_elsewhere()
    await until(lambda: ada.session.status == "active")
    await open_section(ada, "History")
    await expect(ada.at(".change")).to_have_count(50)
    await ada.page.get_by_role("button", name="Earlier changes").click()
    await expect(ada.at(".change")).to_have_count(61)
    await expect(ada.at("#history-more")).to_be_hidden()
