"""`Frames` on the websockets library's public sans-I/O protocol: the reference for our parser."""

from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side

from server.transport.frames import BINARY, TEXT, FrameListener, HasWrite, Messages
from server.transport.limits import Limits
from server.wire.closing import PROTOCOL_ERROR


class WebsocketsFrames:
    """Drops the library's own answers: the transport decides on those."""

    def __init__(
        self, out: HasWrite, listener: FrameListener, largest: int, limits: Limits
    ) -> None:
        self._out = out
        self._listener = listener
        self._messages = Messages(listener, largest, limits.small_fragment)
        self._protocol = Protocol(Side.SERVER, max_size=largest)
        self._bytes_at_once = limits.bytes_at_once
        self._is_stopped = False

    def feed(self, data: bytes, at: int) -> int:
        if self._is_stopped:
            return len(data)
        portion = data[at : at + self._bytes_at_once]
        protocol = self._protocol
        protocol.receive_data(portion)
        for frame in protocol.events_received():
            assert isinstance(frame, Frame)
            self._messages.take(frame.opcode, bytes(frame.data), is_last=frame.fin)
        protocol.data_to_send()
        if protocol.parser_exc is not None:
            close = protocol.close_sent
            self._listener.on_error(
                PROTOCOL_ERROR if close is None else close.code,
                "" if close is None else close.reason,
            )
            self._is_stopped = True
            return len(data)
        return at + len(portion)

    def send(self, data: str | bytes) -> None:
        payload = data.encode() if isinstance(data, str) else data
        self._write(TEXT if isinstance(data, str) else BINARY, payload)

    def control(self, opcode: int, payload: bytes) -> None:
        self._write(opcode, payload)

    def write_to(self, out: HasWrite) -> None:
        self._out = out

    def stop(self) -> None:
        self._is_stopped = True

    def _write(self, opcode: int, payload: bytes) -> None:
        frame = Frame(Opcode(opcode), payload)
        self._out.write(frame.serialize(mask=False, extensions=[]))
