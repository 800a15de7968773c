"""Abuse of rooms."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from server.base.units import NEVER
from server.budget.limits import Limits as BudgetLimits
from server.games.connect_four import ConnectFour
from server.games.game import Moment
from server.games.snake_arena import SnakeArena
from server.games.trivia_round import TriviaRound
from server.presence.session import Player
from server.rooms.errors import CommandRefused
from server.rooms.limits import Limits
from tests.rooms.games import Together, Turns
from tests.rooms.world import World, refused, seat_of
from tests.support.live_server import LiveServer
from tests.support.manual_clock import SLOT

LIMITS = Limits()


def test_unknown_fields_of_an_action_are_ignored() -> None:
    world = World(ConnectFour())
    ada, kim = world.players(2)
    room, match = world.match("connect-four", ada, kim)
    mover = (ada, kim)[match.waits_for[0]]
    deep: Any = []
    for _ in range(900):
        deep = [deep]
    world.acts(mover, room, column=3, junk="x" * 15_000, deep=deep)
    assert world.moves(match)[-1].action == {"column": 3}


def test_an_action_that_changes_nothing_is_no_move() -> None:
    world = World(SnakeArena())
    ada, kim = world.players(2)
    room, match = world.match("snake-arena", ada, kim)
    state, step = match.state, match.step
    for _ in range(100):
        world.acts(ada, room, turn="right")
    assert (match.state, match.step, match.moves) == (state, step, [])


async def test_the_seed_is_sent_to_no_player_before_the_end(server: LiveServer) -> None:
    tabs = [await (await server.guest(name)).tab() for name in ("Ada", "Kim")]
    for tab in tabs:
        await tab.send("quick_match", game="trivia-round")
    for tab in tabs:
        room = (await tab.next("matched"))["room"]
    for tab in tabs:
        await tab.ask("join", "joined", room=room)
    await tabs[0].send("start", room=room)
    for tab in tabs:
        await tab.quiet()
    (running,) = server.still_here.rooms.all.values()
    assert running.match is not None
    asked = running.match.state
    told = json.dumps([tab.seen for tab in tabs])
    assert running.match.id in told
    assert running.match.seed not in told
    known = {value for tab in tabs for message in tab.seen for value in strings_in(message)}
    game = TriviaRound()
    assert all(game.start(2, Moment(0.0, f"{each}:0")) != asked for each in known)


def strings_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [each for part in inner for each in strings_in(part)]


def test_a_match_begins_after_the_countdown_if_the_host_does_not_begin_it() -> None:
    world = World(Together())
    ada, kim = world.players(2)
    room = world.room("together", ada)
    world.passes(10)
    world.joins(kim, room)
    world.passes(LIMITS.gathering - 0.01)
    assert room.state == "open"
    world.passes(0.02)
    assert room.running is not None


def test_a_private_room_has_no_countdown() -> None:
    world = World(Together())
    ada, kim = world.players(2)
    room = world.room("together", ada, kim, private=True)
    world.passes(3 * LIMITS.gathering)
    assert room.state == "open"


def test_leaving_before_the_match_stops_the_countdown() -> None:
    world = World(Together())
    ada, kim = world.players(2)
    room = world.room("together", ada, kim)
    world.passes(LIMITS.gathering - 1)
    world.leaves(kim, room)
    world.joins(kim, room)
    world.passes(LIMITS.gathering - 1)
    assert room.state == "open"


def test_a_reload_does_not_start_the_countdown_anew() -> None:
    world = World(Together())
    ada, kim = world.players(2)
    room = world.room("together", ada, kim)
    begins_at = world.now + LIMITS.gathering
    for player in (ada, kim):
        world.passes(10)
        world.closes(player, room)
        world.passes(4.9)
        assert room.starts_at() == begins_at
        world.returns(player, room)
        assert room.starts_at() == begins_at
    world.until(begins_at - 0.01)
    assert room.state == "open"
    world.passes(0.02)
    assert room.running is not None


def test_a_match_whose_countdown_ends_during_a_reload_begins_after_it() -> None:
    world = World(Together())
    ada, kim = world.players(2)
    room = world.room("together", ada, kim)
    world.passes(LIMITS.gathering - 1)
    world.closes(kim, room)
    world.passes(4)
    assert room.state == "open", "one player cannot play"
    world.returns(kim, room)
    assert room.running is not None


def test_an_absence_that_is_no_reload_starts_the_countdown_anew() -> None:
    world = World(Together())
    ada, kim = world.players(2)
    room = world.room("together", ada, kim)
    world.passes(LIMITS.gathering - 1)
    world.drops(kim, room)
    world.passes(5 + SLOT)
    assert room.starts_at() == NEVER
    world.returns(kim, room)
    assert room.starts_at() == world.now + LIMITS.gathering


def test_the_number_of_searches_is_limited() -> None:
    world = World(Turns())
    ada, kim = world.players(2)
    for _ in range(LIMITS.searches.count):
        world.looks_for(ada)
        world.looks_no_longer(ada)
    with refused("too_soon"):
        world.looks_for(ada)
    world.looks_for(kim)
    world.passes(60)
    world.looks_for(ada)


def test_a_change_of_the_game_in_the_queue_counts_as_a_search() -> None:
    world = World(Turns(), Together())
    (ada,) = world.players(1)
    games = ["turns", "together"]
    for number in range(LIMITS.searches.count):
        world.looks_for(ada, games[number % 2])
    with refused("too_soon"):
        world.looks_for(ada, games[0])
    assert world.rooms.waiting[ada.id].game == games[1], "nothing changed"
    world.passes(60)
    world.looks_for(ada, games[0])


def test_asking_again_in_the_queue_does_not_count_as_a_search() -> None:
    world = World(Together())
    (ada,) = world.players(1)
    for _ in range(2 * LIMITS.searches.count):
        world.looks_for(ada)
    assert len(world.rooms.waiting) == 1


@pytest.mark.parametrize("how", ["watches", "plays", "moves", "stands up"])
def test_coming_and_going_is_limited(how: str) -> None:
    world = World(Together())
    ada, kim = world.players(2)
    room = world.room("together", ada, private=True)

    def comes(number: int) -> None:
        match how:
            case "watches":
                world.joins(kim, room, spectate=True)
                world.closes(kim, room)
            case "plays":
                world.joins(kim, room)
                world.leaves(kim, room)
            case "moves":
                world.joins(kim, room, number=1 + number % 2)
            case _:
                world.joins(kim, room, spectate=bool(number % 2))

    for number in range(LIMITS.comings.count):
        comes(number)
    before = len(world.heard)
    with refused("too_soon"):
        comes(LIMITS.comings.count)
    assert len(world.heard) == before, "nobody is told"
    world.leaves(ada, room)
    world.joins(ada, room)
    world.passes(LIMITS.comings.seconds - SLOT)
    with refused("too_soon"):
        comes(LIMITS.comings.count)
    world.passes(SLOT)
    comes(LIMITS.comings.count)


def test_asking_for_the_place_one_has_is_no_coming() -> None:
    world = World(Together())
    ada, kim, bo = world.players(3)
    room = world.room("together", ada, kim)
    world.joins(bo, room, spectate=True)
    world.starts(ada, room)
    for _ in range(2 * LIMITS.comings.count):
        world.joins(ada, room)
        world.joins(ada, room, number=0)
        world.joins(kim, room, spectate=True)
        world.joins(bo, room, spectate=True)
    world.leaves(ada, room)
    world.joins(ada, room)


# Limits count successful calls only


def test_refused_attempts_to_open_a_room_are_not_counted() -> None:
    world = World(Turns())
    ada, kim, bo = world.players(3)
    room, _ = world.match("turns", ada, kim)
    for _ in range(2 * LIMITS.rooms_made.count):
        with refused("already_seated"):
            world.rooms.open(ada, "turns", world.now)
    world.acts(ada, room, wins=True)
    for _ in range(2):
        world.room("turns", ada)
        world.joins(bo, world.room("turns", bo))


def test_refused_attempts_at_a_quick_match_are_not_counted() -> None:
    world = World(Turns())
    ada, kim = world.players(2)
    room, _ = world.match("turns", ada, kim)
    for _ in range(2 * LIMITS.searches.count):
        with refused("already_seated"):
            world.looks_for(ada)
    world.acts(ada, room, wins=True)
    world.looks_for(ada)


def test_a_leaving_player_is_told_when_the_match_will_let_them_go() -> None:
    world = World(Turns())
    ada, kim = world.players(2)
    room, _ = world.match("turns", ada, kim)
    with pytest.raises(CommandRefused, match="end it, or leave it, first"):
        world.looks_for(ada)
    world.leaves(ada, room)
    world.passes(0.5)
    with pytest.raises(CommandRefused, match=r"You have left .* out of it in 10 s"):
        world.looks_for(ada)
    world.passes(9.4)
    with pytest.raises(CommandRefused, match="out of it in 1 s"):
        world.rooms.open(ada, "turns", world.now)
    world.passes(0.1 + SLOT)
    world.looks_for(ada)


# What a player may have kept


def spend(world: World, player: Player) -> float:
    """Charge a player more than their budget; return the seconds until it is paid back."""
    rate = BudgetLimits().player
    world.budget.charge(player.id, int(rate.burst) + 3000, world.now)
    return 3000 / rate.per_second


def test_who_has_spent_their_budget_is_refused_what_leaves_rows_for_a_while() -> None:
    world = World(Turns(), Together())
    ada, kim = world.players(2)
    room = world.room("turns", kim)
    wait = spend(world, ada)
    commands: list[tuple[str, Callable[[], object]]] = [
        ("too_many_rooms", lambda: world.room("turns", ada)),
        ("too_soon", lambda: world.joins(ada, room)),
        ("too_soon", lambda: world.looks_for(ada)),
    ]
    for seconds in (0.0, wait - 0.1):
        world.passes(seconds)
        for code, command in commands:
            with refused(code):
                command()
    assert world.joins(ada, room, spectate=True) is not None
    assert world.rooms.all.keys() == {room.id}
    assert not world.rooms.waiting
    world.passes(0.1)
    world.joins(ada, room)
    assert room.running is not None


def test_a_refused_vote_changes_nothing() -> None:
    world = World(Turns())
    ada, kim = world.players(2)
    room, match = world.match("turns", ada, kim)
    world.leaves(ada, room)
    world.passes(LIMITS.empty_after / 2)
    assert match.outcome is not None
    world.joins(ada, room)
    wait = spend(world, ada)
    world.starts(kim, room)
    with refused("too_soon"):
        world.starts(ada, room)
    assert not seat_of(room, ada).wants_more
    assert room.running is None
    world.passes(wait)
    world.starts(ada, room)
    assert room.running is not None


def test_a_move_is_refused_and_the_opponent_plays_on() -> None:
    world = World(Turns())
    ada, kim = world.players(2)
    room, match = world.match("turns", ada, kim)
    world.acts(ada, room)
    wait = spend(world, ada)
    world.acts(kim, room)
    state = match.state
    with refused("too_soon"):
        world.acts(ada, room)
    assert match.state == state
    world.passes(wait)
    world.acts(ada, room)
    assert match.state != state


def test_a_match_that_begins_by_itself_needs_nobodys_budget() -> None:
    world = World(ConnectFour())
    ada, kim = world.players(2)
    room = world.room("connect-four", ada)
    spend(world, ada)
    world.joins(kim, room)
    assert room.running is not None


def test_nothing_begins_while_too_much_waits_for_the_disk_and_what_has_begun_goes_on() -> None:
    world = World(Turns())
    ada, kim, eve = world.players(3)
    room, match = world.match("turns", ada, kim)
    other = world.room("turns", eve)
    world.is_disk_behind = True
    with refused("too_many_rooms"):
        world.room("turns", eve)
    with refused("too_soon"):
        world.looks_for(eve)
    state = match.state
    world.acts(ada, room)
    assert match.state != state
    world.leaves(eve, other)
    with refused("too_soon"):
        world.joins(eve, other)
    world.is_disk_behind = False
    world.joins(eve, other)


def test_of_an_address_that_has_spent_its_budget_beginnings_are_refused_and_moves_are_not() -> None:
    world = World(Turns())
    ada, kim, eve = world.players(3)
    for player in (ada, kim, eve):
        world.budget.let_in(player.id, ["192.0.2.1"], None)
    room, match = world.match("turns", ada, kim)
    burst = BudgetLimits().address.burst
    world.budget.charge(eve.id, int(1.9 * burst), world.now)
    state = match.state
    world.acts(ada, room)
    assert match.state != state
    with refused("too_many_rooms"):
        world.room("turns", kim)
    with refused("too_soon"):
        world.looks_for(kim)
    world.budget.charge(eve.id, int(0.2 * burst), world.now)
    with refused("too_soon"):
        world.acts(kim, room)
