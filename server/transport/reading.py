"""What the peer of an open WebSocket connection sends: parsed a portion at a time, and answered
where the protocol says so.

Reading pauses during a flood, and while too many messages wait for the application: the rest waits
in the kernel and at the peer. Pings are answered while the peer takes the answers. A silent peer is
pinged (`keepalive.py`).
"""

import logging
from collections.abc import Callable

from server.base.rates import TokenBucket
from server.transport.closing import CLOSED, CLOSING, OPEN, ClosingTransport
from server.transport.frames import CLOSE, PING, PONG, FrameListener, Frames, HasWrite
from server.transport.keepalive import check_peer
from server.transport.limits import Limits
from server.wire.closing import INTERNAL_ERROR, Close

_log = logging.getLogger("stillhere.transport")

MakeFrames = Callable[[HasWrite, FrameListener, int, Limits], Frames]


class ReadingTransport(ClosingTransport):
    """Reads from the peer, and passes its messages to the application. Subclasses set the
    attributes."""

    __slots__ = (
        "_allowance", "_fragments", "_has_room", "_heard_at", "_is_in_backlog",
        "_is_reading_paused", "_late", "_make_frames", "_parsed", "_pinged_at",
    )  # fmt: skip

    _make_frames: MakeFrames
    _has_room: bool
    """False while too many messages wait for the application."""
    _is_reading_paused: bool
    _is_in_backlog: bool
    _allowance: TokenBucket | None
    """For frames without content; None before the first."""
    _fragments: TokenBucket | None
    """For small fragments, likewise."""
    _late: int
    """Bytes that came after a close."""
    _heard_at: float
    """When the peer last sent something, on the clock of the wheel."""
    _parsed: int
    """Up to where `_unparsed` is parsed."""
    _pinged_at: float | None
    """When it was pinged, if it has not answered."""

    # What the event loop calls

    def data_received(self, data: bytes) -> None:
        if self._frames is None:
            self._hear_early(data)
            return
        self._heard_at = self._wheel.now
        if self._state == CLOSING and not self._may_be_late(len(data)):
            return
        if self._unparsed:
            data = self._unparsed[self._parsed :] + data
        if self._backlog.has_time():
            self._parse(data, 0)
        else:
            self._read_on_later()
            self._keep_unparsed(data, 0)

    # What the wheel calls

    def due(self) -> None:
        """The deadline of the present state has passed."""
        interval = self._config.ws_ping_interval
        if self._state != OPEN or interval is None:
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

    # Results of the opening handshake

    def _open(self, out: HasWrite) -> None:
        self._state = OPEN
        self._frames = self._make_frames(out, self, self._config.ws_max_size, self._limits)
        self._heard_at = self._wheel.now
        if self._config.ws_ping_interval:
            self._wheel.set(self, self._config.ws_ping_interval)
        else:
            self._wheel.stop(self)
        if self._unparsed:
            self._read_on_later()

    # What an `AsgiCall` calls

    def note_room(self, *, has_room: bool) -> None:
        """Stop parsing while too many messages wait, and go on when they do not."""
        self._has_room = has_room
        if has_room:
            self._read_on_if_paused()

    # Input

    def _may_be_late(self, size: int) -> bool:
        """Count bytes that come after a close; return False if there are too many."""
        self._late += size
        if self._late <= self._limits.most_late:
            return True
        # A peer that floods after a close does not answer it.
        self._stop_parsing()
        self._half_close()
        self._read_on_if_paused()
        return False

    def _parse(self, data: bytes, at: int) -> None:
        """Parse a portion of `data` from `at` on; keep what is too much for now."""
        frames = self._frames
        assert frames is not None
        if self._has_room or self._state != OPEN:
            at = frames.feed(data, at)
            if at == len(data):
                self._unparsed, self._parsed = b"", 0
                return
            self._read_on_later()
        self._keep_unparsed(data, at)

    def _keep_unparsed(self, data: bytes, at: int) -> None:
        # All of it: to copy the rest at each portion would take the square of the time.
        self._unparsed, self._parsed = data, at
        if not self._is_reading_paused:
            self._is_reading_paused = True
            self._transport.pause_reading()

    def _read_on_if_paused(self) -> None:
        # Not at once: the loop does other work between portions of a flood.
        if self._is_reading_paused:
            self._read_on_later()

    def _read_on_later(self) -> None:
        if not self._is_in_backlog:
            self._is_in_backlog = True
            self._backlog.add(self)

    # What the backlog calls

    def read_on(self) -> None:
        """Go on parsing after an interruption."""
        self._is_in_backlog = False
        if self._unparsed and self._frames is not None:
            self._parse(self._unparsed, self._parsed)
        if self._is_reading_paused and not self._unparsed and self._state != CLOSED:
            self._is_reading_paused = False
            self._transport.resume_reading()

    # What the parser calls

    def on_message(self, data: str | bytes) -> None:
        if self._state != OPEN:
            return
        try:
            hearer = self._hearer or self._call
            assert hearer is not None, "who takes a socket listens before anything else"
            hearer.hear(data)
        except Exception:
            _log.exception("the application failed at a message")
            if self._state == OPEN:
                self._close(INTERNAL_ERROR)

    def on_small_fragment(self, size: int) -> None:
        if not size:
            self._is_within_allowance()
        elif self._state == OPEN:
            now = self._loop.time()
            if self._fragments is None:
                self._fragments = TokenBucket(self._limits.small_fragments, now)
            if not self._fragments.take(now):
                self._close_for_too_many()
            elif self._hearer is not None:
                self._hearer.hear_fragment()

    def on_ping(self, payload: bytes) -> None:
        # If several pings wait, fewer answers are allowed (RFC 6455, 5.5.3).
        if self._state == OPEN and self._is_within_allowance() and self._stall is None:
            self._control(PONG, payload)

    def on_pong(self) -> None:
        if self._pinged_at is None:
            self._is_within_allowance()  # unsolicited
        self._pinged_at = None

    def on_close(self, code: int, reason: str, payload: bytes) -> None:
        if self._state == OPEN:
            self._control(CLOSE, payload)
            self._end(code, reason, is_peers=True)
            self._closing()
        self._transport.close()

    def on_error(self, code: int, reason: str) -> None:
        if self._state == OPEN:
            self._fail(code, reason)

    def _is_within_allowance(self) -> bool:
        """Count a frame without content; close the connection if there are too many."""
        if self._state != OPEN:
            return False
        now = self._loop.time()
        if self._allowance is None:
            self._allowance = TokenBucket(self._limits.control_frames, now)
        if self._allowance.take(now):
            return True
        self._close_for_too_many()
        return False

    def _close_for_too_many(self) -> None:
        close = Close.TOO_MANY_MESSAGES.value
        self._close(close.code, close.reason)
