"""Which sessions have their idle clock stopped because of a match.

A player who watches a match, or waits for others in it, is not idle, for at most `max_hold` since
their last activity. A player whom the match waits for is.

A pure rule: takes facts about sessions, returns decisions. The caller applies them as holds of
presence, and reports what was granted.
"""

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from server.base.ids import SessionId
from server.base.units import LONG_AGO


class Watching(NamedTuple):
    """A session with a connection in a room, or watching it. Instants are presence time."""

    session_id: SessionId
    is_waited_for: bool
    last_activity: float
    hold_until: float
    is_away_held: bool


class StartHold(NamedTuple):
    """Stop the idle clock of a session for so many seconds."""

    session_id: SessionId
    seconds: float


class EndHold(NamedTuple):
    """Let the idle clock of a session go on."""

    session_id: SessionId


Decision: TypeAlias = StartHold | EndHold


class Holds:
    """The sessions held because of a match, and until when."""

    def __init__(self, max_hold: float) -> None:
        self._max_hold = max_hold
        self._until: dict[SessionId, float] = {}

    def review(self, watching: Iterable[Watching], now: float) -> list[Decision]:
        """Decide for the sessions in a room with a running match."""
        decisions: list[Decision] = []
        for session in watching:
            if session.is_waited_for:
                decisions += self.end([session])
                continue
            allowed = session.last_activity + self._max_hold - now
            # One hold at a time: one for a match, which the player may have ended, or the player's
            # own.
            until = max(session.hold_until, self._until.get(session.session_id, LONG_AGO))
            if allowed > 0 and until <= now and not session.is_away_held:
                decisions.append(StartHold(session.session_id, allowed))
        return decisions

    def end(self, watching: Iterable[Watching]) -> list[Decision]:
        """Decide for sessions no longer concerned with a match."""
        decisions: list[Decision] = []
        for session in watching:
            until = self._until.pop(session.session_id, None)
            # The player may have taken another hold since, which must not be ended here.
            if until is not None and session.hold_until == until and not session.is_away_held:
                decisions.append(EndHold(session.session_id))
        return decisions

    def granted(self, session_id: SessionId, until: float) -> None:
        """A `StartHold` was applied, and lasts until this instant."""
        self._until[session_id] = until

    def forget(self, session_id: SessionId) -> None:
        """A session ended or sleeps. Idempotent."""
        self._until.pop(session_id, None)
