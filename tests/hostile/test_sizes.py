"""Input beyond every limit: refused without any effect, and unnoticed by other players."""

import asyncio
from pathlib import Path

from server.base.ids import SessionId
from server.realtime.connection import Connection
from server.web.limits import Limits
from tests.support.answers import Bystanders, calls_of, refusal, until
from tests.support.frames import CLOSE, TEXT, client_frame
from tests.support.invariants import server_tasks
from tests.support.live_server import LiveServer, run_server
from tests.support.peers import Peer, Peers, request

LARGEST = Limits().largest_body
OVER = b"x" * (LARGEST + 1)


def targets(server: LiveServer) -> list[tuple[str, str]]:
    """Method and path of every call."""
    return [
        (each.method, each.path.replace("{id}", "p_0123456789012345678901"))
        for each in calls_of(server.still_here.app)
    ]


def chunked(body: bytes, size: int = 16_384) -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def with_body(method: str, path: str, cookie: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Cookie: session={cookie}",
    ]
    return request(*lines, *headers, body=body)


def requests_in_progress() -> int:
    """How many requests the application is processing."""
    names = [getattr(task.get_coro(), "__qualname__", "") for task in server_tasks()]
    return names.count("Exchange.run")


# Bodies


async def test_a_chunked_body_over_64_kib_is_refused_on_every_route(
    bystanders: Bystanders, server: LiveServer
) -> None:
    cookie = bystanders.ada.cookie
    with Peers(server.port) as peers:
        for method, path in targets(server):
            peer = await peers.connect()
            chunks = chunked(OVER)
            head = with_body(method, path, cookie, "Transfer-Encoding: chunked", body=chunks)
            await peer.send(head)
            answer = await peer.answer()
            assert answer.status == 413, (method, path)
            assert b'"too_large"' in answer.body


async def test_a_chunked_body_of_64_kib_is_ignored_by_a_call_without_a_body(
    server: LiveServer,
) -> None:
    ada = await server.guest("Ada")
    await server.advance(50)
    with Peers(server.port) as peers:
        peer = await peers.connect()
        path, body = "/api/session/activity", chunked(OVER[1:])
        chunks = "Transfer-Encoding: chunked"
        await peer.send(with_body("POST", path, ada.cookie, chunks, body=body))
        assert (await peer.answer()).status == 200
    assert ada.session.last_activity == 50


async def test_a_body_refused_for_its_content_length_is_not_read(
    bystanders: Bystanders, server: LiveServer
) -> None:
    with Peers(server.port) as peers:
        for method, path in targets(server):
            for length in [LARGEST + 1, 10**9, 10**18, 10**300]:
                peer = await peers.connect()
                said = f"Content-Length: {length}"
                await peer.send(with_body(method, path, bystanders.ada.cookie, said))
                answer = await peer.answer()
                # A length out of range is invalid HTTP.
                assert answer.status == (413 if length < 10**19 else 400), (method, path, length)


async def test_an_unfinished_body_changes_nothing(
    bystanders: Bystanders, server: LiveServer
) -> None:
    """The client announces more bytes than it sends, and disconnects."""
    with Peers(server.port) as peers:
        for said, sent in [
            ("Content-Length: 100", b'{"name": "Eve"}'),
            ("Transfer-Encoding: chunked", b'f\r\n{"name": "Eve"}\r\n'),
            ("Transfer-Encoding: chunked", b"fffff\r\n" + b"x" * 1000),
        ]:
            for path in ["/api/guests", "/api/session/activity"]:
                peer = await peers.connect()
                await peer.send(with_body("POST", path, bystanders.ada.cookie, said, body=sent))
                await until(lambda: requests_in_progress() == 1)
                peer.reset()
                await until(lambda: requests_in_progress() == 0)
    assert len(server.still_here.registry.sessions) == 2


async def test_contradicting_lengths_are_refused(
    bystanders: Bystanders, server: LiveServer
) -> None:
    """Input that two parsers could read differently is refused (request smuggling)."""
    smuggled = b"POST /api/session/activity HTTP/1.1\r\nHost: x\r\n"
    smuggled += f"Cookie: session={bystanders.ada.cookie}\r\n\r\n".encode()
    with Peers(server.port) as peers:
        for headers in [
            ["Content-Length: 4", "Transfer-Encoding: chunked"],
            ["Transfer-Encoding: chunked", "Content-Length: 4"],
            ["Content-Length: 4", "Content-Length: 5"],
            ["Content-Length: -1"],
            ["Content-Length: +4"],
            ["Content-Length: 4,4"],
            ["Content-Length: 0x4"],
            ["Transfer-Encoding: xchunked"],
            ["Transfer-Encoding: chunked, identity"],
            ["Transfer-Encoding : chunked"],
        ]:
            peer = await peers.connect()
            sent = with_body("POST", "/nope", "none", *headers, body=b"0\r\n\r\n" + smuggled)
            await peer.send(sent)
            peer.half_close()
            answers = await peer.end()
            assert b" 200 " not in answers, headers
            # No answer if a body had no end.
            assert answers[:13] in (b"", b"HTTP/1.1 400 ", b"HTTP/1.1 404 "), headers


async def test_bytes_beyond_the_content_length_are_a_second_broken_request(
    bystanders: Bystanders, server: LiveServer
) -> None:
    with Peers(server.port) as peers:
        peer = await peers.connect()
        body = b"{}" + b"x" * 5000
        await peer.send(with_body("POST", "/api/guests", "none", "Content-Length: 2", body=body))
        peer.half_close()
        answers = await peer.end()
        assert answers.startswith(b"HTTP/1.1 422 ")
        assert answers.count(b"HTTP/1.1 400 ") <= 1
        assert answers.count(b"HTTP/1.1 ") <= 2


# Everything else


async def test_oversized_fields_are_refused_in_a_short_answer(
    bystanders: Bystanders, server: LiveServer
) -> None:
    huge = "a" * 7000
    ada = bystanders.ada.http
    for response, expected in [
        (await ada.post("/api/guests", json={"name": "a" * 60_000}), 422),
        (await ada.post("/api/players", json={"name": "Eve", "password": "p" * 60_000}), 422),
        (await ada.post("/api/session", json={"name": "Ada", "password": "p" * 60_000}), 422),
        (await ada.post("/api/session", json={"name": "a" * 60_000, "password": "p"}), 422),
        (await ada.get(f"/api/players?limit={'9' * 7000}"), 422),
        (await ada.get(f"/api/players?limit={huge}"), 422),
        (await ada.get(f"/api/players?status={huge}"), 422),
        (await ada.get(f"/api/players/{ada_id(bystanders)}/history?before={huge}"), 422),
        (await ada.get(f"/api/players/{huge}"), 404),
        (await ada.get(f"/api/players/{huge}/history"), 403),
        (await ada.delete(f"/api/sessions/{huge}"), 404),
        (await ada.get(f"/{huge}"), 404),
        (await ada.request("A" * 100, "/"), 405),
        (await ada.get("/", headers={"X-Large": "a" * 9000}), 431),
        (await ada.get("/", headers={"Cookie": "session=" + "a" * 9000}), 431),
        (await ada.get(f"/?{'a' * 9000}"), 414),
        (await ada.get("/", headers={f"X-{number}": "a" for number in range(200)}), 431),
    ]:
        assert response.status_code == expected, response.request.url.path[:50]
        assert len(response.content) < 1000
        assert refusal(response)[0] == expected


def ada_id(bystanders: Bystanders) -> str:
    return bystanders.ada.id


async def test_fields_of_the_largest_size_are_accepted(server: LiveServer) -> None:
    visitor = await server.visitor()
    for path in [f"/api/players?after={'ß' * 1000}", f"/api/players?x={'a' * 7000}"]:
        assert (await visitor.http.get(path)).status_code == 200
    crowded = "; ".join(f"c{number}=v" for number in range(500))
    ada = await server.guest("Ada")
    cookie = f"{crowded}; session={ada.cookie}"
    response = await visitor.http.get("/api/session", headers={"Cookie": cookie})
    assert response.status_code == 200


# Sockets


async def test_a_cookie_has_at_most_twenty_sockets(tmp_path: Path) -> None:
    """The others are closed with 4402 and nothing is kept of them; the twenty go on."""
    async with run_server(tmp_path / "test.db") as server:
        ada, bob = await server.guest("Ada"), await server.guest("Bob")
        most = server.settings.max_connections_per_session
        tabs = [await ada.tab() for _ in range(most)]
        watcher = await bob.tab()
        made = count_connections()
        with Peers(server.port) as peers:
            for batch in range(10):
                crowd = await asyncio.gather(
                    *(peers.upgraded("/ws", ada.cookie) for _ in range(100))
                )
                codes = await asyncio.gather(*(code_of(peer) for peer in crowd))
                assert set(codes) == {4402}, batch
                assert ada.session.connections == most
                for peer in crowd:
                    peer.close()
        assert len(server.still_here.tabs) == most + 1
        for tab in [*tabs, watcher]:
            assert (await tab.ask("ping", "pong"))["expires_in"] == 300.0
        assert server.still_here.tabs.closed["too_many_connections"] == 1000
        # Nothing is kept of the refused ones.
        await until(lambda: count_connections() <= made + 10)
        await tabs[0].socket.close()
        await until(lambda: ada.session.connections == most - 1)
        assert (await ada.tab()).seen[0]["type"] == "hello"
        session = SessionId(ada.session.id)
        assert server.still_here.registry.sessions[session].ended is None


def count_connections() -> int:
    import gc

    gc.collect()
    return sum(isinstance(each, Connection) for each in gc.get_objects())


async def code_of(peer: Peer) -> int:
    """The code with which a socket is closed before any message."""
    first = await peer.next(CLOSE, TEXT)
    assert first.opcode == CLOSE
    await peer.send(client_frame(CLOSE, first.payload))
    return first.code
