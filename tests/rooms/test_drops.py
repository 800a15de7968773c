"""A player who disconnects: what is shown, what the others may claim, and the return."""

import pytest

from server.games.catalogue import AnyGame
from server.games.game import Silence
from server.rooms.errors import CommandRefused
from tests.rooms.games import Ticking, Together, Turns
from tests.rooms.scene import MOVE, Scene, assert_waits_for
from tests.rooms.world import ended, lines, refused, seat_of, seen
from tests.support.manual_clock import SLOT


def test_a_drop_is_shown_after_five_seconds_with_the_time_until_a_claim(
    scene: Scene,
) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    began = world.now
    world.drops(ada, room)
    world.passes(4.999)
    assert "absent" not in scene.seen(ada)
    world.passes(0.001 + SLOT)
    assert scene.seen(ada)["absent"] == {"claim_in": began + 30.0}


def test_a_shown_drop_is_published(scene: Scene) -> None:
    scene.world.drops(scene.ada, scene.room)
    assert scene.world.passes(4.999) == []
    assert len(scene.world.passes(0.001 + SLOT)) == 1


def test_a_drop_of_a_player_the_match_does_not_wait_for_is_not_shown(scene: Scene) -> None:
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.drops(kim, room)
    world.passes(20)
    assert "absent" not in scene.seen(kim)
    with refused("not_allowed"):
        world.claims(ada, room)
    world.acts(ada, room)
    assert "absent" in scene.seen(kim)
    world.passes(9.999)
    with refused("too_soon"):
        world.claims(ada, room)
    world.passes(0.001)
    world.claims(ada, room)


@pytest.mark.parametrize(("result", "winners"), [("win", "[1]"), ("draw", "[]")])
def test_a_claim_ends_the_match_after_thirty_seconds_and_not_before(
    scene: Scene, result: str, winners: str
) -> None:
    world, room = scene.world, scene.room
    world.drops(scene.ada, room)
    world.passes(29.999)
    before = seen(world, room), scene.match.state
    with pytest.raises(CommandRefused, match=r"come back for 1 s\."):
        world.claims(scene.kim, room, result)
    assert before == (seen(world, room), scene.match.state)
    world.passes(0.001)
    assert ended(world.claims(scene.kim, room, result)) == [f"claimed: {winners}"]
    assert room.state == "over"


def test_a_return_cancels_the_claim_and_does_not_reset_the_clock(scene: Scene) -> None:
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.drops(ada, room)
    world.passes(40)
    world.returns(ada, room)
    assert "absent" not in scene.seen(ada)
    with refused("not_allowed"):
        world.claims(kim, room)
    assert scene.clock(ada) == 20.0
    world.drops(ada, room)
    world.passes(19)
    with refused("too_soon"):
        world.claims(kim, room)


def test_invalid_claims_are_refused(scene: Scene) -> None:
    world, room = scene.world, scene.room
    world.drops(scene.ada, room)
    world.passes(40)
    with refused("invalid"):
        world.claims(scene.kim, room, "everything")
    with refused("not_seated"):
        world.claims(scene.ada, room)


def test_claims_are_refused_in_a_game_without_them() -> None:
    scene = Scene(may_claim=False)
    scene.world.drops(scene.ada, scene.room)
    scene.world.passes(40)
    assert scene.seen(scene.ada)["absent"] == {}
    with refused("not_allowed"):
        scene.world.claims(scene.kim, scene.room)


def test_no_claim_is_allowed_while_the_match_waits_for_a_present_player() -> None:
    scene = Scene(4, Together)
    world, room = scene.world, scene.room
    ada, kim, bo, eve = scene.players
    world.drops(ada, room)
    world.acts(eve, room)
    world.passes(40)
    with refused("not_allowed"):
        world.claims(eve, room)
    with refused("not_allowed"):
        world.claims(bo, room)
    world.acts(kim, room)
    world.acts(bo, room)
    assert ended(world.claims(eve, room)) == []
    assert seat_of(room, ada).is_gone
    assert_waits_for(scene, kim, bo, eve)


def test_a_match_of_three_goes_on_after_a_claim() -> None:
    scene = Scene(3)
    world, ada, kim, _ = scene.world, *scene.players
    world.drops(ada, scene.room)
    world.passes(30)
    events = world.claims(kim, scene.room)
    assert [type(each).__name__ for each in events] == ["MatchAdvanced", "RoomUpdated"]
    assert scene.seen(ada)["gone"] is True
    assert_waits_for(scene, kim)
    assert ended(world.passes(MOVE + SLOT)) == ["forfeit: [2]"], "the next one has a clock"


def test_a_player_with_a_bot_cannot_be_claimed_against() -> None:
    scene = Scene(silence=Silence.BOT)
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.drops(ada, room)
    world.passes(1 + SLOT)
    assert scene.seen(ada)["bot"] is True
    world.passes(35)
    world.acts(kim, room)
    assert scene.match.waits_for == (0,)
    with refused("not_allowed"):
        world.claims(kim, room)


def test_a_bot_plays_for_a_dropped_player_after_a_second() -> None:
    scene = Scene(game=Ticking, silence=Silence.BOT)
    world, ada, room = scene.world, scene.ada, scene.room
    world.drops(ada, room)
    assert lines(world.passes(0.999)) == []
    assert lines(world.passes(0.001 + SLOT)) == ["bot"]
    world.returns(ada, room)
    assert scene.seen(ada)["bot"] is True
    world.acts(ada, room)
    assert "bot" not in scene.seen(ada)


@pytest.mark.parametrize("game", [Turns, Ticking])
def test_no_bot_plays_for_a_player_who_is_back_within_a_second(game: type[AnyGame]) -> None:
    scene = Scene(game=game, silence=Silence.BOT)
    world, ada, room = scene.world, scene.ada, scene.room
    world.passes(10)
    clock = scene.clock(ada)
    world.drops(ada, room)
    assert scene.clock(ada) == 1.0
    world.passes(0.9)
    world.returns(ada, room)
    assert clock is not None
    assert scene.clock(ada) == pytest.approx(clock - 0.9)
    assert lines(world.passes(clock - 1.0)) == []
    assert "bot" in lines(world.passes(0.1 + SLOT)), "their time is over, as without the drop"
