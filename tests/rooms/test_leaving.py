"""Players who leave a match, close the page, or are signed out."""

import pytest

from server.games.catalogue import AnyGame
from server.games.game import Silence
from server.presence.status import Reason, Status
from server.rooms.limits import Limits
from tests.rooms.games import Ticking, Together, Turns
from tests.rooms.scene import Scene, assert_waits_for
from tests.rooms.world import closed, ended, lines, refused, seat_of
from tests.support.manual_clock import SLOT

LIMITS = Limits()


def test_a_leave_is_shown_at_once_and_is_a_resignation_after_ten_seconds(scene: Scene) -> None:
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


def test_a_join_within_ten_seconds_undoes_a_leave(scene: Scene) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    world.leaves(ada, room)
    world.passes(9.9)
    world.joins(ada, room)
    assert "absent" not in scene.seen(ada)
    assert ended(world.passes(50)) == []
    assert scene.clock(ada) == 0.1


def test_leaving_again_does_not_delay_the_resignation(scene: Scene) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    world.leaves(ada, room)
    world.passes(9)
    world.leaves(ada, room)
    assert ended(world.passes(1 + SLOT)) == ["resigned: [1]"]


def test_a_closed_page_may_be_claimed_against_after_ten_seconds(
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


def test_a_closed_page_keeps_the_seat_while_the_clock_runs(scene: Scene) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    world.closes(ada, room)
    world.passes(5)
    world.becomes(ada, Status.OFFLINE, Reason.LEFT)
    assert ended(world.passes(54.9)) == []
    assert room.seat_of(ada.id) == 0
    world.returns(ada, room)
    world.acts(ada, room)
    assert_waits_for(scene, scene.kim)


def test_the_end_of_a_match_frees_the_seats_of_offline_players(scene: Scene) -> None:
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.drops(kim, room)
    world.becomes(kim, Status.OFFLINE, Reason.CONNECTION_LOST)
    assert room.seat_of(kim.id) == 1
    world.acts(ada, room, wins=True)
    assert room.seat_of(kim.id) is None
    assert room.seat_of(ada.id) == 0


def test_a_player_removed_by_silence_after_a_leave_leaves_no_deadline() -> None:
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


def test_a_warned_player_is_shown_with_the_time_until_the_sign_out(scene: Scene) -> None:
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


def test_a_signed_out_player_is_absent_and_forfeits_by_the_clock(scene: Scene) -> None:
    world, ada, room = scene.world, scene.ada, scene.room
    world.becomes(ada, Status.OFFLINE, Reason.IDLE_TIMEOUT)
    world.passes(5 + SLOT)
    assert "claim_in" in scene.seen(ada)["absent"]  # type: ignore[operator]
    assert room.seat_of(ada.id) == 0
    assert ended(world.passes(55)) == ["forfeit: [1]"]


# The winner after a player leaves


def test_a_leaving_player_loses_to_a_dropped_one(scene: Scene) -> None:
    world, ada, kim, room = scene.world, scene.ada, scene.kim, scene.room
    world.drops(kim, room)
    world.passes(3)
    world.leaves(ada, room)
    assert ended(world.passes(9.999)) == []
    assert ended(world.passes(0.001 + SLOT)) == ["resigned: [1]"]
    assert scene.match.ended_by == 0
    world.returns(kim, room)
    assert room.seat_of(kim.id) == 1, "13 s of the 30 in which to come back were over"


@pytest.mark.parametrize("gone_for", [0, 29.99, 30, 50])
def test_a_leaving_player_loses_however_long_the_other_has_been_dropped(gone_for: float) -> None:
    scene = Scene(move_time=1000.0)
    world = scene.world
    world.drops(scene.kim, scene.room)
    world.becomes(scene.kim, Status.OFFLINE, Reason.CONNECTION_LOST)
    world.passes(gone_for)
    world.leaves(scene.ada, scene.room)
    assert ended(world.passes(10 + SLOT)) == ["resigned: [1]"]


def test_the_first_of_two_leaving_players_loses(scene: Scene) -> None:
    world, room = scene.world, scene.room
    world.leaves(scene.kim, room)
    world.passes(0.001)
    world.leaves(scene.ada, room)
    world.passes(9)
    world.now += 5
    assert ended(world.do(world.rooms.expire(world.now, limit=100))) == ["resigned: [0]"]


@pytest.mark.parametrize("first", [0, 1])
def test_the_first_of_two_leaves_at_the_same_instant_loses(scene: Scene, first: int) -> None:
    world, room = scene.world, scene.room
    world.leaves(scene.players[first], room)
    world.leaves(scene.players[1 - first], room)
    assert ended(world.passes(10 + SLOT)) == [f"resigned: [{1 - first}]"]


def test_a_silent_player_loses_to_one_who_has_not_yet_resigned() -> None:
    scene = Scene(move_time=20.0)
    world, room = scene.world, scene.room
    world.drops(scene.ada, room)
    world.passes(15)
    world.leaves(scene.kim, room)
    assert ended(world.passes(5 + SLOT)) == ["forfeit: [1]"]


def test_the_earliest_deadline_decides_however_late_it_is_noticed() -> None:
    scene = Scene(move_time=20.0)
    world, room = scene.world, scene.room
    world.passes(9.99)
    world.leaves(scene.kim, room)  # out at 19.99, before Ada's time is over
    world.now += 30
    assert ended(world.do(world.rooms.expire(world.now, limit=100))) == ["resigned: [0]"]


def test_the_last_player_who_has_not_left_wins_even_if_dropped() -> None:
    scene = Scene(4, Together)
    world, room = scene.world, scene.room
    ada, kim, bo, eve = scene.players
    world.drops(bo, room)
    for each in (kim, eve, ada):
        world.leaves(each, room)
        world.passes(1)
    events = world.passes(10)
    assert ended(events) == ["resigned: [2]"]
    assert lines(events).count("resigned") == 3


def test_a_match_goes_on_for_dropped_players_after_others_leave() -> None:
    scene = Scene(3)
    world, room = scene.world, scene.room
    ada, kim, bo = scene.players
    world.leaves(ada, room)
    world.passes(5)
    world.drops(kim, room)
    world.drops(bo, room)
    assert ended(world.passes(5 + SLOT)) == []
    world.returns(bo, room)
    assert_waits_for(scene, kim)


def test_a_resigned_player_keeps_no_seat_after_the_match_even_if_dropped() -> None:
    scene = Scene(3)
    world, room = scene.world, scene.room
    ada, kim, bo = scene.players
    world.leaves(ada, room)
    assert lines(world.passes(10 + SLOT)) == ["resigned"]
    world.becomes(ada, Status.RECONNECTING)
    world.leaves(kim, room)
    assert ended(world.passes(10 + SLOT)) == ["resigned: [2]"]
    assert (room.seat_of(ada.id), room.seat_of(kim.id)) == (None, None)
    assert room.seat_of(bo.id) is not None


def test_a_match_is_abandoned_when_the_last_present_player_leaves() -> None:
    scene = Scene(3)
    world, room = scene.world, scene.room
    ada, kim, bo = scene.players
    world.drops(kim, room)
    world.drops(bo, room)
    world.passes(30)
    world.leaves(ada, room)
    assert ended(world.passes(9.99)) == []
    assert ended(world.passes(0.01 + SLOT)) == ["abandoned: []"]


@pytest.mark.parametrize("game", [Turns, Ticking])
def test_a_leaving_player_loses_to_a_dropped_one_with_a_bot(game: type[AnyGame]) -> None:
    scene = Scene(game=game, silence=Silence.BOT)
    world, room = scene.world, scene.room
    world.drops(scene.kim, room)
    world.passes(2)
    world.leaves(scene.ada, room)
    ends = ended(world.passes(10 + SLOT))
    if game is Turns:
        assert ends == ["resigned: [1]"]
    else:
        assert scene.match.ended_by == 0
        assert ends[0].startswith("resigned")


def test_a_room_that_closes_before_the_resignation_counts_the_leave() -> None:
    scene = Scene(leave_grace=100.0, move_time=1000.0)
    world, room = scene.world, scene.room
    world.drops(scene.ada, room)
    world.leaves(scene.kim, room)
    events = world.passes(LIMITS.deserted_after + SLOT)
    assert (ended(events), closed(events)) == (["resigned: [0]"], ["empty"])


def test_a_leaving_player_loses_to_one_in_be_right_back(scene: Scene) -> None:
    world, room = scene.world, scene.room
    world.will_be_back(scene.ada, room, 100)
    world.drops(scene.ada, room)
    world.leaves(scene.kim, room)
    assert ended(world.passes(10 + SLOT)) == ["resigned: [0]"]
