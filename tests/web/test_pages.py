"""What the browser gets."""

import logging
import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from server.web.pages import Pages, static_folder
from tests.support.live_server import LiveServer

FILES = sorted(
    path.relative_to(static_folder()).as_posix()
    for path in static_folder().rglob("*")
    if path.is_file()
)


async def test_the_page_is_html_and_is_asked_about_each_time(server: LiveServer) -> None:
    visitor = await server.visitor()
    page = await visitor.http.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert "<title>" in page.text


async def test_every_file_is_served_with_its_type(server: LiveServer) -> None:
    visitor = await server.visitor()
    types = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
    types |= {"html": "text/html; charset=utf-8", "svg": "image/svg+xml; charset=utf-8"}
    types |= {"ts": "text/plain; charset=utf-8"}
    assert {"app.js", "stillhere.d.ts", "languages/en.js"} <= set(FILES)
    for name in FILES:
        response = await visitor.http.get(f"/static/{name}")
        assert response.status_code == 200, name
        if name == "index.html":
            continue  # as at "/"
        assert response.content == (static_folder() / name).read_bytes()
        assert response.headers["content-type"] == types[name.rpartition(".")[2]]


async def test_the_page_asks_for_nothing_that_is_not_there(server: LiveServer) -> None:
    visitor = await server.visitor()
    page = (await visitor.http.get("/")).text
    wanted = re.findall(r'(?:src|href)="(/[^"#]*)"', page)
    assert wanted
    for path in wanted:
        assert (await visitor.http.get(path)).status_code == 200, path
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", page)


async def test_a_page_that_is_known_is_not_sent_again(server: LiveServer) -> None:
    visitor = await server.visitor()
    for path in ("/", "/static/app.js"):
        etag = (await visitor.http.get(path)).headers["etag"]
        assert re.fullmatch(r'"[0-9a-f]+"', etag)
        for known in (etag, f"W/{etag}", f'"other", {etag}'):
            response = await visitor.http.get(path, headers={"If-None-Match": known})
            assert (response.status_code, response.content) == (304, b"")
            assert response.headers["etag"] == etag
        stale = await visitor.http.get(path, headers={"If-None-Match": '"other"'})
        assert stale.status_code == 200


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_pages_are_only_to_be_looked_at(server: LiveServer, method: str) -> None:
    visitor = await server.visitor()
    assert (await visitor.http.request(method, "/static/app.js")).status_code == 405


# Modules


def preloaded(page: str) -> dict[str, str]:
    """What the page has a `modulepreload` of, and the game whose page part it is."""
    found = re.findall(r'<link rel="modulepreload" href="([^"]*)"(?: data-game="([^"]*)")?>', page)
    assert len(found) == page.count("modulepreload")
    return dict(found)


async def test_the_page_names_every_module_so_that_none_is_found_late(server: LiveServer) -> None:
    visitor = await server.visitor()
    page = (await visitor.http.get("/")).text
    modules = {f"/static/{name}" for name in FILES if name.endswith(".js")}
    languages = {name for name in modules if name.startswith("/static/languages/")}
    assert set(preloaded(page)) == modules - languages
    parts = {game: path for path, game in preloaded(page).items() if game}
    games = ["connect-four", "snake-arena", "trivia-round"]
    assert parts == {game: f"/static/games/{game}/part.js" for game in games}


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """The folder of a page part."""
    folder = tmp_path / "chess"
    (folder / "pieces").mkdir(parents=True)
    (folder / "part.js").write_text("export default class {}")
    (folder / "pieces" / "king.svg").write_text("<svg/>")
    return folder


async def get(pages: Pages, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(Starlette(routes=pages.routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get(path)


async def test_a_page_part_that_a_game_brings_is_served_and_named_in_the_page(part: Path) -> None:
    pages = Pages(static_folder(), {"chess": part}, ["chess"])
    script = await get(pages, "/static/games/chess/part.js")
    assert script.text == "export default class {}"
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    picture = await get(pages, "/static/games/chess/pieces/king.svg")
    assert picture.headers["content-type"] == "image/svg+xml; charset=utf-8"
    links = preloaded((await get(pages, "/")).text)
    assert {path: game for path, game in links.items() if "/games/" in path} == {
        "/static/games/chess/part.js": "chess"
    }, "and none of a game that is not played here"


async def test_of_a_page_part_only_what_a_page_needs_is_served(
    part: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = part.parent / "secret.js"
    secret.write_text("secret")
    (part / "away.js").symlink_to(secret)
    for name in ("rules.py", ".env", "keys.pem", "README"):
        (part / name).write_text("secret")
    with caplog.at_level(logging.ERROR):
        pages = Pages(static_folder(), {"chess": part}, ["chess"])
    assert [record.getMessage().split(" of the game")[0] for record in caplog.records] == [
        str(part / "away.js")
    ]
    for name in ("rules.py", ".env", "keys.pem", "README", "away.js", "../secret.js"):
        assert (await get(pages, f"/static/games/chess/{name}")).status_code == 404, name
