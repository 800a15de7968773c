"""Every close code that the server and its clients use: its number, its name, and what it asks of a
client.

4500-4599: do not come back, the session is over. Every other code, 4400-4499 among them: come back,
with jitter. The table in the protocol document and the client in `static/` are tested against this
one, and no other module of the server has numbers of its own.
"""

from dataclasses import dataclass
from enum import Enum

from server.presence.status import ENDINGS, Reason


@dataclass(frozen=True, slots=True)
class Closing:
    """A close code and the word that goes with it."""

    code: int
    reason: str


class Close(Enum):
    """The codes this server closes with for reasons of its own."""

    MESSAGE_TOO_BIG = Closing(1009, "message_too_big")
    TOO_SLOW = Closing(4400, "too_slow")
    TOO_MANY_MESSAGES = Closing(4401, "too_many_messages")
    TOO_MANY_CONNECTIONS = Closing(4402, "too_many_connections")
    NOT_SIGNED_IN = Closing(4500, "not_signed_in")
    IDLE_TIMEOUT = Closing(4501, "idle_timeout")
    SESSION_LIFETIME = Closing(4502, "session_lifetime")
    SIGNED_OUT = Closing(4503, "signed_out")
    KICKED = Closing(4504, "kicked")
    REPLACED = Closing(4505, "replaced")


# Those of the WebSocket protocol (RFC 6455, 7.4.1, and its registry at IANA). The reason that is
# sent with one says what was wrong.

NORMAL = 1000
"""Whoever closes has nothing more to say."""
GOING_AWAY = 1001
"""A page that is left."""
PROTOCOL_ERROR = 1002
"""A frame that the protocol does not allow."""
INVALID_TEXT = 1007
"""Text, or a reason, that is not UTF-8."""
POLICY_VIOLATION = 1008
"""What no other code says."""
TOO_BIG = Close.MESSAGE_TOO_BIG.value.code
INTERNAL_ERROR = 1011
"""A bug of the server's, or a peer that answers no ping."""
SERVICE_RESTART = 1012
"""What a socket is closed with when this process stops: its player has not left."""

NO_STATUS = 1005
"""Stands for the code of a close frame that has none. Never sent."""
ABNORMAL = 1006
"""Stands for the code of a connection that ended without a close frame. Never sent."""

MAY_BE_SENT = frozenset({*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)})

# Those of clients

PAGE_CLOSED = frozenset({NORMAL, GOING_AWAY})
"""What a page closes its socket with when it is closed or left on purpose: its player has left."""

GIVEN_UP = 4000
"""What a client closes with that lost confidence in the connection, and comes back."""

CLOSED_BY_TRANSPORT = {
    each.value.code: each for each in (Close.MESSAGE_TOO_BIG, Close.TOO_MANY_MESSAGES)
}
"""What the transport may close with by itself; the disconnect event has the code."""

_SESSION_OVER = range(4500, 4600)
_REASONS = {each.value.code: each.value.reason for each in Close}

_BY_ENDING = {ending: Close[ending.name] for ending in ENDINGS - {Reason.SIGNED_OUT_EVERYWHERE}}
_BY_ENDING[Reason.SIGNED_OUT_EVERYWHERE] = Close.SIGNED_OUT


def close_for(ending: Reason) -> Close:
    """How to close the sockets of a session that ended for this reason."""
    return _BY_ENDING[ending]


def ends_session(code: int) -> bool:
    """Whether a client must not come back after this code. The whole range says so: also a code
    that this version does not know."""
    return code in _SESSION_OVER


def reason_of(code: int) -> str:
    """The word that goes with a code; `signed_out` for a code of that range without one."""
    return _REASONS.get(code, "signed_out")
