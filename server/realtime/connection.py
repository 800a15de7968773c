"""One WebSocket: what it is sent, in order, without anybody waiting for it.

Sending never blocks and never raises. A message goes to the transport at once where that takes it;
else it waits in a bounded outbox, and a task, made for the purpose, sends it when the peer reads
again. So an idle connection has no task of its own, and a reader never waits for a slow peer.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from server.base.ids import ConnectionId
from server.presence.session import Session
from server.transport.by_call import Socket
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
        "_socket",
        "id",
        "is_behind",
        "is_closing",
        "session",
        "topics",
    )

    def __init__(
        self,
        id: ConnectionId,
        session: Session,
        send: AsgiSend,
        socket: Socket | None,
        on_drained: Callable[["Connection"], None],
        on_too_slow: Callable[["Connection"], None],
        most_waiting: int,
    ) -> None:
        """`socket`: None where the transport offers none; then every message goes through
        the outbox. `on_drained` is called when a peer that could not keep up has caught up,
        `on_too_slow` when more than `most_waiting` messages wait for it: then it has to be
        closed."""
        self.id = id
        self.session = session
        self.topics: tuple[Topic[Any], ...] = ()
        """What it watches. Written by `Topic` only."""
        self.is_closing = False
        """Nothing more will be sent. Written here only."""
        self.is_behind = False
        """The peer has yet to take what it was sent before. Written here only."""
        self._send = send
        self._socket = socket
        self._on_drained = on_drained
        self._on_too_slow = on_too_slow
        self._most_waiting = most_waiting
        self._outbox: deque[dict[str, Any]] | None = None
        # Sends what is in the outbox; there is one as long as there is an outbox.
        self._sender: asyncio.Task[None] | None = None

    def send(self, text: str) -> None:
        """Send a text message, now or when the peer takes it."""
        if self.is_closing:
            return
        socket = self._socket
        if socket is None or self._sender is not None or not socket.send_text(text):
            self._queue({"type": "websocket.send", "text": text})

    def close(self, close: Close, last: str | None = None) -> None:
        """Send `last` and close. What still waited is dropped. Idempotent."""
        if self.is_closing:
            return
        self.is_closing = True
        code, reason = close.value.code, close.value.reason
        if self._outbox is not None:
            self._outbox.clear()
        if self._socket is not None and self._sender is None:
            if last is not None and self._socket.send_text(last):
                last = None
            if last is None and self._socket.close(code, reason):
                return
        if last is not None:
            self._queue({"type": "websocket.send", "text": last})
        self._queue({"type": "websocket.close", "code": code, "reason": reason})

    def gone(self) -> None:
        """The peer is gone: send nothing more, and end the task that might still be trying."""
        self.is_closing = True
        self.is_behind = False
        if self._sender is not None:
            self._sender.cancel()
            # Not left to the task: one that is cancelled before its first step never runs.
            self._sender = self._outbox = None

    def _queue(self, event: dict[str, Any]) -> None:
        if self._outbox is None:
            self._outbox = deque()
            loop = asyncio.get_running_loop()
            self._sender = loop.create_task(self._drain())
            if self._socket is None:
                loop.call_soon(self._note_behind)  # behind the first step of the task
            else:
                self.is_behind = True
        self._outbox.append(event)
        if self.is_behind and len(self._outbox) > self._most_waiting:
            self._on_too_slow(self)

    def _note_behind(self) -> None:
        """What the transport has not taken by now waits for the peer."""
        self.is_behind = self._sender is not None

    async def _drain(self) -> None:
        """Send until nothing waits. Cancelling drops what waits."""
        try:
            while self._outbox:
                await self._send(self._outbox.popleft())
        except _GONE:
            self.is_closing = True
        finally:
            self._sender = self._outbox = None
        was_behind, self.is_behind = self.is_behind, False
        if was_behind and not self.is_closing:
            self._on_drained(self)
