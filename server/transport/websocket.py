"""The WebSocket transport: frames on one side, direct calls or ASGI on the other.

Given to uvicorn in place of its own. Whatever a peer does or does not do costs a bounded amount of
memory, for a bounded time:

- a handshake is answered within `Limits.header_deadline`, or refused, or the peer is cut off;
- a peer that takes nothing of what waits for it is cut off after `Limits.write_stall`;
- a silent peer is pinged after `ws_ping_interval`, and cut off `ws_ping_timeout` later;
- a peer that does not answer a close is cut off after `Limits.close_deadline`;
- messages wait in a queue of `Limits.most_unread` or a few more, then in the kernel, then at the
  peer;
- pings are answered while the peer takes the answers; a flood of them is closed with 4401.

`frames.py` parses, `handshake.py` has the opening handshake, `asgi.py` and `by_call.py` call the
application. Limits and the closing handshake are here (RFC 6455, section 7).
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected, get_local_addr
from uvicorn.server import ServerState

from server.base.rates import TokenBucket
from server.transport.asgi import AsgiCall
from server.transport.by_call import Hearer, Socket, Take
from server.transport.frames import (
    CLOSE,
    PING,
    PONG,
    FrameListener,
    Frames,
    HasWrite,
    ServerFrames,
    close_payload,
)
from server.transport.keepalive import check_peer
from server.transport.limits import Limits
from server.transport.opening import OpeningTransport, WriteBuffer
from server.transport.stalls import StallWatch, watch_kernel
from server.transport.wheel import Wheel
from server.wire.closing import (
    ABNORMAL,
    INTERNAL_ERROR,
    MAY_BE_SENT,
    NO_STATUS,
    NORMAL,
    SAID_BY_SERVER,
    SERVICE_RESTART,
    Close,
)
from server.wire.problem import Problem, internal

_log = logging.getLogger("stillhere.transport")


_CONNECTING, _OPEN, _CLOSING, _CLOSED = range(4)

MakeFrames = Callable[[HasWrite, FrameListener, int, Limits], Frames]


class WebSocketTransport(OpeningTransport):
    """One connection, from its beginning, or from an upgrade found by the HTTP transport, to its
    end."""

    __slots__ = (
        "_allowance", "_call", "_frames", "_has_ended", "_has_room", "_heard_at", "_hearer",
        "_is_closed_by_app", "_is_reading_paused", "_late", "_make_frames", "_pinged_at",
        "_state",
    )  # fmt: skip

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: Limits = Limits(),
        take: Take | None = None,
        wheel: Wheel | None = None,
        make_frames: MakeFrames = ServerFrames,
    ) -> None:
        """As in `OpeningTransport`. `make_frames`: another parser."""
        super().__init__(
            config, server_state, app_state, _loop, limits=limits, take=take, wheel=wheel
        )
        self._make_frames = make_frames
        self._state = _CONNECTING

        # Input: the parser, and whether there is room for its messages
        self._frames: Frames | None = None
        self._has_room = True
        self._is_reading_paused = False
        self._allowance: TokenBucket | None = None
        self._late = 0  # bytes that came after a close

        # The application, called by ASGI or directly
        self._call: AsgiCall | None = None
        self._hearer: Hearer | None = None
        self._has_ended = False
        self._is_closed_by_app = False

        # None while the peer takes everything
        self._stall: StallWatch | None = None

        # For the keepalive, on the clock of the wheel
        self._heard_at = 0.0
        self._pinged_at: float | None = None

    # What the event loop calls

    def data_received(self, data: bytes) -> None:
        if self._frames is None:
            self._hear_early(data)
            return
        self._heard_at = self._wheel.now
        self._parse(self._unparsed + data if self._unparsed else data)

    def eof_received(self) -> None:
        """The peer sends no more. The loop closes the socket, unless data waits to be sent."""
        if self._state == _OPEN:
            self._end(ABNORMAL)
            self._closing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._state = _CLOSED
        self._wheel.stop(self)
        self.resume_writing()
        self._connections.discard(self)
        self._stop_parsing()
        self._end(ABNORMAL)
        self._call = self._hearer = None

    # What the wheel calls

    def due(self) -> None:
        """The deadline of the present state has passed."""
        interval = self._config.ws_ping_interval
        if self._state != _OPEN or interval is None:
            super().due()
            return
        timeout = self._config.ws_ping_timeout
        found = check_peer(interval, timeout, self._wheel.now, self._heard_at, self._pinged_at)
        if found.gives_up:
            self._close(INTERNAL_ERROR, "no answer to a ping")
            self._wheel.set(self, self._limits.shutdown_deadline)
            return
        self._pinged_at = self._wheel.now if found.pings and timeout else None
        if found.pings:
            self._control(PING, b"")
        self._wheel.set(self, found.after)

    # What uvicorn calls

    def shutdown(self) -> None:
        """The server stops: close with 1012."""
        if self._is_fresh:
            self._transport.close()
        elif self._state == _CONNECTING:
            self._refuse(Problem(503, "stopping", "The server is stopping."))
        elif self._state == _OPEN:
            self._close(SERVICE_RESTART)
        if self._state == _CLOSING:
            self._wheel.set(self, self._limits.shutdown_deadline)

    # What an application calls by ASGI

    async def send(self, event: dict[str, Any]) -> None:
        """Send an ASGI event, once the peer has taken what was sent before.

        Raises ClientDisconnected, an OSError, if the connection has ended, and RuntimeError for an
        event out of order. Cancelling sends nothing.
        """
        while self._stall is not None and self._state == _OPEN:
            await self._stall.wait()
        kind = event["type"]
        if self._state == _OPEN:
            if kind == "websocket.send":
                assert self._frames is not None
                data = event.get("bytes")
                self._frames.send(event["text"] if data is None else data)
            elif kind == "websocket.close":
                self.close(event.get("code", NORMAL), event.get("reason") or "")
            else:
                raise RuntimeError(
                    f"Expected 'websocket.send' or 'websocket.close', but got {kind!r}."
                )
        elif self._is_closed_by_app:
            raise RuntimeError(f"Expected nothing after 'websocket.close', but got {kind!r}.")
        elif self._state != _CONNECTING:
            raise ClientDisconnected
        else:
            self._answer(event)
            self._is_closed_by_app = self._state == _CLOSING

    # What an application calls that took the socket (see `by_call.py`)

    def listen(self, hearer: Hearer) -> None:
        """Pass every message, and the end, to `hearer`."""
        self._hearer = hearer

    def send_text(self, text: str) -> bool:
        """Send a text message; return False, and send nothing, if the peer cannot take it now."""
        if self._state != _OPEN or self._stall is not None:
            return False
        assert self._frames is not None
        self._frames.send(text)
        return True

    def close(self, code: int, reason: str = "", last: str | None = None) -> bool:
        """Begin the closing handshake, after `last`; return False, and send nothing, if the peer
        cannot take it now. Raises RuntimeError for an invalid code."""
        if self._state != _OPEN or self._stall is not None:
            return False
        if code not in MAY_BE_SENT:
            raise RuntimeError(f"Expected a code that may be sent, but got {code!r}.")
        self._is_closed_by_app = True
        if last is None:
            self._close(code, reason)
            return True
        out, buffer = self._buffer or self._transport, WriteBuffer()
        self._write_to(buffer)
        self.send_text(last)
        self._close(code, reason)
        self._write_to(out)
        out.write(buffer.data)
        return True

    # Results of the opening handshake

    def _socket(self) -> Socket:
        return self

    def _call_application(self, scope: dict[str, Any]) -> None:
        scope |= {"server": get_local_addr(self._transport), "client": self.peer()}
        call = self._call = AsgiCall(self, self._loop, self._limits)
        task = self._loop.create_task(call.run(self._config.loaded_app, scope))
        self._server_state.tasks.add(task)
        task.add_done_callback(self._server_state.tasks.discard)

    def _open(self, out: HasWrite) -> None:
        self._state = _OPEN
        self._frames = self._make_frames(out, self, self._config.ws_max_size, self._limits)
        self._heard_at = self._wheel.now
        if self._config.ws_ping_interval:
            self._wheel.set(self, self._config.ws_ping_interval)
        else:
            self._wheel.stop(self)
        if self._unparsed:
            self._loop.call_soon(self._read_on)

    def _write_to(self, out: HasWrite) -> None:
        assert self._frames is not None
        self._frames.write_to(out)

    def _refused(self) -> None:
        self._end(ABNORMAL)
        self._linger()

    # What an `AsgiCall` calls

    def note_room(self, *, has_room: bool) -> None:
        """Stop parsing while too many messages wait, and go on when they do not."""
        self._has_room = has_room
        if has_room:
            self._read_on_if_paused()

    def returned(self, *, has_failed: bool) -> None:
        """The application has returned."""
        if self._state == _CONNECTING:
            self._refuse(internal())
        elif self._state == _OPEN:
            self._close(INTERNAL_ERROR if has_failed else NORMAL)

    # Input

    def _parse(self, data: bytes) -> None:
        """Parse `data`, a portion at a time; keep what is too much for now."""
        frames = self._frames
        assert frames is not None
        if self._state == _CLOSING:
            self._late += len(data) - len(self._unparsed)
            if self._late > self._limits.most_late:
                # A peer that floods after a close does not answer it.
                self._stop_parsing()
                self._half_close()
                self._read_on_if_paused()
                return
        at = 0
        for _ in range(self._limits.portions_at_once):
            if not self._has_room and self._state == _OPEN:
                break
            at = frames.feed(data, at)
            if at == len(data):
                self._unparsed = b""
                return
        else:
            self._loop.call_soon(self._read_on)
        self._unparsed = data[at:]
        if not self._is_reading_paused:
            self._is_reading_paused = True
            self._transport.pause_reading()

    def _read_on_if_paused(self) -> None:
        # Not at once: the loop does other work between portions of a flood.
        if self._is_reading_paused:
            self._loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        """Go on parsing after an interruption."""
        if self._unparsed and self._frames is not None:
            self._parse(self._unparsed)
        if self._is_reading_paused and not self._unparsed and self._state != _CLOSED:
            self._is_reading_paused = False
            self._transport.resume_reading()

    def _stop_parsing(self) -> None:
        self._unparsed = b""
        if self._frames is not None:
            self._frames.stop()
            self._frames = None

    # What the parser calls

    def on_message(self, data: str | bytes) -> None:
        if self._state != _OPEN:
            return
        try:
            hearer = self._hearer or self._call
            assert hearer is not None, "who takes a socket listens before anything else"
            hearer.hear(data)
        except Exception:
            _log.exception("the application failed at a message")
            if self._state == _OPEN:
                self._close(INTERNAL_ERROR)

    def on_empty_fragment(self) -> None:
        self._is_within_allowance()

    def on_ping(self, payload: bytes) -> None:
        # If several pings wait, fewer answers are allowed (RFC 6455, 5.5.3).
        if self._state == _OPEN and self._is_within_allowance() and self._stall is None:
            self._control(PONG, payload)

    def on_pong(self) -> None:
        if self._pinged_at is None:
            self._is_within_allowance()  # unsolicited
        self._pinged_at = None

    def on_close(self, code: int, reason: str, payload: bytes) -> None:
        if self._state == _OPEN:
            self._control(CLOSE, payload)
            self._end(code, reason, is_peers=True)
            self._closing()
        self._transport.close()

    def on_error(self, code: int, reason: str) -> None:
        if self._state == _OPEN:
            self._fail(code, reason)

    def _is_within_allowance(self) -> bool:
        """Count a frame without content; close the connection if there are too many."""
        if self._state != _OPEN:
            return False
        now = self._loop.time()
        if self._allowance is None:
            self._allowance = TokenBucket(self._limits.control_frames, now)
        if self._allowance.take(now):
            return True
        close = Close.TOO_MANY_MESSAGES.value
        self._close(close.code, close.reason)
        return False

    # The end

    def _control(self, opcode: int, payload: bytes) -> None:
        assert self._frames is not None
        self._frames.control(opcode, payload)

    def _close(self, code: int, reason: str = "") -> None:
        """Begin the closing handshake; the peer has to answer."""
        self._control(CLOSE, close_payload(code, reason))
        self._end(code, reason)
        self._closing()

    def _fail(self, code: int, reason: str) -> None:
        """Close because of an error of the peer, without waiting for its answer."""
        self._close(code, reason)
        self._linger()

    def _closing(self) -> None:
        self._state = _CLOSING
        watch_kernel(self._transport, self._limits)
        self._wheel.set(self, self._limits.close_deadline)
        if self._stall is not None:
            self._stall.wake()  # and `send` raises
        self._read_on_if_paused()

    def _linger(self) -> None:
        """Half-close, and let the peer read what it was sent.

        Closing a socket with unread data resets the connection, and the peer loses what it has not
        read: so all data is read and dropped until the peer closes.
        """
        self._closing()
        self._half_close()

    def _half_close(self) -> None:
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

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
