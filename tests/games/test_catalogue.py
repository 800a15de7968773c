"""Which games are found, and which are left out."""

import logging
from importlib.metadata import EntryPoint

import pytest

from server.games import catalogue
from server.games.catalogue import ENTRY_POINTS, find_games
from server.games.connect_four import ConnectFour
from tests.rooms.games import Turns

HERE = {"connect-four", "snake-arena", "trivia-round"}


class Impostor(Turns):
    name = "connect-four"


class Broken(Turns):
    name = "broken"

    def __init__(self) -> None:
        raise RuntimeError("not today")


def install(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """As if installed packages named these games."""
    points = [EntryPoint("any", address, ENTRY_POINTS) for address in addresses]
    monkeypatch.setattr(catalogue, "entry_points", lambda group: points)


def test_every_game_of_the_folder_is_found_in_the_order_of_their_names() -> None:
    games = find_games()
    assert set(games) >= HERE
    assert list(games) == sorted(games)
    assert all(name == game.name for name, game in games.items())


def test_a_game_of_an_installed_package_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "tests.rooms.games:Turns")
    games = find_games()
    assert set(games) == HERE | {"turns"}
    assert isinstance(games["turns"], Turns)


def test_of_two_with_one_name_the_one_in_the_folder_wins(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_what_cannot_be_used_is_left_out_and_the_log_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    install(monkeypatch, address, "tests.rooms.games:Turns")
    with caplog.at_level(logging.ERROR):
        assert set(find_games()) == HERE | {"turns"}, "the others are there"
    (entry,) = caplog.records
    assert address in entry.getMessage()
