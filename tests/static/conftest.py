"""Fixtures for the page's modules, in Node.js or a browser."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.static.rig import BrowserRig, Node, Rig, open_node_rig, open_page, open_rig, run_node


@pytest_asyncio.fixture(loop_scope="session")
async def blank(chromium: Browser) -> AsyncIterator[Page]:
    """An empty page."""
    context = await chromium.new_context()
    yield await context.new_page()
    await context.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def rigged(chromium: Browser) -> AsyncIterator[Page]:
    """The page that every `browser_rig` resets."""
    async with open_page(chromium) as page:
        yield page


@pytest_asyncio.fixture(loop_scope="session")
async def browser_rig(rigged: Page) -> AsyncIterator[BrowserRig]:
    """Like `rig`, in a real page."""
    async with open_rig(rigged) as rig:
        yield rig


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def node() -> AsyncIterator[Node]:
    """The process that every `rig` resets."""
    async with run_node() as node:
        yield node


@pytest_asyncio.fixture(loop_scope="session")
async def rig(node: Node) -> AsyncIterator[Rig]:
    """A page with the module, and a network and a clock that the test controls."""
    async with open_node_rig(node) as rig:
        yield rig
