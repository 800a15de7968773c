"""The rules of Connect Four: its edges by example, and random and hostile matches."""

import random
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.games.connect_four import COLOURS, COLUMNS, ROWS, Board, ConnectFour, Drop
from server.games.game import Moment, NotAllowed, Outcome, Silence
from tests.support.examples import examples

GAME = ConnectFour()
MOMENT = Moment(now=0.0, seed="any")
FULL_COLUMN = [3] * ROWS

# A full board without a line: pairs of columns with the colours swapped every two rows.
DRAW = "001100 110011 001100 110011 001100 110011 001100"
"""The columns from the bottom, as digits of seats."""


def played(moves: Sequence[int], begins: int = 0) -> Board:
    """The board after discs in these columns, in turn."""
    board = empty(begins)
    for column in moves:
        board = GAME.act(board, board.turn, Drop(column), MOMENT)
    return board


def empty(begins: int = 0) -> Board:
    return Board(columns=("",) * COLUMNS, turn=begins)


def board_of(columns: str, turn: int = 0, last: int | None = None) -> Board:
    """A board from its columns; `-` is an empty one."""
    return Board(tuple(column.strip("-") for column in columns.split()), turn=turn, last=last)


def refused(board: Board, seat: int, column: int) -> str:
    """The reason for which an action is refused."""
    with pytest.raises(NotAllowed) as refusal:
        GAME.act(board, seat, Drop(column), MOMENT)
    return refusal.value.detail


# Turns and discs


def test_a_match_has_two_players_and_starts_when_full() -> None:
    assert (GAME.name, GAME.least, GAME.most) == ("connect-four", 2, 2)
    assert GAME.starts_when_full


def test_the_seed_decides_which_player_begins() -> None:
    first = {seed: GAME.start(2, Moment(0.0, str(seed))) for seed in range(20)}
    assert {board.turn for board in first.values()} == {0, 1}
    assert first == {seed: GAME.start(2, Moment(9.0, str(seed))) for seed in range(20)}
    assert all(board == empty(board.turn) for board in first.values())


@pytest.mark.parametrize("begins", [0, 1])
def test_a_disc_falls_onto_those_that_lie_there_and_the_turn_passes(begins: int) -> None:
    board = empty(begins)
    assert GAME.waits_for(board) == (begins,)
    once = GAME.act(board, begins, Drop(6), MOMENT)
    twice = GAME.act(once, 1 - begins, Drop(6), MOMENT)
    assert GAME.waits_for(once) == (1 - begins,)
    assert GAME.waits_for(twice) == (begins,)
    assert twice.columns[6] == f"{begins}{1 - begins}"
    assert not any(twice.columns[:6])


def test_an_action_out_of_turn_is_refused() -> None:
    assert refused(empty(0), 1, 3) == "It is not your turn."
    assert refused(empty(1), 0, 3) == "It is not your turn."
    assert refused(empty(0), -1, 3) == refused(empty(0), 2, 3) == "It is not your turn."


@pytest.mark.parametrize("column", [-1, -COLUMNS, COLUMNS, 10**30])
def test_a_column_out_of_range_is_refused(column: int) -> None:
    assert refused(empty(), 0, column) == "There is no such column."


def test_the_sixth_disc_fills_a_column_and_a_seventh_is_refused() -> None:
    board = played(FULL_COLUMN)
    assert board.columns[3] == "010101"
    assert refused(board, 0, 3) == "That column is full."


@pytest.mark.parametrize("raw", ['{"column": 1.5}', '{"column": true}', '{"column": null}', "{}"])
def test_an_action_without_an_integer_column_is_refused(raw: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(raw, type=ConnectFour.action)


# How it ends


@pytest.mark.parametrize(
    ("columns", "last", "line"),
    [
        pytest.param("0000 1 1 1 - - -", 0, [(0, 0), (0, 1), (0, 2), (0, 3)], id="upwards"),
        pytest.param("- - - 110000 1 1 -", 3, [(3, 2), (3, 3), (3, 4), (3, 5)], id="to the top"),
        pytest.param("- - - 0 0 0 0", 5, [(3, 0), (4, 0), (5, 0), (6, 0)], id="across, filled in"),
        pytest.param("0 10 110 1110 - - -", 3, [(0, 0), (1, 1), (2, 2), (3, 3)], id="rising"),
        pytest.param("- - - 1110 110 10 0", 6, [(3, 3), (4, 2), (5, 1), (6, 0)], id="falling"),
        pytest.param("- 0 0 0 0 0 -", 3, [(c, 0) for c in range(1, 6)], id="five at once"),
        pytest.param("0 0 0 0 0 0 0", 3, [(c, 0) for c in range(7)], id="the whole row"),
        pytest.param(
            "0 10 110 0000 - - -",
            3,
            [(0, 0), (1, 1), (2, 2), (3, 0), (3, 1), (3, 2), (3, 3)],
            id="two lines by one disc",
        ),
    ],
)
def test_four_or_more_in_a_line_win(columns: str, last: int, line: list[tuple[int, int]]) -> None:
    board = board_of(columns, turn=1, last=last)
    assert GAME.outcome(board) == Outcome(winners=(0,), reason="four")
    assert GAME.view(board, None)["line"] == [list(cell) for cell in line]
    assert GAME.waits_for(board) == ()


@pytest.mark.parametrize(
    ("columns", "last"),
    [
        pytest.param("000 1 1 1 - - -", 0, id="three"),
        pytest.param("0010 1 1 - - - -", 0, id="broken upwards"),
        pytest.param("0 0 0 1 0 0 0", 6, id="broken across"),
        pytest.param("000 - 0 0 0 - -", 4, id="a gap"),
        pytest.param("- 0 110 0 1110 - -", 4, id="a hole in the diagonal"),
        pytest.param("001 - - - - 100 10", 5, id="round the edge"),
    ],
)
def test_a_broken_line_does_not_win(columns: str, last: int) -> None:
    board = board_of(columns, turn=1, last=last)
    assert GAME.outcome(board) is None
    assert "line" not in GAME.view(board, None)


@pytest.mark.parametrize("winner", [0, 1])
def test_the_player_of_the_fourth_disc_wins(winner: int) -> None:
    board = played([0, 1, 0, 1, 0, 1, 0], begins=winner)
    assert GAME.outcome(board) == Outcome(winners=(winner,), reason="four")


def test_a_full_board_is_a_draw_and_one_free_place_is_not() -> None:
    full = board_of(DRAW, last=6)
    assert all_lines(full) == set()
    assert GAME.outcome(full) == Outcome(reason="full")
    assert GAME.waits_for(full) == ()
    almost = board_of(DRAW[:-1], last=5)
    assert GAME.outcome(almost) is None
    assert GAME.outcome(GAME.act(almost, 0, Drop(6), MOMENT)) == Outcome(reason="full")


def test_a_line_with_the_last_disc_wins_rather_than_draws() -> None:
    board = board_of("001100 110011 001100 110011 001100 110011 11000", turn=0, last=5)
    assert all_lines(board) == set()
    won = GAME.act(board, 0, Drop(6), MOMENT)
    assert all(len(column) == ROWS for column in won.columns)
    assert GAME.outcome(won) == Outcome(winners=(0,), reason="four")


def test_after_the_end_nothing_is_allowed() -> None:
    for over in (played([0, 1, 0, 1, 0, 1, 0]), board_of(DRAW, last=6), gone(empty(), 1)):
        assert {refused(over, seat, column) for seat in (0, 1) for column in range(7)} == {
            "The match is over."
        }


# Views


def test_everybody_sees_the_same_board() -> None:
    assert GAME.is_open
    assert GAME.view(empty(1), None) == {
        "columns": ["", "", "", "", "", "", ""],
        "colours": list(COLOURS),
        "turn": 1,
        "moves": 0,
    }
    board = played([3, 3, 6])
    assert GAME.view(board, 0) == GAME.view(board, 1) == GAME.view(board, None)
    assert GAME.view(board, 0) == {
        "columns": ["", "", "", "01", "", "", "0"],
        "colours": list(COLOURS),
        "turn": 1,
        "moves": 3,
        "last": [6, 0],
    }


# Absent players


def gone(board: Board, *seats: int) -> Board:
    for seat in seats:
        board = GAME.player_gone(board, seat, MOMENT)
    return board


def test_silence_is_a_forfeit_and_be_right_back_waits() -> None:
    assert GAME.policy.silence is Silence.FORFEIT
    assert GAME.policy.brb_waits
    assert GAME.policy.may_claim


@pytest.mark.parametrize("seat", [0, 1])
@pytest.mark.parametrize("turn", [0, 1])
def test_the_other_player_wins_when_one_is_gone_in_any_turn(turn: int, seat: int) -> None:
    board = gone(played([3, 3], begins=turn), seat)
    assert GAME.outcome(board) == Outcome(winners=(1 - seat,), reason="gone")
    assert GAME.waits_for(board) == ()
    assert gone(board, seat) == board, "being gone twice changes nothing"


@pytest.mark.parametrize("seats", [(0, 1), (1, 0)])
def test_there_is_no_winner_when_both_are_gone(seats: tuple[int, int]) -> None:
    assert GAME.outcome(gone(empty(), *seats)) == Outcome(reason="gone")


def test_going_after_the_end_does_not_change_the_outcome() -> None:
    won = played([0, 1, 0, 1, 0, 1, 0])
    assert GAME.outcome(gone(won, 0, 1)) == GAME.outcome(won)
    assert GAME.outcome(gone(board_of(DRAW, last=6), 0)) == Outcome(reason="full")


def test_a_skip_passes_the_turn_of_the_player_to_move_only() -> None:
    board = played([3])
    assert board.turn == 1
    skipped = GAME.player_away(board, 1, MOMENT)
    assert (skipped.turn, skipped.columns) == (0, board.columns)
    assert GAME.player_away(board, 0, MOMENT) == board
    assert GAME.player_back(skipped, 1, MOMENT) == skipped
    over = gone(board, 0)
    assert GAME.player_away(over, 1, MOMENT) == over


# The bot


@pytest.mark.parametrize(
    ("columns", "turn", "column"),
    [
        pytest.param("- - - - - - -", 0, 3, id="the centre first"),
        pytest.param("- - - 010101 - - -", 0, 2, id="then beside it"),
        pytest.param("000 111 - - - - -", 0, 0, id="wins rather than prevents"),
        pytest.param("000 11 1 - - - -", 1, 0, id="prevents"),
        pytest.param("0 0 0 - - - -", 1, 3, id="prevents a row"),
        pytest.param("- - - 1110 110 10 -", 0, 6, id="wins falling"),
    ],
)
def test_the_bot_completes_a_line_then_blocks_one_then_prefers_the_centre(
    columns: str, turn: int, column: int
) -> None:
    assert GAME.bot(board_of(columns, turn=turn), turn, MOMENT) == Drop(column)


def test_the_bot_does_not_act_out_of_turn_or_after_the_end() -> None:
    assert GAME.bot(empty(0), 1, MOMENT) is None
    assert GAME.bot(gone(empty(0), 1), 0, MOMENT) is None


# Whole matches


def check(board: Board) -> None:
    """Check what is true of every reachable board."""
    assert msgspec.json.decode(msgspec.json.encode(board), type=ConnectFour.state) == board
    assert all(len(column) <= ROWS and set(column) <= {"0", "1"} for column in board.columns)
    view = GAME.view(board, None)
    assert msgspec.json.decode(msgspec.json.encode(view)) == view, "a view is JSON as it stands"
    outcome = GAME.outcome(board)
    assert list(GAME.waits_for(board)) == ([] if outcome is not None else [board.turn])
    assert ("line" in view) == (outcome is not None and outcome.reason == "four")


def discs(board: Board) -> int:
    return sum(map(len, board.columns))


@given(st.lists(st.tuples(st.integers(-1, 2), st.integers(-2, 8)), max_size=80), st.integers())
@settings(max_examples=60)
def test_the_rules_hold_for_any_actions(tries: list[tuple[int, int]], seed: int) -> None:
    board = GAME.start(2, Moment(0.0, str(seed)))
    for seat, column in tries:
        given_board = msgspec.json.encode(board)
        is_legal = (
            GAME.outcome(board) is None
            and seat == board.turn
            and column in range(COLUMNS)
            and len(board.columns[column]) < ROWS
        )
        if is_legal:
            after = GAME.act(board, seat, Drop(column), MOMENT)
            assert after.columns[column] == f"{board.columns[column]}{seat}"
            assert discs(after) == discs(board) + 1
        else:
            refused(board, seat, column)
            after = board
        assert msgspec.json.encode(board) == given_board, "a state is a value"
        board = after
        check(board)


STEPS = st.sampled_from(["drop"] * 12 + ["bot"] * 6 + ["away", "back", "gone"])


@given(st.randoms(use_true_random=False), st.data())
@settings(max_examples=25)
def test_every_match_ends_whichever_players_drop_out(
    chance: random.Random, data: st.DataObject
) -> None:
    board = GAME.start(2, Moment(0.0, str(chance.random())))
    for _ in range(COLUMNS * ROWS):
        step, seat = data.draw(STEPS), chance.randrange(2)
        given_board = msgspec.json.encode(board)
        after = board
        if step == "away":
            after = GAME.player_away(board, seat, MOMENT)
        elif step == "back":
            after = GAME.player_back(board, seat, MOMENT)
        elif step == "gone":
            after = GAME.player_gone(board, seat, MOMENT)
        elif (action := GAME.bot(board, seat, MOMENT)) is not None:
            if step == "drop":
                free = [c for c, column in enumerate(board.columns) if len(column) < ROWS]
                action = Drop(chance.choice(free))
            after = GAME.act(board, seat, action, MOMENT)
        assert msgspec.json.encode(board) == given_board, "a state is a value"
        board = after
        check(board)
    # The remaining players finish the match.
    for _ in range(COLUMNS * ROWS):
        for seat in GAME.waits_for(board):
            bot = GAME.bot(board, seat, MOMENT)
            assert bot is not None
            board = GAME.act(board, seat, bot, MOMENT)
    check(board)
    assert GAME.outcome(board) is not None


@given(st.lists(st.integers(0, COLUMNS - 1), max_size=COLUMNS * ROWS))
@settings(max_examples=examples(60))
def test_a_line_is_found_if_and_only_if_there_is_one(columns: list[int]) -> None:
    board = empty()
    for column in columns:
        if GAME.outcome(board) is None and len(board.columns[column]) < ROWS:
            board = GAME.act(board, board.turn, Drop(column), MOMENT)
    line = {tuple(cell) for cell in GAME.view(board, None).get("line", [])}
    assert line == all_lines(board)


def all_lines(board: Board) -> set[tuple[int, int]]:
    """All cells of all possible lines of four, found by trying every place and direction."""
    cells = {(c, r): disc for c, col in enumerate(board.columns) for r, disc in enumerate(col)}
    found: set[tuple[int, int]] = set()
    for column, row in cells:
        for across, up in ((1, 0), (0, 1), (1, 1), (1, -1)):
            four = [(column + step * across, row + step * up) for step in range(4)]
            if len({cells.get(cell, cell) for cell in four}) == 1:
                found.update(four)
    return found
