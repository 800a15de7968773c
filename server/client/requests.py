"""Matches answers to requests: each has an `id`, which its `done` or `error` repeats."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from server.client.codec import Received
from server.client.errors import RequestRefused, StillHereError
from server.wire.messages import (
    ClientMessage,
    Done,
    Error,
    Held,
    Hold,
    Look,
    Pong,
    Release,
    SessionNow,
)

_ANSWERS: dict[type, type] = {Hold: Held, Release: Held, Look: SessionNow}
"""Requests with an answer of their own before the `done`."""


@dataclass(eq=False, slots=True)
class _Waiting:
    request: str
    answer_type: type | None
    done: asyncio.Future[Received | None]
    accepted: Callable[[], None]
    answer: Received | None = None


class PendingRequests:
    """The requests of one connection that wait for an answer."""

    def __init__(self) -> None:
        self._last = 0
        self._waiting: dict[int, _Waiting] = {}

    def add(
        self, message: ClientMessage, accepted: Callable[[], None] = lambda: None
    ) -> tuple[ClientMessage, asyncio.Future[Received | None]]:
        """Return the message with an id, and the future of its result: the answer, None if it has
        none besides `done`, or RequestRefused. Cancelling the future stops waiting. `accepted` is
        called at the `done`, before the message after it is heard; whoever awaits the future may
        run later."""
        self._last += 1
        id = self._last
        done: asyncio.Future[Received | None] = asyncio.get_running_loop().create_future()
        name = str(message.__struct_config__.tag)
        self._waiting[id] = _Waiting(name, _ANSWERS.get(type(message)), done, accepted)
        done.add_done_callback(lambda _: self._waiting.pop(id, None))
        return msgspec.structs.replace(message, id=id), done

    def hear(self, message: Received) -> None:
        """Resolve the request that a message answers, if any."""
        match message:
            case Pong(id=int(id)) if id in self._waiting:
                waiting = self._waiting.pop(id)
                if not waiting.done.done():
                    waiting.done.set_result(message)
            case Done(id=int(id)) if id in self._waiting:
                waiting = self._waiting.pop(id)
                if not waiting.done.done():
                    waiting.accepted()
                    waiting.done.set_result(waiting.answer)
            case Error(id=int(id)) if id in self._waiting:
                waiting = self._waiting.pop(id)
                if not waiting.done.done():
                    error = RequestRefused(waiting.request, message.code, message.detail)
                    waiting.done.set_exception(error)
            case _:
                for waiting in self._waiting.values():
                    if waiting.answer_type is not None and isinstance(message, waiting.answer_type):
                        waiting.answer = message
                        break

    def drop(self, error: StillHereError) -> None:
        """Fail all requests, as the connection is lost."""
        waiting, self._waiting = self._waiting, {}
        for each in waiting.values():
            if not each.done.done():
                each.done.set_exception(error)
