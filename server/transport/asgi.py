"""A WebSocket for an ASGI application: `receive`, `send` and a task."""

import asyncio
import logging
from typing import Any, Protocol

from uvicorn.protocols.utils import ClientDisconnected

from server.base.text import printable
from server.transport.limits import Limits

_log = logging.getLogger("stillhere.transport")


class Transport(Protocol):
    """The transport, as used by `AsgiCall`."""

    async def send(self, event: dict[str, Any]) -> None: ...

    def note_room(self, *, has_room: bool) -> None:
        """Stop parsing while too many messages wait, and go on when they do not."""

    def returned(self, *, has_failed: bool) -> None:
        """The application has returned."""


class AsgiCall:
    """One call of an application. Messages from the transport wait for the next `receive`, up to
    `Limits.most_unread` or a few more."""

    __slots__ = ("_ending", "_events", "_limits", "_loop", "_transport", "_waiter")

    def __init__(
        self, transport: Transport, loop: asyncio.AbstractEventLoop, limits: Limits
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._limits = limits
        self._events: list[dict[str, Any]] = [{"type": "websocket.connect"}]
        self._ending: dict[str, Any] | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def run(self, app: Any, scope: dict[str, Any]) -> None:
        """Call the application, and notify the transport when it returns."""
        has_failed = False
        try:
            await app(scope, self.receive, self._transport.send)
        except ClientDisconnected:
            pass
        except Exception:
            has_failed = True
            _log.exception("the application failed at %s", printable(scope["path"]))
        self._transport.returned(has_failed=has_failed)

    async def receive(self) -> dict[str, Any]:
        """Return the next ASGI event; after the disconnect, return that again.

        Cancelling loses nothing. Raises RuntimeError if another call is waiting.
        """
        while not self._events:
            if self._ending is not None:
                return self._ending
            if self._waiter is not None:
                raise RuntimeError("Only one may wait for the next event.")
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        event = self._events.pop(0)
        if not self._events:
            self._transport.note_room(has_room=True)
        return event

    def hear(self, data: str | bytes) -> None:
        """Queue a message."""
        kind = "text" if isinstance(data, str) else "bytes"
        self._events.append({"type": "websocket.receive", kind: data})
        if len(self._events) >= self._limits.most_unread:
            self._transport.note_room(has_room=False)
        self._wake()

    def end(self, code: int, reason: str) -> None:
        """Queue the disconnect, after all messages."""
        self._ending = {"type": "websocket.disconnect", "code": code, "reason": reason}
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
