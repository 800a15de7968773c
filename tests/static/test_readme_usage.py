"""The README's example of `stillhere.js` works."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Route, expect

from tests.support.live_server import run_server
from tests.support.manual_clock import SLOT
from tests.support.paths import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

README = (ROOT / "README.md").read_text()
REST = """
document.body.innerHTML = '<p id="ask"></p><p id="show"></p>';
function ask(text) { document.querySelector('#ask').textContent = text; }
function show(text) { document.querySelector('#show').textContent = `${text}`; }
"""


def usage() -> str:
    match = re.search(r"<!-- usage.*?```js\n(.*?)```", README, re.DOTALL)
    assert match is not None
    return match[1]


async def test_usage_fits_in_ten_lines() -> None:
    assert len(usage().splitlines()) <= 10


async def test_the_usage_signs_in_lists_the_lobby_is_warned_and_signed_out(
    chromium: Browser, tmp_path: Path
) -> None:
    async with run_server(tmp_path / "test.db", max_hold=30) as server:
        context = await chromium.new_context()
        page = await context.new_page()

        async def game(route: Route) -> None:
            # The page itself comes from the server: a fulfilled one would not count as local.
            await route.fulfill(body=usage() + REST, content_type="text/javascript")

        await page.route("**/static/app.js", game)
        await server.guest("Bob")
        await page.goto(server.url)
        await expect(page.locator("#show")).to_have_text(
            re.compile("Bob: active,Guest [0-9]+: active")
        )
        players = server.still_here.registry.players.values()
        (guest,) = [each for each in players if each.name != "Bob"]
        assert guest.sessions[0].hold_until > server.clock.now()
        await server.advance(30 + 240 + SLOT)
        await expect(page.locator("#ask")).to_have_text("Still there?")
        await page.keyboard.press("a")
        await expect(page.locator("#ask")).to_be_empty()
        await server.advance(240 + SLOT)
        await server.advance(60 + SLOT)
        await expect(page.locator("#ask")).to_have_text("You are signed out: idle_timeout")
        await expect(page.locator("#show")).to_be_empty()  # nobody sees who is here now
        # The page learns at its start why the session ended, and signs in again.
        await page.reload()
        await expect(page.locator("#show")).to_have_text(re.compile("Guest [0-9]+: active"))
        await expect(page.locator("#ask")).to_be_empty()
        await context.close()
