"""The page of rooms: screen readers, small screens, dark mode, links, and games without a
picture."""

from typing import cast

import pytest
from playwright.async_api import ViewportSize, expect

from server.games.catalogue import AnyGame
from tests.rooms.games import Turns
from tests.support.answers import until
from tests.support.browser import Browsers, Window
from tests.support.live_server import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NARROW: ViewportSize = {"width": 360, "height": 740}


async def open_room(window: Window, game: str) -> str:
    """Make a new room; return the link to it."""
    await window.at("[data-section=play]").click()
    await window.at("#new-room").click()
    await window.at("#new-room-game").select_option(game)
    await window.at("#new-room-create").click()
    await expect(window.at("#room-table")).to_be_visible()
    return window.page.url


async def test_every_state_of_playing_is_accessible_on_a_narrow_screen_and_at_night(
    browsers: Browsers, lobby: LiveServer
) -> None:
    ada, kim = await browsers.guests("Ada", "Kim")
    usual = ada.page.viewport_size
    assert usual is not None
    await ada.page.set_viewport_size(NARROW)
    await ada.page.emulate_media(color_scheme="dark")

    async def look(*windows: Window) -> None:
        for window in windows:
            await window.is_accessible()
        assert await ada.hidden_width() == 0

    await ada.at("[data-section=play]").click()
    await kim.at("[data-section=play]").click()
    await expect(ada.at("#no-rooms")).to_be_visible()
    # The rules are not shown above the rooms, but can be opened.
    tiles, rules = ada.at(".game-rules"), ada.at("#quick-rules dd")
    texts = [text for text in await tiles.all_text_contents() if text]
    assert await rules.all_text_contents() == texts
    for each in (tiles.first, rules.first, ada.at("#policy")):
        await expect(each).to_be_hidden()
    await ada.at("#quick-rules summary").click()
    await expect(rules.last).to_have_text(texts[-1])
    await expect(rules.last).to_be_visible()
    await expect(kim.at("#quick-rules")).to_be_hidden()  # shown in the tiles instead
    await expect(kim.at(".game-rules").first).to_be_visible()
    await ada.at("#new-room").click()
    await look(ada, kim)
    await ada.at("#new-room-cancel").click()
    await ada.at(".game-tile[data-game=connect-four]").click()
    await expect(ada.at("#queue")).to_be_visible()
    await look(ada)
    await ada.at("#queue-cancel").click()
    link = await open_room(ada, "connect-four")
    assert "/#/room/" in link
    await expect(kim.at(".room-row")).to_contain_text("Ada")
    await look(ada, kim)
    await kim.page.goto(link)
    await expect(ada.at("#board")).to_be_visible()
    await lobby.advance(50)
    await ada.at("#room-chat").click()
    await ada.at("#chat-text").fill("Hello")
    await look(ada)
    await ada.page.keyboard.press("Enter")
    await expect(kim.at(".chat-line")).to_contain_text("Hello")
    await ada.at("#room-more").click()
    await expect(ada.at("#chat-card")).to_be_hidden()
    await ada.at("#afk summary").click()
    await look(ada, kim)
    await ada.at("#room-leave").click()
    await expect(ada.at("#leave-no")).to_be_focused()
    await look(ada)
    await ada.at("#leave-yes").click()
    await expect(ada.at("#in-room")).to_be_visible()
    # The page does not wait for the answer.
    rooms = lobby.still_here.rooms.all
    await until(lambda: any(seat.is_leaving for room in rooms.values() for seat in room.seats))
    await lobby.advance(11)
    await expect(kim.at("[data-banner^=outcome]")).to_contain_text("You win.")
    await ada.at("[data-section=settings]").click()
    await expect(ada.at("#policy")).to_be_visible()
    await ada.at("[data-section=play]").click()
    await expect(ada.at(".match")).to_contain_text("Kim wins this time.")
    await look(ada, kim)
    await ada.page.set_viewport_size(usual)
    await ada.page.emulate_media(color_scheme="light")


async def test_a_visitor_with_a_link_signs_in_and_takes_a_seat(
    browsers: Browsers, lobby: LiveServer
) -> None:
    ada = await lobby.guest("Ada")
    room = (await ada.http.post("/api/rooms", json={"game": "connect-four"})).json()["id"]
    tab = await ada.tab()
    await tab.ask("join", "room", room=room)
    # As other clients write it: the page's own begins with a slash.
    kim = await browsers.window(f"{lobby.url}/#room/{room}")
    await kim.arrive()
    await expect(kim.at("#invited")).to_be_visible()
    await kim.at("#name").fill("Kim")
    await kim.page.keyboard.press("Enter")
    await expect(kim.at(".seat.is-own")).to_contain_text("Kim")
    players = lobby.still_here.rooms.all[room].taken()
    assert [player.name for _, seat, player in players if seat.is_here] == ["Ada", "Kim"]


async def test_the_link_to_a_room_is_copied_or_shown_if_that_fails(browsers: Browsers) -> None:
    ada = await browsers.guest("Ada")
    link = await open_room(ada, "connect-four")
    copied = (
        "(text) => { navigator.clipboard.writeText = async (link) => { window.copied = link; }; }"
    )
    await ada.page.evaluate(copied)
    await ada.at("#room-invite").click()
    await expect(ada.at("#room-said")).to_contain_text("The link is copied")
    assert await ada.page.evaluate("window.copied") == link
    refused = "navigator.clipboard.writeText = async () => { throw new Error('not allowed'); }"
    await ada.page.evaluate(f"() => {{ {refused}; delete window.copied; }}")
    await ada.at("#room-invite").click()
    await expect(ada.at("#room-said")).to_have_text(link)
    await ada.page.evaluate("() => { delete navigator.clipboard.writeText; }")


async def test_an_unknown_room_is_named_as_such_with_a_link_to_others(
    browsers: Browsers,
) -> None:
    ada = await browsers.guest("Ada")
    ada.expected.append(r"status of 404 ")
    await ada.page.evaluate("() => { location.hash = '/room/none' }")
    await expect(ada.at("#room-wait-text")).to_contain_text("no such room")
    await expect(ada.at("#room-again")).to_be_hidden()
    await ada.is_accessible()
    await ada.at("#room-wait a").click()
    await expect(ada.at("#play")).to_be_visible()


async def test_a_game_without_a_page_part_can_be_played(
    browsers: Browsers, lobby: LiveServer
) -> None:
    games = cast(dict[str, AnyGame], lobby.still_here.rooms.games)
    games["turns"] = Turns()
    # Not `guest`: a page that is already open has loaded the games.
    ada = await browsers.window()
    await ada.enter("Ada")
    room = (await open_room(ada, "turns")).rpartition("/")[2]
    await expect(ada.at("#room-title")).to_have_text("Turns")
    kim = await (await lobby.guest("Kim")).tab()
    seat = (await kim.ask("join", "joined", room=room))["seat"]
    await expect(ada.at(".plain-view")).to_contain_text('"moves": 0')
    await expect(ada.at("#board .muted")).to_contain_text("below")
    await ada.is_accessible()
    is_in_one_line = """button => {
      const range = document.createRange();
      range.selectNodeContents(button);
      return range.getClientRects().length === 1;
    }"""
    assert await ada.at(".plain-act button").evaluate(is_in_one_line)
    watching = await browsers.guest("Bo")
    await watching.page.goto(f"{lobby.url}/#/room/{room}")
    await expect(watching.at(".plain-view")).to_contain_text('"moves": 0')
    await expect(watching.at("#board .muted")).not_to_contain_text("below")
    await expect(watching.at(".plain-act")).to_have_count(0)
    if await ada.at(".player-chip.is-turn").get_attribute("data-seat") == str(seat):
        await kim.send("act", room=room, action={})
    await expect(ada.at(".player-chip.is-own.is-turn")).to_be_visible()
    await ada.at(".plain-act input").fill("no JSON")
    await ada.page.keyboard.press("Enter")
    await expect(ada.at("#board .error")).not_to_be_empty()
    await ada.at(".plain-act input").fill('{"wins": false}')
    await ada.page.keyboard.press("Enter")
    await expect(ada.at(f'.player-chip.is-turn[data-seat="{seat}"]')).to_be_visible()
    await kim.send("act", room=room, action={"wins": True})
    await expect(ada.at("[data-banner^=outcome]")).to_contain_text("Kim wins")
