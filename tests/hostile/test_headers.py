"""The headers of every response, on every route, for every status (ASVS 5.0, 3.4)."""

import re
from pathlib import Path

import pytest

from server.web.pages import static_folder
from server.wire.problem import SECURITY_HEADERS
from tests.support.answers import break_reads, calls_of, refusal, routes_of
from tests.support.live_server import LiveServer, run_server
from tests.support.peers import Peers, opening, request
from tests.support.responses import problem_of

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW"]
BODIES: dict[str, tuple[dict[str, str], bytes]] = {
    "none": ({}, b""),
    "broken": ({"Content-Type": "application/json"}, b"{"),
    "a form": ({"Content-Type": "application/x-www-form-urlencoded"}, b"a=b"),
    "too large": ({"Content-Type": "application/json"}, b"x" * 65_537),
    "from elsewhere": ({"Origin": "https://evil.example"}, b""),
}
TEXT = ("text/", "image/svg+xml")


def check(headers: dict[str, str], what: object) -> None:
    for name, value in SECURITY_HEADERS.items():
        # The page allows one script by its digest (tests/web/test_pages.py).
        assert re.sub(r" 'sha256-[\w+/]{43}='", "", headers[name]) == value, what
    assert "cache-control" in headers, what
    assert "server" not in headers, what
    assert not any(name.startswith("access-control-") for name in headers), what
    type_ = headers.get("content-type", "")
    if type_.startswith(TEXT):
        assert "charset=utf-8" in type_, what


async def test_every_route_sends_the_headers_for_every_method_and_body(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    statuses = set()
    with Peers(server.port) as peers:
        for route in routes_of(server.still_here.app):
            path = route.path.replace("{id}", ada.id).replace("{path:path}", "app.js")
            for method in METHODS:
                for what, (said, body) in BODIES.items():
                    # No cookie for the others: otherwise the first sign-out would end the session.
                    cookie = ada.cookie if method in ("GET", "HEAD") else ""
                    lines = [f"{method} {path} HTTP/1.1", "Host: a", f"Cookie: session={cookie}"]
                    lines += [f"{name}: {value}" for name, value in said.items()]
                    lines += [f"Content-Length: {len(body)}", "Connection: close"]
                    peer = await peers.connect()
                    await peer.send(request(*lines, body=body))
                    answer = await peer.answer(has_content=method != "HEAD")
                    statuses.add(answer.status)
                    if method not in ("CONNECT", "BREW"):  # the parser has no such methods
                        check(answer.headers, (method, path, what))
                    peer.close()
    assert statuses >= {200, 400, 401, 403, 405, 413, 415}


async def test_unknown_paths_and_methods_send_the_headers(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    for path in ["/nope", "/api", "/api/", "/static/nope", "/ws", "/%00", "/api/guests/"]:
        response = await ada.http.get(path)
        assert refusal(response) == (404, "not_found")
        check(dict(response.headers), path)
    for route in routes_of(server.still_here.app):
        path = route.path.replace("{id}", ada.id).replace("{path:path}", "app.js")
        there = {
            method
            for each in routes_of(server.still_here.app)
            if each.path == route.path
            for method in each.methods or ()
        }
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS"} - there:
            response = await ada.http.request(method, path)
            assert refusal(response) == (405, "method_not_allowed"), (method, path)
            assert set(re.split(r", *", response.headers["allow"])) == there
            check(dict(response.headers), (method, path))


async def test_trace_does_not_echo_the_request(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    response = await ada.http.request("TRACE", "/", headers={"X-Secret": "s3cret"})
    assert response.status_code == 405
    assert "s3cret" not in response.text
    assert ada.cookie not in response.text


async def test_every_kind_of_response_has_the_security_headers(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await server.guest("Ada")

    page = await ada.http.get("/static/app.js")
    etag = {"If-None-Match": page.headers["etag"]}
    json = {"Content-Type": "application/json"}
    post = ada.http.post
    kinds = {
        200: page,
        201: await post("/api/guests", json={"name": "Ada"}),
        204: await post("/api/session/leave"),
        304: await ada.http.get("/static/app.js", headers=etag),
        400: await post("/api/guests", content=b"{", headers=json),
        403: await post("/api/guests", headers={"Origin": "null"}),
        404: await ada.http.get("/nope"),
        405: await ada.http.put("/"),
        409: await (await server.visitor()).http.post("/api/guests", json={"name": "Ada"}),
        413: await post("/api/guests", content=b"x" * 70_000, headers=json),
        415: await post("/api/guests", content=b"{}"),
        422: await post("/api/guests", json={"name": ""}),
        500: await ada.http.get(break_reads(server, monkeypatch)),
        401: await (await server.visitor()).http.get("/api/session"),
    }
    for status, response in kinds.items():
        assert response.status_code == status
        check(dict(response.headers), status)
        assert "strict-transport-security" not in response.headers
        if status not in (200, 304):
            assert response.headers["cache-control"] == "no-store", status


async def test_every_answer_over_tls_has_strict_transport_security(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run_server(tmp_path / "test.db", trusted_proxies="127.0.0.1") as server:
        broken = break_reads(server, monkeypatch)
        visitor = await server.visitor(headers={"X-Forwarded-Proto": "https"})
        for path, status in [
            ("/", 200),
            ("/nope", 404),
            ("/api/session", 401),
            (broken, 500),
        ]:
            response = await visitor.http.get(path)
            assert response.status_code == status
            assert response.headers.get_list("strict-transport-security") == ["max-age=31536000"]


async def test_every_file_of_the_page_sends_the_headers(server: LiveServer) -> None:
    visitor = await server.visitor()
    files = [each for each in static_folder().rglob("*") if each.is_file()]
    assert files
    for file in sorted(files):
        name = file.relative_to(static_folder()).as_posix()
        response = await visitor.http.get(f"/static/{name}")
        assert response.status_code == 200
        check(dict(response.headers), name)


async def test_refused_upgrades_send_the_headers(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    refused = await server.refused_upgrade(ada.cookie, Origin="https://evil.example")
    told = problem_of(refused.status_code, refused.headers, bytes(refused.body))
    assert told == (403, "cross_origin")
    with Peers(server.port) as peers:
        peer = await peers.connect()
        await peer.send(opening("/nope", ada.cookie))
        answer = await peer.answer()
        assert problem_of(answer.status, answer.headers, answer.body) == (404, "not_found")


async def test_answers_that_depend_on_the_session_are_not_cached(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    for call in calls_of(server.still_here.app):
        if call.path.startswith("/api/") and call.method == "GET":
            response = await ada.http.get(call.path.replace("{id}", ada.id))
            assert response.headers["cache-control"] == "no-store", call.path
    response = await ada.http.post("/api/guests", json={"name": "Ada"})
    assert response.headers["cache-control"] == "no-store"
    response = await ada.http.delete("/api/session")
    assert response.headers["cache-control"] == "no-store"
    assert 'session=""' in response.headers["set-cookie"]
