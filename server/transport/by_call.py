"""An ASGI extension by which an application and its WebSocket transport call each other.

`receive` costs a future and a turn of the loop a message, `send` a coroutine. An application that
finds the extension in its scope may do without both for text messages.
"""

from collections.abc import Callable
from typing import Any, Protocol

BY_CALL = "stillhere.by_call"
"""The name of the extension in the scope; its value is a `ByCall`."""


class ByCall(Protocol):
    """What the transport offers, once the socket has been accepted."""

    def listen(self, hear: Callable[[dict[str, Any]], None]) -> None:
        """Call `hear` with every `websocket.receive` event from now on, and at once with those
        that `receive` has not had yet; `receive` has only the disconnect then."""

    def send_text(self, text: str) -> bool:
        """Send a text message. False if that cannot be done at once, because the peer has yet to
        take what it was sent before, or is gone: nothing was sent, and `send` waits or raises."""

    def close(self, code: int, reason: str = "") -> bool:
        """Begin the closing handshake. False as with `send_text`."""
