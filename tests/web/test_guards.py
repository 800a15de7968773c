"""The checks of every request, and the headers of every response."""

import asyncio
import re
from pathlib import Path

import pytest

from server.base.waiting import within
from server.wire.problem import SECURITY_HEADERS
from tests.support.answers import Bystanders, break_reads, calls_of, refusal
from tests.support.live_server import LiveServer, run_server
from tests.support.paths import ROOT

# Pages of other origins


async def test_own_pages_and_programs_may_sign_in_and_out(
    server: LiveServer,
) -> None:
    browser = await server.visitor()
    for number, headers in enumerate(
        [
            {},
            {"Sec-Fetch-Site": "same-origin"},
            {"Sec-Fetch-Site": "none"},
            {"Sec-Fetch-Site": "same-origin", "Origin": server.url},
            {"Origin": server.url},
            {"Origin": server.url.upper()},
        ]
    ):
        response = await browser.http.post(
            "/api/guests", json={"name": f"Guest {number}"}, headers=headers
        )
        assert response.status_code == 201, headers
        for method, path, status in [
            ("POST", "/api/session/activity", 200),
            ("POST", "/api/session/leave", 204),
            ("DELETE", "/api/session", 204),
        ]:
            response = await browser.http.request(method, path, headers=headers)
            assert response.status_code == status, (headers, path)


async def test_safe_requests_are_allowed_from_every_origin(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    for path in ["/", "/api/session", "/api/players", "/healthz"]:
        response = await ada.http.get(path, headers=headers)
        assert response.status_code == 200
        assert "access-control-allow-origin" not in response.headers


async def test_an_allowed_origin_may_do_what_the_own_may(tmp_path: Path) -> None:
    allowed = {"Origin": "https://game.example"}
    async with run_server(tmp_path / "test.db", allowed_origins="https://Game.example") as server:
        ada = await server.guest("Ada")
        for headers in [
            allowed,
            {**allowed, "Sec-Fetch-Site": "cross-site"},
            {**allowed, "Sec-Fetch-Site": "same-site"},
            {"Origin": server.url},
        ]:
            response = await ada.http.post("/api/session/activity", headers=headers)
            assert response.status_code == 200, headers
        for headers in [
            {"Origin": "http://game.example"},
            {"Origin": "https://a.game.example"},
            {"Sec-Fetch-Site": "cross-site"},
        ]:
            response = await ada.http.post("/api/session/activity", headers=headers)
            assert refusal(response) == (403, "cross_origin"), headers


# Bodies without JSON's content type


async def test_a_body_without_the_json_type_is_refused_by_every_call(
    bystanders: Bystanders, server: LiveServer
) -> None:
    calls = [each for each in calls_of(server.still_here.app) if each.is_unsafe]
    assert len(calls) >= 8
    for type_ in [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/json",
        "application/json-patch",
        "application/jsonp",
        "text/plain; application/json",
        "application/x-www-form-urlencoded, application/json",
    ]:
        headers = {} if type_ is None else {"Content-Type": type_}
        for call in calls:
            response = await bystanders.ada.http.request(
                call.method, call.path, content=b'{"name": "Eve"}', headers=headers
            )
            assert refusal(response) == (415, "not_json"), (type_, call.method, call.path)


async def test_a_form_post_is_refused(bystanders: Bystanders) -> None:
    body = {"name": "Ada", "password": "correct horse"}
    for sent in [
        await bystanders.ada.http.post("/api/session", data=body),
        await bystanders.ada.http.post("/api/session", files={"name": b"Ada"}),
    ]:
        assert refusal(sent) == (415, "not_json")


async def test_a_missing_body_is_refused(bystanders: Bystanders) -> None:
    for path in ["/api/guests", "/api/players", "/api/session"]:
        assert refusal(await bystanders.ada.http.post(path)) == (415, "not_json")


@pytest.mark.parametrize(
    "type_",
    ["application/json", "application/json; charset=utf-8", "Application/JSON ;charset=UTF-8"],
)
async def test_a_body_with_the_json_type_is_accepted(server: LiveServer, type_: str) -> None:
    browser = await server.visitor()
    response = await browser.http.post(
        "/api/guests", content='{"name": "Zoë"}'.encode(), headers={"Content-Type": type_}
    )
    assert response.status_code == 201


# Unknown methods and paths


async def test_unknown_paths_are_404(bystanders: Bystanders) -> None:
    for path in [
        "/nope",
        "/api",
        "/api/nope",
        "/api/players/nope",
        "/api/players/%00",
        "/api/players/%ED%A0%80",
        f"/api/players/{'x' * 5000}",
        "/static/",
        "/static/nope.js",
        "/static/../server/app.py",
        "/static/%2e%2e/server/app.py",
        "/static//etc/passwd",
        "/static/app.js%00",
        "/ws",
    ]:
        assert refusal(await bystanders.ada.http.get(path)) == (404, "not_found"), path


async def test_unknown_methods_are_405(bystanders: Bystanders) -> None:
    for method in ["PUT", "PATCH", "OPTIONS", "TRACE"]:
        for path in [
            "/",
            "/api/guests",
            "/api/session",
            "/api/sessions",
            "/api/players",
            "/healthz",
            "/static/app.js",
        ]:
            response = await bystanders.ada.http.request(method, path)
            assert refusal(response) == (405, "method_not_allowed"), (method, path)
            assert response.headers["allow"]


async def test_head_is_get_without_the_body(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    for path in ["/", "/api/session", "/api/players", "/healthz", "/static/app.js"]:
        get, head = await ada.http.get(path), await ada.http.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"] == get.headers["content-type"]


# Headers of every response


async def test_the_policy_for_content_allows_nothing_inline_and_no_frames() -> None:
    policy = SECURITY_HEADERS["content-security-policy"]
    for directive in [
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]:
        assert directive in policy
    assert "unsafe" not in policy


async def test_nothing_served_here_may_use_the_devices_of_the_machine(server: LiveServer) -> None:
    page = await (await server.visitor()).http.get("/")
    denied = page.headers["permissions-policy"].split(", ")
    assert {"camera=()", "microphone=()", "geolocation=()", "usb=()"} <= set(denied)
    assert all(each.endswith("=()") for each in denied)


def test_the_page_turns_no_text_into_markup_but_the_pictures_of_games() -> None:
    sinks = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|setHTML|srcdoc|createContextualFragment"
        r"|parseFromString|document\.write|\beval\(|new Function|new Worker|javascript:"
    )
    found = {
        (path.relative_to(ROOT).as_posix(), each)
        for folder in ("static", "server/games")
        for path in (ROOT / folder).rglob("*.js")
        for each in sinks.findall(path.read_text())
    }
    assert found == {("static/page/games.js", "parseFromString")}


async def test_a_bug_is_answered_without_its_traceback_and_logged_once(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ada = await server.guest("Ada")
    await server.advance(50)

    response = await ada.http.get(break_reads(server, monkeypatch))
    assert refusal(response) == (500, "internal")
    assert "on purpose" not in response.text
    assert ada.session.last_activity == 0
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    assert (await ada.http.get("/api/session")).status_code == 200


async def test_bytes_that_are_no_http_do_not_disturb_others(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    for nonsense in [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n"]:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(nonsense)
        writer.write_eof()
        await within(5, reader.read())
        writer.close()
        await writer.wait_closed()
    assert (await ada.http.get("/api/session")).status_code == 200
