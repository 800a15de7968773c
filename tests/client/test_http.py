"""HTTP exchanges: several on one connection, and a response that is too large."""

import asyncio

import pytest

from server.client import Address, Limits, Unreachable
from server.client.http import HttpConnection, exchange
from tests.support.live_server import LiveServer


async def test_a_kept_connection_serves_several_exchanges_in_turn(server: LiveServer) -> None:
    connection = await HttpConnection.open(Address.parse(server.url))
    try:
        for path, status in (("/healthz", 200), ("/nothing", 404), ("/readyz", 200)):
            response = await connection.exchange("GET", path, [], b"")
            assert response.status == status
            assert response.header("content-type") is not None
    finally:
        connection.close()


async def test_after_a_single_exchange_the_server_closes_the_connection(server: LiveServer) -> None:
    response = await exchange(Address.parse(server.url), "GET", "/healthz", [], b"")
    assert response.header("connection") == "close"


async def test_an_answer_that_is_too_large_is_not_read_to_its_end(server: LiveServer) -> None:
    address = Address.parse(server.url)
    size = len((await exchange(address, "GET", "/openapi.json", [], b"")).body)
    for largest, is_taken in ((size, True), (size - 1, False)):
        limits = Limits(largest_message=largest)
        if is_taken:
            await exchange(address, "GET", "/openapi.json", [], b"", limits=limits)
        else:
            with pytest.raises(Unreachable, match=f"more than {largest} bytes"):
                await exchange(address, "GET", "/openapi.json", [], b"", limits=limits)


async def test_a_server_that_never_answers_is_unreachable_after_the_timeout() -> None:
    is_over = asyncio.Event()

    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()
        await writer.wait_closed()
        is_over.set()

    server = await asyncio.start_server(stay_silent, "127.0.0.1", 0)
    async with server:
        address = Address("http", "127.0.0.1", server.sockets[0].getsockname()[1])
        with pytest.raises(Unreachable, match=r"within 0\.05 s"):
            await exchange(address, "GET", "/", [], b"", limits=Limits(call_within=0.05))
        await is_over.wait()
