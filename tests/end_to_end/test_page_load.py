"""How many round trips a page needs to show the lobby, in a real Chromium over HTTP/1.1, which has
six connections: further requests wait for the next trip. Over HTTP/2, without that limit, there
are as many or fewer.

A line between browser and server holds each request until the test lets a trip pass, so the count
does not depend on speed. Round trips for opening connections are not counted.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from playwright.async_api import expect

from server.web.modules import join
from server.web.pages import static_folder
from tests.support.answers import until
from tests.support.browser import Browsers
from tests.support.live_server import LiveServer
from tests.support.ports import accept_no_more
from tests.support.rfc6455 import read

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CONNECTIONS = 6
"""Connections that a browser opens to one host over HTTP/1.1, besides those of sockets."""

PAGE = {"/"}
ANSWERS = {"/static/languages/en.js", "/api/session", "/ws"}
"""The page needs these to know the player, and to show it in words."""

GAMES = ("connect-four", "snake-arena", "trivia-round")
PARTS = {f"/static/games/{game}/part.js" for game in GAMES}
WORDS = {f"/static/games/{game}/words.js" for game in GAMES}
"""The page needs these to show the names of the games."""


class Trips:
    """A line that holds all requests until the trip they are part of."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._asked: dict[str, asyncio.Event] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self.count = 0
        self.url = ""

    async def pass_one(self, needed: set[str]) -> int:
        """Let one trip pass: answer all requests that are there once all of `needed` are. Return
        how many connections it took, besides that of the socket."""
        try:
            await until(lambda: needed <= set(self._asked))
        except AssertionError:
            missing = sorted(needed - set(self._asked))
            raise AssertionError(
                f"trip {self.count + 1} has {sorted(self._asked)} and no room for {missing}"
            ) from None
        requests = [path for path in self._asked if path.startswith("/") and path != "/ws"]
        assert len(requests) <= CONNECTIONS, requests
        self.count += 1
        asked, self._asked = self._asked, {}
        for is_let in asked.values():
            is_let.set()
        return len(requests)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection, and hold each of its requests."""
        self._writers.add(writer)
        server_reader, server = await asyncio.open_connection("127.0.0.1", self._to)
        back = asyncio.create_task(_carry(server_reader, writer))
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    path = head.split(b" ", 2)[1].decode()
                    await self._keep(path)
                    server.write(head)
                    if path == "/ws":
                        await self._keep_messages(reader, server)
        finally:
            back.cancel()
            server.close()
            writer.close()
            self._writers.discard(writer)

    async def _keep_messages(
        self, reader: asyncio.StreamReader, server: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65536):
            for name in re.findall(r'"type":"(\w+)"', str(read(data, 65536))):
                await self._keep(name)
            server.write(data)
        raise asyncio.IncompleteReadError(b"", None)

    async def _keep(self, name: str) -> None:
        is_let = self._asked[name] = asyncio.Event()
        await is_let.wait()

    async def close(self) -> None:
        """Cut every connection."""
        for writer in self._writers:
            writer.transport.abort()
        for is_let in self._asked.values():
            is_let.set()
        await until(lambda: not self._writers)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def run_trips(server: LiveServer) -> AsyncIterator[Trips]:
    trips = Trips(server.port)
    listening = await asyncio.start_server(trips.accept, "127.0.0.1", 0)
    async with listening:
        trips.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield trips
        await accept_no_more(listening.sockets[0].fileno())
        await trips.close()


async def linked(server: LiveServer) -> set[str]:
    """The files that the page itself links to."""
    visitor = await server.visitor()
    page = (await visitor.http.get("/")).text
    found = set(re.findall(r'(?:src|href)="(/static/[^"]*)"', page))
    styles = {path for path in found if path.endswith(".css")}
    assert {"/static/app.js"} < found
    assert len(styles) == 1
    return found


async def test_the_lobby_is_four_round_trips_away(browsers: Browsers, lobby: LiveServer) -> None:
    ada = await lobby.guest("Ada")
    more = len(lobby.still_here.rooms.games) - len(GAMES)  # further games in the server's folder
    async with run_trips(lobby) as trips:
        window = await browsers.window(trips.url)
        await window.page.context.add_cookies(
            [{"name": "session", "value": ada.cookie, "url": trips.url}]
        )
        await window.page.evaluate("(url) => { location.href = url; }", trips.url)
        await trips.pass_one(PAGE)
        await trips.pass_one(await linked(lobby))
        spare = CONNECTIONS - await trips.pass_one(ANSWERS | PARTS)
        assert spare + more >= 1, "for the page part of a fourth game"
        spare = CONNECTIONS - await trips.pass_one({"watch", "/api/games"} | WORDS)
        assert spare + more >= 1, "for its words"
        await expect(window.row("Ada")).to_be_visible()
        await expect(window.at(".game-tile .game-title").first).to_have_text("Connect Four")
        await expect(window.at("#connection")).to_have_text("Connected")
        assert trips.count == 4
        await window.page.goto("about:blank")


async def test_the_way_in_is_three_round_trips_away(browsers: Browsers, lobby: LiveServer) -> None:
    async with run_trips(lobby) as trips:
        window = await browsers.window(trips.url)
        await window.page.evaluate("(url) => { location.href = url; }", trips.url)
        await trips.pass_one(PAGE)
        await trips.pass_one(await linked(lobby))
        await trips.pass_one(ANSWERS)
        await expect(window.at("#fair-warning")).to_contain_text("5 minutes")
        assert trips.count == 3
        await window.page.goto("about:blank")


async def test_no_module_takes_the_name_of_something_of_the_browser(
    browsers: Browsers, lobby: LiveServer
) -> None:
    """In the joined file, it would hide it from all other modules."""
    folder = static_folder()
    sources = {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.js")
    }
    window = await browsers.window()  # empty: ids of elements are global names, too
    names = sorted(join(sources, "app.js").names)
    assert (
        await window.page.evaluate("(names) => names.filter((name) => name in window)", names) == []
    )
