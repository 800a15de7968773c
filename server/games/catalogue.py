"""Finds the games: all in this folder, and those of installed packages."""

import importlib
import inspect
import logging
import pkgutil
import re
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeAlias

import server.games
from server.games.game import Game

ENTRY_POINTS = "stillhere.games"
"""The group in which a package declares its games: `chess = "my_chess.rules:Chess"`."""

PAGE_PART = "part.js"
"""The module of a game that the page loads."""

AnyGame: TypeAlias = Game[Any, Any]

_IN_A_PATH = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""Names of games that are usable as a folder."""

_log = logging.getLogger("stillhere.games")


def find_games() -> Mapping[str, AnyGame]:
    """Return every game by name. A game that fails to load is left out and logged; this folder wins
    over packages with the same name."""
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


def find_page_parts(games: Mapping[str, AnyGame]) -> Mapping[str, Path]:
    """Return the folders of the games' page parts by the game's name: the folder of that name
    beside the module that defines the game's class, if it contains `part.js`."""
    parts = {}
    for name, game in games.items():
        try:
            folder = Path(inspect.getfile(type(game))).resolve().parent / name
        except (OSError, TypeError):  # a class without a file
            continue
        if _IN_A_PATH.fullmatch(name) and (folder / PAGE_PART).is_file():
            parts[name] = folder
    return parts


def _is_game(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, Game) and hasattr(found, "name")
