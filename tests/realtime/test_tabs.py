"""All tabs of a session get its messages: warnings, and that there is more time."""

from pathlib import Path

from server.presence.status import Reason
from tests.support.answers import refusal, until, until_status
from tests.support.live_server import LiveServer, Tab, Visitor, run_server
from tests.support.manual_clock import SLOT

WARNED = 240 + SLOT
"""Seconds after which an idle session has been warned."""


async def warn(server: LiveServer, visitor: Visitor, tabs: int = 1) -> list[Tab]:
    """Open tabs and let time pass until they have been warned."""
    opened = [await visitor.tab() for _ in range(tabs)]
    await server.advance(WARNED)
    for tab in opened:
        await tab.next("warning")
    return opened


async def test_a_warning_reaches_every_tab_of_the_session_and_no_other(server: LiveServer) -> None:
    phone = await server.member("Ada")
    tabs = [await phone.tab() for _ in range(3)]
    await server.advance(100)
    laptop = await server.sign_in("Ada")
    other = await laptop.tab()
    await server.advance(139.99)
    for tab in tabs:
        assert await tab.quiet() == []
    await server.advance(0.01 + SLOT)
    for tab in tabs:
        warning = await tab.receive()
        assert set(warning) == {"type", "expires_in", "reason"}
        assert (warning["type"], warning["reason"]) == ("warning", "idle_timeout")
        assert 60.0 <= warning["expires_in"] <= 60.05
    assert await other.quiet() == []
    assert phone.session.status == "warned"


async def test_a_ping_in_one_tab_extends_in_every_tab(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    first, second = await warn(server, ada, tabs=2)
    await first.send("ping")
    for tab in (first, second):
        extended = await tab.next("extended")
        assert extended == {"type": "extended", "expires_in": 300.0}
    assert (await first.next("pong"))["expires_in"] == 300.0
    assert await ada.status() == "active"


async def test_a_request_extends_as_a_ping_does(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    (tab,) = await warn(server, ada)
    await ada.http.post("/api/session/activity")
    assert (await tab.receive()) == {"type": "extended", "expires_in": 300.0}


async def test_a_hold_withdraws_the_warning_and_the_player_stays_away(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    (tab,) = await warn(server, ada)
    await tab.send("hold", seconds=100)
    assert (await tab.receive())["type"] == "extended"
    held = await tab.receive()
    assert (held["type"], held["seconds"]) == ("held", 100.0)
    assert await ada.status() == "away"


async def test_passive_and_refused_requests_extend_no_session(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    (tab,) = await warn(server, ada)
    await ada.http.get("/api/session")
    await ada.http.get("/api/sessions", headers={"Passive": "1"})
    await tab.socket.send("{")
    await tab.next("error")
    await (await tab.socket.ping())
    assert await tab.quiet() == []
    assert await ada.status() == "warned"


async def test_extended_is_sent_only_after_a_warning(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    await server.advance(239)
    await ada.http.post("/api/session/activity")
    assert await tab.quiet() == []


async def test_a_warning_can_be_answered_any_number_of_times(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    for _ in range(12):
        await server.advance(WARNED)
        await tab.next("warning")
        await server.advance(59.9)
        await tab.ask("ping", "extended")
    await server.advance(WARNED)
    await tab.next("warning")
    await server.advance(60.1)
    assert (await tab.closed())[0] == 4501


async def test_a_tab_that_connects_during_a_warning_is_sent_the_warning(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    (first,) = await warn(server, ada)
    await server.advance(20)
    late = await server.tab(ada.cookie)
    hello = await late.receive()
    assert hello["player"]["status"] == "warned"
    assert hello["warning"]["reason"] == "idle_timeout"
    assert 39.95 <= hello["warning"]["expires_in"] <= 40.05
    assert hello["session"]["expires_in"] == hello["warning"]["expires_in"]
    assert hello["session"]["warns_in"] == 0
    assert await late.receive() == {"type": "warning", **hello["warning"]}
    assert await first.quiet() == []
    await first.send("ping")
    assert (await late.receive())["type"] == "extended"


async def test_hello_without_a_standing_warning_has_none(server: LiveServer) -> None:
    assert "warning" not in (await (await server.guest("Ada")).tab()).seen[0]


async def test_a_reload_while_warned_neither_extends_nor_shortens(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    (tab,) = await warn(server, ada)
    await server.advance(30)
    await tab.socket.close()
    await until_status(ada, "reconnecting")
    back = await ada.tab()
    assert back.seen[0]["player"]["status"] == "warned"
    assert 29.95 <= back.seen[0]["warning"]["expires_in"] <= 30.05
    await server.advance(30.1)
    assert (await back.closed())[0] == 4501


async def test_both_clocks_are_warned_of(tmp_path: Path) -> None:
    async with run_server(tmp_path / "test.db", session_lifetime=310.0) as server:
        ada = await server.guest("Ada")
        tab = await ada.tab()
        await server.advance(WARNED)
        assert (await tab.next("warning"))["reason"] == "idle_timeout"
        await server.advance(10)
        assert (await tab.next("warning"))["reason"] == "session_lifetime"
        late = await ada.tab()
        reasons = [(await late.receive())["reason"] for _ in range(2)]
        assert sorted(reasons) == ["idle_timeout", "session_lifetime"]


async def test_a_kick_closes_every_tab_with_its_reason(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    tabs = [await ada.tab(), await ada.tab()]
    await server.still_here.sessions.end([ada.session.id], Reason.KICKED, server.clock.now())
    for tab in tabs:
        code, before = await tab.closed()
        assert (code, before[-1]["reason"]) == (4504, "kicked")
    assert refusal(await ada.http.get("/api/session")) == (401, "kicked")


async def test_a_session_that_ended_counts_no_tabs(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    assert len(server.still_here.tabs) == 1
    await ada.http.delete("/api/session")
    assert len(server.still_here.tabs) == 0
    assert (await tab.closed())[0] == 4503
    await until(lambda: dict(server.still_here.tabs.closed) == {"signed_out": 1})
