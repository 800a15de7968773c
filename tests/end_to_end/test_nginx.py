"""docs/nginx.conf, as it is: Debian's nginx with TLS before the real `stillhere` command.

Each test fails without the line it is about. So some check who sent the answer: the server would
have refused too.
"""

import asyncio
import contextlib
import re
import signal
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterable, Iterator
from itertools import count

import httpx
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from scripts.server_process import TIMEOUT
from server.settings import Settings
from server.transport.limits import Limits
from server.transport.uvicorn import uvicorn_options
from server.wire.problem import HSTS
from tests.support.answers import cookie_of, refusal, until
from tests.support.nginx import (
    ADDRESS,
    CONFIGURATION,
    MOST_REQUESTS,
    MOST_SOCKETS,
    SHORT,
    Site,
    find,
    hear,
    run_site,
    substitute,
)
from tests.support.scenes import LATE, run_in_time


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for all of these tests; each has players and addresses of its own."""
    with run_site(tmp_path_factory.mktemp("nginx")) as running:
        yield running


async def sign_in(visitor: httpx.AsyncClient, name: str) -> str:
    response = await visitor.post("/api/guests", json={"name": name})
    assert response.status_code == 201, response.text
    return cookie_of(response).value


async def status(site: Site, cookie: str) -> str:
    async with site.visitor(cookies={"__Host-session": cookie}) as visitor:
        response = await visitor.get("/api/session")
        return str(response.json()["player"]["status"])


async def closed(tab: ClientConnection) -> int | None:
    with contextlib.suppress(ConnectionClosed):
        async with asyncio.timeout(TIMEOUT):
            while True:
                await tab.recv()
    return tab.close_code


# What works


async def test_behind_nginx_the_cookie_is_secure_and_bound_to_its_host(site: Site) -> None:
    async with site.visitor() as visitor:
        response = await visitor.post("/api/guests", json={"name": "Ada"})
        cookie = cookie_of(response)
        assert cookie.key == "__Host-session"
        assert (cookie["secure"], cookie["httponly"], cookie["path"]) == (True, True, "/")
        assert not cookie["domain"]
        assert response.headers["strict-transport-security"] == "max-age=31536000"
        assert (await visitor.get("/api/session")).json()["player"]["name"] == "Ada"
        page = await visitor.get("/")
    assert "<html" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_a_socket_opens_from_a_page_of_this_site(site: Site) -> None:
    async with site.visitor() as visitor:
        cookie = await sign_in(visitor, "Bea")
    async with site.socket(cookie) as tab:
        hello = await hear(tab, "hello")
        assert hello["player"]["name"] == "Bea"
        await tab.send('{"type": "ping"}')
        await hear(tab, "pong")


async def test_a_page_loads_over_one_http_2_connection_and_opens_its_socket(
    site: Site,
) -> None:
    async with site.visitor(http2=True) as visitor:
        cookie = await sign_in(visitor, "Flo")
        page = (await visitor.get("/")).text
        files = re.findall(r'(?:src|href)="(/static/[^"]*)"', page)
        responses = await asyncio.gather(*map(visitor.get, [*files, "/api/session"]))
        assert {(each.status_code, each.http_version) for each in responses} == {(200, "HTTP/2")}
        connections = {
            each.extensions["network_stream"].get_extra_info("client_addr") for each in responses
        }
        assert len(connections) == 1 < len(files)
        async with site.socket(cookie) as tab:
            await hear(tab, "hello")
            assert (await visitor.delete("/api/session")).http_version == "HTTP/2"
            assert await closed(tab) == 4503


async def test_an_api_call_from_a_page_of_this_site_is_let_through(site: Site) -> None:
    async with site.visitor(headers={"Origin": site.url}) as visitor:
        await sign_in(visitor, "Cleo")


async def test_a_socket_outlives_a_silence_that_would_end_any_request(site: Site) -> None:
    async with site.visitor() as visitor:
        cookie = await sign_in(visitor, "Dan")
    async with site.socket(cookie) as tab:
        await hear(tab, "hello")
        await asyncio.sleep(2.2 * SHORT)
        await tab.send('{"type": "ping"}')
        await hear(tab, "pong")


async def test_a_sign_out_reaches_the_socket_with_its_code(site: Site) -> None:
    async with site.visitor() as visitor:
        cookie = await sign_in(visitor, "Eve")
        async with site.socket(cookie) as tab:
            await hear(tab, "hello")
            assert (await visitor.delete("/api/session")).status_code == 204
            assert await closed(tab) == 4503


async def test_a_tab_that_dies_is_noticed_within_a_second_through_nginx(site: Site) -> None:
    names = map("Fay {}".format, count())
    await run_in_time(lambda: a_tab_dies(site, next(names)), worst=LATE)


async def a_tab_dies(site: Site, name: str) -> None:
    async with site.visitor() as visitor:
        cookie = await sign_in(visitor, name)
    tab = await site.socket(cookie)
    await hear(tab, "hello")
    assert await status(site, cookie) == "active"
    raw = tab.transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    tab.transport.abort()
    died = time.monotonic()

    async def is_reconnecting() -> bool:
        return await status(site, cookie) == "reconnecting"

    await until(is_reconnecting, TIMEOUT)
    # The promise is one second; the rest is for a busy machine.
    assert time.monotonic() - died < 2


async def test_players_come_back_after_a_restart_of_the_server_behind(site: Site) -> None:
    async with site.visitor() as visitor:
        cookie = await sign_in(visitor, "Gus")
    tab = await site.socket(cookie)
    await hear(tab, "hello")
    assert await asyncio.to_thread(site.stop_server) == 0
    assert await closed(tab) == 1012
    async with site.visitor() as visitor:
        assert (await visitor.get("/api/session")).status_code == 502
    with pytest.raises(InvalidStatus):
        await site.socket(cookie)
    await asyncio.to_thread(site.start_server)
    async with site.socket(cookie) as tab:
        assert (await hear(tab, "hello"))["player"]["name"] == "Gus"
        # The same once more, without a closing handshake.
        await asyncio.to_thread(site.stop_server, signal.SIGKILL)
        assert await closed(tab) == 1006
    await asyncio.to_thread(site.start_server)
    async with site.socket(cookie) as tab:
        assert (await hear(tab, "hello"))["player"]["name"] == "Gus"


# Trusted headers


async def test_pages_of_other_origins_can_open_no_socket_and_make_no_call(site: Site) -> None:
    async with site.visitor() as visitor:
        cookie = await sign_in(visitor, "Hal")
        theirs = {"Origin": "https://evil.example"}
        assert refusal(await visitor.delete("/api/session", headers=theirs)) == (
            403,
            "cross_origin",
        )
    # The own name without TLS or on another port is another origin as well.
    for origin in ("https://evil.example", site.url.replace("https", "http"), "https://localhost"):
        with pytest.raises(InvalidStatus) as refused:
            await site.socket(cookie, origin=origin)
        assert refused.value.response.status_code == 403


FORGED = {
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Proto": "http",
    "Forwarded": "for=203.0.113.7;proto=http",
    "X-Real-IP": "203.0.113.7",
}


async def test_a_forged_address_does_not_get_round_the_limit_of_guesses(site: Site) -> None:
    async with site.visitor() as visitor:
        await visitor.post("/api/players", json={"name": "Ida", "password": "correct horse"})
    wrong = {"name": "Ida", "password": "wrong"}
    # 127.0.0.1 is trusted: the server would believe its header if nginx passed it on.
    async with site.visitor("127.0.0.1") as guesser:
        answers = []
        for number in range(11):
            forged = FORGED | {"X-Forwarded-For": f"203.0.113.{number}"}
            answers.append(await guesser.post("/api/session", json=wrong, headers=forged))
    assert [each.status_code for each in answers] == [401] * 10 + [429]
    async with site.visitor("198.51.100.1") as elsewhere:
        # The address that nginx saw counts: other addresses are not locked out.
        assert (await elsewhere.post("/api/session", json=wrong)).status_code == 401


async def test_a_forged_scheme_takes_nothing_from_the_cookie(site: Site) -> None:
    async with site.visitor(headers=FORGED) as visitor:
        cookie = await sign_in(visitor, "Jon")
    async with site.socket(cookie, headers=FORGED) as tab:
        assert (await hear(tab, "hello"))["player"]["name"] == "Jon"


async def test_a_foreign_server_name_gets_no_answer(site: Site) -> None:
    async with site.visitor() as visitor:
        for url in ("/", f"http://127.0.0.1:{site.http}/"):
            with pytest.raises(httpx.TransportError):
                await visitor.get(url, headers={"Host": "evil.example"})
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        site.trust().wrap_socket(
            socket.create_connection(("127.0.0.1", site.https)), server_hostname="evil.example"
        )


# What nginx passes to the server


class Recorder:
    """Stands in for the server: answers everything with 200, and keeps the connections open."""

    def __init__(self, port: int) -> None:
        self.heads: list[tuple[socket.socket, bytes]] = []
        """The connection and the lower-case head of each request."""
        self._listener = socket.create_server(("127.0.0.1", port))
        self._threads = [threading.Thread(target=self._accept)]
        self._accepted: list[socket.socket] = []
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self._listener.accept()
                self._accepted.append(accepted)
                self._threads.append(threading.Thread(target=self._serve, args=[accepted]))
                self._threads[-1].start()

    def _serve(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while head := accepted.recv(65536):
                self.heads.append((accepted, head.lower()))
                accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def close(self) -> None:
        # Closing alone does not wake up another thread that reads.
        for each in (self._listener, *self._accepted):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(TIMEOUT)


@pytest.fixture
def recorder(site: Site) -> Iterator[Recorder]:
    site.stop_server()
    recorder = Recorder(site.backend)
    try:
        yield recorder
    finally:
        recorder.close()
        site.start_server()


def ask_raw(site: Site, *lines: str) -> bytes:
    with site.raw() as connection:
        connection.sendall("\r\n".join([*lines, "Host: localhost", "", ""]).encode())
        return connection.recv(65536)


def ask_host(site: Site, target: str, host: str) -> bytes:
    with site.raw() as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        return connection.recv(65536)


@pytest.mark.parametrize("target", ["/api/players", "https://localhost/api/players"])
def test_a_host_is_passed_on_only_if_it_is_the_name_that_was_asked_for(
    site: Site, recorder: Recorder, target: str
) -> None:
    for host in ("localhost", "LOCALHOST", f"localhost:{site.https}"):
        assert ask_host(site, target, host).startswith(b"HTTP/1.1 200"), host
        assert f"\r\nhost: {host.lower()}\r\n".encode() in recorder.heads.pop()[1]
    # With an absolute target, the name in it has chosen the server.
    foreign = ["localhost.", "localhost:", "localhost:1:2", "a@localhost"]
    foreign += ["evil.example", "localhost.evil.example", ""] if ":" in target else []
    for host in foreign:
        answer = ask_host(site, target, host)
        assert answer == b"" or answer[9:12] in (b"400", b"421"), host
    assert recorder.heads == []


@pytest.mark.parametrize("path", ["/ws", "/api/players"])
def test_no_upgrade_but_a_websocket_is_passed_on(site: Site, recorder: Recorder, path: str) -> None:
    for value in ("h2c", "TLS/1.0", "websocket, h2c", "websockets", " "):
        recorder.heads.clear()
        answer = ask_raw(site, f"GET {path} HTTP/1.1", "Connection: Upgrade", f"Upgrade: {value}")
        assert answer.startswith(b"HTTP/1.1 200"), value
        ((_, head),) = recorder.heads
        assert b"upgrade" not in head, value


def test_nothing_is_upgraded_from_http_2(site: Site, recorder: Recorder) -> None:
    """By hand: clients of HTTP/2 refuse to send a forbidden header."""

    def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
        return (
            struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload
        )

    def literal(name: bytes, value: bytes) -> bytes:
        return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value

    fields = {":method": "GET", ":scheme": "https", ":authority": "localhost", ":path": "/ws"}
    fields |= {"upgrade": "websocket", "x-seen": "yes"}
    head = b"".join(literal(name.encode(), value.encode()) for name, value in fields.items())
    context = site.trust()
    context.set_alpn_protocols(["h2"])
    with site.raw(context) as connection:
        assert connection.selected_alpn_protocol() == "h2"
        settings, headers = frame(4, 0, 0), frame(1, 0x4 | 0x1, 1, head)
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings + headers)
        deadline = time.monotonic() + TIMEOUT
        while not recorder.heads and time.monotonic() < deadline:
            connection.recv(65536)
    ((_, seen),) = recorder.heads
    assert b"x-seen: yes" in seen
    assert b"upgrade" not in seen


def test_the_upstream_connection_of_a_websocket_is_not_shared(
    site: Site, recorder: Recorder
) -> None:
    for _ in range(5):
        ask_raw(site, "GET /ws HTTP/1.1", "Connection: Upgrade", "Upgrade: WebSocket")
        ask_raw(site, "GET /healthz HTTP/1.1")
    sockets = [each for each, head in recorder.heads if b"\r\nupgrade: websocket\r\n" in head]
    others = [each for each, head in recorder.heads if b"upgrade" not in head]
    assert (len(sockets), len(set(sockets)), len(others)) == (5, 5, 5)
    assert len(set(others)) < 5, "those of requests are used again"
    assert not set(sockets) & set(others)


# Refusals


def test_only_the_page_is_redirected_from_http_to_https(site: Site) -> None:
    with httpx.Client(base_url=f"http://localhost:{site.http}", verify=False) as visitor:
        page = visitor.get("/")
        assert (page.status_code, page.headers["location"]) == (301, "https://localhost/")
        assert visitor.post("/api/guests", json={"name": "Kim"}).status_code == 403
        assert visitor.get("/ws").status_code == 403


@pytest.mark.parametrize(
    "path", ["/metrics", "//metrics", "/%6detrics", "/x/../metrics", "/metrics/", "/readyz"]
)
async def test_paths_for_the_operator_are_not_public(site: Site, path: str) -> None:
    def ask() -> bytes:
        with site.raw() as connection:
            connection.sendall(
                f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
            )
            return b"".join(iter(lambda: connection.recv(65536), b""))

    assert (await asyncio.to_thread(ask)).startswith(b"HTTP/1.1 404")
    assert site.ask_server("/metrics").status_code == 200
    assert site.ask_server("/readyz").status_code == 200
    async with site.visitor() as visitor:
        assert (await visitor.get("/healthz")).json() == {"status": "ok"}


async def test_a_header_line_over_8_kib_does_not_reach_the_server(site: Site) -> None:
    async with site.visitor() as visitor:
        response = await visitor.get("/healthz", headers={"Cookie": "a" * 9 * 1024})
        assert (response.status_code, response.headers["content-type"]) == (400, "text/html")
        assert (await visitor.get("/healthz", headers={"Cookie": "a" * 7000})).status_code == 200


async def test_a_body_over_64_kib_does_not_reach_the_server(site: Site) -> None:
    async with site.visitor() as visitor:
        large = await visitor.post("/api/guests", content=b" " * (64 * 1024 + 1))
        # The server itself would answer with problem details.
        assert (large.status_code, large.headers["content-type"]) == (413, "text/html")
        # One that fits is passed on, and refused by the server.
        fits = await visitor.post("/api/guests", content=b" " * 64 * 1024)
        assert refusal(fits) == (415, "not_json")


@pytest.mark.parametrize(
    "half",
    [
        b"GET / HTTP/1.1\r\nHost: local",
        b"POST /api/guests HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n{",
    ],
    ids=["headers", "body"],
)
def test_an_unfinished_request_is_closed(site: Site, half: bytes) -> None:
    with site.raw() as connection:
        connection.settimeout(4 * SHORT)
        connection.sendall(half)
        try:
            answer = connection.recv(65536)
        except ConnectionResetError:  # Python 3.13: unread bytes turn the close into a reset
            answer = b""
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408")


async def test_nginx_reveals_neither_its_version_nor_the_server_behind(site: Site) -> None:
    async with site.visitor() as visitor:
        assert (await visitor.get("/healthz")).headers["server"] == "nginx"
        assert "nginx/" not in (await visitor.get("/metrics")).text


async def test_every_answer_says_once_that_the_name_is_for_tls_only(site: Site) -> None:
    """Those of nginx, those of the application, and one that the server gave before it knew who had
    forwarded the request."""
    own = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "1"}
    async with site.visitor() as visitor:
        answers = {
            404: await visitor.get("/metrics"),
            413: await visitor.post("/api/guests", content=b" " * (64 * 1024 + 1)),
            401: await visitor.get("/api/session"),
            200: await visitor.get("/static/app.js"),
            426: await visitor.get("/ws", headers=own),
        }
    for status, answer in answers.items():
        assert answer.status_code == status
        said = answer.headers.get_list("strict-transport-security")
        assert said == [HSTS[1]], status


def test_a_cipher_without_forward_secrecy_is_refused(site: Site) -> None:
    with site.raw() as connection:
        assert connection.version() == "TLSv1.3"
    old = site.trust()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with site.raw(old) as connection:
        assert connection.version() == "TLSv1.2"
    old.set_ciphers("ECDHE-ECDSA-AES128-SHA")  # CBC: what nginx would take by default
    with pytest.raises(ssl.SSLError):
        site.raw(old)


async def test_only_answers_without_secrets_are_compressed(site: Site) -> None:
    async with site.visitor(headers={"Accept-Encoding": "gzip"}) as visitor:
        await sign_in(visitor, "Lea")
        page = await visitor.get("/")
        assert "content-encoding" not in page.headers
        assert "content-encoding" not in (await visitor.get("/api/players?limit=500")).headers
        script = next(part for part in page.text.split('"') if part.endswith(".js"))
        compressed = await visitor.get(script)
        assert compressed.headers["content-encoding"] == "gzip"
        # Otherwise a cache may send it to a client that cannot read it.
        assert compressed.headers["vary"] == "Accept-Encoding"


# Floods


async def test_the_rate_of_requests_is_limited_for_each_network(
    site: Site,
) -> None:
    async def ask(address: str) -> int:
        return (await visitor.get("/healthz", headers={ADDRESS: address})).status_code

    async with site.visitor() as visitor:
        # One customer has 2^64 of these; the /64 counts as one visitor.
        flood = [await ask(f"2001:db8:0:1::{number:x}") for number in range(1, 100)]
        assert flood[:MOST_REQUESTS] == [200] * MOST_REQUESTS
        assert 429 in flood
        assert await ask("2001:db8:0:2::1") == 200
        assert await ask("198.51.100.2") == 200


async def flood(visitor: httpx.AsyncClient, addresses: Iterable[str]) -> int:
    """Send a request from each address; return how many were let through."""
    through = 0
    for address in addresses:
        answer = await visitor.get("/healthz", headers={ADDRESS: address})
        assert answer.status_code in (200, 429)
        through += answer.status_code == 200
    return through


async def test_the_rate_of_requests_is_limited_for_the_wider_networks_too(site: Site) -> None:
    late = 10  # seconds that all of this may take: one more is let through in each
    async with site.visitor() as visitor:
        # A /64 for each, of one /56, and then a /56 for each, of one /48.
        most = 2 * MOST_REQUESTS
        of_56 = (f"2001:db8:1:{number:x}::1" for number in range(most + 20))
        assert most <= await flood(visitor, of_56) <= most + late
        most = 3 * MOST_REQUESTS
        of_48 = (f"2001:db8:2:{number:x}00::1" for number in range(most + 20))
        assert most <= await flood(visitor, of_48) <= most + late
        # Another /56, and another /48.
        assert await flood(visitor, ["2001:db8:1:ff00::1", "2001:db8:3::1"]) == 2
        # IPv4 is in no wider network.
        assert await flood(visitor, (f"198.51.101.{n}" for n in range(140))) == 140


@pytest.mark.parametrize(
    ("inside", "form"),
    [
        ("203.0.113.1", "64:ff9b::{}"),
        ("203.0.113.2", "::ffff:{}"),
        ("203.0.113.3", "2002:{}:{}::1"),
    ],
)
async def test_an_address_made_of_an_ipv4_one_counts_as_that(
    site: Site, inside: str, form: str
) -> None:
    def at(address: str, number: int = 0) -> str:
        if form.startswith("2002"):
            digits = bytes(map(int, address.split("."))).hex()
            return f"2002:{digits[:4]}:{digits[4:]}:{number:x}::1"
        return form.format(address)

    async with site.visitor() as visitor:
        through = await flood(visitor, (at(inside, number) for number in range(99)))
        assert MOST_REQUESTS <= through < 99
        assert await flood(visitor, [inside]) == 0, "it is the same visitor"
        # In no wider network either.
        others = [at(f"203.0.114.{number}") for number in range(140)]
        assert await flood(visitor, others) == 140


async def test_each_address_behind_a_translator_of_ones_own_counts_by_itself(site: Site) -> None:
    async with site.visitor() as visitor:
        own = (f"64:ff9b:1::{number:x}" for number in range(1, 141))
        assert await flood(visitor, own) == 140


def test_a_56_has_8_times_as_much_as_a_64_and_a_48_has_16_times() -> None:
    text = CONFIGURATION.read_text()
    zones = re.findall(r"limit_\w+_zone \$visitor(\w*) zone=[a-z]+(\w*):", text)
    assert len(zones) == 9
    assert all(key == name for key, name in zones)
    for form in (
        r"zone={}:10m rate=(\d+)r/s;",
        r"limit_req zone={} burst=(\d+) nodelay;",
        r"limit_conn {} (\d+);",
    ):
        for name in ("requests", "handshakes", "connections"):
            found = [re.findall(form.format(name + wider), text) for wider in ("", "_56", "_48")]
            if found != [[], [], []]:
                one, some, many = (int(figure) for (figure,) in found)
                assert (some, many) == (8 * one, 16 * one), (form, name)
    most = Settings.model_fields["max_connections"].default
    (sockets,) = re.findall(r"limit_conn connections_48 (\d+);", text)
    assert int(sockets) < most / 4, "no network takes all sockets"


async def test_the_number_of_sockets_of_an_address_is_limited(site: Site) -> None:
    headers = {ADDRESS: "198.51.100.3"}
    async with site.visitor() as visitor, contextlib.AsyncExitStack() as stack:
        cookie = await sign_in(visitor, "Mia")
        for _ in range(MOST_SOCKETS):
            await stack.enter_async_context(site.socket(cookie, headers=headers))
        with pytest.raises(InvalidStatus) as refused:
            await site.socket(cookie, headers=headers)
        assert refused.value.response.status_code == 429
        async with site.socket(cookie, headers={ADDRESS: "198.51.100.4"}) as tab:
            await hear(tab, "hello")


async def test_the_number_of_sockets_of_the_wider_networks_is_limited(site: Site) -> None:
    async with contextlib.AsyncExitStack() as stack:
        # A session has at most 20.
        cookies = []
        for name in ("Nia", "Nic"):
            async with site.visitor() as visitor:
                cookies.append(await sign_in(visitor, name))

        async def open_from(address: str, number: int) -> None:
            headers = {ADDRESS: address}
            tab = await stack.enter_async_context(site.socket(cookies[number % 2], headers=headers))
            await hear(tab, "hello")

        async def is_refused(address: str) -> bool:
            try:
                async with site.socket(cookies[0], headers={ADDRESS: address}):
                    return False
            except InvalidStatus as refused:
                return refused.response.status_code == 429

        for number in range(2 * MOST_SOCKETS):
            await open_from(f"2001:db8:5:{number:x}::1", number)
        assert await is_refused("2001:db8:5:ff::1")
        for number in range(MOST_SOCKETS):
            await open_from(f"2001:db8:5:{number + 1:x}00::1", number)
        assert await is_refused("2001:db8:5:ff00::1")
        assert not await is_refused("2001:db8:6::1")


# Limits that take hours or hundreds of players to reach


def test_timeouts_too_long_to_test_fit_those_of_the_server() -> None:
    text = CONFIGURATION.read_text()

    def figure(name: str) -> list[float]:
        words = [line.split() for line in text.splitlines()]
        return [float(each[1].rstrip(";sk")) for each in words if len(each) > 1 and each[0] == name]

    ping = Limits().ping_interval + Limits().ping_timeout
    assert max(figure("proxy_read_timeout")) > 2 * ping, "the server must be first to give up"
    most = Settings.model_fields["max_connections"].default
    assert figure("worker_connections")[0] > 2 * most
    assert figure("worker_rlimit_nofile")[0] > figure("worker_connections")[0]
    # uvicorn's own `timeout_keep_alive` is 5 s; nginx must not reuse a connection that the server
    # is closing.
    assert figure("keepalive_timeout")[-1] < uvicorn_options().get("timeout_keep_alive", 5)


def test_without_nginx_the_error_names_the_package_to_install() -> None:
    with pytest.raises(AssertionError, match="apt-get install nginx openssl"):
        find("no-such-program-at-all")


def test_a_line_missing_from_nginx_conf_fails_the_tests_that_change_it() -> None:
    with pytest.raises(AssertionError, match="no longer says 'b'"):
        substitute("a", {"b": "c"})
