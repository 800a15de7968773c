"""The HTTP/1.1 transport: requests in, an ASGI application, responses out.

It gets every connection that does not begin with a plain upgrade (`opening.py`). A plain request
that has arrived whole is parsed in one pass (`head.py`), any other by h11; each message has a
parser of its own, so nothing of one request can become part of another. One request is read at a
time: pipelined requests wait unparsed, at most one read of them here and the rest in the kernel and
at the peer.

- A header arrives within `Limits.header_deadline`, a body within `Limits.body_deadline`, or the
  peer is cut off.
- A header over the limits is answered with 431, or 414; what is not HTTP with 400.
- A peer that takes nothing of what waits for it is cut off after `Limits.write_stall`.
- `Upgrade` is followed for a WebSocket (RFC 6455) and ignored otherwise (RFC 9110, 7.8).
"""

import asyncio
import re
from typing import Any
from urllib.parse import unquote

import h11
from uvicorn.config import Config
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl
from uvicorn.server import ServerState

from server.transport.exchange import CONTINUE, Exchange
from server.transport.handshake import upgrade_of
from server.transport.head import Upgrade, WholeRequest, read_request
from server.transport.limits import Limits
from server.transport.request import (
    RequestHead,
    bad_request,
    check_head,
    header_too_large,
    target_too_long,
)
from server.transport.response import refusal
from server.transport.stalls import StallWatch, WatchedTransport, watch_kernel
from server.transport.wheel import Wheel
from server.wire.problem import Problem, internal, too_large

_HEAD = b"HEAD "

_match_empty_lines = re.compile(rb"(?:\r\n)+").match


class HttpTransport(WatchedTransport):
    """One connection that speaks HTTP, until it is upgraded or closed."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: Limits = Limits(),
        wheel: Wheel | None = None,
    ) -> None:
        """`wheel` has the deadlines of all connections of a loop; by default this has its own."""
        if not config.loaded:
            config.load()
        self._config = config
        self._limits = limits
        self._server_state = server_state
        self._connections: set[Any] = server_state.connections
        self._app_state = app_state
        self._loop = _loop or asyncio.get_event_loop()
        # What comes in
        self._parser: h11.Connection | None = None  # of the message that is being read
        self._size = 0  # of it, so far
        self._head = b""  # of it, as received, until it is complete; it may be no HTTP
        self._ahead = b""  # what was read but not yet given to a parser
        self._is_reading_paused = False
        self._is_parsing_paused = False
        self._is_over = False  # nothing more is read: closing, or handed over
        self._is_idle = False  # between a response and the next request
        self._has_ended = False  # the peer sends no more
        # What goes out
        self._exchange: Exchange | None = None
        self._stall: StallWatch | None = None  # None while the peer takes everything
        self._wheel = wheel or Wheel(limits, self._loop)
        self.turn: int | None = None  # of the deadline

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._connections.add(self)
        # Once, and not for each request: they are system calls.
        self._addresses = get_local_addr(self._transport), get_remote_addr(self._transport)
        if self.turn is None:
            self._wheel.set(self, self._limits.header_deadline)

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        if self._is_parsing_paused or (self._parser is None and self._exchange is not None):
            self._ahead += data
            self.pause_reading()
        else:
            self._read(data)

    def eof_received(self) -> bool:
        """The peer sends no more, but may still read: it gets the response to its last request.

        Not called while reading is paused: what came before has been parsed. Returning False makes
        the event loop close the connection.
        """
        self._has_ended = True
        if self._parser is not None:
            self._parser.receive_data(b"")
            self._parse(self._parser)
        if self._exchange is None:
            watch_kernel(self._transport, self._limits)
            return False
        self._exchange.keeps_alive = False
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._wheel.stop(self)
        self._is_over = True
        self._parser = None
        self._ahead = b""
        if self._exchange is not None:
            self._exchange.disconnect()
        self.resume_writing()

    # What uvicorn calls

    def shutdown(self) -> None:
        """The server stops: do not wait for further data."""
        if self._exchange is None:
            self._leave()
            return
        self._exchange.keeps_alive = False
        if self._parser is not None:
            self._wheel.set(self, self._limits.shutdown_deadline)

    # What an exchange calls

    async def writable(self) -> None:
        """Return once the peer has taken most of what was sent."""
        while self._stall is not None:
            await self._stall.wait()

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def pause_reading(self) -> None:
        if not self._is_reading_paused and not self._is_over:
            self._is_reading_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Resume reading, unless what was read is not parsed yet."""
        is_behind = self._is_parsing_paused or (self._ahead and self._exchange is not None)
        if self._is_reading_paused and not is_behind:
            self._is_reading_paused = False
            self._transport.resume_reading()

    def answered(self, exchange: Exchange) -> None:
        """The response is complete. The rest of the request is read and dropped."""
        self._server_state.total_requests += 1
        if self._is_over or self._transport.is_closing():
            return
        if not exchange.keeps_alive:
            self._close()
        elif self._parser is None:
            self._next()
        else:
            self.resume_reading()

    def failed(self, exchange: Exchange) -> None:
        """The application failed before the response was complete."""
        if exchange.is_sent:
            self._leave()
            return
        exchange.disconnect()
        self._refuse(internal())

    # What comes in

    def _read(self, data: bytes) -> None:
        """Begin a message, or continue it, with `data`."""
        if self._is_idle:
            self._is_idle = False
            self._wheel.stop(self)
        if self._parser is None:
            data, self._ahead = self._ahead + data, b""
            # Ignored before a request line (RFC 9112, 2.2). One by one, a flood would take seconds.
            if empty_lines := _match_empty_lines(data):
                data = data[empty_lines.end() :]
            if data == b"\r":
                self._ahead = data
            elif whole := read_request(data, self._limits):
                self._begin_whole(whole)
            elif data:
                self._parser = h11.Connection(h11.SERVER, self._limits.largest_header)
                self._size = 0
                self._head = b""
        if self._parser is not None:
            if self._exchange is None:
                # h11 accepts a complete head of any size, and takes 1 µs a byte.
                room = self._limits.largest_header + 1 - self._size
                data, self._ahead = data[:room], data[room:]
                self._head += data
            self._size += len(data)
            self._parser.receive_data(data)
            self._parse(self._parser)
            if self._ahead and self._parser is not None and not self._is_parsing_paused:
                self._parse_on()
        if self._exchange is None and not self._is_over and self.turn is None:
            # If it is set, it counts from the connection: single bytes do not extend it.
            self._wheel.set(self, self._limits.header_deadline)

    def _parse(self, parser: h11.Connection) -> None:
        for _ in range(self._limits.events_at_once):
            try:
                event = parser.next_event()
            except h11.RemoteProtocolError as error:
                unread = b"\n" if self._exchange else parser.trailing_data[0]
                self._refuse(_reason(error, unread, self._limits))
                return
            if isinstance(event, h11.Request):
                head = self._head[: self._size - len(parser.trailing_data[0])]
                try:
                    request = check_head(event, head, self._limits)
                except Problem as problem:
                    self._refuse(problem)
                    return
                self._head = b""
                if request.opens_websocket and self._config.ws_protocol_class is not None:
                    self._hand_over(parser, request)
                    return
                self._wheel.set(self, self._limits.body_deadline)
                expects_continue = parser.they_are_waiting_for_100_continue
                self._begin(request, expects_continue=expects_continue)
                continue
            exchange = self._exchange
            if exchange is None or event is h11.NEED_DATA:
                break
            if isinstance(event, h11.Data):
                exchange.feed(event.data)
            else:
                assert isinstance(event, h11.EndOfMessage)
                self._end_message(parser, exchange)
                return
        else:
            self._is_parsing_paused = True
            self.pause_reading()
            self._loop.call_soon(self._parse_on)
        if self._size > self._limits.largest_request:
            self._refuse(too_large("A request", self._limits.largest_request))

    def _parse_on(self) -> None:
        """Go on parsing a large body."""
        self._is_parsing_paused = False
        if self._parser is None:
            return
        data, self._ahead = self._ahead, b""
        if data:
            self._size += len(data)
            self._parser.receive_data(data)
        self._parse(self._parser)
        self.resume_reading()

    def _begin_whole(self, whole: WholeRequest) -> None:
        """A whole request has arrived."""
        self._wheel.stop(self)
        self._ahead = whole.rest
        exchange = self._begin(whole.head)
        exchange.feed(whole.body)
        exchange.feed_end()
        if self._ahead:
            self.pause_reading()

    def _begin(self, request: RequestHead, *, expects_continue: bool = False) -> Exchange:
        """The head is complete: call the application."""
        exchange = self._exchange = Exchange(
            self,
            request,
            self._server_state.default_headers,
            expects_continue=expects_continue,
            most_unread=self._limits.most_unread_body,
        )
        scope = self._scope(request)
        task = self._loop.create_task(exchange.run(self._config.loaded_app, scope))
        self._server_state.tasks.add(task)
        task.add_done_callback(self._server_state.tasks.discard)
        return exchange

    def _scope(self, request: RequestHead) -> dict[str, Any]:
        root = self._config.root_path
        server, client = self._addresses
        path, _, query = request.target.partition(b"?")
        text = path.decode("ascii")
        return {
            "type": "http",
            "asgi": {"version": self._config.asgi_version, "spec_version": "2.3"},
            "http_version": request.http_version,
            "server": server,
            "client": client,
            "scheme": "https" if is_ssl(self._transport) else "http",
            "method": request.method.decode("ascii"),
            "root_path": root,
            "path": root + (unquote(text) if "%" in text else text),
            "raw_path": root.encode("ascii") + path,
            "query_string": query,
            "headers": request.headers,
            "state": self._app_state.copy(),
        }

    def _end_message(self, parser: h11.Connection, exchange: Exchange) -> None:
        self._wheel.stop(self)
        self._parser = None
        self._ahead = parser.trailing_data[0] + self._ahead
        exchange.feed_end()
        if exchange.is_done:
            self._next()
        elif self._ahead:
            self.pause_reading()

    def _next(self) -> None:
        """A request is answered: go on with a pipelined one, or wait for more."""
        self._exchange = None
        if self._ahead:
            self._read(b"")
        else:
            self._is_idle = True
            self._wheel.set(self, self._config.timeout_keep_alive)
        self.resume_reading()

    def _hand_over(self, parser: h11.Connection, request: RequestHead) -> None:
        """Switch to the WebSocket protocol, if the upgrade is valid."""
        is_waiting = parser.they_are_waiting_for_100_continue
        while parser.next_event() is not h11.PAUSED:
            pass
        try:
            upgrade = upgrade_of(request, parser.trailing_data[0] + self._ahead, self._limits)
        except Problem as problem:
            self._refuse(problem)
            return
        if is_waiting:
            self._transport.write(CONTINUE)  # before the 101 (RFC 9110, 7.8)
        self._parser, self._ahead = None, b""
        self._switch(upgrade)

    def _switch(self, upgrade: Upgrade) -> None:
        """Hand the connection over to the WebSocket transport."""
        self._is_over = True
        self._wheel.stop(self)
        self._connections.discard(self)
        make: Any = self._config.ws_protocol_class
        protocol = make(
            config=self._config, server_state=self._server_state, app_state=self._app_state
        )
        is_stalled = self._stall is not None
        self.resume_writing()
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        if is_stalled:  # by an earlier response; the event loop reports it only once
            protocol.pause_writing()
        self.resume_reading()
        protocol.begin(upgrade)

    # The end

    def _refuse(self, problem: Problem) -> None:
        """Refuse the request unless the response has begun, and close."""
        exchange = self._exchange
        has_answered = exchange is not None and (exchange.is_done or exchange.is_sent)
        if exchange is not None:
            exchange.disconnect()
        self._parser = self._exchange = None
        if not self._transport.is_closing():
            if not has_answered:
                is_head = self._head.startswith(_HEAD) if exchange is None else exchange.is_head
                default_headers = self._server_state.default_headers
                self._transport.write(refusal(problem, default_headers, is_head=is_head))
            self._linger()

    def _close(self) -> None:
        if self._parser is not None or self._ahead:
            self._linger()
        else:
            self._leave()

    def _linger(self) -> None:
        """Half-close, and wait until the peer has read the response.

        Closing a socket with unread data resets the connection, and the peer may lose the response:
        so all data is read and dropped until the peer closes (RFC 9112, 9.6).
        """
        self._is_over = True
        self._parser = None
        self._is_parsing_paused = False
        self._ahead = b""
        watch_kernel(self._transport, self._limits)
        self._wheel.set(self, self._limits.linger)
        self.resume_reading()
        if self._transport.can_write_eof() and not self._has_ended:
            self._transport.write_eof()
        else:
            self._leave()

    def _leave(self) -> None:
        """Close as soon as the peer has taken what was sent. The amount may be too small for
        writing to be paused, so start the watch here: otherwise closing might never end."""
        if self._stall is None and self._transport.get_write_buffer_size():
            self.pause_writing()
        watch_kernel(self._transport, self._limits)
        self._transport.close()

    def due(self) -> None:
        """The deadline has passed."""
        if self._is_idle:
            self._leave()
        else:
            watch_kernel(self._transport, self._limits)
            self._transport.abort()


def _reason(error: h11.RemoteProtocolError, unread: bytes, limits: Limits) -> Problem:
    if error.error_status_hint != 431:
        return bad_request()
    return header_too_large(limits) if b"\n" in unread else target_too_long(limits)
