"""One HTTP request and its response: ASGI on one side, bytes on the other."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from server.base.text import printable
from server.transport.request import TOKEN, Header, RequestHead
from server.transport.response import status_line

_log = logging.getLogger("stillhere.transport")

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_is_name = re.compile(TOKEN).fullmatch
_is_invalid_value = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]").search

Application = Callable[[Any, Any, Any], Awaitable[None]]


class ExchangeTransport(Protocol):
    """The transport, as used by `Exchange`."""

    async def writable(self) -> None:
        """Return once the peer has taken most of what was sent."""

    def write(self, data: bytes) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def answered(self, exchange: "Exchange") -> None:
        """The response is complete."""

    def failed(self, exchange: "Exchange") -> None:
        """The application failed before the response was complete."""


class Exchange:
    """One request and its response."""

    __slots__ = (
        "_body",
        "_changed",
        "_default_headers",
        "_expected",
        "_head",
        "_is_chunked",
        "_most_unread",
        "_request",
        "_transport",
        "expects_continue",
        "has_whole_request",
        "is_disconnected",
        "is_done",
        "is_sent",
        "is_started",
        "keeps_alive",
    )

    def __init__(
        self,
        transport: ExchangeTransport,
        request: RequestHead,
        default_headers: list[Header],
        *,
        expects_continue: bool,
        most_unread: int,
    ) -> None:
        """`most_unread`: bytes of the body that wait for the application before reading pauses."""
        self._transport = transport
        self._request = request
        self._default_headers = default_headers
        self.keeps_alive = request.keeps_alive
        self.is_disconnected = False
        # The request
        self.expects_continue = expects_continue
        self.has_whole_request = False
        self._body = bytearray()
        self._most_unread = most_unread
        self._changed = asyncio.Event()
        # The response
        self.is_started = False
        self.is_sent = False  # some of it
        self.is_done = False
        self._head = b""
        self._is_chunked = False
        self._expected: int | None = None

    @property
    def is_head(self) -> bool:
        """True if the request is a HEAD, whose response has no body."""
        return self._request.method == b"HEAD"

    # What the connection calls

    def feed(self, data: bytes | bytearray) -> None:
        """Add to the request's body; ignored once the response is complete."""
        if self.is_done or self.is_disconnected:
            return
        self._body += data
        if len(self._body) > self._most_unread:
            self._transport.pause_reading()
        self._changed.set()

    def feed_end(self) -> None:
        """The request's body is complete."""
        self.has_whole_request = True
        self._changed.set()

    def disconnect(self) -> None:
        """Nothing more of the response will be sent."""
        self.is_disconnected = True
        self._changed.set()

    async def run(self, app: Application, scope: dict[str, Any]) -> None:
        """Call the application. An exception is logged, and answered with 500."""
        try:
            await app(scope, self.receive, self.send)
        except Exception:
            _log.exception("the application failed at %s", printable(scope["path"]))
        else:
            if not self.is_done and not self.is_disconnected:
                _log.error("the application gave no whole response at %s", printable(scope["path"]))
        if not self.is_done and not self.is_disconnected:
            self._transport.failed(self)

    # What the application calls

    async def receive(self) -> dict[str, Any]:
        """Return the next ASGI event: more of the body, or the disconnect."""
        if self.expects_continue and not (self.is_started or self.is_disconnected):
            self.expects_continue = False
            self._transport.write(CONTINUE)
        if not (self.is_disconnected or self.is_done):
            self._transport.resume_reading()
            await self._changed.wait()
            self._changed.clear()
        if self.is_disconnected or self.is_done:
            return {"type": "http.disconnect"}
        body, self._body = bytes(self._body), bytearray()
        return {"type": "http.request", "body": body, "more_body": not self.has_whole_request}

    async def send(self, event: dict[str, Any]) -> None:
        """Handle an ASGI event. Raises RuntimeError for one out of order or with invalid
        headers."""
        if not self.is_disconnected:
            await self._transport.writable()
        if self.is_disconnected:
            return
        expected = "http.response.body" if self.is_started else "http.response.start"
        if self.is_done or event["type"] != expected:
            expected = "nothing after the response" if self.is_done else repr(expected)
            raise RuntimeError(f"Expected {expected}, but got {event['type']!r}.")
        if self.is_started:
            self._send_body(event.get("body", b""), is_last=not event.get("more_body", False))
        else:
            self._start(event["status"], event.get("headers", ()))

    def _start(self, status: int, headers: Any) -> None:
        """Build the head. It is sent with the first part of the body, in one write."""
        lines = [status_line(status)]
        length: int | None = None
        says_close = False
        for name, value in (*self._default_headers, *headers):
            if not _is_name(name) or _is_invalid_value(value):
                raise RuntimeError(f"Invalid header {name!r}: {value!r}.")
            name = name.lower()
            if name == b"transfer-encoding":
                continue  # framing is decided here
            if name == b"content-length":
                length = int(value)
            elif name == b"connection":
                says_close = says_close or b"close" in value.lower()
            lines += (name, b": ", value, b"\r\n")
        if self.expects_continue:
            # The client may send the body or not (RFC 9110, 10.1.1).
            self.keeps_alive = False
        has_body = not self.is_head and status not in (204, 304)
        if has_body and length is None:
            if self._request.http_version == "1.0":
                self.keeps_alive = False  # the body ends with the connection
            else:
                self._is_chunked = True
                lines.append(b"transfer-encoding: chunked\r\n")
        if says_close:
            self.keeps_alive = False
        elif not self.keeps_alive:
            lines.append(b"connection: close\r\n")
        lines.append(b"\r\n")
        self._expected = length if has_body else 0
        self._head = b"".join(lines)
        self.is_started = True

    def _send_body(self, body: bytes, *, is_last: bool) -> None:
        if self.is_head:
            body = b""
        if self._expected is not None:
            if len(body) > self._expected:
                raise RuntimeError("The body is longer than its Content-Length.")
            self._expected -= len(body)
            if is_last and self._expected:
                raise RuntimeError("The body is shorter than its Content-Length.")
        if self._is_chunked:
            body = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            if is_last:
                body += b"0\r\n\r\n"
        head, self._head = self._head, b""
        if head or body:
            self.is_sent = True
            self._transport.write(head + body)
        if is_last:
            self.is_done = True
            self._body.clear()
            self._changed.set()
            self._transport.answered(self)
