"""A simple reading of RFC 6455, frame by frame, with the whole stream at hand.

`read` returns what a server has to do with a client's bytes after the handshake, in whatever pieces
they came, and where uvicorn's own implementation is known to differ.
"""

import struct
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from tests.support.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, mask

Event = dict[str, Any]


LOST, NO_CODE = 1006, 1005
"""Codes in no frame: a connection that just ended, and a close without a code (7.1.5)."""

MAY_BE_SENT = frozenset(
    [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, *range(3000, 5000)]
)
"""Codes allowed in a close frame: 7.4.1 and 7.4.2, and those that IANA has registered since."""


class Twin(Enum):
    """Where uvicorn's implementation, or websockets below it, differs from this one."""

    LOSES_WHAT_CAME_BEFORE = auto()
    TAKES_LONG_LENGTHS = auto()
    TAKES_A_SIGN_FOR_SIZE = auto()
    REFUSES_CLOSE_BETWEEN_FRAGMENTS = auto()
    COUNTS_CONTROL_FRAMES = auto()
    CALLS_CONTROL_FRAMES_TOO_BIG = auto()
    WAITS_FOR_THE_PAYLOAD = auto()
    JUDGES_FRAGMENTS_BY_THEIR_HEADER = auto()
    NAMES_THE_OTHER_FAULT = auto()
    CALLS_A_LOSS_A_CLOSE = auto()


@dataclass(frozen=True)
class Reading:
    """What a server has to do with a stream."""

    events: tuple[Event, ...]
    """Events for the application; the reason of a failure is left open."""

    answers: tuple[tuple[int, bytes], ...]
    """Frames to send; of a close that does not echo the peer's, only the code."""

    is_ended: bool
    """True if the server ends the connection; otherwise it waits for more."""

    is_failed: bool

    twin: frozenset[Twin]
    """The known differences of uvicorn's implementation for this stream."""


class _End(Exception):
    def __init__(self, code: int, reason: str = "", *, failed: bool = False) -> None:
        self.code, self.reason, self.failed = code, reason, failed


def read(stream: bytes, most: int) -> Reading:
    """Read a stream; `most` is the size of the largest message in bytes."""
    reader = _Reader(stream, most)
    try:
        while True:
            reader.frame()
    except _End as end:
        disconnect: Event = {"type": "websocket.disconnect", "code": end.code}
        if not end.failed:
            disconnect["reason"] = end.reason
        return Reading(
            (*reader.events, disconnect),
            tuple(reader.answers),
            end.code != LOST,
            end.failed,
            frozenset(reader.twin),
        )


class _Reader:
    def __init__(self, stream: bytes, most: int) -> None:
        self._stream, self._most, self._at = stream, most, 0
        self._message: bytes | None = None
        self._is_text = False
        self.events: list[Event] = []
        self.answers: list[tuple[int, bytes]] = []
        self.twin: set[Twin] = set()

    def frame(self) -> None:
        """Read the next frame. Raises _End."""
        first, second = self._take(2)
        kind, is_final, reserved = first & 0x0F, bool(first & 0x80), first & 0x70
        is_control = kind in (CLOSE, PING, PONG)
        # 5.2: "If an unknown opcode is received, the receiving endpoint MUST _Fail_".
        if not is_control and kind not in (CONTINUATION, TEXT, BINARY):
            self._fail(1002)
        # 5.1: "The server MUST close the connection upon receiving a frame that is not masked."
        if not second & 0x80:
            self._fail(1002)
        length = second & 0x7F
        # 5.2, of the reserved bits: "If a nonzero value is received and none of the negotiated
        # extensions defines the meaning of such a nonzero value, the receiving endpoint MUST _Fail_
        # the WebSocket Connection." 5.5, of control frames: "MUST have a payload length of 125
        # bytes or less and MUST NOT be fragmented."
        if reserved or (is_control and (length > 125 or not is_final)):
            self._fail_by_header(length)
        length = self._length(length)
        if not is_control and length > self._most:
            self._fail(1009)
        room = self._most - len(self._message or b"")
        if is_control and length > room:
            self.twin.add(Twin.COUNTS_CONTROL_FRAMES)
        goes_over = not is_control and length > room
        if goes_over and len(self._stream) - self._at < 4 + length:
            self.twin.add(Twin.JUDGES_FRAGMENTS_BY_THEIR_HEADER)
        key = self._take(4)
        payload = mask(self._take(length), key)
        if kind == CLOSE:
            self._close(payload)
        if kind == PING:
            self.answers.append((PONG, payload))
        elif kind != PONG:
            self._data(kind, is_final, payload, goes_over)

    def _data(self, kind: int, is_final: bool, payload: bytes, goes_over: bool) -> None:
        # 5.4: fragments of one message are not interleaved with those of another.
        if (kind == CONTINUATION) == (self._message is None):
            if goes_over:
                self.twin.add(Twin.NAMES_THE_OTHER_FAULT)
            self._fail(1002)
        if goes_over:
            self._fail(1009)
        if kind != CONTINUATION:
            self._message, self._is_text = b"", kind == TEXT
        message = (self._message or b"") + payload
        self._message = None if is_final else message
        if not is_final:
            return
        if not self._is_text:
            self.events.append({"type": "websocket.receive", "bytes": message})
            return
        # 8.1: "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte
        # stream is not, in fact, a valid UTF-8 stream, that endpoint MUST _Fail_".
        try:
            self.events.append({"type": "websocket.receive", "text": message.decode()})
        except UnicodeDecodeError:
            self._fail(1007)

    def _length(self, short: int) -> int:
        """5.2: "the minimal number of bytes MUST be used to encode the length", "the most
        significant bit MUST be 0"."""
        if short < 126:
            return short
        length = int.from_bytes(self._take(2 if short == 126 else 8), "big")
        if length >> 63:
            self.twin.add(Twin.TAKES_A_SIGN_FOR_SIZE)
            self._fail(1002)
        if length < (126 if short == 126 else 0x10000):
            self.twin.add(Twin.TAKES_LONG_LENGTHS)
            self._fail(1002)
        return length

    def _close(self, payload: bytes) -> None:
        """5.5.1: the first two bytes are a code, and the rest is UTF-8."""
        code, reason = NO_CODE, ""
        fault = 1002 if len(payload) == 1 else None
        if len(payload) > 1:
            (code,) = struct.unpack("!H", payload[:2])
            is_known = code in MAY_BE_SENT
            try:
                reason = payload[2:].decode()
                fault = None if is_known else 1002
            except UnicodeDecodeError:
                # Two faults may coincide, and the RFC does not say which one counts.
                fault = 1007 if is_known else 1002
                if not is_known:
                    self.twin.add(Twin.NAMES_THE_OTHER_FAULT)
        if fault is not None:
            self._fail(fault)
        if self._message is not None:
            self.twin.add(Twin.REFUSES_CLOSE_BETWEEN_FRAGMENTS)
        self.answers.append((CLOSE, payload))
        raise _End(code, reason)

    def _take(self, count: int) -> bytes:
        if len(self._stream) - self._at < count:
            raise _End(LOST)
        self._at += count
        return self._stream[self._at - count : self._at]

    def _fail(self, code: int) -> None:
        self.answers.append((CLOSE, struct.pack("!H", code)))
        raise _End(code, failed=True)

    def _fail_by_header(self, length: int) -> None:
        """The first two bytes are wrong; uvicorn looks at them only after the whole header."""
        width = {126: 2, 127: 8}.get(length, 0)
        size = self._stream[self._at : self._at + width]
        if width:
            length = int.from_bytes(size, "big")
        room = self._most - len(self._message or b"")
        if len(size) == width and length > room:
            self.twin.add(
                Twin.CALLS_CONTROL_FRAMES_TOO_BIG if width else Twin.COUNTS_CONTROL_FRAMES
            )
        elif len(size) < width or len(self._stream) - self._at < width + 4 + length:
            self.twin.add(Twin.WAITS_FOR_THE_PAYLOAD)
        elif width and length <= 125:
            self.twin.add(Twin.TAKES_LONG_LENGTHS)
        self._fail(1002)
