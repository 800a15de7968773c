"""`/ws`: accepts the connections of sessions.

Each accepted connection has a reader for its messages (see `reader.py`) until it closes. Our own
transport offers sockets to `take`; other servers call ASGI's `__call__`.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.types import Receive, Scope, Send

from server import __version__
from server.accounts.sessions import Sessions
from server.base.ids import PlayerId, new_connection_id
from server.base.rates import Debts, Rate
from server.base.text import excerpt
from server.base.units import round_to_ms
from server.budget.budget import Budget
from server.presence.explain import explain_ending
from server.presence.service import PresenceService
from server.presence.session import Session
from server.presence.status import Reason
from server.realtime.connection import AsgiSend, Connection
from server.realtime.limits import Limits
from server.realtime.payers import note_return
from server.realtime.reader import Pongs, Reader
from server.realtime.requests import Requests
from server.realtime.room_requests import RoomRequests
from server.realtime.routing import deny
from server.realtime.tabs import Tabs, TooManyRequests
from server.realtime.topics.topics import Topics
from server.settings import Settings
from server.transport.by_call import Socket
from server.wire import messages
from server.wire.closing import (
    ABNORMAL,
    CLOSED_BY_TRANSPORT,
    INTERNAL_ERROR,
    NO_STATUS,
    PAGE_CLOSED,
    SERVICE_RESTART,
    Close,
)
from server.wire.credentials import (
    client_address,
    is_own_origin,
    origin_of,
    place_of,
    session_cookie,
)
from server.wire.messages import encode
from server.wire.names import SUBPROTOCOL
from server.wire.problem import Problem
from server.wire.views import SessionView


class WebSocketEndpoint:
    """Serves `/ws`."""

    def __init__(
        self,
        settings: Settings,
        presence: PresenceService,
        sessions: Sessions,
        tabs: Tabs,
        topics: Topics,
        room_requests: RoomRequests,
        note_cut_off: Callable[[str, Session], None],
        note_refused: Callable[[str, str], None],
        limits: Limits,
        largest_message: int,
        small_fragments: Rate,
        budget: Budget,
    ) -> None:
        """`largest_message`: bytes, for transports without a limit of their own. `small_fragments`:
        of all sockets of a player."""
        self._settings = settings
        self._presence = presence
        self._sessions = sessions
        self._tabs = tabs
        self._topics = topics
        self._requests = Requests(presence, topics, room_requests, tabs)
        self._note_cut_off = note_cut_off
        self._note_refused = note_refused
        self._pongs = Pongs()
        self._limits = limits
        rate = settings.max_messages_per_second
        self._message_rate: Rate | None = None
        self._of_players: Debts[PlayerId] | None = None
        if rate:
            one, all_ = Rate(rate, limits.message_burst * rate), limits.messages_of_player
            self._message_rate = one
            at_least_one = Rate(max(all_.per_second, one.per_second), max(all_.burst, one.burst))
            self._of_players = Debts(at_least_one, limits.counted_keys)
        self._fragments: Debts[PlayerId] = Debts(small_fragments, limits.counted_keys)
        self._largest_message = largest_message
        self._budget = budget
        self._is_stopped = False

    def stop(self) -> None:
        """The server stops: connections that its end closed are not lost."""
        self._is_stopped = True

    def take(self, scope: dict[str, Any], socket: Socket) -> bool:
        """Accept a socket at once if it belongs to a live session; see `by_call.Take`."""
        if self._foreign_origin(scope) is not None:
            return False
        session = self._sessions.find_live(session_cookie(scope))
        if session is None:
            return False
        networks = self._note_address(session, scope)
        socket.accept(_subprotocol(scope))
        connection = self._connection(session, socket, networks)
        # First, so that the end is reported whatever happens.
        socket.listen(self._reader(connection))
        self._admit(connection)
        return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        origin = self._foreign_origin(scope)
        if origin is not None:
            self._note_refused("cross_origin", client_address(scope))
            detail = f"A page of {excerpt(origin)} may not connect here."
            await deny(scope, send, Problem(403, "cross_origin", detail))
            return
        found = await self._sessions.find(session_cookie(scope))
        await send({"type": "websocket.accept", "subprotocol": _subprotocol(scope)})
        if isinstance(found, Session) and found.ended is not None:
            found = found.ended  # it ended while the socket was being accepted
        if isinstance(found, Session):
            networks = self._note_address(found, scope)
            await self._serve(self._connection(found, send, networks), receive)
        else:
            await self._refuse(found, receive, send)

    def _foreign_origin(self, scope: Scope) -> str | None:
        origin = origin_of(scope)
        if origin is None or is_own_origin(scope, origin, self._settings.allowed_origins):
            return None
        return origin

    def _note_address(self, session: Session, scope: Scope) -> tuple[str, ...]:
        """Return the networks of a client, from which its player may have come back."""
        note_return(self._budget, session.player, scope, self._presence.clock.now())
        return place_of(scope).networks

    # Connections without a session

    async def _refuse(self, ending: Reason | None, receive: Receive, send: Send) -> None:
        close = Close.NOT_SIGNED_IN.value
        signed_out = messages.SignedOut(
            ending or close.reason, explain_ending(ending, self._presence.policy)
        )
        self._tabs.note_closed(close.reason)
        await send({"type": "websocket.send", "text": encode(signed_out)})
        await send(
            {
                "type": "websocket.close",
                "code": close.code,
                "reason": close.reason,
                "within": self._limits.turned_away,  # for our own transport
            }
        )
        await _wait_until_gone(receive)

    def _take_place(self, session: Session, now: float) -> bool:
        """Return False if the server or the session has no room for one more connection, or, as
        connecting writes rows, if too much waits for the disk or the player's budget is spent."""
        if self._sessions.is_full:
            return False
        if len(self._tabs) >= self._settings.max_connections:
            return False
        if session.connections >= self._settings.max_connections_per_session:
            return False
        try:
            if not session.connections:  # otherwise nothing is written
                self._tabs.check_budget(session, now)
            self._tabs.take_token(session, now)
        except TooManyRequests:
            return False
        return True

    # Connections of a session

    def _connection(
        self, session: Session, peer: Socket | AsgiSend, networks: tuple[str, ...]
    ) -> Connection:
        most = self._limits.waiting_messages
        return Connection(new_connection_id(), session, peer, self, most, networks)

    def _reader(self, connection: Connection) -> Reader:
        return Reader(
            connection,
            self._presence,
            self._requests,
            self,
            self._pongs,
            self._message_rate,
            self._of_players,
            self._fragments,
            self._largest_message,
            self._limits,
        )

    def _admit(self, connection: Connection) -> None:
        """Greet a connection, or close it if there is no room."""
        now = self._presence.clock.now()
        if self._take_place(connection.session, now):
            self._welcome(connection, now)
        else:
            self.close(connection, Close.TOO_MANY_CONNECTIONS, within=self._limits.turned_away)

    async def _serve(self, connection: Connection, receive: Receive) -> None:
        """Serve a connection until it closes."""
        code, is_cancelled = INTERNAL_ERROR, False
        try:
            reader = self._reader(connection)
            self._admit(connection)
            code = await _listen(reader, receive)
        except asyncio.CancelledError:
            is_cancelled = True  # only stopping the server does this
            raise
        finally:
            if code == SERVICE_RESTART and not is_cancelled:
                self._doubt_stop(connection)
            else:
                self.gone(connection, SERVICE_RESTART if is_cancelled else code)

    def _doubt_stop(self, connection: Connection) -> None:
        """An ASGI server says 1012 when it stops, and passes on that of a client. If this process
        is still there in a while, the connection was lost."""
        connection.gone()
        loop = asyncio.get_running_loop()
        loop.call_later(self._limits.stops_within, self._go_on_without, connection)

    def _go_on_without(self, connection: Connection) -> None:
        if not self._is_stopped:
            self._forget(connection, ABNORMAL)

    def _welcome(self, connection: Connection, now: float) -> None:
        session = connection.session
        self._presence.connected(session.id, now)
        if session.ended is not None or session.is_asleep:
            # Its time was over, and the ticker had not run yet.
            self._tabs.turn_away(connection)
            return
        try:
            self._greet(connection, now)
        except BaseException:
            self._presence.disconnected(session.id, has_left=False)
            raise
        # Not before: `hello` is the first message.
        self._tabs.attach(connection)

    def _greet(self, connection: Connection, now: float) -> None:
        session, policy = connection.session, self._presence.policy
        view = SessionView.of(session, policy, now)
        standing = [
            messages.Warned(round_to_ms(warning.expires_in), warning.reason)
            for warning in self._presence.standing_warnings(session.id, now)
        ]
        hello = messages.Hello(
            view.player, view.session, view.policy, __version__, connection.id, *standing[:1]
        )
        connection.send(encode(hello))
        for warned in standing:
            connection.send(encode(messages.Warning_(warned.expires_in, warned.reason)))

    # The end of a connection

    def close(self, connection: Connection, close: Close, *, within: float | None = None) -> None:
        """Close a connection because of its peer. It is detached at once, whether the peer answers
        the close or not. `within`: see `Socket.close`."""
        connection.close(close, within=within)
        self._note_closed(connection, close)
        self._forget(connection, close.value.code)

    def caught_up(self, connection: Connection) -> None:
        """The peer has taken all that was sent."""
        self._topics.caught_up(connection)

    def _note_closed(self, connection: Connection, close: Close) -> None:
        self._tabs.note_closed(close.value.reason)
        self._note_cut_off(close.value.reason, connection.session)

    def gone(self, connection: Connection, code: int) -> None:
        """The socket closed with `code`, whichever side closed it."""
        if not connection.is_closing and code in CLOSED_BY_TRANSPORT:
            self._note_closed(connection, CLOSED_BY_TRANSPORT[code])
        self._forget(connection, code)
        connection.gone()

    def _forget(self, connection: Connection, code: int) -> None:
        """Detach a connection that closed with `code`. Idempotent."""
        session, now = connection.session, self._presence.clock.now()
        is_stop = code == SERVICE_RESTART
        # Decided once, for the rooms and for presence. If the session ended or sleeps, `Tabs` has
        # detached its connections already, and its reason counts instead of the page's word.
        has_left = code in PAGE_CLOSED or session.is_page_closing(self._presence.policy, now)
        if self._tabs.detach(connection, has_left=None if is_stop else has_left) and not is_stop:
            self._presence.disconnected(session.id, now, has_left=has_left)


def _subprotocol(scope: Scope) -> str | None:
    return SUBPROTOCOL if SUBPROTOCOL in scope.get("subprotocols", ()) else None


async def _listen(reader: Reader, receive: Receive) -> int:
    """Pass every message to `reader`; return the close code."""
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return int(event.get("code") or NO_STATUS)
        text = event.get("text")
        reader.hear(event["bytes"] if text is None else text)


async def _wait_until_gone(receive: Receive) -> None:
    """Wait for the closing handshake: the transport drops a socket whose application returns."""
    while (await receive())["type"] != "websocket.disconnect":
        pass
