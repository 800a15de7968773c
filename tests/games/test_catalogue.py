"""Which games are found, and which are left out."""

import logging
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import server.games
from server.games import catalogue
from server.games.catalogue import ENTRY_POINTS, find_games, find_page_parts
from server.games.connect_four import ConnectFour
from tests.rooms.games import Turns

SHIPPED = {"connect-four", "snake-arena", "trivia-round"}


class Impostor(Turns):
    name = "connect-four"


class Broken(Turns):
    name = "broken"

    def __init__(self) -> None:
        raise RuntimeError("not today")


def install(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> set[str]:
    """Pretend that installed packages name these games. Return the names of the folder's games,
    which may be more than those that come with the server."""
    monkeypatch.setattr(catalogue, "entry_points", lambda group: [])
    here = set(find_games())
    points = [EntryPoint("any", address, ENTRY_POINTS) for address in addresses]
    monkeypatch.setattr(catalogue, "entry_points", lambda group: points)
    return here


def test_every_game_of_the_folder_is_found_in_the_order_of_their_names() -> None:
    games = find_games()
    assert set(games) >= SHIPPED
    assert list(games) == sorted(games)
    assert all(name == game.name for name, game in games.items())


def test_a_game_of_an_installed_package_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    here = install(monkeypatch, "tests.rooms.games:Turns")
    games = find_games()
    assert set(games) == here | {"turns"}
    assert isinstance(games["turns"], Turns)


def test_a_game_of_the_folder_takes_precedence_over_a_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, "tests.games.test_catalogue:Impostor")
    assert isinstance(find_games()["connect-four"], ConnectFour)


@pytest.mark.parametrize(
    "address",
    [
        "no_such_package.rules:Chess",
        "tests.rooms.games:NoSuchGame",
        "tests.rooms.games:Table",
        "tests.rooms.games:variant",
        "tests.games.test_catalogue:Broken",
        "server.games.game:Game",
    ],
)
def test_an_unusable_game_is_left_out_and_logged_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    here = install(monkeypatch, address, "tests.rooms.games:Turns")
    with caplog.at_level(logging.ERROR):
        assert set(find_games()) == here | {"turns"}, "the others are there"
    (entry,) = caplog.records
    assert address in entry.getMessage()


@pytest.mark.parametrize(
    "text",
    [
        "import no_such_package",
        "def broken(:",
        "from tests.games.test_catalogue import Broken\nclass Own(Broken): name = 'own'",
    ],
)
def test_an_unusable_game_of_the_folder_is_left_out_and_logged_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path, text: str
) -> None:
    here = install(monkeypatch, "tests.rooms.games:Turns")
    (tmp_path / "unusable.py").write_text(text)
    monkeypatch.setattr(server.games, "__path__", [str(tmp_path), *server.games.__path__])
    with caplog.at_level(logging.ERROR):
        assert set(find_games()) == here | {"turns"}
    sys.modules.pop("server.games.unusable", None)
    (entry,) = caplog.records
    assert "server.games.unusable" in entry.getMessage()


@pytest.mark.parametrize(
    ("name", "has_part"),
    [
        ("chess", True),
        ("tug-of-war-2", True),
        ("../chess", False),
        ("Chess", False),
        ("a/b", False),
    ],
)
def test_a_page_part_is_the_folder_of_the_games_name_beside_its_class(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, has_part: bool
) -> None:
    package = tmp_path.name
    folder = tmp_path / package / name
    folder.mkdir(parents=True)
    (tmp_path / package / "rules.py").write_text(
        f"from tests.rooms.games import Turns\nclass Brought(Turns):\n    name = {name!r}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    install(monkeypatch, f"{package}.rules:Brought")
    games = {name: find_games()[name]}
    assert find_page_parts(games) == {}, "there is no part.js yet"
    (folder / "part.js").write_text("")
    assert find_page_parts(games) == ({name: folder} if has_part else {})
