"""Signing in, and changing the password."""

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from server.accounts.limits import Limits as AccountLimits
from server.base.ids import ID_PATTERN
from server.base.rates import Quota
from server.limits import Limits
from tests.support.answers import cookie_of, refusal
from tests.support.database import rows
from tests.support.live_server import LiveServer, run_server
from tests.web.routes.test_sessions import POLICY, look

# Signing in


@pytest.mark.parametrize(
    ("path", "body", "is_guest"),
    [
        ("/api/guests", {"name": "Ada"}, True),
        ("/api/players", {"name": "Ada", "password": "correct horse"}, False),
    ],
)
async def test_a_new_player_is_signed_in_at_once(
    server: LiveServer, path: str, body: dict[str, str], is_guest: bool
) -> None:
    ada = await server.visitor()
    response = await ada.http.post(path, json={**body, "unknown": "fields are ignored"})
    assert response.status_code == 201
    view = response.json()
    assert re.fullmatch(ID_PATTERN, view["player"].pop("id"))
    assert re.fullmatch(ID_PATTERN, view["session"].pop("id"))
    assert view == {
        "player": {"name": "Ada", "guest": is_guest, "status": "active"},
        "session": {"expires_in": 300.0, "warns_in": 240.0, "ends_in": 43_200.0, "remember": False},
        "policy": POLICY,
    }
    assert (await ada.http.get("/api/session")).status_code == 200


async def test_the_cookie_is_http_only_and_ends_with_the_browser(server: LiveServer) -> None:
    ada = await server.visitor()
    cookie = cookie_of(await ada.http.post("/api/guests", json={"name": "Ada"}))
    assert cookie.key == "session"
    assert cookie["httponly"] is True
    assert cookie["samesite"].lower() == "lax"
    assert cookie["path"] == "/"
    assert not cookie["domain"]
    assert not cookie["secure"]
    assert not cookie["max-age"]
    assert not cookie["expires"]
    assert len(cookie.value) < 200


async def test_the_cookie_contains_nothing_of_the_session_or_the_player(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    assert ada.view["session"]["id"] not in ada.cookie
    assert ada.id not in ada.cookie
    assert (await look(ada.view["session"]["id"], server)).status_code == 401


async def test_a_registered_player_signs_in_under_any_case_of_their_name(
    server: LiveServer,
) -> None:
    ada = await server.member("Ada Lovelace")
    again = await server.sign_in("ADA  lovelace ")
    assert again.id == ada.id
    assert again.name == "Ada Lovelace"
    assert again.view["session"]["id"] != ada.view["session"]["id"]


async def test_a_remembered_session_has_a_lasting_cookie_and_a_longer_life(
    server: LiveServer,
) -> None:
    await server.member("Ada")
    browser = await server.visitor()
    response = await browser.http.post(
        "/api/session", json={"name": "Ada", "password": "correct horse", "remember": True}
    )
    assert response.status_code == 201
    assert cookie_of(response)["max-age"] == "1209600"
    view = response.json()
    assert view["session"]["remember"] is True
    assert view["session"]["ends_in"] == 1_209_600.0
    assert view["session"]["expires_in"] == 300.0


async def test_not_asking_to_be_remembered_leaves_no_lasting_cookie(server: LiveServer) -> None:
    await server.member("Ada")
    browser = await server.visitor()
    response = await browser.http.post(
        "/api/session", json={"name": "Ada", "password": "correct horse", "remember": False}
    )
    assert not cookie_of(response)["max-age"]
    assert response.json()["session"]["remember"] is False


async def test_wrong_password_and_unknown_name_get_the_same_answer(server: LiveServer) -> None:
    await server.member("Ada")
    await server.guest("Gus")
    browser = await server.visitor()
    answers = [
        await browser.http.post("/api/session", json={"name": name, "password": password})
        for name, password in [
            ("Ada", "wrong horse"),
            ("Nobody", "correct horse"),
            ("Gus", "correct horse"),
            ("", "correct horse"),
            ("\u202eAda", "correct horse"),
            ("Ada", ""),
            ("Ada", "x" * 1000),
            ("x" * 1000, "correct horse"),
        ]
    ]
    assert {refusal(answer) for answer in answers} == {(401, "bad_credentials")}
    assert len({answer.content for answer in answers}) == 1
    assert not any("set-cookie" in answer.headers for answer in answers)


@pytest.mark.parametrize("path", ["/api/guests", "/api/players"])
async def test_a_name_that_is_taken_or_looks_taken_is_a_conflict(
    server: LiveServer, path: str
) -> None:
    await server.guest("Bill")
    browser = await server.visitor()
    for double in ["Bill", "BILL", "bill", "Ｂｉｌｌ", " Bill ", "BiIl", "Вill"]:
        response = await browser.http.post(path, json={"name": double, "password": "correct horse"})
        assert refusal(response) == (409, "name_taken"), double
        assert "set-cookie" not in response.headers


async def test_one_of_several_simultaneous_requests_for_a_name_gets_it(server: LiveServer) -> None:
    browsers = [await server.visitor() for _ in range(8)]
    answers = await asyncio.gather(
        *(browser.http.post("/api/guests", json={"name": "Ada"}) for browser in browsers)
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


async def test_a_guests_name_is_free_again_once_they_are_gone(server: LiveServer) -> None:
    first = await server.guest("Ada")
    assert (await first.http.delete("/api/session")).status_code == 204
    second = await server.guest("Ada")
    assert second.id != first.id


async def test_a_members_name_is_theirs_for_good(server: LiveServer) -> None:
    ada = await server.member("Ada")
    assert (await ada.http.delete("/api/session")).status_code == 204
    browser = await server.visitor()
    response = await browser.http.post("/api/guests", json={"name": "Ada"})
    assert refusal(response) == (409, "name_taken")


async def test_a_guest_can_sign_in_anew_under_their_own_name(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    old = ada.cookie
    response = await ada.http.post("/api/guests", json={"name": "ada"})
    assert response.status_code == 201
    assert refusal(await look(old, server)) == (401, "replaced")


async def test_a_guest_refused_for_the_limit_keeps_their_session(tmp_path: Path) -> None:
    limits = Limits(accounts=AccountLimits(players_per_address=Quota(1, 60)))
    async with run_server(
        tmp_path / "test.db", trusted_proxies="127.0.0.1", limits=limits
    ) as server:
        gus = await server.guest("Gus")
        tab = await gus.tab()
        address = {"X-Forwarded-For": "198.51.100.7"}
        other = await server.visitor()
        await other.http.post("/api/guests", json={"name": "Eve"}, headers=address)
        again = await gus.http.post("/api/guests", json={"name": "Gus"}, headers=address)
        assert refusal(again) == (429, "too_many_attempts")
        assert int(again.headers["retry-after"]) > 0
        assert (await gus.http.get("/api/session")).json()["session"]["id"] == gus.session.id
        assert (await tab.ask("ping", "pong"))["expires_in"] == 300.0


@pytest.mark.parametrize(
    ("path", "body", "more"),
    [
        ("/api/guests", {"name": ""}, {"rule": "name_empty"}),
        (
            "/api/players",
            {"name": "x" * 41, "password": "correct horse"},
            {"rule": "name_too_long", "limit": 40, "length": 41},
        ),
        (
            "/api/guests",
            {"name": "\u202eadA"},
            {"rule": "name_character", "character": "U+202E"},
        ),
        (
            "/api/players",
            {"name": "Ada", "password": "short"},
            {"rule": "password_too_short", "limit": 8},
        ),
        (
            "/api/players",
            {"name": "correct horse", "password": "Correct Horse"},
            {"rule": "password_is_name"},
        ),
        ("/api/guests", {"name": 5}, {}),
    ],
)
async def test_a_refused_name_or_password_comes_with_the_rule_for_pages_of_any_language(
    server: LiveServer, path: str, body: dict[str, str], more: dict[str, object]
) -> None:
    browser = await server.visitor()
    response = await browser.http.post(path, json=body)
    assert refusal(response) == (422, "invalid")
    ordinary = {"type", "title", "status", "detail", "code"}
    assert {k: v for k, v in response.json().items() if k not in ordinary} == more


@pytest.mark.parametrize("length", [7, 257])
async def test_a_password_out_of_bounds_is_refused(server: LiveServer, length: int) -> None:
    browser = await server.visitor()
    response = await browser.http.post(
        "/api/players", json={"name": "Ada", "password": "p" * length}
    )
    assert refusal(response) == (422, "invalid")
    assert (await server.guest("Ada")).name == "Ada"


@pytest.mark.parametrize("password", ["p" * 8, "p" * 256, "pass wörd \u200b\U0001f600", "        "])
async def test_a_password_within_bounds_may_be_anything(server: LiveServer, password: str) -> None:
    await server.member("Ada", password)
    assert (await server.sign_in("Ada", password)).name == "Ada"
    browser = await server.visitor()
    response = await browser.http.post(
        "/api/session", json={"name": "Ada", "password": password[:-1]}
    )
    assert refusal(response) == (401, "bad_credentials")


async def test_signing_in_replaces_the_session_that_the_browser_had(server: LiveServer) -> None:
    ada = await server.member("Ada")
    tab = await ada.tab()
    old = ada.cookie
    response = await ada.http.post(
        "/api/session", json={"name": "Ada", "password": "correct horse"}
    )
    assert response.status_code == 201
    assert response.json()["session"]["id"] != ada.view["session"]["id"]
    assert ada.cookie != old
    code, before = await tab.closed()
    assert (code, before[-1]["type"], before[-1]["reason"]) == (4505, "signed_out", "replaced")
    assert refusal(await look(old, server)) == (401, "replaced")
    assert (await ada.http.get("/api/session")).json()["player"]["id"] == ada.id


async def test_a_failed_sign_in_leaves_the_session_alone(server: LiveServer) -> None:
    ada = await server.member("Ada")
    response = await ada.http.post("/api/session", json={"name": "Ada", "password": "wrong horse"})
    assert refusal(response) == (401, "bad_credentials")
    assert (await ada.http.get("/api/session")).status_code == 200


async def test_signing_in_as_another_player_ends_the_own_session(
    server: LiveServer,
) -> None:
    await server.member("Bob")
    ada = await server.guest("Ada")
    assert (
        await ada.http.post("/api/session", json={"name": "Bob", "password": "correct horse"})
    ).status_code == 201
    assert await ada.status() == "offline"
    assert (await ada.http.get("/api/session")).json()["player"]["name"] == "Bob"


# Too many sessions


async def test_a_session_beyond_the_limit_replaces_the_oldest(tmp_path: Path) -> None:
    async with run_server(tmp_path / "test.db", max_sessions_per_player=2) as server:
        first = await server.member("Ada")
        tab = await first.tab()
        await server.advance(1)
        second = await server.sign_in("Ada")
        assert (await first.http.get("/api/session")).status_code == 200
        await server.advance(1)
        third = await server.sign_in("Ada")
        code, before = await tab.closed()
        assert (code, before[-1]["reason"]) == (4505, "replaced")
        assert refusal(await first.http.get("/api/session")) == (401, "replaced")
        assert (await second.http.get("/api/session")).status_code == 200
        assert (await third.http.get("/api/session")).status_code == 200


async def test_signing_in_again_at_the_limit_replaces_no_other_session(
    tmp_path: Path,
) -> None:
    async with run_server(tmp_path / "test.db", max_sessions_per_player=2) as server:
        first = await server.member("Ada")
        await server.advance(1)
        second = await server.sign_in("Ada")
        response = await second.http.post(
            "/api/session", json={"name": "Ada", "password": "correct horse"}
        )
        assert response.status_code == 201
        assert (await first.http.get("/api/session")).status_code == 200
        assert (await second.http.get("/api/session")).status_code == 200


# Changing the password

CHANGE = {"current": "correct horse", "new": "battery staple"}


async def test_a_new_password_signs_in_and_ends_all_other_sessions(server: LiveServer) -> None:
    ada = await server.member("Ada")
    elsewhere = await server.sign_in("Ada")
    tab, other_tab = await ada.tab(), await elsewhere.tab()
    response = await ada.http.put("/api/password", json=CHANGE)
    assert (response.status_code, response.content) == (204, b"")
    code, told = await other_tab.closed()
    assert (code, told[-1]["reason"]) == (4503, "signed_out_everywhere")
    assert refusal(await elsewhere.http.get("/api/session")) == (401, "signed_out_everywhere")
    # The session of the call goes on, and counts it as an activity.
    assert (await tab.ask("ping", "pong"))["expires_in"] == 300.0
    assert ada.session.last_activity_by == "ping"
    visitor = await server.visitor()
    body = {"name": "Ada", "password": "correct horse"}
    assert refusal(await visitor.http.post("/api/session", json=body)) == (401, "bad_credentials")
    assert (await server.sign_in("Ada", "battery staple")).id == ada.id


async def test_a_new_password_ends_a_session_that_began_during_the_change(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await server.member("Ada")
    accounts = server.still_here.accounts
    change = accounts.change_password

    async def change_late(*given: Any) -> None:
        body = {"name": "Ada", "password": "correct horse"}
        assert (await ada.http.post("/api/session", json=body)).status_code == 201
        await change(*given)

    monkeypatch.setattr(accounts, "change_password", change_late)
    assert (await ada.http.put("/api/password", json=CHANGE)).status_code == 204
    assert refusal(await ada.http.get("/api/session")) == (401, "signed_out_everywhere")


async def test_a_changed_password_outlives_the_server(tmp_path: Path) -> None:
    async with run_server(tmp_path / "test.db") as server:
        ada = await server.member("Ada")
        assert (await ada.http.put("/api/password", json=CHANGE)).status_code == 204
        await ada.http.delete("/api/session")
    async with run_server(tmp_path / "test.db") as server:
        assert (await server.sign_in("Ada", "battery staple")).name == "Ada"


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        (CHANGE | {"current": "wrong horse"}, (403, "wrong_password")),
        (CHANGE | {"current": ""}, (403, "wrong_password")),
        (CHANGE | {"new": "short"}, (422, "invalid")),
        (CHANGE | {"new": "ADA"}, (422, "invalid")),
        ({"current": "correct horse"}, (422, "invalid")),
        ({"current": "x" * 1001, "new": "battery staple"}, (422, "invalid")),
    ],
)
async def test_a_change_that_is_refused_changes_nothing(
    server: LiveServer, body: dict[str, str], refused: tuple[int, str]
) -> None:
    ada = await server.member("Ada")
    elsewhere = await server.sign_in("Ada")
    assert refusal(await ada.http.put("/api/password", json=body)) == refused
    assert (await elsewhere.http.get("/api/session")).status_code == 200
    assert (await server.sign_in("Ada", "correct horse")).id == ada.id


async def test_a_refused_new_password_has_its_rule(server: LiveServer) -> None:
    ada = await server.member("Ada")
    response = await ada.http.put("/api/password", json=CHANGE | {"new": "1234567"})
    assert response.json()["rule"] == "password_too_short"
    assert response.json()["limit"] == 8


async def test_a_guest_has_no_password_to_change(server: LiveServer) -> None:
    gus = await server.guest("Gus")
    response = await gus.http.put("/api/password", json=CHANGE)
    assert refusal(response) == (403, "no_password")
    assert response.json()["detail"] == "A guest has no password. Register to have one."


async def test_changing_the_password_needs_a_session(server: LiveServer) -> None:
    await server.member("Ada")
    visitor = await server.visitor()
    assert refusal(await visitor.http.put("/api/password", json=CHANGE)) == (401, "not_signed_in")


async def test_guesses_of_the_current_password_are_limited_as_at_a_sign_in(
    server: LiveServer,
) -> None:
    ada = await server.member("Ada")
    for _ in range(AccountLimits().guesses_per_name.count):
        response = await ada.http.put("/api/password", json=CHANGE | {"current": "wrong"})
        assert refusal(response) == (403, "wrong_password")
    locked = await ada.http.put("/api/password", json=CHANGE)
    assert refusal(locked) == (429, "too_many_attempts")
    assert int(locked.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("typed", "again"),
    [("pa\u0301ss word", "p\u00e1ss word"), ("p\u00e1ss word", "pa\u0301ss\u00a0word")],
)
async def test_a_password_is_the_same_on_every_keyboard(
    server: LiveServer, typed: str, again: str
) -> None:
    """Composed at registration, decomposed at sign-in."""
    ada = await server.member("Ada", typed)
    assert (await server.sign_in("Ada", again)).id == ada.id
    change = {"current": again, "new": again + "!"}
    assert (await ada.http.put("/api/password", json=change)).status_code == 204
    assert (await server.sign_in("Ada", typed + "!")).id == ada.id


async def test_a_password_hashed_as_typed_by_an_earlier_version_is_rehashed(
    tmp_path: Path,
) -> None:
    stored = "SELECT password_hash FROM players"
    database = tmp_path / "test.db"
    async with run_server(database) as server:
        await server.member("Ada")
        old = server.still_here.passwords._hash("pa\u0301ssword!")
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE players SET password_hash = ?", (old,))
    async with run_server(database) as server:
        await server.sign_in("Ada", "p\u00e1ssword!")
        await server.still_here.store.journal.written_up_to_here()
        ((new,),) = rows(database, stored)
        assert new != old
        await server.sign_in("Ada", "pa\u0301ssword!")
        await server.still_here.store.journal.written_up_to_here()
        assert rows(database, stored) == [(new,)], "once is enough"
