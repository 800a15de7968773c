"""Direct calls between an application and its WebSocket transport, without ASGI.

ASGI's `receive` costs a future and a turn of the loop a message, `send` a coroutine, and waiting
for the next message a task and its scope. A taken socket needs none of them.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias


class Hearer(Protocol):
    """Receives the messages of a taken socket."""

    def hear(self, data: str | bytes) -> None:
        """Handle a message. An exception is logged, and closes the socket with 1011."""

    def hear_fragment(self) -> None:
        """A small fragment within a message came; see `Limits.small_fragments`. Others of the same
        player may count together: a new socket begins to count anew."""

    def gone(self, code: int) -> None:
        """The connection ended with `code`; NO_STATUS if the peer sent one that means that this
        server closed it (`SAID_BY_SERVER`). Called once, in a later turn of the loop than the
        cause."""


class Socket(Protocol):
    """What the transport offers to `Take`: a socket whose handshake is valid."""

    def peer(self) -> tuple[str, int] | None:
        """Return the address of the peer, or of the proxy before it."""

    def accept(self, subprotocol: str | None) -> None:
        """Answer the handshake with 101. To be called first, and once."""

    def listen(self, hearer: Hearer) -> None:
        """Pass every message, and the end, to `hearer`. To be called once, right after `accept`."""

    def send_text(self, text: str) -> bool:
        """Send a text message. Return False, and send nothing, if that cannot be done at once: the
        peer has not taken what was sent before, or is gone; `send` then waits or raises."""

    def close(
        self,
        code: int,
        reason: str = "",
        last: str | None = None,
        *,
        within: float | None = None,
    ) -> bool:
        """Begin the closing handshake, after the text message `last`. A peer that does not answer
        `within` so many seconds is cut off; by default in `Limits.close_deadline`. False as in
        `send_text`."""

    async def send(self, event: dict[str, Any]) -> None:
        """Send a message or a close, once the socket was accepted, like ASGI's `send`."""


Take: TypeAlias = Callable[[dict[str, Any], Socket], bool]
"""Takes a socket, given its ASGI scope without the addresses, each of which costs a system call.
Returns False without having done anything to have the application called by ASGI. An exception is
logged, and answered with 500, or closed with 1011 after `accept`."""
