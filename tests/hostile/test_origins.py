"""Pages of other origins: all combinations of headers of browsers, on every unsafe route and the
socket (OWASP CSRF and WebSocket cheat sheets; ASVS 5.0, 3.5.1 and 4.4.2)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.answers import Bystanders, calls_of, refusal, routes_of
from tests.support.live_server import LiveServer, Visitor, run_server
from tests.support.peers import Peers, opening, request

SITES = [
    *(None, "same-origin", "same-site", "cross-site", "none", "", "sibling"),
    *("SAME-ORIGIN", "CROSS-SITE"),
]
ALLOWED = "https://game.example"


def origins(server: LiveServer, site: str | None) -> list[str | None]:
    """None, the own origin, an allowed one, and others; without fetch metadata, which would
    decide before, also some that look like the own one."""
    found = [None, server.url, ALLOWED, "https://evil.example", "null", ""]
    if site is None:
        found += [
            f"https://127.0.0.1:{server.port}",
            f"http://127.0.0.1:{server.port + 1}",
            "http://127.0.0.1",
            f"http://127.0.0.1.evil.example:{server.port}",
            f"http://127.0.0.1:{server.port}x",
            "http://[::1",
        ]
    return found


def is_let_in(server: LiveServer, site: str | None, origin: str | None) -> bool:
    """The rule of the cheat sheet, written independently of the code."""
    if site is None:
        return origin in (None, server.url, ALLOWED)
    return site.lower() in ("same-origin", "none") or origin == ALLOWED


def unsafe_routes(server: LiveServer) -> list[tuple[str, str]]:
    """Every unsafe route, and two that do not exist."""
    calls = calls_of(server.still_here.app)
    found = [(each.method, each.path) for each in calls if each.method != "GET"]
    assert len(found) >= 8
    return [*found, ("PUT", "/api/session"), ("PATCH", "/")]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LiveServer]:
    async with run_server(tmp_path / "test.db", allowed_origins=(ALLOWED,)) as running:
        yield running


def browser_says(site: str | None, origin: str | None) -> dict[str, str]:
    headers = {} if site is None else {"Sec-Fetch-Site": site}
    return headers if origin is None else {**headers, "Origin": origin}


async def test_every_unsafe_route_refuses_pages_of_other_origins(
    bystanders: Bystanders, server: LiveServer
) -> None:
    refused = 0
    stranger = await server.visitor()
    sessions = set(server.still_here.registry.sessions)
    for method, path in unsafe_routes(server):
        for site in SITES:
            for origin in origins(server, site):
                if is_let_in(server, site, origin):
                    continue
                # With and without a valid cookie.
                for browser, name in ((bystanders.ada, "Ada"), (stranger, "Eve")):
                    response = await browser.http.request(
                        method,
                        path.replace("{id}", bystanders.ada.session.id),
                        headers=browser_says(site, origin),
                        json={"name": name, "password": "correct horse"},
                    )
                    assert refusal(response) == (403, "cross_origin"), (method, path, site, origin)
                    assert "set-cookie" not in response.headers
                    refused += 1
    assert refused >= 2 * 8 * 20
    assert set(server.still_here.registry.sessions) == sessions


async def test_every_unsafe_route_is_open_to_own_pages_and_to_programs(server: LiveServer) -> None:
    ada = await server.member("Ada")
    for method, path in unsafe_routes(server):
        for site in SITES:
            for origin in origins(server, site):
                if not is_let_in(server, site, origin):
                    continue
                # Without a valid body: only the check of the origin is tested.
                response = await ada.http.request(
                    method,
                    path.replace("{id}", "s_0123456789012345678901"),
                    headers={**browser_says(site, origin), "Cookie": ""},
                )
                assert response.status_code != 403, (method, path, site, origin)


async def test_a_form_of_another_origin_cannot_sign_a_visitor_in_as_the_attacker(
    bystanders: Bystanders,
) -> None:
    for headers in [{}, {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}]:
        response = await bystanders.ada.http.post(
            "/api/session", data={"name": "Eve", "password": "correct horse"}, headers=headers
        )
        assert response.status_code in (403, 415)
        assert "set-cookie" not in response.headers


async def test_no_get_changes_anything(bystanders: Bystanders, server: LiveServer) -> None:
    """Top-level GETs, which send the `SameSite=Lax` cookie from other sites, change nothing."""
    headers = {"Sec-Fetch-Site": "cross-site", "Passive": "1"}
    for route in routes_of(server.still_here.app):
        if "GET" in (route.methods or ()):
            path = route.path.replace("{id}", bystanders.ada.id).replace("{path:path}", "app.js")
            query = "?game=connect-four" if path == "/api/standings" else ""
            response = await bystanders.ada.http.get(path + query, headers=headers)
            # There is no room, and no match was played.
            expected = 404 if path.startswith(("/api/rooms/", "/api/matches/")) else 200
            assert response.status_code == expected, path
            assert "set-cookie" not in response.headers


# Sockets


def strangers(port: int) -> list[str]:
    """Origins of others, some of which look like the own one."""
    own = f"127.0.0.1:{port}"
    return [
        "https://evil.example",
        "null",
        "",
        "*",
        f"https://{own}",
        f"ws://{own}",
        f"file://{own}",
        "http://127.0.0.1",
        f"http://127.0.0.1:{port + 1}",
        f"http://127.0.0.1:0{port}1",
        f"http://127.0.0.1:{port}.evil.example",
        f"http://evil.example.127.0.0.1:{port}",
        f"http://evil127.0.0.1:{port}",
        f"http://127.0.0.1.:{port}",
        f"http://2130706433:{port}",
        f"http://127.0.0.1@evil.example:{port}",
        f"http://evil.example@{own}",
        f"http://{own}@evil.example",
        f"http://{own}/",
        f"http://{own}/evil",
        f"http://{own}?",
        f"http://{own}#evil.example",
        f"http://evil.example#{own}",
        f"http://evil.example/{own}",
        f"http://evil.example\\@{own}",
        f"http://{own} https://evil.example",
        f"http://{own}, https://evil.example",
        f"http:/{own}",
        f"http:{own}",
        own,
        f"//{own}",
        "http://game.example",
        "https://game.example.evil.example",
        "https://evil-game.example",
        "https://a.game.example",
        "https://game.example:444",
        "https://game.example/",
        "http://[::1",
        "http://[::ffff:127.0.0.1]",
    ]


async def answered(server: LiveServer, head: bytes) -> int:
    """The status of the answer to these bytes."""
    with Peers(server.port) as peers:
        peer = await peers.connect()
        await peer.send(head)
        return (await peer.answer()).status


async def test_pages_of_other_origins_cannot_open_a_socket(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    for origin in strangers(server.port):
        answer = await server.refused_upgrade(ada.cookie, Origin=origin)
        assert answer.status_code == 403, origin
        response = await ada.http.post("/api/session/activity", headers={"Origin": origin})
        assert refusal(response) == (403, "cross_origin"), origin
    assert ada.session.connections == 0
    assert ada.session.last_activity == 0


async def test_own_and_allowed_pages_and_programs_open_sockets(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    for origin in [None, server.url, server.url.upper(), ALLOWED, "https://GAME.example"]:
        headers = {} if origin is None else {"Origin": origin}
        tab = await ada.tab(headers=headers)
        assert tab.seen[0]["type"] == "hello", origin
        await tab.socket.close()


# The `Host` header


async def test_a_forged_host_makes_no_origin_the_own_one(server: LiveServer) -> None:
    """Browsers send the host they connect to; only programs can forge it."""
    ada = await server.guest("Ada")
    own = f"127.0.0.1:{server.port}"
    evil = "Origin: https://evil.example"
    for hosts in [
        [f"Host: {own}"],
        [f"Host: {own}", "Host: evil.example"],
        [f"Host: {own}, evil.example"],
        ["Host: "],
        ["Host: evil.example@" + own],
        [f"Host: {own}", "X-Forwarded-Host: evil.example"],
        [f"Host: {own}", "Forwarded: host=evil.example;proto=https"],
        [f"Host: {own}", "X-Forwarded-Proto: https", "X-Forwarded-For: 127.0.0.1"],
    ]:
        for line in ["POST /api/session/activity", f"POST http://{own}/api/session/activity"]:
            sent = [f"{line} HTTP/1.1", *hosts, evil, f"Cookie: session={ada.cookie}"]
            with Peers(server.port) as peers:
                peer = await peers.connect()
                await peer.send(request(*sent, "Content-Length: 0", "Connection: close"))
                assert (await peer.answer()).status in (400, 403, 404), hosts
        head = opening("/ws", ada.cookie, evil).replace(
            b"Host: 127.0.0.1\r\n", "".join(f"{each}\r\n" for each in hosts).encode()
        )
        assert await answered(server, head) in (400, 403), hosts
    assert ada.session.last_activity == 0
    assert ada.session.connections == 0


async def test_the_host_header_is_never_echoed(server: LiveServer) -> None:
    """No link, redirect or cookie contains it."""
    visitor: Visitor = await server.visitor()
    for path in ["/", "/nope", "/openapi.json", "/api/session", "/api/players"]:
        response = await visitor.http.get(path, headers={"Host": "evil.example"})
        assert "evil" not in response.text
        assert not any("evil" in value for value in response.headers.values())
    response = await visitor.http.post(
        "/api/guests", json={"name": "Eve"}, headers={"Host": "evil.example"}
    )
    assert "domain" not in response.headers["set-cookie"].lower()
