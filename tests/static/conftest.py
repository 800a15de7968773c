"""Fixtures for the browser's side: pages in it."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.static.rig import Rig, open_page, open_rig


@pytest_asyncio.fixture(loop_scope="session")
async def blank(chromium: Browser) -> AsyncIterator[Page]:
    """A page with nothing in it."""
    context = await chromium.new_context()
    yield await context.new_page()
    await context.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def rigged(chromium: Browser) -> AsyncIterator[Page]:
    """The page that every `rig` begins anew in."""
    async with open_page(chromium) as page:
        yield page


@pytest_asyncio.fixture(loop_scope="session")
async def rig(rigged: Page) -> AsyncIterator[Rig]:
    """A page with the module in it, and a network and a clock that the test moves."""
    async with open_rig(rigged) as rig:
        yield rig
