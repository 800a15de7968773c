"""Quick match: the queue of players, and which of them are matched."""

import sys
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from server.presence.session import Player
from server.presence.status import Reason, Status
from server.rooms.errors import CommandRefused
from server.rooms.limits import Limits
from server.rooms.room import Room
from tests.rooms.games import Ticking, Together, Turns
from tests.rooms.world import World, lines, matched, opened, queued, refused, seat_seen
from tests.support.manual_clock import SLOT

LIMITS = Limits()


@pytest.fixture
def world() -> World:
    return World(Turns(), Together(), Ticking())


def test_two_players_in_the_queue_for_a_game_get_a_room_and_reserved_seats(world: World) -> None:
    ada, kim = world.players(2)
    assert queued(world, world.looks_for(ada, "turns")) == [("Ada", 1, None)]
    events = world.looks_for(kim, "turns")
    (room,) = opened(world, events)
    assert (room.game.name, room.is_private) == ("turns", False)
    assert matched(world, events) == ["Ada", "Kim"]
    assert ("Ada", 0, "matched") in queued(world, events)
    assert ("Kim", 0, "matched") in queued(world, events)
    assert seat_seen(world, room, kim)["reserved_in"] == world.now + LIMITS.reserved_for
    assert not world.rooms.waiting
    world.joins(ada, room)
    world.joins(kim, room)
    assert room.state == "playing"


def test_a_player_who_does_not_join_loses_the_seat_to_another(world: World) -> None:
    ada, kim, bo = world.players(3)
    world.looks_for(ada, "turns")
    (room,) = opened(world, world.looks_for(kim, "turns"))
    world.joins(ada, room)
    world.passes(LIMITS.reserved_for + SLOT)
    assert room.seat_of(kim.id) is None
    assert matched(world, world.looks_for(bo, "turns")) == ["Bo"]
    assert room.seat_of(bo.id) == 1


def test_players_are_matched_by_game_and_any_game_matches_every_game(
    world: World,
) -> None:
    ada, kim, bo = world.players(3)
    world.looks_for(ada, "turns")
    events = world.looks_for(kim, "ticking")
    assert (opened(world, events), queued(world, events)) == ([], [("Kim", 1, None)])
    (room,) = opened(world, world.looks_for(bo))
    assert sorted(player.name for _, _, player in room.taken()) in (["Ada", "Bo"], ["Bo", "Kim"])


def test_waiting_players_are_sent_the_number_of_possible_opponents(world: World) -> None:
    players = world.players(3)
    world.becomes(players[0], Status.RECONNECTING, Reason.CONNECTION_LOST)
    world.looks_for(players[0], "turns")
    assert queued(world, world.looks_for(players[1], "turns")) == [("Kim", 2, None)], "at once"
    assert queued(world, world.passes(0)) == [("Ada", 2, None)], "as nobody was told just now"
    world.looks_no_longer(players[0])
    assert queued(world, world.passes(LIMITS.queue_pace)) == [("Kim", 1, None)]
    assert world.rooms.next_deadline() is None


def test_the_queue_is_first_in_first_out(world: World) -> None:
    ada, kim, bo = world.players(3)
    for each in (ada, kim):
        world.becomes(each, Status.RECONNECTING, Reason.CONNECTION_LOST)
        world.looks_for(each, "turns")
    world.looks_for(bo, "turns")
    world.looks_for(ada, "turns")
    assert list(world.rooms.waiting) == [ada.id, kim.id, bo.id], "again: nobody moves up"
    events = world.becomes(kim, Status.ACTIVE, Reason.CONNECTED)
    assert matched(world, events) == ["Kim", "Bo"]


def test_a_requested_game_takes_precedence_over_any_game(world: World) -> None:
    ada, kim = world.players(2)
    world.looks_for(ada, "ticking")
    (room,) = opened(world, world.looks_for(kim))
    assert room.game.name == "ticking"
    for each in world.players(2):
        events = world.looks_for(each)
    assert [room.game.name for room in opened(world, events)] == ["turns"], (
        "else the first there is"
    )


@pytest.mark.parametrize("status", [Status.AWAY, Status.WARNED, Status.OFFLINE])
def test_an_away_player_is_removed_from_the_queue(world: World, status: Status) -> None:
    ada, kim = world.players(2)
    world.looks_for(ada, "turns")
    assert queued(world, world.becomes(ada, status)) == [("Ada", 0, "away")]
    assert opened(world, world.looks_for(kim, "turns")) == []


def test_a_reconnecting_player_keeps_the_place_and_is_not_matched(world: World) -> None:
    ada, kim = world.players(2)
    world.looks_for(ada, "turns")
    world.becomes(ada, Status.RECONNECTING, Reason.CONNECTION_LOST)
    assert opened(world, world.looks_for(kim, "turns")) == []
    assert matched(world, world.becomes(ada, Status.ACTIVE, Reason.CONNECTED)) == ["Ada", "Kim"]


def test_a_player_who_asked_while_away_is_matched_when_active(world: World) -> None:
    ada, kim = world.players(2)
    kim.status = Status.AWAY
    world.looks_for(ada, "turns")
    assert opened(world, world.looks_for(kim, "turns")) == []
    assert matched(world, world.becomes(kim, Status.ACTIVE, Reason.ACTIVITY)) == ["Ada", "Kim"]


def test_an_attended_room_with_a_free_seat_is_used_before_a_new_one(world: World) -> None:
    ada, kim, bo = world.players(3)
    first, second = world.room("together", ada), world.room("together", kim)
    events = world.looks_for(bo, "together")
    assert (opened(world, events), matched(world, events)) == ([], ["Bo"])
    assert (first.seat_of(bo.id), second.seat_of(bo.id)) == (1, None), "the oldest"


def test_a_room_with_a_free_seat_again_is_used_before_those_opened_after_it(world: World) -> None:
    first, second, *others = world.players(6)
    older, newer = world.room("together", first), world.room("together", second)
    for each in others[:3]:
        world.joins(each, older)
    assert matched(world, world.looks_for(others[3], "together"))
    assert newer.seat_of(others[3].id) is not None
    world.leaves(others[0], older)
    events = world.looks_for(others[0])
    assert (opened(world, events), older.seat_of(others[0].id)) == ([], 1)


def test_a_search_looks_at_no_more_rooms_however_many_others_opened(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, each in enumerate(world.players(40)):
        room = world.room("together" if number % 2 else "turns", each, private=number % 4 == 0)
        if number % 4 == 2:
            world.becomes(each, Status.AWAY)  # or the one who looks would be brought there
    asked: list[Room] = []
    can_be_found = Room.can_be_found

    def ask(room: Room) -> bool:
        asked.append(room)
        return can_be_found(room)

    monkeypatch.setattr(Room, "can_be_found", ask)
    bo = world.player("Bo")
    world.looks_for(bo, "turns")
    assert asked == []
    other = world.room("together", world.player("Kim"))
    assert set(asked) == {other}
    asked.clear()
    assert world.looks_for(bo, "turns") == []
    assert asked == []
    world.becomes(each, Status.AWAY)
    world.becomes(each, Status.ACTIVE, Reason.ACTIVITY)
    assert set(asked) == {room}


@pytest.mark.parametrize("why", ["private", "playing", "nobody there", "idle", "another game"])
def test_a_player_is_not_matched_to_a_room_that_cannot_take_them(world: World, why: str) -> None:
    ada, kim, bo = world.players(3)
    room = world.room("together", ada, kim, private=why == "private")
    match why:
        case "playing":
            world.starts(ada, room)
        case "nobody there":
            world.drops(ada, room)
            world.drops(kim, room)
        case "idle":
            world.becomes(ada, Status.AWAY)
            world.becomes(kim, Status.AWAY)
        case _:
            pass
    events = world.looks_for(bo, "turns" if why == "another game" else "together")
    assert matched(world, events) == []


def test_a_new_room_with_a_free_seat_is_offered_to_waiting_players(world: World) -> None:
    ada, kim = world.players(2)
    world.looks_for(ada, "turns")
    room, events = world.rooms.open(kim, "turns", world.now)
    assert matched(world, events) == []
    assert matched(world, world.joins(kim, room)) == ["Ada"]


def test_a_freed_seat_is_offered_to_waiting_players(world: World) -> None:
    ada, kim, bo, eve, max_ = world.players(5)
    room = world.room("together", ada, kim, bo, eve)
    assert matched(world, world.looks_for(max_, "together")) == []
    assert matched(world, world.leaves(kim, room)) == ["Max"]
    assert room.seat_of(max_.id) == 1


def test_players_beyond_one_room_get_another(world: World) -> None:
    players = world.players(5)
    events = [event for each in players for event in world.looks_for(each, "turns")]
    assert len(opened(world, events)) == 2
    assert len(world.rooms.waiting) == 1


def test_a_quick_match_gives_up_a_seat_without_a_running_match(world: World) -> None:
    ada, kim = world.players(2)
    room = world.room("together", ada, kim)
    assert lines(world.looks_for(kim, "turns")) == ["left"]
    assert room.seat_of(kim.id) is None


@pytest.mark.parametrize("how", ["open", "join"])
def test_taking_a_seat_leaves_the_queue(world: World, how: str) -> None:
    ada, kim = world.players(2)
    room = world.room("together", kim, private=True)
    world.looks_for(ada, "turns")
    if how == "open":
        events = world.do(world.rooms.open(ada, "turns", world.now)[1])
    else:
        events = world.joins(ada, room)
    assert queued(world, events) == [("Ada", 0, "cancelled")]
    assert not world.rooms.waiting


def test_a_waiting_player_may_watch_a_room(world: World) -> None:
    ada, kim = world.players(2)
    room = world.room("together", kim)
    world.looks_for(ada, "turns")
    world.joins(ada, room, spectate=True)
    assert ada.id in world.rooms.waiting


def test_cancelling_leaves_the_queue(world: World) -> None:
    ada = world.player()
    world.looks_for(ada, "turns")
    assert queued(world, world.looks_no_longer(ada)) == [("Ada", 0, "cancelled")]
    assert not world.rooms.waiting
    assert world.looks_no_longer(ada) == [], "nothing changed"


def test_an_unknown_game_is_refused_and_the_place_kept(world: World) -> None:
    ada, kim = world.players(2)
    world.looks_for(ada, "turns")
    with refused("no_such_game"):
        world.looks_for(ada, "chess")
    room = world.room("together", kim)
    with refused("no_such_game"):
        world.looks_for(kim, "chess")
    assert room.seat_of(kim.id) == 0
    assert world.rooms.waiting[ada.id].game == "turns"


# Players who do not come to the seats that are kept for them


def stay_away(world: World, *players: Player, times: int = LIMITS.missed.count) -> None:
    for _ in range(times):
        for each in players:
            world.looks_for(world.player("Nobody"), "turns")
            assert matched(world, world.looks_for(each, "turns")) != []
        world.passes(LIMITS.reserved_for + SLOT)


def test_who_does_not_come_is_matched_after_the_others(world: World) -> None:
    eve, ada, kim = world.players(3)
    stay_away(world, eve)
    world.looks_for(eve, "turns")
    assert matched(world, world.looks_for(ada, "turns")) == []
    events = world.looks_for(kim, "turns")
    assert world.room_of(ada) is world.room_of(kim) is not None
    assert len(matched(world, events)) == 2
    assert list(world.rooms.waiting) == [eve.id]


def test_who_has_waited_for_a_while_is_matched_with_whoever_there_is(world: World) -> None:
    eve, ada = world.players(2)
    stay_away(world, eve)
    for each in (ada, eve):
        world.looks_for(each, "turns")
    assert matched(world, world.passes(LIMITS.patience - SLOT)) == []
    assert len(matched(world, world.passes(SLOT))) == 2
    due = world.rooms.next_deadline()
    assert due is not None
    assert due >= world.now + LIMITS.reserved_for, "of the seats, and no more of the queue"


def test_those_who_do_not_come_are_matched_with_each_other(world: World) -> None:
    eve, max_ = world.players(2)
    stay_away(world, eve, max_)
    world.looks_for(eve, "turns")
    assert len(matched(world, world.looks_for(max_, "turns"))) == 2


def test_a_free_seat_is_offered_first_to_those_who_come(world: World) -> None:
    eve, ada, kim, bo = world.players(4)
    stay_away(world, eve)
    room = world.room("turns", ada, private=True)
    for each in (eve, bo):
        world.looks_for(each, "turns")
    room, events = world.rooms.open(kim, "turns", world.now)
    world.do(events)
    world.joins(kim, room)
    assert room.seat_of(bo.id) is not None
    assert list(world.rooms.waiting) == [eve.id]


@pytest.mark.parametrize("how", ["once", "comes", "later"])
def test_who_comes_is_matched_at_once(world: World, how: str) -> None:
    ada, kim, bo = world.players(3)
    stay_away(world, ada, times=1 if how == "once" else LIMITS.missed.count)
    if how == "comes":
        room = world.room("together", bo)
        assert matched(world, world.looks_for(ada, "together")) != []
        world.joins(ada, room)
    elif how == "later":
        world.passes(LIMITS.missed.seconds)
    world.looks_for(ada, "turns")
    assert len(matched(world, world.looks_for(kim, "turns"))) == 2


def test_a_maker_who_does_not_come_to_their_own_room_has_missed_no_match(world: World) -> None:
    ada, kim = world.players(2)
    for _ in range(LIMITS.missed.count):
        world.do(world.rooms.open(ada, "turns", world.now)[1])
        world.passes(LIMITS.reserved_for + LIMITS.empty_after + 2 * SLOT)
    world.looks_for(ada, "turns")
    assert len(matched(world, world.looks_for(kim, "turns"))) == 2


def test_a_crowd_that_does_not_come_keeps_nobody_from_opponents(world: World) -> None:
    crowd = world.players(6)
    stay_away(world, *crowd)
    ada, kim = world.player("Ada"), world.player("Kim")

    def passes(seconds: float) -> None:
        """Nobody of the crowd comes, and all of them look for others again and again."""
        end = world.now + seconds
        while world.now < end:
            world.passes(1.0)
            for each in crowd:
                with suppress(CommandRefused):
                    world.looks_for(each, "turns")
            for each in (ada, kim):
                room = world.room_of(each)
                if room is not None:
                    world.joins(each, room)

    world.looks_for(ada, "turns")
    passes(LIMITS.patience + 4)
    assert world.room_of(ada) is not None
    world.looks_for(kim, "turns")
    passes(LIMITS.patience)
    assert world.room_of(ada) is world.room_of(kim)


# Costs


def test_the_number_is_sent_only_to_players_for_whom_it_changed(world: World) -> None:
    world.becomes(ada := world.player("Ada"), Status.RECONNECTING)
    world.looks_for(ada, "turns")
    assert queued(world, world.looks_for(world.player("Kim"), "together")) == [("Kim", 1, None)]
    assert queued(world, world.looks_for(world.player("Bo"), "ticking")) == [("Bo", 1, None)]
    assert world.looks_for(ada, "turns") == [], "nothing changed"
    world.becomes(eve := world.player("Eve"), Status.RECONNECTING)
    assert queued(world, world.looks_for(eve)) == [("Eve", 4, None)]
    told = queued(world, world.passes(LIMITS.queue_pace))
    assert told == [(name, 2, None) for name in ("Ada", "Kim", "Bo")]


def test_who_is_joined_in_the_queue_after_a_while_is_told_at_once(world: World) -> None:
    world.becomes(ada := world.player("Ada"), Status.RECONNECTING)
    world.looks_for(ada, "turns")
    world.passes(0.3)
    world.looks_for(world.player("Kim"), "turns")
    assert world.rooms.next_deadline() == world.now
    assert queued(world, world.passes(0)) == [("Ada", 2, None)]


def test_a_crowd_is_told_how_many_they_are_twice_a_second_and_a_few_at_a_time() -> None:
    world = World(Together(), limits=Limits(rooms=0))
    crowd = world.players(LIMITS.waiting_while_full)
    for each in crowd:
        answered = queued(world, world.looks_for(each))
        assert len(answered) == 1, "who asks is answered at once, and nobody else is told"
    due = world.rooms.next_deadline()
    assert due is not None
    told = queued(world, world.do(world.rooms.expire(due, limit=8)))
    assert {number for _, number, _ in told} == {len(crowd)}
    assert len(told) == 8
    begins = world.now
    told = queued(world, world.passes(LIMITS.queue_pace / 2))
    assert len(told) == len(crowd) - 8 - 1, "but the last one, who knows it"
    for each in crowd[:20]:
        world.looks_no_longer(each)
    assert queued(world, world.until(begins + LIMITS.queue_pace - SLOT)) == []
    assert len(queued(world, world.until(begins + LIMITS.queue_pace))) == len(crowd) - 20


def test_only_so_many_wait_for_a_room_to_close() -> None:
    world = World(Turns(), Together(), limits=Limits(rooms=1, waiting_while_full=2))
    ada, kim, bo, eve, max_ = world.players(5)
    room = world.room("turns", ada)
    world.looks_for(bo, "together")
    world.looks_for(kim, "together")
    with refused("too_many_rooms"):
        world.looks_for(eve, "together")
    assert list(world.rooms.waiting) == [bo.id, kim.id]
    world.looks_for(kim, "turns")
    assert room.seat_of(kim.id) is not None, "there is a seat"
    world.leaves(kim, room)
    world.looks_for(eve, "together")
    assert matched(world, world.looks_for(max_, "turns")) == ["Max"], "and for who comes late"
    for each in (ada, max_):
        world.leaves(each, room)
    assert matched(world, world.passes(LIMITS.empty_after + SLOT)) == ["Bo", "Eve"]


def steps_of_one_more(waiting: int) -> int:
    """Lines of code that run when one more player enters a queue of this length, and leaves it."""
    world = World(Turns(), Together(), Ticking())
    for _ in range(10):
        world.room("together", *world.players(2), private=True)
    for each in [world.player() for _ in range(waiting)]:
        each.status = Status.RECONNECTING
        world.rooms.quick_match(each, "turns", world.now)
    ada = world.player()
    steps = 0

    def count(_: FrameType, event: str, __: object) -> Any:
        nonlocal steps
        steps += event == "line"
        return count

    tracing = sys.gettrace()
    sys.settrace(count)
    try:
        world.rooms.quick_match(ada, None, world.now)
        world.rooms.cancel_quick_match(ada.id, world.now)
    finally:
        sys.settrace(tracing)
    return steps


def test_one_more_player_costs_time_linear_in_the_queue() -> None:
    assert 0 < steps_of_one_more(400) < 6 * steps_of_one_more(100), "4 if linear, 16 if quadratic"
