"""The consequences for players whose time runs out."""

import pytest

from server.games.game import Silence
from tests.rooms.games import Ticking, Together
from tests.rooms.scene import MOVE, Scene, assert_waits_for
from tests.rooms.world import World, advances, ended, lines, refused, seat_of
from tests.support.manual_clock import SLOT


def test_silence_forfeits_at_the_end_of_the_time_and_not_before(scene: Scene) -> None:
    assert ended(scene.world.passes(MOVE - 0.001)) == []
    events = scene.world.passes(0.001 + SLOT)
    assert ended(events) == ["forfeit: [1]"]
    assert scene.match.ended_by == 0
    assert lines(events) == []


def test_skips_are_counted_and_the_fourth_silence_in_a_row_costs_the_seat() -> None:
    scene = Scene(silence=Silence.SKIP)
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    for skips in (1, 2, 3):
        assert lines(world.passes(MOVE + SLOT)) == ["skipped"]
        assert_waits_for(scene, kim)
        assert scene.seen(ada)["skipped"] == skips
        world.acts(kim, room)
    assert ended(world.passes(MOVE + SLOT)) == ["forfeit: [1]"]


def test_an_action_resets_the_count_of_skips_and_tells_the_game() -> None:
    scene = Scene(silence=Silence.SKIP, most_skips=1)
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    for _ in range(3):
        assert lines(world.passes(MOVE + SLOT)) == ["skipped"]
        world.acts(kim, room)
        world.acts(ada, room)
        assert "skipped" not in scene.seen(ada)
        world.acts(kim, room)
    assert scene.match.state.back == (0, 0, 0)


def test_a_refused_action_of_a_skipped_player_is_no_return() -> None:
    scene = Scene(silence=Silence.SKIP)
    scene.world.passes(MOVE + SLOT)
    with refused("not_allowed"):
        scene.world.acts(scene.ada, scene.room)
    assert scene.match.state.back == ()
    assert scene.seen(scene.ada)["skipped"] == 1


def test_a_bot_plays_for_the_silent_until_they_act() -> None:
    scene = Scene(silence=Silence.BOT)
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    assert lines(world.passes(MOVE + SLOT)) == ["bot"]
    assert scene.seen(ada)["bot"] is True
    assert scene.match.state.moves == 0
    world.passes(1 + SLOT)
    assert scene.match.state.moves == 1, "it considers its move for a second"
    assert_waits_for(scene, kim)
    world.acts(kim, room)
    assert_waits_for(scene)
    world.acts(ada, room)
    assert "bot" not in scene.seen(ada)
    world.acts(kim, room)
    assert_waits_for(scene, ada)
    assert scene.clock(ada) == MOVE
    assert [(move.seat, move.by_bot) for move in scene.world.moves(scene.match)] == [
        (0, True),
        (1, False),
        (0, False),
        (1, False),
    ]


def test_bots_play_on_while_a_player_is_present() -> None:
    scene = Scene(silence=Silence.BOT)
    world = scene.world
    world.passes(2 * MOVE + 20)
    moves = scene.match.state.moves
    assert moves > 15
    assert advances(world.passes(10)) in (9, 10, 11)


def test_a_bot_of_a_ticking_game_plays_with_the_ticks() -> None:
    scene = Scene(game=Ticking, silence=Silence.BOT)
    scene.world.passes(MOVE + SLOT)
    moved = scene.match.state.moved
    scene.world.passes(1.0)
    assert scene.match.state.moved - moved in (9, 10, 11), "two bots, every second tick"


def test_bots_that_end_each_others_turns_take_turns() -> None:
    scene = Scene(4, Together, silence=Silence.BOT)
    scene.world.acts(scene.ada, scene.room)
    scene.world.acts(scene.kim, scene.room)
    scene.world.passes(MOVE + 5)
    assert not scene.room.is_closed
    assert scene.match.state.number >= 1


def test_a_silent_player_becomes_a_spectator_and_frees_the_seat_after_the_match() -> None:
    scene = Scene(3, silence=Silence.SPECTATE)
    world, ada, kim, bo = scene.world, *scene.players
    assert lines(world.passes(MOVE + SLOT)) == ["out"]
    assert scene.seen(ada)["gone"] is True
    assert list(scene.room.spectators) == [ada.id]
    world.acts(kim, scene.room, wins=True)
    assert scene.room.seat_of(ada.id) is None
    assert list(scene.room.spectators) == [ada.id]
    assert scene.room.seat_of(bo.id) == 2


def test_a_dropped_player_out_for_silence_is_no_spectator() -> None:
    scene = Scene(3, silence=Silence.SPECTATE)
    scene.world.drops(scene.ada, scene.room)
    scene.world.passes(MOVE + SLOT)
    assert scene.seen(scene.ada)["gone"] is True
    assert not scene.room.spectators


def test_the_match_goes_on_without_a_player_who_is_out() -> None:
    scene = Scene(3)
    world, ada, kim, bo = scene.world, *scene.players
    assert lines(world.passes(MOVE + SLOT)) == ["out"]
    assert_waits_for(scene, kim)
    with refused("not_seated"):
        world.acts(ada, scene.room)
    world.acts(kim, scene.room)
    world.acts(bo, scene.room)
    assert_waits_for(scene, kim)


def test_a_player_who_is_out_keeps_the_seat_or_leaves_and_takes_no_other() -> None:
    scene = Scene(4, Together)
    world, room = scene.world, scene.room
    _, _, bo, eve = scene.players
    world.leaves(eve, room)
    world.leaves(bo, room)
    world.passes(10 + SLOT)
    world.joins(eve, room, spectate=True)
    world.joins(bo, room)
    assert room.seat_of(bo.id) == 2
    assert scene.seen(bo)["gone"] is True
    with refused("seat_taken"):
        world.joins(bo, room, number=3)
    world.leaves(bo, room)
    assert room.seat_of(bo.id) is None
    zoe = world.player("Zoe")
    world.joins(zoe, room)
    assert room.seat_of(zoe.id) == 2
    with refused("not_seated"):
        world.acts(zoe, room)
    assert scene.match.waits_for == (0, 1)


def test_a_player_who_is_out_cannot_move_to_a_seat_beyond_the_match() -> None:
    world = World(Together())
    ada, kim, bo = world.players(3)
    room, _ = world.match("together", ada, kim, bo)
    world.leaves(bo, room)
    world.passes(10 + SLOT)
    world.joins(bo, room)
    assert seat_of(room, bo).is_gone
    with refused("seat_taken"):
        world.joins(bo, room, number=3)


def test_a_match_without_present_players_is_abandoned(scene: Scene) -> None:
    world, room = scene.world, scene.room
    world.drops(scene.ada, room)
    world.passes(20)
    world.drops(scene.kim, room)
    assert ended(world.passes(39.999)) == []
    assert ended(world.passes(0.001 + SLOT)) == ["abandoned: []"]


def test_with_one_player_present_silence_is_a_forfeit_if_connected_or_not(scene: Scene) -> None:
    scene.world.drops(scene.ada, scene.room)
    assert ended(scene.world.passes(MOVE + SLOT)) == ["forfeit: [1]"]


@pytest.mark.parametrize("gone_for", [0, 29.9])
def test_a_silent_player_loses_to_one_who_may_still_return(scene: Scene, gone_for: float) -> None:
    world, room = scene.world, scene.room
    world.drops(scene.ada, room)
    world.passes(MOVE - gone_for)
    world.drops(scene.kim, room)
    assert ended(world.passes(gone_for + SLOT)) == ["forfeit: [1]"]


def test_a_present_silent_player_loses_to_a_dropped_one(scene: Scene) -> None:
    world = scene.world
    world.drops(scene.kim, scene.room)
    assert ended(world.passes(MOVE + SLOT)) == ["forfeit: [1]"]


def test_a_dropped_player_in_be_right_back_is_not_gone(scene: Scene) -> None:
    world, room = scene.world, scene.room
    world.will_be_back(scene.kim, room, 180)
    world.drops(scene.kim, room)
    world.drops(scene.ada, room)
    assert ended(world.passes(MOVE - 0.1)) == []
    assert ended(world.passes(0.1 + SLOT)) == ["forfeit: [1]"]
