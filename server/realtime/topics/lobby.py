"""The topic `lobby`: the players who are here, and their status.

There are two clocks. `now` is the loop's time, for what is due to be sent; `at` is presence time,
for how long a player has been idle.
"""

import heapq
from collections.abc import Collection, Iterable, Mapping

import msgspec

from server.base.clock import Clock
from server.base.ids import PlayerId
from server.base.units import NEVER
from server.presence.events import Activity, StatusChanged
from server.presence.session import Player
from server.presence.status import Status
from server.realtime.limits import Limits
from server.realtime.topics.topic import Common, Topic
from server.wire.messages import LOBBY, ChangedPlayer, Presence, Roster, encode
from server.wire.views import PlayerView, idle_for

_NO_VERSION = -1
"""The version before the first roster."""


class _Entry(msgspec.Struct, gc=False):
    """A player who is here, as of the last change of status."""

    id: PlayerId
    name: str
    sort_key: str
    guest: bool
    status: Status
    last_activity: float

    def touch(self, at: float) -> None:
        """Update the last activity."""
        self.last_activity = at

    def view(self, at: float) -> PlayerView:
        idle = idle_for(self.status, self.last_activity, at)
        return PlayerView(self.id, self.name, self.guest, self.status, idle)


class Lobby:
    """The players who are here, as known to the watchers, and the changes since. Pure: instants are
    arguments.

    Only the latest change of each player counts: leaving and returning between two diffs cancel
    out. Passing time is no change.
    """

    def __init__(self, away_after: float, limits: Limits) -> None:
        """`away_after`: seconds until a player is away."""
        self.version = 0
        self._away_after = away_after
        self._limits = limits
        self._known: dict[PlayerId, _Entry] = {}
        # The latest value of each (None: not here), and the instant from which it may be sent.
        self._changes: dict[PlayerId, tuple[_Entry | None, float]] = {}
        # No change is due before this.
        self._next_due = NEVER

    def begin(self, players: Iterable[Player]) -> None:
        """Start with those of `players` who are here; this is no change."""
        self._changes.clear()
        self._next_due = NEVER
        self._known = {
            player.id: _Entry(
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
        """Record a change of the player's status."""
        if event.player_before is event.player_after:
            return
        status = event.player_after
        entry = None
        if status.is_here:
            entry = _Entry(
                event.player_id,
                event.name,
                event.sort_key,
                event.guest,
                status,
                event.player_last_activity,
            )
        due = now + self._limits.settling if status is Status.RECONNECTING else now
        self._changes[event.player_id] = entry, due
        self._next_due = min(self._next_due, due)

    def note_activity(self, id: PlayerId, at: float) -> None:
        """Record an activity of a player who stays away."""
        known, (after, _) = self._known.get(id), self._changes.get(id, (None, 0.0))
        for each in (known, after):
            if each is not None:
                each.touch(at)

    def next_due(self) -> float | None:
        """Return an instant before which no change is due; None if there is no change."""
        return self._next_due if self._changes else None

    def take_diff(self, now: float, at: float) -> Presence | None:
        """Return the changes that are due, as the next version; None if nothing changed."""
        joined: list[PlayerView] = []
        changed: list[ChangedPlayer] = []
        left: list[PlayerId] = []
        for id in [id for id, (_, due) in self._changes.items() if due <= now]:
            after, _ = self._changes.pop(id)
            before = self._known.get(id)
            if after is None:
                if before is not None:
                    del self._known[id]
                    left.append(id)
                continue
            # Even without a change of status, as the last activity may differ.
            self._known[id] = after
            if before is None:
                joined.append(after.view(at))
            elif after.status is not before.status:
                changed.append(ChangedPlayer(id, after.status, self._unusually_idle(after, at)))
        self._next_due = min((due for _, due in self._changes.values()), default=NEVER)
        if not (joined or changed or left):
            return None
        self.version += 1
        return Presence(LOBBY, self.version, joined, changed, left, len(self._known))

    def _unusually_idle(self, entry: _Entry, at: float) -> float | msgspec.UnsetType:
        """Return `idle_for` if it differs from `away_after` by more than a late change explains."""
        idle = idle_for(entry.status, entry.last_activity, at)
        if idle is not msgspec.UNSET and abs(idle - self._away_after) > self._limits.usual_lateness:
            return idle
        return msgspec.UNSET

    def roster(self, at: float) -> Roster:
        """Return the players known to the watchers, as of the present version."""
        first = heapq.nsmallest(
            self._limits.roster_window,
            self._known.values(),
            key=lambda entry: (entry.sort_key, entry.id),
        )
        players = [entry.view(at) for entry in first]
        return Roster(LOBBY, self.version, players, len(self._known))


class LobbyTopic(Topic[None]):
    """Sends rosters and diffs of the lobby. Subscribes to the events of presence.

    Cost: a diff is encoded once; a roster once a version, and once a second if a player in it is
    away, as `idle_for` grows.
    """

    def __init__(self, common: Common, clock: Clock, away_after: float) -> None:
        super().__init__(common, None)
        self.fastest = common.limits.lobby_pace
        self.lobby = Lobby(away_after, common.limits)
        self._clock = clock
        self._roster_text = ""
        self._roster_version = _NO_VERSION
        self._roster_until = NEVER

    def hear(self, event: StatusChanged | Activity) -> None:
        """Subscriber: record changes of status and activities."""
        if isinstance(event, StatusChanged):
            self.lobby.note(event, self._time())
            self.changed()
        else:
            self.lobby.note_activity(event.player_id, event.at)

    def next_due(self) -> float | None:
        return self.lobby.next_due()

    def take(self, now: float, keys: Collection[None]) -> list[Mapping[None, str]]:
        diff = self.lobby.take_diff(now, self._clock.now())
        self.version = self.lobby.version
        return [] if diff is None else [{None: encode(diff)}]

    def whole(self, key: None) -> str:
        at = self._clock.now()
        if self._roster_version != self.version or at >= self._roster_until:
            roster = self.lobby.roster(at)
            self._roster_text = encode(roster)
            self._roster_version = self.version
            ages = any(player.idle_for is not msgspec.UNSET for player in roster.players)
            self._roster_until = at + self._limits.roster_kept_for if ages else NEVER
        return self._roster_text
