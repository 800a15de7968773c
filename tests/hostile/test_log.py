"""The log has sessions and refusals, and nothing that allows to sign in."""

import logging
from pathlib import Path
from typing import Any

import pytest

from server.app import _log_subscriber_error
from server.base.ids import PlayerId, RoomId
from server.observe.limits import Limits as ObserveLimits
from server.rooms.chat import Line
from server.rooms.events import LineSaid
from tests.support.live_server import LiveServer, run_server

LIMITS = ObserveLimits()

KEY = "a-key-of-which-nobody-is-ever-told-anything"
PASSWORD, WRONG = "correct horse battery", "wrong horse battery"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    for name in ("", "uvicorn", "uvicorn.error"):  # `main`, which other tests call, sets the last
        caplog.set_level(logging.DEBUG, name)
    return caplog


def audit(log: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in log.records if each.name == "stillhere.audit"]


async def live_through(server: LiveServer) -> list[str]:
    """Sign in, out, in again, guess, be refused; return every cookie."""
    ada = await server.member("Ada", PASSWORD)
    cookies = [ada.cookie]
    tab = await ada.tab()
    await tab.send("ping", id="tell nobody")
    again = await ada.http.post("/api/session", json={"name": "Ada", "password": PASSWORD})
    assert again.status_code == 201
    cookies.append(ada.cookie)
    eve = await server.visitor()
    for _ in range(12):
        await eve.http.post("/api/session", json={"name": "Ada", "password": WRONG})
    for _ in range(5):
        await eve.http.post("/api/session", json={}, headers={"Origin": "https://evil.example"})
    await eve.http.get("/api/session", headers={"Cookie": f"session={ada.cookie}x"})
    await eve.http.post("/api/players", json={"name": "Ada", "password": PASSWORD})
    assert (await ada.http.delete("/api/session")).status_code == 204
    gus = await server.guest("Gus")
    cookies.append(gus.cookie)
    await server.advance(301)
    return cookies


async def test_sessions_and_refusals_are_logged_without_secrets(
    tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    async with run_server(tmp_path / "test.db", secret_keys=KEY) as server:
        cookies = await live_through(server)
    told = audit(log)
    for what in ["opened", "ended: replaced", "ended: signed_out", "ended: idle_timeout"]:
        assert any(line.startswith("session s_") and line.endswith(what) for line in told), what
    guesses = [line for line in told if "refused: bad_credentials, from 127.0.0.1, as p_" in line]
    assert len(guesses) == LIMITS.audit_lines_of_one
    assert "refused: bad_credentials, from 127.0.0.1, 7 times more" in told
    assert "refused: too_many_attempts, from 127.0.0.1" in told
    assert told.count("refused: cross_origin, from 127.0.0.1") == LIMITS.audit_lines_of_one
    assert "refused: cross_origin, from 127.0.0.1, 2 times more" in told
    # The records of all loggers at all levels, except those of the test's client.
    ours = [each for each in log.records if not each.name.startswith(("http", "websockets"))]
    text = "\n".join(
        f"{each.getMessage()} {each.__dict__.get('exc_text')} {each.args!r}" for each in ours
    )
    assert len(ours) > 20
    for secret in [PASSWORD, WRONG, "tell nobody", *cookies, KEY]:
        assert secret not in text
        assert secret.partition(".")[0] not in text, "nor the half of it that is no signature"
    for digest in server.still_here.sessions._endings:
        assert digest.hex() not in text


async def test_refused_sockets_are_logged_in_a_bounded_number_of_lines(
    tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    options: dict[str, Any] = {"max_connections_per_session": 1, "max_messages_per_second": 1}
    async with run_server(tmp_path / "test.db", **options) as server:
        ada = await server.guest("Ada")
        tab = await ada.tab()
        who = f"a socket of {ada.session.id} of {ada.id}"
        before = len(log.records)
        for _ in range(20):
            assert (await (await server.tab(ada.cookie)).closed())[0] == 4402
        for _ in range(10):
            await tab.send("ping")
        assert (await tab.closed())[0] == 4401
    ours = [each for each in log.records[before:] if each.name.startswith("stillhere")]
    told = [each.getMessage() for each in ours if each.levelno >= logging.INFO]
    assert told.count(f"refused: too_many_connections, {who}") == LIMITS.audit_lines_of_one
    assert told.count(f"refused: too_many_messages, {who}") == 1
    assert "refused: too_many_connections, from sockets, 17 times more" in told
    assert len(told) < 10


async def test_sockets_of_foreign_pages_are_logged_by_the_forwarded_address(
    tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    async with run_server(tmp_path / "test.db", trusted_proxies="127.0.0.1") as server:
        ada = await server.guest("Ada")
        headers = {"Origin": "https://evil.example", "X-Forwarded-For": "198.51.100.7"}
        for cookie in (None, ada.cookie, ada.cookie, ada.cookie, ada.cookie):
            assert (await server.refused_upgrade(cookie, **headers)).status_code == 403
    line = "refused: cross_origin, from 198.51.100.7"
    assert audit(log).count(line) == LIMITS.audit_lines_of_one
    assert f"{line}, 2 times more" in audit(log)


async def test_a_remembered_session_that_falls_asleep_is_logged(
    server: LiveServer, log: pytest.LogCaptureFixture
) -> None:
    await server.member("Ada", PASSWORD)
    await server.sign_in("Ada", PASSWORD, remember=True)
    await server.advance(301)
    assert any(line.endswith("asleep: idle_timeout") for line in audit(log))


async def test_the_forwarded_address_is_logged(
    tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    async with run_server(tmp_path / "test.db", trusted_proxies="127.0.0.1") as server:
        visitor = await server.visitor(headers={"X-Forwarded-For": "198.51.100.7"})
        body = {"name": "Nobody", "password": WRONG}
        await visitor.http.post("/api/session", json=body)
    assert "refused: bad_credentials, from 198.51.100.7" in audit(log)


def test_a_bug_reveals_no_name_and_no_line_of_chat(log: pytest.LogCaptureFixture) -> None:
    line = Line(1, 0.0, PlayerId("p_ada"), "Ada Lovelace", "a secret of mine")
    _log_subscriber_error(ZeroDivisionError(), LineSaid(RoomId("r_1"), line, 0.0))
    (said,) = [each.getMessage() for each in log.records]
    assert said == "a subscriber failed at LineSaid(room_id=r_1)"
