"""The WebSocket transport: frames on one side, plain ASGI on the other.

uvicorn takes any class as `ws=`; this one closes what its own leave open. Whatever a peer does or
does not do costs a bounded amount of memory, for a bounded time:

- a handshake is answered within `Limits.header_deadline`, or refused, or the peer is cut off;
- a peer that takes nothing of what waits for it is cut off after `Limits.write_stall`;
- one that is silent is pinged after `ws_ping_interval`, and cut off `ws_ping_timeout` later;
- one that does not answer a close is cut off after `Limits.close_deadline`;
- messages wait in a queue of `Limits.most_unread` or a few more, then in the kernel, then at the
  peer;
- pings are answered while the peer takes the answers; a flood of them is closed with 4401.

picows parses the frames; the handshake is the websockets library's. Messages, UTF-8, limits and
the closing handshake are here (RFC 6455, sections 5 and 7).
"""

import asyncio
import email.utils
import logging
from collections.abc import Callable
from http.client import responses
from struct import pack, unpack
from typing import Any

from picows import WSAutoPingStrategy, WSFrame, WSListener, WSMsgType, WSTransport
from picows.picows import WSProtocol  # type: ignore[attr-defined]
from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected, get_local_addr, get_remote_addr, is_ssl
from uvicorn.server import ServerState
from websockets.datastructures import Headers
from websockets.http11 import Response

from server.base.limits import TokenBucket
from server.base.waiting import Timer
from server.transport.by_call import BY_CALL
from server.transport.handshake import HandshakeRefused, read_request, refusal, respond, scope_of
from server.transport.limits import Limits
from server.transport.stalls import StallWatch
from server.wire.closing import SERVICE_RESTART, Close

_log = logging.getLogger("stillhere.realtime")

_DEFAULT_LIMITS = Limits()

_SLICES_AT_ONCE = 16
"""Portions, of 1 KiB at first, that are parsed before other connections have their turn."""

_READ_BUFFER = 2048

_CONNECTING, _OPEN, _CLOSING, _CLOSED = range(4)

_TEXT, _BINARY, _CONTINUATION = WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION
_PING, _PONG, _CLOSE = WSMsgType.PING, WSMsgType.PONG, WSMsgType.CLOSE

_PROTOCOL_ERROR, _INVALID_TEXT, _TOO_BIG, _INTERNAL_ERROR = 1002, 1007, 1009, 1011
_NO_STATUS, _ABNORMAL = 1005, 1006
_MAY_BE_SENT = frozenset({*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)})
"""Close codes that may be on the wire (RFC 6455, 7.4, and its registry at IANA)."""

_LONGEST_REASON = 123
"""Bytes: a control frame has at most 125, and two are the code."""

_PICOWS_OPENING = (
    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


class _PicowsLog(logging.LoggerAdapter[logging.Logger]):
    """Says what is broken on this side, and not what peers get wrong.

    No logger itself: of those picows makes a child for every connection.
    """

    def info(self, *args: Any, **kwargs: Any) -> None:
        pass

    error = info


_PICOWS_LOG = _PicowsLog(_log)


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


class WebSocketTransport(WSListener, asyncio.Protocol):
    """One connection, from the upgrade to its end. Made by uvicorn's HTTP protocol."""

    __slots__ = (
        "_allowance",
        "_app_state",
        "_config",
        "_connections",
        "_denial",
        "_ending",
        "_events",
        "_frames",
        "_head",
        "_hear",
        "_heard_at",
        "_is_binary",
        "_is_closed_by_app",
        "_is_reading_paused",
        "_limits",
        "_loop",
        "_message",
        "_parser",
        "_pinged_at",
        "_response",
        "_server_state",
        "_stall",
        "_state",
        "_timer",
        "_transport",
        "_unparsed",
        "_waiter",
        "_wire",
        "_writable",
    )

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: Limits = _DEFAULT_LIMITS,
    ) -> None:
        self._limits = limits
        self._config = config
        self._server_state = server_state
        self._app_state = app_state
        self._loop = _loop or asyncio.get_event_loop()
        self._connections: set[Any] = server_state.connections
        self._state = _CONNECTING
        self._transport: asyncio.Transport

        # The handshake: what there is of the request, the 101 to it, and a refusal in the making
        self._head = b""
        self._response: Response | None = None
        self._denial: Response | None = None

        # What comes in: the parser, what it is still to be given, and what there is of a message
        self._parser: WSProtocol | None = None
        self._unparsed = b""
        self._message: bytearray | None = None
        self._is_binary = False
        self._allowance: TokenBucket | None = None

        # What the application is told
        self._events: list[dict[str, Any]] = []
        self._ending: dict[str, Any] | None = None
        self._hear: Callable[[dict[str, Any]], None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._is_reading_paused = False
        self._is_closed_by_app = False

        # What goes out, and whom to wake when it goes on: None while the peer takes everything
        self._frames: WSTransport | None = None
        self._wire: _Wire | None = None
        self._writable: asyncio.Event | None = None
        self._stall: StallWatch | None = None

        # The deadline of the present state
        self._timer = Timer(self._loop)
        self._heard_at = 0.0
        self._pinged_at: float | None = None

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._connections.add(self)
        self._timer.set(self._limits.header_deadline, self._cut_off)

    def data_received(self, data: bytes) -> None:
        if self._state == _CONNECTING:
            self._read_head(data)
            return
        self._heard_at = self._loop.time()
        if self._parser is not None:
            self._parse(self._unparsed + data if self._unparsed else data)

    def eof_received(self) -> None:
        """The peer sends no more. The loop closes the socket, unless something waits to be sent."""
        if self._state == _OPEN:
            self._end(_ABNORMAL)
            self._closing()

    def pause_writing(self) -> None:
        """The peer takes less than it is sent: whoever sends has to wait, but not for ever."""
        self._writable = asyncio.Event()
        self._stall = StallWatch(self._loop, self._transport, self._limits)

    def resume_writing(self) -> None:
        """The peer has taken most of what waited."""
        if self._stall is not None:
            self._stall.stop()
            self._stall = None
        if self._writable is not None:
            self._writable.set()
            self._writable = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._state = _CLOSED
        self._timer.stop()
        self.resume_writing()
        self._connections.discard(self)
        self._stop_parsing()
        self._end(_ABNORMAL)
        self._hear = None

    # What uvicorn calls

    def shutdown(self) -> None:
        """Say 1012 and close: the server stops."""
        if self._state == _CONNECTING:
            self._refuse(refusal(503, "The server is stopping.\n"))
        elif self._state == _OPEN:
            self._close(SERVICE_RESTART)
        if self._state == _CLOSING:
            self._timer.set(self._limits.shutdown_deadline, self._cut_off)

    # What the application calls

    async def receive(self) -> dict[str, Any]:
        """The next ASGI event; after the disconnect, that one again.

        Cancelling loses nothing. Raises RuntimeError if somebody is waiting for it already.
        """
        while not self._events:
            if self._ending is not None:
                return self._ending
            if self._waiter is not None:
                raise RuntimeError("Only one may wait for the next event.")
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        event = self._events.pop(0)
        if self._is_reading_paused and not self._events:
            # Not at once: others have their turn between one portion of a flood and the next.
            self._loop.call_soon(self._read_on)
        return event

    async def send(self, event: dict[str, Any]) -> None:
        """Take an ASGI event, once the peer has taken what it was sent before.

        Raises ClientDisconnected, an OSError, when the connection is over, and RuntimeError for
        an event out of order. Cancelling gives up the wait: nothing was sent.
        """
        while self._writable is not None and self._state == _OPEN:
            await self._writable.wait()
        kind = event["type"]
        if self._state == _OPEN:
            if kind == "websocket.send":
                self._send(event)
            elif kind == "websocket.close":
                self.close(event.get("code", 1000), event.get("reason") or "")
            else:
                raise RuntimeError(
                    f"Expected 'websocket.send' or 'websocket.close', but got {kind!r}."
                )
        elif self._is_closed_by_app:
            raise RuntimeError(f"Expected nothing after 'websocket.close', but got {kind!r}.")
        elif self._state != _CONNECTING:
            raise ClientDisconnected
        else:
            self._answer(kind, event)

    # What the application calls by the extension (see `by_call.py`)

    def listen(self, hear: Callable[[dict[str, Any]], None]) -> None:
        """Call `hear` with every message, those that `receive` has not had yet included."""
        self._hear = hear
        while self._events and self._events[0]["type"] == "websocket.receive":
            hear(self._events.pop(0))
        if self._is_reading_paused:
            self._loop.call_soon(self._read_on)

    def send_text(self, text: str) -> bool:
        """Send a text message; False, and nothing is sent, if the peer cannot take it now."""
        if self._state != _OPEN or self._writable is not None:
            return False
        assert self._frames is not None
        self._frames.send(_TEXT, text)
        return True

    def close(self, code: int, reason: str = "") -> bool:
        """Begin the closing handshake; False if the peer cannot take it now. Raises RuntimeError
        for a code that may not be sent."""
        if self._state != _OPEN or self._writable is not None:
            return False
        if code not in _MAY_BE_SENT:
            raise RuntimeError(f"Expected a code that may be sent, but got {code!r}.")
        self._is_closed_by_app = True
        self._close(code, reason)
        return True

    # The opening handshake

    def _read_head(self, data: bytes) -> None:
        if self._response is not None:
            # Nobody may send before the handshake is answered; those who do are not lost.
            self._unparsed += data
            if len(self._unparsed) > self._limits.largest_header:
                self._cut_off()
            return
        self._head += data
        end = self._head.find(b"\r\n\r\n") + 4
        if end < 4 and len(self._head) <= self._limits.largest_header:
            return
        head, self._unparsed, self._head = self._head[:end], self._head[end:], b""
        try:
            if end < 4:
                head = bytes(self._limits.largest_header + 1)
            request = read_request(head, self._limits)
            self._response = respond(request)
        except HandshakeRefused as refused:
            self._refuse(refused.response)
            return
        transport = self._transport
        scope = scope_of(
            request,
            self._config.root_path,
            asgi={"version": self._config.asgi_version, "spec_version": "2.4"},
            scheme="wss" if is_ssl(transport) else "ws",
            server=get_local_addr(transport),
            client=get_remote_addr(transport),
            state=self._app_state.copy(),
        )
        scope["extensions"][BY_CALL] = self
        self._events.append({"type": "websocket.connect"})
        task = self._loop.create_task(self._run(scope))
        self._server_state.tasks.add(task)
        task.add_done_callback(self._server_state.tasks.discard)

    async def _run(self, scope: dict[str, Any]) -> None:
        code = 1000
        try:
            await self._config.loaded_app(scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except Exception:
            code = _INTERNAL_ERROR
            _log.exception("the application failed at %s", scope["path"][:200])
        if self._state == _CONNECTING:
            self._refuse(refusal(500, "Internal Server Error\n"))
        elif self._state == _OPEN:
            self._close(code)

    def _answer(self, kind: str, event: dict[str, Any]) -> None:
        """An event of the application while the peer waits for an answer to its handshake."""
        if self._denial is not None:
            if kind != "websocket.http.response.body":
                raise RuntimeError(f"Expected 'websocket.http.response.body', but got {kind!r}.")
            self._denial.body = bytes(self._denial.body or b"") + event.get("body", b"")
            if not event.get("more_body", False):
                self._deny(self._denial)
        elif kind == "websocket.accept":
            self._accept(event.get("subprotocol"), event.get("headers", ()))
        elif kind == "websocket.close":
            self._deny(refusal(403, ""))
        elif kind == "websocket.http.response.start":
            headers = Headers()
            _add(headers, event.get("headers", ()))
            status = event["status"]
            if not 200 <= status < 600:
                raise RuntimeError(f"Expected the status of a response, but got {status!r}.")
            self._denial = Response(status, responses.get(status, ""), headers)
        else:
            raise RuntimeError(
                "Expected 'websocket.accept', 'websocket.close' or "
                f"'websocket.http.response.start', but got {kind!r}."
            )

    def _accept(self, subprotocol: str | None, headers: Any) -> None:
        response = self._response
        assert response is not None
        del response.headers["Date"]  # uvicorn has one
        _add(response.headers, self._server_state.default_headers)
        _add(response.headers, headers)
        if subprotocol:
            response.headers["Sec-WebSocket-Protocol"] = subprotocol
        self._transport.write(response.serialize())
        self._state = _OPEN
        self._start_parsing()
        self._heard_at = self._loop.time()
        if self._config.ws_ping_interval:
            self._timer.set(self._config.ws_ping_interval, self._check_alive)
        else:
            self._timer.stop()
        if self._unparsed:
            self._loop.call_soon(self._read_on)

    def _deny(self, response: Response) -> None:
        headers = response.headers
        for name, value in (
            ("Date", email.utils.formatdate(usegmt=True)),
            ("Connection", "close"),
            ("Content-Length", str(len(response.body or b""))),
        ):
            headers.setdefault(name, value)
        self._is_closed_by_app = True
        self._refuse(response)

    def _refuse(self, response: Response) -> None:
        self._transport.write(response.serialize())
        self._end(_ABNORMAL)
        self._linger()

    # What comes in

    def _start_parsing(self) -> None:
        wire = _Wire(self._transport)
        parser = WSProtocol(
            None, None, False, self._picows_listener, _PICOWS_LOG, True, None, False, 0, 0,
            WSAutoPingStrategy.PING_WHEN_IDLE, False, self._config.ws_max_size, None, _READ_BUFFER,
        )  # fmt: skip
        parser.connection_made(wire)
        # It knows no way to begin but with a handshake.
        parser.get_buffer(-1)[: len(_PICOWS_OPENING)] = _PICOWS_OPENING
        parser.buffer_updated(len(_PICOWS_OPENING))
        wire.is_open = True
        self._parser, self._frames, self._wire = parser, parser.transport, wire

    def _picows_listener(self, request: object) -> WSListener:
        return self

    def _stop_parsing(self) -> None:
        self._unparsed = b""
        self._message = None
        if self._parser is not None:
            # It holds the number of the socket, which may soon be another connection's.
            self._parser.connection_lost(None)
            self._parser = self._frames = self._wire = None

    def _parse(self, data: bytes) -> None:
        """Have `data` parsed, a portion at a time; what is too much for now is kept."""
        parser, frames, wire = self._parser, self._frames, self._wire
        assert parser is not None
        assert frames is not None
        assert wire is not None
        at = 0
        for _ in range(_SLICES_AT_ONCE):
            if len(self._events) >= self._limits.most_unread and self._state == _OPEN:
                break
            # Less than the buffer takes: filled to the brim it doubles, whatever the frames are.
            view = parser.get_buffer(-1)
            portion = data[at : at + len(view) * 3 // 4]
            view[: len(portion)] = portion
            wire.is_open = False
            parser.buffer_updated(len(portion))
            wire.is_open = True
            at += len(portion)
            if frames.is_close_frame_sent:
                self._parser_gave_up(frames)
                return
            if at >= len(data):
                self._unparsed = b""
                return
        else:
            self._loop.call_soon(self._read_on)
        self._unparsed = data[at:]
        if not self._is_reading_paused:
            self._is_reading_paused = True
            self._transport.pause_reading()

    def _read_on(self) -> None:
        """Go on where a flood was interrupted."""
        if self._parser is None:
            return
        if self._unparsed:
            self._parse(self._unparsed)
        if self._is_reading_paused and not self._unparsed:
            self._is_reading_paused = False
            self._transport.resume_reading()

    def _parser_gave_up(self, frames: WSTransport) -> None:
        """picows has found an error, and thinks that it has sent a close for it."""
        if self._state == _OPEN:
            sent = frames.close_handshake.sent
            assert sent is not None
            self._fail(sent.code.value, sent.reason or "")
        self._stop_parsing()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """picows has a frame, unmasked; its length and that of control frames are right."""
        kind = frame.msg_type
        if self._state != _OPEN:
            if kind is _CLOSE:
                self._transport.close()
        elif frame.rsv1 or frame.rsv2 or frame.rsv3:
            self._fail(_PROTOCOL_ERROR, "reserved bits must be 0")
        elif kind is _TEXT or kind is _BINARY:
            if self._message is not None:
                self._fail(_PROTOCOL_ERROR, "expected a continuation frame")
            elif not frame.fin:
                self._message = bytearray(frame.get_payload_as_bytes())
                self._is_binary = kind is _BINARY
            elif kind is _BINARY:
                self._hand_over(
                    {"type": "websocket.receive", "bytes": frame.get_payload_as_bytes()}
                )
            else:
                try:
                    text = frame.get_payload_as_utf8_text()
                except UnicodeDecodeError:
                    self._fail(_INVALID_TEXT, "text must be UTF-8")
                else:
                    self._hand_over({"type": "websocket.receive", "text": text})
        elif kind is _CONTINUATION:
            self._continue_message(frame)
        elif kind is _CLOSE:
            self._answer_close(frame.get_payload_as_bytes())
        else:
            self._hear_control(kind, frame)

    def _continue_message(self, frame: WSFrame) -> None:
        message = self._message
        if message is None:
            self._fail(_PROTOCOL_ERROR, "unexpected continuation frame")
            return
        if len(message) + frame.payload_size > self._config.ws_max_size:
            self._fail(_TOO_BIG, f"over {self._config.ws_max_size} bytes")
            return
        message += frame.get_payload_as_memoryview()
        if not frame.fin:
            if not frame.payload_size:
                # Of these a message could have any number, and no limit would ever be reached.
                self._is_within_allowance()
            return
        self._message = None
        if self._is_binary:
            self._hand_over({"type": "websocket.receive", "bytes": bytes(message)})
            return
        try:
            text = message.decode()
        except UnicodeDecodeError:
            self._fail(_INVALID_TEXT, "text must be UTF-8")
        else:
            self._hand_over({"type": "websocket.receive", "text": text})

    def _hear_control(self, kind: WSMsgType, frame: WSFrame) -> None:
        if kind is not _PING and self._pinged_at is not None:
            self._pinged_at = None
            return
        if self._is_within_allowance() and kind is _PING and self._writable is None:
            # One answer less is allowed where several wait (RFC 6455, 5.5.3).
            self._control(_PONG, frame.get_payload_as_bytes())

    def _is_within_allowance(self) -> bool:
        """Count a frame that brings nothing; one too many closes the connection."""
        now = self._loop.time()
        if self._allowance is None:
            self._allowance = TokenBucket(
                self._limits.control_rate, self._limits.control_burst, now
            )
        if self._allowance.take(now):
            return True
        close = Close.TOO_MANY_MESSAGES.value
        self._close(close.code, close.reason)
        return False

    def _answer_close(self, payload: bytes) -> None:
        code, reason = _NO_STATUS, ""
        if payload:
            code, reason = unpack("!H", payload[:2])[0], payload[2:].decode()
            if code not in _MAY_BE_SENT:
                self._fail(_PROTOCOL_ERROR, "invalid close code")
                return
        self._control(_CLOSE, payload)
        self._end(code, reason)
        self._closing()
        self._transport.close()

    # What goes out

    def _send(self, event: dict[str, Any]) -> None:
        assert self._frames is not None
        data = event.get("bytes")
        if data is not None:
            self._frames.send(_BINARY, data)
        else:
            self._frames.send(_TEXT, event["text"])

    def _control(self, kind: WSMsgType, payload: bytes) -> None:
        """Not by picows, which sends nothing more once it has found an error."""
        self._transport.write(bytes((0x80 | kind.value, len(payload))) + payload)

    # The end

    def _close(self, code: int, reason: str = "") -> None:
        """Begin the closing handshake, and leave it to the peer to answer."""
        said = reason.encode()[:_LONGEST_REASON].decode(errors="ignore").encode()
        self._control(_CLOSE, pack("!H", code) + said)
        self._end(code, reason)
        self._closing()

    def _fail(self, code: int, reason: str) -> None:
        """Close for an error of the peer's, whose answer would not be understood."""
        self._close(code, reason)
        self._linger()

    def _closing(self) -> None:
        self._state = _CLOSING
        self._message = None
        self._timer.set(self._limits.close_deadline, self._cut_off)
        if self._writable is not None:
            self._writable.set()  # whoever waits has waited in vain
        if self._is_reading_paused:
            self._loop.call_soon(self._read_on)

    def _linger(self) -> None:
        """Send no more, and let the peer read what it was sent.

        Closing a socket that has unread data resets the connection, and with it goes what the
        peer has not read yet: so everything is taken, and dropped, until the peer is gone.
        """
        self._closing()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def _cut_off(self) -> None:
        """End the connection now, whether the peer has taken everything or not."""
        self._transport.abort()

    def _hand_over(self, event: dict[str, Any]) -> None:
        if self._hear is None:
            self._tell(event)
        else:
            wire = self._wire
            assert wire is not None
            wire.is_open = True  # it may answer at once
            self._hear(event)
            wire.is_open = False

    def _tell(self, event: dict[str, Any]) -> None:
        self._events.append(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _end(self, code: int, reason: str = "") -> None:
        """Tell the application, once, that the connection is over."""
        if self._ending is None:
            self._ending = {"type": "websocket.disconnect", "code": code, "reason": reason}
            self._tell(self._ending)

    # Deadlines

    def _check_alive(self) -> None:
        now = self._loop.time()
        if self._pinged_at is not None and self._heard_at < self._pinged_at:
            self._close(_INTERNAL_ERROR, "no answer to a ping")
            self._timer.set(self._limits.shutdown_deadline, self._cut_off)
            return
        interval = self._config.ws_ping_interval
        assert interval is not None
        assert self._frames is not None
        timeout = self._config.ws_ping_timeout
        left = self._heard_at + interval - now
        if left > 0.0:
            self._pinged_at = None
            self._timer.set(left, self._check_alive)
            return
        self._frames.send_ping()
        if timeout:
            self._pinged_at = now
            self._timer.set(timeout, self._check_alive)
        else:
            self._timer.set(interval, self._check_alive)


def _add(headers: Headers, more: Any) -> None:
    for name, value in more:
        headers[bytes(name).decode("latin-1")] = bytes(value).decode("latin-1")
