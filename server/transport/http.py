"""The HTTP/1.1 transport: requests in, an ASGI application, responses out.

It gets every connection that does not begin with a plain upgrade (`opening.py`). A plain request
that has arrived whole is parsed in one pass (`head.py`), any other by h11 (`parser.py`). One
request is read at a time, and answered by an `Exchange`: pipelined requests wait unparsed, at most
one read of them here and the rest in the kernel and at the peer. The end of a connection is a base
class (`leaving.py`).

- A header arrives within `Limits.header_deadline`, a body within `Limits.body_deadline`, or the
  peer is cut off.
- A header over the limits is answered with 431, or 414; what is not HTTP with 400.
- A peer that takes nothing of what waits for it is cut off after `Limits.write_stall`.
- `Upgrade` is followed for a WebSocket (RFC 6455) and ignored otherwise (RFC 9110, 7.8).
"""

import asyncio
import re
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl
from uvicorn.server import ServerState

from server.transport.exchange import Exchange
from server.transport.head import WholeRequest, read_request
from server.transport.leaving import LeavingTransport
from server.transport.limits import Limits
from server.transport.parser import RequestParser
from server.transport.request import RequestHead, scope_of
from server.transport.stalls import watch_kernel
from server.transport.wheel import Wheel
from server.wire.problem import Problem, internal, too_large

_match_empty_lines = re.compile(rb"(?:\r\n)+").match


class HttpTransport(LeavingTransport):
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
        self._parser = None
        self._ahead = b""
        self._is_reading_paused = False
        self._is_parsing_paused = False
        self._is_over = False
        self._is_idle = False
        self._has_ended = False
        # What goes out
        self._exchange = None
        self._stall = None
        self._wheel = wheel or Wheel(limits, self._loop)
        self.turn = None

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
            self._parser.feed(b"")
            self._parse(self._parser)
        if self._exchange is None:
            watch_kernel(self._transport, self._limits)
            return False
        self._exchange.keeps_alive = False
        return True

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
                self._parser = RequestParser(self._limits)
        if self._parser is not None:
            self._ahead = self._parser.feed(data)
            self._parse(self._parser)
            if self._ahead and self._parser is not None and not self._is_parsing_paused:
                self._parse_on()
        if self._exchange is None and not self._is_over and self.turn is None:
            # If it is set, it counts from the connection: single bytes do not extend it.
            self._wheel.set(self, self._limits.header_deadline)

    def _parse(self, parser: RequestParser) -> None:
        for _ in range(self._limits.events_at_once):
            try:
                part = parser.next_part()
            except Problem as problem:
                self._refuse(problem)
                return
            if part is None:
                break
            if not isinstance(part, RequestHead):
                assert self._exchange is not None, "the head came first"
                self._exchange.feed(part)
            elif part.opens_websocket and self._config.ws_protocol_class is not None:
                self._hand_over(parser, part)
                return
            else:
                self._wheel.set(self, self._limits.body_deadline)
                self._begin(part, expects_continue=parser.expects_continue)
        else:
            self._is_parsing_paused = True
            self.pause_reading()
            self._loop.call_soon(self._parse_on)
        if parser.is_complete:
            self._end_message(parser)
        elif parser.is_too_large:
            self._refuse(too_large("A request", self._limits.largest_request))

    def _parse_on(self) -> None:
        """Go on parsing a large body."""
        self._is_parsing_paused = False
        if self._parser is None:
            return
        data, self._ahead = self._ahead, b""
        if data:
            self._ahead = self._parser.feed(data)
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
        server, client = self._addresses
        scope = scope_of(
            request,
            self._config.root_path,
            asgi={"version": self._config.asgi_version, "spec_version": "2.3"},
            server=server,
            client=client,
            scheme="https" if is_ssl(self._transport) else "http",
            state=self._app_state.copy(),
        )
        task = self._loop.create_task(exchange.run(self._config.loaded_app, scope))
        self._server_state.tasks.add(task)
        task.add_done_callback(self._server_state.tasks.discard)
        return exchange

    def _end_message(self, parser: RequestParser) -> None:
        self._wheel.stop(self)
        self._parser = None
        self._ahead = parser.rest + self._ahead
        exchange = self._exchange
        assert exchange is not None, "the head came first"
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
