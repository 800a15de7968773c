"""Players who leave a match, close the page, or are signed out."""

from server.presence.status import Reason, Status
from tests.rooms.scene import Scene, assert_waits_for
from tests.rooms.world import SLOT, ended, lines, refused, seat_of


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
