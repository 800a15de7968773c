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
from tests.support.paths import ROOT
from tests.support.peers import start


async def nobody(scope: Any, receive: Any, send: Any) -> None: ...


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
