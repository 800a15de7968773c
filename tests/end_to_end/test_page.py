"""The page in a real browser: signing in, seeing other players, and leaving in every way."""

import re
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Route, expect

from server.accounts.names import parse_name
from server.accounts.ports import Account
from server.base.ids import new_player_id
from server.presence.session import Player
from server.presence.status import Reason
from tests.support.answers import until
from tests.support.browser import UNREACHABLE, Browsers, open_browsers
from tests.support.cable import run_cable
from tests.support.live_server import LiveServer
from tests.support.manual_clock import SLOT, ManualClock
from tests.support.page_server import run_page_server

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LONGEST = 40

PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 480},
    "has_touch": True,
    "is_mobile": True,
}

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "נועה כהן",
    "<b>x</b>",
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "{{7*7}} ${7*7} %s &amp;",
    "ليلى أحمد",
    "W" * LONGEST,
]
"""Names that a careless page would execute, or that would reverse its text."""


# Signing in


async def test_a_page_retries_its_start_and_then_a_guest_signs_in_to_the_lobby(
    browsers: Browsers,
) -> None:
    ada = await browsers.window()
    ada.expected.append("status of 503")
    calls: list[str] = []

    async def busy(route: Route) -> None:
        calls.append(route.request.method)
        if len(calls) <= 2:
            await route.fulfill(status=503, body="<html>come back later</html>")
        else:
            await route.continue_()

    await ada.page.route("**/api/session", busy)
    await ada.arrive()
    await ada.is_at("sign-in")
    assert calls == ["GET"] * 3
    await expect(ada.at("#name")).to_be_focused()
    await ada.at("#name").fill("  Ada   Lovelace ")
    await ada.page.get_by_role("button", name="Enter the lobby").click()
    await ada.is_connected()
    await ada.sees("Ada Lovelace", "active")
    await expect(ada.at("#roster li.is-own")).to_contain_text("You")
    await expect(ada.at("#own-name")).to_have_text("Ada Lovelace")
    await expect(ada.at("#own-status")).to_have_text("Active")
    await expect(ada.at(".count")).to_have_text("1 player here")
    await expect(ada.at("#lobby-title")).to_be_focused()
    await expect(ada.at("#policy")).to_have_text(
        "You are signed out after 5 minutes without activity; you are warned 1 minute before."
    )


async def test_a_name_that_does_not_get_in_stays_typed_and_the_page_says_why(
    browsers: Browsers,
) -> None:
    """An invalid name, a failed call, or a name that is taken; the next attempt works."""
    late = await browsers.signed_out()
    for typed, complaint in [
        ("", "A name needs at least one character."),
        ("   ", "A name needs at least one character."),
        ("x" * (LONGEST + 1), "A name has at most 40 characters; this one has 41."),
        ("a\u202eb", "A name cannot contain the character U+202E."),
    ]:
        await late.at("#name").fill(typed)
        await late.page.keyboard.press("Enter")
        await expect(late.at("#sign-in-error")).to_have_text(complaint)
        await expect(late.at("#name")).to_have_value(typed)
        await expect(late.at("#name")).to_be_focused()
        await expect(late.at("#name")).to_have_attribute("aria-invalid", "true")
        await late.page.keyboard.type("A")
        await expect(late.at("#sign-in-error")).to_be_empty()

    late.expected.append(UNREACHABLE)
    await late.at("#name").fill("ada")
    await late.page.context.set_offline(True)
    await late.page.keyboard.press("Enter")
    await expect(late.at("#sign-in-error")).to_have_text(
        "The server cannot be reached. Check your connection and try again."
    )
    await expect(late.at("#name")).to_have_value("ada")
    await late.page.context.set_offline(False)

    await browsers.guest("Ada")
    await late.page.keyboard.press("Enter")
    await expect(late.at("#sign-in-error")).to_contain_text("taken")
    await expect(late.at("#name")).to_have_value("ada")
    await late.page.keyboard.type("ptable")
    await late.page.keyboard.press("Enter")
    await late.is_connected()
    await late.sees("adaptable", "active")
    await late.sees("Ada", "active")


async def test_a_second_tab_notices_that_the_first_has_signed_in(browsers: Browsers) -> None:
    first = await browsers.signed_out()
    second = await browsers.tab(first.page.context)
    await second.arrive()
    await second.is_at("sign-in")
    await first.sign_in("Ada")
    await second.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    await second.is_connected()
    await expect(second.at("#own-name")).to_have_text("Ada")
    assert first.session.connections == 2
    await second.page.close()


async def test_a_name_with_markup_is_shown_as_text(browsers: Browsers, lobby: LiveServer) -> None:
    bob = await browsers.guest("Bob")
    dialogs: list[str] = []
    bob.hear("dialog", lambda dialog: dialogs.append(dialog.message))
    for name in HOSTILE:
        await lobby.guest(name)
    await expect(bob.at("#roster li[data-status=active]")).to_have_count(1 + len(HOSTILE))
    shown = await bob.page.evaluate(
        "() => [...document.querySelectorAll('#roster li')].map((row) => ["
        "row.querySelector('.player-name').innerText,"
        "row.querySelector('.chip').getBoundingClientRect().right])"
    )
    assert sorted(name for name, _ in shown) == sorted(["Bob", *HOSTILE])
    # A long or right-to-left name does not move the elements beside it.
    ends = [end for _, end in shown]
    assert ends == pytest.approx([ends[0]] * len(ends), abs=1)
    # The rows have only the page's own elements.
    assert await bob.at("#roster :is(b, img, script, svg svg)").count() == 0

    stranger = await browsers.signed_out()
    for name in HOSTILE[:2]:
        await stranger.sign_in(name + "2")
        assert await stranger.at("#own-name").inner_text() == name + "2"
        await stranger.at("#sign-out").click()
        await stranger.is_signed_out("signed_out")
    assert dialogs == []


# Seeing other players


async def test_two_browsers_see_each_other_arrive_go_away_come_back_and_leave(
    browsers: Browsers, lobby: LiveServer
) -> None:
    ada, bob = await browsers.guests("Ada", "Bob")
    await ada.sees("Bob", "active")
    await bob.sees("Ada", "active")
    await expect(ada.at(".count")).to_have_text("2 players here")

    # An open page and an open connection are no activity; only the player's input is.
    await lobby.advance(100)
    await bob.be_busy_elsewhere()
    await lobby.advance(19.9)
    assert ada.session.status == "active"
    await lobby.advance(0.1 + SLOT)
    await bob.sees("Ada", "away")
    await expect(ada.at("#own-status")).to_have_text("Away")
    assert ada.pings == []

    await ada.touch()
    await bob.sees("Ada", "active")
    await expect(ada.at("#own-status")).to_have_text("Active")
    assert len(ada.pings) == 1

    session = ada.session
    await ada.page.close()
    await until(lambda: session.connections == 0)
    await bob.sees("Ada", "reconnecting")
    await lobby.advance(5 + SLOT)
    await bob.does_not_see("Ada")
    await expect(bob.at(".count")).to_have_text("1 player here")


async def test_a_lost_connection_is_shown_to_others_and_later_activity_counts(
    browsers: Browsers, lobby: LiveServer
) -> None:
    bob = await browsers.guest("Bob")
    async with run_cable(lobby.port) as cable:
        ada = await browsers.window(cable.url)
        ada.expected.append(UNREACHABLE)
        await ada.enter("Ada")
        await bob.sees("Ada", "active")

        cable.pull()
        await bob.sees("Ada", "reconnecting")
        await expect(ada.at("#connection")).to_have_text("Reconnecting…")
        await expect(ada.at("#own-status")).to_have_text("Reconnecting")
        await ada.at("#sign-out").click()
        await expect(ada.at("#lobby-error")).to_contain_text("Signing out did not work. Try again.")
        await lobby.advance(29.9)
        await bob.sees("Ada", "reconnecting")

        cable.plug()
        await ada.is_connected()
        await bob.sees("Ada", "active")
        await ada.sees("Bob", "active")
        await until(lambda: ada.session.last_activity == lobby.clock.now())
        await ada.page.close()


async def test_a_reload_is_not_shown_to_other_players(
    browsers: Browsers, lobby: LiveServer
) -> None:
    ada, bob = await browsers.guests("Ada", "Bob")
    row = await bob.row("Ada").element_handle()
    assert row is not None
    session = ada.session
    heard = len(bob.received)
    for _ in range(2):
        await ada.page.reload()
        await ada.is_connected()
    await lobby.advance(30)
    assert (ada.session, session.status, session.connections) == (session, "active", 1)
    carol = await lobby.guest("Carol")  # now all earlier messages have been sent
    await bob.sees("Carol", "active")
    assert await row.evaluate("row => row.isConnected")
    told = [message for message in bob.received[heard:] if message["type"] == "presence"]
    assert [player["name"] for each in told for player in each["joined"]] == [carol.name]
    assert [id for each in told for id in each["left"]] == []


async def test_a_page_that_is_returned_to_reconnects_or_shows_why_the_session_ended(
    browsers: Browsers, lobby: LiveServer
) -> None:
    ada = await browsers.guest("Ada")
    session = ada.session
    await ada.page.goto("about:blank")
    await until(lambda: session.status == "reconnecting")
    await ada.page.go_back()
    await ada.is_connected()
    assert ada.session is session

    await ada.page.goto("about:blank")
    await until(lambda: session.connections == 0)
    await lobby.advance(300 + SLOT)
    await ada.arrive()
    await ada.is_signed_out("idle_timeout")
    await expect(ada.at("#signed-out-reason")).to_contain_text("Nobody touched this page")
    await expect(ada.at("#name")).to_have_value("Ada")


async def test_an_open_page_survives_a_restart_of_the_server(
    chromium: Browser, tmp_path: Path
) -> None:
    database = tmp_path / "test.db"
    async with AsyncExitStack() as first, AsyncExitStack() as second:
        before = await first.enter_async_context(run_page_server(database))
        browsers = await second.enter_async_context(open_browsers(chromium, before))
        ada, bob = windows = await browsers.guests("Ada", "Bob")
        id = ada.session.id
        for window in windows:
            window.expected.append(UNREACHABLE)
        await first.aclose()
        await expect(ada.at("#connection")).to_have_attribute("data-state", "reconnecting")
        await expect(ada.at("#lobby")).to_have_class("is-stale")

        clock = ManualClock(before.clock.now() + 5)
        async with run_page_server(database, clock, port=before.port) as after:
            for window in windows:
                window.server = after
                await window.is_connected()
            await ada.sees("Bob", "active")
            await bob.sees("Ada", "active")
            await expect(ada.at("#lobby")).not_to_have_class("is-stale")
            assert ada.session.id == id
            await second.aclose()


# Leaving


async def test_signing_out_is_confirmed_and_clears_the_name(browsers: Browsers) -> None:
    ada, bob = await browsers.guests("Ada", "Bob")
    await ada.at("#sign-out").click()
    await ada.is_signed_out("signed_out")
    await bob.does_not_see("Ada")
    await expect(ada.at("#signed-out-title")).to_be_focused()
    await ada.arrive()
    await ada.is_at("sign-in")
    await expect(ada.at("#name")).to_be_empty()


async def test_signing_out_ends_one_session_and_everywhere_ends_all(
    browsers: Browsers, lobby: LiveServer
) -> None:
    here = await browsers.of(await lobby.member("Ada"))
    there = await browsers.of(await lobby.sign_in("Ada"))
    await there.at("#sign-out").click()
    await there.is_signed_out("signed_out")
    await here.touch()
    await here.is_at("lobby")
    await here.sees("Ada", "active")
    await there.at("#password").fill("correct horse")
    await there.at("#remember").check()
    await there.page.keyboard.press("Enter")
    await there.is_connected()

    await here.at("nav").get_by_text("Devices").click()
    await here.at("#sign-out-everywhere").click()
    await expect(here.at("#everywhere-no")).to_be_focused()
    await here.at("#everywhere-yes").click()
    await here.is_signed_out("signed_out_everywhere")
    await there.is_signed_out("signed_out_everywhere")
    # "Remember me" is not ticked for the next player who signs in.
    await expect(there.at("#remember")).not_to_be_checked()


async def test_a_session_beyond_the_limit_shows_the_oldest_that_it_was_replaced(
    chromium: Browser, tmp_path: Path
) -> None:
    async with (
        run_page_server(tmp_path / "test.db", max_sessions_per_player=1) as server,
        open_browsers(chromium, server) as browsers,
    ):
        old = await browsers.of(await server.member("Ada"))
        new = await browsers.of(await server.sign_in("Ada"))
        await old.is_signed_out("replaced")
        await expect(old.at("#signed-out-reason")).to_contain_text("newer sign-in")
        await new.sees("Ada", "active")


async def test_a_kicked_player_is_shown_that_an_operator_did_it(
    browsers: Browsers, lobby: LiveServer
) -> None:
    ada = await browsers.guest("Ada")
    await lobby.still_here.sessions.end([ada.session.id], Reason.KICKED, lobby.clock.now())
    await ada.is_signed_out("kicked")
    await expect(ada.at("#signed-out-reason")).to_contain_text("operator")


# Large and small


CROWD = 5_000


def bring(count: int, lobby: LiveServer) -> None:
    """Sign in so many guests: Player 0000, Player 0001, ..."""
    still_here, now = lobby.still_here, lobby.clock.now()
    for number in range(count):
        # Without the query whether their names are taken, which takes longer than the rest.
        name = parse_name(f"Player {number:04}")
        account = Account(
            new_player_id(), name.text, name.key, guest=True, password_hash=None, created_at=now
        )
        still_here.store.add_account(account, name)
        still_here.sessions.open(Player(account.id, name.text, name.key, guest=True), now)


async def test_a_crowd_is_counted_searched_and_scrolled_and_the_page_stays_quick(
    browsers: Browsers, lobby: LiveServer
) -> None:
    bring(CROWD - 1, lobby)
    ada = await browsers.window()
    await ada.enter("Ada")
    await expect(ada.at("#count")).to_have_text("5,000 players here")
    await ada.page.evaluate(
        "() => { window.longest = 0; new PerformanceObserver((list) => {"
        "for (const task of list.getEntries())"
        " window.longest = Math.max(window.longest, task.duration); })"
        ".observe({type: 'longtask'}); }"
    )
    # Only the visible rows are in the page, and the scroll bar covers all of them.
    rows = ada.at("#roster li")
    assert 5 < await rows.count() < 60
    await expect(rows.first).to_have_attribute("aria-setsize", re.compile("^[0-9]{4}$"))

    # The server lists the first thousand; a search finds the others.
    await ada.at("#search").fill("PLAYER 432")
    await expect(ada.at("#count")).to_have_text("10 of 5,000 players")
    await ada.sees("Player 4321", "active")
    await ada.at("#search").fill("")
    await ada.page.wait_for_function("() => document.body.scrollHeight > 5000 * 40")
    await ada.page.evaluate("() => scrollTo(0, document.body.scrollHeight)")
    await ada.sees("Player 4998", "active")
    assert await rows.count() < 60
    last = await ada.row("Player 4998").get_attribute("aria-posinset")
    assert last == f"{CROWD}"

    await lobby.advance(120 + SLOT)
    await ada.sees("Player 4998", "away")
    await ada.page.evaluate("() => scrollTo(0, 0)")
    await ada.sees("Player 0000", "away")
    await ada.be_busy_elsewhere()
    await expect(ada.at("#own-status")).to_have_text("Active")
    longest = await ada.page.evaluate("() => window.longest")
    assert longest < 1000, "ms in which the page answered nobody"


async def test_a_crowd_that_failed_to_load_is_loaded_after_the_outage(
    browsers: Browsers, lobby: LiveServer
) -> None:
    bring(1_200, lobby)
    async with run_cable(lobby.port) as cable:
        ada = await browsers.window(cable.url)
        ada.expected += [UNREACHABLE, "WebSocket"]
        await ada.enter("Ada")
        cable.pull()
        await expect(ada.at("#connection")).to_have_attribute("data-state", "reconnecting")
        await ada.at("#search").fill("Player 1150")  # none of the first thousand
        await expect(ada.at("#load-again")).to_be_visible()
        cable.plug()
        await ada.is_connected_again()
        await ada.sees("Player 1150", "active")
        await expect(ada.at("#load-again")).to_be_hidden()
        await expect(ada.at("#rest")).to_be_empty()
        await ada.page.close()


async def test_a_phone_never_scrolls_sideways_and_queues_a_break_while_offline(
    browsers: Browsers, lobby: LiveServer
) -> None:
    for name in ("W" * LONGEST, "نور الدين عبد الرحمن", "Bob"):
        await lobby.guest(name)
    async with run_cable(lobby.port) as cable:
        ada = await browsers.window(cable.url, **PHONE)
        ada.expected.append(UNREACHABLE)

        async def fits() -> None:
            for width in (320, 360):
                await ada.page.set_viewport_size({"width": width, "height": 480})
                assert await ada.hidden_width() == 0

        await ada.arrive()
        await ada.is_at("sign-in")
        await fits()
        await ada.at("#name").fill("x" * 100)
        await ada.page.keyboard.press("Enter")
        await expect(ada.at("#sign-in-error")).not_to_be_empty()
        await fits()

        name = "m" * (LONGEST - 1)
        await ada.at("#name").fill(name)
        await ada.page.keyboard.press("Enter")
        await ada.is_connected()
        await fits()
        await lobby.advance(240 + SLOT)
        await ada.is_warned()
        await fits()
        await expect(ada.at("#countdown")).to_be_in_viewport(ratio=1)
        await expect(ada.at("#stay")).to_be_in_viewport(ratio=1)
        await lobby.advance(60 + SLOT)
        await ada.is_signed_out("idle_timeout")
        await fits()
        await ada.at("#enter").tap()
        await ada.is_connected()

        cable.pull()
        await expect(ada.at("#connection")).to_have_attribute("data-state", "reconnecting")
        await fits()
        await ada.at("#brb-go").tap()
        await expect(ada.at("#lobby-error")).to_contain_text("as away as soon as it is back")
        await fits()
        cable.plug()
        await ada.sees(name, "away")
        await expect(ada.at("#lobby-error")).to_be_empty()
        await expect(ada.at("#brb-is")).to_be_visible()
        await fits()
        await ada.page.close()


async def test_on_a_small_phone_the_status_is_not_covered_by_its_button(
    browsers: Browsers, lobby: LiveServer
) -> None:
    async with run_cable(lobby.port) as cable:
        ada = await browsers.window(cable.url, **PHONE)
        ada.expected.append(UNREACHABLE)
        await ada.enter("Ada")
        await ada.at("#language").select_option("es")
        await expect(ada.at("#sign-out")).to_have_text("Cerrar sesión")
        cable.pull()
        await expect(ada.at("#own-status")).to_have_text("Reconectando")
        status = await ada.at("#own-status").bounding_box()
        button = await ada.at("#sign-out").bounding_box()
        assert status is not None
        assert button is not None
        # The text itself, without the area above and below that can be tapped.
        written = button["y"] + button["height"] / 2 + 12
        assert status["x"] + status["width"] <= button["x"] or written <= status["y"]
        await ada.page.close()
