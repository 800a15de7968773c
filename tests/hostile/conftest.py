"""A server in a thread of its own, for generated requests, which tests send without a loop."""

import asyncio
import logging
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

from tests.support.live_server import LiveServer, run_server

T = TypeVar("T")

TIMEOUT = 30.0

GENERATED = settings(
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
"""The same input in every run; STILLHERE_EXAMPLES adds more."""


# Hypothesis blames the test for the `random` of the server's thread.
OTHERS_USE_RANDOM = pytest.mark.filterwarnings(
    "ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning"
)


class Served:
    """A server, and access to its loop."""

    def __init__(self, server: LiveServer, loop: asyncio.AbstractEventLoop) -> None:
        self.server = server
        self.url = server.url
        self.port = server.port
        self._loop = loop

    def run(self, errand: Coroutine[Any, Any, T]) -> T:
        """Run `errand` in the server's loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(errand, self._loop).result(TIMEOUT)


@contextmanager
def serve(database: Path, **options: Any) -> Iterator[Served]:
    """Serve until the context ends; then check that nothing is left and no invariant was broken."""
    begun: Future[Served] = Future()
    ended: Future[None] = Future()
    may_end: list[asyncio.Event] = []

    async def run() -> None:
        async with run_server(database, **options) as server:
            may_end.append(asyncio.Event())
            begun.set_result(Served(server, asyncio.get_running_loop()))
            await may_end[0].wait()

    def in_thread() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:
            (ended if begun.done() else begun).set_exception(error)
        else:
            ended.set_result(None)

    thread = threading.Thread(target=in_thread, name="server")
    thread.start()
    served = begun.result(TIMEOUT)
    try:
        yield served
    finally:
        served._loop.call_soon_threadsafe(may_end[0].set)
        thread.join(TIMEOUT)
    ended.result(TIMEOUT)


@pytest.fixture
def served(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Served]:
    """A server whose log must have no errors."""
    with serve(tmp_path / "test.db") as server:
        yield server
    errors = [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert [record.getMessage() for record in errors] == []
