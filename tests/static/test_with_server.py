"""The module and the server work together."""

from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page

from tests.support.answers import until
from tests.support.browser import Browsers
from tests.support.live_server import LiveServer
from tests.support.manual_clock import SLOT

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_HERE = """
async () => {
  Object.assign(window, await import('/static/stillhere.js'), { told: [] });
  window.here = new StillHere({ watch: ['lobby'] });
  for (const event of ['signedIn', 'signedOut', 'warning', 'extended']) {
    here.on(event, (what) => told.push([event, what]));
  }
}
"""


class Profile(NamedTuple):
    """A browser, and the source of its tabs."""

    browsers: Browsers
    context: BrowserContext


@pytest_asyncio.fixture(loop_scope="session")
async def profile(browsers: Browsers) -> Profile:
    """A browser whose tabs have only the module."""
    return Profile(browsers, await browsers.profile())


async def open_tab(profile: Profile, lobby: LiveServer) -> Page:
    page = (await profile.browsers.tab(profile.context)).page
    # The simplest page of the server, with the usual headers.
    await page.goto(f"{lobby.url}/static/stillhere.d.ts")
    await page.evaluate(_HERE)
    return page


async def is_so(page: Page, expression: str) -> None:
    """Wait until an expression of the page is true."""
    await page.wait_for_function(f"() => {expression}", polling=20)


async def told(page: Page, event: str) -> list[Any]:
    heard = await page.evaluate("() => told")
    return [what for name, what in heard if name == event]


async def test_a_player_signs_in_acts_and_is_shown_to_others(
    profile: Profile, lobby: LiveServer
) -> None:
    bob = await lobby.guest("Bob")
    await bob.tab()
    ada = await open_tab(profile, lobby)
    assert await ada.evaluate("here.start()") is False
    assert await ada.evaluate("here.signInAsGuest('Ada').then((view) => view.player.name)") == "Ada"
    await is_so(ada, "here.connection === 'open' && here.roster.players.size === 2")
    assert await ada.evaluate("here.roster.isComplete") is True
    await ada.evaluate("here.loadRoster()")
    assert await ada.evaluate("here.roster.players.size") == 2
    session = lobby.still_here.registry.sessions[await ada.evaluate("here.session.id")]
    await lobby.advance(100)
    await ada.evaluate("here.look()")
    await is_so(ada, "here.expiresIn < 201")
    assert session.last_activity == 0
    await ada.keyboard.press("Shift")
    await until(lambda: session.last_activity == 100)
    await is_so(ada, "here.expiresIn > 299")
    assert [own["current"] for own in await ada.evaluate("here.sessions()")] == [True]
    reasons = "here.history().then(({changes}) => changes.map((change) => change.reason))"
    assert "signed_in" in await ada.evaluate(reasons)


async def test_a_refusal_of_the_server_is_a_problem_with_its_code(
    profile: Profile, lobby: LiveServer
) -> None:
    await lobby.guest("Bob")
    page = await open_tab(profile, lobby)
    for attempt, status, code in (
        ("signInAsGuest('bob')", 409, "name_taken"),
        ("signInAsGuest('')", 422, "invalid"),
        ("register('Cem', 'short')", 422, "invalid"),
        ("signIn('Bob', 'wrong horse')", 401, "bad_credentials"),
        ("history()", 401, "not_signed_in"),
    ):
        said = await page.evaluate(f"here.{attempt}.catch((p) => [p.status, p.code, p.detail])")
        assert (attempt, *said[:2]) == (attempt, status, code)
        assert await page.evaluate("here.isSignedIn") is False


async def test_two_tabs_of_a_session_are_warned_extended_and_signed_out_together(
    profile: Profile, lobby: LiveServer
) -> None:
    first, second = await open_tab(profile, lobby), await open_tab(profile, lobby)
    await first.evaluate("here.signInAsGuest('Ada').then(() => null)")
    assert await second.evaluate("here.start()") is True
    for tab in (first, second):
        await is_so(tab, "here.connection === 'open'")
    await lobby.advance(240 + SLOT)
    for tab in (first, second):
        await is_so(tab, "here.status === 'warned' && here.expiresIn > 55")
    await first.evaluate("here.stay()")
    for tab in (first, second):
        await is_so(tab, "here.status === 'active' && here.expiresIn > 295")
        assert len(await told(tab, "extended")) == 1
    await lobby.advance(300 + SLOT)
    for tab in (first, second):
        await is_so(tab, "!here.isSignedIn && here.connection === 'closed'")
        (end,) = await told(tab, "signedOut")
        assert (end["reason"], end["player"]["name"]) == ("idle_timeout", "Ada")


async def test_a_sign_in_in_one_tab_signs_the_other_in(profile: Profile, lobby: LiveServer) -> None:
    first, second = await open_tab(profile, lobby), await open_tab(profile, lobby)
    await first.evaluate("here.signInAsGuest('Ada').then(() => null)")
    await second.evaluate("here.start()")
    await is_so(second, "here.connection === 'open'")
    await first.evaluate("here.signInAsGuest('Bob').then(() => null)")
    for tab in (first, second):
        await is_so(tab, "here.player?.name === 'Bob' && here.connection === 'open'")
        assert await told(tab, "signedOut") == []
    assert len(await told(first, "signedIn")) == 2
    await second.evaluate("here.signOut()")
    await is_so(first, "!here.isSignedIn")
    assert [end["reason"] for end in await told(first, "signedOut")] == ["signed_out"]


async def test_be_right_back_is_shown_as_away_until_the_return(
    profile: Profile, lobby: LiveServer
) -> None:
    bob = await lobby.guest("Bob")
    ada, also_ada = await open_tab(profile, lobby), await open_tab(profile, lobby)
    await ada.evaluate("here.signInAsGuest('Ada').then(() => null)")
    await also_ada.evaluate("here.start()")
    await is_so(also_ada, "here.connection === 'open' && here.roster.players.size > 0")
    await ada.evaluate("here.hold(500, {away: true})")
    for tab in (ada, also_ada):
        await is_so(tab, "here.isAwayOnPurpose && here.heldFor > 490 && here.status === 'away'")
    ada_id = await ada.evaluate("here.player.id")
    seen = (await bob.http.get(f"/api/players/{ada_id}", headers={"Passive": "1"})).json()
    assert seen["status"] == "away"
    await also_ada.evaluate("here.release()")
    for tab in (ada, also_ada):
        await is_so(tab, "!here.isAwayOnPurpose && here.heldFor === 0 && here.status === 'active'")


async def test_a_sleeping_session_is_woken_by_its_player_and_not_by_showing_the_tab(
    profile: Profile, lobby: LiveServer
) -> None:
    await lobby.member("Ada")
    ada = await open_tab(profile, lobby)
    await ada.evaluate("here.signIn('Ada', 'correct horse', {remember: true}).then(() => null)")
    await is_so(ada, "here.connection === 'open'")
    session = lobby.still_here.registry.sessions[await ada.evaluate("here.session.id")]
    await lobby.advance(240 + SLOT)
    await lobby.advance(60 + SLOT)
    await is_so(ada, "!here.isSignedIn")
    (end,) = await told(ada, "signedOut")
    assert (end["reason"], end["isAsleep"]) == ("idle_timeout", True)
    lit = "document.dispatchEvent(new Event('visibilitychange'))"
    async with ada.expect_response("**/api/sessions"):
        await ada.evaluate(lit)
    assert (await ada.evaluate("here.isSignedIn"), session.connections) == (False, 0)

    # Another tab returns, which restores this one.
    other = await open_tab(profile, lobby)
    assert await other.evaluate("here.start()") is True
    await until(lambda: session.status == "active")
    await ada.evaluate(lit)
    await is_so(ada, "here.connection === 'open'")
    assert session.connections == 2


async def test_leaving_a_page_sends_the_beacon(profile: Profile, lobby: LiveServer) -> None:
    ada = await open_tab(profile, lobby)
    await ada.evaluate("here.signInAsGuest('Ada').then(() => null)")
    await is_so(ada, "here.connection === 'open'")
    (session,) = lobby.still_here.registry.sessions.values()
    await ada.goto("about:blank")
    await until(lambda: session.connections == 0)
    await lobby.advance(6)
    (player,) = lobby.still_here.registry.players.values()
    assert player.status.value == "offline", "the grace was the short one"
