"""Quick match: those who look for somebody to play with. Who is away is not looked for."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from server.base.ids import PlayerId
from server.games.catalogue import AnyGame
from server.presence.session import Player
from server.presence.status import Status


class Waiting(NamedTuple):
    """`game`: the name of the one they want; None: any."""

    player: Player
    game: str | None

    def wants(self, game: AnyGame) -> bool:
        return self.game is None or self.game == game.name


class Queue:
    """In the order in which they came, which is the order in which they are served."""

    def __init__(self) -> None:
        self._waiting: dict[PlayerId, Waiting] = {}

    @property
    def waiting(self) -> Mapping[PlayerId, Waiting]:
        return MappingProxyType(self._waiting)

    def enter(self, player: Player, game: str | None) -> None:
        """Whoever waits already keeps their place, and may change what they want."""
        self._waiting[player.id] = Waiting(player, game)

    def leave(self, player_id: PlayerId) -> Waiting | None:
        """Who that was; None: they did not wait."""
        return self._waiting.pop(player_id, None)

    def rivals(self, waiting: Waiting) -> list[Waiting]:
        """Those who might play with them, themselves included."""
        return [
            other
            for other in self._waiting.values()
            if waiting.game is None or other.game is None or other.game == waiting.game
        ]

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
