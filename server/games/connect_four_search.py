"""A search for Connect Four: alpha-beta over boards of two integers.

A board is the discs of the player to move, `own`, and those of both, `mask`: row r of column c is
bit `7 * c + r`. The seventh bit of each column is always 0, so that no line runs on from the top of
a column into the next.

Each step of the search first looks for the cells that complete a four. So it sees two moves beyond
its depth: a win at once, and a four that has to be prevented. A search of depth 3 takes a
millisecond; one of half a second gets to a depth of 9 or 10 at the beginning of a match, and to its
end when half the cells are taken.
"""

from collections.abc import Callable, Iterator, Sequence

from server.games.game import Level, Moment

COLUMNS, ROWS = 7, 6
HEIGHT = ROWS + 1
"""Bits of a column."""

BOTTOM = sum(1 << HEIGHT * column for column in range(COLUMNS))
CELLS = BOTTOM * ((1 << ROWS) - 1)
ODD, EVEN = BOTTOM * 0b010101, BOTTOM * 0b101010
"""The cells of the first, third and fifth row, and of the others."""

ACROSS_AND_DIAGONAL = (HEIGHT, HEIGHT - 1, HEIGHT + 1)
ALL_WAYS = (1, *ACROSS_AND_DIAGONAL)
"""The bits from a cell to the next one of a line."""

WIN = 1000
"""The value of a won board, less the number of its discs: sooner is better."""

LOOK_EVERY = 256
"""Boards between two looks at the time."""

MOST_KNOWN = 200_000
"""Boards that a search remembers: some 40 MB."""

DEPTHS: dict[Level, int] = {"easy": 1, "normal": 3, "hard": COLUMNS * ROWS}
CARELESSNESS = 0.25
"""How often the easy one does not look what the other could do."""


class _TimeUp(Exception):
    """The search has no time left."""


def choose(
    columns: Sequence[str], seat: int, level: Level, moment: Moment, is_time_up: Callable[[], bool]
) -> int:
    """Return the column for the next disc of `seat`: 0 to 6, not full. `columns`: for each the
    seats of its discs, from the bottom up, as digits; at least one is not full.

    No level misses a four of its own.
    """
    own = mask = 0
    for column, discs in enumerate(columns):
        for row, disc in enumerate(discs):
            bit = 1 << HEIGHT * column + row
            mask |= bit
            own |= bit if disc == str(seat) else 0
    dice = moment.random
    moves = [column for column in range(COLUMNS) if len(columns[column]) < ROWS]
    # Of two columns that are equally good, chance decides, and the one in the middle comes first.
    dice.shuffle(moves)
    moves.sort(key=lambda column: abs(column - COLUMNS // 2))
    for column in moves:
        if _threats(own, mask) & _cell(mask, column):
            return column
    if level == "easy" and dice.random() < CARELESSNESS:
        return dice.choice(moves)
    return _Search(is_time_up).best(own, mask, moves, DEPTHS[level])


class _Search:
    """One search. Values are those of the player to move."""

    def __init__(self, is_time_up: Callable[[], bool]) -> None:
        self._is_time_up = is_time_up
        self._seen = 0
        # By board: the depth, the value, whether it is exact (0), at least (1) or at most (-1)
        # that, and the best cell.
        self._known: dict[int, tuple[int, int, int, int]] = {}

    def best(self, own: int, mask: int, moves: Sequence[int], deepest: int) -> int:
        """Return the best of `moves` within `deepest` moves, or as far as the time goes."""
        best = moves[0]
        deepest = min(deepest, COLUMNS * ROWS - mask.bit_count())
        for depth in range(1, deepest + 1):
            try:
                value, best = self._best(own, mask, [best, *moves], depth)
            except _TimeUp:
                break
            if abs(value) > WIN // 2:
                break  # won or lost: no depth changes that
        return best

    def _best(self, own: int, mask: int, moves: Sequence[int], depth: int) -> tuple[int, int]:
        alpha, best = -WIN, moves[0]
        for column in moves:
            cell = _cell(mask, column)
            value = -self._value(own ^ mask, mask | cell, depth - 1, -WIN, -alpha)
            if value > alpha:
                alpha, best = value, column
        return alpha, best

    def _value(self, own: int, mask: int, depth: int, alpha: int, beta: int) -> int:
        """Return the value of a board: exact between `alpha` and `beta`, else a bound."""
        self._seen += 1
        if self._seen % LOOK_EVERY == 0 and self._is_time_up():
            raise _TimeUp
        free = (mask + BOTTOM) & CELLS
        if not free:
            return 0
        discs = mask.bit_count()
        ours, theirs = _threats(own, mask), _threats(own ^ mask, mask)
        if ours & free:
            return WIN - discs - 1
        forced = theirs & free
        if forced:
            if forced & (forced - 1):
                return discs + 2 - WIN  # they have two fours, and one can be prevented
            free = forced
        free &= ~(theirs >> 1)  # not below a cell in which they win
        if not free:
            return discs + 2 - WIN
        if depth <= 0:
            promise = _open_lines(own ^ mask) - _open_lines(own)
            return promise + _weight(ours, discs % 2 == 0) - _weight(theirs, discs % 2 == 1)
        key = mask << HEIGHT * COLUMNS | own
        first = 0
        known = self._known.get(key)
        if known is not None:
            known_depth, value, kind, first = known
            is_enough = kind == 0 or (value >= beta if kind > 0 else value <= alpha)
            if known_depth >= depth and is_enough:
                return value
        best, best_cell, before = -WIN, 0, alpha
        for cell in _in_order(free, first):
            value = -self._value(own ^ mask, mask | cell, depth - 1, -beta, -alpha)
            if value > best:
                best, best_cell = value, cell
                alpha = max(alpha, value)
                if alpha >= beta:
                    break
        if len(self._known) < MOST_KNOWN or known is not None:
            kind = 1 if best >= beta else -1 if best <= before else 0
            self._known[key] = depth, best, kind, best_cell
        return best


def _weight(threats: int, is_first: bool) -> int:
    """Return what a player's threats are worth. At the end of a match the players fill the columns
    in turn, so that cells of odd rows fall to the first player, and those of even rows to the
    other."""
    return 4 * threats.bit_count() + 12 * (threats & (ODD if is_first else EVEN)).bit_count()


def _open_lines(discs: int) -> int:
    """Return the number of lines of four cells without any of `discs`."""
    others = CELLS & ~discs
    lines = 0
    for step in ALL_WAYS:
        two = others & others >> step
        lines += (two & two >> 2 * step).bit_count()
    return lines


def _cell(mask: int, column: int) -> int:
    """Return the cell into which a disc falls in a column that is not full."""
    return (mask + (1 << HEIGHT * column)) & (CELLS & ((1 << HEIGHT) - 1) << HEIGHT * column)


_FROM_THE_CENTRE = [
    ((1 << ROWS) - 1) << HEIGHT * column
    for column in sorted(range(COLUMNS), key=lambda column: abs(column - COLUMNS // 2))
]


def _in_order(cells: int, first: int) -> Iterator[int]:
    """Yield `cells` one by one: `first`, if it is one of them, then from the centre."""
    if cells & first:
        yield first
        cells ^= first
    for column in _FROM_THE_CENTRE:
        cell = cells & column
        if cell:
            yield cell


def _threats(discs: int, mask: int) -> int:
    """Return the free cells in which one more disc completes a four."""
    found = discs << 1 & discs << 2 & discs << 3
    for step in ACROSS_AND_DIAGONAL:
        two = discs << step & discs << 2 * step
        found |= two & discs << 3 * step
        found |= two & discs >> step
        two = discs >> step & discs >> 2 * step
        found |= two & discs << step
        found |= two & discs >> 3 * step
    return found & (CELLS ^ mask)
