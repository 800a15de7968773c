"""The WebSocket transport: frames on one side, direct calls or ASGI on the other.

Given to uvicorn in place of its own. Whatever a peer does or does not do costs a bounded amount of
memory, for a bounded time:

- a handshake is answered within `Limits.header_deadline`, or refused, or the peer is cut off;
- a peer that takes nothing of what waits for it is cut off after `Limits.write_stall`;
- a silent peer is pinged after `ws_ping_interval`, and cut off `ws_ping_timeout` later;
- a peer that does not answer a close is cut off after `Limits.close_deadline`, or sooner if the
  application says so;
- messages wait in a queue of `Limits.most_unread` or a few more, then in the kernel, then at the
  peer;
- pings are answered while the peer takes the answers; a flood of them is closed with 4401.

A connection is one object, whose class has a file for each part: `opening.py` is the beginning,
`reading.py` the input, `closing.py` the end, and this the side of the application, which is called
through `asgi.py` or `by_call.py`.
"""

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected, get_local_addr
from uvicorn.server import ServerState

from server.transport.asgi import AsgiCall
from server.transport.backlog import Backlog
from server.transport.by_call import Hearer, Socket, Take
from server.transport.closing import CLOSING, CONNECTING, OPEN
from server.transport.frames import HasWrite, ServerFrames
from server.transport.limits import Limits
from server.transport.opening import WriteBuffer
from server.transport.reading import MakeFrames, ReadingTransport
from server.transport.wheel import Wheel
from server.wire.closing import INTERNAL_ERROR, MAY_BE_SENT, NORMAL, SERVICE_RESTART
from server.wire.problem import Problem, internal


class WebSocketTransport(ReadingTransport):
    """One connection, from its beginning, or from an upgrade found by the HTTP transport, to its
    end."""

    __slots__ = ("_is_closed_by_app",)

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: Limits = Limits(),
        most: int | None = None,
        take: Take | None = None,
        wheel: Wheel | None = None,
        backlog: Backlog | None = None,
        make_frames: MakeFrames = ServerFrames,
    ) -> None:
        """As in `OpeningTransport`. `make_frames`: another parser."""
        super().__init__(
            config,
            server_state,
            app_state,
            _loop,
            limits=limits,
            most=most,
            take=take,
            wheel=wheel,
            backlog=backlog,
        )
        # The end
        self._state = CONNECTING
        self._frames = None
        self._call = None
        self._hearer = None
        self._has_ended = False
        self._is_closed_by_app = False
        self._stall = None
        # The input
        self._make_frames = make_frames
        self._has_room = True
        self._is_reading_paused = False
        self._is_in_backlog = False
        self._allowance = None
        self._fragments = None
        self._late = 0
        self._parsed = 0
        self._heard_at = 0.0
        self._pinged_at = None

    # What uvicorn calls

    def shutdown(self) -> None:
        """The server stops: close with 1012."""
        if self._is_fresh:
            self._transport.close()
        elif self._state == CONNECTING:
            self._refuse(Problem(503, "stopping", "The server is stopping."))
        elif self._state == OPEN:
            self._close(SERVICE_RESTART)
        if self._state == CLOSING:
            self._wheel.set(self, self._limits.shutdown_deadline)

    # What an application calls by ASGI

    async def send(self, event: dict[str, Any]) -> None:
        """Send an ASGI event, once the peer has taken what was sent before.

        Raises ClientDisconnected, an OSError, if the connection has ended, and RuntimeError for an
        event out of order. Cancelling sends nothing.
        """
        while self._stall is not None and self._state == OPEN:
            await self._stall.wait()
        kind = event["type"]
        if self._state == OPEN:
            if kind == "websocket.send":
                assert self._frames is not None
                data = event.get("bytes")
                self._frames.send(event["text"] if data is None else data)
            elif kind == "websocket.close":
                self.close(
                    event.get("code", NORMAL),
                    event.get("reason") or "",
                    within=event.get("within"),
                )
            else:
                raise RuntimeError(
                    f"Expected 'websocket.send' or 'websocket.close', but got {kind!r}."
                )
        elif self._is_closed_by_app:
            raise RuntimeError(f"Expected nothing after 'websocket.close', but got {kind!r}.")
        elif self._state != CONNECTING:
            raise ClientDisconnected
        else:
            self._answer(event)
            self._is_closed_by_app = self._state == CLOSING

    # What an application calls that took the socket (see `by_call.py`)

    def listen(self, hearer: Hearer) -> None:
        """Pass every message, and the end, to `hearer`."""
        self._hearer = hearer

    def send_text(self, text: str) -> bool:
        """Send a text message; return False, and send nothing, if the peer cannot take it now."""
        if self._state != OPEN or self._stall is not None:
            return False
        assert self._frames is not None
        self._frames.send(text)
        return True

    def close(
        self,
        code: int,
        reason: str = "",
        last: str | None = None,
        *,
        within: float | None = None,
    ) -> bool:
        """Begin the closing handshake, after `last`, which the peer has to answer `within` so many
        seconds. Return False, and send nothing, if the peer cannot take it now. Raises RuntimeError
        for an invalid code."""
        if self._state != OPEN or self._stall is not None:
            return False
        if code not in MAY_BE_SENT:
            raise RuntimeError(f"Expected a code that may be sent, but got {code!r}.")
        self._is_closed_by_app = True
        if last is None:
            self._close(code, reason, within)
            return True
        out, buffer = self._buffer or self._transport, WriteBuffer()
        self._write_to(buffer)
        self.send_text(last)
        self._close(code, reason, within)
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

    def _write_to(self, out: HasWrite) -> None:
        assert self._frames is not None
        self._frames.write_to(out)

    # What an `AsgiCall` calls

    def returned(self, *, has_failed: bool) -> None:
        """The application has returned."""
        if self._state == CONNECTING:
            self._refuse(internal())
        elif self._state == OPEN:
            self._close(INTERNAL_ERROR if has_failed else NORMAL)
