"""One WebSocket: messages to the client, in order and without waiting.

Sending never blocks and never raises. A message goes to the transport at once if that accepts it;
otherwise it waits in a bounded outbox, and a temporary task sends it when the peer reads again. So
an idle connection has no task, and no caller waits for a slow peer.
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

# What ASGI servers raise from `send` after the peer is gone: uvicorn's ClientDisconnected is an
# OSError, and after a protocol error it raises RuntimeError.
_GONE = (OSError, RuntimeError)


class Keeper(Protocol):
    """Is notified by a connection and its reader."""

    def close(self, connection: "Connection", close: Close, /) -> None:
        """The peer exceeded a limit, or is too slow: close the connection."""

    def gone(self, connection: "Connection", code: int, /) -> None:
        """The socket closed with `code`, whichever side closed it."""

    def caught_up(self, connection: "Connection", /) -> None:
        """The peer, which was behind, has taken all that was sent."""


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
        "networks",
        "session",
        "topics",
        "unpaid",
    )

    def __init__(
        self,
        id: ConnectionId,
        session: Session,
        peer: Socket | AsgiSend,
        keeper: Keeper,
        most_waiting: int,
        networks: tuple[str, ...] = (),
    ) -> None:
        """`peer`: the socket; or ASGI's `send` if no socket was taken, and then every message goes
        through the outbox. With more than `most_waiting` messages in it the peer is too slow.
        `networks`: of the peer, as in `Place`."""
        self.id = id
        self.session = session
        self.networks = networks
        self.topics: tuple[Topic[Any], ...] = ()
        """The topics that it watches. Written by `Topic` only."""
        self.unpaid = 0
        """Bytes that it was sent and nobody was charged. Written by `Wholes` only."""
        self.is_closing = False
        """Nothing more will be sent. Written here only."""
        self.is_behind = False
        """The peer has not taken all that was sent. Written here only."""
        self._socket: Socket | None = None if callable(peer) else peer
        self._send: AsgiSend | None = peer if callable(peer) else None
        self._keeper = keeper
        self._most_waiting = most_waiting
        self._outbox: deque[dict[str, Any]] | None = None
        # Sends the outbox; exists as long as the outbox does.
        self._sender: asyncio.Task[None] | None = None

    def send(self, text: str) -> None:
        """Send a text message, now or when the peer takes it."""
        if self.is_closing:
            return
        socket = self._socket
        if socket is None or self._sender is not None or not socket.send_text(text):
            self._queue({"type": "websocket.send", "text": text})

    def close(self, close: Close, last: str | None = None, *, within: float | None = None) -> None:
        """Send `last` and close. Drops the outbox. Idempotent. `within`: see `Socket.close`."""
        if self.is_closing:
            return
        self.is_closing = True
        code, reason = close.value.code, close.value.reason
        if self._outbox is not None:
            self._outbox.clear()
        socket = self._socket
        is_idle = self._sender is None
        if socket is not None and is_idle and socket.close(code, reason, last, within=within):
            return
        if last is not None:
            self._queue({"type": "websocket.send", "text": last})
        event = {"type": "websocket.close", "code": code, "reason": reason}
        self._queue(event if within is None else event | {"within": within})

    def gone(self) -> None:
        """The peer is gone: send nothing more, and cancel the task."""
        self.is_closing = True
        self.is_behind = False
        if self._sender is not None:
            self._sender.cancel()
            # Not left to the task: a task cancelled before its first step never runs.
            self._sender = self._outbox = None

    def _queue(self, event: dict[str, Any]) -> None:
        if self._outbox is None:
            self._outbox = deque()
            loop = asyncio.get_running_loop()
            self._sender = loop.create_task(self._drain())
            if self._socket is None:
                loop.call_soon(self._note_behind)  # after the first step of the task
            else:
                self.is_behind = True
        self._outbox.append(event)
        if self.is_behind and len(self._outbox) > self._most_waiting:
            self._keeper.close(self, Close.TOO_SLOW)

    def _note_behind(self) -> None:
        """What the transport has not accepted by now waits for the peer."""
        self.is_behind = self._sender is not None

    async def _drain(self) -> None:
        """Send until the outbox is empty. Cancelling drops the outbox."""
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
