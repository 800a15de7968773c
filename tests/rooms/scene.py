"""A match that waits for one of its players, for tests of the AFK rules."""

from server.base.units import NEVER
from server.games.catalogue import AnyGame
from server.games.game import AfkPolicy
from server.presence.session import Player
from tests.rooms.games import Turns, variant
from tests.rooms.world import World, seat_of, seat_seen

MOVE = 60.0


class Scene:
    """A match of turns between Ada and others; it waits for Ada."""

    def __init__(self, seats: int = 2, game: type[AnyGame] = Turns, **policy: object) -> None:
        rules = AfkPolicy(**policy)  # type: ignore[arg-type]
        self.world = World(variant(game, policy=rules, most=seats))
        self.players = self.world.players(seats)
        self.ada, self.kim = self.players[:2]
        self.room, self.match = self.world.match(game.name, *self.players)

    def clock(self, player: Player) -> float | None:
        """The seconds that a player has left; None if no clock runs."""
        until = seat_of(self.room, player).runs_out_at
        return None if until == NEVER else round(until - self.world.now, 3)

    def seen(self, player: Player) -> dict[str, object]:
        return seat_seen(self.world, self.room, player)


def assert_waits_for(scene: Scene, *players: Player) -> None:
    """Check that the match waits for these players, and that no other clock runs."""
    clocks = [player for player in scene.players if scene.clock(player) is not None]
    assert clocks == list(players)
