"""Fixtures for the tests with a browser, all in its loop."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser

from tests.support.browser import Browsers, open_browsers
from tests.support.live_server import LiveServer
from tests.support.page_server import run_page_server


@pytest_asyncio.fixture(loop_scope="session")
async def lobby(tmp_path: Path) -> AsyncIterator[LiveServer]:
    """As `server`, in the loop of the browser."""
    async with run_page_server(tmp_path / "test.db") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def browsers(chromium: Browser, lobby: LiveServer) -> AsyncIterator[Browsers]:
    """Browsers of people who want to play on it."""
    async with open_browsers(chromium, lobby) as browsers:
        yield browsers
