"""The queue of quick match: the players who look for others, and how many of them there are."""

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from server.base.ids import PlayerId
from server.games.catalogue import AnyGame
from server.presence.session import Player
from server.presence.status import Status


class Waiting(NamedTuple):
    """A player who looks for others. `game`: the name of the one they want; None: any."""

    player: Player
    game: str | None

    def wants(self, game: AnyGame) -> bool:
        return self.game is None or self.game == game.name


class Queue:
    """Players in the order in which they came, which is the order in which they are served."""

    def __init__(self) -> None:
        self._waiting: dict[PlayerId, Waiting] = {}
        self._by_game: Counter[str | None] = Counter()
        # The number of rivals that each was sent last.
        self._rivals_sent: dict[PlayerId, int] = {}
        self.is_changed = False
        """True if somebody came or left since the last `take_changes`."""

    @property
    def waiting(self) -> Mapping[PlayerId, Waiting]:
        return MappingProxyType(self._waiting)

    def enter(self, player: Player, game: str | None) -> None:
        """Add a player. One who waits already keeps their place, and may change the game; they are
        told how many wait, whether that has changed or not."""
        self._remove_from_counts(player.id)
        self._waiting[player.id] = Waiting(player, game)
        self._by_game[game] += 1
        self.is_changed = True

    def leave(self, player_id: PlayerId) -> Waiting | None:
        """Remove a player; returns what they waited for, None if they did not."""
        self._remove_from_counts(player_id)
        return self._waiting.pop(player_id, None)

    def rivals(self, game: str | None) -> int:
        """How many wait for `game`, or for one that may be it."""
        if game is None:
            return len(self._waiting)
        return self._by_game[game] + self._by_game[None]

    def take_changes(self) -> list[tuple[Waiting, int]]:
        """Those whose number of rivals is another one than they were told, with that number."""
        changes: list[tuple[Waiting, int]] = []
        self.is_changed = False
        for id, waiting in self._waiting.items():
            rivals = self.rivals(waiting.game)
            if self._rivals_sent.get(id) != rivals:
                self._rivals_sent[id] = rivals
                changes.append((waiting, rivals))
        return changes

    def party(self, games: Iterable[AnyGame]) -> tuple[AnyGame, list[Waiting]] | None:
        """The first game for which enough are waiting, and who they are. Those who were just cut
        off keep their place, and are not served."""
        ready = [
            waiting for waiting in self._waiting.values() if waiting.player.status is Status.ACTIVE
        ]
        # A game that somebody asked for goes before one that is anybody's.
        for game in sorted(games, key=lambda game: all(each.game != game.name for each in ready)):
            party = [waiting for waiting in ready if waiting.wants(game)]
            if len(party) >= game.least:
                return game, party[: game.most]
        return None

    def _remove_from_counts(self, player_id: PlayerId) -> None:
        waiting = self._waiting.get(player_id)
        if waiting is not None:
            self._by_game[waiting.game] -= 1
            self._rivals_sent.pop(player_id, None)
            self.is_changed = True
