"""The server for the tests with a browser. Most of the time to load a page goes into requests for
its files; here the browser caches them from test to test.

So the server listens at the same address each time, and allows caching; a server in use requires
revalidation (tests/web/test_pages.py). A new browser still requests all files.
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
    """Like `run_server`, at the address of the last one unless that is taken."""
    options.setdefault("port", usual_port("server"))
    async with run_server(database, clock, around=_Keeping, **options) as server:
        keep_port("server", server.port)
        yield server


class _Keeping:
    """Lets the browser cache the files of an application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_to_keep(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                MutableHeaders(scope=message)["cache-control"] = "max-age=3600"
            await send(message)

        is_file = scope["type"] == "http" and scope["path"].startswith("/static/")
        await self._app(scope, receive, send_to_keep if is_file else send)
