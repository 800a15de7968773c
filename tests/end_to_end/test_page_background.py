"""The page behind another, and the page that "back" brings back: in a browser as it is.

These wait for the browser's clock: it holds back the timers of a hidden page to one a second at
once, and to one a minute after a minute.
"""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from server.base.clock import SystemClock
from tests.support.answers import until
from tests.support.cdp import SPEED, RealTab, run_real_browser
from tests.support.live_server import run_server

pytestmark = pytest.mark.browser

HELD_BACK = 60 / SPEED + 2
"""Seconds after which a hidden page's timers strike once in a minute of the browser's."""
IDLE_TIMEOUT = HELD_BACK + 10
WARN_BEFORE = 7
PROMPT = 7
"""Seconds for what no timer of the page brings about."""
COUNT_TICKS = """
window.ticks = [];
(function tick() { window.ticks.push(performance.now()); setTimeout(tick, 50); })();
"""


async def names_in(tab: RealTab) -> list[str]:
    shown = "[...document.querySelectorAll('#roster .player-name')].map((name) => name.textContent)"
    names = await tab.evaluate(shown)
    return sorted(names)


async def test_a_hidden_tab_stays_or_goes_as_it_should_however_its_timers_are_held_back(
    tmp_path: Path,
) -> None:
    options: dict[str, Any] = {
        "idle_timeout": IDLE_TIMEOUT,
        "warn_before": WARN_BEFORE,
        "away_after": 10,
    }
    async with (
        run_server(tmp_path / "test.db", SystemClock(), **options) as server,
        run_real_browser() as alone,
        run_real_browser() as busy,
    ):
        registry = server.still_here.registry
        # Ada's one tab is hidden; Bob's is, too, but Bob is busy in another tab of his.
        ada = await alone.tab()
        await ada.enter(server.url, "Ada")
        await ada.evaluate(COUNT_TICKS)
        await (await alone.tab()).until("document.visibilityState === 'visible'")
        bob = await busy.tab()
        await bob.enter(server.url, "Bob")
        await bob.evaluate(COUNT_TICKS)
        front = await busy.tab()
        await front.goto(server.url)
        await front.is_connected()
        for tab in (ada, bob):
            await tab.until("document.visibilityState === 'hidden'")
        # From here on, however long it took to come here.
        hidden = time.monotonic()
        await ada.evaluate("fetch('/api/session/activity', { method: 'POST' })")

        # Warned within a moment, hidden or not: it is the server that tells, and no timer.
        (session,) = next(each for each in registry.players.values() if each.name == "Ada").sessions
        while session.status != "warned":
            await front.press("a")
            await asyncio.sleep(1)
        await ada.until("document.querySelector('#warning').open", patience=PROMPT)
        assert "Still there?" in await ada.evaluate("document.title")
        while time.monotonic() - hidden < HELD_BACK:
            await front.press("a")
            await asyncio.sleep(1)
        ticks = await bob.evaluate("ticks.length")
        since = time.monotonic()
        while session.ended is None:
            await front.press("a")
            await asyncio.sleep(0.5)
        assert session.ended == "idle_timeout"
        await ada.until("document.body.dataset.view === 'signed-out'", patience=PROMPT)
        # At one a second there would be one in each second of the browser's clock.
        held = (time.monotonic() - since) * SPEED
        assert await bob.evaluate("ticks.length") - ticks <= 1 + held / 10, "timers were held back"

        # Bob's hidden tab has stayed, and knows what has become of Ada.
        await bob.until("document.querySelector('#connection').dataset.state === 'open'")
        await bob.until("document.querySelectorAll('#roster li').length >= 1")
        await bob.come_to_front()
        await bob.until("document.querySelectorAll('#roster li').length === 1")
        assert await names_in(bob) == ["Bob"]
        (still,) = next(each for each in registry.players.values() if each.name == "Bob").sessions
        assert (still.status, still.connections) == ("active", 2)


async def test_a_page_that_back_brings_back_as_it_was_is_live_again_and_shows_no_past(
    tmp_path: Path,
) -> None:
    async with run_server(tmp_path / "test.db") as server, run_real_browser() as browser:
        registry = server.still_here.registry
        tab = await browser.tab()
        await tab.enter(server.url, "Ada")
        (session,) = registry.sessions.values()
        await tab.evaluate("window.isAsItWas = true")
        await tab.goto(f"{server.url}/static/favicon.svg")
        await until(lambda: session.connections == 0)
        await tab.go_back()
        await until(lambda: session.connections == 1)
        await tab.is_connected()
        assert await tab.evaluate("window.isAsItWas"), "it was not loaded anew"
        assert list(registry.sessions.values()) == [session]

        # Signed out meanwhile: no page of somebody signed in comes back.
        await tab.goto(f"{server.url}/static/favicon.svg")
        await until(lambda: session.connections == 0)
        await server.advance(301)
        await tab.go_back()
        await tab.until("document.body.dataset.view === 'signed-out'")
        assert await names_in(tab) == []
