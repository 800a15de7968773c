"""Ids: opaque, URL-safe, globally unique, and of a type of their own each."""

import secrets
from typing import NewType

PlayerId = NewType("PlayerId", str)
SessionId = NewType("SessionId", str)
ConnectionId = NewType("ConnectionId", str)
RoomId = NewType("RoomId", str)
MatchId = NewType("MatchId", str)

ID_PATTERN = r"[pscrm]_[A-Za-z0-9_-]{22}"
"""Every id as a regular expression: a letter for its kind and 128 random bits in base64url."""


def new_player_id() -> PlayerId:
    return PlayerId("p_" + secrets.token_urlsafe(16))


def new_session_id() -> SessionId:
    """Names a session in the API and the database; knowing it signs nobody in."""
    return SessionId("s_" + secrets.token_urlsafe(16))


def new_connection_id() -> ConnectionId:
    return ConnectionId("c_" + secrets.token_urlsafe(16))


def new_room_id() -> RoomId:
    """Knowing it lets one into a private room: it is in the link."""
    return RoomId("r_" + secrets.token_urlsafe(16))


def new_match_id() -> MatchId:
    return MatchId("m_" + secrets.token_urlsafe(16))


def new_seed() -> str:
    """Determines the dice of a match, so it is secret until the match is over."""
    return secrets.token_hex(16)
