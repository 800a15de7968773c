"""How many round trips lie between an address and the lobby. What a page asks for is kept until the
test lets a trip pass, so the count does not depend on how fast anything is."""

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, Route, WebSocketRoute, expect

from tests.support.answers import until
from tests.support.browser import Browsers
from tests.support.live_server import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PAGE = {"/"}
ANSWERS = {"/static/languages/en.js", "/api/session", "socket"}
"""What the page needs to know who is signed in, and to say it."""


NOT_SHARED: dict[str, Any] = {"has_touch": False}
"""A window of its own, which no other test gets: a route for sockets cannot be taken back."""


class Trips:
    """What a page asks for, each kept until the trip that it is part of."""

    def __init__(self) -> None:
        self.asked: dict[str, Callable[[], Awaitable[None]]] = {}
        self.count = 0

    async def listen(self, page: Page) -> None:
        await page.route("**/*", self._keep_request)
        await page.route_web_socket("**/ws", self._keep_socket)

    async def take(self, needed: set[str]) -> None:
        """One trip: all that is asked for by the time that all of `needed` is, is answered."""
        await until(lambda: needed <= set(self.asked))
        self.count += 1
        asked, self.asked = self.asked, {}
        for answer in asked.values():
            await answer()

    async def _keep_request(self, route: Route) -> None:
        self.asked[urlsplit(route.request.url).path] = route.continue_

    def _keep_socket(self, socket: WebSocketRoute) -> None:
        async def connect() -> None:
            server = socket.connect_to_server()
            server.on_message(socket.send)
            socket.on_message(lambda message: self._keep_message(server, message))

        self.asked["socket"] = connect

    def _keep_message(self, server: WebSocketRoute, message: str | bytes) -> None:
        async def send() -> None:
            server.send(message)

        found = re.search(r'"type":"(\w+)"', str(message))
        assert found is not None
        self.asked[found[1]] = send


async def linked(server: LiveServer) -> set[str]:
    """The modules and styles that the page itself names."""
    visitor = await server.visitor()
    page = (await visitor.http.get("/")).text
    found = set(re.findall(r'(?:src|href)="(/static/[^"]*\.(?:js|css))"', page))
    assert len(found) > 30
    return found


async def test_the_lobby_is_four_round_trips_away(browsers: Browsers, lobby: LiveServer) -> None:
    ada = await lobby.guest("Ada")
    window = await browsers.window(**NOT_SHARED)
    await window.page.context.add_cookies(
        [{"name": "session", "value": ada.cookie, "url": lobby.url}]
    )
    trips = Trips()
    await trips.listen(window.page)
    await window.page.evaluate("(url) => { location.href = url; }", lobby.url)
    await trips.take(PAGE)
    await trips.take(await linked(lobby))
    await trips.take(ANSWERS)
    await trips.take({"watch", "/api/games"})
    await expect(window.row("Ada")).to_be_visible()
    await expect(window.at(".game-tile .game-title").first).to_have_text("Connect Four")
    await expect(window.at("#connection")).to_have_text("Connected")
    assert trips.count == 4


async def test_the_way_in_is_three_round_trips_away(browsers: Browsers, lobby: LiveServer) -> None:
    window = await browsers.window(**NOT_SHARED)
    trips = Trips()
    await trips.listen(window.page)
    await window.page.evaluate("(url) => { location.href = url; }", lobby.url)
    await trips.take(PAGE)
    await trips.take(await linked(lobby))
    await trips.take(ANSWERS)
    await expect(window.at("#fair-warning")).to_contain_text("5 minutes")
    assert trips.count == 3
