"""The queue of quick match."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from server.base.ids import PlayerId
from server.base.units import LONG_AGO, NEVER
from server.games.catalogue import AnyGame
from server.presence.session import Player
from server.presence.status import Status


class Waiting(NamedTuple):
    """A player in the queue. `game`: the name of the one they want; None: any. `is_behind`: they
    are served after the others, as they do not come to the seats that are kept for them."""

    player: Player
    game: str | None
    since: float
    is_behind: bool

    def wants(self, game: AnyGame) -> bool:
        return self.game is None or self.game == game.name


class Queue:
    """Players in order of arrival, in which they are served, but for those who are behind. Instants
    are presence time."""

    def __init__(self, pace: float, patience: float) -> None:
        """`pace`: seconds between two rounds in which those who wait are told how many they are;
        `patience`: for which they are brought together with nobody who is behind."""
        self._pace = pace
        self._patience = patience
        self._waiting: dict[PlayerId, Waiting] = {}
        self._by_game: Counter[str | None] = Counter()
        # The number last sent to each.
        self._numbers_sent: dict[PlayerId, int] = {}
        # Those who are still to be looked at in this round, the last first.
        self._round: list[PlayerId] = []
        self._round_began = LONG_AGO
        self._next_round = NEVER

    @property
    def waiting(self) -> Mapping[PlayerId, Waiting]:
        return MappingProxyType(self._waiting)

    def enter(self, player: Player, game: str | None, now: float, *, is_behind: bool) -> None:
        """Add a player. One who is waiting keeps their place and changes the game."""
        before = self._waiting.get(player.id)
        since = now if before is None else before.since
        self._remove_from_counts(player.id, now)
        self._waiting[player.id] = Waiting(player, game, since, is_behind)
        self._by_game[game] += 1
        self._changed(now)

    def leave(self, player_id: PlayerId, now: float) -> Waiting | None:
        """Remove a player; return their entry, None if there was none."""
        self._remove_from_counts(player_id, now)
        return self._waiting.pop(player_id, None)

    def number_waiting(self, game: str | None) -> int:
        """Return the number of players who wait for `game`, or for any."""
        if game is None:
            return len(self._waiting)
        return self._by_game[game] + self._by_game[None]

    def take_change(self, player_id: PlayerId) -> tuple[Waiting, int] | None:
        """Return the entry of a player and `number_waiting`, if that changed since it was sent; it
        counts as sent. None if it did not, or they do not wait."""
        if self._is_told(player_id):
            return None
        waiting = self._waiting[player_id]
        number = self._numbers_sent[player_id] = self.number_waiting(waiting.game)
        return waiting, number

    def take_changes(self, now: float, limit: int) -> list[tuple[Waiting, int]]:
        """Look at the next `limit` players of the round, and return the changes of these: see
        `take_change`. A round that is due begins."""
        if self._next_round <= now and not self._round:
            self._round = list(reversed(self._waiting))
            self._round_began, self._next_round = now, NEVER
        looked_at = self._round[-limit:]
        del self._round[-limit:]
        changes = [self.take_change(each) for each in reversed(looked_at)]
        return [change for change in changes if change is not None]

    def next_due(self) -> float:
        """Return when to call `take_changes`; NEVER if nobody is to be told: who waits alone
        usually knows it."""
        if len(self._waiting) < 2 and all(map(self._is_told, self._waiting)):
            return NEVER
        return self._round_began if self._round else self._next_round

    def in_order(self) -> list[Waiting]:
        """Return those who wait, in the order in which they are served."""
        return sorted(self._waiting.values(), key=lambda each: each.is_behind)  # stable

    def patience_ends(self, now: float) -> float:
        """Return when somebody has waited so long that those who are behind are good enough; NEVER
        if there are none of these, or nobody else."""
        if not any(each.is_behind for each in self._waiting.values()):
            return NEVER
        ends = (each.since + self._patience for each in self._waiting.values())
        return min((end for end in ends if end > now), default=NEVER)

    def party(
        self, games: Iterable[AnyGame], may_open: Callable[[PlayerId], bool], now: float
    ) -> tuple[AnyGame, list[Player]] | None:
        """Return the first game that enough players wait for, and these players. Players who were
        just cut off, or for whom no room may be opened, keep their place and are not served."""
        ready = [
            waiting
            for waiting in self._waiting.values()
            if waiting.player.status is Status.ACTIVE and may_open(waiting.player.id)
        ]
        # Games that a player asked for come before those that would do for any.
        for game in sorted(games, key=lambda game: all(each.game != game.name for each in ready)):
            wanting = [waiting for waiting in ready if waiting.wants(game)]
            party = [each for each in wanting if not each.is_behind]
            if len(party) < game.least:
                since = now - self._patience
                party = [each for each in wanting if each.is_behind or each.since <= since]
            if len(party) >= game.least:
                return game, [each.player for each in party[: game.most]]
        return None

    def _is_told(self, player_id: PlayerId) -> bool:
        """Return True if a player does not wait, or the number last sent to them is right."""
        waiting = self._waiting.get(player_id)
        return waiting is None or (
            self._numbers_sent.get(player_id) == self.number_waiting(waiting.game)
        )

    def _remove_from_counts(self, player_id: PlayerId, now: float) -> None:
        waiting = self._waiting.get(player_id)
        if waiting is not None:
            self._by_game[waiting.game] -= 1
            self._numbers_sent.pop(player_id, None)
            self._changed(now)

    def _changed(self, now: float) -> None:
        if self._next_round == NEVER or self._next_round < now:  # nobody was to be told by then
            self._next_round = max(now, self._round_began + self._pace)
