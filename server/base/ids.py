"""Ids: opaque, URL-safe, globally unique, each kind with a type of its own."""

import secrets
from typing import NewType

PlayerId = NewType("PlayerId", str)
SessionId = NewType("SessionId", str)
ConnectionId = NewType("ConnectionId", str)
RoomId = NewType("RoomId", str)
MatchId = NewType("MatchId", str)

ID_PATTERN = r"[pscrm]_[A-Za-z0-9_-]{22}"
"""Regular expression of all ids: a letter for the kind and 128 random bits in base64url."""


def new_player_id() -> PlayerId:
    return PlayerId("p_" + secrets.token_urlsafe(16))


def new_session_id() -> SessionId:
    """The session's name in the API and the database; not a credential."""
    return SessionId("s_" + secrets.token_urlsafe(16))


def new_connection_id() -> ConnectionId:
    return ConnectionId("c_" + secrets.token_urlsafe(16))


def new_room_id() -> RoomId:
    """Any player with the id of a private room may enter it: the link contains it."""
    return RoomId("r_" + secrets.token_urlsafe(16))


def new_match_id() -> MatchId:
    return MatchId("m_" + secrets.token_urlsafe(16))


def new_seed() -> str:
    """It determines the random numbers of a match, and is secret until the match is over."""
    return secrets.token_hex(16)
