"""Fixtures for all tests."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop

from tests.support.live_server import LiveServer, run_server


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """`both_loops`: asyncio's own and the one that the `stillhere` command uses. Their timers are
    not quite alike, nor is the order in which they call back."""
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
    if item.get_closest_marker("both_loops") is not None:
        loops["uvloop"] = uvloop.new_event_loop
    return loops


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LiveServer]:
    """A server with default settings on a clock that the test moves."""
    async with run_server(tmp_path / "test.db") as running:
        yield running
