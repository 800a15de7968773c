"""A trusted proxy that does not tell the address of its client is reported, once."""

import logging
from pathlib import Path
from typing import Any

import pytest

from server.wire.proxies import TrustProxies
from tests.support.live_server import run_server

TOLD = {"X-Forwarded-For": "198.51.100.7"}
SILENT = {"X-Forwarded-Proto": "http"}


async def silent_in(
    headers: dict[str, str], path: str = "/api/guests", peer: str = "10.0.0.1", kind: str = "http"
) -> list[tuple[str, bool]]:
    """What is reported of a request."""
    found: list[tuple[str, bool]] = []

    async def serve(*_: Any) -> None: ...

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "scheme": "http", "path": path, "client": (peer, 1), "headers": raw}
    trusting = TrustProxies(serve, ["10.0.0.0/8", "127.0.0.1"], lambda *each: found.append(each))
    await trusting(scope, None, None)  # type: ignore[arg-type]
    return found


async def test_a_trusted_proxy_that_does_not_tell_the_address_of_its_client_is_reported() -> None:
    assert await silent_in({}) == [("10.0.0.1", True)]
    assert await silent_in(SILENT, "/ws", kind="websocket") == [("10.0.0.1", True)]
    assert await silent_in({"X-Forwarded-For": ""}) == [("10.0.0.1", True)]
    assert await silent_in(SILENT, peer="127.0.0.1") == [("127.0.0.1", True)]
    assert await silent_in({}, peer="127.0.0.1") == [("127.0.0.1", False)], "or a load script"


async def test_nobody_else_is_reported() -> None:
    assert await silent_in(TOLD) == []
    assert await silent_in(TOLD, "/ws", kind="websocket") == []
    assert await silent_in({}, peer="192.0.2.1") == []
    for path in ("/", "/healthz", "/readyz", "/metrics"):
        assert await silent_in({}, path, "127.0.0.1") == []


async def test_the_log_has_one_line_about_such_a_proxy_for_calls_and_sockets_alike(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number, is_socket in enumerate((True, False, True)):
        caplog.clear()
        async with run_server(tmp_path / f"{number}.db", trusted_proxies="127.0.0.1") as server:
            told = await server.visitor(headers=TOLD)
            response = await told.http.post("/api/guests", json={"name": "Ada"}, headers=TOLD)
            cookie = {"Cookie": f"session={response.cookies['session']}"}
            assert silent_lines(caplog) == []
            for _ in range(3):
                if is_socket:
                    await server.tab(None, headers=SILENT | (cookie if number else {}))
                else:
                    await told.http.get("/api/session", headers=SILENT | {"X-Forwarded-For": ""})
        assert silent_lines(caplog) == [
            "127.0.0.1 is a trusted proxy and sends no X-Forwarded-For: "
            "its clients share the limits of one address"
        ]


def silent_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.get_records("call")
        if record.levelno == logging.WARNING and "X-Forwarded-For" in record.getMessage()
    ]
