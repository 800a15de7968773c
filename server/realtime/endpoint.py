"""`/ws`: a plain ASGI application that lets a session's tab in and listens to it.

The reader awaits nothing but the next message. What it answers goes through the connection's
outbox, so neither a slow peer nor the database keeps it from hearing an activity.
"""

import asyncio
import logging
from typing import assert_never

from msgspec import UNSET
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from server import __version__
from server.accounts.sessions import Sessions
from server.clock import Clock
from server.credentials import is_own_origin, session_cookie
from server.ids import new_connection_id
from server.presence.explain import explain_ending
from server.presence.registry import Registry
from server.presence.session import Session
from server.presence.status import Reason
from server.presence.stream import EventStream
from server.realtime import messages
from server.realtime.closing import LEFT, SERVICE_RESTART, Close
from server.realtime.connection import Connection
from server.realtime.hub import Hub
from server.realtime.limiter import TokenBucket
from server.realtime.messages import LARGEST_MESSAGE, encode
from server.realtime.routing import deny
from server.realtime.tabs import Tabs
from server.settings import Settings
from server.views import SessionView, to_milliseconds

_log = logging.getLogger("stillhere.realtime")

SUBPROTOCOL = "stillhere.v1"

MOST_BAD = 100
"""Refused messages a connection may send in one go before it is closed; one more a second."""


_SURELY_SMALL = LARGEST_MESSAGE // 4
"""Characters: UTF-8 takes four bytes for one at the most."""

_MOMENT = 0.0005
"""Seconds that make no difference to a message, which is rounded to milliseconds."""

_CLOSED_BY_US = 0
_INTERNAL_ERROR = 1011


class WebSocketEndpoint:
    """Serves `/ws`."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        registry: Registry,
        stream: EventStream,
        sessions: Sessions,
        tabs: Tabs,
        hub: Hub,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._registry = registry
        self._stream = stream
        self._sessions = sessions
        self._tabs = tabs
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        origin = Headers(scope=scope).get("origin")
        if origin is not None and not is_own_origin(scope, origin, self._settings.allowed_origins):
            detail = f"A page of {origin[:200]} may not connect here."
            await deny(scope, send, 403, "cross_origin", detail)
            return
        found = await self._sessions.find(session_cookie(scope))
        offered = scope.get("subprotocols", ())
        await send(
            {
                "type": "websocket.accept",
                "subprotocol": SUBPROTOCOL if SUBPROTOCOL in offered else None,
            }
        )
        if isinstance(found, Session) and found.ended is not None:
            found = found.ended  # while the socket was being accepted
        if isinstance(found, Session):
            await self._serve(found, receive, send)
        else:
            await self._turn_away(found, receive, send)

    # Those who do not come in

    async def _turn_away(self, ending: Reason | None, receive: Receive, send: Send) -> None:
        close = Close.NOT_SIGNED_IN.value
        farewell = messages.SignedOut(
            ending or close.reason, explain_ending(ending, self._registry.policy)
        )
        self._tabs.note_closed(close.reason)
        await send({"type": "websocket.send", "text": encode(farewell)})
        await send({"type": "websocket.close", "code": close.code, "reason": close.reason})
        await _wait_until_gone(receive)

    def _is_full(self, session: Session) -> bool:
        return (
            len(self._tabs) >= self._settings.max_connections
            or session.connections >= self._settings.max_connections_per_session
        )

    # Those who do

    async def _serve(self, session: Session, receive: Receive, send: Send) -> None:
        connection = Connection(new_connection_id(), session, send, self._hub.caught_up)
        if self._is_full(session):
            self._close(connection, Close.TOO_MANY_CONNECTIONS)
            await _wait_until_gone(receive)
            return
        code = _INTERNAL_ERROR
        try:
            self._welcome(connection)
            code = await self._listen(connection, receive)
        except asyncio.CancelledError:
            code = SERVICE_RESTART  # nobody but the server's own end cancels a reader
            raise
        finally:
            self._forget(connection, code)
        if code == _CLOSED_BY_US:
            await _wait_until_gone(receive)

    def _welcome(self, connection: Connection) -> None:
        session = connection.session
        policy = self._registry.policy
        now = self._clock.now()
        self._stream.publish(self._registry.connected(session, now))
        view = SessionView.of(session, policy, now)
        standing = [
            messages.Warned(to_milliseconds(warning.expires_in), warning.reason)
            for warning in self._registry.standing_warnings(session, now)
        ]
        hello = messages.Hello(
            view.player, view.session, view.policy, __version__, connection.id, *standing[:1]
        )
        connection.send(encode(hello))
        for warned in standing:
            connection.send(encode(messages.Warning_(warned.expires_in, warned.reason)))
        # Only now: nothing is sent before `hello`.
        self._tabs.attach(connection)

    async def _listen(self, connection: Connection, receive: Receive) -> int:
        """Returns the code with which the connection went."""
        clock = self._clock
        session = connection.session
        policy = self._registry.policy
        touch = self._registry.touch
        rate = self._settings.max_messages_per_second
        allowance = TokenBucket(rate, 2 * rate, clock.now()) if rate else None
        forbearance: TokenBucket | None = None
        answered, pong = -1.0, ""
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                return int(event.get("code") or 1005)
            if connection.is_closing:
                continue  # said too late: the session is over, or the peer broke a limit
            now = clock.now()
            if allowance is not None and not allowance.take(now):
                self._close(connection, Close.TOO_MANY_MESSAGES)
                return _CLOSED_BY_US
            text = event.get("text")
            if (text is None or len(text) > _SURELY_SMALL) and _size(event) > LARGEST_MESSAGE:
                self._close(connection, Close.MESSAGE_TOO_BIG)
                return _CLOSED_BY_US
            if text is None:
                refusal = messages.Error("invalid", "Binary frames are not spoken here.")
            else:
                message = messages.parse(text)
                if isinstance(message, messages.Ping):
                    # Nearly every message is one, so it is answered here, in as few steps as it
                    # takes: a thousand players who play send thousands a second.
                    events = touch(session, now)
                    if events:
                        self._stream.publish(events)
                    left = session.expires_in(policy, now)
                    # A ping leaves all of the idle time ahead, so most answers are the last one.
                    if message.id is not UNSET or not -_MOMENT < left - answered < _MOMENT:
                        pong = messages.encode_pong(left, message.id)
                        answered = left if message.id is UNSET else -1.0
                    connection.send(pong)
                    continue
                if not isinstance(message, messages.Error):
                    refused = self._act(connection, message, now)
                    if refused is None:
                        continue
                    refusal = refused
                else:
                    refusal = message
            connection.send(encode(refusal))
            forbearance = forbearance or TokenBucket(1.0, MOST_BAD, now)
            if not forbearance.take(now):
                self._close(connection, Close.TOO_MANY_MESSAGES)
                return _CLOSED_BY_US

    def _act(
        self, connection: Connection, message: messages.Request, now: float
    ) -> messages.Error | None:
        """Do what a message asks for, and answer it; returns an error if it is refused."""
        session = connection.session
        registry = self._registry
        match message:
            case messages.Hold(seconds=seconds):
                granted, events = registry.hold(session, seconds, now)
                self._stream.publish(events)
                self._answer_hold(connection, granted, now)
            case messages.Release():
                self._stream.publish(registry.release(session, now))
                self._answer_hold(connection, 0.0, now)
            case messages.Watch(topic=topic):
                if topic != messages.LOBBY:
                    return _no_such_topic(topic, "watch")
                self._hub.watch(connection)
            case messages.Unwatch(topic=topic):
                if topic != messages.LOBBY:
                    return _no_such_topic(topic, "unwatch")
                self._hub.unwatch(connection)
            case _ as unreachable:
                assert_never(unreachable)
        return None

    def _answer_hold(self, connection: Connection, granted: float, now: float) -> None:
        left = connection.session.expires_in(self._registry.policy, now)
        connection.send(encode(messages.Held(to_milliseconds(granted), to_milliseconds(left))))

    def _close(self, connection: Connection, close: Close) -> None:
        connection.close(close)
        self._tabs.note_closed(close.value.reason)
        _log.info("closed %s of %s: %s", connection.id, connection.session.id, close.value.reason)

    def _forget(self, connection: Connection, code: int) -> None:
        """Once and for all, whoever noticed first that the connection is over."""
        self._hub.unwatch(connection)
        if self._tabs.detach(connection) and code != SERVICE_RESTART:
            now = self._clock.now()
            self._stream.publish(
                self._registry.disconnected(connection.session, now, has_left=code in LEFT)
            )
        if code != _CLOSED_BY_US:
            connection.gone()


async def _wait_until_gone(receive: Receive) -> None:
    """The closing handshake needs a reader, and the server drops a socket whose app returns."""
    while (await receive())["type"] != "websocket.disconnect":
        pass


def _size(event: Message) -> int:
    text = event.get("text")
    return len(event.get("bytes") or b"") if text is None else len(text.encode())


def _no_such_topic(topic: str, re: str) -> messages.Error:
    return messages.Error("unknown_topic", f"There is no topic {topic[:50]!r}.", re)
