"""Ids: opaque, URL-safe, globally unique, each kind with a type of its own."""

import os
import secrets
from base64 import urlsafe_b64encode
from typing import NewType

PlayerId = NewType("PlayerId", str)
SessionId = NewType("SessionId", str)
ConnectionId = NewType("ConnectionId", str)
RoomId = NewType("RoomId", str)
MatchId = NewType("MatchId", str)

ID_PATTERN = r"[pscrm]_[A-Za-z0-9_-]{22}"
"""Regular expression of all ids: a letter for the kind and 128 bits in base64url."""

_BYTES = 16
"""Of an id."""

_AT_ONCE = 256
"""Ids that are drawn at a time. Each draw makes system calls that release the GIL, and take it back
only after the threads of the database."""

_SHARED = 4
"""Random bytes that the ids of a draw have in common. Rows that are inserted at about the same time
then lie together in the indexes of the database, and a batch of them changes half as many pages."""

_unused: list[str] = []


def _random() -> str:
    """Return 128 random bits, never the same twice in this process: `pop` is atomic. For names, not
    secrets: the first 32 are those of others too."""
    while True:
        try:
            return _unused.pop()
        except IndexError:
            shared, own = os.urandom(_SHARED), _BYTES - _SHARED
            drawn = os.urandom(own * _AT_ONCE)
            _unused.extend(
                urlsafe_b64encode(shared + drawn[at : at + own]).decode()[:22]
                for at in range(0, len(drawn), own)
            )


def new_player_id() -> PlayerId:
    return PlayerId("p_" + _random())


def new_session_id() -> SessionId:
    """The session's name in the API and the database; not a credential."""
    return SessionId("s_" + _random())


def new_connection_id() -> ConnectionId:
    return ConnectionId("c_" + _random())


def new_room_id() -> RoomId:
    """Any player with the id of a private room may enter it: the link contains it."""
    return RoomId("r_" + secrets.token_urlsafe(16))


def new_match_id() -> MatchId:
    return MatchId("m_" + _random())


def new_seed() -> str:
    """It determines the random numbers of a match, and is secret until the match is over."""
    return secrets.token_hex(16)
