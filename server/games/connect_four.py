"""Connect Four: discs fall into a board of seven columns, and four in a line win.

The players take turns to drop a disc into a column that is not full. The first player with four or
more in an unbroken line, across, down or diagonally, wins. If the board fills up first, it is a
draw. Chance decides who begins.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import msgspec

from server.games.connect_four_search import COLUMNS as COLUMNS
from server.games.connect_four_search import ROWS as ROWS
from server.games.connect_four_search import choose
from server.games.game import Game, Level, Moment, NotAllowed, Outcome, Seat, View

COLOURS = ("red", "yellow")
"""The colour of each seat's discs."""

CENTRE_FIRST = sorted(range(COLUMNS), key=lambda column: abs(column - COLUMNS // 2))
DIRECTIONS = ((1, 0), (0, 1), (1, 1), (1, -1))

Columns: TypeAlias = tuple[str, ...]
"""The board: for each column the seats of its discs, from the bottom up, as digits."""

Cell: TypeAlias = tuple[int, int]
"""Column and row, each from 0; row 0 is the lowest."""


class Board(msgspec.Struct, frozen=True, gc=False):
    """A match between two moves."""

    columns: Columns
    turn: Seat
    last: int | None = None
    """The column of the last disc."""
    gone: tuple[Seat, ...] = ()


class Drop(msgspec.Struct, frozen=True, gc=False):
    """A player drops a disc into a column, 0 to 6."""

    column: int


class ConnectFour(Game[Board, Drop]):
    """Two players in turns. Silence forfeits: skipped turns would lose the match as well, only
    slower."""

    name = "connect-four"
    state, action = Board, Drop
    is_open = True
    levels = ("easy", "normal", "hard")
    thinking = 0.6

    def start(self, seats: int, moment: Moment) -> Board:
        return Board(columns=("",) * COLUMNS, turn=moment.random.randrange(seats))

    def act(self, state: Board, seat: Seat, action: Drop, moment: Moment) -> Board:
        if self.outcome(state) is not None:
            raise NotAllowed("The match is over.")
        if seat != state.turn:
            raise NotAllowed("It is not your turn.")
        if not 0 <= action.column < COLUMNS:
            raise NotAllowed("There is no such column.")
        if len(state.columns[action.column]) == ROWS:
            raise NotAllowed("That column is full.")
        columns = _dropped(state.columns, action.column, seat)
        return Board(columns, turn=1 - seat, last=action.column)

    def view(self, state: Board, seat: Seat | None) -> View:
        """`columns` as in the state; `last`: the cell of the last disc; `line`: the cells of the
        winning line. The last two are absent if there is none."""
        view: View = {
            "columns": list(state.columns),
            "colours": list(COLOURS),
            "turn": state.turn,
            "moves": sum(map(len, state.columns)),
        }
        if state.last is not None:
            view["last"] = [state.last, len(state.columns[state.last]) - 1]
        if line := _line(state.columns, state.last):
            view["line"] = [list(cell) for cell in line]
        return view

    def waits_for(self, state: Board) -> tuple[Seat, ...]:
        return (state.turn,) if self.outcome(state) is None else ()

    def outcome(self, state: Board) -> Outcome | None:
        """Reasons: `four`, `full`, or `gone` if players left before."""
        if line := _line(state.columns, state.last):
            column, row = line[0]
            return Outcome(winners=(int(state.columns[column][row]),), reason="four")
        if all(len(column) == ROWS for column in state.columns):
            return Outcome(reason="full")
        if state.gone:
            left = tuple(seat for seat in range(self.most) if seat not in state.gone)
            return Outcome(winners=left, reason="gone")
        return None

    def player_away(self, state: Board, seat: Seat, moment: Moment) -> Board:
        if seat not in self.waits_for(state):
            return state
        return msgspec.structs.replace(state, turn=1 - seat)

    def player_gone(self, state: Board, seat: Seat, moment: Moment) -> Board:
        if seat in state.gone:
            return state
        return msgspec.structs.replace(state, gone=(*state.gone, seat))

    def bot(self, state: Board, seat: Seat, moment: Moment) -> Drop | None:
        """Wins if one move does it, else prevents that of the other, else keeps to the centre."""
        if seat not in self.waits_for(state):
            return None
        free = [column for column in CENTRE_FIRST if len(state.columns[column]) < ROWS]
        for who in (seat, 1 - seat):
            for column in free:
                if _line(_dropped(state.columns, column, who), column):
                    return Drop(column)
        return Drop(free[0])

    def think(
        self, view: View, seat: Seat, level: Level, moment: Moment, is_time_up: Callable[[], bool]
    ) -> Drop:
        return Drop(choose(view["columns"], seat, level, moment, is_time_up))


def _dropped(columns: Columns, column: int, seat: Seat) -> Columns:
    return (*columns[:column], f"{columns[column]}{seat}", *columns[column + 1 :])


def _line(columns: Columns, last: int | None) -> list[Cell]:
    """Return the cells of all lines of four or more through the topmost disc of column `last`,
    sorted. One disc can complete several lines."""
    if last is None:
        return []
    top = (last, len(columns[last]) - 1)
    found: set[Cell] = set()
    for across, up in DIRECTIONS:
        line = {top, *_run(columns, top, across, up), *_run(columns, top, -across, -up)}
        if len(line) >= 4:
            found |= line
    return sorted(found)


def _run(columns: Columns, start: Cell, across: int, up: int) -> Iterator[Cell]:
    """Yield the cells from `start` (excluded) on that hold discs of the same player."""
    column, row = start
    disc = columns[column][row]
    while True:
        column, row = column + across, row + up
        if not (0 <= column < COLUMNS and 0 <= row < len(columns[column])):
            return
        if columns[column][row] != disc:
            return
        yield column, row
