"""The HTTP transport: uvicorn's, with the limits that it leaves to a proxy.

A header has a size and a deadline, a body too, and whoever does not read an answer is cut off.
Without these a few thousand clients that send a byte now and then, or nothing, hold a socket each
for ever, and one with an endless header as much memory as it likes.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from server.transport.knobs import (
    HEADER_DEADLINE,
    LARGEST_HEADER,
    LONGEST_HEADER_LINE,
    MOST_HEADERS,
)
from server.transport.patience import Patience, StallWatch
from server.wire.problem import PROBLEM_JSON, SECURITY_HEADERS, encode_problem

BODY_DEADLINE = 15.0
"""Seconds for a body to arrive."""

LARGEST_REQUEST = 4 * 1024 * 1024
"""Bytes of a request, with all that frames its chunks and whatever follows its answer."""

MOST_PIPELINED = 16
"""Requests that may be sent ahead of their answers."""

LINGER = 2.0
"""Seconds for a peer to read why it was refused."""

SHUTDOWN_DEADLINE = 1.0
"""Seconds for a body to arrive when the server stops, which has a deadline of its own."""


_ANSWERED = 0
"""No status: what is wrong is wrong after an answer, or while one is on its way."""


class _Refused(Exception):
    """Ends the parsing."""


class HttpTransport(HttpToolsProtocol):
    """One connection that speaks HTTP, until it is upgraded or closed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._patience = Patience(self.loop)
        self._stall: StallWatch | None = None
        self._is_in_header = True
        self._is_refused = False
        self._size = 0  # of the request that is being read, so far

    # What the event loop calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._patience.set(HEADER_DEADLINE, transport.abort)

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        super().data_received(data)
        if self._is_refused or self.transport.get_protocol() is not self:
            return
        self._size += len(data)
        if self._is_in_header and self._size > LARGEST_HEADER:
            self._refuse(431)
        elif self._size > LARGEST_REQUEST:
            self._refuse(_ANSWERED)
        elif not self._patience.is_running_out and self._is_at_rest:
            # An empty line is no request, but ends uvicorn's own patience with a quiet peer.
            self._patience.set(HEADER_DEADLINE, self.transport.abort)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall = StallWatch(self.loop, self.transport)

    def resume_writing(self) -> None:
        self._end_stall()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._patience.stop()
        self._end_stall()
        super().connection_lost(exc)

    # What the parser calls

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_header = True
        self._size = 0
        if not self._patience.is_running_out:
            # Else it counts from the connection: a byte now and then buys no time.
            self._patience.set(HEADER_DEADLINE, self.transport.abort)

    def on_header(self, name: bytes, value: bytes) -> None:
        # What comes after the body is no header: nobody here wants it.
        if self._is_in_header:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        lines = [len(name) + len(value) for name, value in self.headers]
        lines.append(len(self.url))
        if (
            len(lines) > MOST_HEADERS + 1
            or max(lines) > LONGEST_HEADER_LINE
            or sum(lines) + 4 * len(lines) > LARGEST_HEADER
        ):
            self._refuse(431)
            raise _Refused
        if len(self.pipeline) >= MOST_PIPELINED:
            self._refuse(_ANSWERED)
            raise _Refused
        self._is_in_header = False
        self._patience.set(BODY_DEADLINE, self.transport.abort)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._patience.stop()
        super().on_message_complete()

    # What uvicorn calls

    def handle_websocket_upgrade(self) -> None:
        self._patience.stop()
        super().handle_websocket_upgrade()

    def shutdown(self) -> None:
        """The server stops: what is still on its way to it is not waited for."""
        super().shutdown()
        if self.cycle is not None and self.cycle.more_body:
            self._patience.set(SHUTDOWN_DEADLINE, self.transport.abort)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, unless that was refused for another reason."""
        if not self._is_refused:
            self._refuse(400)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_refused and not self.transport.is_closing():
            # The answer was to a request before the one that was refused.
            self._unset_keepalive_if_required()
            self._linger()

    # What is refused

    @property
    def _is_at_rest(self) -> bool:
        """Whether every request so far has had its answer, and the next may take its time."""
        return self.timeout_keep_alive_task is None and (
            self.cycle is None or self.cycle.response_complete
        )

    def _refuse(self, status: int) -> None:
        """Answer with `status`, and drop what still comes until the peer has read the answer."""
        self._is_refused = True
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            # An answer is on its way, which goes first; and inside it there is no room for one.
            self.cycle.keep_alive = False
            self.pipeline.clear()
            self._patience.set(BODY_DEADLINE, self.transport.abort)
            return
        if status in _DETAILS:
            self.transport.write(_refusal(status))
        self._linger()

    def _linger(self) -> None:
        """Send no more, and wait for the peer to have read what it was sent."""
        self._patience.set(LINGER, self.transport.abort)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _end_stall(self) -> None:
        if self._stall is not None:
            self._stall.stop()
            self._stall = None


_DETAILS = {
    400: ("bad_request", "This is not HTTP/1.1."),
    431: (
        "header_too_large",
        f"A header has at most {LARGEST_HEADER} bytes, in at most {MOST_HEADERS} lines of at most "
        f"{LONGEST_HEADER_LINE} bytes.",
    ),
}


def _refusal(status: int) -> bytes:
    body = encode_problem(status, *_DETAILS[status])
    headers = SECURITY_HEADERS | {
        "content-type": PROBLEM_JSON,
        "content-length": str(len(body)),
        "cache-control": "no-store",
        "connection": "close",
    }
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    return STATUS_LINE[status] + "".join([*lines, "\r\n"]).encode() + body
