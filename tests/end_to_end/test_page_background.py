"""A page in the background, and a page from the back/forward cache, in an unmodified browser.

The first waits in real time: the browser limits the timers of a hidden page to one call a second
at once, and to one a minute after a minute.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.answers import until
from tests.support.cdp import SPEED, RealBrowser, RealTab, run_real_browser
from tests.support.live_server import run_server
from tests.support.manual_clock import SLOT

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

HELD_BACK = 330 / SPEED + 10
"""Seconds until a hidden page's timers certainly fire only once a minute of the browser's clock:
after one minute, or after five if the browser considered the page to be still loading."""
PROMPT = 10
"""Seconds for changes that need no timer of the page."""
COUNT_TICKS = """
window.ticks = [];
(function tick() { window.ticks.push(performance.now()); setTimeout(tick, 50); })();
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def real() -> AsyncIterator[RealBrowser]:
    async with run_real_browser() as browser:
        yield browser


async def names_in(tab: RealTab) -> list[str]:
    shown = "[...document.querySelectorAll('#roster .player-name')].map((name) => name.textContent)"
    names = await tab.evaluate(shown)
    return sorted(names)


async def test_a_hidden_tab_with_throttled_timers_stays_or_is_signed_out_correctly(
    real: RealBrowser, tmp_path: Path
) -> None:
    async with run_server(tmp_path / "test.db") as server:
        alone, busy = await real.profile(), await real.profile()
        registry = server.still_here.registry
        # Ada's one tab is hidden. So is Bob's, but he is active in another tab.
        ada = await alone.tab()
        await ada.enter(server.url, "Ada")
        await ada.evaluate(COUNT_TICKS)
        await ada.is_painted()
        await (await alone.tab()).until("document.visibilityState === 'visible'")
        bob = await busy.tab()
        await bob.enter(server.url, "Bob")
        await bob.evaluate(COUNT_TICKS)
        await bob.is_painted()
        front = await busy.tab()
        await front.goto(server.url)
        await front.is_connected()
        for tab in (ada, bob):
            await tab.until("document.visibilityState === 'hidden'")
            # At one call a second, the last would be at most 1000 ms ago.
            await tab.until("performance.now() - ticks.at(-1) > 5000", seconds=HELD_BACK)
        ticks = await bob.evaluate("ticks.length")
        since = time.monotonic()
        (idle,) = next(each for each in registry.players.values() if each.name == "Ada").sessions
        (held,) = next(each for each in registry.players.values() if each.name == "Bob").sessions

        async def be_busy() -> None:
            """Have Bob press keys until the server has noticed."""
            async with asyncio.timeout(PROMPT):
                while held.last_activity < server.clock.now():
                    await front.press("a")
                    await asyncio.sleep(0.1)

        # Warned within a moment, hidden or not: the warning comes from the server, not from a
        # timer.
        await server.advance(120)
        await be_busy()
        await server.advance(120 + SLOT)
        assert (idle.status, held.status) == ("warned", "away")
        await ada.until("document.querySelector('#warning').open", seconds=PROMPT)
        assert "Still there?" in await ada.evaluate("document.title")
        await be_busy()
        await server.advance(60)
        assert (idle.ended, held.ended) == ("idle_timeout", None)
        await ada.until("document.body.dataset.view === 'signed-out'", seconds=PROMPT)

        # Bob's hidden tab has stayed, and has the news about Ada.
        await bob.until("document.querySelector('#connection').dataset.state === 'open'")
        await bob.until("document.querySelectorAll('#roster li').length >= 1")
        passed = (time.monotonic() - since) * SPEED
        more = await bob.evaluate("ticks.length") - ticks
        assert more <= 1 + passed / 10, "timers were held back"
        await bob.come_to_front()
        await bob.until("document.querySelectorAll('#roster li').length === 1")
        assert await names_in(bob) == ["Bob"]
        assert (held.status, held.connections) == ("active", 2)


async def test_a_page_restored_from_the_back_forward_cache_connects_and_shows_the_present(
    real: RealBrowser, tmp_path: Path
) -> None:
    async with run_server(tmp_path / "test.db") as server:
        registry = server.still_here.registry
        tab = await (await real.profile()).tab()
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

        # Signed out meanwhile: "back" does not restore a page of the session.
        await tab.goto(f"{server.url}/static/favicon.svg")
        await until(lambda: session.connections == 0)
        await server.advance(301)
        await tab.go_back()
        await tab.until("document.body.dataset.view === 'signed-out'")
        # The hidden list is drawn with the next frame.
        await tab.until("document.querySelectorAll('#roster .player-name').length === 0")
