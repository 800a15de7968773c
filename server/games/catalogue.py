"""Finds the games: all in this folder, and those of installed packages."""

import inspect
import logging
import pkgutil
import re
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, TypeAlias

import server.games
from server.games.game import Game

ENTRY_POINTS = "stillhere.games"
"""The group in which a package declares its games: `chess = "my_chess.rules:Chess"`."""

_HERE = "here"
"""Stands for this folder, whose modules need no entry point."""

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
    modules = (f"server.games.{each.name}" for each in pkgutil.iter_modules(server.games.__path__))
    here = [EntryPoint(module, module, _HERE) for module in modules]
    for point in [*here, *entry_points(group=ENTRY_POINTS)]:
        try:
            for found in _games_of(point):
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


def _games_of(point: EntryPoint) -> list[type[AnyGame]]:
    """Return the game that a package names, or those that a module of this folder defines."""
    loaded = point.load()
    if point.group == _HERE:
        found = vars(loaded).values()
        return [each for each in found if _is_game(each) and each.__module__ == point.value]
    if not _is_game(loaded):
        raise TypeError(f"{loaded!r} is no subclass of server.games.game.Game")
    return [loaded]


def _is_game(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, Game) and hasattr(found, "name")
