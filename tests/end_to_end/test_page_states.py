"""Every state of the page is accessible (axe-core), on a desktop by day or a phone by night.

    STILLHERE_PICTURES=/tmp/pictures scripts/test tests/end_to_end/test_page_states.py

takes pictures of them to judge them by. `scripts/take_pictures.py` takes those of the README here,
and those of the games in test_play.py.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, CDPSession, Route, expect

from tests.support.answers import until_status
from tests.support.axe import find_violations
from tests.support.browser import UNREACHABLE, Window, open_browsers
from tests.support.cable import Cable, run_cable
from tests.support.live_server import LiveServer, Tab, Visitor
from tests.support.manual_clock import SLOT
from tests.support.page_server import run_page_server
from tests.support.pictures import FOLDER, PROFILE, README_HEIGHT, README_WIDTH, take_picture
from tests.support.screens import Screen

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PASSWORD = "correct horse"  # as that of every `member`
PHONE_AGENT = "Mozilla/5.0 (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0"


DESK = Screen("desk-light", 1280, 800, "light")
PHONE = Screen("phone-dark", 390, 844, "dark", is_phone=True, is_calm=True)
OF_PICTURES = [
    Screen("desk-dark", 1280, 800, "dark"),
    Screen("phone-light", 390, 844, "light", is_phone=True),
    Screen("readme-light", README_WIDTH, README_HEIGHT, "light", is_sharp=True),
    Screen("readme-dark", README_WIDTH, README_HEIGHT, "dark", is_sharp=True),
]
LONG = {"lobby", "devices"}
"""The states that the README shows in full length."""

SCREENS = [PHONE, *(OF_PICTURES if FOLDER else []), DESK]
"""The screens for each state, in alternating order; the walk continues on the last."""

FINGER = 44
"""Least width and height of a touch target in CSS pixels."""

SMALL_TARGETS = """
(least) => [...document.querySelectorAll('a[href]:not(.skip), button, input, select, summary')]
  .map((target) => target.closest('label:has([type=checkbox], [type=radio])') ?? target)
  .filter((target) => target.checkVisibility({ visibilityProperty: true }))
  .map((target) => [target.id || target.textContent, target.getBoundingClientRect()])
  .filter(([, { width, height }]) => Math.min(width, height) + 0.5 < least)
  .map(([name, { width, height }]) => `${name} is ${width} by ${height}`)
"""

WARNED = "Mateusz"
AWAY = ["Ngozi", "Søren"]
ACTIVE = ["Aiyana", "Chidi", "Eleni", "João", "Leila", "Priya"]
DROPPED = "Kaito"

STATES = [
    "loading",
    "unreachable",
    "sign-in",
    "register",
    "refused",
    "alone",
    "lobby",
    "nobody-found",
    "be-right-back",
    "devices",
    "everywhere",
    "history",
    "settings",
    "reconnecting",
    "warning",
    "signed-out",
    "asleep",
    "session-ends",
]
"""The states of a walk, in this order."""


class Crowd:
    """Players of every status, for a lobby that is not empty."""

    def __init__(self, server: LiveServer) -> None:
        self._server = server
        self._tabs: dict[str, Tab] = {}

    async def enter(self, name: str, *, is_member: bool = False) -> Visitor:
        """Sign one in, with a socket."""
        player = await (self._server.member(name) if is_member else self._server.guest(name))
        self._tabs[name] = await player.tab()
        return player

    async def gather(self, meanwhile: Callable[[], Awaitable[None]]) -> None:
        """Sign all of them in, some long ago and some just now."""
        await self.enter(WARNED)
        await self._server.advance(90)
        for name in AWAY:
            await self.enter(name)
        await meanwhile()
        await self._server.advance(150 + SLOT)
        await meanwhile()
        for number, name in enumerate(ACTIVE):
            await self.enter(name, is_member=number % 3 == 0)
        dropped = await self.enter(DROPPED)
        self._tabs[DROPPED].socket.transport.abort()
        await until_status(dropped, "reconnecting")

    async def touch(self, names: list[str]) -> None:
        """Let some of them be active."""
        for name in names:
            await self._tabs[name].ask("ping", "pong")


class Walk:
    """One player's way through every state, with checks at each."""

    def __init__(self, ada: Window, server: LiveServer) -> None:
        self.ada = ada
        self.server = server
        self.seen: list[str] = []
        self.problems: list[str] = []
        self._browser: CDPSession | None = None
        self._screen: Screen | None = None

    async def look(self, state: str) -> None:
        """Check a state on each of the screens."""
        page = self.ada.page
        self.seen.append(state)
        if self._browser is None:
            # Its settings end with the CDP session.
            self._browser = await page.context.new_cdp_session(page)
        # Begin with the last screen of the previous state, which needs no change.
        for screen in SCREENS if len(self.seen) % 2 else SCREENS[::-1]:
            if self._screen is not screen:
                await screen.show(page, self._browser)
                self._screen = screen
            await take_picture(
                page,
                f"{screen.name}-{state}",
                is_sharp=screen.is_sharp,
                is_whole=screen.is_sharp and state in LONG,
            )
            found = await find_violations(page)
            self.problems += [f"{screen.name}, {state}: {each}" for each in found]
            if await self.ada.hidden_width():
                self.problems.append(f"{screen.name}, {state}: it scrolls sideways")
            if screen.is_phone:
                small = await page.evaluate(SMALL_TARGETS, FINGER)
                self.problems += [f"{screen.name}, {state}: {each}" for each in small]

    async def come_in(self) -> None:
        ada, answer = self.ada, asyncio.Event()
        ada.expected += ["status of 503", UNREACHABLE]

        async def late(route: Route) -> None:
            await answer.wait()
            await route.fulfill(status=503, body="<html>come back later</html>")

        await ada.page.route("**/api/session", late)
        await ada.arrive()
        await expect(ada.at("#loading-text")).to_have_text("Looking for your session…")
        await self.look("loading")
        answer.set()
        await expect(ada.at("#try-now")).to_be_visible()
        await self.look("unreachable")
        await ada.page.unroute("**/api/session")
        # Not a click: it waits for the button, which is hidden if the page has retried by itself.
        await ada.at("#try-now").dispatch_event("click")
        await ada.is_at("sign-in")
        await expect(ada.at("#fair-warning")).to_contain_text("After 5 minutes without activity")
        await self.look("sign-in")
        await ada.page.get_by_role("radio", name="Register").check()
        await ada.at("#name").fill("Ada")
        await ada.at("#password").fill("short")
        await self.look("register")
        await ada.page.keyboard.press("Enter")
        await expect(ada.at("#sign-in-error")).to_have_text(
            "A password needs at least 8 characters."
        )
        await expect(ada.at("#password-hint")).to_be_hidden()
        await self.look("refused")
        await ada.at("#password").fill(PASSWORD)
        await ada.page.keyboard.press("Enter")
        await ada.is_connected()
        await expect(ada.at("#nobody")).to_be_visible()
        await self.look("alone")

    async def be_in_the_lobby(self) -> Crowd:
        ada, crowd = self.ada, Crowd(self.server)
        await crowd.gather(ada.be_busy_elsewhere)
        await ada.sees(WARNED, "warned")
        await ada.sees(DROPPED, "reconnecting")
        await expect(ada.row(AWAY[0])).to_contain_text("Away 2 min")
        await self.look("lobby")
        await ada.at("#search").fill("zebra")
        await expect(ada.at("#nobody-title")).to_have_text("Nobody here has a name with “zebra”")
        await self.look("nobody-found")
        await ada.at("#search").press("Escape")
        await ada.at("#brb-go").click()
        await ada.sees("Ada", "away")
        await expect(ada.at("#brb-back")).to_be_visible()
        await self.look("be-right-back")
        await ada.at("#brb-back").click()
        await ada.sees("Ada", "active")
        return crowd

    async def look_around(self) -> None:
        ada = self.ada
        phone = await self.server.sign_in("Ada", agent=PHONE_AGENT, remember=True)
        await phone.tab()
        await ada.at("nav").get_by_text("Devices").click()
        await expect(ada.at(".device")).to_have_count(2)
        # On other screens, the mouse is over other elements.
        await ada.page.mouse.move(0, 0)
        await self.look("devices")
        await ada.at("#sign-out-everywhere").click()
        await expect(ada.at("#everywhere-sure")).to_be_visible()
        await self.look("everywhere")
        await ada.at("#everywhere-no").click()
        await ada.at("nav").get_by_text("History").click()
        await expect(ada.at(".change")).not_to_have_count(0)
        await ada.page.mouse.move(0, 0)
        await self.look("history")
        await ada.at("nav").get_by_text("Settings").click()
        await expect(ada.at("#settings")).to_be_visible()
        await self.look("settings")
        await ada.at("nav").get_by_text("Lobby").click()

    async def lose_the_network(self, cable: Cable) -> None:
        cable.pull()
        await expect(self.ada.at("#stale")).to_be_visible()
        await self.look("reconnecting")
        cable.plug()
        await self.ada.is_connected()

    async def go(self, crowd: Crowd) -> None:
        ada, server = self.ada, self.server
        await server.advance(60)
        await crowd.touch(AWAY)
        await server.advance(140)
        await crowd.touch(ACTIVE)
        await server.advance(40 + SLOT)
        await ada.is_warned()
        await expect(ada.at("#countdown")).to_have_text("0:58")
        await self.look("warning")
        await server.advance(60 + SLOT)
        await ada.is_signed_out("idle_timeout")
        await self.look("signed-out")

    async def go_and_be_remembered(self) -> None:
        ada, server = self.ada, self.server
        await ada.at("#password").fill(PASSWORD)
        await ada.at("#remember").check()
        await ada.page.keyboard.press("Enter")
        await ada.is_connected()
        await server.advance(300 + 2 * SLOT)
        await server.advance(60)
        await ada.is_signed_out("idle_timeout")
        await expect(ada.at("#resume")).to_be_visible()
        await self.look("asleep")
        await ada.at("#resume").click()
        await ada.is_connected()

    async def reach_the_end(self) -> None:
        """The absolute end, with a session lifetime of ten minutes."""
        ada, server = self.ada, self.server
        await ada.at("#sign-out").click()
        await ada.is_signed_out("signed_out")
        await ada.page.get_by_role("radio", name="Guest").check()
        await ada.at("#name").fill("Grace")
        await ada.page.keyboard.press("Enter")
        await ada.is_connected()
        for _ in range(4):
            await server.advance(200)
            await ada.be_busy_elsewhere()
        await server.advance(40 + SLOT)
        await expect(ada.at("#warning-title")).to_have_text("Your session ends soon")
        await self.look("session-ends")


async def test_every_state_is_accessible_at_a_desk_by_day_and_on_a_phone_by_night(
    chromium: Browser, tmp_path: Path
) -> None:
    async with (
        run_page_server(tmp_path / "test.db", session_lifetime=900) as server,
        run_cable(server.port) as cable,
        open_browsers(chromium, server) as browsers,
    ):
        walk = Walk(await browsers.window(cable.url, **PROFILE), server)
        await walk.come_in()
        crowd = await walk.be_in_the_lobby()
        await walk.look_around()
        await walk.lose_the_network(cable)
        await walk.go(crowd)
        await walk.go_and_be_remembered()
        await walk.reach_the_end()
        assert walk.seen == STATES
        assert walk.problems == [], "\n\n".join(walk.problems)
