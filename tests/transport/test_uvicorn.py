"""The undocumented parts of uvicorn that the server uses, for the versions that were checked. With
another version, a test that fails names the change."""

import asyncio
import inspect
import re
import socket
import tomllib
from importlib.metadata import version
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.utils import ClientDisconnected, get_local_addr, get_remote_addr, is_ssl
from uvicorn.server import ServerState

from server.base.waiting import within
from server.transport.uvicorn import uvicorn_config, uvicorn_options
from server.transport.websocket import WebSocketTransport
from tests.support.answers import until
from tests.support.frames import TEXT, client_frame
from tests.support.paths import ROOT
from tests.support.peers import opening, serving, start
from tests.support.wire import FakeTransport


async def nobody(scope: Any, receive: Any, send: Any) -> None: ...


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers requests with 204, and messages with themselves."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] != "websocket.disconnect":
        await send({"type": "websocket.send", "text": event["text"]})


@pytest.mark.parametrize("package", ["uvicorn", "aiosqlite", "websockets"])
def test_packages_with_used_private_parts_are_pinned_below_the_next_minor(
    package: str,
) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (pin,) = (each for each in project["dependencies"] if re.match(rf"{package}\b", each))
    major, minor = map(int, version(package).split(".")[:2])
    assert re.fullmatch(rf"{package}>={major}\.{minor}(\.\d+)?,<{major}\.{minor + 1}", pin)


def test_the_server_state_has_the_fields_that_the_transports_use() -> None:
    state = ServerState()
    assert (state.connections, state.tasks) == (set(), set())
    assert (state.total_requests, state.default_headers) == (0, [])


def test_a_configuration_has_the_fields_that_the_transports_read() -> None:
    config = uvicorn_config(nobody)
    config.load()
    assert config.loaded
    assert callable(config.loaded_app)
    assert isinstance(config.asgi_version, str)
    assert config.root_path == ""
    assert config.timeout_keep_alive > 0
    options = uvicorn_options()
    names = ("ws_max_size", "ws_ping_interval", "ws_ping_timeout", "timeout_graceful_shutdown")
    assert {name: getattr(config, name) for name in names} == {
        name: options[name] for name in names
    }
    assert config.http_protocol_class is config.http
    assert config.ws_protocol_class is config.ws


async def test_a_protocol_is_made_with_the_arguments_that_the_transports_take() -> None:
    made: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    class Recorder(asyncio.Protocol):
        def __init__(self, **arguments: Any) -> None:
            made.set_result(arguments)

        def connection_made(self, transport: Any) -> None:
            transport.close()

    config = uvicorn.Config(nobody, http=Recorder, lifespan="off", log_config=None)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = await start(config, listener)
        _, writer = await asyncio.open_connection(*listener.getsockname())
        arguments = await within(10, made)
        writer.close()
        await server.shutdown(sockets=[listener])
    assert set(arguments) - {"_loop"} == {"config", "server_state", "app_state"}
    assert arguments["server_state"] is server.server_state


async def test_a_connection_beyond_the_most_is_cut_off_whatever_the_others_speak() -> None:
    async with serving(echo, most=3) as server:
        requests, sockets = await server.connect(), await server.upgraded()
        await requests.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await requests.answer()).status == 204
        silent = await server.connect()
        await until(lambda: len(server.connections) == 3)
        for _ in range(3):
            assert await (await server.connect()).end() == b""
        await sockets.send(client_frame(TEXT, b"hi"))
        assert (await sockets.frame()).payload == b"hi"
        # One that becomes a WebSocket by way of HTTP takes no second place.
        await requests.send(opening())
        assert (await requests.read_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        silent.close()
        await until(lambda: len(server.connections) == 2)
        assert await server.upgraded()


async def test_a_connection_that_is_cut_off_takes_no_place_until_it_is_gone() -> None:
    loop, state = asyncio.get_running_loop(), ServerState()
    config = uvicorn_config(nobody)
    config.load()
    arriving = [FakeTransport(loop) for _ in range(3)]
    for transport in arriving:
        protocol = WebSocketTransport(config, state, {}, loop, most=1)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
    assert [transport.is_closing() for transport in arriving] == [False, True, True]
    assert len(state.connections) == 1
    arriving[0].abort()


def test_addresses_are_read_from_the_transport_and_a_lost_client_is_an_os_error() -> None:
    for function in (get_local_addr, get_remote_addr, is_ssl):
        assert list(inspect.signature(function).parameters) == ["transport"]
    assert issubclass(ClientDisconnected, OSError)


async def test_a_stop_asks_each_connection_to_end_and_waits_for_it() -> None:
    class Connection:
        def shutdown(self) -> None:
            server.server_state.connections.discard(self)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = await start(uvicorn_config(nobody), listener)
        server.server_state.connections.add(Connection())  # type: ignore[arg-type]
        await within(10, server.shutdown(sockets=[listener]))
    assert server.server_state.connections == set()


def test_the_server_has_the_methods_that_the_command_overrides() -> None:
    """Otherwise the override would never be called."""
    serve = inspect.getsource(uvicorn.Server.serve)
    assert "self.capture_signals()" in serve
    assert "self.shutdown(" in inspect.getsource(uvicorn.Server._serve)
    assert list(inspect.signature(uvicorn.Server.handle_exit).parameters) == [
        "self",
        "sig",
        "frame",
    ]
    server = uvicorn.Server(uvicorn_config(nobody))
    assert server.force_exit is False
