"""`/ws`: accepted and refused upgrades, messages, refusals, and how sockets are closed."""

import asyncio
import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest
from websockets.typing import Subprotocol

from server import __version__
from server.base.ids import ID_PATTERN
from server.base.units import NEVER
from server.limits import Limits as ServerLimits
from server.presence.status import Reason, Status
from server.realtime.endpoint import WebSocketEndpoint
from server.realtime.limits import Limits
from server.transport.limits import Limits as TransportLimits
from server.wire.messages import LARGEST_MESSAGE
from tests.support.answers import Bystanders, refusal, until, until_status
from tests.support.frames import CLOSE, TEXT, client_frame
from tests.support.live_server import LiveServer, Tab, run_server
from tests.support.manual_clock import SLOT
from tests.support.peers import Peers
from tests.support.responses import problem_of


async def refused_upgrade(server: LiveServer, **headers: str) -> Any:
    """The HTTP response to an upgrade that has to be refused."""
    return await server.refused_upgrade(None, **headers)


async def farewell(tab: Tab) -> tuple[int, str, str]:
    """How a socket is closed: code, close reason, and the reason of the `signed_out` before."""
    code, before = await tab.closed()
    assert before[-1]["type"] == "signed_out"
    assert before[-1]["detail"]
    return code, str(tab.socket.close_reason), before[-1]["reason"]


# Upgrades


async def test_hello_has_the_session_view_the_connection_id_and_the_version(
    server: LiveServer,
) -> None:
    ada = await server.guest("Ada")
    await server.advance(100)
    tab = await server.tab(ada.cookie)
    hello = await tab.receive()
    assert re.fullmatch(ID_PATTERN, hello.pop("connection_id"))
    assert hello.pop("server_version") == __version__
    assert hello.pop("type") == "hello"
    assert hello == (await ada.http.get("/api/session")).json()
    assert hello["session"]["expires_in"] == 200.0  # connecting is no activity


async def test_the_offered_subprotocol_is_selected(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    offered = [Subprotocol("other"), Subprotocol("stillhere.v1")]
    assert (await ada.tab(subprotocols=offered)).socket.subprotocol == "stillhere.v1"
    assert (await ada.tab()).socket.subprotocol is None
    assert (await ada.tab(subprotocols=[Subprotocol("other")])).socket.subprotocol is None


async def test_without_a_session_the_socket_closes_with_not_signed_in(server: LiveServer) -> None:
    for cookie in [None, "", "nonsense", "a.b", "x" * 5000]:
        tab = await server.tab(cookie)
        assert await farewell(tab) == (4500, "not_signed_in", "not_signed_in")
        assert len(tab.seen) == 1


@pytest.mark.parametrize("reason", [Reason.IDLE_TIMEOUT, Reason.KICKED, Reason.SIGNED_OUT])
async def test_an_ended_session_is_sent_the_reason_of_its_end(
    server: LiveServer, reason: Reason
) -> None:
    ada = await server.guest("Ada")
    await server.still_here.sessions.end([ada.session.id], reason, server.clock.now())
    assert await farewell(await server.tab(ada.cookie)) == (4500, "not_signed_in", reason)


@pytest.mark.parametrize("has_session", [False, True])
async def test_a_peer_that_was_turned_away_and_stays_is_soon_cut_off(
    tmp_path: Path, has_session: bool
) -> None:
    """Those without a session, or one too many, may come as often as they like."""
    limits = ServerLimits(
        transport=TransportLimits(turn=0.02, close_deadline=NEVER),
        realtime=Limits(turned_away=0.1),
    )
    async with run_server(
        tmp_path / "test.db", limits=limits, max_connections_per_session=1
    ) as server:
        ada = await server.guest("Ada")
        await ada.tab()
        with Peers(server.port) as peers:
            peer = await peers.upgraded("/ws", ada.cookie if has_session else "")
            assert (await peer.next(CLOSE)).code == (4402 if has_session else 4500)
            assert await peer.end() == b""


async def test_pages_of_other_origins_are_refused_before_the_upgrade(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    for origin in [
        "https://evil.example",
        "null",
        f"https://127.0.0.1:{server.port}",
        "http://127.0.0.1",
        f"http://127.0.0.1:{server.port + 1}",
        f"http://localhost:{server.port}",
        f"http://127.0.0.1:{server.port}.evil.example",
        "http://[",
        "",
    ]:
        response = await refused_upgrade(server, Origin=origin, Cookie=f"session={ada.cookie}")
        refused = problem_of(response.status_code, response.headers, bytes(response.body))
        assert refused == (403, "cross_origin"), origin
    assert ada.session.connections == 0


async def test_the_own_origin_may_connect_in_any_case(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    for origin in [server.url, server.url.upper()]:
        tab = await ada.tab(headers={"Origin": origin})
        assert tab.seen[0]["type"] == "hello"


async def test_an_allowed_origin_may_connect(tmp_path: Path) -> None:
    allowed = "https://game.example"
    async with run_server(tmp_path / "test.db", allowed_origins=(allowed,)) as server:
        ada = await server.guest("Ada")
        for origin in [allowed, "https://GAME.example", server.url]:
            assert (await ada.tab(headers={"Origin": origin})).seen[0]["type"] == "hello"
        for origin in ["http://game.example", "https://a.game.example", "https://game.example:444"]:
            assert (await refused_upgrade(server, Origin=origin)).status_code == 403


async def test_a_dormant_session_that_connects_is_here_again(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    await tab.socket.close()
    await until_status(ada, "reconnecting")
    await server.advance(100)
    assert await ada.status() == "offline"
    back = await ada.tab()
    assert back.seen[0]["player"]["status"] == "active"
    assert back.seen[0]["session"]["expires_in"] == 200.0
    assert await ada.status() == "active"


# Messages


async def test_a_ping_restarts_the_idle_clock(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    await server.advance(100)
    assert await tab.ask("ping", "pong") == {"type": "pong", "expires_in": 300.0}
    assert ada.session.last_activity == 100


async def test_a_pings_id_comes_back(server: LiveServer) -> None:
    tab = await (await server.guest("Ada")).tab()
    ids: list[Any] = ["a", "", 7, 0, -1.5, "é" * 100, None, 2**53]
    for id_ in ids:
        assert (await tab.ask("ping", "pong", id=id_))["id"] == id_


async def test_unknown_fields_are_ignored(server: LiveServer) -> None:
    tab = await (await server.guest("Ada")).tab()
    pong = await tab.ask("ping", "pong", colour="blue", player="Bob", expires_in=1e300)
    assert pong == {"type": "pong", "expires_in": 300.0}


async def test_a_hold_lets_the_idle_clock_stand_still(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    await server.advance(100)
    held = await tab.ask("hold", "held", seconds=60, why="a cutscene")
    assert held == {"type": "held", "seconds": 60.0, "expires_in": 260.0}
    await server.advance(60)
    assert (await ada.http.get("/api/session")).json()["session"]["expires_in"] == 200.0
    await server.advance(1)
    assert (await ada.http.get("/api/session")).json()["session"]["expires_in"] == 199.0


async def test_a_hold_is_capped(server: LiveServer) -> None:
    tab = await (await server.guest("Ada")).tab()
    held = await tab.ask("hold", "held", seconds=1e300)
    assert held == {"type": "held", "seconds": 600.0, "expires_in": 900.0}


async def test_a_hold_never_lasts_past_the_longest_life(tmp_path: Path) -> None:
    async with run_server(tmp_path / "test.db", session_lifetime=500.0) as server:
        tab = await (await server.guest("Ada")).tab()
        await server.advance(100)
        held = await tab.ask("hold", "held", seconds=600)
        assert held == {"type": "held", "seconds": 400.0, "expires_in": 400.0}


async def test_a_release_ends_the_hold(server: LiveServer) -> None:
    tab = await (await server.guest("Ada")).tab()
    await server.advance(100)
    await tab.ask("hold", "held", seconds=500)
    await server.advance(30)
    released = await tab.ask("release", "held")
    assert released == {"type": "held", "seconds": 0.0, "expires_in": 200.0}


async def test_be_right_back_is_seen_by_everybody_and_over_with_an_activity(
    server: LiveServer,
) -> None:
    ada, bob = await server.guest("Ada"), await server.guest("Bob")
    tab, other_tab, watcher = await ada.tab(), await ada.tab(), await bob.tab()
    await watcher.ask("watch", "roster", topic="lobby")
    await server.advance(30)
    held = await tab.ask("hold", "held", seconds=500, away=True)
    assert held == {"type": "held", "seconds": 500.0, "expires_in": 680.0}
    seen = await watcher.next("presence")
    assert seen["changed"] == [{"id": ada.id, "status": "away", "idle_for": 30.0}]
    view = await other_tab.ask("look", "session")
    assert (view["player"]["status"], view["session"]["held_for"]) == ("away", 500.0)
    assert view["session"]["held_away"] is True
    history = await ada.http.get(f"/api/players/{ada.id}/history", headers={"Passive": "1"})
    assert history.json()["changes"][0]["detail"].startswith("be right back, within 500 s")

    await watcher.ask("ping", "pong")
    await server.advance(100)
    assert (await other_tab.ask("ping", "pong"))["expires_in"] == 300.0
    assert (await watcher.next("presence"))["changed"] == [{"id": ada.id, "status": "active"}]
    assert not {"held_for", "held_away"} & (await tab.ask("look", "session"))["session"].keys()


async def test_a_session_is_not_warned_during_be_right_back(
    server: LiveServer,
) -> None:
    tab = await (await server.guest("Ada")).tab()
    await tab.ask("hold", "held", seconds=400, away=True)
    await server.advance(400 + 119)
    assert await tab.quiet() == []
    await server.advance(1 + SLOT)
    assert (await tab.next("warning"))["reason"] == "idle_timeout"


async def test_a_look_is_answered_with_the_session_view_and_is_no_activity(
    server: LiveServer,
) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    await server.advance(100)
    expected = {"type": "session", **(await ada.http.get("/api/session")).json()}
    assert await tab.ask("look", "session") == expected
    assert expected["session"]["expires_in"] == 200.0
    assert ada.session.last_activity == 0
    await server.advance(200 + 2 * SLOT)
    assert (await tab.closed())[0] == 4501


async def test_held_for_is_present_only_during_a_hold(
    server: LiveServer,
) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    assert "held_for" not in tab.seen[0]["session"]
    await tab.ask("hold", "held", seconds=60)
    await server.advance(10)
    seen = (await (await ada.tab()).ask("look", "session"))["session"]
    assert seen["held_for"] == 50.0
    assert "held_away" not in seen
    assert (await ada.tab()).seen[0]["session"]["held_for"] == 50.0
    assert (await ada.http.get("/api/session")).json()["session"]["held_for"] == 50.0
    await server.advance(50)
    assert "held_for" not in (await ada.http.get("/api/session")).json()["session"]


async def test_a_release_without_a_hold_changes_nothing(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    await server.advance(100)
    assert (await tab.ask("release", "held"))["expires_in"] == 200.0
    assert ada.session.last_activity == 0


async def test_messages_that_are_no_activity_leave_the_idle_clock_alone(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    await server.advance(100)
    await tab.ask("watch", "roster", topic="lobby")
    await tab.send("unwatch", topic="lobby")
    await tab.ask("look", "session")
    await (await tab.socket.ping())
    await tab.socket.pong()
    await ada.tab()
    await tab.quiet()
    assert ada.session.last_activity == 0
    assert ada.session.expires_in(server.still_here.registry.policy, server.clock.now()) == 200


# Messages that are refused

BROKEN = [
    "",
    " ",
    "ping",
    "{",
    '{"type": "ping"',
    '{"type": "ping"} {"type": "ping"}',
    '{"type": "ping",}',
    "{'type': 'ping'}",
    '{"type": "ping", "id": NaN}',
    '{"type": "hold", "seconds": Infinity}',
    '{"type": "ping", "id": "\\ud800"}',
    '{"type": "\\udc00"}',
    "[" * LARGEST_MESSAGE,
    '{"a":' * 3000,
    '{"type": "ping", "id": ' + "[" * 16_000,
    '{"type": "ping", "x": ' + "[" * 16_000,
    "\x00",
]
NO_MESSAGE = ["null", "5", '"ping"', "[]", '[{"type": "ping"}]', "{}", '{"type": null}']
NO_MESSAGE += [
    '{"type": 5}',
    '{"type": ["ping"]}',
    '{"type": {"type": "ping"}}',
    '{"Type": "ping"}',
]
UNKNOWN = ["", "PING", "ping ", "hello", "pong", "signed_out", "warning", "p\u0131ng", "x" * 9000]
WRONG: list[dict[str, Any]] = [
    {"type": "ping", "id": []},
    {"type": "ping", "id": {}},
    {"type": "ping", "id": True},
    {"type": "ping", "id": "x" * 101},
    {"type": "hold"},
    {"type": "hold", "seconds": 0},
    {"type": "hold", "seconds": -1},
    {"type": "hold", "seconds": "60"},
    {"type": "hold", "seconds": None},
    {"type": "hold", "seconds": True},
    {"type": "hold", "seconds": [60]},
    {"type": "hold", "seconds": 60, "away": 1},
    {"type": "hold", "seconds": 60, "away": None},
    {"type": "hold", "seconds": 60, "why": 5},
    {"type": "hold", "seconds": 60, "why": "x" * 201},
    {"type": "watch"},
    {"type": "watch", "topic": None},
    {"type": "watch", "topic": 5},
    {"type": "watch", "topic": ["lobby"]},
    {"type": "unwatch"},
    {"type": "unwatch", "topic": {}},
]


async def refused(tab: Tab, message: str | bytes) -> dict[str, Any]:
    """The answer to a message, which has to be an error."""
    await tab.socket.send(message)
    answer = await tab.receive()
    assert answer["type"] == "error", message[:100]
    assert answer["detail"]
    return answer


async def test_text_that_is_not_json_is_refused(bystanders: Bystanders) -> None:
    tab = await bystanders.ada.tab()
    for text in BROKEN:
        answer = await refused(tab, text)
        assert (answer["code"], "re" in answer) == ("bad_json", False), text[:100]


async def test_json_that_is_no_message_is_refused(bystanders: Bystanders) -> None:
    tab = await bystanders.ada.tab()
    for text in NO_MESSAGE:
        answer = await refused(tab, text)
        assert (answer["code"], "re" in answer) == ("invalid", False), text


async def test_unknown_types_are_refused_by_name(bystanders: Bystanders) -> None:
    tab = await bystanders.ada.tab()
    for type_ in UNKNOWN:
        answer = await refused(tab, json.dumps({"type": type_}))
        assert (answer["code"], answer["re"]) == ("unknown_type", type_[:50])


async def test_messages_with_wrong_fields_are_refused(bystanders: Bystanders) -> None:
    tab = await bystanders.ada.tab()
    for message in WRONG:
        answer = await refused(tab, json.dumps(message))
        assert (answer["code"], answer["re"]) == ("invalid", message["type"]), message


async def test_numbers_out_of_range_are_refused(bystanders: Bystanders) -> None:
    tab = await bystanders.ada.tab()
    for number in ["1e999", "-1e999", "9" * 400]:
        answer = await refused(tab, f'{{"type": "hold", "seconds": {number}}}')
        assert answer["code"] == "invalid", number


@pytest.mark.parametrize("type_", ["watch", "unwatch"])
async def test_unknown_topics_are_refused(bystanders: Bystanders, type_: str) -> None:
    tab = await bystanders.ada.tab()
    for topic in ["", "LOBBY", "room:1", "x" * 9000]:
        answer = await refused(tab, json.dumps({"type": type_, "topic": topic}))
        assert (answer["code"], answer["re"]) == ("unknown_topic", type_)


async def test_binary_frames_are_refused(bystanders: Bystanders) -> None:
    tab = await bystanders.ada.tab()
    for data in [b"", b"\x00\xff", b'{"type": "ping"}']:
        assert (await refused(tab, data))["code"] == "invalid"


async def test_a_repeated_key_counts_once(server: LiveServer) -> None:
    tab = await (await server.guest("Ada")).tab()
    for text in ['{"type": "ping", "type": "nope"}', '{"type": "nope", "type": "ping"}']:
        await tab.socket.send(text)
        assert (await tab.receive())["type"] in ("pong", "error")
    await tab.ask("ping", "pong")


async def test_the_connection_stays_after_a_refusal(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    await refused(tab, "{")
    assert (await tab.ask("ping", "pong"))["expires_in"] == 300.0


# Size


def ping_of(size: int, character: str = "x") -> str:
    """A ping of exactly `size` bytes."""
    start, end = '{"type":"ping","x":"', '"}'
    room = size - len(start) - len(end)
    width = len(character.encode())
    text = start + "y" * (room % width) + character * (room // width) + end
    assert len(text.encode()) == size
    return text


@pytest.mark.parametrize("character", ["x", "é", "漢", "😀"])
async def test_a_message_of_16_kib_is_accepted_and_one_byte_more_closes_1009(
    server: LiveServer, character: str
) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    await server.advance(10)
    await tab.socket.send(ping_of(LARGEST_MESSAGE, character))
    assert (await tab.receive())["type"] == "pong"
    await server.advance(10)
    await tab.socket.send(ping_of(LARGEST_MESSAGE + 1, character))
    code, before = await tab.closed()
    assert (code, before) == (1009, [])
    await until(lambda: ada.session.connections == 0)
    assert ada.session.last_activity == 10


@pytest.mark.parametrize(
    ("message", "answers"),
    [
        ({"type": "look"}, ["session"]),
        ({"type": "hold", "seconds": 5}, ["held"]),
        ({"type": "release"}, ["held"]),
        ({"type": "watch", "topic": "rooms"}, ["rooms"]),
        ({"type": "unwatch", "topic": "rooms"}, []),
        ({"type": "quick_match"}, ["queued"]),
        ({"type": "quick_match", "cancel": True}, ["queued"]),
    ],
    ids=lambda each: "-".join(map(str, each.values() if isinstance(each, dict) else each)),
)
async def test_a_message_with_an_id_is_answered_with_done_and_one_without_is_not(
    server: LiveServer, message: dict[str, Any], answers: list[str]
) -> None:
    tab = await (await server.guest("Ada")).tab()
    await tab.send(**message, id=7)
    heard = await tab.quiet()
    assert [each["type"] for each in heard] == [*answers, "done"]
    assert heard[-1] == {"type": "done", "id": 7}
    for without in (message, {**message, "id": None}):
        await tab.send(**without)
        assert "done" not in [each["type"] for each in await tab.quiet()]


async def test_a_message_that_is_refused_has_its_id_in_the_error_and_no_done(
    server: LiveServer,
) -> None:
    tab = await (await server.guest("Ada")).tab()
    for message, code in (
        ({"type": "watch", "topic": "nothing"}, "unknown_topic"),
        ({"type": "join", "room": "r_nowhere"}, "no_such_room"),
        ({"type": "hold", "seconds": 0}, "invalid"),
        ({"type": "no such type"}, "unknown_type"),
    ):
        await tab.send(**message, id="x7")
        error = await tab.receive()
        assert await tab.quiet() == []
        assert (error["code"], error["re"], error["id"]) == (code, message["type"], "x7")
        assert list(error) == ["type", "code", "detail", "re", "id"]
        await tab.send(**message)
        assert "id" not in await tab.receive()


async def test_the_endpoint_works_with_any_asgi_transport(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.still_here.take_socket, "_take", lambda scope, socket: False)
    ada = await server.guest("Ada")
    tab = await ada.tab()
    await tab.ask("watch", "roster", topic="lobby")
    for number in range(80):
        await tab.send("ping", id=number)
    assert [(await tab.next("pong"))["id"] for _ in range(80)] == list(range(80))
    kim = await server.guest("Kim")
    assert [each["id"] for each in (await tab.next("presence"))["joined"]] == [kim.id]
    await ada.http.delete("/api/session")
    code, messages = await tab.closed()
    assert (code, messages[-1]["type"]) == (4503, "signed_out")


@pytest.mark.parametrize("by_call", [True, False], ids=["taken", "as ASGI says"])
@pytest.mark.parametrize("remember", [False, True])
async def test_a_connect_at_the_instant_of_the_timeout_is_refused(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch, remember: bool, by_call: bool
) -> None:
    if not by_call:
        monkeypatch.setattr(server.still_here.take_socket, "_take", lambda scope, socket: False)
    ada = await server.member("Ada")
    if remember:
        ada = await server.sign_in("Ada", remember=True)
    session = ada.session
    first = await ada.tab()
    await server.advance(server.still_here.presence.policy.idle_timeout - 1.0)
    # The ticker does not notice that the time is over before the next connection.
    monkeypatch.setattr(server.still_here.ticker, "wake", lambda: None)
    server.clock.move_to(server.clock.now() + 1.1)
    tab = await server.tab(ada.cookie)
    assert (await first.closed())[0] == 4501
    code, messages = await tab.closed()
    assert (code, [each["type"] for each in messages]) == (4501, ["signed_out"])
    assert (session.ended is None) == remember
    if remember:
        assert session.connections == 0
    assert len(server.still_here.tabs) == 0


@pytest.mark.parametrize("proxies", ["", "127.0.0.1"], ids=["direct", "behind a proxy"])
async def test_the_socket_of_a_live_session_is_taken_without_asgi(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxies: str
) -> None:
    called: list[str] = []

    async def call(endpoint: object, scope: Any, *_: object) -> None:
        called.append(scope["path"])

    monkeypatch.setattr(WebSocketEndpoint, "__call__", call)
    async with run_server(tmp_path / "test.db", trusted_proxies=proxies) as server:
        by_tls = {"X-Forwarded-Proto": "https", "Origin": server.url.replace("http", "https")}
        headers = {**by_tls, "X-Forwarded-For": "192.0.2.7"} if proxies else {}
        visitor = await server.visitor(headers=headers)
        response = await visitor.http.post("/api/guests", json={"name": "Ada"})
        name, _, cookie = response.headers["set-cookie"].partition(";")[0].partition("=")
        assert name == ("__Host-session" if proxies else "session")
        tab = await server.tab(None, headers=headers | {"Cookie": f"{name}={cookie}"})
        assert (await tab.next("hello"))["player"]["name"] == "Ada"
        assert called == []
        await server.refused_upgrade(None)
        assert called == ["/ws"]


async def test_a_ping_with_an_id_has_it_in_its_pong_and_no_done(server: LiveServer) -> None:
    tab = await (await server.guest("Ada")).tab()
    await tab.send("ping", id=1.5)
    assert [(each["type"], each["id"]) for each in await tab.quiet()] == [("pong", 1.5)]


@pytest.mark.parametrize("size", [LARGEST_MESSAGE + 1, 100_000])
async def test_too_large_a_message_closes_its_own_tab_only(
    bystanders: Bystanders, size: int
) -> None:
    other = await bystanders.ada.tab()
    for is_text in (True, False):
        message = "[" * size if is_text else b"\x00" * size
        tab = await bystanders.ada.tab()
        await tab.socket.send(message)
        assert (await tab.closed())[0] == 1009
    await until(lambda: bystanders.ada.session.connections == 1)
    assert await other.quiet() == []
    assert await bystanders.ada.status() == "active"


async def test_a_message_in_fragments_counts_as_a_whole(server: LiveServer) -> None:
    tab = await (await server.guest("Ada")).tab()
    await tab.socket.send(iter(['{"type":', '"ping"', "}"]))
    assert (await tab.receive())["type"] == "pong"
    await tab.socket.send(iter(["x" * 8192, "x" * 8192, "x"]))
    assert (await tab.closed())[0] == 1009


# How fast, and how many


async def test_a_burst_of_twice_the_rate_is_accepted_and_one_more_closes_4401(
    server: LiveServer,
) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    for _ in range(100):
        await tab.send("ping")
    for _ in range(100):
        assert (await tab.receive())["type"] == "pong"
    await server.advance(0.02)
    await tab.ask("ping", "pong")
    await tab.send("ping")
    code, before = await tab.closed()
    assert (code, before, tab.socket.close_reason) == (4401, [], "too_many_messages")
    assert ada.session.last_activity == 0.02


async def test_a_message_that_broke_the_rate_is_no_activity(tmp_path: Path) -> None:
    async with run_server(tmp_path / "test.db", max_messages_per_second=0.5) as server:
        ada = await server.guest("Ada")
        tab = await ada.tab()
        await tab.ask("ping", "pong")
        await server.advance(1)
        for type_ in ("ping", "ping", "ping"):
            await tab.send(type_)
        assert (await tab.closed())[0] == 4401
        assert ada.session.last_activity == 0


async def test_without_a_rate_there_is_no_limit(tmp_path: Path) -> None:
    async with run_server(tmp_path / "test.db", max_messages_per_second=0) as server:
        tab = await (await server.guest("Ada")).tab()
        for _ in range(1000):
            await tab.send("ping")
        for _ in range(1000):
            assert (await tab.receive())["type"] == "pong"


async def test_too_many_bad_messages_close_4401(tmp_path: Path) -> None:
    async with run_server(tmp_path / "test.db", max_messages_per_second=0) as server:
        ada = await server.guest("Ada")
        tab = await ada.tab()
        for _ in range(int(Limits().refused.burst)):
            await refused(tab, "{")
        await tab.ask("ping", "pong")
        await tab.socket.send("{")
        code, before = await tab.closed()
        assert (code, [message["type"] for message in before]) == (4401, ["error"])


async def test_a_connection_beyond_the_limit_of_the_session_closes_4402(tmp_path: Path) -> None:
    async with run_server(tmp_path / "test.db", max_connections_per_session=2) as server:
        ada, bob = await server.guest("Ada"), await server.guest("Bob")
        first, _ = await ada.tab(), await ada.tab()
        third = await server.tab(ada.cookie)
        code, before = await third.closed()
        assert (code, before) == (4402, [])
        assert third.socket.close_reason == "too_many_connections"
        assert ada.session.connections == 2
        assert await first.quiet() == []
        assert (await bob.tab()).seen[0]["type"] == "hello"
        await first.socket.close()
        await until(lambda: ada.session.connections == 1)
        assert (await ada.tab()).seen[0]["type"] == "hello"


async def test_a_connection_beyond_the_limit_of_the_server_closes_4402(tmp_path: Path) -> None:
    async with run_server(tmp_path / "test.db", max_connections=2) as server:
        ada, bob = await server.guest("Ada"), await server.guest("Bob")
        first, _ = await ada.tab(), await bob.tab()
        assert (await (await server.tab(bob.cookie)).closed())[0] == 4402
        await first.socket.close()
        await until(lambda: ada.session.connections == 0)
        assert (await bob.tab()).seen[0]["type"] == "hello"


async def test_a_peer_that_does_not_read_is_closed_4400(tmp_path: Path) -> None:
    async with run_server(tmp_path / "test.db", max_messages_per_second=0) as server:
        ada = await server.guest("Ada")
        # A page that pings and reads nothing: the pongs fill all buffers on their way.
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        narrow.connect(("127.0.0.1", server.port))
        tab = await server.tab(ada.cookie, sock=narrow, max_queue=1)
        await until(lambda: ada.session.connections == 1)
        (connection,) = server.still_here.tabs.of(ada.session)
        ping = json.dumps({"type": "ping", "id": "\x00" * 100}).encode()
        frame = client_frame(TEXT, ping)
        async with asyncio.timeout(20):
            while not connection.is_closing:
                tab.socket.transport.write(frame * 500)
                await asyncio.sleep(0)
        code, before = await tab.closed()
        assert (code, tab.socket.close_reason) == (4400, "too_slow")
        assert {message["type"] for message in before} == {"hello", "pong"}
        await until(lambda: ada.session.connections == 0)


# How sessions end


async def test_every_end_of_a_session_closes_its_sockets_with_its_code(server: LiveServer) -> None:
    endings = {
        Reason.IDLE_TIMEOUT: (4501, "idle_timeout", "idle_timeout"),
        Reason.SESSION_LIFETIME: (4502, "session_lifetime", "session_lifetime"),
        Reason.SIGNED_OUT: (4503, "signed_out", "signed_out"),
        Reason.SIGNED_OUT_EVERYWHERE: (4503, "signed_out", "signed_out_everywhere"),
        Reason.KICKED: (4504, "kicked", "kicked"),
        Reason.REPLACED: (4505, "replaced", "replaced"),
    }
    for name, (reason, expected) in zip("ABCDEF", endings.items(), strict=True):
        ada = await server.guest(name)
        tabs = [await ada.tab(), await ada.tab()]
        still_here = server.still_here
        session = ada.session
        server.invariants.excuse(session)
        still_here.stream.publish(still_here.registry.end(session, reason, server.clock.now()))
        for tab in tabs:
            assert await farewell(tab) == expected
        assert refusal(await ada.http.get("/api/session")) == (401, reason)


async def test_the_longest_life_is_warned_of_and_ends_an_active_session(tmp_path: Path) -> None:
    async with run_server(tmp_path / "test.db", session_lifetime=500.0) as server:
        ada = await server.guest("Ada")
        tab = await ada.tab()
        for _ in range(4):
            await server.advance(110 - SLOT)
            await tab.ask("ping", "pong")
        await server.advance(6 * SLOT)
        warning = await tab.next("warning")
        assert warning["reason"] == "session_lifetime"
        assert 60 - 3 * SLOT <= warning["expires_in"] <= 60
        pong = await tab.ask("ping", "pong", "extended")
        assert (pong["type"], pong["expires_in"] <= 60) == ("pong", True)
        assert await ada.status() == "warned"
        await server.advance(61)
        code, before = await tab.closed()
        assert (code, before[-1]["reason"]) == (4502, "session_lifetime")
        assert not any(message["type"] == "extended" for message in tab.seen)


async def test_a_remembered_session_sleeps_at_its_timeout_and_wakes(server: LiveServer) -> None:
    await server.member("Ada")
    await server.advance(1)
    ada = await server.sign_in("Ada", remember=True)
    tab = await ada.tab()
    await server.advance(300 + SLOT)
    assert await farewell(tab) == (4501, "idle_timeout", "idle_timeout")
    asleep = await ada.http.get("/api/session")
    assert (asleep.status_code, asleep.json()["player"]["status"]) == (200, "offline")
    await server.advance(500_000)
    assert await ada.status() == "offline"
    back = await ada.tab()
    assert back.seen[0]["player"]["status"] == "active"
    assert await ada.status() == "active"
    await server.advance(300 + 2 * SLOT)
    assert (await back.closed())[0] == 4501


async def test_a_remembered_session_ends_at_its_longest_life(server: LiveServer) -> None:
    await server.member("Ada")
    ada = await server.sign_in("Ada", remember=True)
    await server.advance(1_209_600 - 1)
    assert (await ada.http.get("/api/session")).status_code == 200
    await server.advance(1 + SLOT)
    assert refusal(await ada.http.get("/api/session")) == (401, "session_lifetime")


# Closing


async def test_a_page_that_closes_its_socket_has_the_short_grace(server: LiveServer) -> None:
    for code in (1000, 1001):
        ada = await server.guest("Ada")
        tab = await ada.tab()
        await tab.socket.close(code)
        await until_status(ada, "reconnecting")
        await server.advance(4.99)
        assert await ada.status() == "reconnecting"
        await server.advance(0.01 + SLOT)
        assert await ada.status() == "offline"
        await ada.http.delete("/api/session")


async def test_a_connection_that_is_lost_has_the_long_grace(server: LiveServer) -> None:
    for code in (None, 1011, 4000):
        ada = await server.guest("Ada")
        tab = await ada.tab()
        if code is None:
            tab.socket.transport.abort()
        else:
            await tab.socket.close(code)
        await until_status(ada, "reconnecting")
        await server.advance(29.99)
        assert await ada.status() == "reconnecting"
        await server.advance(0.01 + SLOT)
        assert await ada.status() == "offline"
        await ada.http.delete("/api/session")


async def test_a_session_with_another_open_tab_is_not_reconnecting(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    first, second = await ada.tab(), await ada.tab()
    await first.socket.close()
    await until(lambda: ada.session.connections == 1)
    assert await ada.status() == "active"
    second.socket.transport.abort()
    await until_status(ada, "reconnecting")


async def test_many_tabs_that_open_and_close_leave_no_state(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    before = asyncio.all_tasks()
    tabs = await asyncio.gather(*(ada.tab() for _ in range(15)))
    for number, tab in enumerate(tabs):
        if number % 2:
            tab.socket.transport.abort()
        else:
            await tab.send("watch", topic="lobby")
            await tab.socket.close()
    await until(lambda: ada.session.connections == 0)
    await until(lambda: asyncio.all_tasks() <= before)
    assert (len(server.still_here.tabs), len(server.still_here.lobby.watchers)) == (0, 0)


async def test_a_connection_whose_hello_fails_is_closed_and_not_counted(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await server.guest("Ada")

    def fail(*_: object) -> None:
        raise ValueError

    with monkeypatch.context() as patched:
        patched.setattr(server.still_here.presence, "standing_warnings", fail)
        tab = await server.tab(ada.cookie)
        assert (await tab.closed())[0] == 1011
    assert (ada.session.connections, len(server.still_here.tabs)) == (0, 0)
    assert await (await ada.tab()).quiet() == []


@pytest.mark.parametrize("code", [1009, 1011, 1012, 1013, 3000, 4401, 4402, 4501, 4503, 4999])
async def test_whatever_code_a_client_closes_with_its_connection_is_lost(
    server: LiveServer, code: int
) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    await tab.socket.close(code)
    await until(lambda: ada.session.status is Status.RECONNECTING)
    assert ada.session.connections == 0
    assert dict(server.still_here.tabs.closed) == {}, "it was not the server that closed it"


async def test_a_1012_from_an_asgi_server_that_goes_on_is_a_lost_connection(
    tmp_path: Path,
) -> None:
    limits = ServerLimits(realtime=Limits(stops_within=0.05))
    async with run_server(tmp_path / "test.db", limits=limits) as server:
        ada = await server.guest("Ada")
        events = iter(
            [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1012}]
        )
        sent: list[Any] = []

        async def receive() -> Any:
            return next(events)

        async def send(event: Any) -> None:
            sent.append(event)

        scope = {
            "type": "websocket",
            "scheme": "ws",
            "path": "/ws",
            "headers": [(b"cookie", f"session={ada.cookie}".encode())],
            "subprotocols": [],
        }
        await server.still_here.app(scope, receive, send)
        assert sent[0]["type"] == "websocket.accept"
        assert ada.session.status is Status.ACTIVE, "the server may be stopping"
        await until(lambda: ada.session.status is Status.RECONNECTING)
        assert ada.session.connections == 0
