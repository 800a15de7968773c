"""Rooms: seats, the host, who may enter, and when a room closes."""

from typing import Any

import pytest

from server.base.units import NEVER
from server.games.game import AfkPolicy
from server.presence.status import Reason, Status
from server.rooms.events import RoomOpened, RoomUpdated
from server.rooms.limits import Limits
from tests.rooms.games import Ticking, Together, Turns, variant
from tests.rooms.world import World, closed, ended, lines, opened, refused, seat_of, seat_seen, seen
from tests.support.manual_clock import SLOT

LIMITS = Limits()


@pytest.fixture
def world() -> World:
    return World(Turns(), Together(), Ticking())


# Opening and joining


def test_the_maker_of_a_room_is_its_host_with_the_first_seat_reserved(world: World) -> None:
    ada = world.player()
    room, events = world.rooms.open(ada, "turns", world.now)
    assert [type(each) for each in events] == [RoomOpened, RoomUpdated]
    assert room.state == "open"
    assert (room.host, room.seat_of(ada.id), room.free) == (ada.id, 0, 1)
    assert seat_seen(world, room, ada)["reserved_in"] == world.now + LIMITS.reserved_for
    assert world.room_of(ada) is room


def test_a_seat_is_kept_for_15_seconds_and_no_longer(world: World) -> None:
    ada, kim = world.players(2)
    room = world.room("turns", kim)
    world.leaves(kim, room)
    room, _ = world.rooms.open(ada, "turns", world.now)
    world.joins(kim, room)
    world.passes(14.999)
    assert room.seat_of(ada.id) == 0
    events = world.passes(0.001 + SLOT)
    assert room.seat_of(ada.id) is None
    assert lines(events) == [], "who never came does not leave"
    assert world.room_of(ada) is None


def test_joining_takes_the_reserved_seat(world: World) -> None:
    ada = world.player()
    room, _ = world.rooms.open(ada, "turns", world.now)
    events = world.joins(ada, room)
    assert lines(events) == ["joined"]
    assert "reserved_in" not in seat_seen(world, room, ada)
    world.passes(LIMITS.empty_after)
    assert room.seat_of(ada.id) == 0


def test_a_player_with_the_id_joins_the_first_free_seat(world: World) -> None:
    ada, kim, bo, eve = world.players(4)
    room = world.room("together", ada, private=True)
    assert world.rooms.find(room.id) is room
    world.joins(kim, room, number=3)
    world.joins(bo, room)
    world.joins(eve, room)
    assert [room.seat_of(each.id) for each in (ada, kim, bo, eve)] == [0, 3, 1, 2]


def test_joining_a_full_room_spectates(world: World) -> None:
    ada, kim, bo = world.players(3)
    room = world.room("turns", ada, kim)
    seat, _ = world.rooms.join(bo, room.id, world.now)
    assert seat is None
    assert list(room.spectators) == [bo.id]
    assert seen(world, room)["spectators"] == 1


def test_a_spectator_takes_no_seat_and_may_take_one_later(
    world: World,
) -> None:
    ada, kim = world.players(2)
    room = world.room("turns", ada)
    world.joins(kim, room, spectate=True)
    assert (room.free, list(room.spectators)) == (1, [kim.id])
    world.joins(kim, room)
    assert (room.free, list(room.spectators)) == (0, [])


def test_a_seated_player_may_become_a_spectator(world: World) -> None:
    ada, kim = world.players(2)
    room = world.room("together", ada, kim)
    events = world.joins(kim, room, spectate=True)
    assert lines(events) == ["left"]
    assert (room.seat_of(kim.id), list(room.spectators)) == (None, [kim.id])
    assert world.room_of(kim) is None


def test_a_player_of_a_running_match_cannot_become_a_spectator(world: World) -> None:
    ada, kim = world.players(2)
    room, _ = world.match("turns", ada, kim)
    seat, _ = world.rooms.join(kim, room.id, world.now, spectate=True)
    assert seat == 1
    assert not room.spectators


def test_a_player_may_change_to_a_free_seat(world: World) -> None:
    ada, kim = world.players(2)
    room = world.room("together", ada, kim)
    world.joins(kim, room, number=3)
    assert room.seat_of(kim.id) == 3
    assert room.first_free() == 1
    with refused("seat_taken"):
        world.joins(kim, room, number=0)


@pytest.mark.parametrize("seat", [-1, 4, 10**9])
def test_a_seat_out_of_range_is_refused(world: World, seat: int) -> None:
    ada, kim = world.players(2)
    room = world.room("together", ada)
    for player in (kim, ada):  # without and with a seat
        with refused("invalid"):
            world.joins(player, room, number=seat)


def test_a_taken_seat_is_refused(world: World) -> None:
    ada, kim = world.players(2)
    room = world.room("together", ada)
    with refused("seat_taken"):
        world.joins(kim, room, number=0)
    assert world.room_of(kim) is None


def test_joining_again_keeps_the_seat(world: World) -> None:
    ada, kim = world.players(2)
    room = world.room("together", ada, kim)
    hows: tuple[dict[str, Any], ...] = ({}, {"number": 1})
    for how in hows:
        seat, events = world.rooms.join(kim, room.id, world.now, **how)
        assert (seat, events) == (1, [])


def test_a_player_sits_in_one_room_at_a_time(world: World) -> None:
    ada, kim = world.players(2)
    first = world.room("together", ada, kim)
    second = world.room("turns", ada)
    assert first.seat_of(ada.id) is None
    assert first.host == kim.id
    assert world.room_of(ada) is second
    world.joins(ada, first)
    assert second.seat_of(ada.id) is None


def test_a_player_of_a_running_match_cannot_join_another_room(world: World) -> None:
    ada, kim, bo = world.players(3)
    room, _ = world.match("turns", ada, kim)
    other = world.room("together", bo)
    with refused("already_seated"):
        world.joins(ada, other)
    with refused("already_seated"):
        world.rooms.open(ada, "turns", world.now)
    with refused("already_seated"):
        world.looks_for(ada)
    assert (room.seat_of(ada.id), other.seat_of(ada.id)) == (0, None)
    world.joins(ada, other, spectate=True)
    assert list(other.spectators) == [ada.id]


def test_unknown_games_and_rooms_are_refused(world: World) -> None:
    ada = world.player()
    with refused("no_such_game"):
        world.rooms.open(ada, "chess", world.now)
    with refused("no_such_room"):
        world.rooms.join(ada, "r999", world.now)
    assert world.rooms.leave(ada.id, "r999", world.now) == []
    assert world.rooms.disconnect(ada.id, "r999", world.now, has_left=True) == []
    assert world.rooms.next_deadline() is None


def test_a_player_may_open_three_rooms_and_then_no_more(world: World) -> None:
    ada, kim = world.players(2)
    for _ in range(LIMITS.rooms_per_maker):
        room = world.room("together", ada)
        world.joins(kim, room, spectate=True)
    before = world.room_of(ada)
    with refused("too_many_rooms"):
        world.rooms.open(ada, "together", world.now)
    assert world.room_of(ada) is before
    world.passes(LIMITS.empty_after + SLOT)
    assert len(world.rooms.all) == 1
    world.room("together", ada)


def test_the_number_of_rooms_is_limited_and_a_refusal_changes_nothing() -> None:
    world = World(Turns(), Together(), limits=Limits(rooms=1))
    ada, kim, bo = world.players(3)
    room = world.room("together", ada, kim, private=True)
    with refused("too_many_rooms"):
        world.rooms.open(kim, "turns", world.now)
    assert room.seat_of(kim.id) == 1
    world.looks_for(bo, "turns")
    eve = world.player("Eve")
    world.looks_for(eve, "turns")
    assert len(world.rooms.all) == 1
    assert list(world.rooms.waiting) == [bo.id, eve.id], "they wait until there is room"
    world.becomes(bo, Status.RECONNECTING, Reason.CONNECTION_LOST)
    world.becomes(bo, Status.ACTIVE, Reason.CONNECTED)
    for each in (ada, kim):
        world.leaves(each, room)
    assert opened(world, world.passes(LIMITS.empty_after + SLOT)) != []


def test_once_half_of_all_rooms_are_open_a_player_opens_only_one() -> None:
    limits = Limits(rooms=4, rooms_crowded=2)
    world = World(Turns(), Together(), limits=limits)
    ada, kim, bo = world.players(3)
    for _ in range(2):
        room = world.room("together", ada)
        world.joins(bo, room, spectate=True)
    for player in (ada, kim):
        before = world.room_of(player)
        if player is kim:
            before = world.room("together", kim)
            world.joins(bo, before, spectate=True)
        with refused("too_many_rooms"):
            world.rooms.open(player, "together", world.now)
        assert world.room_of(player) is before
    world.room("together", bo)


# The host


def test_the_next_present_player_becomes_host_when_the_host_leaves(world: World) -> None:
    ada, kim, bo = world.players(3)
    room = world.room("together", ada, kim, bo)
    world.leaves(ada, room)
    assert room.host == kim.id


def test_an_away_host_is_replaced_by_an_active_player(world: World) -> None:
    ada, kim, bo = world.players(3)
    room = world.room("together", ada, kim, bo)
    world.becomes(kim, Status.AWAY)
    world.becomes(ada, Status.AWAY)
    assert room.host == bo.id
    world.touches(ada)
    assert room.host == bo.id, "it does not go to and fro"


def test_the_host_stays_if_all_players_are_away(world: World) -> None:
    ada, kim = world.players(2)
    room = world.room("together", ada, kim)
    world.becomes(kim, Status.AWAY)
    world.becomes(ada, Status.AWAY)
    assert room.host == ada.id


def test_a_host_who_was_just_cut_off_stays_host_for_5_seconds(world: World) -> None:
    ada, kim = world.players(2)
    room = world.room("together", ada, kim)
    world.drops(ada, room)
    world.passes(4.999)
    assert room.host == ada.id
    world.passes(0.001 + SLOT)
    assert room.host == kim.id


def test_a_host_who_reloads_the_page_stays_host_for_5_seconds(world: World) -> None:
    ada, kim = world.players(2)
    room = world.room("together", ada, kim)
    world.closes(ada, room)
    world.passes(4.999)
    assert room.host == ada.id
    world.passes(0.001 + SLOT)
    assert room.host == kim.id


def test_the_maker_is_host_while_their_seat_is_reserved(world: World) -> None:
    ada, kim = world.players(2)
    room, _ = world.rooms.open(ada, "together", world.now)
    world.joins(kim, room)
    assert room.host == ada.id
    world.passes(LIMITS.reserved_for + SLOT)
    assert room.host == kim.id


def test_a_player_with_a_reserved_seat_does_not_become_host(world: World) -> None:
    ada, kim, bo = world.players(3)
    room = world.room("together", ada, kim)
    world.looks_for(bo, "together")
    assert "reserved_in" in seat_seen(world, room, bo)
    world.leaves(ada, room)
    assert room.host == kim.id
    world.leaves(kim, room)
    assert room.host == bo.id


def test_a_room_that_only_watchers_are_left_in_has_no_host(world: World) -> None:
    ada, kim = world.players(2)
    room = world.room("together", ada)
    world.joins(kim, room, spectate=True)
    world.leaves(ada, room)
    assert room.host is None
    assert "host" not in seen(world, room)


# Disconnecting without a match


def test_a_seat_is_kept_while_its_player_is_reconnecting(world: World) -> None:
    ada, kim = world.players(2)
    room = world.room("together", ada, kim)
    world.drops(kim, room)
    world.passes(3600)
    assert room.seat_of(kim.id) == 1
    world.returns(kim, room)
    world.passes(3600)
    assert seat_of(room, kim).is_here


def test_an_offline_player_has_no_seat_without_a_running_match(world: World) -> None:
    ada, kim = world.players(2)
    room = world.room("together", ada, kim)
    world.drops(kim, room)
    world.passes(1.0)
    events = world.becomes(kim, Status.OFFLINE, Reason.CONNECTION_LOST)
    assert lines(events) == ["left"]
    assert room.seat_of(kim.id) is None


@pytest.mark.parametrize(("has_left", "grace"), [(False, 30.0), (True, 10.0)])
def test_a_player_without_a_tab_in_the_room_keeps_the_seat_for_the_grace(
    world: World, has_left: bool, grace: float
) -> None:
    ada, kim = world.players(2)
    room = world.room("together", ada, kim)
    world.do(world.rooms.disconnect(kim.id, room.id, world.now, has_left=has_left))
    world.passes(grace - 0.001)
    assert room.seat_of(kim.id) == 1
    world.passes(0.001 + SLOT)
    assert room.seat_of(kim.id) is None


def test_coming_back_within_the_grace_keeps_the_seat(world: World) -> None:
    ada, kim = world.players(2)
    room = world.room("together", ada, kim)
    world.do(world.rooms.disconnect(kim.id, room.id, world.now, has_left=True))
    world.passes(9.9)
    assert lines(world.joins(kim, room)) == [], "it was invisible"
    world.passes(3600)
    assert room.seat_of(kim.id) == 1


def test_leaving_frees_the_seat_at_once_where_no_match_runs(world: World) -> None:
    ada, kim = world.players(2)
    room = world.room("together", ada, kim)
    assert lines(world.leaves(kim, room)) == ["left"]
    assert room.seat_of(kim.id) is None


def test_a_spectator_who_leaves_is_no_longer_counted(world: World) -> None:
    ada, kim, bo = world.players(3)
    room = world.room("together", ada)
    for player in (kim, bo):
        world.joins(player, room, spectate=True)
    world.do(world.rooms.disconnect(kim.id, room.id, world.now, has_left=False))
    world.leaves(bo, room)
    assert seen(world, room)["spectators"] == 0
    assert world.leaves(bo, room) == []


# Closing


def test_an_empty_room_closes_after_30_seconds(world: World) -> None:
    ada = world.player()
    room = world.room("together", ada)
    world.leaves(ada, room)
    assert seen(world, room)["closes_in"] == world.now + LIMITS.empty_after
    assert closed(world.passes(29.999)) == []
    assert closed(world.passes(0.001 + SLOT)) == ["empty"]
    with refused("no_such_room"):
        world.rooms.find(room.id)
    assert world.rooms.next_deadline() is None


def test_watchers_do_not_keep_a_room_open(world: World) -> None:
    ada, kim = world.players(2)
    room = world.room("together", ada)
    world.joins(kim, room, spectate=True)
    world.leaves(ada, room)
    world.passes(20)
    bo = world.player("Bo")
    world.joins(bo, room, spectate=True)
    assert closed(world.passes(10 + SLOT)) == ["empty"]


def test_idle_players_keep_a_room_open_for_five_minutes(world: World) -> None:
    ada, kim = world.players(2)
    room = world.room("together", ada, kim)
    world.passes(1000)
    world.becomes(ada, Status.AWAY)
    assert "closes_in" not in seen(world, room)
    world.becomes(kim, Status.AWAY)
    assert closed(world.passes(LIMITS.idle_after - 0.001)) == []
    assert closed(world.passes(0.001 + SLOT)) == ["idle"]
    assert world.room_of(ada) is world.room_of(kim) is None


def test_an_activity_of_an_idle_player_keeps_the_room(world: World) -> None:
    ada = world.player()
    room = world.room("together", ada)
    world.becomes(ada, Status.AWAY)
    world.passes(LIMITS.idle_after - 1)
    world.touches(ada)
    assert "closes_in" not in seen(world, room)
    assert closed(world.passes(3600)) == []


def test_a_seat_that_is_kept_keeps_the_room(world: World) -> None:
    ada = world.player()
    _, events = world.rooms.open(ada, "turns", world.now)
    world.do(events)
    events = world.passes(LIMITS.reserved_for + LIMITS.empty_after - 0.001)
    assert closed(events) == []
    assert closed(world.passes(0.001 + 2 * SLOT)) == ["empty"]


def test_an_idle_player_who_reconnects_finds_the_room_again(world: World) -> None:
    ada = world.player()
    room = world.room("together", ada)
    world.becomes(ada, Status.AWAY)
    world.passes(120)
    world.drops(ada, room)
    assert closed(world.passes(LIMITS.empty_after - 0.001)) == []
    world.returns(ada, room)
    assert closed(world.passes(3600)) == []


def test_an_idle_player_who_is_lost_leaves_an_empty_room(world: World) -> None:
    ada = world.player()
    room = world.room("together", ada)
    world.becomes(ada, Status.AWAY)
    world.passes(120)
    world.drops(ada, room)
    assert closed(world.passes(LIMITS.empty_after + SLOT)) == ["empty"]


def test_reconnecting_does_not_keep_the_room_of_an_idle_player_for_ever(world: World) -> None:
    ada = world.player()
    room = world.room("together", ada)
    world.becomes(ada, Status.AWAY)
    events = []
    for _ in range(60):
        if room.is_closed:
            break
        events += world.passes(10)
        events += world.drops(ada, room)
        events += world.passes(1)
        if not room.is_closed:
            world.becomes(ada, Status.AWAY, Reason.CONNECTED)
            events += world.joins(ada, room)
    assert len(closed(events)) == 1


def test_one_player_who_goes_from_room_to_room_does_not_keep_them_open(world: World) -> None:
    ada = world.player()
    rooms = [world.room("together", ada) for _ in range(LIMITS.rooms_per_maker)]
    since = world.now
    while len(world.rooms.all) > 1:
        for room in rooms:
            world.passes(8)
            if not room.is_closed:
                world.joins(ada, room)
        assert world.now - since < 4 * LIMITS.vacant_after, "the second one too"


def test_a_room_in_which_somebody_stayed_may_be_left_as_often_again(world: World) -> None:
    ada = world.player()
    room = world.room("together", ada)
    away = LIMITS.empty_after - 1

    def comes_and_goes(stay: float) -> int:
        for number in range(10):
            world.leaves(ada, room)
            world.passes(away)
            if room.is_closed:
                return number
            world.joins(ada, room)
            world.passes(stay)
        return 10

    assert comes_and_goes(LIMITS.idle_after) == 10
    assert comes_and_goes(LIMITS.idle_after - 1) == LIMITS.vacant_after // away


@pytest.mark.parametrize(
    ("move_time", "drop_grace"), [(59.999, 30.0), (60.0, 30.0), (600.0, 30.0), (600.0, 1000.0)]
)
def test_an_unattended_match_is_abandoned_after_a_minute(
    move_time: float, drop_grace: float
) -> None:
    policy = AfkPolicy(move_time=move_time, drop_grace=drop_grace)
    world = World(variant(Turns, policy=policy))
    ada, kim, bo = world.players(3)
    room, _ = world.match("turns", ada, kim)
    world.joins(bo, room, spectate=True)
    for player in (ada, kim):
        world.drops(player, room)
    assert room.closes_at() == world.now + LIMITS.deserted_after
    events = world.passes(LIMITS.deserted_after - 0.011)
    assert (ended(events), closed(events)) == ([], [])
    events = world.passes(0.011 + 2 * SLOT)
    assert (ended(events), closed(events)) == (["abandoned: []"], ["empty"])


def test_a_private_room_differs_only_in_the_list(world: World) -> None:
    ada, kim = world.players(2)
    room = world.room("turns", ada, private=True)
    assert seen(world, room)["private"] is True
    world.joins(kim, room)
    assert room.state == "playing"


# The next match


def test_a_match_begins_when_all_seats_are_taken_by_present_players(world: World) -> None:
    ada, kim = world.players(2)
    room, _ = world.rooms.open(ada, "turns", world.now)
    world.joins(kim, room)
    assert room.running is None
    world.joins(ada, room)
    assert room.state == "playing"


def test_in_other_games_only_the_host_begins_the_first_match(world: World) -> None:
    ada, kim, bo = world.players(3)
    room = world.room("together", ada, kim)
    world.joins(bo, room, spectate=True)
    with refused("not_host"):
        world.starts(kim, room)
    with refused("not_seated"):
        world.starts(bo, room)
    world.starts(ada, room)
    assert room.state == "playing"
    with refused("not_allowed"):
        world.starts(ada, room)


def test_a_match_needs_enough_present_players(world: World) -> None:
    ada, kim = world.players(2)
    room = world.room("together", ada, kim)
    world.drops(kim, room)
    with refused("too_few"):
        world.starts(ada, room)
    world.returns(kim, room)
    world.starts(ada, room)
    assert room.state == "playing"


def test_an_absent_player_does_not_play_and_the_others_move_up(world: World) -> None:
    ada, kim, bo, eve = world.players(4)
    room = world.room("together", ada, kim, bo)
    world.drops(ada, room)
    world.passes(5 + SLOT)
    world.joins(eve, room)
    world.starts(kim, room)
    assert room.running is not None
    assert [room.seat_of(each.id) for each in (kim, bo, eve, ada)] == [0, 1, 2, 3]
    assert [id for id, _ in room.running.players] == [kim.id, bo.id, eve.id]
    assert not seat_of(room, ada).plays


def test_the_next_match_begins_when_all_present_players_want_it(world: World) -> None:
    ada, kim = world.players(2)
    room, match = world.match("turns", ada, kim)
    world.acts(ada, room, wins=True)
    assert room.state == "over"
    world.starts(kim, room)
    assert room.running is None
    assert seat_seen(world, room, kim)["wants_more"] is True
    assert world.starts(kim, room) == [], "it was given already"
    world.starts(ada, room)
    assert room.running is not None
    assert room.running.ordinal == match.ordinal + 1
    assert "wants_more" not in seat_seen(world, room, kim)


def test_in_other_games_the_host_alone_begins_the_next_match(
    world: World,
) -> None:
    ada, kim, bo = world.players(3)
    room, _ = world.match("together", ada, kim, bo)
    world.leaves(bo, room)
    world.leaves(kim, room)
    world.passes(10 + SLOT)
    assert room.running is None
    eve = world.player("Eve")
    world.joins(eve, room)
    world.starts(eve, room)
    assert room.running is None
    world.starts(ada, room)
    assert room.state == "playing"


def test_a_player_who_takes_a_seat_during_a_match_plays_the_next(world: World) -> None:
    ada, kim, bo = world.players(3)
    room, match = world.match("together", ada, kim)
    world.joins(bo, room)
    assert room.seat_of(bo.id) == 2
    assert match.size == 2
    with refused("not_seated"):
        world.acts(bo, room)
    with refused("seat_taken"):
        world.joins(bo, room, number=1)
    world.joins(bo, room, number=3)
    assert room.seat_of(bo.id) == 3
    world.leaves(bo, room)
    assert room.seat_of(bo.id) is None, "who does not play leaves without a grace"


def test_a_room_without_anything_due_has_no_deadline(world: World) -> None:
    ada = world.player()
    room = world.room("together", ada)
    world.passes(60)
    assert world.rooms.next_deadline() is None
    assert room.closes_at() == NEVER


def test_ten_rooms_a_minute_are_enough() -> None:
    world = World(Turns(), Together(), limits=Limits(rooms_per_maker=100))
    ada = world.player()
    for _ in range(LIMITS.rooms_made.count):
        world.rooms.open(ada, "together", world.now)
    with refused("too_many_rooms"):
        world.rooms.open(ada, "together", world.now)
    world.passes(59.999)
    with refused("too_many_rooms"):
        world.rooms.open(ada, "together", world.now)
    world.passes(0.001)
    world.rooms.open(ada, "together", world.now)
