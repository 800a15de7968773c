"""How many rooms players, and the guests of a network, may hold."""

import pytest

from server.budget.limits import Limits as BudgetLimits
from server.presence.session import Player
from server.rooms.errors import CommandRefused
from server.rooms.holdings import Holdings
from server.rooms.limits import Limits
from tests.rooms.games import Together, Turns
from tests.rooms.world import World, closed, matched, opened, refused
from tests.support.manual_clock import SLOT

LIMITS = Limits()

HOME = ("2001:db8::/64", "2001:db8::/56", "2001:db8::/48")
NEXT_DOOR = ("2001:db8:0:1::/64", *HOME[1:])
NEXT_STREET = ("2001:db8:0:100::/64", "2001:db8:0:100::/56", *HOME[2:])
NEXT_TOWN = ("2001:db8:0:200::/64", "2001:db8:0:200::/56", *HOME[2:])
ELSEWHERE = ("192.0.2.1/32",)


@pytest.fixture
def world() -> World:
    return World(Turns(), Together())


def guest(world: World, *networks: str, age: float | None = None) -> Player:
    """`age`: how long they have been registered, if they are no guest."""
    player = world.player()
    world.budget.let_in(player.id, networks, age)
    return player


def play(world: World, *players: Player) -> None:
    """Come to a room by quick match, and begin."""
    for each in players:
        world.looks_for(each, "turns")
    room = world.room_of(players[0])
    assert room is not None
    for each in players:
        world.joins(each, room)
    assert room.running is not None
    world.acts(players[0], room, wins=True)


# Rooms that quick match opens


def test_a_room_to_which_nobody_came_closes_with_its_last_reserved_seat(world: World) -> None:
    ada, kim = world.players(2)
    world.looks_for(ada, "turns")
    world.looks_for(kim, "turns")
    room = world.room_of(ada)
    assert room is not None
    world.looks_for(ada, "together")
    assert closed(world.passes(SLOT)) == []
    assert closed(world.passes(LIMITS.reserved_for)) == ["empty"]
    assert room.is_closed


def test_a_room_to_which_somebody_came_stays_open_for_a_while(world: World) -> None:
    ada, kim = world.players(2)
    world.looks_for(ada, "turns")
    world.looks_for(kim, "turns")
    room = world.room_of(ada)
    assert room is not None
    world.joins(ada, room)
    world.leaves(ada, room)
    world.passes(LIMITS.reserved_for + SLOT)
    assert closed(world.passes(LIMITS.empty_after - 2 * SLOT)) == []
    world.joins(kim, room)
    assert closed(world.passes(3600)) == []


def test_two_players_who_look_for_others_over_and_over_hold_one_room(world: World) -> None:
    ada, kim = world.players(2)
    for _ in range(LIMITS.searches.count):
        world.looks_for(ada, "turns")
        assert matched(world, world.looks_for(kim, "turns")) != []
        world.passes(SLOT)
        assert len(world.rooms.all) == 1


def test_of_the_rooms_that_players_have_left_the_oldest_close_early(world: World) -> None:
    ada, kim = world.players(2)
    for number in range(LIMITS.searches.count):
        play(world, ada, kim)
        world.passes(SLOT)
        assert len(world.rooms.all) == min(number + 1, LIMITS.rooms_per_maker)
    newest = world.room_of(ada)
    assert newest is not None
    for each in (ada, kim):
        world.leaves(each, newest)
    world.passes(LIMITS.empty_after - SLOT)
    assert not newest.is_closed, "the others stay open as long as any"


def test_once_half_of_all_rooms_are_open_players_leave_none_behind() -> None:
    world = World(Turns(), Together(), limits=Limits(rooms=6, rooms_crowded=3))
    ada, kim, *others = world.players(5)
    for each in others:
        world.room("together", each)
    for _ in range(3):
        play(world, ada, kim)
        world.passes(SLOT)
        assert len(world.rooms.all) == len(others) + 1


def test_a_room_that_a_player_opens_counts_with_those_they_left(world: World) -> None:
    ada, kim = world.players(2)
    for _ in range(LIMITS.rooms_per_maker):
        play(world, ada, kim)
    for _ in range(LIMITS.rooms_per_maker):
        world.room("together", kim)
        world.passes(SLOT)
    assert len(world.rooms.all) == LIMITS.rooms_per_maker + 1, "Ada still sits in one"


def test_a_room_in_which_somebody_stays_is_not_held_by_who_left_it(world: World) -> None:
    ada, *others = world.players(2 * LIMITS.rooms_per_maker)
    for each in others:
        play(world, ada, each)
        world.passes(SLOT)
    assert len(world.rooms.all) == len(others)
    assert all(world.room_of(each) is not None for each in others)


def test_a_room_that_is_about_to_close_is_kept_by_who_takes_a_seat(world: World) -> None:
    ada, kim, bo = world.players(3)
    for _ in range(LIMITS.rooms_per_maker):
        play(world, ada, kim)
        world.passes(SLOT)
    first = next(iter(world.rooms.all.values()))
    for each in (ada, kim):
        world.looks_for(each, "turns")
    world.joins(bo, first)
    assert closed(world.passes(LIMITS.empty_after / 2)) == []
    assert first.seat_of(bo.id) is not None


# The share of a network


def town() -> World:
    """With few rooms, of which the guests of an address may hold one for four that are free."""
    limits = Limits(rooms=160, rooms_crowded=160, rooms_free_for_one=4)
    return World(Turns(), Together(), limits=limits)


def opens(world: World, player: Player) -> bool:
    """Open a room and sit down in it; return False if there may be no more."""
    try:
        world.room("together", player)
    except CommandRefused as refusal:
        if refusal.code != "too_many_rooms":
            raise
        return False
    return True


def fill(world: World, *networks: str, age: float | None = None) -> int:
    """Let guests of these networks open a room each, until that is refused; return how many did."""
    number = 0
    while opens(world, guest(world, *networks, age=age)):
        number += 1
    return number


def test_the_guests_of_an_address_hold_a_share_of_the_rooms_that_are_free() -> None:
    world = town()
    assert fill(world, *ELSEWHERE) == 32, "128 are free"
    assert fill(world, "192.0.2.2/32") == 26, "a fourth of the 102 that are left"
    assert fill(world, *ELSEWHERE) == 0
    assert fill(world) == 102, "those of this machine have no network"
    with refused("too_many_rooms"):
        world.room("together", guest(world, "192.0.2.3/32"))


def test_newly_registered_players_have_a_share_of_their_own_and_others_need_none() -> None:
    world = town()
    established = BudgetLimits().established
    assert fill(world, *ELSEWHERE) == 32
    assert fill(world, *ELSEWHERE, age=established - 1) == 26
    assert fill(world, *ELSEWHERE, age=0) == 0
    assert fill(world, *ELSEWHERE) == 0
    assert fill(world, *ELSEWHERE, age=established) == 102


def test_ten_addresses_with_their_shares_leave_some_to_another() -> None:
    world = town()
    for number in range(10):
        fill(world, f"192.0.2.{number}/32")
    assert fill(world, "198.51.100.1/32") == 4


def test_a_wider_network_holds_twice_as_much_however_many_narrower_ones_it_has() -> None:
    world = town()
    assert fill(world, *HOME) == 32
    assert fill(world, *NEXT_DOOR) == 54 - 32, "the /56 holds half of the 106 that are free"
    assert fill(world, *NEXT_STREET) == 76 - 54, "its /64 holds a fourth of the 84 that are free"
    assert fill(world, *NEXT_TOWN) == 80 - 76, "the /48 holds as many as are free"


def test_a_room_is_held_for_each_network_of_those_who_sit_there_and_once() -> None:
    world = town()
    ada, kim, bo = guest(world, *HOME), guest(world, *NEXT_DOOR), guest(world, *ELSEWHERE)
    holdings = Holdings(world.budget.crowds_of)
    room = world.room("together", bo, ada, kim)

    def held() -> list[int]:
        holdings.note(room)
        return [holdings.of_crowd(f"guests {each}") for each in (HOME[0], *NEXT_DOOR, *ELSEWHERE)]

    assert held() == [1, 1, 1, 1, 1]
    world.leaves(ada, room)
    assert held() == [0, 1, 1, 1, 1]
    world.leaves(bo, room)
    assert held() == [0, 1, 1, 1, 0]
    world.leaves(kim, room)
    assert held() == [0, 1, 1, 1, 0], "the last one"
    assert (holdings.of(bo.id), holdings.of(kim.id)) == ([], [room])
    holdings.remove(room)
    assert [holdings.of_crowd(f"guests {each}") for each in (*HOME, *NEXT_DOOR)] == [0] * 6
    assert holdings.of(kim.id) == []


def test_a_guest_of_the_last_process_holds_a_room_from_when_they_come_back() -> None:
    world = town()
    ada = world.player()
    room = world.room("together", ada)
    holdings = Holdings(world.budget.crowds_of)
    holdings.note(room)
    world.budget.let_in(ada.id, ELSEWHERE, None)
    holdings.note(room)
    assert holdings.of_crowd(f"guests {ELSEWHERE[0]}") == 1


def test_quick_match_opens_no_room_for_guests_who_hold_their_share() -> None:
    world = town()
    first = world.room("together", guest(world, *ELSEWHERE))
    fill(world, *ELSEWHERE)
    ada, kim = guest(world, *ELSEWHERE), guest(world, *ELSEWHERE)
    bo, eve = world.players(2)
    for each in (ada, kim, bo):
        assert opened(world, world.looks_for(each, "turns")) == []
    assert opened(world, world.looks_for(eve, "turns")) != []
    assert list(world.rooms.waiting) == [ada.id, kim.id]
    for _, _, player in list(first.taken()):
        world.leaves(player, first)
    assert matched(world, world.passes(LIMITS.empty_after + SLOT)) == ["Ada", "Ada"], (
        "once it closed"
    )


def test_a_crowd_without_a_share_does_not_wait_without_end() -> None:
    limits = Limits(rooms=160, rooms_free_for_one=160, waiting_while_full=2)
    world = World(Turns(), Together(), limits=limits)
    fill(world, *ELSEWHERE)
    for _ in range(limits.waiting_while_full):
        world.looks_for(guest(world, *ELSEWHERE), "turns")
    with refused("too_many_rooms"):
        world.looks_for(guest(world, *ELSEWHERE), "turns")
    bo, eve = world.players(2)
    world.looks_for(bo, "turns")
    assert opened(world, world.looks_for(eve, "turns")) != []
