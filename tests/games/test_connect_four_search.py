"""The search of Connect Four: what it finds, how strong it is, and how long it takes.

Strength is tested with a number of boards in place of a time, so that a slow machine plays the
same.
"""

from collections.abc import Callable
from itertools import count

import pytest

from server.games import connect_four_search as search
from server.games.connect_four import Board, ConnectFour, Drop
from server.games.connect_four_search import LOOK_EVERY, choose
from server.games.game import Level, Moment
from tests.games.test_connect_four import board_of, played

GAME = ConnectFour()
LEVELS: tuple[Level, ...] = GAME.levels


def looks(number: int) -> Callable[[], bool]:
    """A time that is up after so many looks at it."""
    numbers = count()
    return lambda: next(numbers) >= number


def chosen(columns: str, level: Level, seed: int) -> int:
    return choose(board_of(columns).columns, 0, level, Moment(0.0, str(seed)), looks(20))


def winner(levels: tuple[Level, Level], seed: int) -> int | None:
    """The seat that wins a match of bots of these levels."""
    dice = Moment(0.0, str(seed))
    state = GAME.start(2, Moment(0.0, str(seed)))
    while (outcome := GAME.outcome(state)) is None:
        column = choose(state.columns, state.turn, levels[state.turn], dice, looks(2))
        state = GAME.act(state, state.turn, Drop(column), Moment(0.0, ""))
    return outcome.winners[0] if outcome.winners else None


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("columns", "column"),
    [
        ("000 - - 111 - - -", 0),
        ("- 0 0 0 1 1 1", 0),
        ("0 10 110 111 - - -", 3),
    ],
)
def test_every_level_completes_its_own_four(level: Level, columns: str, column: int) -> None:
    assert {chosen(columns, level, seed=seed) for seed in range(20)} == {column}


@pytest.mark.parametrize("level", ["normal", "hard"])
def test_the_other_four_is_prevented(level: Level) -> None:
    assert {chosen("111 0 - 0 - - -", level, seed=seed) for seed in range(3)} == {0}
    assert {chosen("0 1 1 1 - - -", level, seed=seed) for seed in range(3)} == {4}


def test_hard_makes_a_three_with_two_open_ends() -> None:
    """Which has won: the other can prevent one four only."""
    for seed in range(5):
        assert chosen("- - 0 0 - - 11", "hard", seed) in (1, 4)


@pytest.mark.parametrize(
    ("stronger", "weaker", "matches"), [("hard", "normal", 5), ("normal", "easy", 20)]
)
def test_the_stronger_wins(stronger: Level, weaker: Level, matches: int) -> None:
    results = [winner((stronger, weaker), seed) for seed in range(matches)]
    assert results.count(0) >= 0.8 * matches


def test_easy_can_be_beaten_by_a_beginner() -> None:
    """One who only completes fours, and prevents them."""
    lost = 0
    for seed in range(20):
        dice = Moment(0.0, str(seed))
        state = played([], begins=0)
        while (outcome := GAME.outcome(state)) is None:
            if state.turn == 1:
                column = choose(state.columns, 1, "easy", dice, looks(2))
            else:
                drop = GAME.bot(state, 0, Moment(0.0, ""))
                assert drop is not None
                column = drop.column
            state = GAME.act(state, state.turn, Drop(column), Moment(0.0, ""))
        lost += outcome.winners == (0,)
    assert lost >= 5


def test_a_full_search_gives_the_value_of_the_end() -> None:
    """Against a search without any shortcut, with the last cells of a match."""
    compared = 0
    for seed in range(20):
        dice = Moment(0.0, str(seed))
        state = played([], begins=seed % 2)
        while sum(map(len, state.columns)) < 32 and GAME.outcome(state) is None:
            column = choose(state.columns, state.turn, "normal", dice, looks(2))
            state = GAME.act(state, state.turn, Drop(column), Moment(0.0, ""))
        if GAME.outcome(state) is not None:
            continue
        column = choose(state.columns, state.turn, "hard", dice, lambda: False)
        after = GAME.act(state, state.turn, Drop(column), Moment(0.0, ""))
        assert -end_of(after) == end_of(state)
        compared += 1
    assert compared > 3


def end_of(state: Board) -> int:
    """The result of best play for the player to move: 1, 0 or -1."""
    outcome = GAME.outcome(state)
    if outcome is not None:
        return -1 if outcome.winners else 0
    results = []
    for column in range(7):
        if len(state.columns[column]) < 6:
            after = GAME.act(state, state.turn, Drop(column), Moment(0.0, ""))
            results.append(-end_of(after))
            if results[-1] == 1:
                break
    return max(results)


def test_the_search_ends_when_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    class Counted(search._Search):
        def best(self, *args: object) -> int:
            result = super().best(*args)  # type: ignore[arg-type]
            seen.append(self._seen)
            return result

    monkeypatch.setattr(search, "_Search", Counted)
    choose([""] * 7, 0, "hard", Moment(0.0, "1"), looks(3))
    assert seen == [4 * LOOK_EVERY]


def test_a_bot_is_given_what_its_player_sees_and_no_more() -> None:
    state = played([3, 3, 3, 2, 3])
    view = GAME.view(state, state.turn)
    for level in LEVELS:
        drop = GAME.think(view, state.turn, level, Moment(0.0, "seed"), looks(2))
        GAME.act(state, state.turn, drop, Moment(0.0, ""))
    assert drop == Drop(3)
