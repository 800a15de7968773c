"""A real Chromium: its windows, what players do and see in them, and its console."""

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

# What Playwright disables, because of two such flags a browser uses the last. And the two pages
# that each window preloads for its address bar: they cost a third of a window.
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
"""For changes that should come at once, on a busy machine."""

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_SHELL = "chromium-headless-shell"

# The browser logs this when a call is refused, as tests expect.
_REFUSED = r"Failed to load resource: the server responded with a status of (401|409|422) "
# And this if a test ends, or a page reloads, before its socket is open.
_CUT_SHORT = r"WebSocket is closed before the connection is established"
UNREACHABLE = r"net::ERR_|Connection closed before receiving a handshake response"
"""Errors to expect when the network or the server is taken away."""

_FIRST_SCRIPT = """
addEventListener('securitypolicyviolation', (event) => {
  console.error(`CSP violation: ${event.violatedDirective} ${event.blockedURI}`);
});
"""

# Signs out in place, as a player does, and clears the name and the length of the break, which a
# page keeps. Returns false if that is not possible.
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

# The state that must be as it was after loading, before another player uses the page.
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
    """A whole browser, whose tabs hide each other. Raises AssertionError with advice if there is
    none."""
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
    """The same engine without a browser's windows, for two thirds of the CPU time: the one that
    `scripts/test` found, or an installed one unless STILLHERE_CHROMIUM names the browser. Without
    one, the whole browser."""
    if "STILLHERE_CHROMIUM" in os.environ:
        found = os.environ.get("STILLHERE_HEADLESS_SHELL")
    else:
        found = shutil.which(_SHELL)
    return found or find_chromium()


@asynccontextmanager
async def run_chromium() -> AsyncIterator[Browser]:
    """Run a browser without a window until the context ends."""
    executable = find_headless_shell()
    expect.set_options(timeout=TIMEOUT_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


class Window:
    """A tab with the page, and its user."""

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
        """The page, if the next test may use it."""
        self._heard: list[tuple[Any, Callable[[Any], None]]] = []
        self.hear("console", lambda said: self._note(said.type, said.text))
        self.hear("pageerror", lambda error: self._note("error", f"uncaught: {error}"))
        self.hear("websocket", self._listen_in)

    def hear(self, event: Any, listener: Callable[[Any], None]) -> None:
        """Call `listener` with each of Playwright's events of this page, until the test is over:
        another test may use the page after that."""
        self._heard.append((event, listener))
        self.page.on(event, listener)

    def hear_no_more(self) -> None:
        """Remove the listeners."""
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
        """Assert that the console has only expected messages."""
        pattern = re.compile("|".join(self.expected))
        unexpected = [text for text in self.complaints if not pattern.search(text)]
        assert not unexpected, f"the console of {self.name or 'a window'}: {unexpected}"

    # What it shows

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
        """Wait until the lobby is shown, and connected."""
        await self.is_at("lobby")
        await expect(self.at("#connection")).to_have_attribute("data-state", "open")
        await expect(self.at("#roster li.is-own")).to_have_count(1)

    async def is_connected_again(self) -> None:
        """Wait until the page is connected, in any view."""
        await expect(self.at("#connection")).to_have_attribute("data-state", "open")

    async def is_warned(self) -> None:
        await expect(self.at("#warning")).to_be_visible()

    async def is_not_warned(self) -> None:
        await expect(self.at("#warning")).to_be_hidden()

    async def is_signed_out(self, reason: str) -> None:
        """Wait until the page shows the sign-out and its reason."""
        await self.is_at("signed-out")
        await expect(self.at("#signed-out")).to_have_attribute("data-reason", reason)
        await expect(self.at("#signed-out-title")).to_be_visible()
        await expect(self.at("#signed-out-reason")).not_to_be_empty()

    async def hidden_width(self) -> int:
        """CSS pixels that are visible only after scrolling sideways."""
        width = await self.page.evaluate(
            "() => [document.documentElement, document.querySelector('#warning')]"
            ".reduce((most, each) => Math.max(most, each.scrollWidth - each.clientWidth), 0)"
        )
        return int(width)

    async def is_accessible(self, exceptions: Mapping[str, str] | None = None) -> None:
        """Assert that axe-core finds nothing; see `axe.is_accessible`."""
        await axe.is_accessible(self.page, exceptions)

    # What its user does

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
        """Press a key without a meaning, and wait until the server has noticed."""
        before = len(self.pongs)
        await self.page.keyboard.press("Shift")
        await until(lambda: len(self.pongs) > before)

    async def be_busy_elsewhere(self) -> None:
        """An activity of the same session outside of this page."""
        response = await self.page.request.post(f"{self.server.url}/api/session/activity")
        assert response.ok
        await response.dispose()

    # Messages between the page and the server

    @property
    def pings(self) -> list[dict[str, Any]]:
        return [message for message in self.sent if message["type"] == "ping"]

    @property
    def pongs(self) -> list[dict[str, Any]]:
        return [message for message in self.received if message["type"] == "pong"]

    @property
    def session(self) -> Session:
        """The server's own record of a guest's only session."""
        players = self.server.still_here.registry.players.values()
        (session,) = next(each for each in players if each.name == self.name).sessions
        return session


@dataclass(frozen=True, slots=True)
class Loaded:
    """A page that shows its sign-in form."""

    page: Page
    url: str
    state: str
    """See `_STATE`: its value after loading."""


class Profile:
    """A browser that the next test uses again, reset, with its tabs: opening them takes longer than
    most of the tests.

    If a tab shows the sign-in form of a loaded page, it is `standing`: loading a page takes twice
    as long as signing in. All other tabs are empty.
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
        """An unused tab."""
        return self._empty.pop() if self._empty else await self.context.new_page()

    async def clean(self, server: LiveServer, origins: Iterable[str]) -> bool:
        """Reset everything; return False if that is not possible."""
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
        except (Error, TimeoutError):  # no answer from the page or the server
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
        """Sign out, so that the next player can use the page as it is; return False if it is not as
        it was after loading."""
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
        except (Error, TimeoutError):  # no answer from the page or the server
            return False
        self.standing = loaded
        return True

    async def _empty_out(self, page: Page, server: LiveServer) -> None:
        await page.unroute_all(behavior="ignoreErrors")
        if page.url.startswith("http"):
            await page.evaluate("sessionStorage.clear()")
        # Not `about:blank`: the next page would need a new process.
        await page.goto(f"{server.url}/static/favicon.svg")
        await page.mouse.move(0, 0)
        self._empty.append(page)


class _Idle:
    """The unused profiles of a Chromium."""

    def __init__(self) -> None:
        self.empty: list[Profile] = []
        self.standing: list[Profile] = []

    def take_standing(self, url: str) -> Profile | None:
        """A profile with the page of the server at `url`."""
        for profile in self.standing:
            if profile.standing is not None and profile.standing.url == url:
                self.standing.remove(profile)
                return profile
        return None


_idle: WeakKeyDictionary[Browser, _Idle] = WeakKeyDictionary()


class Browsers:
    """The browsers of one test, each with a profile of its own."""

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
        """A new browser. If `has_clock`, the test can move its clock ahead with
        `page.clock.fast_forward`, which fires each timer at most once. `script` runs in every page
        before the page's own."""
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
        """Another tab in a browser."""
        if url:
            self._origins.add(url)
        profile = self._profiles.get(context)
        page = await (context.new_page() if profile is None else profile.page())
        window = Window(page, self._server, url or self._server.url)
        self._windows.append(window)
        return window

    async def window(self, url: str = "", **options: Any) -> Window:
        """The only tab of a new browser, still empty; `options` as for `profile`."""
        return await self.tab(await self.profile(**options), url)

    async def guest(self, name: str, **options: Any) -> Window:
        """A new guest in the lobby. Without `options`, in a window from `signed_out`."""
        if options:
            window = await self.window(**options)
            await window.enter(name)
        else:
            window = await self.signed_out()
            await window.sign_in(name)
        return window

    async def guests(self, *names: str, **options: Any) -> list[Window]:
        """Several, as `guest` makes them, at the same time."""
        return await asyncio.gather(*(self.guest(name, **options) for name in names))

    async def of(self, visitor: Visitor) -> Window:
        """The browser of a player who is signed in already, in the lobby."""
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
        """A browser with only the sign-in form. Other tests may have used the page before, so a
        test that changes it by a script takes a `window`.
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
                # Answered after all earlier events. A page that crashed or hangs never answers,
                # which must not hide the cause.
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
        """Assert that the consoles have only expected messages."""
        for window in self._windows:
            window.check_console()


@asynccontextmanager
async def open_browsers(chromium: Browser, server: LiveServer) -> AsyncIterator[Browsers]:
    """Browsers of players, whose consoles are checked at the end."""
    browsers = Browsers(chromium, server)
    try:
        yield browsers
    finally:
        await browsers.close()
    browsers.check_consoles()
