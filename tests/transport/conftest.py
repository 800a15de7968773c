"""Fixtures for the tests of the transports."""

import logging
from collections.abc import Iterator

import pytest

from tests.simulation.virtual import VirtualLoop
from tests.support.wire import virtual_loop


@pytest.fixture
def loop(caplog: pytest.LogCaptureFixture) -> Iterator[VirtualLoop]:
    """A loop whose time leaps. Invalid input and applications that raise would fill the log with
    tracebacks."""
    for name in ("uvicorn.error", "stillhere.transport"):
        caplog.set_level(logging.CRITICAL, name)
    with virtual_loop() as loop:
        yield loop
