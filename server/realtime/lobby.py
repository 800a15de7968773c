"""What the lobby has been told, and what it has yet to be told. Pure: instants are arguments."""

import heapq
from collections.abc import Iterable

from server.ids import PlayerId
from server.presence.events import StatusChanged
from server.presence.session import Player
from server.presence.status import Status
from server.realtime.messages import LOBBY, ChangedPlayer, Presence, Roster
from server.views import PlayerView

ROSTER_WINDOW = 1000
"""Players a roster lists; of a larger lobby it has the first by name, and the total."""

SETTLING = 0.5
"""Seconds until a dropped connection is shown: a reload takes less, and nobody need see it."""


class Lobby:
    """Who is here, as its watchers know it: the latest value of each player, and the changes
    since. A leave and a return between two diffs cancel out."""

    def __init__(self) -> None:
        self.version = 0
        self._told: dict[PlayerId, PlayerView] = {}
        # What is true by now (None: not here), and when it may be told.
        self._untold: dict[PlayerId, tuple[PlayerView | None, float]] = {}

    def __len__(self) -> int:
        """How many players the watchers know of."""
        return len(self._told)

    def begin(self, players: Iterable[Player]) -> None:
        """Start with those of `players` who are here, as if that had been told long ago."""
        self._untold.clear()
        self._told = {
            player.id: _view(player, player.status) for player in players if player.status.is_here
        }

    def note(self, event: StatusChanged, now: float) -> None:
        """Take in a change; one that leaves the player as they were is nobody's business."""
        if event.player_before is event.player_after:
            return
        player = event.session.player
        status = event.player_after
        view = _view(player, status) if status.is_here else None
        due = now + SETTLING if status is Status.RECONNECTING else now
        self._untold[player.id] = view, due

    def next_due(self) -> float | None:
        """When there will be something to tell; None: nothing has changed."""
        return min((due for _, due in self._untold.values()), default=None)

    def has_news(self, now: float) -> bool:
        """Whether there is something to tell by now."""
        due = self.next_due()
        return due is not None and due <= now

    def take_diff(self, now: float) -> Presence | None:
        """What is due to be told, as the next version; None if that amounts to nothing."""
        joined: list[PlayerView] = []
        changed: list[ChangedPlayer] = []
        left: list[PlayerId] = []
        due = [id for id, (_, due) in self._untold.items() if due <= now]
        for id in due:
            after, _ = self._untold.pop(id)
            before = self._told.get(id)
            if after == before:
                continue
            if after is None:
                del self._told[id]
                left.append(id)
            else:
                self._told[id] = after
                if before is None:
                    joined.append(after)
                else:
                    changed.append(ChangedPlayer(id, after.status))
        if not (joined or changed or left):
            return None
        self.version += 1
        return Presence(LOBBY, self.version, joined, changed, left, len(self._told))

    def roster(self) -> Roster:
        """Everything that was told, up to the present version."""
        first = heapq.nsmallest(
            ROSTER_WINDOW, self._told.values(), key=lambda view: (view.name.casefold(), view.id)
        )
        return Roster(LOBBY, self.version, first, len(self._told))


def _view(player: Player, status: Status) -> PlayerView:
    return PlayerView(player.id, player.name, player.guest, status)
