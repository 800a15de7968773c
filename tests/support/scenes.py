"""Scenes that mostly wait, run at the same time: each is still a test of its own.

Tests in real time (a process that stands still, a clock that runs out) cost the suite the longest
of them, not the sum. A module has `SCENES`, marks its scenes with `@SCENES.test`, and runs them
with `run_scene = SCENES.fixture()`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any, TypeAlias

import pytest
import pytest_asyncio

Scene: TypeAlias = Callable[[Path], Awaitable[None]]
RunScene: TypeAlias = Callable[[str], Awaitable[None]]

_TRIES = 8
LATE = 0.25
"""Seconds by which this process may be late before a failure of a scene does not count."""
_STEP = 0.01


class TooLate(Exception):
    """This machine, not the server, was late: the scene has to run again."""


class Lag:
    """The delays of this process."""

    def __init__(self) -> None:
        self._worst = self._total = 0.0
        self._due = monotonic()

    def worst(self) -> float:
        """The longest delay in seconds, including one that is still going on."""
        return max(self._worst, self._behind())

    def total(self) -> float:
        """The sum of delays in seconds, including one that is still going on."""
        return self._total + self._behind()

    async def measure(self) -> None:
        """Measure until cancelled."""
        while True:
            self._due = monotonic() + _STEP
            await asyncio.sleep(_STEP)
            self._worst, self._total = self.worst(), self.total()

    def _behind(self) -> float:
        return max(0.0, monotonic() - self._due)


@asynccontextmanager
async def measuring() -> AsyncIterator[Lag]:
    """Measure the lag of this process during the context."""
    lag = Lag()
    task = asyncio.create_task(lag.measure())
    try:
        yield lag
    finally:
        task.cancel()


async def run_in_time(
    scene: Callable[[], Awaitable[None]],
    *,
    worst: float = inf,
    total: float = inf,
    failures: tuple[type[Exception], ...] = (AssertionError,),
) -> None:
    """Run a scene until this process was in time: `failures` while it was late by `worst` seconds
    at once, or `total` in all, count only if all tries fail; others count at once."""
    for attempt in range(_TRIES):
        async with measuring() as lag:
            try:
                return await scene()
            except TooLate:
                pass
            except failures:
                is_late = lag.worst() >= worst or lag.total() >= total
                if not is_late or attempt == _TRIES - 1:
                    raise
    pytest.fail(f"this machine was never in time, in {_TRIES} tries")


class Scenes:
    """The scenes of a module; `at_once` of them run at a time."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._scenes: dict[str, Scene] = {}

    def test(self, scene: Scene) -> Callable[[RunScene], Awaitable[None]]:
        """Decorate a scene, which gets a folder of its own, as a test."""
        name = scene.__name__
        self._scenes[name] = scene

        async def test(run_scene: RunScene) -> None:
            await run_scene(name)

        test.__name__, test.__qualname__, test.__module__ = name, name, scene.__module__
        test.__doc__ = scene.__doc__
        return pytest.mark.asyncio(loop_scope="module")(test)

    def fixture(self) -> Any:
        """The fixture `run_scene` of the module."""

        @pytest_asyncio.fixture(scope="module", loop_scope="module")
        async def run_scene(
            request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
        ) -> AsyncIterator[RunScene]:
            """Wait for a scene; several run at the same time."""
            asked_for = {item.name for item in request.session.items}
            door = asyncio.Semaphore(self._at_once)

            async def run_one(name: str) -> None:
                async with door:
                    folder = name.removeprefix("test_")[:30]
                    scene = self._scenes[name]
                    await run_in_time(lambda: scene(tmp_path_factory.mktemp(folder)), worst=LATE)

            tasks = {
                name: asyncio.create_task(run_one(name))
                for name in self._scenes
                if name in asked_for
            }
            try:
                yield tasks.__getitem__
            finally:
                for task in tasks.values():
                    task.cancel()
                await asyncio.gather(*tasks.values(), return_exceptions=True)

        return run_scene
