"""The queue of quick match."""

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from server.base.ids import PlayerId
from server.games.catalogue import AnyGame
from server.presence.session import Player
from server.presence.status import Status


class Waiting(NamedTuple):
    """A player in the queue. `game`: the name of the one they want; None: any."""

    player: Player
    game: str | None

    def wants(self, game: AnyGame) -> bool:
        return self.game is None or self.game == game.name


class Queue:
    """Players in order of arrival, in which they are served."""

    def __init__(self) -> None:
        self._waiting: dict[PlayerId, Waiting] = {}
        self._by_game: Counter[str | None] = Counter()
        # The number last sent to each.
        self._numbers_sent: dict[PlayerId, int] = {}
        self.is_changed = False
        """True if the queue changed since the last `take_changes`."""

    @property
    def waiting(self) -> Mapping[PlayerId, Waiting]:
        return MappingProxyType(self._waiting)

    def enter(self, player: Player, game: str | None) -> None:
        """Add a player. One who is waiting keeps their place and changes the game."""
        self._remove_from_counts(player.id)
        self._waiting[player.id] = Waiting(player, game)
        self._by_game[game] += 1
        self.is_changed = True

    def leave(self, player_id: PlayerId) -> Waiting | None:
        """Remove a player; return their entry, None if there was none."""
        self._remove_from_counts(player_id)
        return self._waiting.pop(player_id, None)

    def number_waiting(self, game: str | None) -> int:
        """Return the number of players who wait for `game`, or for any."""
        if game is None:
            return len(self._waiting)
        return self._by_game[game] + self._by_game[None]

    def take_changes(self) -> list[tuple[Waiting, int]]:
        """Return the entries for which `number_waiting` changed since it was sent, with it."""
        changes: list[tuple[Waiting, int]] = []
        self.is_changed = False
        for id, waiting in self._waiting.items():
            number = self.number_waiting(waiting.game)
            if self._numbers_sent.get(id) != number:
                self._numbers_sent[id] = number
                changes.append((waiting, number))
        return changes

    def party(self, games: Iterable[AnyGame]) -> tuple[AnyGame, list[Waiting]] | None:
        """Return the first game that enough players wait for, and these players. Players who were
        just cut off keep their place and are not served."""
        ready = [
            waiting for waiting in self._waiting.values() if waiting.player.status is Status.ACTIVE
        ]
        # Games that a player asked for come before those that would do for any.
        for game in sorted(games, key=lambda game: all(each.game != game.name for each in ready)):
            party = [waiting for waiting in ready if waiting.wants(game)]
            if len(party) >= game.least:
                return game, party[: game.most]
        return None

    def _remove_from_counts(self, player_id: PlayerId) -> None:
        waiting = self._waiting.get(player_id)
        if waiting is not None:
            self._by_game[waiting.game] -= 1
            self._numbers_sent.pop(player_id, None)
            self.is_changed = True
