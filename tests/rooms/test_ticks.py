"""Matches with deadlines of their own: ticks, rounds, and bots between them."""

from itertools import pairwise

import pytest

from server.base.units import NEVER
from server.games.game import AfkPolicy, Outcome, Silence
from server.presence.status import Reason
from server.rooms.limits import Limits
from server.rooms.rooms import Rooms
from tests.rooms.games import Ticking, Timed, Together, Turns, variant
from tests.rooms.scene import MOVE, Scene, assert_waits_for
from tests.rooms.world import World, ended, seat_of, seen
from tests.support.manual_clock import SLOT
from tests.support.room_errors import raise_bug


def test_ticks_come_at_the_instants_for_which_they_were_due() -> None:
    scene = Scene(game=Ticking)
    scene.world.passes(1.0 + SLOT)
    times = [round(time, 6) for time in scene.match.state.times]
    assert times == [round(tick / 10, 6) for tick in range(1, 11)]


@pytest.mark.parametrize("late", [0.3, 0.9, 2.0, 30.0])
def test_a_late_game_catches_up_without_seeing_the_lateness(late: float) -> None:
    scene = Scene(game=Ticking)
    world, match = scene.world, scene.match
    world.passes(1.0 + SLOT)
    ticks = match.state.ticks
    world.now += late
    world.do(world.rooms.expire(world.now, limit=100))
    assert match.state.ticks - ticks <= 7
    times = match.state.times
    assert [round(after - before, 6) for before, after in pairwise(times)] == [0.1] * (
        len(times) - 1
    )
    due = world.rooms.next_deadline()
    assert due is not None
    assert world.now < due < world.now + 0.12


@pytest.mark.parametrize(("late", "ticks"), [(1.9, 20), (2.1, 1)])
def test_a_match_makes_up_for_as_much_as_the_limits_say(late: float, ticks: int) -> None:
    limits = Limits(ticks_at_once=100, most_behind=2.0)
    world = World(variant(Ticking, most=2), limits=limits)
    _, match = world.match("ticking", *world.players(2))
    world.passes(1.0 + SLOT)
    before = match.state.ticks
    world.now += late
    world.do(world.rooms.expire(world.now, limit=100))
    assert abs(match.state.ticks - before - ticks) <= 1


def test_a_round_that_ends_by_itself_restarts_every_clock() -> None:
    scene = Scene(3, Timed, brb_waits=False)
    world, ada, kim, bo = scene.world, *scene.players
    world.acts(ada, scene.room)
    assert_waits_for(scene, kim, bo)
    assert seen(world, scene.room)["match"]["waits_for"] == [1, 2]
    world.passes(3 + SLOT)
    assert_waits_for(scene, ada, kim, bo)


def test_an_action_that_changes_the_awaited_players_updates_the_room() -> None:
    scene = Scene(3, Timed)
    before = seen(scene.world, scene.room)
    events = scene.world.acts(scene.ada, scene.room)
    assert seen(scene.world, scene.room) != before
    assert [type(each).__name__ for each in events] == ["MatchAdvanced", "RoomUpdated"]


def test_in_a_ticking_game_a_player_in_be_right_back_is_skipped_at_once() -> None:
    scene = Scene(2, Timed, brb_waits=False, silence=Silence.SKIP)
    world, ada, kim = scene.world, scene.ada, scene.kim
    world.acts(kim, scene.room)
    world.will_be_back(kim, scene.room, 100)
    world.acts(ada, scene.room)
    assert_waits_for(scene, ada, kim)
    world.passes(1 + SLOT)
    assert_waits_for(scene, ada)


def test_a_claim_against_several_players_ends_the_match_with_the_last() -> None:
    scene = Scene(4, Together)
    world, room = scene.world, scene.room
    ada, kim, bo, eve = scene.players
    for each in (ada, kim, bo):
        world.drops(each, room)
    world.acts(eve, room)
    world.passes(30)
    assert ended(world.claims(eve, room)) == ["claimed: [3]"]


def test_a_bot_may_end_the_match_between_two_ticks() -> None:
    game = variant(Ticking, bot=lambda self, state, seat, moment: self.action(wins=True))
    game = variant(
        type(game),
        policy=AfkPolicy(silence=Silence.BOT, move_time=2.05),
        outcome=lambda self, state: Outcome((0,)) if state.moved else None,
    )
    world = World(game)
    world.match("ticking", *world.players(2))
    assert ended(world.passes(3)) == ["finished: [0]"]


def test_a_player_no_longer_awaited_has_no_clock() -> None:
    first = variant(Turns, waits_for=lambda self, state: (0,) if state.moves else (0, 1))
    world = World(first)
    ada, kim = world.players(2)
    room, match = world.match("turns", ada, kim)
    assert match.waits_for == (0, 1)
    world.passes(10)
    world.asks(ada, room, 1)
    world.acts(ada, room)
    assert list(match.waits_for) == [0]
    assert not seat_of(room, kim).is_waited_for
    assert seat_of(room, kim).move_until == seat_of(room, kim).asked_until == NEVER


def test_a_reconnection_does_not_end_be_right_back(scene: Scene) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    world.will_be_back(ada, room, 60)
    world.do(world.rooms.player_changed(ada.id, ada, Reason.CONNECTED, world.now))
    assert scene.clock(ada) == MOVE + 60
    world.do(world.rooms.player_changed(ada.id, ada, Reason.ACTIVITY, world.now))
    assert scene.clock(ada) == MOVE


def test_after_a_restart_the_first_activity_ends_be_right_back() -> None:
    scene = Scene()
    world, ada, room = scene.world, scene.ada, scene.room
    world.will_be_back(ada, room, 60)
    fresh = Rooms(
        world.rooms.games,
        world.policy,
        lambda: room.id,
        lambda: scene.match.id,
        str,
        world.rooms.limits,
        world.budget,
        raise_bug,
    )
    room.slot = None  # armed in the process before
    fresh.restore(room, world.now)
    fresh.join(ada, room.id, world.now)
    fresh.player_changed(ada.id, ada, Reason.CONNECTED, world.now)
    assert "back_in" in scene.seen(ada)
    assert fresh.awaited == {ada.id}
    fresh.note_activity(ada.id, world.now)
    assert "back_in" not in scene.seen(ada)
