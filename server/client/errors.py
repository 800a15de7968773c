"""The errors that the client raises.

StillHereError
├── Unreachable         no answer: whether the request was done is unknown
│   └── ConnectionLost  the connection ended before the answer arrived
├── Refused             the server refused; nothing was changed
│   ├── CallRefused     an HTTP call, with its status and problem details
│   └── RequestRefused  a message on the connection
├── SessionOver         the session has ended, or there never was one
├── RoomClosed          the room closed, or this player left it
└── ClientClosed        the client was closed while something waited
"""

from collections.abc import Mapping
from typing import Any


class StillHereError(Exception):
    """The base of all errors of this package."""


class Unreachable(StillHereError):
    """No answer, or not one of a Still Here server. The message has the address and the cause."""


class ConnectionLost(Unreachable):
    """The connection ended before the answer arrived. `code` is its close code; 1006 without
    one."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the connection ended with {code} before the answer came")
        self.code = code


class Refused(StillHereError):
    """The server refused, and changed nothing. `code` is a stable word, `detail` a sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class CallRefused(Refused):
    """An HTTP call was answered with an error.

    `status` is the HTTP status, `details` the problem details (RFC 9457) with all members, and
    `retry_after` the seconds of a Retry-After header, None without one.
    """

    def __init__(
        self, status: int, details: Mapping[str, Any], retry_after: float | None = None
    ) -> None:
        super().__init__(str(details.get("code", "")), str(details.get("detail", "")))
        self.status = status
        self.details = details
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.status} {super().__str__()}"


class RequestRefused(Refused):
    """A message was answered with an `error`. `request` is the type of the message."""

    def __init__(self, request: str, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.request = request


class SessionOver(StillHereError):
    """There is no session, or not any more. `reason` is a word of the protocol, such as
    `idle_timeout` or `not_signed_in`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class RoomClosed(StillHereError):
    """The room closed, or this player left it; `reason` is a word of the protocol."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class ClientClosed(StillHereError):
    """`Client.close` was called while something waited."""

    def __init__(self) -> None:
        super().__init__("the client was closed")
