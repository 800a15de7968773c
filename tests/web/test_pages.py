"""What the browser gets."""

import re

import pytest

from server.web.pages import static_folder
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
