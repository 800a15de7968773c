"""One player alone: each game begins at once, and a person who comes is offered."""

import pytest
from playwright.async_api import expect

from tests.support.answers import until
from tests.support.couples import Couple, chip_of, match_at, room_at

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_match_begins_with_one_press_and_whoever_comes_is_offered(couple: Couple) -> None:
    ada, kim = couple.windows
    # Alone, for the score.
    row = ada.at("#practice-list li")
    await row.filter(has_text="Trivia round").get_by_role("button").click()
    await until(lambda: room_at(ada).running is not None)
    assert len(match_at(ada).players) == 1
    await ada.at("#room-more").click()
    await ada.at("#room-leave").click()
    await until(lambda: not ada.server.still_here.rooms.all)
    await ada.at("[data-section=lobby-section]").click()

    # Against a bot, while looking for others.
    await ada.at(".game-tile[data-game=connect-four]").click()
    await expect(ada.at("#queue")).to_be_visible()
    await row.filter(has_text="Connect Four").get_by_role("button", name="Easy bot").click()
    await until(lambda: room_at(ada).running is not None)
    await expect(chip_of(ada, "Bot 1")).to_contain_text("Easy bot")
    await ada.is_accessible()
    await kim.at(".game-tile[data-game=connect-four]").click()
    await expect(ada.at("#offer")).to_be_visible()
    assert await ada.hidden_width() == 0
    await ada.is_accessible()
    await ada.at("#offer-play").click()
    await expect(ada.at("#offer")).to_be_hidden()
    await until(lambda: room_at(kim).running is not None)
    assert {name for _, name in match_at(kim).players} == {"Ada", "Kim"}
