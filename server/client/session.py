"""The state of the player's session: its clocks, warnings, and hold."""

from collections.abc import Callable

from server.client.codec import Received
from server.presence.status import Reason, Status
from server.wire.messages import Extended, Held, Hello, Pong, SessionNow, Warning_
from server.wire.views import PlayerView, PolicyView, SessionView

_View = SessionView | Hello | SessionNow


class SessionState:
    """Follows one session by the server's messages. Instants are on the clock `now`."""

    def __init__(self, view: _View, now: Callable[[], float]) -> None:
        self._now = now
        self.warnings: dict[Reason, float] = {}
        """The standing warnings, and the instants of what they warn of."""
        self.take(view)

    def take(self, view: _View) -> None:
        """Update from a session view, of any call or message."""
        now = self._now()
        self.player: PlayerView = view.player
        self.id = view.session.id
        self.is_remembered = view.session.remember
        self.policy: PolicyView = view.policy
        self.expires_at = now + view.session.expires_in
        self.ends_at = now + view.session.ends_in
        held_for = view.session.held_for
        self.held_until = now + held_for if isinstance(held_for, float) else now
        # A warning may have been withdrawn while there was no connection.
        if view.session.warns_in > 0:
            self.warnings.clear()
        elif view.session.expires_in > view.policy.warn_before + 1:
            self.warnings.pop(Reason.IDLE_TIMEOUT, None)

    def hear(self, message: Received) -> None:
        """Handle a message."""
        now = self._now()
        match message:
            case Hello() | SessionNow():
                self.take(message)
            case Warning_():
                self.warnings[message.reason] = now + message.expires_in
                self.expires_at = min(self.expires_at, now + message.expires_in)
            case Pong() | Extended():
                self.warnings.pop(Reason.IDLE_TIMEOUT, None)
                self.expires_at = now + message.expires_in
            case Held():
                self.held_until = now + message.seconds
                self.expires_at = now + message.expires_in
                if message.seconds:
                    self.warnings.pop(Reason.IDLE_TIMEOUT, None)
            case _:
                pass

    @property
    def is_warned(self) -> bool:
        """True if a warning stands. An activity withdraws the one of `idle_timeout`; that of
        `session_lifetime` stays."""
        return bool(self.warnings)

    @property
    def status(self) -> Status:
        """The player's status as of the last view, or `warned`."""
        return Status.WARNED if Reason.IDLE_TIMEOUT in self.warnings else self.player.status

    @property
    def expires_in(self) -> float:
        """Seconds until the session ends if nothing is done."""
        return max(self.expires_at - self._now(), 0.0)

    @property
    def held_for(self) -> float:
        """Seconds left of a hold; 0 without one."""
        return max(self.held_until - self._now(), 0.0)
