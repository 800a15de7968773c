"""What is fair: whom the clock runs against, what silence costs, and what the others may do."""

from itertools import pairwise
from typing import Any

import pytest

from server.games.catalogue import AnyGame
from server.games.game import AfkPolicy, Outcome, Silence
from server.presence.session import NEVER, Player
from server.presence.status import Reason, Status
from server.rooms.rooms import Rooms
from tests.rooms.games import Ticking, Timed, Together, Turns, variant
from tests.rooms.world import (
    SLOT,
    World,
    advances,
    ended,
    lines,
    refused,
    seat_of,
    seat_seen,
    seen,
)

MOVE = 60.0


class Scene:
    """A match of turns that waits for Ada, and Kim, who waits too."""

    def __init__(self, seats: int = 2, game: type[AnyGame] = Turns, **policy: object) -> None:
        rules = AfkPolicy(**policy)  # type: ignore[arg-type]
        self.world = World(variant(game, policy=rules, most=seats))
        self.players = self.world.players(seats)
        self.ada, self.kim = self.players[:2]
        self.room, self.match = self.world.match(game.name, *self.players)

    def clock(self, player: Player) -> float | None:
        """The seconds that a player has left; None: no clock runs."""
        until = seat_of(self.room, player).move_until
        return None if until == NEVER else round(until - self.world.now, 3)

    def seen(self, player: Player) -> dict[str, object]:
        return seat_seen(self.world, self.room, player)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def assert_waits_for(scene: Scene, *players: Player) -> None:
    """The match waits for these, and a clock runs for nobody else."""
    clocks = [player for player in scene.players if scene.clock(player) is not None]
    assert clocks == list(players)


# The clock


def test_the_clock_runs_only_against_whom_the_match_waits_for(scene: Scene) -> None:
    world, ada, kim = scene.world, scene.ada, scene.kim
    assert_waits_for(scene, ada)
    assert (scene.clock(ada), scene.seen(ada)["move_in"]) == (MOVE, world.now + MOVE)
    assert "move_in" not in scene.seen(kim)
    world.passes(59)
    world.acts(ada, scene.room)
    assert_waits_for(scene, kim)
    assert scene.clock(kim) == MOVE


def test_in_a_game_for_all_at_once_each_has_a_clock_until_they_have_given() -> None:
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


def test_where_everybody_may_always_act_each_action_starts_the_clock_anew() -> None:
    scene = Scene(game=Ticking)
    scene.world.passes(50)
    scene.world.acts(scene.ada, scene.room)
    assert (scene.clock(scene.ada), scene.clock(scene.kim)) == (MOVE, 10.0)


def test_a_clock_of_a_game_in_real_time_is_shown_only_once_half_of_it_is_over() -> None:
    scene = Scene(game=Ticking)
    scene.world.passes(29.99)
    assert "move_in" not in scene.seen(scene.ada)
    scene.world.passes(0.01 + SLOT)
    assert "move_in" in scene.seen(scene.ada)
    scene.world.acts(scene.ada, scene.room)
    assert "move_in" not in scene.seen(scene.ada)


def test_what_is_refused_changes_nothing_and_no_clock(scene: Scene) -> None:
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


def test_only_those_who_play_act_and_only_while_a_match_runs(scene: Scene) -> None:
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


def test_without_a_limit_no_clock_is_shown_and_none_runs_out() -> None:
    scene = Scene(move_time=NEVER)
    assert "move_in" not in scene.seen(scene.ada)
    assert ended(scene.world.passes(100_000)) == []
    scene.world.drops(scene.ada, scene.room)
    scene.world.passes(5 + SLOT)
    assert "absent" in scene.seen(scene.ada), "its absence matters all the same"
    scene.world.returns(scene.ada, scene.room)
    scene.world.asks(scene.kim, scene.room, 0)
    assert ended(scene.world.passes(30 + SLOT)) == ["forfeit: [1]"]


# What silence costs


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


def test_who_acts_again_begins_to_count_anew_and_the_game_hears_that_they_are_back() -> None:
    scene = Scene(silence=Silence.SKIP, most_skips=1)
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    for _ in range(3):
        assert lines(world.passes(MOVE + SLOT)) == ["skipped"]
        world.acts(kim, room)
        world.acts(ada, room)
        assert "skipped" not in scene.seen(ada)
        world.acts(kim, room)
    assert scene.match.state.back == (0, 0, 0)


def test_a_refused_action_of_who_was_skipped_does_not_bring_them_back() -> None:
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
    assert [(move.seat, move.by_bot) for move in scene.match.moves] == [
        (0, True),
        (1, False),
        (0, False),
        (1, False),
    ]


def test_bots_play_on_among_themselves_while_somebody_is_there() -> None:
    scene = Scene(silence=Silence.BOT)
    world = scene.world
    world.passes(2 * MOVE + 20)
    moves = scene.match.state.moves
    assert moves > 15
    assert advances(world.passes(10)) in (9, 10, 11)


def test_a_bot_of_a_game_in_real_time_plays_with_the_ticks() -> None:
    scene = Scene(game=Ticking, silence=Silence.BOT)
    scene.world.passes(MOVE + SLOT)
    moved = scene.match.state.moved
    scene.world.passes(1.0)
    assert scene.match.state.moved - moved in (9, 10, 11), "two bots, every second tick"


def test_bots_of_whom_one_ends_the_others_turn_take_turns() -> None:
    scene = Scene(4, Together, silence=Silence.BOT)
    scene.world.acts(scene.ada, scene.room)
    scene.world.acts(scene.kim, scene.room)
    scene.world.passes(MOVE + 5)
    assert not scene.room.is_closed
    assert scene.match.state.number >= 1


def test_who_may_only_watch_after_silence_watches_and_their_seat_is_free_after_it() -> None:
    scene = Scene(3, silence=Silence.SPECTATE)
    world, ada, kim, bo = scene.world, *scene.players
    assert lines(world.passes(MOVE + SLOT)) == ["out"]
    assert scene.seen(ada)["gone"] is True
    assert list(scene.room.spectators) == [ada.id]
    world.acts(kim, scene.room, wins=True)
    assert scene.room.seat_of(ada.id) is None
    assert list(scene.room.spectators) == [ada.id]
    assert scene.room.seat_of(bo.id) == 2


def test_who_is_out_for_silence_and_cut_off_is_no_spectator() -> None:
    scene = Scene(3, silence=Silence.SPECTATE)
    scene.world.drops(scene.ada, scene.room)
    scene.world.passes(MOVE + SLOT)
    assert scene.seen(scene.ada)["gone"] is True
    assert not scene.room.spectators


def test_the_others_go_on_without_who_is_out() -> None:
    scene = Scene(3)
    world, ada, kim, bo = scene.world, *scene.players
    assert lines(world.passes(MOVE + SLOT)) == ["out"]
    assert_waits_for(scene, kim)
    with refused("not_seated"):
        world.acts(ada, scene.room)
    world.acts(kim, scene.room)
    world.acts(bo, scene.room)
    assert_waits_for(scene, kim)


def test_who_is_out_keeps_the_seat_or_gets_up_and_takes_no_other() -> None:
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
        world.joins(bo, room, seat=3)
    world.leaves(bo, room)
    assert room.seat_of(bo.id) is None
    zoe = world.player("Zoe")
    world.joins(zoe, room)
    assert room.seat_of(zoe.id) == 2
    with refused("not_seated"):
        world.acts(zoe, room)
    assert scene.match.waits_for == (0, 1)


def test_who_is_out_and_sits_does_not_move_to_a_seat_that_the_match_has_not() -> None:
    world = World(Together())
    ada, kim, bo = world.players(3)
    room, _ = world.match("together", ada, kim, bo)
    world.leaves(bo, room)
    world.passes(10 + SLOT)
    world.joins(bo, room)
    assert seat_of(room, bo).is_gone
    with refused("seat_taken"):
        world.joins(bo, room, seat=3)


def test_with_nobody_there_any_more_a_match_is_abandoned(scene: Scene) -> None:
    world, room = scene.world, scene.room
    world.drops(scene.ada, room)
    world.passes(20)
    world.drops(scene.kim, room)
    assert ended(world.passes(39.999)) == []
    assert ended(world.passes(0.001 + SLOT)) == ["abandoned: []"]


def test_with_one_there_silence_is_a_forfeit_whether_connected_or_not(scene: Scene) -> None:
    scene.world.drops(scene.ada, scene.room)
    assert ended(scene.world.passes(MOVE + SLOT)) == ["forfeit: [1]"]


def test_two_who_resign_leave_nobody_to_win(scene: Scene) -> None:
    world = scene.world
    world.leaves(scene.ada, scene.room)
    world.leaves(scene.kim, scene.room)
    assert ended(world.passes(10 + 2 * SLOT)) == ["abandoned: []"]


# A drop, a return, a claim


def test_a_drop_is_shown_after_five_seconds_with_the_time_until_it_may_be_claimed(
    scene: Scene,
) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    began = world.now
    world.drops(ada, room)
    world.passes(4.999)
    assert "absent" not in scene.seen(ada)
    world.passes(0.001 + SLOT)
    assert scene.seen(ada)["absent"] == {"claim_in": began + 30.0}


def test_showing_a_drop_is_told_without_being_asked(scene: Scene) -> None:
    scene.world.drops(scene.ada, scene.room)
    assert scene.world.passes(4.999) == []
    assert len(scene.world.passes(0.001 + SLOT)) == 1


def test_a_drop_of_who_is_not_waited_for_is_not_shown(scene: Scene) -> None:
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
    with refused("too_soon"):
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


def test_what_is_no_claim_is_refused(scene: Scene) -> None:
    world, room = scene.world, scene.room
    world.drops(scene.ada, room)
    world.passes(40)
    with refused("invalid"):
        world.claims(scene.kim, room, "everything")
    with refused("not_seated"):
        world.claims(scene.ada, room)


def test_a_game_may_know_no_claims() -> None:
    scene = Scene(may_claim=False)
    scene.world.drops(scene.ada, scene.room)
    scene.world.passes(40)
    assert scene.seen(scene.ada)["absent"] == {}
    with refused("not_allowed"):
        scene.world.claims(scene.kim, scene.room)


def test_nobody_claims_while_the_match_waits_for_somebody_who_is_there() -> None:
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


def test_of_three_who_go_on_after_a_claim_the_match_goes_on() -> None:
    scene = Scene(3)
    world, ada, kim, _ = scene.world, *scene.players
    world.drops(ada, scene.room)
    world.passes(30)
    events = world.claims(kim, scene.room)
    assert [type(each).__name__ for each in events] == ["MatchAdvanced", "RoomChanged"]
    assert scene.seen(ada)["gone"] is True
    assert_waits_for(scene, kim)
    assert ended(world.passes(MOVE + SLOT)) == ["forfeit: [2]"], "the next one has a clock"


def test_who_is_played_for_by_a_bot_cannot_be_claimed_against() -> None:
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


def test_a_bot_soon_plays_for_whoever_is_cut_off() -> None:
    scene = Scene(game=Ticking, silence=Silence.BOT)
    world, ada, room = scene.world, scene.ada, scene.room
    world.drops(ada, room)
    assert lines(world.passes(0.999)) == []
    assert lines(world.passes(0.001 + SLOT)) == ["bot"]
    world.returns(ada, room)
    assert scene.seen(ada)["bot"] is True
    world.acts(ada, room)
    assert "bot" not in scene.seen(ada)


# Leaving on purpose


def test_who_leaves_is_shown_at_once_and_has_resigned_after_ten_seconds(scene: Scene) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    began = world.now
    world.leaves(ada, room)
    absent = {"left": True, "resigns_in": began + 10, "claim_in": began + 10}
    assert scene.seen(ada)["absent"] == absent
    assert ended(world.passes(9.999)) == []
    events = world.passes(0.001 + SLOT)
    assert ended(events) == ["resigned: [1]"]
    assert "resigned" in lines(events)
    assert room.seat_of(ada.id) is None


def test_leaving_is_shown_even_if_the_match_waits_for_others(scene: Scene) -> None:
    scene.world.leaves(scene.kim, scene.room)
    assert scene.seen(scene.kim)["absent"] == {"left": True, "resigns_in": scene.world.now + 10}
    assert ended(scene.world.passes(10 + SLOT)) == ["resigned: [0]"]


def test_to_join_within_ten_seconds_undoes_it(scene: Scene) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    world.leaves(ada, room)
    world.passes(9.9)
    world.joins(ada, room)
    assert "absent" not in scene.seen(ada)
    assert ended(world.passes(50)) == []
    assert scene.clock(ada) == 0.1


def test_leaving_again_does_not_put_it_off(scene: Scene) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    world.leaves(ada, room)
    world.passes(9)
    world.leaves(ada, room)
    assert ended(world.passes(1 + SLOT)) == ["resigned: [1]"]


def test_who_closes_the_page_may_come_back_for_ten_seconds_and_is_claimed_against_then(
    scene: Scene,
) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    began = world.now
    world.closes(ada, room)
    assert scene.seen(ada)["absent"] == {"left": True, "claim_in": began + 10}
    world.passes(9.999)
    with refused("too_soon"):
        world.claims(scene.kim, room)
    world.passes(0.001)
    assert ended(world.claims(scene.kim, room)) == ["claimed: [1]"]


def test_who_closes_the_page_keeps_the_seat_as_long_as_the_clock_runs(scene: Scene) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    world.closes(ada, room)
    world.passes(5)
    world.becomes(ada, Status.OFFLINE, Reason.LEFT)
    assert ended(world.passes(54.9)) == []
    assert room.seat_of(ada.id) == 0
    world.returns(ada, room)
    world.acts(ada, room)
    assert_waits_for(scene, scene.kim)


def test_a_match_that_ends_takes_the_seats_of_those_who_are_offline(scene: Scene) -> None:
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.drops(kim, room)
    world.becomes(kim, Status.OFFLINE, Reason.CONNECTION_LOST)
    assert room.seat_of(kim.id) == 1
    world.acts(ada, room, wins=True)
    assert room.seat_of(kim.id) is None
    assert room.seat_of(ada.id) == 0


def test_who_leaves_and_is_claimed_against_by_silence_first_leaves_no_deadline_behind() -> None:
    scene = Scene(3, move_time=5.0)
    world, ada, room = scene.world, scene.ada, scene.room
    world.leaves(ada, room)
    world.becomes(ada, Status.RECONNECTING, Reason.CONNECTION_LOST)
    world.passes(5 + SLOT)
    assert seat_of(room, ada).is_gone
    for _ in range(10):
        world.acts(scene.kim, room)
        world.acts(scene.players[2], room)
        world.passes(1)
        due = world.rooms.next_deadline()
        assert due is not None
        assert due > world.now


# Be right back


def test_be_right_back_takes_from_a_budget_and_the_match_waits(scene: Scene) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    world.passes(50)
    assert world.will_be_back(ada, room, 60) == 60
    assert scene.seen(ada)["back_in"] == world.now + 60
    assert (scene.seen(ada)["brb_left"], scene.clock(ada)) == (120, 70.0)
    assert ended(world.passes(69.999)) == []
    assert "back_in" not in scene.seen(ada)
    assert ended(world.passes(0.001 + SLOT)) == ["forfeit: [1]"]


def test_what_is_not_used_goes_back_into_the_budget_and_off_the_clock(scene: Scene) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    world.passes(50)
    world.will_be_back(ada, room, 60)
    world.passes(20)
    assert world.will_be_back(ada, room, 0) == 0
    assert (scene.seen(ada)["brb_left"], scene.clock(ada)) == (160, 10.0)
    assert "back_in" not in scene.seen(ada)


@pytest.mark.parametrize("how", ["touch", "act", "leave"])
def test_any_activity_says_i_am_back(scene: Scene, how: str) -> None:
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


def test_nobody_gets_more_than_the_budget_of_a_match(scene: Scene) -> None:
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


def test_to_ask_for_more_while_it_runs_counts_from_then(scene: Scene) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    world.will_be_back(ada, room, 60)
    world.passes(50)
    assert world.will_be_back(ada, room, 120) == 120
    assert scene.seen(ada)["brb_left"] == 10
    assert scene.clock(ada) == MOVE + 120


def test_who_said_so_before_it_was_their_turn_has_the_rest_of_it(scene: Scene) -> None:
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


def test_who_will_be_right_back_is_not_claimed_against_before(scene: Scene) -> None:
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


def test_who_says_so_and_is_back_at_once_has_no_more_time_than_before() -> None:
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


def test_with_less_than_a_second_left_the_skip_does_not_come_later() -> None:
    scene = Scene(silence=Silence.SKIP, brb_waits=False)
    world, ada, room = scene.world, scene.ada, scene.room
    world.passes(59.5)
    world.will_be_back(ada, room, 30)
    world.passes(0.5 + SLOT)
    assert_waits_for(scene, scene.kim)


def test_a_watcher_is_nobody_to_be_right_back(scene: Scene) -> None:
    bo = scene.world.player("Bo")
    scene.world.joins(bo, scene.room, spectate=True)
    with refused("not_seated"):
        scene.world.will_be_back(bo, scene.room, 30)


# Are you there?


def test_a_pulse_check_gives_thirty_seconds_to_touch_anything(scene: Scene) -> None:
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.passes(10)
    world.asks(kim, room, 0)
    assert scene.seen(ada)["asked"] == {"by": "Kim", "expires_in": world.now + 30}
    assert world.rooms.asked == {ada.id}
    assert ended(world.passes(29.999)) == []
    assert ended(world.passes(0.001 + SLOT)) == ["forfeit: [1]"]
    assert world.rooms.asked == set()


@pytest.mark.parametrize("how", ["touch", "act"])
def test_any_activity_answers_it(scene: Scene, how: str) -> None:
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.passes(10)
    world.asks(kim, room, 0)
    world.passes(29)
    if how == "act":
        world.acts(ada, room)
    world.touches(ada)
    assert "asked" not in scene.seen(ada)
    assert world.rooms.asked == set()
    assert ended(world.passes(20)) == []
    assert how == "act" or scene.clock(ada) == 1.0, "it answers, and moves no clock"


def test_who_is_cut_off_is_no_longer_asked(scene: Scene) -> None:
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.passes(10)
    world.asks(kim, room, 0)
    world.passes(1)
    world.drops(ada, room)
    assert "asked" not in scene.seen(ada)
    assert world.rooms.asked == set()
    assert ended(world.passes(29)) == []
    world.returns(ada, room)
    assert ended(world.passes(19)) == []


def test_of_more_than_two_nobody_calls_it_a_draw() -> None:
    scene = Scene(3)
    world, room = scene.world, scene.room
    world.drops(scene.ada, room)
    world.passes(31)
    with refused("not_allowed"):
        world.claims(scene.kim, room, "draw")
    assert room.state == "playing"


def test_an_activity_that_rooms_were_not_told_of_answers_too(scene: Scene) -> None:
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


def test_who_has_just_been_given_the_turn_is_left_in_peace_for_ten_seconds(scene: Scene) -> None:
    world, kim, room = scene.world, scene.kim, scene.room
    world.passes(9.999)
    with refused("too_soon"):
        world.asks(kim, room, 0)
    world.passes(0.001)
    world.asks(kim, room, 0)


def test_only_those_whom_the_match_waits_for_are_asked(scene: Scene) -> None:
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


def test_to_say_be_right_back_answers_a_pulse_check(scene: Scene) -> None:
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.passes(10)
    world.asks(kim, room, 0)
    world.will_be_back(ada, room, 60)
    assert world.rooms.asked == set()
    assert ended(world.passes(100)) == []


def test_a_pulse_check_whose_time_is_longer_than_the_clock_ends_with_it(scene: Scene) -> None:
    world, kim, room = scene.world, scene.kim, scene.room
    world.passes(40)
    world.asks(kim, room, 0)
    assert ended(world.passes(20 + SLOT)) == ["forfeit: [1]"]


def test_who_was_asked_and_goes_elsewhere_is_not_looked_for(scene: Scene) -> None:
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.passes(10)
    world.asks(kim, room, 0)
    world.leaves(ada, room)
    world.passes(10 + SLOT)
    assert world.rooms.asked == set()
    assert world.rooms.heard(ada, world.now) == []


# Signing out


def test_that_somebody_will_be_signed_out_is_shown_with_the_time_left(scene: Scene) -> None:
    world, ada = scene.world, scene.ada
    ada.sessions[0].idle_from = world.now
    world.passes(50)
    world.acts(ada, scene.room)
    world.until(world.now + 50)
    ada.sessions[0].idle_from = world.now - 250
    world.becomes(ada, Status.WARNED, Reason.WARNING)
    left = scene.seen(ada)["signs_out_in"]
    assert isinstance(left, float)
    assert round(left - world.now, 3) == 50.0
    world.touches(ada)
    assert "signs_out_in" not in scene.seen(ada)


def test_who_is_signed_out_is_absent_and_the_clock_decides(scene: Scene) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    world.becomes(ada, Status.OFFLINE, Reason.IDLE_TIMEOUT)
    world.passes(5 + SLOT)
    assert "claim_in" in scene.seen(ada)["absent"]  # type: ignore[operator]
    assert room.seat_of(ada.id) == 0
    assert ended(world.passes(55)) == ["forfeit: [1]"]


# Time


def test_ticks_come_at_the_instants_for_which_they_were_due() -> None:
    scene = Scene(game=Ticking)
    scene.world.passes(1.0 + SLOT)
    times = [round(time, 6) for time in scene.match.state.times]
    assert times == [round(tick / 10, 6) for tick in range(1, 11)]


@pytest.mark.parametrize("late", [0.3, 0.9, 2.0, 30.0])
def test_a_game_is_never_behind_for_long_and_is_told_of_no_lateness(late: float) -> None:
    scene = Scene(game=Ticking)
    world, match = scene.world, scene.match
    world.passes(1.0 + SLOT)
    ticks = match.state.ticks
    world.now += late
    world.do(world.rooms.expire(world.now))
    assert match.state.ticks - ticks <= 7
    times = match.state.times
    assert [round(after - before, 6) for before, after in pairwise(times)] == [0.1] * (
        len(times) - 1
    )
    due = world.rooms.next_deadline()
    assert due is not None
    assert world.now < due < world.now + 0.12


def test_a_round_that_is_over_by_itself_starts_every_clock_anew() -> None:
    scene = Scene(3, Timed, brb_waits=False)
    world, ada, kim, bo = scene.world, *scene.players
    world.acts(ada, scene.room)
    assert_waits_for(scene, kim, bo)
    assert seen(world, scene.room)["match"]["waits_for"] == [1, 2]
    world.passes(3 + SLOT)
    assert_waits_for(scene, ada, kim, bo)


def test_an_action_that_changes_whom_a_ticking_match_waits_for_is_told() -> None:
    scene = Scene(3, Timed)
    before = seen(scene.world, scene.room)
    events = scene.world.acts(scene.ada, scene.room)
    assert seen(scene.world, scene.room) != before
    assert [type(each).__name__ for each in events] == ["MatchAdvanced", "RoomChanged"]


def test_who_will_be_right_back_is_skipped_at_once_in_a_ticking_game_too() -> None:
    scene = Scene(2, Timed, brb_waits=False, silence=Silence.SKIP)
    world, ada, kim = scene.world, scene.ada, scene.kim
    world.acts(kim, scene.room)
    world.will_be_back(kim, scene.room, 100)
    world.acts(ada, scene.room)
    assert_waits_for(scene, ada, kim)
    world.passes(1 + SLOT)
    assert_waits_for(scene, ada)


def test_a_claim_against_two_puts_both_out_and_the_last_of_them_ends_it() -> None:
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


def test_who_is_no_longer_waited_for_because_of_another_has_no_clock_either() -> None:
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


def test_to_be_connected_again_is_not_to_be_back(scene: Scene) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    world.will_be_back(ada, room, 60)
    world.do(world.rooms.player_changed(ada, Reason.CONNECTED, world.now))
    assert scene.clock(ada) == MOVE + 60
    world.do(world.rooms.player_changed(ada, Reason.ACTIVITY, world.now))
    assert scene.clock(ada) == MOVE


def test_after_a_restart_who_will_be_right_back_is_back_with_the_first_activity() -> None:
    scene = Scene()
    world, ada, room = scene.world, scene.ada, scene.room
    world.will_be_back(ada, room, 60)
    fresh = Rooms(world.rooms.games, world.policy, lambda: room.id, lambda: scene.match.id, str)
    world.rooms._deadlines.disarm(room)
    fresh.restore(room, world.now)
    fresh.join(ada, room.id, world.now)
    fresh.player_changed(ada, Reason.CONNECTED, world.now)
    assert "back_in" in scene.seen(ada)
    assert fresh.asked == {ada.id}
    fresh.heard(ada, world.now)
    assert "back_in" not in scene.seen(ada)
