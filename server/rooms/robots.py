"""The bots that sit in rooms as opponents. (A bot that plays for an absent player is no robot.)

There are as many as can sit in one room, for each strength; every room has the same ones. They have
rows in the database, as matches refer to their players: ids and names never change.
"""

from collections.abc import Mapping
from types import MappingProxyType

from server.base.ids import PlayerId
from server.games.catalogue import AnyGame
from server.games.game import Level
from server.presence.session import Player
from server.presence.status import Status

MOST = 15
"""Robots in a room."""

LEVELS: tuple[Level, ...] = ("easy", "normal", "hard")


class Robot(Player):
    """A player who is always there, without a session."""

    __slots__ = ("level",)

    def __init__(self, number: int, level: Level) -> None:
        name = f"Bot {number}"
        super().__init__(_id_of(number, level), name, name.lower(), guest=False)
        self.level = level
        self.status = Status.ACTIVE


def _id_of(number: int, level: Level) -> PlayerId:
    return PlayerId("p_" + f"bot-{level}-{number:02}".ljust(22, "-"))


ROBOTS: Mapping[PlayerId, Robot] = MappingProxyType(
    {
        robot.id: robot
        for level in LEVELS
        for number in range(1, MOST + 1)
        if (robot := Robot(number, level))
    }
)


def robots(count: int, level: Level) -> list[Robot]:
    """Return so many robots of a strength, at most `MOST`."""
    return [ROBOTS[_id_of(number, level)] for number in range(1, count + 1)]


def most_robots(game: AnyGame) -> int:
    """Return how many robots a room of this game can have: one seat is for a player."""
    return min(game.most - 1, MOST)
