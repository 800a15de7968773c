"""Two players in two windows play each game, disconnect, reconnect and claim."""

import re

import pytest
from playwright.async_api import expect

from server.games.catalogue import find_games
from server.rooms.limits import Limits
from tests.support.answers import until
from tests.support.browser import UNREACHABLE, Window
from tests.support.cable import Cable
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
    seat_of,
)
from tests.support.pictures import take_for_readme

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


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


async def test_connect_four_is_played_to_the_end_and_again_over_a_restart(couple: Couple) -> None:
    ada, kim = couple.windows
    await ada.page.emulate_media(reduced_motion="no-preference")
    mover, other = await begin_connect_four(ada, kim)
    await can_be_used(mover)
    await expect(other.at(".turn")).to_have_attribute("data-state", "waits")
    await expect(other.at(".chip-clock:visible")).to_have_count(1)
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
        await expect(window.at(".turn")).to_have_attribute(
            "data-state", re.compile("won|over|lost")
        )
    await expect(banner(mover, "outcome")).to_contain_text("You win")
    await expect(banner(other, "outcome")).to_contain_text(f"{mover.name} wins")
    await ada.page.emulate_media(reduced_motion="reduce")
    for window in (mover, other):
        # The winner is named only over the board.
        await expect(window.at(".turn")).to_have_text("Four in a row.")
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
    await ada.at("#room-more").click()
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
    await other.at("#room-more").click()
    await other.at("#room-brb-for").select_option("120")
    await other.at("#room-brb").click()
    await expect(banner(other, "brb")).to_be_visible()
    await expect(seat_of(mover, other.name)).to_contain_text("back")
    await lobby.advance(100)
    await expect(banner(mover, "outcome")).to_have_count(0)
    await drop(other, 3)
    await expect(banner(other, "brb")).to_have_count(0)
    await expect(other.at("#room-brb-left")).to_contain_text("1:20")

    ask = chip_of(other, mover.name).locator(".chip-ask")
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
        await expect(window.at(".chip-clock:visible")).to_have_count(0)
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
