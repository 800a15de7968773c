"""Subscribers to messages: functions, iterators, and waiting conditions."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from server.client.codec import Received
from server.client.errors import ClientClosed, StillHereError

_log = logging.getLogger("stillhere.client")
Listener = Callable[[Received], None]


@dataclass(eq=False, slots=True)
class _Wait:
    is_so: Callable[[], bool]
    met: asyncio.Future[None]


class Listeners:
    """Called with each message after the mirrors were updated."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._waits: list[_Wait] = []
        self._queues: list[asyncio.Queue[Received | StillHereError | None]] = []
        self._over: StillHereError | None = None

    def begin(self) -> None:
        """A session begins."""
        self._over = None

    def add(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with each message from now on; return a function that stops this."""
        self._listeners.append(listener)

        def remove() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return remove

    async def messages(self) -> AsyncIterator[Received]:
        """Yield each message from the first step of the iteration on. Ends when the client is
        closed; raises SessionOver when the session ends. Unread messages are kept."""
        if isinstance(self._over, ClientClosed):
            return
        if self._over is not None:
            raise self._over
        queue: asyncio.Queue[Received | StillHereError | None] = asyncio.Queue()
        self._queues.append(queue)
        try:
            while (message := await queue.get()) is not None:
                if isinstance(message, StillHereError):
                    raise message
                yield message
        finally:
            self._queues.remove(queue)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until `is_so()` is true; it is called now and after each message. Raises what it
        raises, and the error of the session's end."""
        if is_so():
            return
        if self._over is not None:
            raise self._over
        wait = _Wait(is_so, asyncio.get_running_loop().create_future())
        self._waits.append(wait)
        try:
            await wait.met
        finally:
            self._waits.remove(wait)

    def tell(self, message: Received) -> None:
        """Pass on a message."""
        for listener in list(self._listeners):
            try:
                listener(message)
            except Exception:  # other listeners still get it
                _log.exception("a listener failed at %s", type(message).__name__)
        for queue in self._queues:
            queue.put_nowait(message)
        self.look_again()

    def look_again(self) -> None:
        """Check the conditions again, after something other than a message."""
        for wait in self._waits:
            if wait.met.done():
                continue
            try:
                if wait.is_so():
                    wait.met.set_result(None)
            except Exception as error:
                wait.met.set_exception(error)

    def end(self, error: StillHereError) -> None:
        """There will be no messages, because of `error`, until `begin`."""
        self._over = error
        for queue in self._queues:
            queue.put_nowait(None if isinstance(error, ClientClosed) else error)
        for wait in self._waits:
            if not wait.met.done():
                wait.met.set_exception(error)
