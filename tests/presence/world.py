"""A registry on a clock that the test moves, and short names for its events."""

from collections.abc import Sequence
from itertools import count

from server.base.ids import PlayerId, SessionId
from server.presence.events import Event, SessionEnded, StatusChanged, WarningGiven
from server.presence.policy import Policy
from server.presence.session import Player, Session
from server.presence.status import Reason, Status
from tests.support.invariants import Watched


class World:
    """A registry, a clock, and all events."""

    def __init__(self, **figures: float) -> None:
        self.registry = Watched(Policy(**figures))  # type: ignore[arg-type]
        self.now = 0.0
        self.heard: list[Event] = []
        self._ids = count()

    def player(self, name: str = "Ada") -> Player:
        return Player(PlayerId(f"p{next(self._ids)}"), name, name.lower(), guest=True)

    def session(self, player: Player | None = None, *, remember: bool = False) -> Session:
        session, events = self.registry.sign_in(
            player or self.player(), SessionId(f"s{next(self._ids)}"), self.now, remember=remember
        )
        self.heard += events
        return session

    def tab(self, session: Session | None = None) -> Session:
        session = session or self.session()
        self.do(self.registry.connected(session, self.now))
        return session

    def do(self, events: Sequence[Event]) -> Sequence[Event]:
        self.heard += events
        return events

    def until(self, instant: float) -> list[Event]:
        """Let time pass; return the events of deadlines."""
        happened: list[Event] = []
        while (due := self.registry.next_deadline()) is not None and due <= instant:
            happened += self.registry.expire(max(due, self.now), limit=100)
        self.heard += happened
        self.now = instant
        return happened

    def drop(self, session: Session) -> Sequence[Event]:
        """Lose a connection, as the endpoint tells it: a page may have said that it closes."""
        has_left = session.is_page_closing(self.registry.policy, self.now)
        return self.do(self.registry.disconnected(session, self.now, has_left=has_left))

    def close(self, session: Session) -> Sequence[Event]:
        return self.do(self.registry.disconnected(session, self.now, has_left=True))

    def ping(self, session: Session) -> Sequence[Event]:
        return self.do(self.registry.touch(session, self.now))


def changes(events: Sequence[Event]) -> list[tuple[Status, Reason]]:
    return [(each.after, each.reason) for each in events if isinstance(each, StatusChanged)]


def warnings(events: Sequence[Event]) -> list[tuple[Reason, float]]:
    return [
        (each.reason, round(each.expires_in, 1))
        for each in events
        if isinstance(each, WarningGiven)
    ]


def ended(events: Sequence[Event]) -> list[Reason]:
    return [each.reason for each in events if isinstance(each, SessionEnded)]
