"""Checks that every game does what a room relies on, with random and hostile players.

A game of your own is tested as well once its package is installed (it names the game as an entry
point), or by its address: `STILLHERE_GAME=my_package.rules:Chess pytest tests/games`. A game with
a `diff` of its own needs a function `applied(view, diff)` beside the class, which does in Python
what its page does.
"""

import importlib
import os
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from server.client.merge_patch import merged
from server.games.catalogue import AnyGame, find_games
from server.games.game import (
    NEVER,
    AfkPolicy,
    Game,
    Moment,
    NotAllowed,
    Outcome,
    Silence,
    Until,
    View,
)
from server.presence.status import Reason, Status
from server.rooms.errors import CommandRefused
from server.rooms.events import RoomClosed
from server.rooms.replay import replay
from server.rooms.view import in_seconds, patch
from tests.games.test_snake_arena import applied
from tests.rooms.games import Beat, Hand, Table, Ticking, Timed, Together, Turns, variant
from tests.rooms.world import World, ended

APPLIED: dict[str, Callable[[View, View], View]] = {"snake-arena": applied}
"""How the page applies a game's own diff, by the name of the game."""

MOST_STEPS = 6000
"""Changes of the state within which every match has to end."""

LOOKED_AT = 0.05
"""The share of later steps that are fully checked. The first ones all are."""

JUNK: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    1e300,
    "",
    "x" * 1000,
    [],
    [[]],
    {},
    {"a": 1},
    2**63,
)


def all_games() -> dict[str, AnyGame]:
    games = dict(find_games())
    if address := os.environ.get("STILLHERE_GAME"):
        module, name = address.split(":")
        game = getattr(importlib.import_module(module), name)()
        games[game.name] = game
    return games


GAMES = all_games()


def of_games(has_part: Callable[[AnyGame], bool]) -> pytest.MarkDecorator:
    games = {name: game for name, game in GAMES.items() if has_part(game)}
    return pytest.mark.parametrize("game", games.values(), ids=games)


every_game = of_games(lambda game: True)


# The checks


class Trial:
    """One match, played as a room does it: only players with a seat act, hooks are called if the
    policy says so, and every step is checked."""

    def __init__(self, game: AnyGame, seats: int, seed: int, looked_at: float = LOOKED_AT) -> None:
        self.game = game
        self.seats = seats
        self.dice = random.Random(seed)
        self.looked_at = looked_at
        self.now = 0.0
        self.step = 0
        self.gone: set[int] = set()
        self.told: dict[int | None, View] = {}
        self.state: Any = None
        self.take(lambda moment: game.start(seats, moment), None)

    @property
    def playing(self) -> list[int]:
        return [seat for seat in range(self.seats) if seat not in self.gone]

    def moment(self) -> Moment:
        return Moment(self.now, f"conformance:{self.step}")

    def take(self, step: Callable[[Moment], Any], given: Any) -> None:
        """Set the next state, which may depend only on what the step is given."""
        is_looked_at = self.step < 100 or self.dice.random() < self.looked_at
        before = msgspec.json.encode(given) if is_looked_at else b""
        state = step(self.moment())
        if is_looked_at:
            assert isinstance(state, self.game.state)
            again = step(self.moment())
            assert msgspec.json.encode(given) == before, "the state that was given is another one"
            written = msgspec.json.encode(state)
            assert msgspec.json.encode(again) == written, "the same step, and another state"
            assert msgspec.json.decode(written, type=self.game.state) == state, "lost on disk"
        self.state = state
        self.step += 1
        self.look(is_looked_at)

    # Checks of a state

    def look(self, is_looked_at: bool) -> None:
        game, state = self.game, self.state
        outcome, waits_for, due = game.outcome(state), list(game.waits_for(state)), game.due(state)
        assert len(set(waits_for)) == len(waits_for)
        assert set(waits_for) <= set(range(self.seats))
        assert isinstance(due, float | int)
        assert due == due, "NaN"
        if outcome is None:
            is_waiting = bool(set(waits_for) - self.gone)
            assert is_waiting or due < NEVER or not self.playing, "it waits for nobody and nothing"
        else:
            assert set(outcome.winners) <= set(range(self.seats))
            assert not set(outcome.winners) & self.gone, "who is out has not won"
            assert outcome.scores is None or len(outcome.scores) == self.seats
            assert outcome.reason
        if not is_looked_at:
            return
        before = msgspec.json.encode(state)
        views = {seat: game.view(state, seat) for seat in (None, *range(self.seats))}
        for seat, view in views.items():
            check_json(view)
            assert game.view(state, seat) == view
        if game.is_open:
            assert all(view == views[None] for view in views.values()), "it is not open"
        else:
            check_nothing_leaks(views)
        self.check_diffs(views)
        assert msgspec.json.encode(state) == before, "to look at a state changes it"

    def check_diffs(self, views: dict[int | None, View]) -> None:
        """Also between views with steps left out: a room sends one diff for steps at the same
        time."""
        for seat, view in views.items():
            before = self.told.get(seat)
            if before is not None and self.dice.random() < 0.3:
                continue
            self.told[seat] = view
            if before is None or before == view:
                continue
            diff = self.game.diff(before, view)
            if diff is None:
                assert merged(as_json(before), as_json(patch(before, view))) == as_json(view)
                continue
            assert diff, "something has changed, and the diff is empty"
            check_json(diff, with_nulls=True)
            assert apply_of(self.game)(as_json(before), as_json(diff)) == as_json(view)

    # Events of a room

    def acts(self, seat: int, action: Any) -> bool:
        """Return True if it was allowed; invalid actions are not passed to the game."""
        try:
            typed: Any = msgspec.convert(action, self.game.action)
        except msgspec.ValidationError:
            return False
        state = self.state
        before = msgspec.json.encode(state)
        try:
            self.take(lambda moment: self.game.act(state, seat, typed, moment), state)
        except NotAllowed as refusal:
            check_detail(refusal)
            assert msgspec.json.encode(self.state) == before, "a refused action changes nothing"
            return False
        return True

    def bots_act(self) -> None:
        for seat in self.game.waits_for(self.state):
            if seat in self.gone or self.is_over:
                continue
            if seat not in self.game.waits_for(self.state):
                continue
            action = self.game.bot(self.state, seat, self.moment())
            if action is None:
                assert self.game.due(self.state) < NEVER, "it waits for a bot that does nothing"
                continue
            assert self.acts(seat, msgspec.to_builtins(action)), "a bot does what is not allowed"

    def ticks(self) -> bool:
        """Run the next tick; return False if there is none."""
        due = self.game.due(self.state)
        if due == NEVER or self.is_over:
            return False
        self.now = max(self.now, due)
        state = self.state
        self.take(lambda moment: self.game.tick(state, moment), state)
        assert self.game.due(self.state) > due, "a tick that is due again at once never ends"
        return True

    def waits(self, seconds: float) -> None:
        """Let time pass; ticks run at their instants."""
        end = self.now + seconds
        while not self.is_over and self.game.due(self.state) <= end:
            self.ticks()
        self.now = max(self.now, end)

    def hook(self, name: str, seat: int) -> None:
        state = self.state
        hook = getattr(self.game, f"player_{name}")
        if name == "gone":
            self.gone.add(seat)
        self.take(lambda moment: hook(state, seat, moment), state)

    @property
    def is_over(self) -> bool:
        return self.game.outcome(self.state) is not None


def check_detail(refusal: NotAllowed) -> None:
    assert refusal.detail, "a refusal tells why"


def has_skips(game: AnyGame) -> bool:
    """True if a room ever calls `player_away`."""
    return game.policy.silence is Silence.SKIP or not game.policy.brb_waits


def has_bots(game: AnyGame) -> bool:
    return type(game).bot is not Game.bot


def has_move_time(game: AnyGame) -> bool:
    return game.policy.move_time != NEVER


def sizes(game: AnyGame) -> list[int]:
    return sorted({game.least, game.most, min(game.most, game.least + 1)})


def apply_of(game: AnyGame) -> Callable[[View, View], View]:
    beside = vars(sys.modules[type(game).__module__]).get("applied")
    apply = APPLIED.get(game.name, beside)
    assert apply is not None, f"{game.name} has a diff of its own, and nobody knows how to apply it"
    return apply


def as_json(view: View) -> View:
    """As it is sent at the start of a match."""
    decoded: View = msgspec.json.decode(msgspec.json.encode(in_seconds(view, 0.0)))
    return decoded


def check_json(
    value: Any, key: str = "", *, with_nulls: bool = False, in_list: bool = False
) -> None:
    """Check that it is JSON with text keys, and that each `Until` is where it is sent as
    seconds."""
    if isinstance(value, Until):
        assert key.endswith("_in"), f"{key}: seconds left, and its name does not say so"
        assert not in_list, f"{key}: in a list nobody makes seconds of it"
        return
    match value:
        case dict():
            for name, inner in value.items():
                assert isinstance(name, str), f"{name!r} is no key of JSON"
                check_json(inner, name, with_nulls=with_nulls, in_list=in_list)
        case list() | tuple():
            for inner in value:
                check_json(inner, key, with_nulls=with_nulls, in_list=True)
        case None:
            assert with_nulls or in_list, f"{key}: null means that it is not there"
        case bool() | int() | str():
            pass
        case float():
            assert value - value == 0, f"{key}: {value} is no JSON"
        case _:
            raise AssertionError(f"{key}: {value!r} is no JSON")


def check_nothing_leaks(views: dict[int | None, View]) -> None:
    """Check that a spectator sees only what every player sees."""
    watched = dict(_leaves(views[None]))
    seated = [dict(_leaves(view)) for seat, view in views.items() if seat is not None]
    for path, value in watched.items():
        assert all(path in seen for seen in seated), f"{path}: not every player sees it"
        by_seat = [seen[path] for seen in seated]
        if not isinstance(value, bool) and any(each != by_seat[0] for each in by_seat):
            assert by_seat.count(value) != 1, f"{path}: one player's own"


def _leaves(view: View, path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in view.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


# Players


def any_action(type_: msgspec.inspect.Type, dice: random.Random) -> Any:
    """Something that mostly has this shape; small numbers are likely to be meaningful."""
    match type_:
        case msgspec.inspect.StructType(fields=fields, tag_field=tag_field, tag=tag):
            made = {each.encode_name: any_action(each.type, dice) for each in fields}
            return made if tag_field is None else made | {tag_field: tag}
        case msgspec.inspect.IntType():
            return dice.choice([*range(-1, 17), 2**40, -(2**40)])
        case msgspec.inspect.FloatType():
            return dice.choice([0.0, 0.5, 1.0, -1.0, 1e9])
        case msgspec.inspect.BoolType():
            return dice.random() < 0.5
        case msgspec.inspect.LiteralType(values=values):
            return dice.choice(values)
        case msgspec.inspect.EnumType(cls=kind):
            return dice.choice([each.value for each in kind])
        case msgspec.inspect.UnionType(types=types):
            return any_action(dice.choice(types), dice)
        case msgspec.inspect.TupleType(item_types=types):
            return [any_action(each, dice) for each in types]
        case (
            msgspec.inspect.ListType(item_type=each) | msgspec.inspect.VarTupleType(item_type=each)
        ):
            return [any_action(each, dice) for _ in range(dice.randrange(4))]
        case msgspec.inspect.StrType():
            return dice.choice(["", "a", "pass", "x" * 300])
        case _:
            return dice.choice(JUNK)


def play_anyhow(table: Trial, most: int) -> None:
    """Random and hostile players, who are away, back and gone in any order."""
    game, dice = table.game, table.dice
    shape = msgspec.inspect.type_info(game.action)
    for _ in range(most):
        if table.is_over or not table.playing:
            return
        seat = dice.choice(table.playing)
        match dice.randrange(100):
            case roll if roll < 45:
                table.acts(seat, any_action(shape, dice))
            case roll if roll < 50:
                table.acts(seat, dice.choice(JUNK))
            case roll if roll < 70:
                if has_bots(game):
                    action = game.bot(table.state, seat, table.moment())
                    table.acts(seat, msgspec.to_builtins(action))
            case roll if roll < 85:
                table.waits(dice.choice([0.0, 0.001, 0.1, 1.0, 5.0]))
            case roll if roll < 92:
                if has_skips(game):
                    table.hook("away", seat)
            case roll if roll < 98:
                table.hook("back", seat)
            case _:
                table.hook("gone", seat)


# Checks of every game


@every_game
def test_a_game_declares_its_name_sizes_types_and_policy(game: AnyGame) -> None:
    assert game.name == game.name.lower()
    assert set(game.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert 1 <= game.least <= game.most
    assert issubclass(game.state, msgspec.Struct)
    assert issubclass(game.action, msgspec.Struct)
    policy = game.policy
    assert policy.move_time > 0
    assert 0 <= policy.leave_grace <= policy.drop_grace
    assert policy.shown_after <= policy.drop_grace
    assert policy.brb_budget >= 0
    assert policy.pulse_time > 0
    assert policy.most_skips >= 0
    if policy.silence is Silence.BOT:
        assert has_bots(game)
    if has_skips(game):
        assert type(game).player_away is not Game.player_away


@every_game
@pytest.mark.parametrize("seed", range(9))
def test_a_game_keeps_the_contract_of_rooms_after_any_actions(game: AnyGame, seed: int) -> None:
    table = Trial(game, sizes(game)[seed % len(sizes(game))], seed)
    play_anyhow(table, 400)


@of_games(lambda game: bool(game.levels))
def test_bots_of_every_level_do_what_is_allowed_and_see_what_a_player_sees(game: AnyGame) -> None:
    assert set(game.levels) <= {"easy", "normal", "hard"}
    assert has_bots(game), "they play when a bot that thinks does not answer in time"
    assert (game.thinking > 0) == (type(game).think is not Game.think)
    if not game.thinking:
        return
    for seed in range(3 * len(game.levels)):
        level = game.levels[seed % len(game.levels)]
        table = Trial(game, game.least, seed, looked_at=0.01)
        while not table.is_over and table.step < MOST_STEPS:
            for seat in game.waits_for(table.state):
                view = as_json(game.view(table.state, seat))
                action = game.think(view, seat, level, table.moment(), lambda: True)
                assert action is None or table.acts(seat, msgspec.to_builtins(action))
                break
            else:
                assert table.ticks()


@of_games(lambda game: game.plays_alone)
@pytest.mark.parametrize("seed", range(3))
def test_who_plays_alone_plays_for_the_score(game: AnyGame, seed: int) -> None:
    table = Trial(game, 1, seed)
    play_anyhow(table, 400)
    while not table.is_over:
        assert table.ticks()
    outcome = game.outcome(table.state)
    assert outcome is not None
    assert outcome.scores is not None


@every_game
def test_nobody_is_out_of_a_match_that_begins_or_that_waits_for_them(game: AnyGame) -> None:
    table = Trial(game, game.most, 1)
    assert not any(game.is_out(table.state, seat) for seat in range(game.most))
    play_anyhow(table, 200)
    assert not any(game.is_out(table.state, seat) for seat in game.waits_for(table.state))


@of_games(has_bots)
@pytest.mark.parametrize("seed", range(2))
def test_a_match_of_bots_ends(game: AnyGame, seed: int) -> None:
    for seats in sizes(game)[: 2 + seed]:
        table = Trial(game, seats, seed, looked_at=0.01)
        while not table.is_over:
            assert table.step < MOST_STEPS
            table.bots_act()
            if not table.is_over and not table.ticks():
                table.now += 1.0


@every_game
def test_the_outcome_does_not_change_after_the_end(game: AnyGame) -> None:
    for seed in range(3):
        table = Trial(game, game.least, seed, looked_at=0.0)
        while not table.is_over:
            assert table.step < MOST_STEPS
            if has_bots(game):
                table.bots_act()
            if not table.is_over and not table.ticks():
                table.now += 1.0
                if not has_bots(game):
                    play_anyhow(table, 1)
        outcome = game.outcome(table.state)
        shape = msgspec.inspect.type_info(game.action)
        for _ in range(50):
            for seat in range(table.seats):
                assert not table.acts(seat, any_action(shape, table.dice)), "it is over"
        assert game.outcome(table.state) == outcome


@every_game
def test_a_match_with_one_player_left_ends_or_goes_on_with_that_player(game: AnyGame) -> None:
    """The room ends it only when no player is left."""
    for seats in sizes(game):
        table = Trial(game, seats, seats)
        for seat in table.dice.sample(range(seats), seats):
            if not table.is_over:
                table.hook("gone", seat)
        assert table.is_over or not table.playing


@of_games(has_move_time)
@pytest.mark.parametrize("seats", ["least", "most"])
def test_silent_players_do_not_keep_a_match_going(game: AnyGame, seats: str) -> None:
    world = World(game)
    players = world.players(getattr(game, seats))
    _, match = world.match(game.name, *players)
    policy = game.policy
    chances = policy.most_skips + 1 if policy.silence is Silence.SKIP else 1
    bound = (policy.move_time + 1.0) * chances * len(players) + 600
    world.passes(bound)
    assert match.outcome is not None
    assert "failed: []" not in ended(world.heard)


@every_game
@pytest.mark.parametrize("seed", range(4))
def test_a_match_in_a_room_never_fails_and_replays_from_its_moves(game: AnyGame, seed: int) -> None:
    dice = random.Random(seed)
    world = World(game)
    players = world.players(min(sizes(game)[seed % 2 % len(sizes(game))], 4))
    room, match = world.match(game.name, *players)
    shape = msgspec.inspect.type_info(game.action)
    for _ in range(250):
        if match.outcome is not None or room.is_closed:
            break
        player = dice.choice(players)
        number = room.seat_of(player.id)
        try:
            match dice.randrange(20):
                case roll if roll < 8 and number is not None and has_bots(game):
                    action = game.bot(match.state, number, Moment(0.0, str(roll)))
                    if action is not None:
                        world.do(
                            world.rooms.act(player, room.id, msgspec.to_builtins(action), world.now)
                        )
                case roll if roll < 12:
                    action = any_action(shape, dice)
                    world.do(world.rooms.act(player, room.id, action, world.now))
                case 12:
                    world.drops(player, room)
                case 13:
                    world.returns(player, room)
                case 14:
                    world.will_be_back(player, room, 10)
                case 15:
                    world.touches(player)
                case 16 if dice.random() < 0.2:
                    world.leaves(player, room)
                case 17:
                    world.becomes(player, Status.AWAY, Reason.IDLE)
                case _:
                    world.passes(dice.choice([0.05, 0.3, 1.0, 4.0]))
        except CommandRefused:
            pass
    world.passes(0.2)
    closed = [event for event in world.heard if isinstance(event, RoomClosed)]
    assert not any(event.reason == "failed" for event in closed), closed
    *_, last = replay(game, match.seed, match.size, world.moves(match), match.step)
    assert last.state == match.state


# The checks find faults


class Forgetful(msgspec.Struct):
    turns: list[int]
    seats: int


class Careless(Turns):
    """Modifies the state that it was given."""

    state = Forgetful  # type: ignore[assignment]

    def start(self, seats: int, moment: Moment) -> Any:
        return Forgetful([0], seats)

    def act(self, state: Any, seat: int, action: Any, moment: Moment) -> Any:
        state.turns.append(seat)
        return state

    def view(self, state: Any, seat: int | None) -> View:
        return {"turns": list(state.turns)}

    def waits_for(self, state: Any) -> list[int]:
        return [0]

    def outcome(self, state: Any) -> None:
        return None

    def player_back(self, state: Any, seat: int, moment: Moment) -> Any:
        return state

    def bot(self, state: Any, seat: int, moment: Moment) -> None:
        return None

    def player_gone(self, state: Any, seat: int, moment: Moment) -> Any:
        return state


class Dealt(Hand):
    """The hand; `shows` makes a spectator's view of it."""

    shows: Callable[[View], View] = staticmethod(lambda view: view)

    def view(self, state: Table, seat: int | None) -> View:
        view = super().view(state, 0 if seat is None else seat)
        return view if seat is not None else type(self).shows(view)


class Dicey(Turns):
    """Draws random numbers of its own."""

    def act(self, state: Table, seat: int, action: Any, moment: Moment) -> Table:
        return msgspec.structs.replace(state, moves=random.randrange(10**9))


WRONG: dict[str, tuple[AnyGame, str]] = {
    "it changes the state it was given": (Careless(), "another one"),
    "it throws dice of its own": (Dicey(), "the same step, and another state"),
    "a spectator sees a hand": (Dealt(), "one player's own|not every player sees"),
    "it is said to be open and is not": (variant(Hand, is_open=True), "is not open"),
    "it waits for nobody": (variant(Turns, waits_for=lambda self, state: ()), "nobody and nothing"),
    "it waits for who is not there": (variant(Turns, waits_for=lambda self, state: (99,)), "99"),
    "a view holds a null": (variant(Turns, view=lambda self, state, seat: {"a": None}), "null"),
    "a time in a list": (
        variant(Turns, view=lambda self, state, seat: {"a_in": [Until(1.0)]}),
        "in a list",
    ),
    "a time that is not named as one": (
        variant(Turns, view=lambda self, state, seat: {"a": Until(1.0)}),
        "its name does not say so",
    ),
    "no JSON": (variant(Turns, view=lambda self, state, seat: {"a": {1}}), "no JSON"),
    "a diff that nobody can apply": (
        variant(Turns, name="strange", diff=lambda self, before, after: {"a": 1}),
        "nobody knows how",
    ),
    "an empty diff": (variant(Turns, diff=lambda self, before, after: {}), "the diff is empty"),
    "it raises": (
        variant(Turns, act=lambda self, state, seat, action, moment: vars()["no"]),
        "no",
    ),
    "a tick that is due again": (
        variant(Ticking, tick=lambda self, state, moment: state, diff=Turns.diff),
        "never ends",
    ),
    "who is out has won": (
        variant(Turns, outcome=lambda self, state: Outcome(state.gone) if state.gone else None),
        "has not won",
    ),
    "lost on disk": (
        variant(Turns, start=lambda self, seats, moment: Table(seats, back=[1])),  # type: ignore[arg-type]
        "lost on disk",
    ),
}


@pytest.mark.parametrize(("game", "sentence"), WRONG.values(), ids=WRONG)
def test_a_game_that_breaks_the_contract_is_found(game: AnyGame, sentence: str) -> None:
    def play() -> None:
        for seed in range(40):
            play_anyhow(Trial(game, 2, seed, looked_at=1.0), 200)

    with pytest.raises((AssertionError, KeyError), match=sentence):
        play()


def test_bots_that_do_nothing_or_act_illegally_are_found() -> None:
    for bot, sentence in (
        (lambda self, state, seat, moment: None, "does nothing"),
        (lambda self, state, seat, moment: self.action(is_legal=False), "not allowed"),
    ):
        with pytest.raises(AssertionError, match=sentence):
            test_a_match_of_bots_ends(variant(Turns, bot=bot), 0)


def test_a_match_without_an_end_is_found() -> None:
    with pytest.raises(AssertionError):
        test_a_match_of_bots_ends(Turns(), 0)


@pytest.mark.parametrize("game", [Turns(), Hand(), Together(), Timed()], ids=lambda game: game.name)
def test_the_games_of_other_tests_keep_the_contract(game: AnyGame) -> None:
    for seed in range(5):
        play_anyhow(Trial(game, game.least, seed, looked_at=1.0), 100)


def test_any_action_generates_every_shape() -> None:
    dice = random.Random(1)
    shapes = (int, float, bool, str, list[int], tuple[int, str], tuple[bool, ...], Silence, None)
    for shape in (*shapes, int | str, Beat, AfkPolicy, dict[str, int]):
        for _ in range(5):
            any_action(msgspec.inspect.type_info(shape), dice)
