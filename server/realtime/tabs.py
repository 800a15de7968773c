"""The open connections by their session: what a session hears, every tab of it hears.

That it has ended is told once it is durable: a crash must not bring back a session whose player has
read that it is over.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from types import MappingProxyType

from server.base.ids import SessionId
from server.base.limits import TokenBucket
from server.base.units import round_to_ms
from server.presence.events import (
    Event,
    SessionEnded,
    SessionSlept,
    WarningGiven,
    WarningWithdrawn,
)
from server.presence.explain import explain_ending
from server.presence.policy import Policy
from server.presence.session import Session
from server.presence.status import LEAVING, Reason
from server.realtime.connection import Connection
from server.realtime.limits import Limits
from server.wire import messages
from server.wire.closing import close_for


class Tabs:
    """Subscribes to the events: pushes warnings, and closes what a session leaves behind."""

    def __init__(
        self,
        policy: Policy,
        flush: Callable[[], Awaitable[None]],
        on_detached: Callable[[Connection, bool | None], None],
        limits: Limits,
        sockets_per_session: int,
    ) -> None:
        """`flush` returns when what has been journalled is durable, or cannot soon be.
        `on_detached(connection, has_left)` is called once for every connection that was attached:
        when it closes, or when its session ends or falls asleep, whichever is first; see `detach`.
        `sockets_per_session`: the most that a session may have."""
        self._policy = policy
        self._on_detached = on_detached
        self._limits = limits
        self._connect_burst = max(limits.connect_burst, 2 * sockets_per_session)
        self._flush = flush
        self._by_session: dict[SessionId, list[Connection]] = {}
        self._count = 0
        self._closed: dict[str, int] = {}
        self._connects: dict[SessionId, TokenBucket] = {}
        # Of sessions that have ended, and have yet to be told.
        self._leaving: list[tuple[list[Connection], Reason]] = []
        self._farewells: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many connections are open."""
        return self._count

    def __iter__(self) -> Iterator[Connection]:
        for connections in self._by_session.values():
            yield from connections

    @property
    def closed(self) -> Mapping[str, int]:
        """How many connections this server has closed, by reason."""
        return MappingProxyType(self._closed)

    def of(self, session: Session) -> list[Connection]:
        """The connections of a session; a copy."""
        return list(self._by_session.get(session.id, ()))

    def attach(self, connection: Connection) -> None:
        """From now on `connection` hears what its session hears."""
        self._by_session.setdefault(connection.session.id, []).append(connection)
        self._count += 1

    def detach(self, connection: Connection, *, has_left: bool | None) -> bool:
        """Forget `connection`; False if that was done before. `has_left`: True if the player left
        on purpose, False if the connection was lost, None if the server stops."""
        connections = self._by_session.get(connection.session.id, [])
        if connection not in connections:
            return False
        connections.remove(connection)
        if not connections:
            del self._by_session[connection.session.id]
        self._count -= 1
        self._on_detached(connection, has_left)
        return True

    def take_connect(self, session: Session, now: float) -> bool:
        """Take one of the session's tokens for a connect or a "be right back"; False if none is
        left. Each of these writes rows of its history, which are kept."""
        bucket = self._connects.get(session.id)
        if bucket is None:
            bucket = self._connects[session.id] = TokenBucket(1.0, self._connect_burst, now)
        return bucket.take(now)

    def note_closed(self, reason: str) -> None:
        """Count a connection that the server closed."""
        self._closed[reason] = self._closed.get(reason, 0) + 1

    def stop(self) -> None:
        """Tell nobody of an end any more: the server stops, and says so itself."""
        if self._farewells is not None:
            self._farewells.cancel()

    def hear(self, event: Event) -> None:
        """Subscriber: tell every tab of the session that the event is about."""
        match event:
            case WarningGiven(session_id=id, reason=reason, expires_in=expires_in):
                self._tell(id, messages.Warning_(round_to_ms(expires_in), reason))
            case WarningWithdrawn(session_id=id, expires_in=expires_in):
                self._tell(id, messages.Extended(round_to_ms(expires_in)))
            case SessionEnded(session_id=id, reason=reason):
                self._connects.pop(id, None)
                connections = self._take(id, has_left=reason in LEAVING)
                if connections:
                    self._leaving.append((connections, reason))
                if self._leaving and self._farewells is None:
                    self._farewells = asyncio.get_running_loop().create_task(self._see_off())
            case SessionSlept(session_id=id):
                # It lives on, so nothing can come back that must not.
                self._close(self._take(id, has_left=False), Reason.IDLE_TIMEOUT)
            case _:
                pass

    def _tell(self, id: SessionId, message: messages.ServerMessage) -> None:
        connections = self._by_session.get(id)
        if connections:
            text = messages.encode(message)
            for connection in list(connections):
                connection.send(text)

    def _take(self, id: SessionId, *, has_left: bool) -> list[Connection]:
        # Detached first, so that a socket which takes its time to close counts for nothing more.
        connections = list(self._by_session.get(id, ()))
        for connection in connections:
            self.detach(connection, has_left=has_left)
        return connections

    async def _see_off(self) -> None:
        """Close what sessions have left behind, as soon as their ends are durable. Cancelling
        leaves them to whoever ends the server."""
        loop = asyncio.get_running_loop()
        try:
            while self._leaving:
                leaving, self._leaving = self._leaving, []
                await self._flush()
                began = loop.time()
                for connections, reason in leaving:
                    self._close(connections, reason)
                    if loop.time() - began > self._limits.slice:
                        await asyncio.sleep(0)
                        began = loop.time()
        finally:
            self._farewells = None

    def _close(self, connections: list[Connection], reason: Reason) -> None:
        farewell = messages.encode(messages.SignedOut(reason, explain_ending(reason, self._policy)))
        for connection in connections:
            connection.close(close_for(reason), farewell)
            self.note_closed(close_for(reason).value.reason)
