"""Who pays for the rows of a player beside them: the networks they came in from, for as long as
there can be rows of theirs.
"""

from collections import Counter

from starlette.types import Scope

from server.base.ids import PlayerId, RoomId
from server.budget.budget import Budget
from server.presence.events import SessionEnded
from server.presence.service import PresenceService
from server.presence.session import Player
from server.rooms.events import MatchEnded, MatchStarted, RoomClosed
from server.wire.credentials import place_of


def note_return(budget: Budget, player: Player, scope: Scope, now: float) -> None:
    """A player of the last process pays by the place from which they come back."""
    if not budget.knows(player.id):
        budget.let_in(player.id, place_of(scope).networks, player.registered_for(now))


class Payers:
    """Subscribes to the events of presence and of rooms. A player is forgotten who has no session
    left, and no match: a bot may go on for them, at their cost."""

    def __init__(self, presence: PresenceService, budget: Budget) -> None:
        self._presence = presence
        self._budget = budget
        self._players: dict[RoomId, tuple[PlayerId, ...]] = {}
        self._matches = Counter[PlayerId]()

    def hear(self, event: SessionEnded) -> None:
        """Subscriber: a session ended."""
        if event.is_last and event.player_id not in self._matches:
            self._budget.forget(event.player_id)

    def hear_rooms(self, event: MatchStarted | MatchEnded | RoomClosed) -> None:
        """Subscriber: a match began, or ended."""
        if isinstance(event, MatchStarted):
            self._players[event.room_id] = tuple(id for id, _ in event.players)
            self._matches.update(self._players[event.room_id])
            return
        for id in self._players.pop(event.room_id, ()):
            self._matches[id] -= 1
            if not self._matches[id]:
                del self._matches[id]
                if id not in self._presence.players:
                    self._budget.forget(id)
