"""One WebSocket: what it is sent, in order, without anybody waiting for it.

Sending never blocks and never raises. A message goes to the transport at once where that takes
it; else it waits in a bounded outbox, and a task, made for the purpose, carries it on. So an idle
connection has no task of its own, and a reader never waits for a peer that does not read.
"""

import asyncio
import types
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, TypeAlias

from server.base.ids import ConnectionId
from server.presence.session import Session
from server.wire.closing import Close

if TYPE_CHECKING:
    from server.realtime.topics.topic import Topic

AsgiSend: TypeAlias = Callable[[Any], Awaitable[None]]

# What ASGI servers raise from `send` once the peer is gone: uvicorn's ClientDisconnected is an
# OSError, and what it says after a protocol error is a RuntimeError.
_GONE = (OSError, RuntimeError)


class Connection:
    """An accepted WebSocket of a live session."""

    __slots__ = (
        "_most_waiting",
        "_on_drained",
        "_on_too_slow",
        "_outbox",
        "_send",
        "_sender",
        "id",
        "is_closing",
        "session",
        "topics",
    )

    def __init__(
        self,
        id: ConnectionId,
        session: Session,
        send: AsgiSend,
        on_drained: Callable[["Connection"], None],
        on_too_slow: Callable[["Connection"], None],
        most_waiting: int,
    ) -> None:
        """`on_drained` is called when a peer that could not keep up has caught up, `on_too_slow`
        when more than `most_waiting` messages wait for it: then it has to be closed."""
        self.id = id
        self.session = session
        self.topics: tuple[Topic[Any], ...] = ()
        """What it watches. Written by `Topic` only."""
        self._send = send
        self._on_drained = on_drained
        self._on_too_slow = on_too_slow
        self._most_waiting = most_waiting
        self._outbox: deque[dict[str, Any]] | None = None
        self._sender: asyncio.Task[None] | None = None
        # Nothing more will be sent. Written here only.
        self.is_closing = False

    @property
    def is_behind(self) -> bool:
        """Whether the peer has yet to take what it was sent before."""
        return self._sender is not None

    def send(self, text: str) -> None:
        """Send a text frame, now or when the peer takes it."""
        if not self.is_closing:
            self._put({"type": "websocket.send", "text": text})

    def close(self, close: Close, farewell: str | None = None) -> None:
        """Send `farewell` and close. What still waited is dropped; closing twice does nothing."""
        if self.is_closing:
            return
        self.is_closing = True
        if self._outbox is not None:
            self._outbox.clear()
        if farewell is not None:
            self._put({"type": "websocket.send", "text": farewell})
        self._put(
            {"type": "websocket.close", "code": close.value.code, "reason": close.value.reason}
        )

    def gone(self) -> None:
        """The peer is gone: send nothing more, and end the task that might still be trying."""
        self.is_closing = True
        if self._sender is not None:
            self._sender.cancel()
            # Not left to the task: one that is cancelled before its first step never runs.
            self._sender = self._outbox = None

    def _put(self, event: dict[str, Any]) -> None:
        if self._sender is not None:
            self._queue(event)
            return
        # Every server's `send` is an `async def`; asking it costs more than all the rest of this.
        step: Coroutine[Any, Any, None] = self._send(event)  # type: ignore[assignment]
        # Nearly always the transport takes the message at once. Running the coroutine's first
        # step here saves a task a message, and the rest of it can still go on in one.
        try:
            waiting_for = step.send(None)
        except StopIteration:
            return
        except _GONE:
            self.is_closing = True
            return
        self._sender = asyncio.get_running_loop().create_task(self._drain(step, waiting_for))

    def _queue(self, event: dict[str, Any]) -> None:
        if self._outbox is None:
            self._outbox = deque()
        self._outbox.append(event)
        if len(self._outbox) > self._most_waiting:
            self._on_too_slow(self)

    async def _drain(self, step: Coroutine[Any, Any, None], waiting_for: Any) -> None:
        """Carry on until nothing waits. Cancelling drops what waits."""
        try:
            await _rest(step, waiting_for)
            while self._outbox:
                await self._send(self._outbox.popleft())
        except _GONE:
            self.is_closing = True
        finally:
            self._sender = self._outbox = None
        if not self.is_closing:
            self._on_drained(self)


@types.coroutine
def _rest(step: Coroutine[Any, Any, None], waiting_for: Any) -> Generator[Any, Any, None]:
    """The rest of a coroutine that was begun by hand and waits for the future `waiting_for`."""
    while True:
        thrown: BaseException | None = None
        result = None
        try:
            result = yield waiting_for
        except BaseException as error:
            thrown = error
        try:
            waiting_for = step.send(result) if thrown is None else step.throw(thrown)
        except StopIteration:
            return
