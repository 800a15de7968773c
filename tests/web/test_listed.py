"""A page of a list takes as long however many others there are, and is right at once."""

import doctest
import random
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from server.base import views
from server.base.ids import PlayerId, RoomId
from server.base.views import SortedViews
from server.presence.session import Player
from server.presence.status import Status
from server.rooms.events import RoomUpdated
from server.rooms.reading import ReadableRooms
from server.rooms.view import listing
from server.web import listed
from server.web.listed import ListedPlayers, ListedRooms

MANY = 2_000


def test_the_example_is_true() -> None:
    assert doctest.testmod(views).failed == 0


def test_views_have_what_was_put_there_last_in_order() -> None:
    chance = random.Random(1)
    found, expected = SortedViews[str, int](), dict[int, set[str]]()
    for _ in range(500):
        key, where = chance.randrange(20), chance.sample("abc", chance.randrange(4))
        found.put(key, where)
        expected[key] = set(where)
        for view in "abc":
            keys = sorted(each for each, where in expected.items() if view in where)
            after, limit = chance.randrange(20), chance.randrange(5)
            assert found.first(view, limit, after) == [k for k in keys if k > after][:limit]
            assert found.last(view, limit) == keys[::-1][:limit]
            assert found.count(view) == len(keys)
    for key in expected:
        found.put(key, ())
    assert not found._keys
    assert not found._views_of


class Key(tuple[str, str]):
    """A key that counts how often it is compared."""

    compared = 0

    def __lt__(self, other: tuple[str, ...]) -> bool:
        Key.compared += 1
        return super().__lt__(other)


def test_a_page_of_players_looks_at_no_others() -> None:
    here = ListedPlayers()
    players = [
        Player(PlayerId(f"p{number}"), "", f"{number:06}", guest=True) for number in range(MANY)
    ]
    for player in players:
        player.status = Status.AWAY
    players[-1].status = Status.ACTIVE
    here.begin(players)
    keys = here._views._keys
    for view in keys:
        keys[view] = [cast("Any", Key(each)) for each in keys[view]]
    Key.compared = 0
    assert here.page(Status.ACTIVE, ("", ""), 1) == [players[-1].id]
    assert here.page(None, ("", ""), 2) == [players[0].id, players[1].id]
    assert here.page(Status.RECONNECTING, ("", ""), 5) == []
    assert here.page(None, (f"{MANY // 2:06}", "z"), 1) == [players[MANY // 2 + 1].id]
    assert Key.compared < 50


class Hall:
    """Rooms of which only the list is asked."""

    def __init__(self, number: int) -> None:
        self.all: dict[RoomId, Any] = {}
        self.listed = ListedRooms(cast("ReadableRooms", self))
        for each in range(number):
            self.open(f"r{each}")

    def open(self, id: str, *, free: int = 1, is_attended: bool = False) -> None:
        room = SimpleNamespace(
            id=RoomId(id),
            game=SimpleNamespace(name="chess"),
            state="open",
            is_private=False,
            is_attended=is_attended,
            free=free,
            spectators={},
            host=None,
            taken=lambda: iter(()),
        )
        self.all[room.id] = room
        self.change(room.id)

    def change(self, id: RoomId) -> None:
        self.listed.hear(RoomUpdated(id, 0.0))


def test_a_page_of_rooms_writes_only_those_that_have_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hall = Hall(100)
    written: list[str] = []

    def note(room: Any) -> dict[str, Any]:
        written.append(room.id)
        return listing(room)

    monkeypatch.setattr(listed, "listing", note)

    def ids(game: str = "", *, is_open: bool = False) -> Iterator[str]:
        page, _ = hall.listed.page(game, 3, is_open=is_open)
        return (msgspec.json.decode(each)["id"] for each in page)

    for _ in range(2):
        assert [*ids()] == ["r99", "r98", "r97"]
        assert [*ids("chess", is_open=True)] == ["r99", "r98", "r97"]
    assert [*ids("go")] == []
    assert written == ["r99", "r98", "r97"]
    hall.all[RoomId("r98")].free = 0
    hall.change(RoomId("r98"))
    del hall.all[RoomId("r99")]
    hall.change(RoomId("r99"))
    written.clear()
    assert [*ids()] == ["r98", "r97", "r96"]
    assert [*ids(is_open=True)] == ["r97", "r96", "r95"]
    assert written == ["r98", "r96", "r95"]
    assert hall.listed.page("", 3, is_open=False)[1] == 99


def test_of_many_rooms_those_in_which_somebody_is_active_are_named_first() -> None:
    hall = Hall(2)
    hall.open("old", is_attended=True)
    hall.open("full", free=0, is_attended=True)

    def ids(limit: int, *, is_open: bool = False) -> list[str]:
        page, total = hall.listed.page("chess", limit, is_open=is_open)
        assert total == len(hall.all) - is_open
        return [msgspec.json.decode(each)["id"] for each in page]

    assert ids(4) == ["full", "old", "r1", "r0"]
    for each in ("new", "newer"):
        hall.open(each)
    assert ids(6) == ["newer", "new", "full", "old", "r1", "r0"], "all of them"
    assert ids(3) == ["newer", "full", "old"]
    assert ids(2) == ["full", "old"]
    assert ids(1) == ["full"]
    assert ids(1, is_open=True) == ["old"]
    hall.all[RoomId("old")].is_attended = False
    hall.change(RoomId("old"))
    assert ids(2) == ["newer", "full"]
