"""A game that raises closes its room, and no other room is affected."""

import math

import pytest

from server.games.game import AfkPolicy, Outcome, Silence
from server.presence.status import Reason
from server.rooms.errors import GameFailed
from server.rooms.events import MatchAdvanced, MatchEnded, MatchStarted, RoomClosed
from server.rooms.match import Match
from server.rooms.play import Play
from server.rooms.room import Room
from server.rooms.rooms import Rooms
from server.rooms.turn import Turn
from tests.rooms.games import Bug, Buggy, Ticking, Turns, variant
from tests.rooms.world import World, closed, ended
from tests.support.manual_clock import SLOT

POLICY = AfkPolicy(move_time=5.0, silence=Silence.SKIP, most_skips=1, brb_waits=False)


def buggy(at: str, **policy: object) -> Buggy:
    rules = {"move_time": 5.0, "silence": Silence.SKIP, "most_skips": 1, "brb_waits": False}
    return variant(Buggy, at=at, policy=AfkPolicy(**(rules | policy)))  # type: ignore[arg-type]


IN_TIME = {
    "tick": {},
    "due": {},
    "waits_for": {},
    "outcome": {},
    "player_away": {},
    "player_gone": {"silence": Silence.FORFEIT},
    "bot": {"silence": Silence.BOT},
}
"""The methods that fail as time passes, and the policy that calls them."""


def assert_only_this_closed(world: World, room_id: str, other_id: str) -> None:
    assert closed(world.heard) == ["failed"]
    assert ended(world.heard) == ["failed: []"]
    (event,) = [each for each in world.heard if isinstance(each, RoomClosed)]
    assert event.room_id == room_id
    assert event.error is not None
    assert event.error.startswith("Bug: ")
    assert room_id not in world.rooms.all
    other = world.rooms.all[other_id]  # type: ignore[index]
    assert other.state == "playing"
    assert not other.is_closed
    order = [type(each) for each in world.heard if getattr(each, "room_id", None) == room_id]
    assert order.index(MatchEnded) == len(order) - 2, "told before the room is closed"
    assert order.index(MatchStarted) < order.index(MatchEnded), "what ends has begun"


@pytest.mark.parametrize(("at", "policy"), IN_TIME.items())
def test_an_error_at_a_deadline_closes_its_room_only(at: str, policy: dict[str, object]) -> None:
    game = buggy(at, **policy)
    calm = variant(Ticking, policy=AfkPolicy(move_time=10_000))
    world = World(game, calm)
    ada, kim, bo, eve = world.players(4)
    room, _ = world.match("buggy", ada, kim)
    other, match = world.match("ticking", bo, eve)
    world.passes(1)
    game.is_armed = True
    world.passes(10)
    assert_only_this_closed(world, room.id, other.id)
    assert match.state.ticks in (109, 110), "the other went on all the time"
    assert world.room_of(ada) is world.room_of(kim) is None
    world.room("ticking", ada)


BY_A_PLAYER = ["start", "act", "player_back", "player_gone", "waits_for", "outcome", "due"]


@pytest.mark.parametrize("at", BY_A_PLAYER)
def test_an_error_in_a_request_closes_its_room_only(at: str) -> None:
    game = buggy(at)
    world = World(game, variant(Ticking, policy=AfkPolicy(move_time=10_000)))
    ada, kim, bo, eve = world.players(4)
    other, _ = world.match("ticking", bo, eve)
    room = world.room("buggy", ada, kim)
    game.is_armed = at in ("start", "due", "waits_for", "outcome")
    world.starts(ada, room)
    if not game.is_armed:
        match at:
            case "act":
                game.is_armed = True
                world.acts(ada, room)
            case "player_back":
                world.passes(5 + SLOT)
                game.is_armed = True
                world.acts(ada, room)
            case "player_gone":
                game.is_armed = True
                world.leaves(ada, room)
                world.passes(10 + 2 * SLOT)
    assert_only_this_closed(world, room.id, other.id)


@pytest.mark.parametrize("how", ["brb", "leave", "act", "touch", "time"])
def test_an_error_at_a_return_closes_its_room_only(how: str) -> None:
    game = buggy("player_back", move_time=1000.0)
    world = World(game, variant(Ticking, policy=AfkPolicy(move_time=10_000)))
    ada, kim, bo, eve = world.players(4)
    other, _ = world.match("ticking", bo, eve)
    room, _ = world.match("buggy", ada, kim)
    world.will_be_back(ada, room, 10)
    game.is_armed = True
    match how:
        case "brb":
            world.will_be_back(ada, room, 5)
        case "leave":
            world.leaves(ada, room)
        case "act":
            world.acts(ada, room)
        case "touch":
            world.do(world.rooms.player_changed(ada.id, ada, Reason.ACTIVITY, world.now))
        case _:
            world.passes(10 + SLOT)
    assert_only_this_closed(world, room.id, other.id)
    assert world.room_of(ada) is None


def test_an_error_in_a_claim_closes_its_room_only() -> None:
    game = buggy("player_gone", silence=Silence.FORFEIT, move_time=1000.0)
    game = variant(type(game), waits_for=lambda self, state: [0])
    world = World(game, variant(Ticking, policy=AfkPolicy(move_time=10_000)))
    ada, kim, bo, eve = world.players(4)
    other, _ = world.match("ticking", bo, eve)
    room, _ = world.match("buggy", ada, kim)
    world.drops(ada, room)
    world.passes(30)
    game.is_armed = True
    world.claims(kim, room)
    assert_only_this_closed(world, room.id, other.id)


NONSENSE: list[tuple[str, object]] = [
    ("due", None),
    ("due", math.nan),
    ("due", -math.inf),
    ("waits_for", None),
    ("waits_for", [-1]),
    ("waits_for", [2]),
    ("waits_for", ["0"]),
    ("waits_for", [1.0]),
    ("outcome", (0,)),
    ("outcome", Outcome((2,))),
    ("outcome", Outcome(None)),  # type: ignore[arg-type]
    ("bot", object()),
]


@pytest.mark.parametrize("when", ["start", "later"])
@pytest.mark.parametrize(("at", "answer"), NONSENSE)
def test_nonsense_from_a_game_closes_its_room_only(at: str, answer: object, when: str) -> None:
    game = variant(type(buggy(at, silence=Silence.BOT)), break_down=lambda self, *_: answer)
    world = World(game, variant(Ticking, policy=AfkPolicy(move_time=10_000)))
    ada, kim, bo, eve = world.players(4)
    other, match = world.match("ticking", bo, eve)
    room = world.room("buggy", ada, kim)
    game.is_armed = when == "start"
    world.starts(ada, room)
    world.passes(1)
    game.is_armed = True
    world.passes(10)
    (end,) = [each for each in world.heard if isinstance(each, RoomClosed)]
    assert (end.room_id, end.reason) == (room.id, "failed")
    assert match.state.ticks in (109, 110), "the other went on all the time"
    assert not other.is_closed


def test_a_view_that_is_none_is_a_failure_of_the_game() -> None:
    for at in ("view", "diff"):
        game = variant(type(buggy(at)), break_down=lambda self, *_: [])
        _, match = World(game).match("buggy", *World(game).players(2))
        game.is_armed = True
        with pytest.raises(GameFailed):
            match.view(0) if at == "view" else match.diff({}, {})


def test_a_bug_at_a_deadline_of_a_room_costs_no_other_room_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failed: list[tuple[str, str]] = []
    world = World(
        variant(Ticking, policy=AfkPolicy(move_time=10_000)),
        on_error=lambda error, room: failed.append((str(error), room.id)),
    )
    rooms, matches = zip(
        *(world.match("ticking", *world.players(2)) for _ in range(3)), strict=True
    )
    tick = Play.tick

    def break_once(play: Play, turn: Turn, room: Room, match: Match) -> None:
        if room is rooms[1] and not failed:
            raise Bug("a bug")
        tick(play, turn, room, match)

    monkeypatch.setattr(Play, "tick", break_once)
    happened = world.passes(0.1 + SLOT)
    advanced = [each.room_id for each in happened if isinstance(each, MatchAdvanced)]
    assert advanced == [rooms[0].id, rooms[2].id]
    assert failed == [("a bug", rooms[1].id)]
    world.passes(5)
    assert not any(room.is_closed for room in rooms)
    assert matches[1].state.ticks > 35, "it was looked at again"


def test_an_error_in_a_view_closes_its_room_only() -> None:
    for at in ("view", "diff"):
        game = buggy(at)
        world = World(game, variant(Ticking, policy=AfkPolicy(move_time=10_000)))
        ada, kim, bo, eve = world.players(4)
        other, _ = world.match("ticking", bo, eve)
        room, match = world.match("buggy", ada, kim)
        view = match.view(0)
        game.is_armed = True
        with pytest.raises(GameFailed) as failure:
            match.view(0) if at == "view" else match.diff(view, view)
        world.do(world.rooms.fail(room, failure.value, world.now))
        assert world.rooms.fail(room, failure.value, world.now) == []
        assert_only_this_closed(world, room.id, other.id)


def test_an_illegal_action_of_a_bot_fails_the_room() -> None:
    game = buggy("", silence=Silence.BOT)
    illegal = variant(type(game), bot=lambda self, state, seat, moment: self.action(is_legal=False))
    world = World(illegal)
    room, _ = world.match("buggy", *world.players(2))
    assert closed(world.passes(5.2)) == ["failed"]
    assert str(room)


def test_a_game_whose_tick_is_due_again_at_once_does_not_block_the_process() -> None:
    stuck = variant(Ticking, tick=lambda self, state, moment: state)
    world = World(stuck)
    world.match("ticking", *world.players(2))
    assert closed(world.passes(1)) == ["failed"]


def test_a_restored_match_that_fails_closes_its_room() -> None:
    game = buggy("due")
    world = World(game, Turns())
    ada, kim = world.players(2)
    room, match = world.match("buggy", ada, kim)
    room.slot = None  # armed in the process before
    failed: list[Exception] = []
    fresh = Rooms(
        world.rooms.games,
        world.policy,
        lambda: room.id,
        lambda: match.id,
        str,
        world.rooms.limits,
        world.budget,
        lambda error, _: failed.append(error),
    )
    game.is_armed = True
    assert closed(fresh.restore(room, world.now)) == ["failed"]
    assert fresh.next_deadline() is None
    assert not fresh.all
    assert [type(error) for error in failed] == [GameFailed]


def test_the_error_of_a_failed_game_names_it() -> None:
    assert "buggy" in str(GameFailed("buggy"))


def test_an_error_at_an_automatic_start_closes_its_room_only() -> None:
    game = variant(type(buggy("start")), starts_when_full=True, is_armed=True)
    world = World(game, Turns())
    bo, eve = world.players(2)
    other, _ = world.match("turns", bo, eve)
    ada, kim = world.players(2)
    room, _ = world.rooms.open(ada, "buggy", world.now)
    world.joins(ada, room)
    world.joins(kim, room)
    assert_only_this_closed(world, room.id, other.id)
