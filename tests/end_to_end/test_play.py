"""Two players in two windows play each game, disconnect, reconnect and claim."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect

from server.games.catalogue import find_games
from server.rooms.limits import Limits
from server.rooms.reading import ReadableMatch, ReadableRoom
from tests.support.answers import until
from tests.support.browser import UNREACHABLE, Window, open_browsers
from tests.support.cable import Cable, run_cable
from tests.support.invariants import InvariantViolated, Order
from tests.support.live_server import LiveServer
from tests.support.manual_clock import ManualClock
from tests.support.page_server import run_page_server
from tests.support.pictures import PROFILE, take_for_readme
from tests.support.tables import match_of, room_of

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LONGEST_PAUSE = 16_000
"""The longest pause in milliseconds before a page reconnects."""


class Couple:
    """Ada and Kim, who play one match after the other, because signing in takes longer than most
    matches. The clocks of their pages can be moved; Kim is connected through a cable. Both prefer
    reduced motion unless a test says otherwise: animations cost processor time."""

    def __init__(self, database: Path) -> None:
        self._database = database
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
        await self.ada.enter("Ada")
        await self.kim.enter("Kim")
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
            for button in ("#room-leave", "#leave-yes"):  # to be confirmed during a match
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


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def couples(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Couples]:
    couples = Couples(chromium, tmp_path_factory)
    yield couples
    await couples.close()


@pytest_asyncio.fixture(loop_scope="session")
async def couple(couples: Couples) -> AsyncIterator[Couple]:
    """Two players in the lobby."""
    yield await couples.get()
    await couples.part()


def banner(window: Window, name: str) -> Locator:
    """A banner of the page; `name` as in room-banners.js, without a number."""
    return window.at(f'#room-banners [data-banner^="{name}"]')


def seat_of(window: Window, name: str) -> Locator:
    shown = window.page.locator(".player-name", has_text=re.compile(f"^{name}$"))
    return window.at("#seat-list .seat").filter(has=shown)


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


async def cut_off(cable: Cable, window: Window) -> None:
    """Pull the cable, and wait until the server has noticed."""
    cable.pull()
    room = room_at(window)
    await until(
        lambda: all(
            seat.is_here == (player.name != window.name) for _, seat, player in room.taken()
        )
    )


async def can_be_used(*windows: Window) -> None:
    """The whole page is accessible, without scrolling sideways."""
    for window in windows:
        assert await window.hidden_width() == 0
        await window.is_accessible()


async def is_over_a_restart_what_it_was(couple: Couple) -> None:
    """After a restart of the server, the seats and the match are the same."""
    match = match_at(couple.ada)
    told = match.id, match.players, match.state
    await couple.restart()
    match = match_at(couple.ada)
    assert (match.id, match.players, match.state) == told
    await until(lambda: len(room_at(couple.ada).present()) == 2)
    for window in couple.windows:
        await expect(window.at("#seat-list .seat")).to_have_count(2)
        await expect(window.at("#board-stale")).to_be_hidden()


# Connect Four


async def begin_connect_four(ada: Window, kim: Window) -> tuple[Window, Window]:
    """Return the window whose turn it is, and the other."""
    await find_each_other("Connect Four", ada, kim)
    for window in (ada, kim):
        await expect(window.at(".connect-four .turn")).to_be_visible()
    first = match_at(ada).players[match_at(ada).waits_for[0]][1]
    return (ada, kim) if first == "Ada" else (kim, ada)


async def is_to_move(window: Window) -> None:
    """Wait until the page lets its player choose a column."""
    # Before the last disc is drawn, the page shows the state before it, when it also was its turn.
    discs = sum(map(len, match_at(window).state.columns))
    await expect(window.at(".connect-four .discs > g")).to_have_count(discs)
    await expect(window.at(".connect-four .turn")).to_have_attribute("data-state", "own")


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


async def test_connect_four_is_played_to_the_end_and_again_over_a_restart(couple: Couple) -> None:
    ada, kim = couple.windows
    await ada.page.emulate_media(reduced_motion="no-preference")
    mover, other = await begin_connect_four(ada, kim)
    await can_be_used(mover)
    await expect(other.at(".connect-four .turn")).to_have_attribute("data-state", "waits")
    await expect(other.at(".seat-clock:visible")).to_have_count(1)
    # The keys of the rules work at once, before any click.
    await drop(mover, 3)
    await other.at(".connect-four .column").nth(0).click()
    await until(lambda: len(match_at(other).state.columns[0]) == 1)
    for _ in range(2):
        await drop(mover, 3)
        await drop(other, 0)
    # The last one as a screen reader does it; a column that cannot be chosen takes no focus.
    await is_to_move(mover)
    await mover.at(".connect-four .column").nth(3).focus()
    await mover.page.keyboard.press("Enter")
    for window in (mover, other):
        await expect(window.at(".connect-four .turn")).to_have_attribute(
            "data-state", re.compile("won|over|lost")
        )
    await expect(banner(mover, "outcome")).to_contain_text("You win")
    await expect(banner(other, "outcome")).to_contain_text(f"{mover.name} wins")
    await ada.page.emulate_media(reduced_motion="reduce")
    for window in (mover, other):
        # The winner is named only above the board.
        await expect(window.at(".connect-four .turn")).to_have_text("Four in a row.")
    await can_be_used(mover, other)
    for window in (mover, other):
        await banner(window, "outcome").get_by_role("button").click()
    for window in (mover, other):
        await expect(banner(window, "outcome")).to_have_count(0)
    assert match_at(ada).ordinal == 2

    await is_over_a_restart_what_it_was(couple)
    turn = match_at(ada).waits_for[0]
    await drop(ada if match_at(ada).players[turn][1] == "Ada" else kim, 2)

    # After a room opened by a link, the big buttons are there again.
    await ada.page.reload()
    await expect(ada.at("#room-title")).to_have_text("Connect Four")
    await ada.at("#room-leave").click()
    await ada.at("#leave-yes").click()
    await expect(ada.at("#quick-games .game-tile")).to_have_count(len(find_games()))
    await expect(ada.at("#quick-games .game-tile").first).to_be_visible()


async def test_a_dropped_player_may_return_or_be_claimed_against(couple: Couple) -> None:
    (ada, kim), lobby, cable = couple.windows, couple.lobby, couple.cable
    kim.expected += [UNREACHABLE, "WebSocket"]
    mover, _ = await begin_connect_four(ada, kim)
    if mover is ada:
        await drop(ada, 3, kim)
    await cut_off(cable, kim)
    await lobby.advance(4)
    await expect(banner(ada, "absent")).to_have_count(0)
    await lobby.advance(2)
    await expect(banner(ada, "absent")).to_contain_text("Kim")
    await can_be_used(ada)
    await couple.plug()
    await expect(banner(ada, "absent")).to_have_count(0)
    for columns in [(0, 3), (2, 2), (4, 4)]:
        for window, column in zip((kim, ada), columns, strict=True):
            await drop(window, column)

    await cut_off(cable, kim)
    await lobby.advance(9)
    await expect(banner(ada, "absent")).to_contain_text("Kim")
    await take_for_readme(ada.page, "connect-four")
    await lobby.advance(20)
    await expect(banner(ada, "claim")).to_have_count(0)
    await lobby.advance(2)
    await banner(ada, "claim").get_by_role("button", name="Claim the win").click()
    await expect(banner(ada, "outcome")).to_contain_text("You win")
    await couple.plug()


async def test_be_right_back_pauses_the_match_and_silence_forfeits_it(couple: Couple) -> None:
    """Any activity answers "are you there?"."""
    windows, lobby = couple.windows, couple.lobby
    other, mover = await begin_connect_four(*windows)
    await other.at("#room-brb-for").select_option("120")
    await other.at("#room-brb").click()
    await expect(banner(other, "brb")).to_be_visible()
    await expect(seat_of(mover, other.name)).to_contain_text("back")
    await lobby.advance(100)
    await expect(banner(mover, "outcome")).to_have_count(0)
    await drop(other, 3)
    await expect(banner(other, "brb")).to_have_count(0)
    await expect(other.at("#room-brb-left")).to_contain_text("1:20")

    ask = seat_of(other, mover.name).locator(".seat-ask")
    await expect(ask).to_be_hidden()
    await lobby.advance(11)
    await other.page.clock.fast_forward(11_000)
    await ask.click()
    await expect(banner(mover, "asked")).to_contain_text(other.name)
    await can_be_used(mover)
    # Not by mouse: moving it answers as well, and the button is removed before the click.
    await banner(mover, "asked").get_by_role("button").press("Enter")
    await expect(banner(mover, "asked")).to_have_count(0)
    for wait in (30, 25):  # a player is asked at most once a minute
        await lobby.advance(wait)
        await drop(mover, 3)
        await drop(other, 2)
    await lobby.advance(11)
    for window in windows:
        await window.page.clock.fast_forward(66_000)
    await ask.click()
    await expect(banner(mover, "asked")).to_be_visible()
    await lobby.advance(31)
    await expect(banner(other, "outcome")).to_contain_text("You win")
    await expect(banner(mover, "outcome")).to_contain_text(f"{other.name} wins")


# Snake arena

FRAMES_ASKED_FOR = """
() => new Promise((resolve) => {
  let count = 0;
  const request = window.requestAnimationFrame;
  window.requestAnimationFrame = (draw) => { count += 1; return request(draw); };
  setTimeout(() => { window.requestAnimationFrame = request; resolve(count); }, 500);
})
"""
"""Frames that the page requests in half a second."""


async def test_the_snake_arena_is_steered_by_present_players_and_bots_for_absent_ones(
    couple: Couple,
) -> None:
    ada, kim = couple.windows
    host, other = await begin_with_the_host("Snake arena", couple)
    for window in (ada, kim):
        await expect(window.at("#board canvas")).to_be_visible()
        # The six seconds for driving straight on are not counted down.
        await expect(window.at(".seat-clock:visible")).to_have_count(0)
    await can_be_used(ada)
    # With reduced motion, only the clock is drawn between two ticks.
    assert await kim.page.evaluate(FRAMES_ASKED_FOR) <= 5
    await ada.page.emulate_media(reduced_motion="no-preference")
    await couple.lobby.advance(3.05)
    match = match_at(ada)
    seat = room_at(ada).seat_of(host.session.player.id)
    assert seat is not None
    for heading in ("down", "right", "up", "left"):
        await host.page.keyboard.press(f"Arrow{heading.title()}")
        await until(lambda: match.state.snakes[seat].turns == (heading,))  # noqa: B023
        await couple.lobby.advance(1.0)
        assert match.state.snakes[seat].heading == heading
    await ada.page.emulate_media(reduced_motion="reduce")

    # The other player does nothing: a bot steers, until they are active.
    await expect(seat_of(host, other.name)).to_contain_text("Bot")
    await expect(banner(other, "bot")).to_be_visible()
    await take_for_readme(host.page, "snake-arena")
    is_level = match.state.snakes[1 - seat].heading in ("left", "right")
    await other.page.keyboard.press("ArrowUp" if is_level else "ArrowLeft")
    await expect(banner(other, "bot")).to_have_count(0)

    await is_over_a_restart_what_it_was(couple)
    for window in (ada, kim):
        await window.touch()  # otherwise they would be asked "are you there?"
    await couple.lobby.advance(200)
    for window in (ada, kim):
        await expect(banner(window, "outcome")).to_be_visible()
    await can_be_used(kim)


# Trivia round


async def answer(window: Window, choice: int) -> None:
    await window.at(".trivia-choice").nth(choice).click()


async def test_a_trivia_round_does_not_wait_for_a_gone_player(couple: Couple) -> None:
    (ada, kim), cable = couple.windows, couple.cable
    kim.expected += [UNREACHABLE, "WebSocket"]
    await begin_with_the_host("Trivia round", couple)
    for window in (ada, kim):
        await expect(window.at(".trivia-choice")).to_have_count(4)
    await can_be_used(ada)
    await is_over_a_restart_what_it_was(couple)
    match, lobby = match_at(ada), couple.lobby
    await lobby.advance(Limits().restart_pause)
    right = match.state.questions[match.state.asked].order.index(0)
    await answer(ada, right)
    await answer(kim, (right + 1) % 4)
    await until(lambda: match.waits_for == ())
    for window in (ada, kim):
        await expect(window.at("#board")).to_contain_text("Right")
    await take_for_readme(ada.page, "trivia-round")
    await lobby.advance(5.1)

    await cut_off(cable, kim)
    await answer(ada, 2)
    await lobby.advance(25.1)
    await couple.plug()
    for window in (ada, kim):
        await expect(window.at(".trivia-choice")).to_have_count(4)
    await answer(kim, 0)
    await answer(ada, 0)
    await until(lambda: match.waits_for == ())
    for _ in range(6):
        await lobby.advance(5.1)
        await answer(ada, 3)
        await lobby.advance(20.1)
        if match.outcome is not None:
            break
    await lobby.advance(5.1)
    for window in (ada, kim):
        await expect(banner(window, "outcome")).to_be_visible()
    await can_be_used(kim)
