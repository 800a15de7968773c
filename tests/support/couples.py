"""Two players in two windows, who find each other and play."""

import re
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, expect

from server.rooms.limits import Limits
from server.rooms.reading import ReadableMatch, ReadableRoom
from tests.support.answers import until
from tests.support.browser import UNREACHABLE, Window, open_browsers
from tests.support.cable import Cable, run_cable
from tests.support.invariants import InvariantViolated, Order
from tests.support.live_server import LiveServer
from tests.support.manual_clock import ManualClock
from tests.support.page_server import run_page_server
from tests.support.pictures import PROFILE
from tests.support.tables import match_of, room_of

LONGEST_PAUSE = 16_000
"""The longest pause in milliseconds before a page reconnects."""


class Couple:
    """Ada and Kim, or two of other names, who play one match after the other, because signing in
    takes longer than most matches. The clocks of their pages can be moved; Kim is connected through
    a cable. Both prefer reduced motion unless a test says otherwise: animations cost processor
    time."""

    def __init__(self, database: Path, names: tuple[str, str] = ("Ada", "Kim")) -> None:
        self._database = database
        self._names = names
        self._running = AsyncExitStack()  # the server
        self._broken: list[InvariantViolated] = []
        self.lobby: LiveServer
        self.cable: Cable
        self.ada: Window
        self.kim: Window

    @property
    def windows(self) -> tuple[Window, Window]:
        return self.ada, self.kim

    async def meet(self, chromium: Browser, stack: AsyncExitStack) -> None:
        """Sign both in on a server of their own, until `stack` is closed."""
        await stack.enter_async_context(self._running)
        await self._serve()
        self.cable = await stack.enter_async_context(run_cable(self.lobby.port))
        browsers = await stack.enter_async_context(open_browsers(chromium, self.lobby))
        options = PROFILE | {"has_clock": True, "reduced_motion": "reduce"}
        self.ada = await browsers.window(**options)
        self.kim = await browsers.window(self.cable.url, **options)
        for window, name in zip(self.windows, self._names, strict=True):
            await window.enter(name)
        self._expected = list(self.ada.expected)

    async def _serve(self, clock: ManualClock | None = None, port: int = 0) -> None:
        self.lobby = await self._running.enter_async_context(
            run_page_server(self._database, clock, **({"port": port} if port else {}))
        )
        self.lobby.still_here.stream.subscribe(Order(self._broken.append).hear)

    async def restart(self) -> None:
        """Stop the server until both pages have noticed, and start it a minute later; both
        reconnect."""
        clock, port = ManualClock(self.lobby.clock.now() + 60), self.lobby.port
        for window in self.windows:
            window.expected += [UNREACHABLE, "WebSocket"]
        await self._running.aclose()
        for window in self.windows:
            await expect(window.at("#connection")).to_have_attribute("data-state", "reconnecting")
        await self._serve(clock, port)
        for window in self.windows:
            window.server = self.lobby
            await window.page.clock.fast_forward(LONGEST_PAUSE)
            await window.is_connected_again()

    async def plug(self) -> None:
        """Plug Kim's cable in again, and wait until the page has reconnected."""
        self.cable.plug()
        await self.kim.page.clock.fast_forward(LONGEST_PAUSE)
        await self.kim.is_connected_again()

    async def part(self) -> None:
        """Leave the room, so that it is removed. Raise any errors of the pages and the event
        order."""
        for window in self.windows:
            # In the menu, once there is a board, and to be confirmed during a match.
            for button in ("#room-more", "#room-leave", "#leave-yes"):
                if await window.at(button).is_visible():
                    await window.at(button).click()
            await window.at("[data-section=lobby-section]").click()
        await until(
            lambda: not any(room.present() for room in self.lobby.still_here.rooms.all.values())
        )
        await self.lobby.advance(Limits().empty_after + 1)
        await until(lambda: not self.lobby.still_here.rooms.all)
        for window in self.windows:
            await window.page.evaluate("0")  # answered after all earlier events
            window.check_console()
            window.complaints.clear()
            window.expected[:] = self._expected
        if self._broken:
            raise self._broken[0]


class Couples:
    """One couple, replaced after a test that failed."""

    def __init__(self, chromium: Browser, folders: pytest.TempPathFactory) -> None:
        self._chromium = chromium
        self._folders = folders
        self._couple: Couple | None = None
        self._stack = AsyncExitStack()

    async def get(self) -> Couple:
        if self._couple is None:
            self._couple = Couple(self._folders.mktemp("couple") / "test.db")
            await self._couple.meet(self._chromium, self._stack)
        return self._couple

    async def part(self) -> None:
        """End the test."""
        assert self._couple is not None
        try:
            await self._couple.part()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        self._couple = None
        await self._stack.aclose()


def banner(window: Window, name: str) -> Locator:
    """A banner of the page; `name` as in room-banners.js, without a number."""
    return window.at(f'#room-banners [data-banner^="{name}"]')


def seat_of(window: Window, name: str) -> Locator:
    shown = window.page.locator(".player-name", has_text=re.compile(f"^{name}$"))
    return window.at("#seat-list .seat").filter(has=shown)


def chip_of(window: Window, name: str) -> Locator:
    """A player over the board."""
    shown = window.page.locator(".chip-name", has_text=re.compile(f"^{name}$"))
    return window.at("#strip .player-chip").filter(has=shown)


def room_at(window: Window) -> ReadableRoom:
    return room_of(window.server, window.session.player.id)


def match_at(window: Window) -> ReadableMatch:
    return match_of(window.server, window.session.player.id)


async def find_each_other(game: str, *windows: Window) -> None:
    """Use the big button of the game, in the lobby."""
    for window in windows:
        await window.page.get_by_role("button", name=re.compile(f"^{game}")).first.click()
    for window in windows:
        await expect(window.at("#room-title")).to_have_text(game)
        await expect(window.at("#seat-list .seat")).to_have_count(len(windows))


async def begin_with_the_host(game: str, couple: Couple) -> tuple[Window, Window]:
    """A match that is begun by a button; return the window that has it, and the other."""
    ada, kim = couple.windows
    await find_each_other(game, ada, kim)
    is_host = room_at(ada).host == ada.session.player.id
    host, other = (ada, kim) if is_host else (kim, ada)
    await expect(banner(other, "host")).to_contain_text(host.name)
    await banner(host, "start").get_by_role("button", name="Begin the match").click()
    return host, other


async def begin_connect_four(ada: Window, kim: Window) -> tuple[Window, Window]:
    """Return the window whose turn it is, and the other."""
    await find_each_other("Connect Four", ada, kim)
    for window in (ada, kim):
        await expect(window.at(".turn")).to_be_visible()
    first = match_at(ada).players[match_at(ada).waits_for[0]][1]
    return (ada, kim) if first == ada.name else (kim, ada)


async def is_to_move(window: Window) -> None:
    """Wait until the page lets its player choose a column."""
    # Before the last disc is drawn, the page shows the state before it, when it also was its turn.
    discs = sum(map(len, match_at(window).state.columns))
    await expect(window.at(".connect-four .discs > g")).to_have_count(discs)
    await expect(window.at(".turn")).to_have_attribute("data-state", "own")


async def drop(window: Window, column: int, *watching: Window) -> None:
    """Drop a disc by key, as the rules say; every watching page shows it."""
    moves = len(match_at(window).state.columns[column])
    await is_to_move(window)
    await window.page.keyboard.press(f"{column + 1}")
    await until(lambda: len(match_at(window).state.columns[column]) == moves + 1)
    for each in watching:
        label = re.compile(rf"^Column {column + 1}\b")
        await expect(each.at(".connect-four .column").nth(column)).to_have_attribute(
            "aria-label", label
        )
