"""Snake arena: 2 to 16 snakes in one arena, each as long as what it has eaten.

Ten times a second all snakes move one cell at once. Food makes a snake one cell longer. It dies
when its head meets a wall or a snake, itself included, even one that dies in the same tick; two
heads in one cell kill both. A cell that a tail leaves in this tick is free. A third of a dead snake
becomes food. The last one alive wins; after three minutes, or among those that died last in one
tick, the longest.

Cells are numbered row by row, and the outermost are wall, so no rule has to check for the edge. The
board repeats what the snakes and the food say: it costs a copy of some kilobytes a tick, and saves
a search through every cell of every snake.
"""

from collections.abc import Collection
from typing import Literal, TypeAlias

import msgspec

from server.games.game import (
    NEVER,
    AfkPolicy,
    Game,
    Moment,
    NotAllowed,
    Outcome,
    Seat,
    Silence,
    Until,
    View,
)

TICKS_A_SECOND = 10
COUNTDOWN = 3.0  # seconds
LAST_TICK = 180 * TICKS_A_SECOND
LENGTH = 4  # of a new snake
PLANNED = 2  # turns, so that two quick presses make a corner
ARENAS = ((4, 40, 30), (8, 48, 36), (16, 64, 48))  # for so many seats: columns and rows
SPARE_FOOD = 2  # at least this much more than there are seats

RISK = 1000  # its cost for a bot: more than any way to food

FREE, FOOD, SNAKE, WALL = range(4)

Direction: TypeAlias = Literal["up", "down", "left", "right"]

OPPOSITE: dict[Direction, Direction] = {
    "up": "down",
    "down": "up",
    "left": "right",
    "right": "left",
}


class Steer(msgspec.Struct, frozen=True):
    """The direction from the next cell on; a second turn waits for the cell after it."""

    turn: Direction


class Snake(msgspec.Struct, frozen=True, gc=False):
    cells: tuple[int, ...]
    """From the head to the tail; empty when dead."""

    heading: Direction
    length: int
    turns: tuple[Direction, ...] = ()
    died: int | None = None
    """The tick in which it died."""


class Arena(msgspec.Struct, frozen=True, gc=False):
    board: bytes
    """What is in each cell."""

    width: int
    snakes: tuple[Snake, ...]
    food: tuple[int, ...]
    starts_at: float
    tick: int = 0


class SnakeArena(Game[Arena, Steer]):
    name = "snake-arena"
    most = 16
    state = Arena
    action = Steer
    starts_when_full = False
    is_open = True
    levels = ("normal",)
    policy = AfkPolicy(
        move_time=6.0,  # longer than the way from wall to wall
        silence=Silence.BOT,
        may_claim=False,
        brb_budget=60.0,
        brb_waits=False,
        pulse_time=30.0,
    )

    def start(self, seats: int, moment: Moment) -> Arena:
        """Snakes start from the left and the right alternately, each in a row of its own."""
        columns, rows = next(size for most, *size in ARENAS if seats <= most)
        width = columns + 2
        wall, row = bytes([WALL]), bytes([WALL, *[FREE] * columns, WALL])
        board = bytearray(wall * width + row * rows + wall * width)
        snakes = []
        for seat in range(seats):
            start = (1 + (2 * seat + 1) * rows // (2 * seats)) * width
            if seat % 2 == 0:
                cells = tuple(range(start + 1 + LENGTH, start + 1, -1))
            else:
                cells = tuple(range(start + columns - LENGTH, start + columns))
            snakes.append(Snake(cells, "left" if seat % 2 else "right", LENGTH))
            for cell in cells:
                board[cell] = SNAKE
        food = _grown(board, (), seats, moment)
        return Arena(bytes(board), width, tuple(snakes), food, moment.now + COUNTDOWN)

    def act(self, state: Arena, seat: Seat, action: Steer, moment: Moment) -> Arena:
        if _is_over(state):
            raise NotAllowed("The match is over.")
        if not 0 <= seat < len(state.snakes):
            raise NotAllowed("You have no snake here.")
        snake = state.snakes[seat]
        if snake.died is not None:
            raise NotAllowed("Your snake is dead.")
        heading = (snake.heading, *snake.turns)[-1]
        if action.turn == heading:
            return state
        if action.turn == OPPOSITE[heading]:
            raise NotAllowed("A snake cannot turn back on itself.")
        if len(snake.turns) == PLANNED:
            raise NotAllowed("Two turns are planned already.")
        turned = msgspec.structs.replace(snake, turns=(*snake.turns, action.turn))
        return msgspec.structs.replace(state, snakes=_with(state.snakes, seat, turned))

    def view(self, state: Arena, seat: Seat | None) -> View:
        """`cells`: from the head to the tail, `x = cell % width` and `y = cell // width`; the walls
        are where x or y is 0, x is `width - 1`, or y is `height - 1`. `died`: the tick."""
        return {
            "width": state.width,
            "height": len(state.board) // state.width,
            "tick": state.tick,
            "starts_in": Until(state.starts_at),
            "ends_in": Until(state.starts_at + LAST_TICK / TICKS_A_SECOND),
            "food": state.food,
            "snakes": [
                {"cells": snake.cells, "length": snake.length}
                if snake.died is None
                else {"cells": (), "length": snake.length, "died": snake.died}
                for snake in state.snakes
            ],
        }

    def diff(self, before: View, after: View) -> View:
        """`moves`: by seat, the new cells of the head, latest first. `lengths` and `died`, by seat:
        new values only. The rest as in the view, if changed."""
        ticks = after["tick"] - before["tick"]
        moves = []
        lengths = {}
        died = {}
        for seat, (old, new) in enumerate(zip(before["snakes"], after["snakes"], strict=True)):
            moves.append(new["cells"][:ticks])
            if new["length"] != old["length"]:
                lengths[str(seat)] = new["length"]
            if "died" in new and "died" not in old:
                died[str(seat)] = new["died"]
        diff = {"tick": after["tick"], "moves": moves}
        if lengths:
            diff["lengths"] = lengths
        if died:
            diff["died"] = died
        for key in ("food", "starts_in", "ends_in"):
            if after[key] != before[key]:
                diff[key] = after[key]
        return diff

    def waits_for(self, state: Arena) -> Collection[Seat]:
        return () if _is_over(state) else _living(state.snakes)

    def outcome(self, state: Arena) -> Outcome | None:
        if not _is_over(state):
            return None
        living = _living(state.snakes)
        last = living or _died_last(state.snakes)
        longest = max(state.snakes[seat].length for seat in last)
        winners = tuple(seat for seat in last if state.snakes[seat].length == longest)
        return Outcome(
            winners=winners if len(winners) < len(state.snakes) else (),
            reason="time_up" if len(living) > 1 else "last_alive" if living else "died_together",
            scores=tuple(snake.length for snake in state.snakes),
        )

    def due(self, state: Arena) -> float:
        if _is_over(state):
            return NEVER
        return state.starts_at + state.tick / TICKS_A_SECOND

    def tick(self, state: Arena, moment: Moment) -> Arena:
        """Move every snake. A late tick delays all later ones by as much, so that no snake
        jumps."""
        board = bytearray(state.board)
        steps = _steps(state.width)
        tick = state.tick + 1
        snakes = list(state.snakes)
        heads = {}
        is_eaten = False
        for seat, snake in enumerate(state.snakes):
            if snake.died is not None:
                continue
            cells, turns = snake.cells, snake.turns
            heading = turns[0] if turns else snake.heading
            head = cells[0] + steps[heading]
            heads[seat] = head
            if board[head] == FOOD:
                is_eaten = True
                cells = (head, *cells)
            else:
                board[cells[-1]] = FREE
                cells = (head, *cells[:-1])
            snakes[seat] = Snake(cells, heading, len(cells), turns[1:])

        # All tails have moved by now, and no head has.
        targets = list(heads.values())
        dead = [
            seat for seat, head in heads.items() if board[head] > FOOD or targets.count(head) > 1
        ]
        for seat in dead:
            _lift(board, state.snakes[seat])
            snakes[seat] = _dead(state.snakes[seat], tick)
            del heads[seat]
        for head in heads.values():
            board[head] = SNAKE
        food = state.food
        for seat in dead:
            food = _left(board, food, state.snakes[seat])
        if is_eaten:
            food = tuple(cell for cell in food if board[cell] == FOOD)
            food = _grown(board, food, len(snakes), moment)
        starts_at = state.starts_at + (moment.now - self.due(state))
        return Arena(bytes(board), state.width, tuple(snakes), food, starts_at, tick)

    def player_away(self, state: Arena, seat: Seat, moment: Moment) -> Arena:
        """A snake without a player goes straight on."""
        return state

    def player_gone(self, state: Arena, seat: Seat, moment: Moment) -> Arena:
        """Their snake dies. Once the match is over, the result stays."""
        snake = state.snakes[seat]
        if snake.died is not None or _is_over(state):
            return state
        board = bytearray(state.board)
        _lift(board, snake)
        food = _left(board, state.food, snake)
        snakes = _with(state.snakes, seat, _dead(snake, state.tick))
        return msgspec.structs.replace(state, board=bytes(board), snakes=snakes, food=food)

    def bot(self, state: Arena, seat: Seat, moment: Moment) -> Steer | None:
        """Goes to the nearest food; not into anything, and preferably not into a cell without a way
        out, or one that another head can reach."""
        snake = state.snakes[seat]
        if snake.died is not None or snake.turns:
            return None
        board, width, head, best = state.board, state.width, snake.cells[0], snake.heading
        y, x = divmod(head, width)
        nearest, food_x, food_y = NEVER, x, y
        for cell in state.food:
            distance = abs(cell // width - y) + abs(cell % width - x)
            if distance < nearest:
                nearest = distance
                food_y, food_x = divmod(cell, width)
        others = {other.cells[0] for other in state.snakes if other.cells and other is not snake}
        steps = _steps(width)
        least = NEVER
        for direction, step in steps.items():
            cell = head + step
            if board[cell] > FOOD:
                continue
            around = [cell + step for step in steps.values()]
            cost = abs(food_y - cell // width) + abs(food_x - cell % width)
            if not others.isdisjoint(around):
                cost += RISK
            if all(board[next_cell] > FOOD for next_cell in around):
                cost += 2 * RISK
            if cost < least or (cost == least and direction == snake.heading):
                least, best = cost, direction
        return None if best == snake.heading else Steer(best)

    def is_out(self, state: Arena, seat: Seat) -> bool:
        return state.snakes[seat].died is not None


def _is_over(state: Arena) -> bool:
    return state.tick >= LAST_TICK or len(_living(state.snakes)) < 2


def _steps(width: int) -> dict[Direction, int]:
    return {"up": -width, "down": width, "left": -1, "right": 1}


def _with(snakes: tuple[Snake, ...], seat: Seat, snake: Snake) -> tuple[Snake, ...]:
    return (*snakes[:seat], snake, *snakes[seat + 1 :])


def _living(snakes: tuple[Snake, ...]) -> list[Seat]:
    return [seat for seat, snake in enumerate(snakes) if snake.died is None]


def _died_last(snakes: tuple[Snake, ...]) -> list[Seat]:
    last = max(snake.died or 0 for snake in snakes)
    return [seat for seat, snake in enumerate(snakes) if snake.died == last]


def _dead(snake: Snake, tick: int) -> Snake:
    return Snake((), snake.heading, snake.length, died=tick)


def _lift(board: bytearray, snake: Snake) -> None:
    for cell in snake.cells:
        board[cell] = FREE


def _left(board: bytearray, food: tuple[int, ...], snake: Snake) -> tuple[int, ...]:
    """Add to the food what is left of a dead snake."""
    left = [cell for cell in snake.cells[::3] if board[cell] == FREE]
    for cell in left:
        board[cell] = FOOD
    return (*food, *left)


def _grown(board: bytearray, food: tuple[int, ...], seats: int, moment: Moment) -> tuple[int, ...]:
    """Add food in random cells until there is enough."""
    while len(food) < seats + SPARE_FOOD and FREE in board:
        cell = moment.random.randrange(len(board))
        if board[cell] == FREE:
            board[cell] = FOOD
            food = (*food, cell)
    return food
