"""Every close code that the server and its clients use: its number, its name, and what a client
must do.

4500-4599: do not reconnect, the session has ended. All others, 4400-4499 among them: reconnect,
with jitter. The table in docs/protocol.md and the client in `static/` are tested against this one,
and no other module of the server has numbers of its own.
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
    """The codes that this server closes with for reasons of its own."""

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


# Codes of the WebSocket protocol (RFC 6455, 7.4.1, and its registry at IANA). The reason sent with
# one says what was wrong.

NORMAL = 1000
"""The purpose of the connection is fulfilled."""
GOING_AWAY = 1001
"""The page was left."""
PROTOCOL_ERROR = 1002
"""A frame that the protocol does not allow."""
INVALID_TEXT = 1007
"""Text, or a close reason, that is not UTF-8."""
POLICY_VIOLATION = 1008
"""Used if no other code fits."""
TOO_BIG = Close.MESSAGE_TOO_BIG.value.code
INTERNAL_ERROR = 1011
"""A bug of the server, or a peer that does not answer pings."""
SERVICE_RESTART = 1012
"""This process stops: the player of the socket has not left."""

NO_STATUS = 1005
"""Stands for a close frame without a code. Never sent."""
ABNORMAL = 1006
"""Stands for a connection that ended without a close frame. Never sent."""

MAY_BE_SENT = frozenset({*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)})

# Codes of clients

PAGE_CLOSED = frozenset({NORMAL, GOING_AWAY})
"""Sent when a page is closed or left on purpose: its player has left."""

GIVEN_UP = 4000
"""Sent by a client that gave up the connection, and reconnects."""

CLOSED_BY_TRANSPORT = {
    each.value.code: each for each in (Close.MESSAGE_TOO_BIG, Close.TOO_MANY_MESSAGES)
}
"""What the transport closes with by itself; the disconnect event has the code."""

SAID_BY_SERVER = frozenset({SERVICE_RESTART, *CLOSED_BY_TRANSPORT})
"""Codes that in a disconnect event mean that this server closed the connection."""

_SESSION_OVER = range(4500, 4600)
_REASONS = {each.value.code: each.value.reason for each in Close}

_BY_ENDING = {ending: Close[ending.name] for ending in ENDINGS - {Reason.SIGNED_OUT_EVERYWHERE}}
_BY_ENDING[Reason.SIGNED_OUT_EVERYWHERE] = Close.SIGNED_OUT


def close_for(ending: Reason) -> Close:
    """Return how to close the sockets of a session that ended for this reason."""
    return _BY_ENDING[ending]


def ends_session(code: int) -> bool:
    """Return True if a client must not reconnect after this code. Holds for the whole range, as a
    newer server may use more codes of it."""
    return code in _SESSION_OVER


def reason_of(code: int) -> str:
    """Return the word for a code; `signed_out` for one that is not known."""
    return _REASONS.get(code, "signed_out")
