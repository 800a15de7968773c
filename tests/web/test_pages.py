"""The pages and files for browsers."""

import base64
import hashlib
import json
import logging
import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from server.games.catalogue import find_page_parts
from server.web.modules import join
from server.web.pages import Pages, static_folder
from server.wire.problem import SECURITY_HEADERS, Problem
from tests.support.live_server import LiveServer

FILES = sorted(
    path.relative_to(static_folder()).as_posix()
    for path in static_folder().rglob("*")
    if path.is_file()
)


async def test_the_page_is_html_and_revalidated_each_time(server: LiveServer) -> None:
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
    assert {"app.js", "stillhere.d.ts", "languages/en/page.js"} <= set(FILES)
    for name in FILES:
        response = await visitor.http.get(f"/static/{name}")
        assert response.status_code == 200, name
        if name == "index.html":
            continue  # as at "/"
        assert response.content == (static_folder() / name).read_bytes()
        assert response.headers["content-type"] == types[name.rpartition(".")[2]]


async def test_every_file_that_the_page_requests_exists(server: LiveServer) -> None:
    visitor = await server.visitor()
    page = (await visitor.http.get("/")).text
    wanted = re.findall(r'(?:src|href)="(/[^"#]*)"', page)
    assert wanted
    for path in wanted:
        assert (await visitor.http.get(path)).status_code == 200, path
    inside = re.sub(r'<script type="importmap">[^<]*</script>', "", page)
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", inside)


async def test_an_unchanged_page_is_304(server: LiveServer) -> None:
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
async def test_pages_allow_get_and_head_only(server: LiveServer, method: str) -> None:
    visitor = await server.visitor()
    assert (await visitor.http.request(method, "/static/app.js")).status_code == 405


# Modules


def parts_in(page: str) -> dict[str, str]:
    """The page parts that the page names, by game."""
    found = re.findall(r'<meta name="page-part" content="([^"]*)" data-game="([^"]*)">', page)
    assert len(found) == page.count("page-part")
    return {game: path for path, game in found}


def import_map(page: str) -> str:
    found = re.search(r'<script type="importmap">([^<]*)</script>', page)
    assert found is not None
    assert found.start() < page.index("modulepreload"), "older browsers take no map after a module"
    return found[1]


async def test_the_modules_are_one_file_that_is_cached(server: LiveServer) -> None:
    visitor = await server.visitor()
    page = (await visitor.http.get("/")).text
    modules = {f"/static/{name}" for name in FILES if re.match(r"(page|stillhere)\b.*js$", name)}
    addresses = json.loads(import_map(page))["imports"]
    assert set(addresses) == modules
    (joined,) = set(addresses.values())
    assert f'<link rel="modulepreload" href="{joined}">' in page
    file = await visitor.http.get(joined)
    assert file.headers["content-type"] == "text/javascript; charset=utf-8"
    assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert joined.removeprefix("/static/") == join(sources(), "app.js").path
    source_map = await visitor.http.get(f"{joined}.map")
    assert source_map.headers["content-type"] == "application/json"
    assert len(source_map.json()["sections"]) == len(modules)


async def test_the_styles_are_one_file_that_is_cached(server: LiveServer) -> None:
    visitor = await server.visitor()
    page = (await visitor.http.get("/")).text
    (address,) = re.findall(r'<link rel="stylesheet" href="([^"]*)">', page)
    file = await visitor.http.get(address)
    assert file.headers["content-type"] == "text/css; charset=utf-8"
    assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
    for name in ("style.css", "page/sections.css"):
        assert (static_folder() / name).read_text() in file.text


async def test_the_page_contains_its_parts(server: LiveServer) -> None:
    visitor = await server.visitor()
    page = (await visitor.http.get("/")).text
    parts = [name for name in FILES if name.startswith("page/html/")]
    assert parts
    for name in parts:
        assert (static_folder() / name).read_text() in page, name


async def test_the_texts_of_a_language_are_one_file(server: LiveServer) -> None:
    visitor = await server.visitor()
    for code in ("en", "es", "zh"):
        words = await visitor.http.get(f"/static/languages/{code}.js")
        assert words.headers["content-type"] == "text/javascript; charset=utf-8"
        assert words.headers["cache-control"] == "no-cache"
        for name in FILES:
            if name.startswith(f"languages/{code}/"):
                _, texts = (static_folder() / name).read_text().split("export default {\n")
                assert texts in words.text, name


def sources() -> dict[str, str]:
    return {name: (static_folder() / name).read_text() for name in FILES if name.endswith(".js")}


@pytest.mark.parametrize("path", ["/", "/static/index.html"])
async def test_the_import_map_is_the_only_inline_script_that_is_allowed(
    server: LiveServer, path: str
) -> None:
    visitor = await server.visitor()
    page = await visitor.http.get(path)
    digest = base64.b64encode(hashlib.sha256(import_map(page.text).encode()).digest()).decode()
    general = SECURITY_HEADERS["content-security-policy"]
    policy = general.replace("script-src 'self'", f"script-src 'self' 'sha256-{digest}'")
    assert page.headers["content-security-policy"] == policy != general
    known = await visitor.http.get(path, headers={"If-None-Match": page.headers["etag"]})
    assert known.status_code == 304
    assert known.headers["content-security-policy"] == policy


async def test_the_page_names_the_page_part_of_each_game(server: LiveServer) -> None:
    visitor = await server.visitor()
    page = (await visitor.http.get("/")).text
    games = server.still_here.rooms.games
    assert set(games) >= {"connect-four", "snake-arena", "trivia-round"}
    assert parts_in(page) == {
        game: f"/static/games/{game}/part.js"
        for game in games
        if game in find_page_parts(games) or f"games/{game}/part.js" in FILES
    }


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
    named = parts_in((await get(pages, "/")).text)
    assert named == {"chess": "/static/games/chess/part.js"}, "and none of what is not played here"


async def test_only_files_that_a_page_needs_are_served_of_a_page_part(
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
        with pytest.raises(Problem) as refused:
            await get(pages, f"/static/games/chess/{name}")
        assert refused.value.status == 404, name
