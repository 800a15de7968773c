"""What the lobby has been told, and what it has yet to be told. Pure: instants are arguments.

There are two clocks. `now` is the loop's, by which it is decided what is due to be told; `at` is
presence time, from which follows for how long somebody who is away has done nothing.
"""

import heapq
from collections.abc import Iterable

import msgspec

from server.base.ids import PlayerId
from server.presence.events import StatusChanged
from server.presence.session import Player
from server.presence.status import Status
from server.wire.messages import LOBBY, ChangedPlayer, Presence, Roster
from server.wire.views import PlayerView, idle_for

ROSTER_WINDOW = 1000
"""Players a roster lists; of a larger lobby it has the first by name, and the total."""

_USUAL = 2.5
"""Seconds by which a change to away may be late: the slowest pace of a lobby, and some."""

SETTLING = 0.5
"""Seconds until a dropped connection is shown: a reload takes less, and nobody need see it."""


class _Here(msgspec.Struct, gc=False):
    """A player who is here, as they were at the last change of status."""

    id: PlayerId
    name: str
    sort_key: str
    guest: bool
    status: Status
    last_activity: float

    def view(self, at: float) -> PlayerView:
        idle = idle_for(self.status, self.last_activity, at)
        return PlayerView(self.id, self.name, self.guest, self.status, idle)


class Lobby:
    """Who is here, as its watchers know it: the latest value of each player, and the changes
    since. A leave and a return between two diffs cancel out; that time passes for somebody who is
    away is no change."""

    def __init__(self, away_after: float) -> None:
        """`away_after`, in seconds: how long whoever is newly away has done nothing, as a rule."""
        self.version = 0
        self._away_after = away_after
        self._told: dict[PlayerId, _Here] = {}
        # What is true by now (None: not here), and when it may be told.
        self._untold: dict[PlayerId, tuple[_Here | None, float]] = {}

    def __len__(self) -> int:
        """How many players the watchers know of."""
        return len(self._told)

    def begin(self, players: Iterable[Player]) -> None:
        """Start with those of `players` who are here, as if that had been told long ago."""
        self._untold.clear()
        self._told = {
            player.id: _Here(
                player.id,
                player.name,
                player.sort_key,
                player.guest,
                player.status,
                player.last_activity,
            )
            for player in players
            if player.status.is_here
        }

    def note(self, event: StatusChanged, now: float) -> None:
        """Take in a change; one that leaves the player as they were is nobody's business."""
        if event.player_before is event.player_after:
            return
        status = event.player_after
        here = None
        if status.is_here:
            here = _Here(
                event.player_id,
                event.name,
                event.sort_key,
                event.guest,
                status,
                event.player_last_activity,
            )
        due = now + SETTLING if status is Status.RECONNECTING else now
        self._untold[event.player_id] = here, due

    def note_activity(self, id: PlayerId, at: float) -> None:
        """Take in an activity of a player who is away and stays so."""
        here, (after, _) = self._told.get(id), self._untold.get(id, (None, 0.0))
        for each in (here, after):
            if each is not None:
                each.last_activity = at

    def next_due(self) -> float | None:
        """When there will be something to tell; None: nothing has changed."""
        return min((due for _, due in self._untold.values()), default=None)

    def has_news(self, now: float) -> bool:
        """Whether there is something to tell by now."""
        due = self.next_due()
        return due is not None and due <= now

    def take_diff(self, now: float, at: float) -> Presence | None:
        """What is due to be told, as the next version; None if that amounts to nothing."""
        joined: list[PlayerView] = []
        changed: list[ChangedPlayer] = []
        left: list[PlayerId] = []
        due = [id for id, (_, due) in self._untold.items() if due <= now]
        for id in due:
            after, _ = self._untold.pop(id)
            before = self._told.get(id)
            if after is None:
                if before is not None:
                    del self._told[id]
                    left.append(id)
                continue
            # Also without a change of status: the last activity may be another one.
            self._told[id] = after
            if before is None:
                joined.append(after.view(at))
            elif after.status is not before.status:
                changed.append(ChangedPlayer(id, after.status, self._unusually_idle(after, at)))
        if not (joined or changed or left):
            return None
        self.version += 1
        return Presence(LOBBY, self.version, joined, changed, left, len(self._told))

    def _unusually_idle(self, here: _Here, at: float) -> float | msgspec.UnsetType:
        """For how long somebody has done nothing, where their being away does not say that."""
        idle = idle_for(here.status, here.last_activity, at)
        is_told = idle is not msgspec.UNSET and abs(idle - self._away_after) > _USUAL
        return idle if is_told else msgspec.UNSET

    def roster(self, at: float) -> Roster:
        """Everything that was told, up to the present version."""
        first = heapq.nsmallest(
            ROSTER_WINDOW,
            self._told.values(),
            key=lambda here: (here.sort_key, here.id),
        )
        players = [here.view(at) for here in first]
        return Roster(LOBBY, self.version, players, len(self._told))
