"""Views of a session, its player and the policy, for HTTP and WebSockets."""

from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Self

import msgspec

from server.base.ids import PlayerId, SessionId
from server.base.units import from_ms, round_to_ms
from server.presence.policy import Policy
from server.presence.session import Player, Session
from server.presence.status import Status
from server.presence.warnings import warns_in

Instant = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""The format of `to_rfc3339`."""


class PlayerView(msgspec.Struct, frozen=True, gc=False):
    """A player in a roster."""

    id: PlayerId
    name: str
    guest: bool
    status: Status
    # Seconds since the last activity, as of the message; in lists, and only for an away player.
    idle_for: float | msgspec.UnsetType = msgspec.UNSET

    @classmethod
    def of(cls, player: Player) -> Self:
        return cls(player.id, player.name, player.guest, player.status)


class SessionClocks(msgspec.Struct, frozen=True, gc=False):
    """A session's times left, in seconds, rounded to milliseconds."""

    id: SessionId
    expires_in: float
    warns_in: float
    ends_in: float
    remember: bool
    # Seconds left of a hold; absent without one.
    held_for: float | msgspec.UnsetType = msgspec.UNSET
    # True if that hold is a "be right back"; absent otherwise.
    held_away: bool | msgspec.UnsetType = msgspec.UNSET


class PolicyView(msgspec.Struct, frozen=True, gc=False):
    """Durations that a page needs, in seconds. This session's end is `SessionClocks.ends_in`."""

    away_after: float
    warn_before: float
    idle_timeout: float
    session_lifetime: float
    reload_grace: float
    reconnect_grace: float

    @classmethod
    @cache
    def of(cls, policy: Policy) -> Self:
        return msgspec.convert(policy, cls, from_attributes=True)


class SignInPolicy(PolicyView, frozen=True, gc=False):
    """The policy as shown before signing in."""

    remember_lifetime: float


class SessionView(msgspec.Struct, frozen=True, gc=False):
    """The answer of `GET /api/session`, and the first part of `hello`."""

    player: PlayerView
    session: SessionClocks
    policy: PolicyView

    @classmethod
    def of(cls, session: Session, policy: Policy, now: float) -> Self:
        """Return the view of a session at the presence instant `now`."""
        held_for = session.held_for(now)
        return cls(
            PlayerView.of(session.player),
            SessionClocks(
                session.id,
                round_to_ms(session.expires_in(policy, now)),
                round_to_ms(warns_in(session, policy, now)),
                round_to_ms(session.ends_in(now)),
                session.remember,
                round_to_ms(held_for) if held_for else msgspec.UNSET,
                True if held_for and session.is_away_held else msgspec.UNSET,
            ),
            PolicyView.of(policy),
        )


def idle_for(status: Status, last_activity: float, now: float) -> float | msgspec.UnsetType:
    """Return the seconds since the last activity, to a tenth, for an away player; else UNSET."""
    if status is not Status.AWAY:
        return msgspec.UNSET
    return int(max(now - last_activity, 0.0) * 10 + 0.5) / 10


def to_rfc3339(unix_ms: int) -> str:
    """Format an instant as RFC 3339, in UTC with milliseconds."""
    instant = datetime.fromtimestamp(from_ms(unix_ms), UTC)
    return instant.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
