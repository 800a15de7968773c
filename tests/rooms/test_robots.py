"""Bots as opponents: they sit in rooms, think elsewhere, and never count as anybody."""

import msgspec
import pytest

from server.games.game import AfkPolicy, Outcome, Silence, Until
from server.presence.session import Player
from server.presence.status import Reason, Status
from server.rooms.document import read_room, write_room
from server.rooms.events import BotAsked, MatchEnded, MatchStarted, RoomEvent
from server.rooms.limits import Limits
from server.rooms.robots import MOST, ROBOTS, robots
from server.rooms.room import Room
from server.rooms.view import listing
from tests.rooms.games import ROUNDS, Beat, Hand, Round, Ticking, Timed, Turns, variant
from tests.rooms.world import (
    World,
    advances,
    closed,
    ended,
    lines,
    matched,
    opened,
    refused,
    seat_of,
    seen,
)
from tests.support.manual_clock import SLOT

LIMITS = Limits()

QUICK = variant(Turns, name="quick", levels=("normal",))
DEEP = variant(Hand, name="deep", levels=("easy", "normal", "hard"), thinking=0.6)
CROWD = variant(Turns, name="crowd", levels=("normal",), most=20, starts_when_full=False)


class Arena(Ticking):
    """Ticks; who has a seat number below `dead` is out."""

    name = "arena"
    levels = ("normal",)
    dead = 0

    def is_out(self, state: Beat, seat: int) -> bool:
        return seat < self.dead

    def waits_for(self, state: Beat) -> list[int]:
        return [seat for seat in super().waits_for(state) if seat >= self.dead]


class Alone(Timed):
    """For one player too."""

    name = "alone"
    plays_alone = True

    def outcome(self, state: Round) -> Outcome | None:
        return Outcome(scores=(1.0,)) if state.number == ROUNDS else None


def world_of(*games: object) -> World:
    return World(*(games or (QUICK, DEEP, CROWD, Turns())))  # type: ignore[arg-type]


def after_a_move() -> tuple[World, Room]:
    """A practice in which the player has moved, and the bot is thinking."""
    world = world_of()
    ada = world.player()
    room = world.practice(ada, "deep")
    world.acts(ada, room)
    return world, room


def asked(events: list[RoomEvent]) -> list[BotAsked]:
    return [event for event in events if isinstance(event, BotAsked)]


def asked_of(world: World) -> BotAsked:
    return asked(world.heard)[-1]


def moves(room: Room) -> int:
    assert room.match is not None
    found: int = room.match.state.moves
    return found


def robot_of(room: Room) -> Player:
    (robot,) = [player for _, seat, player in room.taken() if seat.is_robot]
    return robot


# Opening


def test_a_match_against_bots_begins_when_its_maker_arrives() -> None:
    world = world_of()
    ada = world.player()
    room, events = world.rooms.open(ada, "quick", world.now, bots=1)
    world.do(events)
    assert room.running is None
    world.joins(ada, room)
    assert room.running is not None
    assert room.running.players == ((ada.id, "Ada"), (robot_of(room).id, "Bot 1"))


def test_players_come_first_and_get_as_many_bots_as_they_want() -> None:
    world = world_of()
    room = world.practice(world.player(), "crowd", bots=MOST)
    assert room.running is not None
    assert [name for _, name in room.running.players] == [
        "Ada",
        *(f"Bot {number}" for number in range(MOST, 0, -1)),
    ]
    assert room.free == 4, "during a match, bots keep their seats"


def test_bots_are_marked_as_bots_wherever_players_are_listed() -> None:
    world = world_of()
    ada = world.player()
    room = world.practice(ada, "deep", level="hard")
    bot = {"id": robot_of(room).id, "name": "Bot 1", "bot": True, "level": "hard"}
    view = seen(world, room)
    assert view["seats"]["1"]["player"] == bot | {"guest": False}
    assert view["match"]["players"] == [{"id": ada.id, "name": "Ada"}, bot]
    assert listing(room)["players"] == [{"id": ada.id, "name": "Ada"}, bot]
    assert "bot" not in view["seats"]["1"], "nobody is absent, for whom a bot plays"
    assert "brb_left" not in view["seats"]["1"]


@pytest.mark.parametrize(
    ("game", "how", "code"),
    [
        ("turns", {"bots": 1}, "no_bots"),
        ("quick", {"bots": 2}, "invalid"),
        ("quick", {"bots": -1}, "invalid"),
        ("crowd", {"bots": 99}, "invalid"),
        ("crowd", {"bots": MOST + 1}, "invalid"),
        ("quick", {"bots": 1, "level": "hard"}, "invalid"),
        ("quick", {"is_alone": True}, "invalid"),
        ("alone", {"is_alone": True, "bots": 1}, "invalid"),
    ],
)
def test_what_a_game_does_not_have_is_refused_and_opens_nothing(
    game: str, how: dict[str, object], code: str
) -> None:
    world = world_of(QUICK, CROWD, Turns(), Alone())
    ada = world.player()
    world.looks_for(ada, "turns")
    with refused(code):
        world.rooms.open(ada, game, world.now, **how)  # type: ignore[arg-type]
    assert not world.rooms.all
    assert ada.id in world.rooms.waiting


def test_the_ids_and_names_of_bots_are_those_of_the_database() -> None:
    assert len(ROBOTS) == 3 * MOST
    (first, *_) = robots(1, "easy")
    assert (first.id, first.name, first.sort_key) == ("p_bot-easy-01-----------", "Bot 1", "bot 1")
    assert all(len(id) == len(first.id) for id in ROBOTS)


# Moves


def test_a_bot_moves_after_a_second_so_that_it_is_seen() -> None:
    world = world_of()
    ada = world.player()
    room = world.practice(ada, "quick")
    world.acts(ada, room)
    assert room.running is not None
    assert room.running.waits_for == (1,)
    world.passes(LIMITS.bot_after - 2 * SLOT)
    assert moves(room) == 1
    world.passes(3 * SLOT)
    assert moves(room) == 2
    assert [move.by_bot for move in world.moves(room.running)] == [False, True]
    assert "move_in" in seen(world, room)["seats"]["0"]


def test_no_clock_runs_for_a_bot_and_nobody_asks_or_claims() -> None:
    world = world_of()
    ada = world.player()
    room = world.practice(ada, "deep")
    world.acts(ada, room)
    assert not seat_of(room, robot_of(room)).is_waited_for
    assert "move_in" not in seen(world, room)["seats"]["1"]
    world.passes(1.0)
    with refused("not_allowed"):
        world.asks(ada, room, 1)
    with refused("not_allowed"):
        world.claims(ada, room)


def test_a_bot_that_thinks_is_asked_with_what_it_sees_and_acts_a_second_later() -> None:
    world = world_of()
    ada = world.player()
    room = world.practice(ada, "deep", level="easy")
    assert not asked(world.heard)
    (event,) = asked(world.acts(ada, room))
    match = room.running
    assert match is not None
    assert (event.room_id, event.match_id, event.step) == (room.id, match.id, match.step)
    assert (event.game, event.seat, event.level) == ("deep", 1, "easy")
    view = msgspec.json.decode(event.view)
    assert view["cards"] == {"1": "card 1-1"}, "its own and no others"
    world.passes(0.5)
    assert advances(world.thinks(event, wins=True)) == 0, "too quick to be seen"
    world.passes(0.5 + SLOT)
    assert ended(world.heard) == ["finished: [1]"]


def test_an_answer_after_that_second_is_played_at_once() -> None:
    world, room = after_a_move()
    world.passes(2.0)
    assert moves(room) == 1
    assert advances(world.thinks(asked_of(world), wins=True)) == 1
    assert ended(world.heard) == ["finished: [1]"]


def test_seconds_in_the_view_of_a_bot_are_those_left() -> None:
    class Clocked(Hand):
        name = "clocked"
        levels = ("normal",)
        thinking = 0.5

        def view(self, state: object, seat: int | None) -> dict[str, object]:
            return {"ends_in": Until(100.0)}

    world = world_of(Clocked())
    ada = world.player()
    room = world.practice(ada, "clocked")
    world.passes(40.0)
    world.acts(ada, room)
    assert msgspec.json.decode(asked_of(world).view) == {"ends_in": 60.0}


@pytest.mark.parametrize("action", [{}, {"wins": 7}, {"is_legal": False}], ids=str)
def test_a_bot_that_fails_or_cheats_plays_as_simple_ones_do(action: dict[str, object]) -> None:
    world = world_of()
    ada = world.player()
    room = world.practice(ada, "deep")
    world.acts(ada, room)
    world.thinks(asked_of(world), **action)
    world.passes(1.0 + SLOT)
    assert moves(room) == 2
    assert room.running is not None
    assert room.running.waits_for == (0,)


def test_a_bot_that_thinks_for_too_long_plays_as_simple_ones_do() -> None:
    world, room = after_a_move()
    event = asked_of(world)
    world.passes(0.6 + LIMITS.bot_patience - 2 * SLOT)
    assert moves(room) == 1
    world.passes(3 * SLOT)
    assert moves(room) == 2
    world.thinks(event, wins=True)
    assert moves(room) == 2, "an answer that comes later is ignored"


def test_an_answer_for_another_match_or_step_is_ignored() -> None:
    world, room = after_a_move()
    event = asked_of(world)
    for other in (
        msgspec.structs.replace(event, match_id="m_other"),
        msgspec.structs.replace(event, room_id="r_other"),
        msgspec.structs.replace(event, step=event.step - 1),
        msgspec.structs.replace(event, seat=0),
    ):
        world.thinks(other, wins=True)
    world.passes(2.0)
    assert moves(room) == 1
    assert room.running is not None


def test_a_bot_that_does_nothing_gives_up() -> None:
    world = world_of(variant(Turns, name="lazy", levels=("normal",), bot=lambda *_: None))
    ada = world.player()
    room = world.practice(ada, "lazy")
    world.acts(ada, room)
    world.passes(1.0 + SLOT)
    assert ended(world.heard) == ["resigned: [0]"]


# Who counts


def test_a_bot_is_never_the_host_and_never_keeps_a_room_open() -> None:
    world = world_of()
    ada = world.player()
    room = world.practice(ada, "quick")
    assert room.host == ada.id
    world.drops(ada, room)
    events = world.passes(LIMITS.deserted_after + 0.1)
    assert ended(events) == ["abandoned: []"]
    assert closed(events) == ["empty"]


def test_who_leaves_a_match_against_bots_leaves_at_once_and_the_room_closes() -> None:
    world = world_of()
    ada = world.player()
    room = world.practice(ada, "quick")
    events = world.leaves(ada, room)
    assert ended(events) == ["abandoned: []"]
    assert closed(events) == ["empty"]
    assert lines(events) == ["left"]
    for _ in range(4):
        world.leaves(ada, world.practice(ada, "quick"))  # as often as they like


def test_who_practises_may_go_elsewhere_at_any_time() -> None:
    world = world_of()
    ada, kim = world.players(2)
    first = world.practice(ada, "quick")
    second = world.practice(ada, "deep")
    assert first.is_closed
    room = world.room("turns", kim)
    world.joins(ada, room)
    assert second.is_closed
    assert room.running is not None
    with refused("already_seated"):
        world.practice(ada, "quick")


def test_the_next_match_begins_with_the_vote_of_the_player_alone() -> None:
    world = world_of()
    ada = world.player()
    room = world.practice(ada, "quick")
    world.acts(ada, room, wins=True)
    assert room.state == "over"
    assert room.running is None
    world.passes(30.0)
    assert room.running is None, "bots begin nothing"
    world.starts(ada, room)
    assert room.running is not None


def test_a_player_takes_the_place_of_a_bot_between_two_matches() -> None:
    world = world_of()
    ada, kim, bo = world.players(3)
    room = world.practice(ada, "quick")
    assert listing(room)["free"] == 0
    world.joins(kim, room)
    assert kim.id in room.spectators, "not while they play"
    world.acts(ada, room, wins=True)
    assert listing(room)["free"] == 1
    world.joins(kim, room)
    assert [player.name for _, _, player in room.taken()] == ["Ada", "Kim"]
    assert not room.is_practice
    world.joins(bo, room)
    assert bo.id in room.spectators
    world.starts(ada, room)
    world.starts(kim, room)
    assert room.running is not None
    world.leaves(kim, room)
    assert room.running is not None, "now it is a match like any other"


def test_quick_match_brings_nobody_to_a_room_with_bots() -> None:
    world = world_of()
    ada, kim = world.players(2)
    room, events = world.rooms.open(ada, "crowd", world.now, bots=2)
    world.do(events)
    world.looks_for(kim, "crowd")
    assert kim.id in world.rooms.waiting
    world.joins(ada, room)
    assert kim.id in world.rooms.waiting


def test_bots_survive_a_restart_and_are_asked_again() -> None:
    world = world_of()
    ada = world.player()
    room = world.practice(ada, "deep", level="easy")
    world.acts(ada, room)
    text = write_room(room, world.now)
    later = World(DEEP)
    found = Room(room.id, DEEP, 0.0, is_private=False, made_by=ada.id, limits=LIMITS)
    read_room(text, found, {ada.id: ada}, (), later.now)
    (event,) = asked(later.do(later.rooms.restore(found, later.now)))
    assert (event.level, event.seat, event.step) == ("easy", 1, 2)
    assert robot_of(found) is robot_of(room)
    assert seen(later, found)["seats"]["1"]["status"] == "active"
    later.joins(ada, found)
    later.passes(3.0)
    assert moves(found) == 2


def test_a_player_is_out_by_silence_against_bots_as_against_others() -> None:
    world = world_of()
    room = world.practice(world.player(), "quick")
    events = world.passes(61.0)
    assert ended(events) == ["forfeit: [1]"]
    assert room.match is not None


# Alone


def test_one_player_alone_plays_match_after_match_and_others_may_join() -> None:
    world = world_of(Alone())
    ada, kim = world.players(2)
    room, events = world.rooms.open(ada, "alone", world.now, is_alone=True)
    world.do(events)
    world.joins(ada, room)
    match = room.running
    assert match is not None
    assert match.size == 1
    world.passes(20.0)
    assert room.state == "over"
    world.starts(ada, room)
    assert room.running is not None
    world.joins(kim, room)
    assert not room.is_practice
    world.passes(20.0)
    world.starts(ada, room)
    assert room.running is not None
    assert room.running.size == 2


def test_a_room_for_one_survives_a_restart_as_such() -> None:
    world = world_of(Alone())
    ada = world.player()
    room, _ = world.rooms.open(ada, "alone", world.now, is_alone=True)
    world.joins(ada, room)
    found = Room(room.id, room.game, 0.0, is_private=False, made_by=ada.id, limits=LIMITS)
    read_room(write_room(room, world.now), found, {}, (), 0.0)
    assert found.is_alone


# While looking for others


def test_who_looks_for_others_keeps_looking_while_they_practise() -> None:
    world = world_of()
    ada, kim = world.players(2)
    world.looks_for(ada, "turns")
    room = world.practice(ada, "quick")
    assert ada.id in world.rooms.waiting
    events = world.looks_for(kim, "turns")
    assert sorted(matched(world, events)) == ["Ada", "Kim"]
    assert room.running is not None, "the practice goes on until they come"
    other = world.room_of(ada)
    assert other is not None
    assert other is not room
    world.acts(ada, room)
    events = world.joins(ada, other)
    assert ended(events) == ["abandoned: []"]
    assert closed(events) == ["empty"]
    world.joins(kim, other)
    assert other.running is not None


def test_looking_for_others_ends_no_practice_but_is_refused_in_a_match_with_players() -> None:
    world = world_of()
    ada, kim, bo = world.players(3)
    room = world.practice(ada, "quick")
    world.looks_for(ada, "deep")
    assert room.running is not None
    world.match("turns", kim, bo)
    with refused("already_seated"):
        world.looks_for(kim, "turns")


def test_who_does_not_come_in_time_practises_on() -> None:
    world = world_of()
    ada, kim = world.players(2)
    room = world.practice(ada, "quick")
    world.looks_for(ada, "turns")
    world.looks_for(kim, "turns")
    world.passes(LIMITS.reserved_for + SLOT)
    assert world.room_of(ada) is room
    assert room.running is not None
    world.looks_for(ada, "turns")
    assert ada.id in world.rooms.waiting


def test_who_declines_a_seat_practises_on() -> None:
    world = world_of()
    ada, kim = world.players(2)
    room = world.practice(ada, "quick")
    world.looks_for(ada, "turns")
    world.looks_for(kim, "turns")
    other = world.room_of(ada)
    assert other is not None
    world.leaves(ada, other)
    assert world.room_of(ada) is room
    world.acts(ada, room)


def test_a_practice_that_ends_meanwhile_leaves_the_kept_seat() -> None:
    world = world_of()
    ada, kim = world.players(2)
    room = world.practice(ada, "quick")
    world.looks_for(ada, "turns")
    world.looks_for(kim, "turns")
    world.leaves(ada, room)
    other = world.room_of(ada)
    assert other is not None
    world.joins(ada, other)
    assert seat_of(other, ada).is_here


def test_to_sit_elsewhere_frees_both_seats() -> None:
    world = world_of()
    ada, kim, bo = world.players(3)
    room = world.practice(ada, "quick")
    world.looks_for(ada, "turns")
    world.looks_for(kim, "turns")
    other = world.room_of(ada)
    assert other is not None
    third = world.room("crowd", bo)
    world.joins(ada, third)
    assert world.room_of(ada) is third
    assert room.is_closed
    assert other.seat_of(ada.id) is None


def test_to_come_back_to_the_practice_keeps_both_seats() -> None:
    world = world_of()
    ada, kim = world.players(2)
    room = world.practice(ada, "quick")
    world.looks_for(ada, "turns")
    world.looks_for(kim, "turns")
    world.drops(ada, room)
    world.returns(ada, room)
    other = world.room_of(ada)
    assert other is not None
    assert other is not room
    assert room.running is not None


def test_who_goes_offline_loses_the_kept_seat_and_is_gone_from_the_practice() -> None:
    world = world_of()
    ada, kim = world.players(2)
    room = world.practice(ada, "quick")
    world.looks_for(ada, "turns")
    world.looks_for(kim, "turns")
    other = world.room_of(ada)
    assert other is not None
    world.becomes(ada, Status.OFFLINE, Reason.SIGNED_OUT)
    assert other.seat_of(ada.id) is None
    assert not seat_of(room, ada).is_here


def test_both_seats_survive_a_restart_in_any_order() -> None:
    world = world_of()
    ada, kim = world.players(2)
    practice = world.practice(ada, "quick")
    world.looks_for(ada, "turns")
    world.looks_for(kim, "turns")
    other = world.room_of(ada)
    assert other is not None
    for rooms in ((practice, other), (other, practice)):
        later = world_of()
        known = {ada.id: ada, kim.id: kim}
        for room in rooms:
            found = Room(room.id, room.game, 0.0, is_private=False, made_by=ada.id, limits=LIMITS)
            text = write_room(room, world.now)
            read_room(text, found, known, (), later.now)
            later.do(later.rooms.restore(found, later.now))
        later.joins(ada, later.rooms.find(other.id))
        assert practice.id not in later.rooms.all


# Out of a match


def test_who_is_out_of_a_match_may_leave_it_without_a_loss() -> None:
    game = Arena()
    world = world_of(game, Turns())
    ada, kim = world.players(2)
    room, match = world.match("arena", ada, kim)
    game.dead = 1
    with refused("already_seated"):
        world.room("turns", kim)
    world.looks_for(ada, "turns")
    assert room.seat_of(ada.id) is None
    assert match.outcome is None
    assert not ended(world.heard)


def test_who_is_out_and_leaves_the_room_gives_up_nothing() -> None:
    game = Arena()
    world = world_of(game)
    ada, kim = world.players(2)
    room, match = world.match("arena", ada, kim)
    game.dead = 1
    assert lines(world.leaves(ada, room)) == ["left"]
    world.passes(0.2)
    assert match.outcome is None
    assert match.waits_for == (1,)
    game.dead = 0
    world.leaves(kim, room)
    assert seat_of(room, kim).is_leaving, "who plays gives up, as ever"


def test_a_match_that_only_bots_go_on_with_hurries() -> None:
    game = Arena()
    world = world_of(game)
    ada = world.player()
    room = world.practice(ada, "arena", bots=2)
    match = room.running
    assert match is not None
    world.passes(1.0)
    assert match.state.ticks == pytest.approx(10, abs=1)
    assert "hurried" not in seen(world, room)["match"]
    game.dead = 1
    world.passes(1.0)
    assert match.state.ticks == pytest.approx(90, abs=3)
    assert list(match.state.times) == pytest.approx(
        [each / 10 for each in range(match.state.ticks - 19, match.state.ticks + 1)]
    ), "each at its instant, as a replay has it"
    assert seen(world, room)["match"]["hurried"] is True


def test_no_match_of_players_hurries() -> None:
    game = variant(Arena, policy=AfkPolicy(silence=Silence.BOT))
    world = world_of(game)
    ada, kim = world.players(2)
    room, match = world.match("arena", ada, kim)
    world.drops(ada, room)
    world.drops(kim, room)
    world.passes(2.0)
    assert match.state.ticks == pytest.approx(20, abs=1)


# What is kept


def test_started_and_ended_matches_name_their_bots_like_any_player() -> None:
    world = world_of()
    ada = world.player()
    room = world.practice(ada, "quick")
    world.acts(ada, room, wins=True)
    bot = robot_of(room)
    for kind in (MatchStarted, MatchEnded):
        (event,) = [event for event in world.heard if isinstance(event, kind)]
        assert event.players == ((ada.id, "Ada"), (bot.id, "Bot 1"))
    assert opened(world, world.heard) == [room]
