"""How a connection leaves HTTP: closed, lost, or handed over to the WebSocket transport."""

from abc import abstractmethod
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from server.transport.exchange import CONTINUE, Exchange
from server.transport.head import Upgrade
from server.transport.parser import RequestParser
from server.transport.request import RequestHead
from server.transport.response import refusal
from server.transport.stalls import WatchedTransport, watch_kernel
from server.wire.problem import Problem


class LeavingTransport(WatchedTransport):
    """Ends the connection so that the peer can read what it was sent. Subclasses set the
    attributes."""

    _config: Config
    _server_state: ServerState
    _connections: set[Any]
    _app_state: dict[str, Any]
    _parser: RequestParser | None
    """Of the request that is being read, unless it came whole."""
    _ahead: bytes
    """What was read but not yet given to a parser."""
    _is_parsing_paused: bool
    _is_idle: bool
    """Between a response and the next request."""
    _is_over: bool
    """Nothing more is read: closing, or handed over."""
    _has_ended: bool
    """The peer sends no more."""
    _exchange: Exchange | None
    """The request that is being answered."""
    turn: int | None
    """Of the deadline."""

    # What the event loop calls

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._wheel.stop(self)
        self._is_over = True
        self._parser = None
        self._ahead = b""
        if self._exchange is not None:
            self._exchange.disconnect()
        self.resume_writing()

    # What the wheel calls

    def due(self) -> None:
        """The deadline has passed."""
        if self._is_idle:
            self._leave()
        else:
            watch_kernel(self._transport, self._limits)
            self._transport.abort()

    # What uvicorn calls

    def shutdown(self) -> None:
        """The server stops: do not wait for further data."""
        if self._exchange is None:
            self._leave()
            return
        self._exchange.keeps_alive = False
        if self._parser is not None:
            self._wheel.set(self, self._limits.shutdown_deadline)

    # The end

    def _refuse(self, problem: Problem) -> None:
        """Refuse the request unless the response has begun, and close."""
        exchange = self._exchange
        has_answered = exchange is not None and (exchange.is_done or exchange.is_sent)
        if exchange is not None:
            exchange.disconnect()
        parser, self._parser, self._exchange = self._parser, None, None
        if not self._transport.is_closing():
            if not has_answered:
                request = exchange or parser
                is_head = request is not None and request.is_head
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

    # Another protocol

    def _hand_over(self, parser: RequestParser, request: RequestHead) -> None:
        """Switch to the WebSocket protocol, if the upgrade is valid."""
        is_waiting = parser.expects_continue
        try:
            upgrade = parser.upgrade(request, self._ahead)
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

    # For the subclass

    @abstractmethod
    def resume_reading(self) -> None:
        """Resume reading, unless what was read is not parsed yet."""
