"""The messages of a client: limited, parsed, passed on and answered. Awaits nothing."""

import msgspec
from msgspec import UNSET

from server.base.ids import PlayerId
from server.base.rates import Debts, Rate, TokenBucket
from server.base.text import utf8_size
from server.presence.service import PresenceService
from server.realtime.connection import Connection, Keeper
from server.realtime.limits import Limits
from server.realtime.requests import Requests
from server.realtime.tabs import TooManyRequests
from server.rooms.errors import CommandRefused
from server.wire import messages
from server.wire.closing import Close
from server.wire.messages import encode

_MOMENT = 0.0005
"""Seconds that make no difference in a message: docs/protocol.md rounds to milliseconds."""

_ROUNDING = 1e-6
"""Seconds by which a sum of fractions may be wrong."""


class Pongs:
    """The answers to pings without an id, cached. A ping restarts the idle clock, so nearly every
    answer is the same, for whichever client."""

    def __init__(self) -> None:
        self._expires_in, self._text = -1.0, ""

    def text(self, expires_in: float) -> str:
        if not -_MOMENT < expires_in - self._expires_in < _MOMENT:
            self._expires_in, self._text = expires_in, messages.encode_pong(expires_in, UNSET)
        return self._text


class Reader:
    """Receives the messages of one connection. Answers go through the connection's outbox, so
    neither a slow peer nor the database delays an activity."""

    __slots__ = (
        "_allowance",
        "_clock",
        "_connection",
        "_errors",
        "_fragments",
        "_keeper",
        "_largest",
        "_of_player",
        "_player_id",
        "_pongs",
        "_presence",
        "_refused_rate",
        "_requests",
        "_surely_small",
    )

    def __init__(
        self,
        connection: Connection,
        presence: PresenceService,
        requests: Requests,
        keeper: Keeper,
        pongs: Pongs,
        rate: Rate | None,
        of_player: Debts[PlayerId] | None,
        fragments: Debts[PlayerId],
        largest: int,
        limits: Limits,
    ) -> None:
        """`rate`: of messages; None for no limit. `of_player`: what all connections of each player
        sent of theirs; None likewise. `fragments`: how many small ones. `largest`: bytes of a
        message."""
        self._connection = connection
        self._presence = presence
        self._clock = presence.clock
        self._requests = requests
        self._keeper = keeper
        self._pongs = pongs
        self._refused_rate = limits.refused
        self._largest = largest
        # In characters: UTF-8 takes at most four bytes for each.
        self._surely_small = largest // 4
        self._allowance = None if rate is None else TokenBucket(rate, self._clock.now())
        self._of_player = of_player
        self._fragments = fragments
        self._player_id = connection.session.player.id
        self._errors: TokenBucket | None = None

    def gone(self, code: int) -> None:
        """The socket closed with `code`."""
        self._keeper.gone(self._connection, code)

    def hear(self, data: str | bytes) -> None:
        """Handle a message."""
        connection = self._connection
        if connection.is_closing or connection.session.ended is not None:
            return  # too late: the session ended, or the peer exceeded a limit
        now = self._clock.now()
        if not self._is_allowed(now):
            self._keeper.close(connection, Close.TOO_MANY_MESSAGES)
            return
        if len(data) > self._surely_small and _size(data) > self._largest:
            self._keeper.close(connection, Close.MESSAGE_TOO_BIG)
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

    def hear_fragment(self) -> None:
        """Count a small fragment."""
        now = self._clock.now()
        self._fragments.charge(self._player_id, 1.0, now)
        if not self._connection.is_closing and self._fragments.wait(self._player_id, now):
            self._keeper.close(self._connection, Close.TOO_MANY_MESSAGES)

    def _is_allowed(self, now: float) -> bool:
        """Count a message; return False if its connection or its player sent too many."""
        if self._allowance is not None and not self._allowance.take(now):
            return False
        if self._of_player is None:
            return True
        self._of_player.charge(self._player_id, 1.0, now)
        return self._of_player.wait(self._player_id, now) < _ROUNDING

    def _answer_ping(self, ping: messages.Ping, now: float) -> None:
        # The fast path: nearly all messages are pings, thousands a second.
        session = self._connection.session
        self._presence.touch(session.id, now)
        left = session.expires_in(self._presence.policy, now)
        self._connection.send(
            self._pongs.text(left) if ping.id is UNSET else messages.encode_pong(left, ping.id)
        )

    def _do(self, request: messages.Request, now: float) -> messages.Error | None:
        """Do a request; return the error to answer if it is refused."""
        try:
            self._requests.do(self._connection, request, now)
        except CommandRefused as refused:
            tag = str(request.__struct_config__.tag)
            return messages.Error(refused.code, str(refused), tag)
        except TooManyRequests:
            self._keeper.close(self._connection, Close.TOO_MANY_MESSAGES)
        return None

    def _refuse(self, refusal: messages.Error, now: float) -> None:
        self._connection.send(encode(refusal))
        self._errors = self._errors or TokenBucket(self._refused_rate, now)
        if not self._errors.take(now):
            self._keeper.close(self._connection, Close.TOO_MANY_MESSAGES)


def _size(data: str | bytes) -> int:
    return utf8_size(data) if isinstance(data, str) else len(data)
