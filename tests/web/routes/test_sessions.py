"""Activity, leaving, signing out, and the list of own sessions."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from server.presence.status import Reason
from server.web.devices import device_of
from tests.support.answers import cookie_of, refusal, until_status
from tests.support.live_server import LiveServer, run_server
from tests.support.manual_clock import SLOT

POLICY = {
    "away_after": 120.0,
    "warn_before": 60.0,
    "idle_timeout": 300.0,
    "session_lifetime": 43_200.0,
    "reload_grace": 5.0,
    "reconnect_grace": 30.0,
}


async def look(cookie: str, server: LiveServer) -> httpx.Response:
    """`GET /api/session` with this cookie and no other."""
    visitor = await server.visitor()
    return await visitor.http.get("/api/session", headers={"Cookie": f"session={cookie}"})


# Reading and staying


async def test_the_view_tells_the_time_that_is_left(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    await server.advance(100.25)
    session = (await ada.http.get("/api/session")).json()["session"]
    assert session["expires_in"] == 199.75
    assert session["warns_in"] == 139.75
    assert session["ends_in"] == 43_099.75


async def test_an_activity_call_restarts_the_idle_clock(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    await server.advance(130)
    assert await ada.status() == "away"
    response = await ada.http.post("/api/session/activity")
    assert response.status_code == 200
    view = response.json()
    assert set(view) == {"player", "session", "policy"}
    assert view["player"]["status"] == "active"
    assert view["session"]["expires_in"] == 300.0
    assert view["session"]["ends_in"] == 43_070.0


async def test_without_any_activity_the_session_ends_at_the_timeout_and_not_before(
    server: LiveServer,
) -> None:
    ada = await server.guest("Ada")
    await server.advance(299.999)
    assert (await ada.http.get("/api/session")).status_code == 200
    await server.advance(0.001 + SLOT)
    assert refusal(await ada.http.get("/api/session")) == (401, "idle_timeout")
    assert refusal(await ada.http.post("/api/session/activity")) == (401, "idle_timeout")


async def test_the_longest_life_ends_a_session_however_active(tmp_path: Path) -> None:
    async with run_server(tmp_path / "test.db", session_lifetime=1000.0) as server:
        ada = await server.guest("Ada")
        for _ in range(9):
            await server.advance(111)
            assert (await ada.http.post("/api/session/activity")).status_code == 200
        await server.advance(0.999)
        view = (await ada.http.get("/api/session")).json()
        assert (view["session"]["expires_in"], view["session"]["ends_in"]) == (0.001, 0.001)
        await server.advance(0.001 + SLOT)
        assert refusal(await ada.http.get("/api/session")) == (401, "session_lifetime")


async def test_calls_without_a_session_are_refused_with_the_reason(server: LiveServer) -> None:
    browser = await server.visitor()
    ada = await server.guest("Ada")
    await server.still_here.sessions.end([ada.session.id], Reason.KICKED, server.clock.now())
    for method, path in [
        ("GET", "/api/session"),
        ("POST", "/api/session/activity"),
        ("POST", "/api/session/leave"),
        ("DELETE", "/api/session"),
        ("GET", "/api/sessions"),
        ("DELETE", "/api/sessions"),
        ("DELETE", "/api/sessions/s_0123456789012345678901"),
        ("GET", "/api/players/p_0123456789012345678901/history"),
    ]:
        assert refusal(await browser.http.request(method, path)) == (401, "not_signed_in"), path
        assert refusal(await ada.http.request(method, path)) == (401, "kicked"), path


async def test_looking_without_a_session_returns_the_policy(
    tmp_path: Path,
) -> None:
    policy = {**POLICY, "idle_timeout": 400.0, "remember_lifetime": 5000.0}
    async with run_server(
        tmp_path / "test.db", idle_timeout=400.0, remember_lifetime=5000.0
    ) as server:
        browser = await server.visitor()
        ada = await server.guest("Ada")
        view = (await ada.http.get("/api/session")).json()
        assert "remember_lifetime" not in view["policy"]
        await server.still_here.sessions.end([ada.session.id], Reason.KICKED, server.clock.now())
        for each, code in ((browser, "not_signed_in"), (ada, "kicked")):
            response = await each.http.get("/api/session")
            assert refusal(response) == (401, code)
            assert response.json()["policy"] == policy
            assert (await each.http.head("/api/session")).status_code == 401
            for method, path in [("POST", "/api/session/activity"), ("GET", "/api/sessions")]:
                other = await each.http.request(method, path)
                assert "policy" not in other.json()


# Leaving


async def test_leaving_is_no_activity_and_no_sign_out(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    await server.advance(100)
    response = await ada.http.post("/api/session/leave")
    assert (response.status_code, response.content) == (204, b"")
    view = (await ada.http.get("/api/session")).json()
    assert view["session"]["expires_in"] == 200.0


async def test_a_beacon_makes_the_grace_of_a_lost_connection_short(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    assert (await ada.http.post("/api/session/leave", content=b"")).status_code == 204
    tab.socket.transport.abort()
    await until_status(ada, "reconnecting")
    await server.advance(4.999)
    assert await ada.status() == "reconnecting"
    await server.advance(0.001 + SLOT)
    assert await ada.status() == "offline"


async def test_a_beacon_after_the_connection_was_lost_shortens_the_grace_that_runs(
    server: LiveServer,
) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    tab.socket.transport.abort()
    await until_status(ada, "reconnecting")
    await server.advance(10)
    assert (await ada.http.post("/api/session/leave")).status_code == 204
    await server.advance(4.999)
    assert await ada.status() == "reconnecting"
    await server.advance(0.001 + SLOT)
    assert await ada.status() == "offline"


# Signing out


async def test_signing_out_ends_this_session_only(server: LiveServer) -> None:
    phone = await server.member("Ada")
    laptop = await server.sign_in("Ada")
    tab, other = await phone.tab(), await laptop.tab()
    old = phone.cookie
    response = await phone.http.delete("/api/session")
    assert response.status_code == 204
    cookie = cookie_of(response)
    assert (cookie.key, cookie.value, cookie["max-age"]) == ("session", "", "0")
    code, before = await tab.closed()
    assert (code, before[-1]["type"], before[-1]["reason"]) == (4503, "signed_out", "signed_out")
    assert before[-1]["detail"]
    assert refusal(await look(old, server)) == (401, "signed_out")
    assert await other.quiet() == []
    assert (await laptop.http.get("/api/session")).status_code == 200


async def test_signing_out_everywhere_ends_every_session_this_one_included(
    server: LiveServer,
) -> None:
    phone = await server.member("Ada")
    laptop = await server.sign_in("Ada")
    tabs = [await phone.tab(), await laptop.tab()]
    bob = await server.guest("Bob")
    response = await phone.http.delete("/api/sessions")
    assert response.status_code == 204
    assert cookie_of(response)["max-age"] == "0"
    for tab in tabs:
        code, before = await tab.closed()
        assert (code, before[-1]["reason"]) == (4503, "signed_out_everywhere")
    assert refusal(await laptop.http.get("/api/session")) == (401, "signed_out_everywhere")
    assert (await bob.http.get("/api/session")).status_code == 200


async def test_one_of_the_own_sessions_can_be_signed_out_from_another(server: LiveServer) -> None:
    phone = await server.member("Ada")
    laptop = await server.sign_in("Ada")
    tab = await laptop.tab()
    response = await phone.http.delete(f"/api/sessions/{laptop.view['session']['id']}")
    assert response.status_code == 204
    assert "set-cookie" not in response.headers
    code, before = await tab.closed()
    assert (code, before[-1]["reason"]) == (4503, "signed_out")
    assert refusal(await laptop.http.get("/api/session")) == (401, "signed_out")
    assert (await phone.http.get("/api/session")).status_code == 200


async def test_the_own_session_can_be_signed_out_by_its_id(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    response = await ada.http.delete(f"/api/sessions/{ada.view['session']['id']}")
    assert response.status_code == 204
    assert cookie_of(response)["max-age"] == "0"


async def test_sessions_of_other_players_cannot_be_signed_out(server: LiveServer) -> None:
    ada, bob = await server.guest("Ada"), await server.guest("Bob")
    for id in [bob.view["session"]["id"], "s_0123456789012345678901", "%00", "x" * 1000]:
        assert refusal(await ada.http.delete(f"/api/sessions/{id}")) == (404, "not_found")
    assert (await bob.http.get("/api/session")).status_code == 200


# Own sessions


async def test_only_the_own_sessions_are_listed(server: LiveServer) -> None:
    phone = await server.member("Ada")
    await server.guest("Bob")
    await server.advance(10)
    laptop = await server.sign_in("Ada", remember=True)
    await laptop.tab()
    await laptop.tab()
    await server.advance(5)
    response = await phone.http.get("/api/sessions")
    assert response.status_code == 200
    first, second = response.json()["sessions"]
    assert first == {
        "id": phone.view["session"]["id"],
        "status": "active",
        "created_at": "2023-11-14T22:13:20.000Z",
        "last_activity_at": "2023-11-14T22:13:35.000Z",
        "connections": 0,
        "current": True,
        "remember": False,
        "expires_in": 300.0,
        "ends_in": 43_185.0,
        "browser": None,
        "system": None,
    }
    assert second == {
        "id": laptop.view["session"]["id"],
        "status": "active",
        "created_at": "2023-11-14T22:13:30.000Z",
        "last_activity_at": "2023-11-14T22:13:30.000Z",
        "connections": 2,
        "current": False,
        "remember": True,
        "expires_in": 295.0,
        "ends_in": 1_209_595.0,
        "browser": None,
        "system": None,
    }


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"


async def test_the_devices_of_the_own_sessions_survive_a_restart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = tmp_path / "test.db"
    caplog.set_level(logging.DEBUG)

    async def listed(cookie: str) -> list[tuple[str | None, str | None]]:
        browser = await server.visitor()
        response = await browser.http.get(
            "/api/sessions", headers={"Cookie": f"session={cookie}", "User-Agent": "another"}
        )
        return [(each["browser"], each["system"]) for each in response.json()["sessions"]]

    async with run_server(database) as server:
        await server.member("Ada")
        laptop = await server.visitor()
        body = {"name": "Ada", "password": "correct horse"}
        await laptop.http.post("/api/session", json=body, headers={"User-Agent": FIREFOX})
        cookie = laptop.cookie
        expected = [(None, None), ("Firefox", "Linux")]
        assert await listed(cookie) == expected
        devices = {each.device for each in server.still_here.registry.sessions.values()}
        assert any(each is device_of("Firefox", "Linux") for each in devices), "one for all"
    async with run_server(database) as server:
        assert await listed(cookie) == expected
        devices = {each.device for each in server.still_here.registry.sessions.values()}
        assert any(each is device_of("Firefox", "Linux") for each in devices)
    assert "Gecko" not in caplog.text
    with closing(sqlite3.connect(database)) as disk:
        assert "Gecko" not in "\n".join(disk.iterdump()), "the header itself is nowhere"
