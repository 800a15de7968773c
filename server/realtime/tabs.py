"""The open connections by session. All connections of a session are sent the same.

The connections of an ended session are closed once the end is durable: a crash must not bring back
a session after its player was told of the end.
"""

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType

from server.accounts.sessions import Sessions
from server.base.ids import SessionId
from server.base.rates import Rate, TokenBucket
from server.base.units import round_to_ms
from server.budget.budget import Budget
from server.presence.events import (
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


class TooManyRequests(Exception):
    """A session has no token left for what writes rows of its history, or its player's budget for
    rows is spent: see `Tabs`."""


class Tabs:
    """Subscribes to the events of presence: sends warnings, and closes the connections of sessions
    that end or sleep."""

    def __init__(
        self,
        policy: Policy,
        sessions: Sessions,
        on_detached: Callable[[Connection, bool | None], None],
        limits: Limits,
        sockets_per_session: int,
        budget: Budget,
    ) -> None:
        """`on_detached(connection, has_left)` is called once for every connection that was
        attached: when it closes, or when its session ends or sleeps, whichever is first; see
        `detach`. `sockets_per_session`: the most that a session may have."""
        self._policy = policy
        self._budget = budget
        self._on_detached = on_detached
        self._limits = limits
        burst = max(limits.connects.burst, limits.reloads * sockets_per_session)
        self._connect_rate = Rate(limits.connects.per_second, burst)
        self._sessions = sessions
        self._by_session: dict[SessionId, tuple[Connection, ...]] = {}
        self._count = 0
        self._closed: dict[str, int] = {}
        self._connects: dict[SessionId, TokenBucket] = {}
        # Connections of ended sessions, to be closed by the task.
        self._ended: list[tuple[tuple[Connection, ...], Reason]] = []
        self._closing: asyncio.Task[None] | None = None
        # `signed_out`, encoded once for each reason.
        self._last_messages: dict[Reason, str] = {}

    def __len__(self) -> int:
        """Return the number of open connections."""
        return self._count

    @property
    def closed(self) -> Mapping[str, int]:
        """How many connections the server closed, by reason."""
        return MappingProxyType(self._closed)

    def of(self, session: Session) -> tuple[Connection, ...]:
        """Return the connections of a session."""
        return self._by_session.get(session.id, ())

    def attach(self, connection: Connection) -> None:
        """Send `connection` the messages of its session from now on."""
        id = connection.session.id
        self._by_session[id] = (*self._by_session.get(id, ()), connection)
        self._count += 1

    def detach(self, connection: Connection, *, has_left: bool | None) -> bool:
        """Remove `connection`; return False if it was removed before. `has_left`: True if the
        player left on purpose, False if the connection was lost, None if the server stops."""
        id = connection.session.id
        connections = self._by_session.get(id, ())
        if connection not in connections:
            return False
        if len(connections) == 1:
            del self._by_session[id]
        else:
            self._by_session[id] = tuple(each for each in connections if each is not connection)
        self._count -= 1
        self._on_detached(connection, has_left)
        return True

    def take_token(self, session: Session, now: float) -> None:
        """Take one of the session's tokens for a connect, a "be right back" or a hold while it is
        warned, which write rows of its history. Raises TooManyRequests if none is left."""
        bucket = self._connects.get(session.id)
        if bucket is None:
            bucket = self._connects[session.id] = TokenBucket(self._connect_rate, now)
        if not bucket.take(now):
            raise TooManyRequests

    def check_budget(self, session: Session, now: float) -> None:
        """Raise TooManyRequests if the server has kept too much for the player lately. Called
        before what writes rows."""
        if self._budget.wait(session.player.id, now) > 0:
            raise TooManyRequests

    def send(self, message: messages.ServerMessage, *ids: SessionId) -> None:
        """Send `message` to every connection of these sessions, encoded once."""
        connections = [each for id in ids for each in self._by_session.get(id, ())]
        if connections:
            text = messages.encode(message)
            for connection in connections:
                connection.send(text)

    def note_closed(self, reason: str) -> None:
        """Count a connection closed by the server."""
        self._closed[reason] = self._closed.get(reason, 0) + 1

    def stop(self) -> None:
        """Stop closing connections: the transport, which stops, closes the rest."""
        if self._closing is not None:
            self._closing.cancel()

    def hear(self, event: WarningGiven | WarningWithdrawn | SessionEnded | SessionSlept) -> None:
        """Subscriber: send warnings, and close connections."""
        match event:
            case WarningGiven(session_id=id, reason=reason, expires_in=expires_in):
                self.send(messages.Warning_(round_to_ms(expires_in), reason), id)
            case WarningWithdrawn(session_id=id, expires_in=expires_in):
                self.send(messages.Extended(round_to_ms(expires_in)), id)
            case SessionEnded(session_id=id, reason=reason):
                self._connects.pop(id, None)
                connections = self._take(id, has_left=reason in LEAVING)
                if connections:
                    self._close_once_durable(connections, reason)
            case SessionSlept(session_id=id):
                # The session lives on: there is no end to make durable first.
                self._close(self._take(id, has_left=False), Reason.IDLE_TIMEOUT)

    def turn_away(self, connection: Connection) -> None:
        """Close a connection whose session ended or fell asleep while it opened."""
        reason = connection.session.ended
        if reason is None:
            self._close((connection,), Reason.IDLE_TIMEOUT)
        else:
            self._close_once_durable((connection,), reason)

    def _close_once_durable(self, connections: tuple[Connection, ...], reason: Reason) -> None:
        self._ended.append((connections, reason))
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close_ended())

    def _take(self, id: SessionId, *, has_left: bool) -> tuple[Connection, ...]:
        # Detached at once: a socket may take seconds to close, and must not count meanwhile.
        connections = self._by_session.get(id, ())
        for connection in connections:
            self.detach(connection, has_left=has_left)
        return connections

    async def _close_ended(self) -> None:
        """Close the connections of ended sessions, once the ends are durable."""
        loop = asyncio.get_running_loop()
        try:
            while self._ended:
                ended, self._ended = self._ended, []
                await self._sessions.flush()
                began = loop.time()
                for connections, reason in ended:
                    self._close(connections, reason)
                    if loop.time() - began > self._limits.slice:
                        await asyncio.sleep(0)
                        began = loop.time()
        finally:
            self._closing = None

    def _close(self, connections: tuple[Connection, ...], reason: Reason) -> None:
        last = self._last_messages.get(reason)
        if last is None:
            signed_out = messages.SignedOut(reason, explain_ending(reason, self._policy))
            last = self._last_messages[reason] = messages.encode(signed_out)
        for connection in connections:
            connection.close(close_for(reason), last)
            self.note_closed(close_for(reason).value.reason)
