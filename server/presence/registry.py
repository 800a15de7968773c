"""The registry: every live session, and the rules by which its status changes.

Each method takes a fact and the instant at which it became known, and returns the resulting events.
Nothing else changes a session.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from types import MappingProxyType

from server.base.deadlines import Deadlines
from server.base.ids import PlayerId, SessionId
from server.base.units import LONG_AGO, NEVER
from server.presence.events import (
    Activity,
    DeadlineMovedUp,
    Event,
    SessionEnded,
    SessionSlept,
    SessionStarted,
    StatusChanged,
    WarningGiven,
    WarningWithdrawn,
)
from server.presence.policy import Policy
from server.presence.session import UNKNOWN_DEVICE, Device, LastActivity, Player, Session
from server.presence.status import Reason, Status, best, check_change
from server.presence.warnings import (
    SENDING,
    idle_warning_due,
    lifetime_warning_due,
    warning,
)

_NOTHING: tuple[Event, ...] = ()

_ACTIVE = Status.ACTIVE
"""A global, as `touch` compares with it at every ping, and finding an enum's member is slower."""

_RETRY = 1.0
"""Seconds until a session is looked at again whose deadline failed."""


def _raise(error: Exception, session: Session) -> None:
    raise error


class Registry:
    """All players and sessions of this process. `now` is presence time in seconds."""

    def __init__(
        self, policy: Policy, on_error: Callable[[Exception, Session], None] = _raise
    ) -> None:
        """`on_error` is called with an exception of a deadline, which is a bug, and the session."""
        self.policy = policy
        self._on_error = on_error
        self.reported: Set[PlayerId] = frozenset()
        """Players whose every activity is published as `Activity`."""
        self._players: dict[PlayerId, Player] = {}
        self._sessions: dict[SessionId, Session] = {}
        self._deadlines: Deadlines[Session] = Deadlines()
        self._touched: list[Session] = []
        # The latest instant of any fact but touches without events.
        self._latest = LONG_AGO

    # What is known

    @property
    def players(self) -> Mapping[PlayerId, Player]:
        """Every player with a live session, here or not."""
        return MappingProxyType(self._players)

    @property
    def sessions(self) -> Mapping[SessionId, Session]:
        """Every live session."""
        return MappingProxyType(self._sessions)

    def find(self, id: SessionId) -> Session | None:
        """Return the session with this id; None if it has ended or never existed."""
        return self._sessions.get(id)

    def next_deadline(self) -> float | None:
        """Return the instant at which to call `expire` next; None if no deadline is armed."""
        return self._deadlines.next_due()

    def standing_warnings(self, session: Session, now: float) -> list[WarningGiven]:
        """Return the warnings to send to a connection that opens now."""
        warnings = []
        if session.is_idle_warned:
            warnings.append(warning(session, Reason.IDLE_TIMEOUT, self.policy, now))
        if session.is_lifetime_warned:
            warnings.append(warning(session, Reason.SESSION_LIFETIME, self.policy, now))
        return warnings

    def take_touched(self, limit: int | None = None) -> list[LastActivity]:
        """Take the last activities of sessions touched since this was last called, at most `limit`,
        for the journal."""
        touched = self._touched[:limit]
        del self._touched[:limit]
        for session in touched:
            session.is_touched = False
        return [LastActivity.of(session) for session in touched if session.ended is None]

    # Facts about a session

    def sign_in(
        self,
        player: Player,
        session_id: SessionId,
        now: float,
        *,
        remember: bool = False,
        device: Device = UNKNOWN_DEVICE,
    ) -> tuple[Session, list[Event]]:
        """Start a session of `player`. Beyond the policy's number it replaces the oldest one."""
        now = self._present(now)
        player = self._players.setdefault(player.id, player)
        events: list[Event] = []
        while len(player.sessions) >= self.policy.max_sessions_per_player:
            oldest = min(player.sessions, key=lambda session: session.created_at)
            events += self._end(oldest, Reason.REPLACED, now)
        self._players[player.id] = player
        lifetime = self.policy.remember_lifetime if remember else self.policy.session_lifetime
        session = Session(session_id, player, now, now + lifetime, remember=remember, device=device)
        self._add(session)
        events.append(SessionStarted(session.id, player.id, now))
        self._settle(session, Reason.SIGNED_IN, now, events)
        self._arm(session, now)
        return session, events

    def touch(self, session: Session, now: float, by: str = "ping") -> Sequence[Event]:
        """Restart the idle clock. `by` names the activity, for the history."""
        is_active = session.status is _ACTIVE
        if not is_active:
            if session.ended is not None:
                return _NOTHING
            if session.is_away_held:
                # An activity ends a "be right back". No active session has one.
                session.hold_until = LONG_AGO
        # A request counts from its arrival, and other facts may have overtaken it.
        if now < self._latest:
            now = self._latest
        if now > session.last_activity:
            session.last_activity = now
        else:
            now = session.last_activity
        session.last_activity_by = by
        # A hold goes on: the idle clock starts when it is over.
        session.idle_from = now if session.hold_until <= now else session.hold_until
        if not session.is_touched:
            session.is_touched = True
            self._touched.append(session)
        if is_active and session.grace_until == NEVER:
            if self.reported and session.player.id in self.reported:
                return [Activity(session.id, session.player.id, self._present(now))]
            return _NOTHING
        return self._woken(session, Reason.ACTIVITY, self._present(now))

    def connected(self, session: Session, now: float) -> Sequence[Event]:
        """A connection opened: end the grace or the sleep. This is no activity."""
        if session.ended is not None:
            return _NOTHING
        now = self._present(now)
        session.connections += 1
        is_here = session.status is _ACTIVE and session.grace_until == NEVER
        if is_here and self._deadlines.is_ahead(session, now):
            return _NOTHING  # the usual case: no deadline moves forward
        if session.is_asleep:
            # Its idle clock ran out; without this it would be put to sleep again at once.
            session.idle_from = now
        session.is_absent = session.is_asleep = False
        session.grace_until = NEVER
        return self._review(session, Reason.CONNECTED, now)

    def disconnected(self, session: Session, now: float, *, has_left: bool) -> Sequence[Event]:
        """A connection closed. `has_left`: the page closed it (by its close code, or
        `Session.is_page_closing`); otherwise it was lost."""
        if session.ended is not None or session.is_asleep:
            return _NOTHING
        now = self._present(now)
        session.connections -= 1
        if session.connections:
            return _NOTHING
        session.is_absent = True
        self._start_grace(session, now, has_left=has_left)
        events: list[Event] = []
        self._settle(session, session.grace_reason, now, events)
        if session.grace_until <= now:
            events += self._review(session, session.grace_reason, now)
        self._arm(session, now)
        return events

    def leave(self, session: Session, now: float) -> Sequence[Event]:
        """The page is closing: shorten the grace if no connection is left."""
        if session.ended is not None:
            return _NOTHING
        now = self._present(now)
        session.left_at = now
        if session.connections:
            return _NOTHING
        if session.is_absent and session.grace_until == NEVER:
            return _NOTHING  # dormant already
        if session.grace_until > now + self.policy.reload_grace:
            self._start_grace(session, now, has_left=True)
            self._arm(session, now)
        return [DeadlineMovedUp(session.id, session.player.id, now)]

    def hold(
        self, session: Session, seconds: float, now: float, *, away: bool = False
    ) -> tuple[float, Sequence[Event]]:
        """Stop the idle clock for `seconds`, as far as the policy and the absolute end allow, and
        return the seconds granted. A running hold is never shortened.

        `away`: a "be right back". The player counts as idle for `away_after` at once, until an
        activity, which ends the hold. A session has one hold: `away` applies to one that is running
        as well, and a plain hold only lengthens it.
        """
        if session.ended is not None:
            return 0.0, _NOTHING
        now = self._present(now)
        until = now + max(min(seconds, self.policy.max_hold, session.ends_at - now), 0.0)
        # When the idle clock would go on without this hold.
        runs_at = max(session.hold_until, now)
        if runs_at <= now:
            session.is_away_held = False
        if away and until > now:
            session.is_away_held = True
        if (away or session.is_idle_warned) and until > now:
            # A warning has a lead: without it the player is away, which may be due in a moment.
            session.idle_from = min(session.idle_from, runs_at - self.policy.away_after)
        if until > runs_at:
            session.idle_from += until - runs_at
            session.hold_until = until
        events: list[Event] = []
        if session.hold_until > now:
            if session.is_idle_warned:
                self._withdraw_warning(session, now, events)
            self._settle(session, Reason.IDLE, now, events)
        self._arm(session, now)
        return session.held_for(now), events

    def release(self, session: Session, now: float) -> Sequence[Event]:
        """End a hold: the idle clock goes on from where it stood."""
        if session.ended is not None or session.hold_until <= now:
            return _NOTHING
        now = self._present(now)
        self._release(session, now)
        return [
            DeadlineMovedUp(session.id, session.player.id, now),
            *self._review(session, Reason.IDLE, now),
        ]

    def end(self, session: Session, reason: Reason, now: float) -> Sequence[Event]:
        """End a session for one of `ENDINGS`; do nothing if it has ended."""
        if session.ended is not None:
            return _NOTHING
        now = self._present(now)
        return self._end(session, reason, now)

    def restore(self, sessions: Iterable[Session], now: float) -> list[Event]:
        """Take over the sessions of the last process (`Session.restored`).

        Those that were here are `reconnecting`, with a fresh grace; the others are dormant. All are
        added before any changes: the end of a player's only known session would be published as
        that of the player.
        """
        now = self._present(now)
        restored = list(sessions)
        for session in restored:
            session.player = self._players.setdefault(session.player.id, session.player)
            self._add(session)
        for session in restored:
            session.player.status = best([other.status for other in session.player.sessions])
        events: list[Event] = []
        for session in restored:
            self._restore(session, now, events)
        return events

    # The fact that time has passed

    def expire(self, now: float, limit: int) -> list[Event]:
        """Handle what is due at `now`, for at most `limit` sessions; the rest stays due."""
        now = self._present(now)
        events: list[Event] = []
        for session in self._deadlines.pop_due(now, limit):
            try:
                events += self._review(session, Reason.IDLE, now)
            except Exception as error:
                # The events and deadlines of the others must not be lost, nor its own end.
                if session.ended is None:
                    self._deadlines.arm(session, now + _RETRY)
                self._on_error(error, session)
        return events

    # How a session changes

    def _present(self, now: float) -> float:
        """Return the instant of an event that happens now: never before that of an earlier
        event."""
        if now > self._latest:
            self._latest = now
        return self._latest

    def _add(self, session: Session) -> None:
        self._sessions[session.id] = session
        session.player.sessions += (session,)

    def _restore(self, session: Session, now: float, events: list[Event]) -> None:
        if session.status.is_here:
            session.grace_until = now + self.policy.reconnect_grace
            session.grace_reason = Reason.SERVER_RESTART
        elif session.remember and now >= session.idle_end_at(self.policy, now):
            session.is_asleep = True
        if not self._end_if_over(session, now, events):
            self._settle(session, Reason.SERVER_RESTART, now, events)
            self._arm(session, now)

    def _woken(self, session: Session, reason: Reason, now: float) -> list[Event]:
        """End the idle warning, the grace and the sleep after an activity."""
        events: list[Event] = []
        session.is_absent = session.is_asleep = False
        session.grace_until = NEVER
        if session.is_idle_warned:
            self._withdraw_warning(session, now, events)
        events += self._review(session, reason, now)
        player = session.player
        if session.ended is None and (player.status is Status.AWAY or player.id in self.reported):
            events.append(Activity(session.id, session.player.id, now))
        return events

    def _review(self, session: Session, reason: Reason, now: float) -> list[Event]:
        """Apply all of a session's clocks at `now`.

        `reason` is given for a change of status that no clock explains.
        """
        events: list[Event] = []
        if self._end_if_over(session, now, events):
            return events
        if session.grace_until <= now:
            session.grace_until = NEVER
            session.is_absent = True
            self._release(session, now)
            self._settle(session, session.grace_reason, now, events)
        elif not session.is_absent and not session.is_asleep:
            self._warn(session, now, events)
            self._settle(session, reason, now, events)
        self._arm(session, now)
        return events

    def _end_if_over(self, session: Session, now: float, events: list[Event]) -> bool:
        """End the session or put it to sleep if its time is over; return True if it was."""
        idle_end = session.idle_end_at(self.policy, now)
        if now >= session.ends_at and session.ends_at <= idle_end:
            events += self._end(session, Reason.SESSION_LIFETIME, now)
        elif now >= idle_end and session.remember:
            session.is_asleep = True
            session.connections = 0  # `Tabs` closes them at `SessionSlept`
            session.is_idle_warned = False
            session.warning_sent_at = None
            session.grace_until = NEVER
            self._settle(session, Reason.IDLE_TIMEOUT, now, events)
            events.append(SessionSlept(session.id, session.player.id, now))
            self._arm(session, now)
        elif now >= idle_end:
            events += self._end(session, Reason.IDLE_TIMEOUT, now)
        else:
            return False
        return True

    def _end(self, session: Session, reason: Reason, now: float) -> list[Event]:
        session.ended = reason
        self._deadlines.disarm(session)
        del self._sessions[session.id]
        player = session.player
        player.sessions = tuple(other for other in player.sessions if other is not session)
        player.last_activity_before = max(player.last_activity_before, session.last_activity)
        if not player.sessions:
            del self._players[player.id]
        events: list[Event] = []
        self._settle(session, reason, now, events)
        events.append(
            SessionEnded(
                session.id, player.id, reason, now, player.guest, is_last=not player.sessions
            )
        )
        return events

    def _warn(self, session: Session, now: float, events: list[Event]) -> None:
        """Give the warnings that are due."""
        if session.is_lifetime_warned or now >= lifetime_warning_due(session, self.policy):
            if session.connections and not session.is_lifetime_warning_sent:
                # Once: the absolute end moves for its warning only.
                session.is_lifetime_warning_sent = True
                warned_until = now + SENDING + self.policy.warn_before
                session.ends_at = max(session.ends_at, warned_until)
            if not session.is_lifetime_warned:
                session.is_lifetime_warned = True
                events.append(warning(session, Reason.SESSION_LIFETIME, self.policy, now))
        if session.warning_sent_at is None and now >= idle_warning_due(session, self.policy, now):
            is_first = not session.is_idle_warned
            session.is_idle_warned = True
            if session.connections:
                session.warning_sent_at = now + SENDING
            if is_first:
                events.append(warning(session, Reason.IDLE_TIMEOUT, self.policy, now))

    def _withdraw_warning(self, session: Session, now: float, events: list[Event]) -> None:
        session.is_idle_warned = False
        session.warning_sent_at = None
        expires_in = session.expires_in(self.policy, now)
        events.append(WarningWithdrawn(session.id, session.player.id, expires_in, now))

    def _settle(self, session: Session, reason: Reason, now: float, events: list[Event]) -> None:
        """Update the session's status from its facts; append an event if it changed."""
        before, after = session.status, self._status(session, now)
        if after is before:
            return
        if before.is_here and before is not Status.RECONNECTING:
            # If a clock had run out before this fact, the clock is the reason.
            if after is Status.AWAY:
                reason = Reason.IDLE
            elif after is Status.WARNED:
                reason = Reason.WARNING
        check_change(before, after, reason)
        player = session.player
        player_before = player.status
        session.status = after
        player.status = best([other.status for other in player.sessions])
        events.append(
            StatusChanged(
                session.id,
                player.id,
                before,
                after,
                reason,
                now,
                session.last_activity,
                session.last_activity_by,
                session.held_for(now) if session.is_away_held else 0.0,
                player.name,
                player.sort_key,
                player.guest,
                player_before,
                player.status,
                player.last_activity,
            )
        )

    def _status(self, session: Session, now: float) -> Status:
        if session.ended is not None or session.is_asleep:
            return Status.OFFLINE
        if session.is_absent:
            return Status.OFFLINE if session.grace_until == NEVER else Status.RECONNECTING
        if session.is_idle_warned or session.is_lifetime_warned:
            return Status.WARNED
        if max(now, session.hold_until) >= session.away_at(self.policy):
            return Status.AWAY
        return Status.ACTIVE

    def _start_grace(self, session: Session, now: float, *, has_left: bool) -> None:
        if has_left:
            session.grace_reason = Reason.LEFT
            session.grace_until = now + self.policy.reload_grace
        else:
            session.grace_reason = Reason.CONNECTION_LOST
            session.grace_until = now + self.policy.reconnect_grace

    def _release(self, session: Session, now: float) -> None:
        if session.hold_until > now:
            session.idle_from -= session.hold_until - now
            session.hold_until = now

    # When the deadlines of a session are

    def _arm(self, session: Session, now: float) -> None:
        if session.ended is None:
            self._deadlines.arm(session, min(self._deadlines_of(session, now)))

    def _deadlines_of(self, session: Session, now: float) -> Iterable[float]:
        policy = self.policy
        yield session.ends_at
        yield session.grace_until
        if session.is_asleep:
            return
        if session.is_absent:
            yield session.idle_end_at(policy, now)
            return
        if session.status is Status.ACTIVE:
            yield session.away_at(policy)
        if not session.is_lifetime_warned:
            yield lifetime_warning_due(session, self.policy)
        if session.is_idle_warned:
            yield session.idle_end_at(policy, now)
        else:
            yield idle_warning_due(session, self.policy, now)
