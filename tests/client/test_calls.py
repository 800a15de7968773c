"""HTTP calls, and how they fail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from server.client import Address, CallRefused, Calls, Client, SessionOver, Unreachable
from server.wire.views import SessionView
from tests.support.live_server import LiveServer


@asynccontextmanager
async def answering(response: bytes) -> AsyncIterator[str]:
    """The URL of a server that sends the same response to every request."""

    is_over = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        is_over.set()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await is_over.wait()


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://there", "http://", ""])
def test_an_invalid_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="is not the address of a server"):
        Client(url)


@pytest.mark.parametrize(
    ("url", "socket_url"),
    [
        ("http://127.0.0.1:8000", "ws://127.0.0.1:8000/ws"),
        ("https://game.test/", "wss://game.test:443/ws"),
        ("http://[::1]:81/below", "ws://[::1]:81/below/ws"),
    ],
)
def test_the_url_of_the_socket_is_beside_the_calls(url: str, socket_url: str) -> None:
    assert Address.parse(url).socket_url == socket_url


async def test_a_refusal_has_its_code_its_sentence_and_all_members(server: LiveServer) -> None:
    async with Client(server.url) as ada:
        with pytest.raises(CallRefused) as refused:
            await ada.sign_in_as_guest("A" * 41)
        assert (refused.value.status, refused.value.code) == (422, "invalid")
        assert refused.value.details["rule"] == "name_too_long"
        assert "41" in refused.value.detail
        assert ada.session is None


async def test_many_sign_ins_are_refused_with_the_time_to_wait(server: LiveServer) -> None:
    await server.member("Ada")
    async with Client(server.url) as ada:
        for _ in range(100):
            with pytest.raises(CallRefused) as refused:
                await ada.sign_in("Ada", "wrong horse")
            if refused.value.status == 429:
                break
        assert refused.value.code == "too_many_attempts"
        assert refused.value.retry_after is not None
        assert refused.value.retry_after > 0


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhey!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\n<a>no",
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}",
        b'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 9\r\n\r\n{"e":"\xe9"}',
        b'HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n{"player":{"name":"\xe9\xe9\xe9\xe9"}}',
        pytest.param(
            b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 9999\r\n\r\n" + 9999 * b"[", id="nested"
        ),
        b"SSH-2.0-OpenSSH\r\n",
        b"",
    ],
)
async def test_a_peer_that_is_no_still_here_server_is_unreachable(response: bytes) -> None:
    async with answering(response) as url, Client(url) as ada:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
            await ada.sign_in_as_guest("Ada")


async def test_a_closed_port_is_unreachable(server: LiveServer) -> None:
    async with Client("http://127.0.0.1:1") as ada:
        with pytest.raises(Unreachable, match="cannot be reached"):
            await ada.resume()


async def test_the_client_keeps_at_most_one_cookie(server: LiveServer) -> None:
    calls = Calls(Address.parse(server.url))
    for name in ("Ada", "Kim"):
        await calls.call("POST", "/api/guests", SessionView, body={"name": name})
        assert calls.cookie.count("session=") == 1
        assert (await calls.get("/api/session", SessionView)).player.name == name
    await calls.call("DELETE", "/api/session", type(None))
    assert calls.cookie == ""


async def test_a_cookie_of_no_session_is_not_resumed(server: LiveServer) -> None:
    async with Client(server.url, cookie="session=made-up") as ada:
        with pytest.raises(SessionOver) as over:
            await ada.resume()
        assert over.value.reason == "not_signed_in"
