"""An ASGI extension by which an application and its WebSocket transport call each other.

`receive` costs a future and a turn of the loop a message, `send` a coroutine, and an application
that waits for the next message keeps a task and its scope. One that finds the extension in its
scope may do without all of them.
"""

from collections.abc import Callable
from typing import Protocol

BY_CALL = "stillhere.by_call"
"""The name of the extension in the scope; its value is a `ByCall`."""


class ByCall(Protocol):
    """What the transport offers, once the socket has been accepted."""

    def listen(self, hear: Callable[[str | bytes], None], gone: Callable[[int], None]) -> None:
        """Call `hear` with every message from now on, and at once with those that `receive` has
        not had yet; and `gone`, once and in a later turn of the loop, with the code with which the
        connection has ended. `receive` has only the disconnect then; and the application may
        return, which does not close the connection. What `hear` raises is logged, and closes it
        with 1011. Where it has ended before, only `gone` is called."""

    def send_text(self, text: str) -> bool:
        """Send a text message. False if that cannot be done at once, because the peer has yet to
        take what it was sent before, or is gone: nothing was sent, and `send` waits or raises."""

    def close(self, code: int, reason: str = "") -> bool:
        """Begin the closing handshake. False as with `send_text`."""
