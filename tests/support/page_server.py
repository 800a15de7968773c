"""The server for the tests with a browser. Asking for the files of a page takes most of the
time that it takes to load one: here the browser keeps them from test to test.

So the server listens at the same address each time, and lets its files be kept; a server that is
in use asks to be asked (tests/web/test_pages.py). A browser that is new gets all of them even so.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.base.clock import Clock
from tests.support.live_server import LiveServer, run_server
from tests.support.ports import keep_port, usual_port


@asynccontextmanager
async def run_page_server(
    database: Path, clock: Clock | None = None, **options: Any
) -> AsyncIterator[LiveServer]:
    """As `run_server`, at the address of the last one unless that is taken."""
    options.setdefault("port", usual_port("server"))
    async with run_server(database, clock, around=_Keeping, **options) as server:
        keep_port("server", server.port)
        yield server


class _Keeping:
    """Lets the browser keep the files of an application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_to_keep(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                MutableHeaders(scope=message)["cache-control"] = "max-age=3600"
            await send(message)

        is_file = scope["type"] == "http" and scope["path"].startswith("/static/")
        await self._app(scope, receive, send_to_keep if is_file else send)
