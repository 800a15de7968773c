"""Pulse checks: which players may ask and be asked, when, and what counts as an answer."""

import pytest

from server.games.catalogue import AnyGame
from server.games.game import Silence
from server.rooms.events import RoomUpdated
from tests.rooms.games import Ticking, Turns
from tests.rooms.scene import Scene
from tests.rooms.world import ended, refused
from tests.support.manual_clock import SLOT


def test_a_pulse_check_gives_thirty_seconds_for_an_activity(scene: Scene) -> None:
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.passes(10)
    world.asks(kim, room, 0)
    assert scene.seen(ada)["asked"] == {"by": "Kim", "expires_in": world.now + 30}
    assert world.rooms.awaited == {ada.id}
    assert ended(world.passes(29.999)) == []
    assert ended(world.passes(0.001 + SLOT)) == ["forfeit: [1]"]
    assert world.rooms.awaited == set()


@pytest.mark.parametrize("how", ["touch", "act"])
def test_any_activity_answers_a_pulse_check(scene: Scene, how: str) -> None:
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.passes(10)
    world.asks(kim, room, 0)
    world.passes(29)
    if how == "act":
        world.acts(ada, room)
    world.touches(ada)
    assert "asked" not in scene.seen(ada)
    assert world.rooms.awaited == set()
    assert ended(world.passes(20)) == []
    assert how == "act" or scene.clock(ada) == 1.0, "it answers, and moves no clock"


@pytest.mark.parametrize("game", [Turns, Ticking])
def test_an_action_ends_a_pulse_check_and_tells_it_once(game: type[AnyGame]) -> None:
    scene = Scene(game=game, move_time=300)
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.passes(10)
    world.asks(kim, room, 0)
    happened = world.acts(ada, room) + world.touches(ada)
    assert "asked" not in scene.seen(ada)
    assert [type(each) for each in happened].count(RoomUpdated) == 1


def test_an_activity_after_a_pulse_check_that_time_ended_tells_nothing() -> None:
    scene = Scene(silence=Silence.SKIP)
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.passes(40)
    world.asks(kim, room, 0)
    world.passes(20 + SLOT)
    assert "asked" not in scene.seen(ada)
    assert world.do(world.rooms.note_activity(ada.id, world.now)) == []


def test_a_dropped_player_is_no_longer_asked(scene: Scene) -> None:
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.passes(10)
    world.asks(kim, room, 0)
    world.passes(1)
    world.drops(ada, room)
    assert "asked" not in scene.seen(ada)
    assert world.rooms.awaited == set()
    assert ended(world.passes(29)) == []
    world.returns(ada, room)
    assert ended(world.passes(19)) == []


def test_a_draw_cannot_be_claimed_with_more_than_two_players() -> None:
    scene = Scene(3)
    world, room = scene.world, scene.room
    world.drops(scene.ada, room)
    world.passes(31)
    with refused("not_allowed"):
        world.claims(scene.kim, room, "draw")
    assert room.state == "playing"


def test_an_activity_not_published_to_rooms_answers_a_pulse_check(scene: Scene) -> None:
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.passes(10)
    world.asks(kim, room, 0)
    world.passes(5)
    ada.sessions[0].last_activity = world.now
    assert ended(world.passes(30)) == []
    assert "asked" not in scene.seen(ada)


def test_a_player_is_asked_once_a_minute(scene: Scene) -> None:
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.passes(10)
    world.asks(kim, room, 0)
    world.touches(ada)
    world.passes(5)
    world.acts(ada, room)
    world.acts(kim, room)
    world.passes(54.9)
    with refused("too_soon"):
        world.asks(kim, room, 0)
    world.passes(0.1)
    world.asks(kim, room, 0)


def test_a_player_cannot_be_asked_in_the_first_ten_seconds_of_a_turn(scene: Scene) -> None:
    world, kim, room = scene.world, scene.kim, scene.room
    world.passes(9.999)
    with refused("too_soon"):
        world.asks(kim, room, 0)
    world.passes(0.001)
    world.asks(kim, room, 0)


def test_only_other_players_the_match_waits_for_can_be_asked(scene: Scene) -> None:
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.passes(10)
    for asker, seat in ((ada, 1), (ada, 0), (kim, 1), (kim, 7), (kim, -1)):
        with refused("not_allowed"):
            world.asks(asker, room, seat)
    world.will_be_back(ada, room, 30)
    with refused("not_allowed"):
        world.asks(kim, room, 0)
    world.will_be_back(ada, room, 0)
    world.drops(ada, room)
    with refused("not_allowed"):
        world.asks(kim, room, 0)


def test_be_right_back_answers_a_pulse_check(scene: Scene) -> None:
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.passes(10)
    world.asks(kim, room, 0)
    world.will_be_back(ada, room, 60)
    assert world.rooms.awaited == set()
    assert ended(world.passes(100)) == []


def test_a_pulse_check_longer_than_the_clock_ends_with_it(scene: Scene) -> None:
    world, kim, room = scene.world, scene.kim, scene.room
    world.passes(40)
    world.asks(kim, room, 0)
    assert ended(world.passes(20 + SLOT)) == ["forfeit: [1]"]


def test_a_pulse_check_ends_when_its_player_resigns(scene: Scene) -> None:
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.passes(10)
    world.asks(kim, room, 0)
    world.leaves(ada, room)
    world.passes(10 + SLOT)
    assert world.rooms.awaited == set()
    assert world.rooms.note_activity(ada.id, world.now) == []
