"""Who has a name, asked together.

A read is a hop to another thread and back, which costs several times as much as the query. Whoever
asks while one runs shares the next.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import NamedTuple, TypeAlias

from server.accounts.ports import StorageUnavailable
from server.base.ids import PlayerId
from server.base.waiting import stop

Read: TypeAlias = Callable[[Collection[str]], Awaitable[Mapping[str, PlayerId]]]

_CLOSED = "The server is stopping."


class _Question(NamedTuple):
    lookalikes: Collection[str]
    answer: "asyncio.Future[set[PlayerId]]"


class Owners:
    """The players whose stored names have certain skeletons."""

    def __init__(self, read: Read) -> None:
        """`read` returns the owners by skeleton, or raises StorageUnavailable."""
        self._read = read
        self._questions: list[_Question] = []
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    async def of(self, lookalikes: Collection[str]) -> set[PlayerId]:
        """Return the players whose names have one of these skeletons.

        Raises StorageUnavailable if the read fails, or the one that runs now.
        """
        if self._is_closed:
            raise StorageUnavailable(_CLOSED)
        question = _Question(lookalikes, asyncio.get_running_loop().create_future())
        self._questions.append(question)
        if self._task is None:
            self._task = asyncio.create_task(self._answer(), name="name owners")
        return await question.answer

    async def close(self) -> None:
        """End the running read: who waits, and who asks later, gets StorageUnavailable."""
        self._is_closed = True
        await stop(self._task)
        _fail(self._questions, StorageUnavailable(_CLOSED))

    async def _answer(self) -> None:
        questions = self._questions
        try:
            while self._questions:
                questions, self._questions = self._questions, []
                wanted = {each for question in questions for each in question.lookalikes}
                owners = await self._read(wanted)
                for lookalikes, answer in questions:
                    if not answer.done():
                        answer.set_result({owners[each] for each in lookalikes if each in owners})
        except Exception as error:
            # Who asked meanwhile has waited too, and the next read would fail as well.
            _fail([*questions, *self._questions], error)
            self._questions = []
        except BaseException:
            _fail(questions, StorageUnavailable(_CLOSED))
            raise
        finally:
            self._task = None


def _fail(questions: Iterable[_Question], error: Exception) -> None:
    for question in questions:
        if not question.answer.done():
            question.answer.set_exception(error)
