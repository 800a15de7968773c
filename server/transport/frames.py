"""The interface of WebSocket parsers: bytes in; messages, control frames and errors out.

Independent of ASGI and of the state of a connection (RFC 6455, section 5). `Frames` is a parser,
`FrameListener` what it calls; the conformance suite runs every implementation.
"""

from functools import lru_cache
from struct import pack
from typing import Protocol

try:
    from websockets.speedups import apply_mask
except ImportError:  # where it has no C
    from websockets.utils import apply_mask

from server.transport.limits import Limits
from server.wire.closing import INVALID_TEXT, MAY_BE_SENT, NO_STATUS, PROTOCOL_ERROR, TOO_BIG

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
"""Opcodes (RFC 6455, 5.2)."""

_LONGEST_REASON = 123
"""Bytes. By the protocol: a control frame has at most 125, and the code takes two."""

_WHOLE_TEXT = 0x80 | TEXT
"""The first byte of a text message in one frame."""

_OPCODES = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})


class FrameListener(Protocol):
    """Called with what a peer sends, in order, from within `Frames.feed`."""

    def on_message(self, data: str | bytes) -> None:
        """A complete message; text is str."""

    def on_small_fragment(self, size: int) -> None:
        """A fragment within a message, with fewer bytes than `Limits.small_fragment`: a message may
        have thousands, and without data even any number."""

    def on_ping(self, payload: bytes) -> None: ...

    def on_pong(self) -> None: ...

    def on_close(self, code: int, reason: str, payload: bytes) -> None:
        """A valid close frame; `code` is NO_STATUS if it has none."""

    def on_error(self, code: int, reason: str) -> None:
        """The peer violated the protocol; `code` is the one to close with."""


class HasWrite(Protocol):
    """Writes to the peer: a transport of the loop."""

    def write(self, data: bytes, /) -> object: ...


class Frames(Protocol):
    """The parser and writer of frames of one connection."""

    def feed(self, data: bytes, at: int) -> int:
        """Parse some of `data` from `at` on, at least a byte; return where to go on.

        The rest must be fed again, before anything that was received later.
        """

    def send(self, data: str | bytes) -> None:
        """Send a message: str as text, bytes as binary."""

    def control(self, opcode: int, payload: bytes) -> None:
        """Send a control frame of at most 125 bytes."""

    def write_to(self, out: HasWrite) -> None:
        """Write to `out` from now on."""

    def stop(self) -> None:
        """Stop parsing. Idempotent."""


class Messages:
    """Assembles messages from frames, and parses close frames."""

    __slots__ = ("_is_text", "_largest", "_listener", "_partial", "_small")

    def __init__(self, listener: FrameListener, largest: int, small: int) -> None:
        """`largest`: bytes of a message; `small`: bytes from which on a fragment is not small."""
        self._listener = listener
        self._largest = largest
        self._small = small
        self._partial: bytearray | None = None
        self._is_text = False

    def take(self, opcode: int, payload: bytes, *, is_last: bool) -> None:
        """Handle a frame whose opcode and length are valid."""
        if opcode in (TEXT, BINARY):
            self._begin(payload, is_text=opcode == TEXT, is_last=is_last)
        elif opcode == CONTINUATION:
            self._continue(payload, is_last=is_last)
        elif opcode == PING:
            self._listener.on_ping(payload)
        elif opcode == PONG:
            self._listener.on_pong()
        else:
            self._close(payload)

    def _begin(self, payload: bytes, *, is_text: bool, is_last: bool) -> None:
        if self._partial is not None:
            self._listener.on_error(PROTOCOL_ERROR, "expected a continuation frame")
        elif is_last:
            self._message(payload, is_text=is_text)
        else:
            self._partial = bytearray(payload)
            self._is_text = is_text

    def _continue(self, payload: bytes, *, is_last: bool) -> None:
        partial = self._partial
        if partial is None:
            self._listener.on_error(PROTOCOL_ERROR, "unexpected continuation frame")
        elif len(partial) + len(payload) > self._largest:
            self._listener.on_error(TOO_BIG, f"over {self._largest} bytes")
        elif is_last:
            self._partial = None
            self._message(bytes(partial + payload), is_text=self._is_text)
        else:
            partial += payload
            if len(payload) < self._small:
                self._listener.on_small_fragment(len(payload))

    def _message(self, payload: bytes, *, is_text: bool) -> None:
        if not is_text:
            self._listener.on_message(payload)
            return
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            self._listener.on_error(INVALID_TEXT, "text must be UTF-8")
        else:
            self._listener.on_message(text)

    def _close(self, payload: bytes) -> None:
        code, reason = NO_STATUS, ""
        if payload:
            code = int.from_bytes(payload[:2], "big")
            if len(payload) < 2 or code not in MAY_BE_SENT:
                self._listener.on_error(PROTOCOL_ERROR, "invalid close code")
                return
            try:
                reason = payload[2:].decode()
            except UnicodeDecodeError:
                self._listener.on_error(INVALID_TEXT, "a reason must be UTF-8")
                return
        self._listener.on_close(code, reason, payload)


class ServerFrames(Messages):
    """`Frames` of a server: incoming frames are masked, outgoing ones are not. Pure except for
    `out`."""

    __slots__ = ("_is_stopped", "_kept", "_limits", "_missing", "_out")

    def __init__(
        self, out: HasWrite, listener: FrameListener, largest: int, limits: Limits
    ) -> None:
        """`largest`: bytes of a message, as configured in uvicorn."""
        super().__init__(listener, largest, limits.small_fragment)
        self._limits = limits
        self._out = out
        # The beginning of a frame, to which further bytes are appended without copying it, and how
        # many are missing before more of it can be parsed.
        self._kept: bytes | bytearray = b""
        self._missing = 0
        self._is_stopped = False

    def feed(self, data: bytes, at: int) -> int:
        if self._is_stopped:
            return len(data)
        if self._missing > 0:
            return self._complete(data, at)
        limits = self._limits
        enough = at + limits.bytes_at_once
        for _ in range(limits.frames_at_once):
            after = self._take(data, at)
            if after < 0:
                self._kept, self._missing = bytearray(data[at:]), -after
                return len(data)
            at = after
            if at == len(data) or at >= enough:
                break
        return at

    def send(self, data: str | bytes) -> None:
        if isinstance(data, str):
            self._out.write(text_frame(data))
        else:
            self._out.write(frame(BINARY, data))

    def control(self, opcode: int, payload: bytes) -> None:
        self._out.write(frame(opcode, payload))

    def write_to(self, out: HasWrite) -> None:
        self._out = out

    def stop(self) -> None:
        self._is_stopped = True
        self._kept, self._missing = b"", 0

    def _complete(self, data: bytes, at: int) -> int:
        """Go on with a frame that has begun."""
        portion = data[at : at + self._missing]
        self._kept += portion
        self._missing -= len(portion)
        if self._missing == 0:
            kept, self._kept = bytes(self._kept), b""
            after = self._take(kept, 0)
            if after < 0:
                self._kept, self._missing = bytearray(kept), -after
        return len(data) if self._is_stopped else at + len(portion)

    def _take(self, data: bytes, at: int) -> int:
        """Parse the frame at `at`; return where the next one begins, or, negative, how many bytes
        are missing before more can be parsed."""
        begins = at + 2
        if begins > len(data):
            return len(data) - begins
        first, second = data[at], data[at + 1]
        opcode, size = first & 0x0F, second & 0x7F
        if first & 0x70:
            return self._fail(data, PROTOCOL_ERROR, "reserved bits must be 0")
        if opcode not in _OPCODES:
            return self._fail(data, PROTOCOL_ERROR, f"unknown opcode {opcode:#x}")
        if second < 0x80:
            return self._fail(data, PROTOCOL_ERROR, "a client masks its frames")
        if opcode >= CLOSE and (size > 125 or first < 0x80):
            return self._fail(data, PROTOCOL_ERROR, "a control frame is short, and in one piece")
        if size > 125:
            length = 2 if size == 126 else 8
            begins += length
            if begins > len(data):
                return len(data) - begins
            size = int.from_bytes(data[begins - length : begins], "big")
            if size < (126 if length == 2 else 0x10000) or size >> 63:
                return self._fail(data, PROTOCOL_ERROR, "a length is as short as it can be")
        if size > self._largest and opcode < CLOSE:
            return self._fail(data, TOO_BIG, f"over {self._largest} bytes")
        begins += 4
        ends = begins + size
        if ends > len(data):
            return len(data) - ends
        payload = apply_mask(data[begins:ends], data[begins - 4 : begins])
        if first == _WHOLE_TEXT and self._partial is None:
            self._message(payload, is_text=True)  # the usual case
        else:
            self.take(opcode, payload, is_last=first >= 0x80)
        return len(data) if self._is_stopped else ends

    def _fail(self, data: bytes, code: int, reason: str) -> int:
        self.stop()
        self._listener.on_error(code, reason)
        return len(data)


@lru_cache(maxsize=64)
def close_payload(code: int, reason: str) -> bytes:
    """Return the payload of a close frame; a reason that is too long is cut."""
    said = reason.encode()[:_LONGEST_REASON].decode(errors="ignore").encode()
    return pack("!H", code) + said


@lru_cache(maxsize=20)
def text_frame(text: str) -> bytes:
    """Return the frame of a text message. Cached, so that a message to many is encoded once and in
    memory once, however many peers have not taken it; and more of them than each of many gets in a
    row (`Limits.realtime.waiting_changes`)."""
    return frame(TEXT, text.encode())


def frame(opcode: int, payload: bytes) -> bytes:
    """Return an unmasked frame with FIN set: a whole message, or a control frame."""
    size = len(payload)
    if size < 126:
        return pack("!BB", 0x80 | opcode, size) + payload
    if size < 0x10000:
        return pack("!BBH", 0x80 | opcode, 126, size) + payload
    return pack("!BBQ", 0x80 | opcode, 127, size) + payload
