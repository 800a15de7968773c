"""A connection from its beginning until a handshake has been answered.

Its first bytes decide. Nearly every socket is opened by a plain upgrade (`head.py`), which is
answered here; anything else is passed to the HTTP transport, which hands back the upgrades that it
finds among its requests.

A socket is taken at once (see `by_call.py`), or the application is called by ASGI; either way its
answer is written here. The open connection is the subclass (`reading.py`, `closing.py`,
`websocket.py`).
"""

import asyncio
import logging
from abc import abstractmethod
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.utils import get_remote_addr, is_ssl
from uvicorn.server import ServerState

from server.base.text import printable
from server.transport.backlog import Backlog
from server.transport.by_call import Socket, Take
from server.transport.frames import HasWrite
from server.transport.handshake import Answer, Opening, scope_of
from server.transport.head import Upgrade, read_upgrade
from server.transport.http import HttpTransport
from server.transport.limits import Limits
from server.transport.stalls import WatchedTransport, watch_kernel
from server.transport.wheel import Wheel
from server.wire.problem import Problem

_log = logging.getLogger("stillhere.transport")


class WriteBuffer:
    """Collects bytes for the peer, to be sent in one write."""

    __slots__ = ("data",)

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data


class OpeningTransport(WatchedTransport):
    """Waits for a request, and for its answer, for `Limits.header_deadline` each."""

    __slots__ = (
        "__weakref__", "_app_state", "_backlog", "_buffer", "_config", "_connections", "_is_fresh",
        "_limits", "_loop", "_most", "_opening", "_server_state", "_take", "_transport",
        "_unparsed", "_wheel", "turn",
    )  # fmt: skip

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
    ) -> None:
        """`take` is offered the socket before ASGI. `wheel` has the deadlines of all connections of
        a loop, `backlog` what they have left to parse; by default this has its own. With `most`
        connections, of any kind, one more is cut off; by default there is no limit."""
        self._config = config
        self._server_state = server_state
        self._app_state = app_state
        self._loop = _loop or asyncio.get_event_loop()
        self._limits = limits
        self._most = most
        self._take = take
        self._wheel = wheel or Wheel(limits, self._loop)
        self._backlog = backlog or Backlog(limits, self._loop)
        self.turn: int | None = None  # of its deadline
        self._connections: set[Any] = server_state.connections
        self._is_fresh = True  # no data yet
        # Until the handshake is answered
        self._opening: Opening | None = None
        # What came after the request
        self._unparsed = b""
        # What is sent while a socket is being taken, to go out in one write
        self._buffer: WriteBuffer | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._connections.add(self)
        self._wheel.set(self, self._limits.header_deadline)
        if self._most is not None and len(self._connections) > self._most:
            # Without an answer: whatever is sent keeps the connection for a while. It counts no
            # more, lest it cost another its place.
            self._connections.discard(self)
            self._transport.abort()

    def due(self) -> None:
        """The deadline has passed: cut the peer off, whatever is still to be sent."""
        watch_kernel(self._transport, self._limits)  # of responses before the upgrade
        self._transport.abort()

    def begin(self, upgrade: Upgrade) -> None:
        """Answer an upgrade. Called once."""
        self._is_fresh = False
        self._opening = Opening(upgrade.key, self._server_state.default_headers)
        self._unparsed = upgrade.rest
        scope = scope_of(
            upgrade,
            self._config.root_path,
            asgi={"version": self._config.asgi_version, "spec_version": "2.4"},
            scheme="wss" if is_ssl(self._transport) else "ws",
            state=self._app_state.copy(),
        )
        if self._take is None or not self._offer(self._take, scope):
            self._call_application(scope)

    def peer(self) -> tuple[str, int] | None:
        """Return the address of the peer."""
        return get_remote_addr(self._transport)

    def accept(self, subprotocol: str | None) -> None:
        """Answer the handshake with 101."""
        assert self._opening is not None
        self._switch(self._opening.accepted(subprotocol))

    def _hear_early(self, data: bytes) -> None:
        """Handle data before the connection is open."""
        if self._is_fresh:
            upgrade = read_upgrade(data, self._limits)
            if upgrade is None:
                self._leave_to_http(data)
            else:
                self.begin(upgrade)
        elif self._opening is not None:
            self._keep(data)

    def _leave_to_http(self, data: bytes) -> None:
        protocol = HttpTransport(
            self._config,
            self._server_state,
            self._app_state,
            self._loop,
            limits=self._limits,
            wheel=self._wheel,
        )
        self._connections.discard(self)
        # The header deadline is kept: single bytes do not extend it.
        self._wheel.hand_on(self, protocol)
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        protocol.data_received(data)

    def _keep(self, data: bytes) -> None:
        """Keep what a client sends too early, before the answer."""
        self._unparsed += data
        if len(self._unparsed) > self._limits.largest_header:
            self._transport.abort()

    def _offer(self, take: Take, scope: dict[str, Any]) -> bool:
        """Offer the socket to `take`; return True if it was taken.

        The answer to the handshake and the first messages go out in one write: to the kernel each
        write is a packet, and costs as much as all else.
        """
        buffer = self._buffer = WriteBuffer()
        try:
            return take(scope, self._socket())
        except Exception:
            _log.exception("the application failed at %s", printable(scope["path"]))
            self.returned(has_failed=True)
            return True
        finally:
            self._buffer = None
            if buffer.data:
                self._transport.write(buffer.data)
                self._write_to(self._transport)

    def _answer(self, event: dict[str, Any]) -> None:
        """Handle an event of the application before the handshake is answered."""
        assert self._opening is not None
        answer = self._opening.answer(event)
        if answer is None:
            return
        if answer.status == 101:
            self._switch(answer.data)
        else:
            self._end_with(answer)

    def _switch(self, answer: bytes) -> None:
        """Answer the handshake, and switch to WebSocket."""
        self._opening = None
        out = self._buffer or self._transport
        out.write(answer)
        self._open(out)

    def _refuse(self, problem: Problem) -> None:
        """Refuse without asking the application, and close."""
        assert self._opening is not None
        self._end_with(self._opening.refused(problem))

    def _end_with(self, answer: Answer) -> None:
        self._opening = None
        self._transport.write(answer.data)
        self._refused()

    # For the subclass

    @abstractmethod
    def _socket(self) -> Socket:
        """Return what is passed to `take`."""

    @abstractmethod
    def _call_application(self, scope: dict[str, Any]) -> None:
        """Call the application by ASGI."""

    @abstractmethod
    def returned(self, *, has_failed: bool) -> None:
        """The application has returned."""

    @abstractmethod
    def _open(self, out: HasWrite) -> None:
        """The handshake was answered with 101; frames go to `out`."""

    @abstractmethod
    def _write_to(self, out: HasWrite) -> None:
        """Write to `out` from now on."""

    @abstractmethod
    def _refused(self) -> None:
        """The handshake was refused; the peer has not read that yet."""
