"""Sessions that were never issued, or have ended: refused on every route and the socket, and never
adopted (ASVS 5.0, 7.2 and 7.4; OWASP session management cheat sheet)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.accounts.tokens import SessionTokens
from server.presence.status import ENDINGS, Reason
from server.web.calls import Cookie
from tests.support.answers import calls_of, cookie_of, refusal
from tests.support.live_server import LiveServer, Visitor, run_server

KEY = "k" * 43


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LiveServer]:
    async with run_server(tmp_path / "test.db", secret_keys=KEY) as running:
        yield running


async def replay(server: LiveServer, cookie: str) -> set[str]:
    """Send a cookie to every call that needs a session, and to the socket; return the codes of the
    refusals. Fails if one is accepted."""
    codes = set()
    calls = calls_of(server.still_here.app)
    needing = [each for each in calls if each.cookie in (Cookie.NEEDED, Cookie.TAKEN_AWAY)]
    assert len(needing) >= 8
    thief = await server.visitor(headers={"Cookie": f"session={cookie}"})
    for call in needing:
        path = call.path.replace("{id}", "s_0123456789012345678901")
        # A required body is checked first.
        body = None if call.method == "GET" else {"game": "connect-four"}
        response = await thief.http.request(call.method, path, json=body)
        status, code = refusal(response)
        assert status == 401, call.path
        assert "set-cookie" not in response.headers
        codes.add(code)
    tab = await server.tab(cookie)
    closed, before = await tab.closed()
    assert closed == 4500
    (farewell,) = before
    codes.add(farewell["reason"])
    return codes


# Never issued


async def test_ids_that_were_never_issued_are_refused_and_never_adopted(
    server: LiveServer,
) -> None:
    signed_by_us = SessionTokens([KEY]).mint().cookie
    signed_by_others = SessionTokens(["x" * 43]).mint().cookie
    for planted in [signed_by_us, signed_by_others, "attacker", "s_0123456789012345678901", "a.b"]:
        assert await replay(server, planted) == {"not_signed_in"}
        # The victim signs in with a cookie that an attacker has planted.
        victim = await server.visitor(headers={"Cookie": f"session={planted}"})
        name = {"name": f"Victim {len(server.still_here.registry.sessions)}"}
        response = await victim.http.post("/api/guests", json=name)
        assert response.status_code == 201
        given = cookie_of(response).value
        assert given != planted
        assert await replay(server, planted) == {"not_signed_in"}


async def test_the_public_id_of_a_session_is_no_cookie(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    assert await replay(server, ada.session.id) == {"not_signed_in"}
    forged = SessionTokens([KEY])._signer.sign(ada.session.id).decode()
    assert await replay(server, forged) == {"not_signed_in"}


async def test_a_session_is_read_from_one_cookie_only_and_from_nowhere_else(
    server: LiveServer,
) -> None:
    ada = await server.guest("Ada")
    visitor = await server.visitor()
    for request in [
        httpx.Request("GET", f"{server.url}/api/session?session={ada.cookie}"),
        httpx.Request(
            "GET", f"{server.url}/api/session", headers={"Authorization": f"Bearer {ada.cookie}"}
        ),
        httpx.Request(
            "GET", f"{server.url}/api/session", headers={"Cookie": f"__Host-session={ada.cookie}"}
        ),
        httpx.Request("POST", f"{server.url}/api/session/activity", json={"session": ada.cookie}),
    ]:
        assert refusal(await visitor.http.send(request)) == (401, "not_signed_in")


# A new session at every sign-in


async def test_every_sign_in_makes_a_new_id_and_the_old_one_is_dead_at_once(
    server: LiveServer,
) -> None:
    browser = await server.visitor()
    dead: list[str] = []
    password = "correct horse"
    for path, body in [
        ("/api/guests", {"name": "Gus"}),
        ("/api/guests", {"name": "Gus"}),
        ("/api/guests", {"name": "Someone else"}),
        ("/api/players", {"name": "Ada", "password": password}),
        ("/api/session", {"name": "Ada", "password": password}),
        ("/api/session", {"name": "Ada", "password": password, "remember": True}),
    ]:
        before = browser.http.cookies.get("session")
        tab = None if before is None else await server.tab(before)
        response = await browser.http.post(path, json=body)
        assert response.status_code == 201
        if before is not None and tab is not None:
            dead.append(before)
            assert (await tab.closed())[0] == 4505
        assert browser.cookie not in dead
    assert len(set(dead)) == 5
    for cookie in dead:
        assert await replay(server, cookie) == {"replaced"}
    assert (await browser.http.get("/api/session")).status_code == 200


async def test_a_failed_sign_in_creates_no_id_and_ends_no_session(server: LiveServer) -> None:
    ada = await server.member("Ada")
    for path, body in [
        ("/api/session", {"name": "Ada", "password": "wrong horse"}),
        ("/api/guests", {"name": "Ada"}),
        ("/api/players", {"name": "Ada", "password": "correct horse"}),
        ("/api/players", {"name": "Bob", "password": "password1"}),
    ]:
        response = await ada.http.post(path, json=body)
        assert response.status_code in (401, 409, 422)
        assert "set-cookie" not in response.headers
        assert (await ada.http.get("/api/session")).status_code == 200


# Ended sessions


async def by_time(server: LiveServer, ada: Visitor) -> None:
    await server.advance(301)


async def by_signing_out(server: LiveServer, ada: Visitor) -> None:
    assert (await ada.http.delete("/api/session")).status_code == 204


async def by_signing_out_everywhere(server: LiveServer, ada: Visitor) -> None:
    elsewhere = await server.sign_in("Ada")
    assert (await elsewhere.http.delete("/api/sessions")).status_code == 204


async def by_its_id_from_elsewhere(server: LiveServer, ada: Visitor) -> None:
    elsewhere = await server.sign_in("Ada")
    assert (await elsewhere.http.delete(f"/api/sessions/{ada.session.id}")).status_code == 204


async def by_an_operator(server: LiveServer, ada: Visitor) -> None:
    sessions = server.still_here.sessions
    await sessions.end([ada.session.id], Reason.KICKED, server.clock.now())


async def by_too_many_others(server: LiveServer, ada: Visitor) -> None:
    for _ in range(server.settings.max_sessions_per_player):
        await server.sign_in("Ada")


WAYS: dict[Callable[[LiveServer, Visitor], Awaitable[None]], Reason] = {
    by_time: Reason.IDLE_TIMEOUT,
    by_signing_out: Reason.SIGNED_OUT,
    by_signing_out_everywhere: Reason.SIGNED_OUT_EVERYWHERE,
    by_its_id_from_elsewhere: Reason.SIGNED_OUT,
    by_an_operator: Reason.KICKED,
    by_too_many_others: Reason.REPLACED,
}


def test_the_tests_try_every_way_in_which_a_session_ends() -> None:
    # The absolute end needs a policy of its own, below.
    assert set(WAYS.values()) | {Reason.SESSION_LIFETIME} == ENDINGS


@pytest.mark.parametrize(("end", "reason"), WAYS.items(), ids=[way.__name__ for way in WAYS])
async def test_a_session_that_is_over_cannot_be_replayed(
    tmp_path: Path, end: Callable[[LiveServer, Visitor], Awaitable[None]], reason: Reason
) -> None:
    options: dict[str, Any] = {"secret_keys": KEY, "max_sessions_per_player": 2}
    async with run_server(tmp_path / "test.db", **options) as server:
        ada = await server.member("Ada")
        tab = await ada.tab()
        stolen = ada.cookie
        await end(server, ada)
        # The open socket is closed, and no new one is accepted.
        assert (await tab.closed())[0] in range(4500, 4600)
        assert await replay(server, stolen) == {reason}
        now = server.clock.now()
        # A new sign-in does not revive it.
        await server.sign_in("Ada")
        assert await replay(server, stolen) == {reason}
    # Nor does a restart.
    async with run_server(tmp_path / "test.db", **options) as server:
        await server.advance(now)
        assert await replay(server, stolen) == {reason}


async def test_a_session_that_pings_for_ever_is_over_at_its_absolute_end(tmp_path: Path) -> None:
    async with run_server(tmp_path / "test.db", session_lifetime=600) as server:
        ada = await server.guest("Ada")
        stolen = ada.cookie
        for _ in range(5):
            await server.advance(110)
            # The server ignores the client's times.
            body = {"expires_in": 1e9, "ends_in": 1e9, "last_activity_at": "2099-01-01T00:00:00Z"}
            assert (await ada.http.post("/api/session/activity", json=body)).status_code == 200
        await server.advance(50.1)
        assert await replay(server, stolen) == {Reason.SESSION_LIFETIME}
