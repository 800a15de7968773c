"""One WebSocket: what it is sent, in order, without anybody waiting for it.

Sending never blocks and never raises. A message goes to the transport at once where that takes it;
else it waits in a bounded outbox, and a task, made for the purpose, sends it when the peer reads
again. So an idle connection has no task of its own, and a reader never waits for a slow peer.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

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


class Keeper(Protocol):
    """Who is told how a connection gets on, by the connection and by its reader."""

    def close(self, connection: "Connection", close: Close, /) -> None:
        """The peer breaks a limit, or takes less than it is sent: close the connection."""

    def gone(self, connection: "Connection", code: int, /) -> None:
        """The socket has closed with `code`, whoever closed it."""

    def caught_up(self, connection: "Connection", /) -> None:
        """A peer that could not keep up has caught up."""


class Connection:
    """An accepted WebSocket of a live session."""

    __slots__ = (
        "_keeper",
        "_most_waiting",
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
        peer: Socket | AsgiSend,
        keeper: Keeper,
        most_waiting: int,
    ) -> None:
        """`peer`: the socket, or ASGI's `send` where it was not taken; then every message goes
        through the outbox. More than `most_waiting` messages in it are too many."""
        self.id = id
        self.session = session
        self.topics: tuple[Topic[Any], ...] = ()
        """What it watches. Written by `Topic` only."""
        self.is_closing = False
        """Nothing more will be sent. Written here only."""
        self.is_behind = False
        """The peer has yet to take what it was sent before. Written here only."""
        self._socket: Socket | None = None if callable(peer) else peer
        self._send: AsgiSend | None = peer if callable(peer) else None
        self._keeper = keeper
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
        socket = self._socket
        if socket is not None and self._sender is None and socket.close(code, reason, last):
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
            self._keeper.close(self, Close.TOO_SLOW)

    def _note_behind(self) -> None:
        """What the transport has not taken by now waits for the peer."""
        self.is_behind = self._sender is not None

    async def _drain(self) -> None:
        """Send until nothing waits. Cancelling drops what waits."""
        try:
            send = self._socket.send if self._socket is not None else self._send
            assert send is not None
            while self._outbox:
                await send(self._outbox.popleft())
        except _GONE:
            self.is_closing = True
        finally:
            self._sender = self._outbox = None
        was_behind, self.is_behind = self.is_behind, False
        if was_behind and not self.is_closing:
            self._keeper.caught_up(self)
