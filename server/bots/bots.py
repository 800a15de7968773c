"""Has bots think, and reports their moves."""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

import msgspec

from server.base.waiting import stop, within
from server.bots.limits import Limits
from server.bots.messages import Question
from server.bots.process import Process, ThoughtFailed
from server.games.catalogue import AnyGame
from server.rooms.events import BotAsked

_log = logging.getLogger("stillhere.bots")

OnThought: TypeAlias = Callable[[BotAsked, Any], None]
"""Called with what a bot does; None: nothing, or it failed."""


class Bots:
    """Subscribes to the questions of rooms.

    Who has waited longest is served first. The more are waiting, the shorter each thinks: a bot
    that is quick plays better than one that comes too late.
    """

    def __init__(self, games: Mapping[str, AnyGame], limits: Limits, on_thought: OnThought) -> None:
        self._games = games
        self._limits = limits
        self._on_thought = on_thought
        self._size = max(1, min(limits.processes, (os.cpu_count() or 1) - 1))
        self._waiting: asyncio.Queue[BotAsked] = asyncio.Queue(limits.waiting)
        self._tasks: list[asyncio.Task[None]] = []
        self._failed: set[str] = set()

    def start(self) -> None:
        """Begin to answer. Processes start when they are needed."""
        self._tasks = [
            asyncio.create_task(self._serve(Process(self._limits)), name=f"bots-{number}")
            for number in range(self._size)
        ]

    async def stop(self) -> None:
        """End all processes. Idempotent."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            await stop(task)

    def hear(self, event: BotAsked) -> None:
        """Subscriber: have a bot think, if there is a place."""
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait(event)

    async def _serve(self, process: Process) -> None:
        try:
            while True:
                try:
                    event = await within(self._limits.idle, self._waiting.get())
                except TimeoutError:
                    await process.end()
                    event = await self._waiting.get()
                action = await self._think(process, event)
                try:
                    self._on_thought(event, action)
                except Exception as error:
                    _log.error("the answer to %s failed", event.brief(), exc_info=error)
        finally:
            await process.end()

    async def _think(self, process: Process, event: BotAsked) -> Any:
        game = self._games[event.game]
        kind = type(game)
        share = self._size / (self._size + self._waiting.qsize())
        question = Question(
            f"{kind.__module__}:{kind.__qualname__}",
            event.seat,
            event.level,
            msgspec.Raw(event.view.encode()),
            event.time,
            game.thinking * share,
        )
        try:
            answer = await process.ask(question)
        except ThoughtFailed as error:
            self._complain(event.game, str(error))
            return None
        if answer.error is not None:
            self._complain(event.game, answer.error)
        return answer.action

    def _complain(self, game: str, error: str) -> None:
        """Log the first failure of each game: a broken one fails at every move."""
        if game not in self._failed:
            self._failed.add(game)
            _log.error("a bot of %s failed, and plays as simple ones do: %s", game, error)
