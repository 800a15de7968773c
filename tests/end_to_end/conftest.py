"""Two players in two windows, for the tests of a module."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.support.couples import Couple, Couples


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def couples(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Couples]:
    couples = Couples(chromium, tmp_path_factory)
    yield couples
    await couples.close()


@pytest_asyncio.fixture(loop_scope="session")
async def couple(couples: Couples) -> AsyncIterator[Couple]:
    """Two players in the lobby."""
    yield await couples.get()
    await couples.part()
