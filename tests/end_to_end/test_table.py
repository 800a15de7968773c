"""A match on the screens of players: all of it is in sight, and nothing of it moves."""

import re
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.async_api import Browser, expect

from server.games.trivia_round import QUESTIONS
from server.rooms.limits import Limits
from tests.support.answers import until
from tests.support.browser import UNREACHABLE, Window
from tests.support.couples import (
    Couple,
    banner,
    begin_connect_four,
    begin_with_the_host,
    chip_of,
    drop,
    is_to_move,
    match_at,
    room_at,
)
from tests.support.screens import Screen

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PHONE = Screen("phone", 412, 839, "light", is_phone=True, is_calm=True)
DESK = Screen("desk", 1280, 800, "light", is_calm=True)
SCREENS = [
    Screen("small-phone", 360, 640, "light", is_phone=True, is_calm=True),
    PHONE,
    Screen("phone-on-its-side", 863, 360, "light", is_phone=True, is_calm=True),
    DESK,
    Screen("laptop", 1366, 650, "light", is_calm=True),
]
LANGUAGES = ("en", "es", "zh")
LONG_NAMES = ("W" * 40, "\u6c34" * 40)

SPEAK = """
async (code) => {
  const choice = document.getElementById('language');
  choice.value = code;
  choice.dispatchEvent(new Event('change'));
  while (!document.documentElement.lang.startsWith(code)) await new Promise(requestAnimationFrame);
}
"""

FITS = """
async ({ question, choice }) => {
  const shown = document.querySelector('.trivia-question');
  if (shown !== null) {
    shown.textContent = question;
    for (const each of document.querySelectorAll('.trivia-text')) each.textContent = choice;
  }
  await new Promise(requestAnimationFrame);
  const problems = [];
  const root = document.documentElement;
  if (root.scrollHeight > innerHeight) problems.push(`the page is ${root.scrollHeight} high`);
  if (root.scrollWidth > innerWidth) problems.push(`the page is ${root.scrollWidth} wide`);
  const boxOf = (selector) => document.querySelector(selector).getBoundingClientRect();
  const bar = boxOf('#room-head');
  if (bar.height !== 44) problems.push(`the bar is ${bar.height} high`);
  const place = boxOf('#board');
  const share = place.width * place.height / innerWidth / innerHeight;
  if (share < .55) problems.push(`the board has ${share} of the screen`);
  const board = boxOf('.picture, .snake-board, .trivia-card');
  const filled = Math.max(board.width / place.width, board.height / place.height);
  if (filled < .98) problems.push(`the board fills ${filled} of its place`);
  const controls = '#board button, #room-head :is(a, button), .player-chip, .player-chip button';
  const parts = [...document.querySelectorAll(`${controls}, .trivia-question, .snake-board`)]
    .filter((each) => each.checkVisibility({ visibilityProperty: true }));
  for (const part of parts) {
    const { left, top, right, bottom, width, height } = part.getBoundingClientRect();
    const name = `${part.className || part.id} ${part.textContent}`;
    if (left < 0 || top < 0 || right > innerWidth + .5 || bottom > innerHeight + .5) {
      problems.push(`${name} is at ${[left, top, right, bottom]}`);
    }
    const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    if (hit !== part && !part.contains(hit)) problems.push(`${name} is behind ${hit?.className}`);
    if (part.scrollHeight > part.clientHeight + 1 && part.matches('.trivia-question')) {
      problems.push(`${name} is cut off`);
    }
    // Seven columns of 44 px are wider than what a phone on its side is high.
    const least = part.matches('.column') ? 40 : 44;
    if (part.matches('a, button') && Math.min(width, height) + .5 < least) {
      problems.push(`${name} is ${width} by ${height}`);
    }
  }
  return [parts.length, problems];
}
"""
"""How many parts of a match are shown, and what is wrong with them. The longest question and
choice, if there are any, are put in the place of the present ones."""

WATCH = """
() => {
  const steady = window.steady = { seen: 0, problems: [] };
  const nameOf = (node) => node?.id || node?.className || node?.parentElement?.className || 'what';
  const isLine = (node) => (node?.closest ? node : node?.parentElement)?.closest('#chat-log');
  new PerformanceObserver((list) => {
    for (const { value, sources } of list.getEntries()) {
      const nodes = sources.map(({ node }) => node).filter((node) => !isLine(node));
      if (nodes.length > 0) steady.problems.push(`${nodes.map(nameOf)} shifted by ${value}`);
    }
  }).observe({ type: 'layout-shift' });
  const parts = '#board, #board *, #room-head *, .player-chip, #chat-form *, #room-line';
  const places = new WeakMap();
  const look = () => {
    for (const part of document.querySelectorAll(parts)) {
      if (!part.matches('div, button, canvas, h2, p, svg, input, li, a')) continue;
      if (part.closest('#room-menu, .is-over, .trivia-result') || !part.checkVisibility()) continue;
      const { x, y, width, height } = part.getBoundingClientRect();
      const place = [x, y, width, height].map((each) => each.toFixed(1)).join();
      const known = places.get(part) ?? place;
      if (known !== place) steady.problems.push(`${nameOf(part)} moved from ${known} to ${place}`);
      places.set(part, place);
      steady.seen += 1;
    }
    requestAnimationFrame(look);
  };
  look();
}
"""
"""Watches the places of all that a match shows. The lines of the chat scroll, and the result of a
match takes the place of its last question."""


async def show(window: Window, screen: Screen) -> None:
    page = window.page
    if screen.is_phone:
        await screen.show(page, await page.context.new_cdp_session(page))
    else:  # as it is: Chromium has no mouse any more once touches have been emulated
        await page.set_viewport_size({"width": screen.width, "height": screen.height})


async def watch(*windows: Window) -> None:
    for window in windows:
        await window.page.evaluate(WATCH)


async def stood_still(*windows: Window) -> None:
    for window in windows:
        await window.page.evaluate("() => new Promise(requestAnimationFrame)")
        steady = await window.page.evaluate("window.steady")
        assert steady["seen"] > 100
        assert steady["problems"] == [], "\n".join([window.name, *steady["problems"]])


def longest_words(code: str) -> dict[str, str]:
    words = [msgspec.structs.asdict(question)[code] for question in QUESTIONS]
    return {
        "question": max((question for question, *_ in words), key=len),
        "choice": max((choice for _, *choices in words for choice in choices), key=len),
    }


@pytest.mark.parametrize("game", ["Connect Four", "Snake arena", "Trivia round"])
async def test_all_of_a_match_is_on_the_first_screen(
    chromium: Browser, tmp_path: Path, game: str
) -> None:
    couple = Couple(tmp_path / "test.db", LONG_NAMES)
    async with AsyncExitStack() as stack:
        await couple.meet(chromium, stack)
        if game == "Connect Four":
            await begin_connect_four(*couple.windows)
        else:
            await begin_with_the_host(game, couple)
        problems: list[Any] = []
        for screen in SCREENS:
            window = couple.ada if screen.is_phone else couple.kim
            page = window.page
            await expect(window.at("#strip .player-chip")).to_have_count(2)
            await show(window, screen)
            for code in LANGUAGES:
                await page.evaluate(SPEAK, code)
                count, found = await page.evaluate(FITS, longest_words(code))
                assert count >= 5
                problems += [(screen.name, code, each) for each in found]
        assert problems == [], "\n".join(map(str, problems))


async def test_nothing_moves_in_a_match_of_connect_four(couple: Couple) -> None:
    lobby, cable = couple.lobby, couple.cable
    await show(couple.ada, PHONE)
    await show(couple.kim, DESK)
    mover, other = await begin_connect_four(*couple.windows)
    await watch(mover, other)
    await drop(mover, 3)
    await drop(other, 0)
    await lobby.advance(11)
    for window in couple.windows:
        await window.page.clock.fast_forward(11_000)
    await chip_of(other, mover.name).locator(".chip-ask").click()
    await expect(banner(mover, "asked")).to_be_visible()
    await drop(mover, 3, other)
    await expect(banner(mover, "asked")).to_have_count(0)
    await mover.at("#room-more").click()
    await mover.at("#room-brb").click()
    await expect(banner(mover, "brb")).to_be_visible()
    await drop(other, 0, mover)
    await banner(mover, "brb").get_by_role("button").press("Enter")
    await expect(banner(mover, "brb")).to_have_count(0)
    for number in range(8):
        await couple.kim.at("#chat-text").fill(f"Line {number}")
        await couple.kim.page.keyboard.press("Enter")
    await expect(couple.kim.at("#chat-error")).not_to_be_empty()
    await expect(couple.ada.at("#chat-unread")).to_have_text(re.compile(r"\d"))
    await couple.kim.page.evaluate("() => document.activeElement.blur()")
    if mover is couple.ada:
        await drop(mover, 3)
        await is_to_move(other)
    couple.kim.expected += [UNREACHABLE, "WebSocket"]
    cable.pull()
    await until(lambda: len(room_at(couple.ada).present()) == 1)
    await lobby.advance(9)
    await expect(banner(couple.ada, "absent")).to_be_visible()
    await lobby.advance(22)
    await expect(banner(couple.ada, "claim")).to_be_visible()
    await couple.plug()
    await expect(banner(couple.ada, "claim")).to_have_count(0)
    turns = (couple.kim, couple.ada)
    for number in range(7):
        if match_at(couple.ada).outcome is not None:
            break
        await drop(turns[number % 2], 5 + number % 2, turns[1 - number % 2])
    for window in couple.windows:
        await expect(banner(window, "outcome")).to_be_visible()
    await banner(couple.kim, "outcome").get_by_role("button").press("Enter")
    await expect(banner(couple.ada, "outcome")).to_contain_text("wants a rematch")
    await stood_still(*couple.windows)


async def test_nothing_moves_in_a_match_of_snake(couple: Couple) -> None:
    await show(couple.ada, PHONE)
    await show(couple.kim, DESK)
    await begin_with_the_host("Snake arena", couple)
    ada, kim = couple.windows
    for window in couple.windows:
        await expect(window.at("#board canvas")).to_be_visible()
    await watch(ada, kim)
    await couple.lobby.advance(9.5)
    await expect(banner(ada, "bot")).to_be_visible()
    seat = room_at(ada).seat_of(ada.session.player.id)
    assert seat is not None
    is_level = match_at(ada).state.snakes[seat].heading in ("left", "right")
    await ada.at(".snake-up" if is_level else ".snake-left").click()
    await expect(banner(ada, "bot")).to_have_count(0)
    for window in couple.windows:
        await window.be_busy_elsewhere()
    await couple.lobby.advance(200)
    for window in couple.windows:
        await expect(banner(window, "outcome")).to_be_visible()
    await stood_still(ada, kim)


async def test_nothing_moves_in_a_match_of_trivia(couple: Couple) -> None:
    await show(couple.ada, PHONE)
    await show(couple.kim, DESK)
    await begin_with_the_host("Trivia round", couple)
    ada, kim = couple.windows
    for window in couple.windows:
        await expect(window.at(".trivia-choice")).to_have_count(4)
    await watch(ada, kim)
    match = match_at(ada)
    while match.outcome is None:
        number = match.state.asked
        right = match.state.questions[number].order.index(0)
        for window in couple.windows:
            await window.at(".trivia-choice").nth(right).click()
        await until(lambda: match.state.is_revealed)
        for window in couple.windows:
            await expect(window.at(".trivia-choice.is-right")).to_have_count(1)
        await couple.lobby.advance(5.1)
        for window in couple.windows:
            await expect(window.at(".trivia-choice.is-right:visible")).to_have_count(0)
    for window in couple.windows:
        await expect(banner(window, "outcome")).to_be_visible()
    await stood_still(ada, kim)


async def test_the_clock_is_in_sight_and_red_when_it_runs_out(couple: Couple) -> None:
    await show(couple.ada, PHONE)
    mover, other = await begin_connect_four(*couple.windows)
    own = chip_of(mover, mover.name)
    await expect(own).not_to_have_class(re.compile(r"\bis-low\b"))
    for window in couple.windows:
        await window.page.clock.fast_forward(51_000)
        chip = chip_of(window, mover.name)
        await expect(chip).to_have_class(re.compile(r"\bis-low\b"))
        await expect(chip.locator(".chip-clock")).to_have_text(re.compile(r"^0:0\d$"))
        await expect(chip.locator(".chip-clock")).to_be_in_viewport(ratio=1)
        await expect(chip.locator(".chip-clock")).to_have_css(
            "color", await chip.evaluate("(each) => getComputedStyle(each).borderTopColor")
        )
    assert Limits().thinking < 51
    await expect(chip_of(other, mover.name).locator(".chip-ask")).to_be_in_viewport(ratio=1)
