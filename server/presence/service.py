"""Commands on presence. Each applies one fact and publishes the resulting events, so that no caller
can forget to.

Sessions are given by id; a command for one that has ended does nothing. `at` is the presence
instant at which the fact became known, if that was before the call (a request counts from its
arrival); without it the command reads the clock, once.
"""

from collections.abc import Callable, Iterable, Mapping, Set

from server.base.clock import Clock
from server.base.ids import PlayerId, SessionId
from server.presence.events import EventStream, WarningGiven
from server.presence.policy import Policy
from server.presence.registry import Registry
from server.presence.session import UNKNOWN_DEVICE, Device, Player, Session
from server.presence.status import Reason


class PresenceService:
    """The registry, its clock, and the stream of its events."""

    def __init__(self, registry: Registry, stream: EventStream, clock: Clock) -> None:
        self.clock = clock
        self.policy: Policy = registry.policy
        """The durations of presence."""
        self._registry = registry
        self._stream = stream

    # What is known

    @property
    def players(self) -> Mapping[PlayerId, Player]:
        """Every player with a session, here or not."""
        return self._registry.players

    @property
    def sessions(self) -> Mapping[SessionId, Session]:
        """Every session that has not ended."""
        return self._registry.sessions

    def standing_warnings(self, id: SessionId, at: float | None = None) -> list[WarningGiven]:
        """Return the warnings to send to a connection that opens now."""
        session = self._registry.find(id)
        if session is None:
            return []
        return self._registry.standing_warnings(session, self._instant(at))

    def publish_activity_of(self, players: Set[PlayerId]) -> None:
        """Publish an `Activity` for every activity of a player in `players`, from now on. The set
        is looked up at each activity, so its owner may go on changing it."""
        self._registry.reported = players

    # Commands

    def sign_in(
        self,
        player: Player,
        id: SessionId,
        at: float | None = None,
        *,
        remember: bool = False,
        device: Device = UNKNOWN_DEVICE,
        before_publishing: Callable[[Session], None] = lambda _: None,
    ) -> Session:
        """Start a session of `player`. Beyond the policy's number it replaces the oldest one.
        `before_publishing` is called with the session before any subscriber."""
        session, events = self._registry.sign_in(
            player, id, self._instant(at), remember=remember, device=device
        )
        before_publishing(session)
        self._stream.publish(events)
        return session

    def touch(self, id: SessionId, at: float | None = None, by: str = "ping") -> None:
        """Restart the idle clock. `by` names the activity, for the history."""
        session = self._registry.find(id)
        if session is not None:
            events = self._registry.touch(session, self.clock.now() if at is None else at, by)
            if events:  # rarely: most calls are pings of active players
                self._stream.publish(events)

    def connected(self, id: SessionId, at: float | None = None) -> None:
        """A connection of the session opened."""
        session = self._registry.find(id)
        if session is not None:
            self._stream.publish(self._registry.connected(session, self._instant(at)))

    def disconnected(self, id: SessionId, at: float | None = None, *, has_left: bool) -> None:
        """A connection of the session closed: see `Registry.disconnected`."""
        session = self._registry.find(id)
        if session is not None:
            self._stream.publish(
                self._registry.disconnected(session, self._instant(at), has_left=has_left)
            )

    def leave(self, id: SessionId, at: float | None = None) -> None:
        """The page is closing: the grace after its last connection is short."""
        session = self._registry.find(id)
        if session is not None:
            self._stream.publish(self._registry.leave(session, self._instant(at)))

    def hold(
        self, id: SessionId, seconds: float, at: float | None = None, *, away: bool = False
    ) -> float:
        """Stop the idle clock; return the seconds granted. `away`: a "be right back", which counts
        as away until an activity. See `Registry.hold`."""
        session = self._registry.find(id)
        if session is None:
            return 0.0
        granted, events = self._registry.hold(session, seconds, self._instant(at), away=away)
        self._stream.publish(events)
        return granted

    def release(self, id: SessionId, at: float | None = None) -> None:
        """End a hold: the idle clock goes on from where it stood."""
        session = self._registry.find(id)
        if session is not None:
            self._stream.publish(self._registry.release(session, self._instant(at)))

    def end(self, id: SessionId, reason: Reason, at: float | None = None) -> None:
        """End a session for one of `ENDINGS`, in memory. `accounts/sessions.py` makes it
        durable."""
        session = self._registry.find(id)
        if session is not None:
            self._stream.publish(self._registry.end(session, reason, self._instant(at)))

    def restore(self, sessions: Iterable[Session], at: float | None = None) -> None:
        """Take over the sessions of the last process: see `Session.restored`."""
        self._stream.publish(self._registry.restore(sessions, self._instant(at)))

    # Time

    def next_deadline(self) -> float | None:
        """Return the instant at which to call `expire` next; None if no deadline is armed."""
        return self._registry.next_deadline()

    def expire(self, at: float | None = None, *, limit: int) -> None:
        """Handle what is due, for at most `limit` sessions."""
        self._stream.publish(self._registry.expire(self._instant(at), limit))

    def _instant(self, at: float | None) -> float:
        return self.clock.now() if at is None else at
