""" "Be right back": its budget, and what it stops."""

import pytest

from server.games.game import Silence
from server.presence.status import Status
from tests.rooms.scene import MOVE, Scene, assert_waits_for
from tests.rooms.world import ended, lines, refused, seen
from tests.support.manual_clock import SLOT


def test_be_right_back_takes_from_a_budget_and_the_match_waits(scene: Scene) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    world.passes(50)
    assert world.will_be_back(ada, room, 60) == 60
    assert scene.seen(ada)["back_in"] == world.now + 60
    assert (scene.seen(ada)["brb_left"], scene.clock(ada)) == (120, 70.0)
    assert ended(world.passes(69.999)) == []
    assert "back_in" not in scene.seen(ada)
    assert ended(world.passes(0.001 + SLOT)) == ["forfeit: [1]"]


def test_unused_time_returns_to_the_budget_and_leaves_the_clock(scene: Scene) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    world.passes(50)
    world.will_be_back(ada, room, 60)
    world.passes(20)
    assert world.will_be_back(ada, room, 0) == 0
    assert (scene.seen(ada)["brb_left"], scene.clock(ada)) == (160, 10.0)
    assert "back_in" not in scene.seen(ada)


@pytest.mark.parametrize("how", ["touch", "act", "leave"])
def test_any_activity_ends_be_right_back(scene: Scene, how: str) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    world.will_be_back(ada, room, 60)
    world.becomes(ada, Status.AWAY)
    world.passes(20)
    if how == "touch":
        world.touches(ada)
        assert scene.clock(ada) == MOVE, "it stood still"
    elif how == "act":
        world.acts(ada, room)
        assert_waits_for(scene, scene.kim)
    else:
        world.leaves(ada, room)
    assert "back_in" not in scene.seen(ada)
    assert scene.seen(ada)["brb_left"] == 160


def test_be_right_back_is_limited_by_the_budget_of_the_match(scene: Scene) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    assert world.will_be_back(ada, room, 1e9) == 180
    world.passes(179.5)
    before = seen(world, room)
    with refused("budget_spent"):
        world.will_be_back(ada, room, 10)
    assert seen(world, room) == before, "a refusal does not end the one that runs"
    world.passes(0.5 + SLOT)
    with refused("budget_spent"):
        world.will_be_back(ada, room, 10)
    assert world.will_be_back(ada, room, 0) == 0
    world.acts(ada, room)
    world.acts(scene.kim, room, wins=True)
    world.starts(ada, room)
    world.starts(scene.kim, room)
    assert scene.seen(ada)["brb_left"] == 180, "each match has its own"


def test_asking_again_during_be_right_back_counts_from_then(scene: Scene) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    world.will_be_back(ada, room, 60)
    world.passes(50)
    assert world.will_be_back(ada, room, 120) == 120
    assert scene.seen(ada)["brb_left"] == 10
    assert scene.clock(ada) == MOVE + 120


def test_be_right_back_before_the_turn_adds_its_rest_to_the_clock(scene: Scene) -> None:
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.will_be_back(kim, room, 100)
    world.passes(30)
    world.acts(ada, room)
    assert scene.clock(kim) == MOVE + 70
    world.passes(20)
    world.will_be_back(kim, room, 0)
    assert scene.clock(kim) == MOVE
    world.passes(20)
    assert scene.clock(kim) == MOVE - 20


def test_a_player_cannot_be_claimed_against_during_be_right_back(scene: Scene) -> None:
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.will_be_back(ada, room, 100)
    world.drops(ada, room)
    world.passes(99.9)
    with refused("too_soon"):
        world.claims(kim, room)
    world.passes(0.1)
    assert ended(world.claims(kim, room)) == ["claimed: [1]"]


def test_a_game_that_does_not_wait_skips_at_no_cost() -> None:
    scene = Scene(silence=Silence.SKIP, most_skips=0, brb_waits=False)
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.will_be_back(ada, room, 100)
    world.passes(0.999)
    assert_waits_for(scene, ada)
    assert lines(world.passes(0.001 + SLOT)) == []
    assert_waits_for(scene, kim)
    world.acts(kim, room)
    world.passes(1 + SLOT)
    assert_waits_for(scene, kim)
    assert "skipped" not in scene.seen(ada)
    world.acts(kim, room)
    world.touches(ada)
    world.becomes(ada, Status.AWAY)
    world.touches(ada)
    assert_waits_for(scene, ada)
    assert scene.clock(ada) == MOVE
    assert scene.match.state.back == (0,)


def test_be_right_back_and_an_immediate_return_add_no_time() -> None:
    scene = Scene(silence=Silence.SKIP, brb_waits=False)
    world, ada, room = scene.world, scene.ada, scene.room
    world.passes(50)
    for _ in range(20):
        world.will_be_back(ada, room, 30)
        world.will_be_back(ada, room, 0)
    assert scene.clock(ada) == 10.0
    assert scene.seen(ada)["brb_left"] == 180
    for _ in range(10):
        world.will_be_back(ada, room, 30)
        world.passes(0.9)
        world.will_be_back(ada, room, 0)
    assert scene.clock(ada) == 1.0, "it has run on"


def test_be_right_back_in_the_last_second_does_not_delay_the_skip() -> None:
    scene = Scene(silence=Silence.SKIP, brb_waits=False)
    world, ada, room = scene.world, scene.ada, scene.room
    world.passes(59.5)
    world.will_be_back(ada, room, 30)
    world.passes(0.5 + SLOT)
    assert_waits_for(scene, scene.kim)


def test_be_right_back_of_a_spectator_is_refused(scene: Scene) -> None:
    bo = scene.world.player("Bo")
    scene.world.joins(bo, scene.room, spectate=True)
    with refused("not_seated"):
        scene.world.will_be_back(bo, scene.room, 30)
