"""Keeps one connection to the server: opens it, watches it, reconnects depending on the close
code."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import StrEnum

from server.client.backoff import Backoff
from server.client.codec import Received, Unknown
from server.client.connection import Connection
from server.client.errors import ConnectionLost, SessionOver, Unreachable
from server.client.limits import Limits
from server.client.tasks import stop
from server.client.watchdog import Watchdog
from server.wire.closing import ABNORMAL, GIVEN_UP, NORMAL, ends_session, reason_of
from server.wire.messages import ClientMessage, Hello, Look, SignedOut

_log = logging.getLogger("stillhere.client")


class State(StrEnum):
    """The state of a connection."""

    CLOSED = "closed"
    CONNECTING = "connecting"
    OPEN = "open"
    """After the server's `hello`."""
    RECONNECTING = "reconnecting"


class Link:
    """One connection after another, until the session ends.

    `dial` opens a connection, or raises Unreachable. `hear` is called with each message, in order;
    `changed` with each new state, and the close code of a lost connection.
    """

    def __init__(
        self,
        dial: Callable[[], Awaitable[Connection]],
        hear: Callable[[Received], None],
        changed: Callable[[State, int | None], None],
        limits: Limits,
    ) -> None:
        self._dial = dial
        self._hear = hear
        self._changed = changed
        self._limits = limits
        self._backoff = Backoff(limits)
        self._connection: Connection | None = None
        self._watchdog: Watchdog | None = None
        self.state = State.CLOSED

    async def run(self) -> SessionOver:
        """Keep a connection; return why the session ended. Cancelling closes it with 1000, which
        says that the client leaves."""
        try:
            self._become(State.CONNECTING)
            while True:
                code = None
                try:
                    connection = await self._dial()
                except Unreachable as error:
                    _log.info("no connection: %s", error)
                else:
                    end = await self._follow(connection)
                    if end is not None:
                        return end
                    code = connection.close_code
                self._become(State.RECONNECTING, code)
                await asyncio.sleep(self._backoff.next())
        finally:
            self._become(State.CLOSED)

    async def send(self, message: ClientMessage) -> None:
        """Send on the open connection. Raises ConnectionLost if there is none."""
        if self._connection is None or self.state is not State.OPEN or self._watchdog is None:
            raise ConnectionLost(ABNORMAL)
        self._watchdog.asked()
        await self._connection.send(message)

    async def _follow(self, connection: Connection) -> SessionOver | None:
        """Receive from a connection until it closes; return why the session ended, if it did."""
        self._connection = connection
        self._watchdog = watchdog = Watchdog(self._limits)
        reading = asyncio.create_task(self._read(connection, watchdog))
        watching = asyncio.create_task(self._watch(connection, watchdog))
        try:
            await asyncio.wait([reading, watching], return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                # Not NORMAL, for which the server would shorten the grace.
                await connection.close(GIVEN_UP)
            return await reading
        except asyncio.CancelledError:
            await connection.close(NORMAL)
            raise
        finally:
            self._connection = self._watchdog = None
            await stop(reading, watching)

    async def _read(self, connection: Connection, watchdog: Watchdog) -> SessionOver | None:
        watchdog.asked()  # the server answers with `hello`
        end: SessionOver | None = None
        stable = None
        try:
            while True:
                message = await connection.receive()
                watchdog.heard()
                if isinstance(message, Unknown):
                    _log.warning("a message that this client does not know: %s", message.why)
                elif isinstance(message, SignedOut):
                    end = SessionOver(message.reason, message.detail)
                elif isinstance(message, Hello):
                    # Not earlier: connections without a live session open too, only to be told so.
                    loop = asyncio.get_running_loop()
                    stable = loop.call_later(self._limits.stable_after, self._backoff.reset)
                    self._become(State.OPEN)
                self._hear(message)
        except ConnectionLost as lost:
            if end is None and ends_session(lost.code):
                end = SessionOver(reason_of(lost.code))
            return end
        finally:
            if stable is not None:
                stable.cancel()

    async def _watch(self, connection: Connection, watchdog: Watchdog) -> None:
        async def ask() -> None:
            with suppress(ConnectionLost):
                await connection.send(Look())

        await watchdog.wait_for_silence(ask)

    def _become(self, state: State, code: int | None = None) -> None:
        if self.state is not state:
            self.state = state
            self._changed(state, code)
