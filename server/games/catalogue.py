"""Which games there are: every one in this folder, and those that installed packages bring."""

import importlib
import logging
import pkgutil
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any, TypeAlias

import server.games
from server.games.game import Game

ENTRY_POINTS = "stillhere.games"
"""The group in which a package names its games: `chess = "my_chess.rules:Chess"`."""

AnyGame: TypeAlias = Game[Any, Any]

_log = logging.getLogger("stillhere.games")


def find_games() -> Mapping[str, AnyGame]:
    """Every game by its name. One that cannot be used is left out, and the log says why; of two
    with one name the one in this folder wins."""
    games: dict[str, AnyGame] = {}
    for module in pkgutil.iter_modules(server.games.__path__):
        for found in vars(importlib.import_module(f"server.games.{module.name}")).values():
            if _is_game(found) and found.__module__ == f"server.games.{module.name}":
                games[found.name] = found()
    for point in entry_points(group=ENTRY_POINTS):
        try:
            found = point.load()
            if not _is_game(found):
                raise TypeError(f"{found!r} is no subclass of server.games.game.Game")
            games.setdefault(found.name, found())
        except Exception as error:
            _log.error("the game %s is left out: %s", point.value, error)
    return dict(sorted(games.items()))


def _is_game(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, Game) and hasattr(found, "name")
