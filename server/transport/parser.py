"""A request that h11 parses: not plain, or not arrived whole. Pure.

Each has a parser of its own, so nothing of one request can become part of another.
"""

import h11

from server.transport.handshake import upgrade_of
from server.transport.head import Upgrade
from server.transport.limits import Limits
from server.transport.request import (
    RequestHead,
    bad_request,
    check_head,
    header_too_large,
    target_too_long,
)
from server.wire.problem import Problem

_HEAD = b"HEAD "


class RequestParser:
    """Parses one request."""

    __slots__ = ("_has_head", "_head", "_limits", "_parser", "_size", "is_complete")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._parser = h11.Connection(h11.SERVER, limits.largest_header)
        self._size = 0  # of what was fed
        self._head = b""  # as received, until it is complete; it may be no HTTP
        self._has_head = False
        self.is_complete = False

    @property
    def is_head(self) -> bool:
        """True if the request seems to be a HEAD. Only until its head is parsed."""
        return self._head.startswith(_HEAD)

    @property
    def expects_continue(self) -> bool:
        """True if the client waits for a 100 before it sends the body."""
        return self._parser.they_are_waiting_for_100_continue

    @property
    def rest(self) -> bytes:
        """What was fed and is not parsed; once the request is complete, what came after it."""
        return self._parser.trailing_data[0]

    @property
    def is_too_large(self) -> bool:
        """True if the request is larger than `Limits.largest_request`, so far."""
        return self._size > self._limits.largest_request

    def feed(self, data: bytes) -> bytes:
        """Add what was received; return what is too much for now. b"": the peer sends no more."""
        rest = b""
        if not self._has_head:
            # h11 accepts a complete head of any size, and takes 1 µs a byte.
            room = self._limits.largest_header + 1 - self._size
            data, rest = data[:room], data[room:]
            self._head += data
        self._size += len(data)
        self._parser.receive_data(data)
        return rest

    def next_part(self) -> RequestHead | bytes | bytearray | None:
        """Return the head, then portions of the body; None once more has to be fed, or the request
        `is_complete`. Raises Problem."""
        try:
            event = self._parser.next_event()
        except h11.RemoteProtocolError as error:
            raise self._refusal(error) from None
        if isinstance(event, h11.Request):
            head = self._head[: self._size - len(self.rest)]
            request = check_head(event, head, self._limits)
            self._head = b""
            self._has_head = True
            return request
        if isinstance(event, h11.Data):
            return event.data
        self.is_complete = isinstance(event, h11.EndOfMessage)
        return None

    def upgrade(self, request: RequestHead, ahead: bytes) -> Upgrade:
        """Return the upgrade that is requested; `ahead` was received after what was fed. Raises
        Problem."""
        while self._parser.next_event() is not h11.PAUSED:
            pass
        return upgrade_of(request, self.rest + ahead, self._limits)

    def _refusal(self, error: h11.RemoteProtocolError) -> Problem:
        if error.error_status_hint != 431:
            return bad_request()
        if self._has_head or b"\n" in self.rest:
            return header_too_large(self._limits)
        return target_too_long(self._limits)
