"""How an application and its WebSocket transport call each other without ASGI.

`receive` costs a future and a turn of the loop a message, `send` a coroutine, and an application
that waits for the next message keeps a task and its scope. Who takes a socket may do without all of
them.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias


class Hearer(Protocol):
    """Receives the messages of a socket that was taken."""

    def hear(self, data: str | bytes) -> None:
        """A message. What this raises is logged, and closes the socket with 1011."""

    def gone(self, code: int) -> None:
        """The connection has ended with `code`. Called once, and in a later turn of the loop than
        what ended it."""


class Socket(Protocol):
    """What the transport offers to who takes a socket whose handshake is valid."""

    def peer(self) -> tuple[str, int] | None:
        """The address of the peer, or of a proxy before it."""

    def accept(self, subprotocol: str | None) -> None:
        """Answer the handshake with 101. Before anything else, and once."""

    def listen(self, hearer: Hearer) -> None:
        """Tell `hearer` of every message, and of the end. Called once, right after `accept`."""

    def send_text(self, text: str) -> bool:
        """Send a text message. False if that cannot be done at once, because the peer has yet to
        take what it was sent before, or is gone: nothing was sent, and `send` waits or raises."""

    def close(self, code: int, reason: str = "", last: str | None = None) -> bool:
        """Begin the closing handshake, after the text message `last`. False as with `send_text`."""

    async def send(self, event: dict[str, Any]) -> None:
        """What ASGI's `send` does with a message or a close, once the socket has been accepted."""


Take: TypeAlias = Callable[[dict[str, Any], Socket], bool]
"""Takes a socket, given its ASGI scope without the addresses, each of which costs a system call.
False, and nothing has been done: the application is called as ASGI says. What it raises is logged,
and answered with 500, or closed with 1011 after `accept`."""
