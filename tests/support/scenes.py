"""Scenes that mostly wait, played at the same time: each is still a test of its own.

What takes real seconds (a process that stands still, a clock that runs out) costs the suite the
longest of them and not the sum. A module names its scenes with `@scene` and asks for each by the
`scenes` fixture that `play_scenes` makes.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import pytest

Scene: TypeAlias = Callable[[Path], Awaitable[None]]


class Scenes:
    """The scenes of a module. `at_once`: how many of them are played at a time."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._scenes: dict[str, Scene] = {}

    def scene(self, play: Scene) -> Scene:
        """Decorator: `play` is given a folder of its own."""
        self._scenes[play.__name__] = play
        return play

    async def play(
        self, request: pytest.FixtureRequest, folders: pytest.TempPathFactory
    ) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
        """Play the scenes whose tests were asked for; yields what waits for one by its name."""
        asked_for = {item.name.removeprefix("test_") for item in request.session.items}
        door = asyncio.Semaphore(self._at_once)

        async def play_one(name: str) -> None:
            async with door:
                await self._scenes[name](folders.mktemp(name[:30]))

        tasks = {
            name: asyncio.create_task(play_one(name)) for name in self._scenes if name in asked_for
        }
        try:
            yield tasks.__getitem__
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)
