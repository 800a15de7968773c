"""A player, their sessions, and the clocks of each session."""

from typing import NamedTuple

from server.base.ids import PlayerId, SessionId
from server.base.units import LONG_AGO, NEVER
from server.presence.policy import Policy
from server.presence.status import Reason, Status

_ROUNDING = 1e-6
"""Seconds. A hold adds to `idle_from` and a release subtracts again; without this tolerance
rounding could make an idle player active without an activity."""


class Player:
    """An account with at least one session, registered or guest. Only the registry changes it."""

    __slots__ = (
        "_registered_at",
        "guest",
        "id",
        "last_activity_before",
        "name",
        "sessions",
        "sort_key",
        "status",
    )

    def __init__(
        self,
        id: PlayerId,
        name: str,
        sort_key: str,
        *,
        guest: bool,
        last_activity_before: float = LONG_AGO,
        registered_at: float = LONG_AGO,
    ) -> None:
        self.id = id
        self.name = name
        self.sort_key = sort_key
        self.guest = guest
        self.status = Status.OFFLINE
        # Nearly always one: a tuple takes a quarter of a dict's memory.
        self.sessions: tuple[Session, ...] = ()
        # The latest activity of sessions that have ended.
        self.last_activity_before = last_activity_before
        self._registered_at = registered_at

    def registered_for(self, now: float) -> float | None:
        """Return for how many seconds the player has been registered; None for a guest."""
        return None if self.guest else now - self._registered_at

    @property
    def last_activity(self) -> float:
        """The latest activity in any present or past session, as a presence instant."""
        present = (session.last_activity for session in self.sessions)
        return max(self.last_activity_before, max(present, default=LONG_AGO))


class Device(NamedTuple):
    """Browser and system at sign-in; None if unknown. No rule depends on it."""

    browser: str | None = None
    system: str | None = None


UNKNOWN_DEVICE = Device()


class Session:
    """One signed-in browser. Only the registry changes it. Instants are presence time.

    The idle clock is one number, `idle_from`: the instant from which idleness counts. Activity sets
    it to the present; a hold moves it ahead by its own length.
    """

    __slots__ = (
        "connections",
        "created_at",
        "device",
        "ended",
        "ends_at",
        "grace_reason",
        "grace_until",
        "hold_until",
        "id",
        "idle_from",
        "is_absent",
        "is_asleep",
        "is_away_held",
        "is_idle_warned",
        "is_lifetime_warned",
        "is_lifetime_warning_sent",
        "is_touched",
        "last_activity",
        "last_activity_by",
        "left_at",
        "player",
        "remember",
        "slot",
        "status",
        "warning_sent_at",
    )

    def __init__(
        self,
        id: SessionId,
        player: Player,
        created_at: float,
        ends_at: float,
        *,
        remember: bool,
        device: Device = UNKNOWN_DEVICE,
    ) -> None:
        self.id = id
        self.player = player
        self.created_at = created_at
        self.ends_at = ends_at
        self.remember = remember
        self.device = device
        self.status = Status.OFFLINE
        self.ended: Reason | None = None

        self.last_activity = created_at
        self.last_activity_by = "sign-in"
        self.is_touched = False
        self.idle_from = created_at
        self.hold_until = LONG_AGO
        # The latest hold is, or was, a "be right back": the player is away until it ends.
        self.is_away_held = False
        self.is_idle_warned = False
        # When the idle warning was sent; None also if there was no connection to send it to.
        self.warning_sent_at: float | None = None
        self.is_lifetime_warned = False
        self.is_lifetime_warning_sent = False

        self.connections = 0
        # The last connection closed, and neither a connection nor an activity came since.
        self.is_absent = False
        # A remembered session past its idle timeout: no idle clock runs until it is used again.
        self.is_asleep = False
        self.grace_until = NEVER
        self.grace_reason = Reason.CONNECTION_LOST
        self.left_at = LONG_AGO

        self.slot: int | None = None

    @classmethod
    def restored(
        cls,
        id: SessionId,
        player: Player,
        created_at: float,
        ends_at: float,
        *,
        remember: bool,
        status: Status,
        last_activity: float,
        last_activity_by: str = "sign-in",
        idle_from: float | None = None,
        device: Device = UNKNOWN_DEVICE,
    ) -> "Session":
        """Return a session of the last process with the status it had, and without connections.
        `idle_from` is the last activity by default."""
        session = cls(id, player, created_at, ends_at, remember=remember, device=device)
        session.status = status
        session.last_activity = last_activity
        session.last_activity_by = last_activity_by
        session.idle_from = last_activity if idle_from is None else idle_from
        session.is_absent = True
        return session

    def __repr__(self) -> str:
        return f"<Session {self.id} of {self.player.name!r}: {self.status}>"

    def held_for(self, now: float) -> float:
        """Return the seconds left of a hold; 0 without one."""
        left = self.hold_until - now
        return left if left > 0.0 else 0.0

    def away_at(self, policy: Policy) -> float:
        """Return the instant from which the player counts as away; before the end of a hold if
        they do so all the while."""
        return self.idle_from + policy.away_after - _ROUNDING

    def idle_warning_at(self, policy: Policy) -> float:
        """Return the instant at which the idle warning is due."""
        return max(self.idle_from + policy.idle_timeout - policy.warn_before, self.hold_until)

    def idle_end_at(self, policy: Policy, now: float) -> float:
        """Return the instant at which the idle timeout ends this session, as things stand.

        With a connection it is never less than `warn_before` after the warning was sent: a warning
        that was late, or that a returning player is sent, moves the end.
        """
        if self.is_asleep:
            return NEVER
        end = max(self.idle_from + policy.idle_timeout, self.hold_until)
        if self.warning_sent_at is not None:
            return max(end, self.warning_sent_at + policy.warn_before)
        if self.connections:
            return max(end, max(self.idle_warning_at(policy), now) + policy.warn_before)
        return end

    def expires_in(self, policy: Policy, now: float) -> float:
        """Return the seconds until this session ends, by whichever of its clocks is first."""
        end = self.idle_from + policy.idle_timeout
        warns_at = end - policy.warn_before
        if (
            self.warning_sent_at is not None
            or self.is_asleep
            or warns_at < now
            or warns_at < self.hold_until
        ):
            # Only then the full calculation: this runs at every ping.
            end = self.idle_end_at(policy, now)
        left = (end if end < self.ends_at else self.ends_at) - now
        return left if left > 0.0 else 0.0

    def is_page_closing(self, policy: Policy, now: float) -> bool:
        """Return True if its page said a moment ago that it is closing: a connection that closes
        now was closed by it, whatever its close code."""
        return now - self.left_at <= policy.reload_grace

    def ends_in(self, now: float) -> float:
        """Return the seconds until the absolute end."""
        return max(self.ends_at - now, 0.0)


class LastActivity(NamedTuple):
    """The last activity of a session (`at`, `by`) and of its player, with their statuses."""

    session_id: SessionId
    status: Status
    at: float
    by: str
    player_id: PlayerId
    player_status: Status
    player_at: float

    @classmethod
    def of(cls, session: Session) -> "LastActivity":
        player = session.player
        return cls(
            session.id,
            session.status,
            session.last_activity,
            session.last_activity_by,
            player.id,
            player.status,
            player.last_activity,
        )
