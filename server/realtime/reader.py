"""What a connection receives: limited, parsed, handed on and answered. Awaits nothing."""

from collections.abc import Callable

import msgspec
from msgspec import UNSET

from server.base.limits import TokenBucket
from server.presence.service import Presence
from server.realtime.connection import Connection
from server.realtime.limits import Limits
from server.realtime.requests import Requests, TooManyRequests
from server.wire import messages
from server.wire.closing import Close
from server.wire.messages import encode

_MOMENT = 0.0005
"""Seconds that make no difference to a message, which is rounded to milliseconds."""


class Reader:
    """Hears one connection. What it answers goes through the connection's outbox, so neither a
    slow peer nor the database keeps it from hearing an activity."""

    __slots__ = (
        "_allowance",
        "_answered",
        "_clock",
        "_close",
        "_connection",
        "_errors",
        "_limits",
        "_pong",
        "_presence",
        "_requests",
        "_surely_small",
    )

    def __init__(
        self,
        connection: Connection,
        presence: Presence,
        requests: Requests,
        close: Callable[[Connection, Close], None],
        rate: float,
        limits: Limits,
    ) -> None:
        """`close` closes a connection that breaks a limit. `rate`: messages a second, bursts of
        twice that, 0: no limit."""
        self._connection = connection
        self._presence = presence
        self._clock = presence.clock
        self._requests = requests
        self._close = close
        self._limits = limits
        # In characters: UTF-8 takes at most four bytes for one.
        self._surely_small = limits.largest_message // 4
        self._allowance = TokenBucket(rate, 2 * rate, self._clock.now()) if rate else None
        self._errors: TokenBucket | None = None
        # The last answer to a ping, and its `expires_in`.
        self._answered, self._pong = -1.0, ""

    def hear(self, data: str | bytes) -> None:
        """Take a message."""
        connection = self._connection
        if connection.is_closing or connection.session.ended is not None:
            return  # said too late: the session is over, or the peer broke a limit
        now = self._clock.now()
        if self._allowance is not None and not self._allowance.take(now):
            self._close(connection, Close.TOO_MANY_MESSAGES)
            return
        if len(data) > self._surely_small and _size(data) > self._limits.largest_message:
            self._close(connection, Close.MESSAGE_TOO_BIG)
            return
        message = (
            messages.parse(data)
            if isinstance(data, str)
            else messages.Error("invalid", "Binary frames are not spoken here.")
        )
        if isinstance(message, messages.Ping):
            self._answer_ping(message, now)
        elif isinstance(message, messages.Error):
            self._refuse(message, now)
        else:
            refusal = self._do(message, now)
            id = UNSET if message.id is None else message.id
            if refusal is not None:
                self._refuse(msgspec.structs.replace(refusal, id=id), now)
            elif id is not UNSET:
                connection.send(encode(messages.Done(id)))

    def _answer_ping(self, ping: messages.Ping, now: float) -> None:
        # Nearly every message is one, so this is done in as few steps as it takes: a thousand
        # players who play send thousands a second.
        session = self._connection.session
        self._presence.touch(session.id, now)
        left = session.expires_in(self._presence.policy, now)
        # A ping leaves all of the idle time ahead, so most answers are the last one.
        if ping.id is not UNSET or not -_MOMENT < left - self._answered < _MOMENT:
            self._pong = messages.encode_pong(left, ping.id)
            self._answered = left if ping.id is UNSET else -1.0
        self._connection.send(self._pong)

    def _do(self, request: messages.Request, now: float) -> messages.Error | None:
        try:
            return self._requests.do(self._connection, request, now)
        except TooManyRequests:
            self._close(self._connection, Close.TOO_MANY_MESSAGES)
            return None

    def _refuse(self, refusal: messages.Error, now: float) -> None:
        self._connection.send(encode(refusal))
        self._errors = self._errors or TokenBucket(1.0, self._limits.refused_burst, now)
        if not self._errors.take(now):
            self._close(self._connection, Close.TOO_MANY_MESSAGES)


def _size(data: str | bytes) -> int:
    return len(data.encode() if isinstance(data, str) else data)
