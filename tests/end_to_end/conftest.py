"""Fixtures for the tests with a browser: one Chromium for all of them, in one loop."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser

from tests.support.browser import Browsers, open_browsers, run_chromium
from tests.support.live_server import LiveServer, run_server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The browser; starting one takes longer than most of the tests."""
    async with run_chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def lobby(tmp_path: Path) -> AsyncIterator[LiveServer]:
    """As `server`, in the loop of the browser."""
    async with run_server(tmp_path / "test.db") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def browsers(chromium: Browser, lobby: LiveServer) -> AsyncIterator[Browsers]:
    """Browsers of people who want to play on it."""
    async with open_browsers(chromium, lobby) as browsers:
        yield browsers
