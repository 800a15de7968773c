"""How a WebSocket connection ends: the closing handshake (RFC 6455, section 7), or a loss.

The application is notified once, whatever ends the connection first. A peer that does not answer a
close is cut off after `Limits.close_deadline`.
"""

from abc import abstractmethod

from server.transport.asgi import AsgiCall
from server.transport.by_call import Hearer
from server.transport.frames import CLOSE, Frames, close_payload
from server.transport.opening import OpeningTransport
from server.transport.stalls import watch_kernel
from server.wire.closing import ABNORMAL, NO_STATUS, SAID_BY_SERVER

CONNECTING, OPEN, CLOSING, CLOSED = range(4)
"""States of a connection. It is closing once a close frame, or the end of the stream, was sent or
received."""


class ClosingTransport(OpeningTransport):
    """Ends the connection, and notifies the application. Subclasses set the attributes."""

    __slots__ = ("_call", "_frames", "_has_ended", "_hearer", "_state")

    _state: int
    _frames: Frames | None
    """None before the connection is open, and once nothing more is parsed."""
    _call: AsgiCall | None
    """The application, called by ASGI."""
    _hearer: Hearer | None
    """The application, called directly."""
    _has_ended: bool
    """The application was notified of the end."""

    # What the event loop calls

    def eof_received(self) -> None:
        """The peer sends no more. The loop closes the socket, unless data waits to be sent."""
        if self._state == OPEN:
            self._end(ABNORMAL)
            self._closing()
        else:
            watch_kernel(self._transport, self._limits)

    def connection_lost(self, exc: Exception | None) -> None:
        self._state = CLOSED
        self._wheel.stop(self)
        self.resume_writing()
        self._connections.discard(self)
        self._stop_parsing()
        self._end(ABNORMAL)
        self._call = self._hearer = None

    # The closing handshake

    def _close(self, code: int, reason: str = "", within: float | None = None) -> None:
        """Begin the closing handshake; the peer has to answer `within` so many seconds, by default
        `Limits.close_deadline`."""
        self._control(CLOSE, close_payload(code, reason))
        self._end(code, reason)
        self._closing(within)

    def _fail(self, code: int, reason: str) -> None:
        """Close because of an error of the peer, without waiting for its answer."""
        self._close(code, reason)
        self._linger()

    def _closing(self, within: float | None = None) -> None:
        self._state = CLOSING
        watch_kernel(self._transport, self._limits)
        deadline = self._limits.close_deadline
        self._wheel.set(self, deadline if within is None else min(within, deadline))
        if self._stall is not None:
            self._stall.wake()  # and `send` raises
        self._read_on_if_paused()

    def _linger(self, within: float | None = None) -> None:
        """Half-close, and let the peer read what it was sent.

        Closing a socket with unread data resets the connection, and the peer loses what it has not
        read: so all data is read and dropped until the peer closes.
        """
        self._closing(within)
        self._half_close()

    def _half_close(self) -> None:
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def _refused(self) -> None:
        self._end(ABNORMAL)
        self._linger(self._limits.linger)

    def _end(self, code: int, reason: str = "", *, is_peers: bool = False) -> None:
        """Notify the application, once, that the connection has ended."""
        if self._has_ended:
            return
        self._has_ended = True
        if self._call is not None:
            self._call.end(code, reason)
        if self._hearer is not None:
            # Not at once: the caller that closes the connection has to finish first.
            is_taken = is_peers and code in SAID_BY_SERVER  # a peer can send any
            self._loop.call_soon(self._hearer.gone, NO_STATUS if is_taken else code)

    def _control(self, opcode: int, payload: bytes) -> None:
        assert self._frames is not None
        self._frames.control(opcode, payload)

    def _stop_parsing(self) -> None:
        self._unparsed = b""
        if self._frames is not None:
            self._frames.stop()
            self._frames = None

    # For the subclass

    @abstractmethod
    def _read_on_if_paused(self) -> None:
        """Go on reading if it was paused, to see the peer's answer to a close."""
