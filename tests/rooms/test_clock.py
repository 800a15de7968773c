"""For which players the clock of a match runs, and when it stops."""

from typing import Any

from server.base.units import NEVER
from tests.rooms.games import Ticking, Together
from tests.rooms.scene import MOVE, Scene, assert_waits_for
from tests.rooms.world import ended, refused, seen
from tests.support.manual_clock import SLOT


def test_the_clock_runs_only_for_players_the_match_waits_for(scene: Scene) -> None:
    world, ada, kim = scene.world, scene.ada, scene.kim
    assert_waits_for(scene, ada)
    assert (scene.clock(ada), scene.seen(ada)["move_in"]) == (MOVE, world.now + MOVE)
    assert "move_in" not in scene.seen(kim)
    world.passes(59)
    world.acts(ada, scene.room)
    assert_waits_for(scene, kim)
    assert scene.clock(kim) == MOVE


def test_in_a_simultaneous_game_each_player_has_a_clock_until_their_action() -> None:
    scene = Scene(3, Together)
    ada, kim, bo = scene.players
    assert_waits_for(scene, ada, kim, bo)
    scene.world.passes(20)
    scene.world.acts(kim, scene.room)
    assert_waits_for(scene, ada, bo)
    assert scene.clock(ada) == 40.0
    scene.world.acts(ada, scene.room)
    scene.world.acts(bo, scene.room)
    assert_waits_for(scene, ada, kim, bo)
    assert scene.clock(ada) == MOVE, "the next round begins"


def test_in_a_ticking_game_each_action_restarts_the_clock_of_its_player() -> None:
    scene = Scene(game=Ticking)
    scene.world.passes(50)
    scene.world.acts(scene.ada, scene.room)
    assert (scene.clock(scene.ada), scene.clock(scene.kim)) == (MOVE, 10.0)


def test_a_clock_of_a_ticking_game_is_shown_after_half_of_it() -> None:
    scene = Scene(game=Ticking)
    scene.world.passes(29.99)
    assert "move_in" not in scene.seen(scene.ada)
    scene.world.passes(0.01 + SLOT)
    assert "move_in" in scene.seen(scene.ada)
    scene.world.acts(scene.ada, scene.room)
    assert "move_in" not in scene.seen(scene.ada)


def test_a_refused_action_changes_neither_state_nor_clock(scene: Scene) -> None:
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.passes(10)
    before = seen(world, room), scene.match.state, scene.match.step
    illegal = {"is_legal": False}
    actions: list[Any] = [illegal, {"wins": 3}, 7, None, "go", [], {"is_legal": None}]
    for action in actions:
        with refused("not_allowed" if action == illegal else "invalid"):
            world.do(world.rooms.act(ada, room.id, action, world.now))
    with refused("not_allowed"):
        world.acts(kim, room)
    assert before == (seen(world, room), scene.match.state, scene.match.step)
    assert scene.clock(ada) == 50.0


def test_only_players_of_a_running_match_may_act(scene: Scene) -> None:
    world, room = scene.world, scene.room
    bo = world.player("Bo")
    world.joins(bo, room)
    for act in (
        lambda: world.acts(bo, room),
        lambda: world.claims(bo, room),
        lambda: world.asks(bo, room, 0),
        lambda: world.will_be_back(bo, room, 5),
    ):
        with refused("not_seated"):
            act()
    world.acts(scene.ada, room, wins=True)
    assert ended(world.heard) == ["finished: [0]"]
    with refused("no_match"):
        world.acts(scene.ada, room)


def test_without_a_move_time_no_clock_is_shown_or_runs_out() -> None:
    scene = Scene(move_time=NEVER)
    assert "move_in" not in scene.seen(scene.ada)
    assert ended(scene.world.passes(100_000)) == []
    scene.world.drops(scene.ada, scene.room)
    scene.world.passes(5 + SLOT)
    assert "absent" in scene.seen(scene.ada), "its absence matters all the same"
    scene.world.returns(scene.ada, scene.room)
    scene.world.asks(scene.kim, scene.room, 0)
    assert ended(scene.world.passes(30 + SLOT)) == ["forfeit: [1]"]
