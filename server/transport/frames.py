"""The seam at the WebSocket parser: bytes in; messages, control frames and errors out.

Nothing here knows ASGI or the states of a connection. `Frames` is what a transport needs of a
parser, `Listener` what the parser calls; the conformance suite runs every implementation. The one
that is used is picows'. It checks lengths, masks and opcodes; messages are put together and decoded
here, within the limit (RFC 6455, section 5).
"""

import asyncio
import logging
from struct import pack, unpack
from typing import Any, Protocol

from picows import WSAutoPingStrategy, WSFrame, WSListener, WSMsgType
from picows.picows import WSProtocol  # type: ignore[attr-defined]

_log = logging.getLogger("stillhere.realtime")

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

PROTOCOL_ERROR, INVALID_TEXT, TOO_BIG = 1002, 1007, 1009
NO_STATUS = 1005

MAY_BE_SENT = frozenset({*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)})
"""Close codes that may be on the wire (RFC 6455, 7.4, and its registry at IANA)."""


class Listener(Protocol):
    """Is told what a peer sends, in order, from within `Frames.feed`."""

    def on_message(self, data: str | bytes) -> None:
        """A whole message; text is str."""

    def on_empty_fragment(self) -> None:
        """A fragment that brings a message no further: one could have any number of them."""

    def on_ping(self, payload: bytes) -> None: ...

    def on_pong(self) -> None: ...

    def on_close(self, code: int, reason: str, payload: bytes) -> None:
        """A valid close frame. `code` 1005: it has none."""

    def on_error(self, code: int, reason: str) -> None:
        """The peer breaks the protocol; `code` is that of the close it is to be told."""


class Frames(Protocol):
    """One connection's parser and writer of frames."""

    def feed(self, data: bytes) -> int:
        """Parse the beginning of `data`; returns how many bytes were taken, at least one.

        What is not taken is to be fed again, before anything that came later.
        """

    def send(self, data: str | bytes) -> None:
        """Send a whole message: str as text, bytes as binary."""

    def control(self, opcode: int, payload: bytes) -> None:
        """Send a control frame of at most 125 bytes."""

    def stop(self) -> None:
        """Parse and send nothing more. Idempotent."""


class Messages:
    """Puts messages together from frames, and reads close frames."""

    __slots__ = ("_is_text", "_largest", "_listener", "_partial")

    def __init__(self, listener: Listener, largest: int) -> None:
        self._listener = listener
        self._largest = largest
        self._partial: bytearray | None = None
        self._is_text = False

    @property
    def is_partial(self) -> bool:
        """The last fragment of a message has yet to come."""
        return self._partial is not None

    def frame(self, opcode: int, payload: bytes, *, is_last: bool) -> None:
        """A frame whose opcode is known and whose length fits its kind."""
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
        elif payload:
            partial += payload
        else:
            self._listener.on_empty_fragment()

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
            code, reason = unpack("!H", payload[:2])[0], payload[2:].decode()
            if code not in MAY_BE_SENT:
                self._listener.on_error(PROTOCOL_ERROR, "invalid close code")
                return
        self._listener.on_close(code, reason, payload)


# picows

_READ_BUFFER = 2048

_OPENING = (
    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


class _Log(logging.LoggerAdapter[logging.Logger]):
    """Says what is broken on this side, and not what peers get wrong.

    No logger itself: of those picows makes a child for every connection.
    """

    def info(self, *args: Any, **kwargs: Any) -> None:
        pass

    error = info


_LOG = _Log(_log)


class _Wire:
    """What picows takes for its transport.

    It writes small frames straight to the socket. Large ones it hands to `writelines` as views of a
    buffer that it uses again, while uvloop keeps them as they are until the peer takes them: so
    they are copied here. What it says by itself is dropped, that is its answer to its own opening,
    and its close at an error: it looks one frame ahead, and would close before that was answered
    which came before the error. It never closes the connection.
    """

    __slots__ = ("_size", "_transport", "get_extra_info", "is_open")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._size = transport.get_write_buffer_size
        self.get_extra_info = transport.get_extra_info
        self.is_open = False

    def get_write_buffer_size(self) -> int:
        # Anything but nothing keeps it from writing to the socket.
        return self._size() if self.is_open else 1

    def write(self, data: bytes) -> None:
        if self.is_open:
            self._transport.write(data)

    def writelines(self, parts: list[bytes]) -> None:
        self._transport.write(b"".join(parts))

    def close(self) -> None:
        pass


def _frame(opcode: int, payload: bytes) -> bytes:
    """A whole message or control frame, as a server sends it."""
    size = len(payload)
    if size < 126:
        return pack("!BB", 0x80 | opcode, size) + payload
    if size < 0x10000:
        return pack("!BBH", 0x80 | opcode, 126, size) + payload
    return pack("!BBQ", 0x80 | opcode, 127, size) + payload


class PicowsFrames(WSListener):
    """`Frames` by picows."""

    __slots__ = ("_listener", "_messages", "_parser", "_sender", "_transport", "_wire")

    def __init__(self, transport: asyncio.Transport, listener: Listener, largest: int) -> None:
        """`largest`: bytes of a message."""
        self._transport = transport
        self._listener = listener
        self._messages = Messages(listener, largest)
        self._wire = _Wire(transport)
        parser = WSProtocol(
            None, None, False, lambda _: self, _LOG, True, None, False, 0, 0,
            WSAutoPingStrategy.PING_WHEN_IDLE, False, largest, None, _READ_BUFFER,
        )  # fmt: skip
        parser.connection_made(self._wire)
        # It knows no way to begin but with a handshake.
        parser.get_buffer(-1)[: len(_OPENING)] = _OPENING
        parser.buffer_updated(len(_OPENING))
        self._parser: WSProtocol | None = parser
        self._sender = parser.transport

    def feed(self, data: bytes) -> int:
        parser = self._parser
        if parser is None:
            return len(data)
        # Less than the buffer takes: filled to the brim it doubles, whatever the frames are.
        view = parser.get_buffer(-1)
        portion = data[: len(view) * 3 // 4]
        view[: len(portion)] = portion
        parser.buffer_updated(len(portion))
        sender = self._sender
        if sender.is_close_frame_sent:
            # It has found an error, and thinks that it has sent a close for it.
            sent = sender.close_handshake.sent
            assert sent is not None
            self._listener.on_error(sent.code.value, sent.reason or "")
            self.stop()
            return len(data)
        return len(portion)

    def send(self, data: str | bytes) -> None:
        is_text = isinstance(data, str)
        if self._sender.is_close_frame_sent:
            # It looks one frame ahead, has found an error there, and sends nothing more: this
            # answers the message before the error.
            payload = data.encode() if isinstance(data, str) else data
            self._transport.write(_frame(TEXT if is_text else BINARY, payload))
            return
        wire = self._wire
        wire.is_open = True
        self._sender.send(WSMsgType.TEXT if is_text else WSMsgType.BINARY, data)
        wire.is_open = False

    def control(self, opcode: int, payload: bytes) -> None:
        # Not by picows, which sends nothing more once it has found an error.
        self._transport.write(_frame(opcode, payload))

    def stop(self) -> None:
        if self._parser is not None:
            # It holds the number of the socket, which may soon be another connection's.
            self._parser.connection_lost(None)
            self._parser = None

    def on_ws_frame(self, transport: object, frame: WSFrame) -> None:
        """picows has a frame, unmasked; its length and that of control frames are right."""
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            self._listener.on_error(PROTOCOL_ERROR, "reserved bits must be 0")
        elif frame.msg_type is WSMsgType.TEXT and frame.fin and not self._messages.is_partial:
            try:
                text = frame.get_payload_as_utf8_text()
            except UnicodeDecodeError:
                self._listener.on_error(INVALID_TEXT, "text must be UTF-8")
            else:
                self._listener.on_message(text)
        else:
            opcode = frame.msg_type.value
            self._messages.frame(opcode, frame.get_payload_as_bytes(), is_last=frame.fin)
