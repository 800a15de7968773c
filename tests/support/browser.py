"""A real Chromium: who sits in front of it, what they see, and what it complains of."""

import asyncio
import json
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from weakref import WeakKeyDictionary

from playwright.async_api import (
    Browser,
    BrowserContext,
    Error,
    Locator,
    Page,
    WebSocket,
    async_playwright,
    expect,
)

from server.presence.session import Session
from tests.support import axe
from tests.support.answers import until
from tests.support.live_server import LiveServer, Visitor

# What Playwright leaves out as well, or a test would see it: of two such flags a browser takes the
# last. And the two pages that each window keeps ready to show below its address, which nobody
# sees here: they cost a third of a window.
_LEFT_OUT = (
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
    "WebUIOmniboxPopup",
)

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-gpu-compositing",
    "--num-raster-threads=1",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(_LEFT_OUT)}",
]

TIMEOUT_MS = 15_000
"""For what should come at once, on a machine that is busy."""

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_SHELL = "chromium-headless-shell"

# What a browser writes into the console by itself when a call is refused as it should be.
_REFUSED = r"Failed to load resource: the server responded with a status of (401|409|422) "
# And where a test is over, or a page reloads, before its socket is open.
_CUT_SHORT = r"WebSocket is closed before the connection is established"
UNREACHABLE = r"net::ERR_|Connection closed before receiving a handshake response"
"""A complaint to be expected where the network or the server is taken away."""

_FIRST_SCRIPT = """
addEventListener('securitypolicyviolation', (event) => {
  console.error(`CSP violation: ${event.violatedDirective} ${event.blockedURI}`);
});
"""

# Signs out in place, as its player would, and forgets the name and the length of the break, which
# a page keeps; false if that cannot be.
_SIGN_OUT = """
async () => {
  const view = () => document.body.dataset.view;
  if (view() === 'lobby') {
    if (document.querySelector('#connection').dataset.state !== 'open') return false;
    document.querySelector('#sign-out').click();
    await new Promise((resolve) => {
      new MutationObserver((_, observer) => {
        if (view() === 'lobby') return;
        observer.disconnect();
        resolve();
      }).observe(document.body, { attributes: true });
    });
  }
  document.querySelector('[name=way][value=guest]').click();
  document.querySelector('#name').value = '';
  document.querySelector('#brb-minutes').value = '5';
  localStorage.clear();
  scrollTo(0, 0);
  return ['sign-in', 'signed-out'].includes(view());
}
"""

# What must be as it was when the page had been loaded, before another player uses it.
_STATE = """
() => JSON.stringify({
  address: location.href,
  language: document.documentElement.lang,
  isFormHidden: document.querySelector('#sign-in').hidden,
  dialogs: document.querySelectorAll('dialog[open], details[open]').length,
  fields: [...document.querySelectorAll('input[id], select[id], [name=way]')]
    .map((field) => [field.id, field.value, field.checked, field.disabled]),
  stored: localStorage.length + sessionStorage.length,
  size: [innerWidth, innerHeight, devicePixelRatio],
  prefers: ['reduced-motion: reduce', 'color-scheme: dark', 'contrast: more']
    .map((feature) => matchMedia(`(prefers-${feature})`).matches),
  isSeen: document.visibilityState,
  globals: Object.keys(window).length,
})
"""


def find_chromium() -> str:
    """A whole browser, whose tabs hide each other. Raises AssertionError with what to do where
    there is none."""
    found = os.environ.get("STILLHERE_CHROMIUM") or next(
        filter(None, map(shutil.which, _NAMES)), ""
    )
    assert Path(found or "nowhere").exists(), (
        f"there is no browser {found or 'among ' + ', '.join(_NAMES)}: install Chromium, name one "
        "with STILLHERE_CHROMIUM=/path/to/chromium, or leave these tests out with "
        "scripts/test --no-browser"
    )
    return found


def find_headless_shell() -> str:
    """The same engine without the windows of a browser, which cost a third of the CPU time: what
    `scripts/test` found, or what is installed unless STILLHERE_CHROMIUM names the browser.
    Without one, the whole browser."""
    if "STILLHERE_CHROMIUM" in os.environ:
        found = os.environ.get("STILLHERE_HEADLESS_SHELL")
    else:
        found = shutil.which(_SHELL)
    return found or find_chromium()


@asynccontextmanager
async def run_chromium() -> AsyncIterator[Browser]:
    """A browser without a window, until the context ends."""
    executable = find_headless_shell()
    expect.set_options(timeout=TIMEOUT_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


class Window:
    """A tab with the page in it, and the person in front of it."""

    def __init__(self, page: Page, server: LiveServer, url: str) -> None:
        self.page = page
        self.server = server
        self.url = url
        self.name = ""
        self.complaints: list[str] = []
        self.expected: list[str] = [_REFUSED, _CUT_SHORT]
        self.sent: list[dict[str, Any]] = []
        self.received: list[dict[str, Any]] = []
        self.loaded: Loaded | None = None
        """What the next test may use, if the page comes back to it."""
        self._heard: list[tuple[Any, Callable[[Any], None]]] = []
        self.hear("console", lambda said: self._note(said.type, said.text))
        self.hear("pageerror", lambda error: self._note("error", f"uncaught: {error}"))
        self.hear("websocket", self._listen_in)

    def hear(self, event: Any, listener: Callable[[Any], None]) -> None:
        """Have `listener` called with each of Playwright's events of this page, until the test
        is over: the page may be another test's then."""
        self._heard.append((event, listener))
        self.page.on(event, listener)

    def hear_no_more(self) -> None:
        """Nobody sits in front of it any longer."""
        for event, listener in self._heard:
            self.page.remove_listener(event, listener)
        self._heard.clear()

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def _listen_in(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: self.sent.append(json.loads(frame)))
        socket.on("framereceived", lambda frame: self.received.append(json.loads(frame)))

    def check_console(self) -> None:
        """Assert that the console holds nothing but what was to be expected."""
        pattern = re.compile("|".join(self.expected))
        unexpected = [text for text in self.complaints if not pattern.search(text)]
        assert not unexpected, f"the console of {self.name or 'a window'}: {unexpected}"

    # What there is to see

    def at(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def row(self, name: str) -> Locator:
        """A player's row in the lobby."""
        shown = self.page.locator(".player-name", has_text=re.compile(f"^{re.escape(name)}$"))
        return self.page.locator("#roster li").filter(has=shown)

    async def sees(self, name: str, status: str) -> None:
        """Wait until the lobby shows `name` with this status."""
        await expect(self.row(name)).to_have_attribute("data-status", status)

    async def does_not_see(self, name: str) -> None:
        """Wait until the lobby no longer shows `name`."""
        await expect(self.row(name)).to_have_count(0)

    async def is_at(self, view: str) -> None:
        """Wait for one of the views: loading, sign-in, lobby, signed-out."""
        await expect(self.at("body")).to_have_attribute("data-view", view)

    async def is_connected(self) -> None:
        """Wait until the lobby is there, and live."""
        await self.is_at("lobby")
        await expect(self.at("#connection")).to_have_attribute("data-state", "open")
        await expect(self.at("#roster li.is-own")).to_have_count(1)

    async def is_connected_again(self) -> None:
        """Wait until the page is live, whatever it shows."""
        await expect(self.at("#connection")).to_have_attribute("data-state", "open")

    async def is_warned(self) -> None:
        await expect(self.at("#warning")).to_be_visible()

    async def is_not_warned(self) -> None:
        await expect(self.at("#warning")).to_be_hidden()

    async def is_signed_out(self, reason: str) -> None:
        """Wait for the page that says so, and why."""
        await self.is_at("signed-out")
        await expect(self.at("#signed-out")).to_have_attribute("data-reason", reason)
        await expect(self.at("#signed-out-title")).to_be_visible()
        await expect(self.at("#signed-out-reason")).not_to_be_empty()

    async def hidden_width(self) -> int:
        """CSS pixels that can only be seen by scrolling sideways."""
        width = await self.page.evaluate(
            "() => [document.documentElement, document.querySelector('#warning')]"
            ".reduce((most, each) => Math.max(most, each.scrollWidth - each.clientWidth), 0)"
        )
        return int(width)

    async def is_accessible(self, exceptions: Mapping[str, str] | None = None) -> None:
        """Assert that axe-core finds nothing: see `axe.is_accessible`."""
        await axe.is_accessible(self.page, exceptions)

    # What the person does

    async def arrive(self) -> None:
        """Load the page."""
        await self.page.goto(self.url)

    async def enter(self, name: str) -> None:
        """Load the page and sign in as a guest, with the keyboard."""
        await self.arrive()
        await self.sign_in(name)

    async def sign_in(self, name: str) -> None:
        """Sign in as a guest, with the keyboard, in a page that is loaded."""
        await self.at("#name").fill(name)
        await self.page.keyboard.press("Enter")
        await self.is_connected()
        self.name = name

    async def touch(self) -> None:
        """Press a key that means nothing, and wait until the server has taken notice."""
        before = len(self.pongs)
        await self.page.keyboard.press("Shift")
        await until(lambda: len(self.pongs) > before)

    async def be_busy_elsewhere(self) -> None:
        """An activity of the same session that this page has no part in."""
        response = await self.page.request.post(f"{self.server.url}/api/session/activity")
        assert response.ok
        await response.dispose()

    # What passes between the page and the server

    @property
    def pings(self) -> list[dict[str, Any]]:
        return [message for message in self.sent if message["type"] == "ping"]

    @property
    def pongs(self) -> list[dict[str, Any]]:
        return [message for message in self.received if message["type"] == "pong"]

    @property
    def session(self) -> Session:
        """The server's own record of a guest's one session."""
        players = self.server.still_here.registry.players.values()
        (session,) = next(each for each in players if each.name == self.name).sessions
        return session


@dataclass(frozen=True, slots=True)
class Loaded:
    """A page that shows its sign-in form."""

    page: Page
    url: str
    state: str
    """See `_STATE`: what it was when it had been loaded."""


class Profile:
    """A browser that the next test uses again, as new, and its tabs with it: opening them takes
    longer than all else that happens in most of the tests.

    One of which a tab shows the sign-in form of a page that is loaded is `standing`: to load a
    page takes twice as long as to sign in. Other tabs, if there are any, are empty.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.standing: Loaded | None = None
        self._empty: list[Page] = []

    @classmethod
    async def open(cls, chromium: Browser, **options: Any) -> Self:
        context = await chromium.new_context(**options)
        context.set_default_timeout(TIMEOUT_MS)
        await context.add_init_script(_FIRST_SCRIPT)
        return cls(context)

    async def page(self) -> Page:
        """A tab that nothing has been done in."""
        return self._empty.pop() if self._empty else await self.context.new_page()

    async def clean(self, server: LiveServer, origins: Iterable[str]) -> bool:
        """Leave nothing of what was done in it; False if that cannot be."""
        await self.context.set_offline(False)
        used = [page for page in self.context.pages if page not in self._empty]
        if not used and not self._empty:
            return False
        try:
            async with asyncio.timeout(TIMEOUT_MS / 1000):
                for page in used:
                    await self._empty_out(page, server)
                await self.context.clear_cookies()
                await self._clear_storage(origins)
        except (Error, TimeoutError):  # a page that answers no more, or a server that is gone
            return False
        return True

    async def _clear_storage(self, origins: Iterable[str]) -> None:
        browser = await self.context.new_cdp_session(self._empty[0])
        for origin in origins:
            await browser.send(
                "Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"}
            )
        await browser.detach()

    async def keep_loaded(self, window: Window) -> bool:
        """Sign out whoever is signed in, so that the next player can use the page as it is; False
        if it is not as it was when it had been loaded."""
        page, loaded = window.page, window.loaded
        self.standing = None
        used = [each for each in self.context.pages if each not in self._empty]
        if loaded is None or used != [page]:
            return False
        try:
            async with asyncio.timeout(TIMEOUT_MS / 1000):
                await self.context.set_offline(False)
                await page.unroute_all(behavior="ignoreErrors")
                if not await page.evaluate(_SIGN_OUT):
                    return False
                await self.context.clear_cookies()
                await page.mouse.move(0, 0)
                if await page.evaluate(_STATE) != loaded.state:
                    return False
        except (Error, TimeoutError):  # a page that answers no more, or a server that is gone
            return False
        self.standing = loaded
        return True

    async def _empty_out(self, page: Page, server: LiveServer) -> None:
        await page.unroute_all(behavior="ignoreErrors")
        if page.url.startswith("http"):
            await page.evaluate("sessionStorage.clear()")
        # Not `about:blank`: to come from there a page needs a process of its own.
        await page.goto(f"{server.url}/static/favicon.svg")
        await page.mouse.move(0, 0)
        self._empty.append(page)


class _Idle:
    """The profiles that nobody uses, of one Chromium."""

    def __init__(self) -> None:
        self.empty: list[Profile] = []
        self.standing: list[Profile] = []

    def take_standing(self, url: str) -> Profile | None:
        """One with the page of the server at `url`."""
        for profile in self.standing:
            if profile.standing is not None and profile.standing.url == url:
                self.standing.remove(profile)
                return profile
        return None


_idle: WeakKeyDictionary[Browser, _Idle] = WeakKeyDictionary()


class Browsers:
    """The browsers of one test, each a profile of its own."""

    def __init__(self, chromium: Browser, server: LiveServer) -> None:
        self._chromium = chromium
        self._server = server
        self._idle = _idle.setdefault(chromium, _Idle())
        self._contexts: list[BrowserContext] = []
        self._profiles: dict[BrowserContext, Profile] = {}
        self._origins = {server.url}
        self._windows: list[Window] = []

    async def profile(
        self, *, has_clock: bool = False, script: str = "", **options: Any
    ) -> BrowserContext:
        """A browser nobody has used. `has_clock`: its clock can be moved ahead by the test, with
        `page.clock.fast_forward`, which lets each timer strike at most once. `script`: what runs
        in every page before the page's own does."""
        if not (has_clock or script or options):
            empty = self._idle.empty
            profile = empty.pop() if empty else await Profile.open(self._chromium)
            self._profiles[profile.context] = profile
            return profile.context
        context = (await Profile.open(self._chromium, **options)).context
        self._contexts.append(context)
        if script:
            await context.add_init_script(script)
        if has_clock:
            await context.clock.install()
        return context

    async def tab(self, context: BrowserContext, url: str = "") -> Window:
        """One more tab in a browser."""
        if url:
            self._origins.add(url)
        profile = self._profiles.get(context)
        page = await (context.new_page() if profile is None else profile.page())
        window = Window(page, self._server, url or self._server.url)
        self._windows.append(window)
        return window

    async def window(self, url: str = "", **options: Any) -> Window:
        """The one tab of a new browser, empty yet; `options` as for `profile`."""
        return await self.tab(await self.profile(**options), url)

    async def guest(self, name: str, **options: Any) -> Window:
        """Somebody new, who is in the lobby. Without `options`, in what `signed_out` gives."""
        if options:
            window = await self.window(**options)
            await window.enter(name)
        else:
            window = await self.signed_out()
            await window.sign_in(name)
        return window

    async def guests(self, *names: str, **options: Any) -> list[Window]:
        """As `guest`, several at the same time."""
        return await asyncio.gather(*(self.guest(name, **options) for name in names))

    async def of(self, visitor: Visitor) -> Window:
        """The browser of somebody who has signed in already, in the lobby."""
        window = await self.signed_out()
        window.name = visitor.name
        await window.page.context.add_cookies(
            [{"name": "session", "value": visitor.cookie, "url": self._server.url}]
        )
        # As when another tab has signed in.
        await window.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
        await window.is_connected()
        return window

    async def signed_out(self) -> Window:
        """A browser that shows the sign-in form, and has no other tab: in a page that may have
        been loaded, and used, before, so that a test that changes it by a script takes a `window`.
        """
        profile = self._idle.take_standing(self._server.url)
        if profile is None or profile.standing is None:
            window = await self.window()
            await window.arrive()
            await window.is_at("sign-in")
            state = await window.page.evaluate(_STATE)
            window.loaded = Loaded(window.page, window.url, state)
            return window
        window = Window(profile.standing.page, self._server, profile.standing.url)
        window.loaded = profile.standing
        self._profiles[profile.context] = profile
        self._windows.append(window)
        return window

    async def close(self) -> None:
        """Close all of them."""
        windows = {each.page.context: each for each in self._windows if each.loaded}
        for context, profile in self._profiles.items():
            if context in windows and await profile.keep_loaded(windows[context]):
                self._idle.standing.append(profile)
        for window in self._windows:
            if not window.page.is_closed():
                # Answered only when all is heard that it has said. A page that has crashed, or that
                # stands still, never answers, and must not hide why.
                with suppress(Error, TimeoutError):
                    async with asyncio.timeout(TIMEOUT_MS / 1000):
                        await window.page.evaluate("0")
            window.hear_no_more()
        for profile in self._profiles.values():
            if profile.standing is not None:
                continue
            if await profile.clean(self._server, self._origins):
                self._idle.empty.append(profile)
            else:
                self._contexts.append(profile.context)
        for context in self._contexts:
            await context.close()

    def check_consoles(self) -> None:
        """Assert that nothing but what was to be expected was complained of."""
        for window in self._windows:
            window.check_console()


@asynccontextmanager
async def open_browsers(chromium: Browser, server: LiveServer) -> AsyncIterator[Browsers]:
    """Browsers of people who want to play, whose consoles have to be clean in the end."""
    browsers = Browsers(chromium, server)
    try:
        yield browsers
    finally:
        await browsers.close()
    browsers.check_consoles()
