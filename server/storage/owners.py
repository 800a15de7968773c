"""Who has a name, asked together.

A read is a hop to another thread and back, which costs several times as much as the query. Whoever
asks while one runs shares the next.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import TypeAlias

from server.accounts.ports import StorageUnavailable
from server.base.ids import PlayerId
from server.base.waiting import stop

Read: TypeAlias = Callable[[Collection[str]], Awaitable[Mapping[str, PlayerId]]]
_Answer: TypeAlias = "asyncio.Future[set[PlayerId]]"

_CLOSED = "The server is stopping."


class Owners:
    """The players whose stored names have certain skeletons."""

    def __init__(self, read: Read) -> None:
        """`read` returns the owners by skeleton, or raises StorageUnavailable."""
        self._read = read
        self._asked: dict[_Answer, Collection[str]] = {}
        self._task: asyncio.Task[None] | None = None

    async def of(self, lookalikes: Collection[str]) -> set[PlayerId]:
        """Return the players whose names have one of these skeletons. Raises StorageUnavailable."""
        answer: _Answer = asyncio.get_running_loop().create_future()
        self._asked[answer] = lookalikes
        if self._task is None:
            self._task = asyncio.create_task(self._answer_next(), name="name owners")
        try:
            return await answer
        finally:
            self._asked.pop(answer, None)  # cancelled before its read began

    async def close(self) -> None:
        """End the running read. Who waits for it, or for the next, gets StorageUnavailable."""
        task, self._task = self._task, None
        await stop(task)
        _fail(self._asked, StorageUnavailable(_CLOSED))

    async def _answer_next(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked, {}
                await self._answer_all(asked)
        finally:
            self._task = None

    async def _answer_all(self, asked: Mapping[_Answer, Collection[str]]) -> None:
        try:
            owners = await self._read({each for wanted in asked.values() for each in wanted})
        except asyncio.CancelledError:
            _fail(asked, StorageUnavailable(_CLOSED))
            raise
        except Exception as error:
            # Any exception: no other task would answer them.
            _fail(asked, error)
            return
        for answer, wanted in asked.items():
            if not answer.done():
                answer.set_result({owners[each] for each in wanted if each in owners})


def _fail(asked: Iterable[_Answer], error: Exception) -> None:
    for answer in asked:
        if not answer.done():
            answer.set_exception(error)
