"""The rules of the snake arena: its edges by example, and random and hostile matches."""

import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.games.game import NEVER, Moment, NotAllowed, Outcome, Silence, View
from server.games.snake_arena import (
    COUNTDOWN,
    FOOD,
    FREE,
    LAST_TICK,
    LENGTH,
    SNAKE,
    SPARE_FOOD,
    WALL,
    Arena,
    Direction,
    Snake,
    SnakeArena,
    Steer,
)

GAME = SnakeArena()
WIDTH, HEIGHT = 12, 10
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
BACK: dict[Direction, Direction] = {"up": "down", "down": "up", "left": "right", "right": "left"}
FAR = ((10, 8), (9, 8), (8, 8), (7, 8), (6, 8))
"""Food out of reach of the examples, and so much that none grows."""

Place = tuple[int, int]


def snake(heading: Direction, *places: Place) -> Snake:
    """A snake from the places (x, y) of its cells, head first."""
    return Snake(tuple(y * WIDTH + x for x, y in places), heading, len(places))


def arena(*snakes: Snake, food: tuple[Place, ...] = FAR, tick: int = 0) -> Arena:
    cells = tuple(y * WIDTH + x for x, y in food)
    blank = Arena(b"", WIDTH, snakes, cells, COUNTDOWN, tick)
    return msgspec.structs.replace(blank, board=board_of(blank, HEIGHT))


def board_of(state: Arena, height: int) -> bytes:
    """The board that belongs to the snakes and the food."""
    board = bytearray(state.width * height)
    for cell in range(len(board)):
        y, x = divmod(cell, state.width)
        board[cell] = WALL if x in (0, state.width - 1) or y in (0, height - 1) else FREE
    for cell in state.food:
        assert board[cell] == FREE
        board[cell] = FOOD
    for each in state.snakes:
        for cell in each.cells:
            assert board[cell] == FREE
            board[cell] = SNAKE
    return bytes(board)


def places(state: Arena, seat: int) -> list[Place]:
    return [(cell % state.width, cell // state.width) for cell in state.snakes[seat].cells]


def food_of(state: Arena) -> set[Place]:
    return {(cell % state.width, cell // state.width) for cell in state.food}


def ticked(state: Arena, times: int = 1, seed: str = "any") -> Arena:
    for _ in range(times):
        state = GAME.tick(state, Moment(GAME.due(state), f"{seed} {state.tick}"))
    return state


def turned(state: Arena, seat: int, *turns: Direction) -> Arena:
    for turn in turns:
        state = GAME.act(state, seat, Steer(turn), Moment(0.0, "any"))
    return state


def refused(state: Arena, seat: int, turn: Direction) -> str:
    """The reason for which an action is refused."""
    with pytest.raises(NotAllowed) as refusal:
        GAME.act(state, seat, Steer(turn), Moment(0.0, "any"))
    return refusal.value.detail


def gone(state: Arena, seat: int) -> Arena:
    return GAME.player_gone(state, seat, Moment(0.0, "any"))


def dead(state: Arena) -> list[int]:
    return [seat for seat, each in enumerate(state.snakes) if each.died is not None]


class NoDice(Moment):
    @property
    def random(self) -> random.Random:
        raise AssertionError("there is nothing to throw for")


UPPER = snake("right", (4, 2), (3, 2), (2, 2), (1, 2))
LOWER = snake("left", (7, 6), (8, 6), (9, 6), (10, 6))
MIDDLE = snake("right", (3, 4), (2, 4), (1, 4))


# The start


@pytest.mark.parametrize("seats", range(2, 17))
def test_every_snake_starts_in_a_row_of_its_own_with_room_ahead(seats: int) -> None:
    state = GAME.start(seats, Moment(0.0, "any"))
    assert state.board == board_of(state, len(state.board) // state.width)
    assert len({places(state, seat)[0][1] for seat in range(seats)}) == seats
    assert len(state.food) == seats + SPARE_FOOD
    assert list(GAME.waits_for(state)) == list(range(seats))
    for seat, each in enumerate(state.snakes):
        columns = [x for x, _ in places(state, seat)]
        ahead = state.width - 2 - columns[0] if each.heading == "right" else columns[0] - 1
        assert len(columns) == LENGTH
        assert columns == sorted(columns, reverse=each.heading == "right")
        assert ahead >= 35


@pytest.mark.parametrize(("seats", "columns", "rows"), [(4, 40, 30), (5, 48, 36), (9, 64, 48)])
def test_the_arena_grows_with_the_number_of_players(seats: int, columns: int, rows: int) -> None:
    view = GAME.view(GAME.start(seats, Moment(0.0, "any")), None)
    assert (view["width"], view["height"]) == (columns + 2, rows + 2)


def test_the_same_seed_grows_the_same_food() -> None:
    foods = {GAME.start(4, Moment(0.0, str(seed))).food for seed in range(20)}
    assert len(foods) == 20
    assert foods == {GAME.start(4, Moment(0.0, str(seed))).food for seed in range(20)}


def test_the_snakes_move_ten_times_a_second_after_a_countdown_of_three() -> None:
    state = GAME.start(2, Moment(100.0, "any"))
    assert GAME.due(state) == 103.0
    assert [GAME.due(ticked(state, ticks)) for ticks in (1, 2, 10)] == [103.1, 103.2, 104.0]
    assert GAME.view(state, None)["starts_in"] == 103.0
    assert GAME.view(state, None)["ends_in"] == 283.0


def test_a_late_tick_keeps_the_pace_and_prolongs_the_match() -> None:
    state = ticked(arena(UPPER, LOWER), 2)
    late = GAME.tick(state, Moment(GAME.due(state) + 5.0, "any"))
    assert places(late, 0)[0] == (7, 2)
    assert GAME.due(late) == pytest.approx(COUNTDOWN + 0.3 + 5.0)
    assert GAME.view(late, None)["ends_in"] == pytest.approx(COUNTDOWN + 180.0 + 5.0)
    assert ticked(late, 1).starts_at == late.starts_at


def test_the_move_time_gives_idle_players_a_bot_and_steering_players_none() -> None:
    assert GAME.policy.silence is Silence.BOT
    state = GAME.start(4, Moment(0.0, "any"))
    while not dead(state):
        state = ticked(state)
    assert COUNTDOWN + (state.tick - 1) / 10 > GAME.policy.move_time
    assert state.width / 10 < GAME.policy.move_time


# Steering


def test_a_snake_without_turns_goes_straight_on() -> None:
    state = arena(UPPER, LOWER)
    assert GAME.player_away(state, 0, Moment(0.0, "any")) == state
    assert GAME.player_back(state, 0, Moment(0.0, "any")) == state
    state = ticked(state, 2)
    assert places(state, 0) == [(6, 2), (5, 2), (4, 2), (3, 2)]
    assert places(state, 1) == [(5, 6), (6, 6), (7, 6), (8, 6)]


def test_two_quick_turns_are_a_corner_of_one_cell_each() -> None:
    state = turned(arena(UPPER, LOWER), 0, "down", "left")
    assert places(ticked(state), 0)[0] == (4, 3)
    assert places(ticked(state, 2), 0)[:2] == [(3, 3), (4, 3)]
    assert places(ticked(state, 3), 0)[0] == (2, 3)


def test_a_third_turn_has_to_wait_for_the_next_cell() -> None:
    state = turned(arena(UPPER, LOWER), 0, "down", "left")
    assert refused(state, 0, "down") == "Two turns are planned already."
    assert ticked(turned(ticked(state), 0, "down"), 2).snakes[0].heading == "down"


@pytest.mark.parametrize(("heading", "back"), BACK.items())
def test_a_snake_cannot_turn_back_on_itself(heading: Direction, back: Direction) -> None:
    cells = {
        "up": ((5, 4), (5, 5)),
        "down": ((5, 5), (5, 4)),
        "left": ((5, 4), (6, 4)),
        "right": ((6, 4), (5, 4)),
    }[heading]
    state = arena(snake(heading, *cells), UPPER)
    assert refused(state, 0, back) == "A snake cannot turn back on itself."
    for direction in DIRECTIONS:
        if direction != back:
            assert places(ticked(turned(state, 0, direction)), 0)[1] == cells[0]


def test_turning_back_is_judged_after_the_planned_turns() -> None:
    planned = turned(arena(UPPER, LOWER), 0, "down")
    assert refused(planned, 0, "up") == "A snake cannot turn back on itself."
    assert turned(planned, 0, "left").snakes[0].turns == ("down", "left")


def test_turning_in_the_present_direction_plans_nothing() -> None:
    state = turned(arena(UPPER, LOWER), 0, "down")
    assert turned(state, 0, "down", "down", "down") == state


def test_the_direction_may_be_chosen_before_the_start() -> None:
    state = turned(GAME.start(2, Moment(0.0, "any")), 0, "up")
    assert ticked(state).snakes[0].heading == "up"


def test_only_living_snakes_of_a_running_match_can_be_steered() -> None:
    three = gone(arena(UPPER, LOWER, MIDDLE), 1)
    assert refused(three, 1, "up") == "Your snake is dead."
    assert refused(three, 3, "up") == "You have no snake here."
    assert refused(three, -1, "up") == "You have no snake here."
    assert refused(gone(three, 2), 0, "up") == "The match is over."


# Food


def test_food_makes_a_snake_one_cell_longer_and_another_grows() -> None:
    state = ticked(arena(UPPER, LOWER, food=((5, 2), (1, 8), (2, 8), (3, 8))))
    assert places(state, 0) == [(5, 2), (4, 2), (3, 2), (2, 2), (1, 2)]
    assert state.snakes[0].length == 5
    assert len(state.food) == 2 + SPARE_FOOD
    assert food_of(state) > {(1, 8), (2, 8), (3, 8)}
    assert (5, 2) not in food_of(state)
    assert state.board == board_of(state, HEIGHT)


def test_no_food_grows_while_there_is_enough() -> None:
    state = arena(UPPER, LOWER, food=((5, 2), *FAR))
    assert food_of(GAME.tick(state, NoDice(COUNTDOWN, "any"))) == set(FAR)


def test_in_a_full_arena_no_food_grows() -> None:
    rest = {(x, y) for y in range(1, HEIGHT - 1) for x in range(1, WIDTH - 1)}
    rest -= {(1, 1), (2, 1), (1, 3), (1, 4)}
    # Not a reachable snake; it only has to fill the arena.
    everywhere = snake("down", (1, 3), *sorted(rest), (1, 4))
    state = arena(snake("right", (1, 1)), everywhere, food=((2, 1),))
    state = GAME.tick(state, NoDice(COUNTDOWN, "any"))
    assert (dead(state), state.food) == ([], ())
    assert FREE not in state.board


def test_food_that_two_heads_meet_on_stays() -> None:
    left = snake("right", (4, 4), (3, 4), (2, 4))
    right = snake("left", (6, 4), (7, 4), (8, 4))
    state = ticked(arena(left, right, UPPER, food=((5, 4), *FAR)))
    assert dead(state) == [0, 1]
    assert (5, 4) in food_of(state)
    assert [each.length for each in state.snakes] == [3, 3, 4]
    assert state.board == board_of(state, HEIGHT)


# Death


@pytest.mark.parametrize(
    ("heading", "cells"),
    [
        ("up", [(5, 1), (5, 2), (5, 3)]),
        ("down", [(5, 8), (5, 7), (5, 6)]),
        ("left", [(1, 5), (2, 5), (3, 5)]),
        ("right", [(10, 5), (9, 5), (8, 5)]),
    ],
)
def test_a_wall_kills(heading: Direction, cells: list[Place]) -> None:
    others = (snake("right", (3, 4), (2, 4)), snake("right", (3, 3), (2, 3)))
    state = ticked(arena(snake(heading, *cells), *others, food=()))
    assert dead(state) == [0]
    assert state.snakes[0] == Snake((), heading, 3, died=1)
    assert state.board == board_of(state, HEIGHT)


def test_a_snake_dies_of_its_own_body() -> None:
    curled = snake("right", (4, 4), (3, 4), (3, 5), (4, 5), (5, 5), (5, 4), (5, 3))
    assert dead(ticked(arena(curled, UPPER, LOWER))) == [0]


def test_a_snake_dies_of_the_body_of_another() -> None:
    across = snake("up", (3, 3), (3, 4), (3, 5))
    assert dead(ticked(arena(across, UPPER, LOWER))) == [0]


def test_a_cell_that_a_tail_leaves_is_free() -> None:
    ring = snake("down", (4, 4), (5, 4), (5, 5), (4, 5))
    state = ticked(arena(ring, UPPER, LOWER))
    assert places(state, 0) == [(4, 5), (4, 4), (5, 4), (5, 5)]
    behind = snake("up", (1, 3), (1, 4), (1, 5))
    assert dead(ticked(arena(behind, UPPER, LOWER))) == []


def test_the_tail_of_a_snake_that_eats_does_not_move() -> None:
    behind = snake("up", (1, 3), (1, 4), (1, 5))
    for snakes in ((behind, UPPER, LOWER), (UPPER, LOWER, behind)):
        state = ticked(arena(*snakes, food=((5, 2), *FAR)))
        assert dead(state) == [snakes.index(behind)]


def test_a_head_on_collision_kills_both_snakes() -> None:
    long = snake("right", (4, 4), (3, 4), (2, 4), (1, 4))
    short = snake("left", (6, 4), (7, 4))
    assert dead(ticked(arena(long, short, UPPER))) == [0, 1]
    next_to_it = snake("left", (5, 4), (6, 4))
    assert dead(ticked(arena(long, next_to_it, UPPER))) == [0, 1]


def test_a_snake_that_runs_into_one_dying_in_the_same_tick_dies() -> None:
    into_the_wall = snake("right", (10, 4), (9, 4), (8, 4), (7, 4))
    into_it = snake("down", (9, 3), (9, 2), (9, 1))
    assert dead(ticked(arena(into_the_wall, into_it, UPPER, MIDDLE))) == [0, 1]


def test_every_third_cell_of_the_dead_is_food() -> None:
    cells = [(x, 7) for x in range(10, 3, -1)]
    state = ticked(arena(snake("right", *cells), UPPER, MIDDLE, food=()))
    assert food_of(state) == {(10, 7), (7, 7), (4, 7)}
    assert state.board == board_of(state, HEIGHT)
    resigned = gone(arena(snake("right", *cells), UPPER, MIDDLE, food=()), 0)
    assert food_of(resigned) == food_of(state)
    assert resigned.board == board_of(resigned, HEIGHT)


def test_a_dead_snake_leaves_no_food_where_another_has_moved() -> None:
    into_the_wall = snake("right", (10, 7), (9, 7), (8, 7), (7, 7))
    after_it = snake("down", (7, 6), (7, 5), (7, 4))
    state = ticked(arena(into_the_wall, after_it, UPPER, food=()))
    assert dead(state) == [0]
    assert food_of(state) == {(10, 7)}
    assert state.board == board_of(state, HEIGHT)


# The end


def test_the_last_snake_alive_wins_at_any_length() -> None:
    long = snake("right", (10, 4), (9, 4), (8, 4), (7, 4), (6, 4))
    state = ticked(arena(long, UPPER, food=()))
    assert GAME.outcome(state) == Outcome(winners=(1,), reason="last_alive", scores=(5, 4))
    assert GAME.due(state) == NEVER
    assert GAME.waits_for(state) == ()


def test_a_match_goes_on_while_two_snakes_are_alive() -> None:
    state = gone(arena(UPPER, LOWER, MIDDLE), 0)
    assert GAME.outcome(state) is None
    assert list(GAME.waits_for(state)) == [1, 2]
    assert GAME.due(state) == COUNTDOWN


def test_the_longest_of_the_last_snakes_that_die_together_wins() -> None:
    longest = snake("right", (4, 7), (3, 7), (2, 7), (1, 7), (1, 6))
    long = snake("right", (4, 4), (3, 4), (2, 4), (1, 4))
    short = snake("left", (6, 4), (7, 4))
    state = ticked(gone(arena(longest, long, short), 0))
    assert GAME.outcome(state) == Outcome((1,), "died_together", (5, 4, 2))


def test_equally_long_snakes_share_the_win_and_all_of_them_are_a_draw() -> None:
    left = snake("right", (4, 4), (3, 4))
    right = snake("left", (6, 4), (7, 4))
    assert GAME.outcome(ticked(arena(left, right))) == Outcome((), "died_together", (2, 2))
    three = ticked(gone(arena(UPPER, left, right), 0))
    assert GAME.outcome(three) == Outcome((1, 2), "died_together", (4, 2, 2))


def test_after_three_minutes_the_longest_alive_wins() -> None:
    longest = snake("right", (4, 7), (3, 7), (2, 7), (1, 7), (1, 6))
    before = gone(arena(longest, MIDDLE, UPPER, tick=LAST_TICK - 1), 0)
    assert GAME.outcome(before) is None
    assert GAME.due(before) == pytest.approx(COUNTDOWN + 179.9)
    state = ticked(before)
    assert GAME.outcome(state) == Outcome((2,), "time_up", (5, 3, 4))
    assert GAME.due(state) == NEVER


def test_who_is_dead_is_out_of_the_match() -> None:
    state = gone(arena(UPPER, LOWER, MIDDLE), 1)
    assert [GAME.is_out(state, seat) for seat in range(3)] == [False, True, False]


def test_a_gone_player_is_dead_and_going_after_the_end_changes_nothing() -> None:
    state = gone(arena(UPPER, LOWER, MIDDLE), 1)
    assert dead(state) == [1]
    assert gone(state, 1) == state
    over = gone(state, 0)
    assert GAME.outcome(over) == Outcome((2,), "last_alive", (4, 4, 3))
    assert gone(over, 2) == over


# Bots


def test_a_bot_goes_to_the_nearest_food() -> None:
    state = arena(snake("right", (4, 4), (3, 4)), LOWER, food=((4, 1), (4, 6), (10, 2)))
    assert GAME.bot(state, 0, Moment(0.0, "any")) == Steer("down")
    ahead = arena(snake("right", (4, 4), (3, 4)), LOWER, food=((6, 4), (4, 1)))
    assert GAME.bot(ahead, 0, Moment(0.0, "any")) is None
    aside = arena(snake("right", (4, 4), (3, 4)), LOWER, food=((6, 6),))
    assert GAME.bot(aside, 0, Moment(0.0, "any")) is None, "no turn that gains nothing"


def test_a_bot_keeps_away_from_walls_dead_ends_and_heads() -> None:
    wall = arena(snake("right", (10, 4), (9, 4)), LOWER, food=())
    assert GAME.bot(wall, 0, Moment(0.0, "any")) in (Steer("up"), Steer("down"))
    corner = snake("up", (1, 2), (1, 3), (1, 4))
    pocket = arena(corner, snake("right", (4, 1), (3, 1), (2, 1)), food=((1, 1),))
    assert GAME.bot(pocket, 0, Moment(0.0, "any")) == Steer("right")
    rivals = (snake("right", (4, 4), (3, 4)), snake("left", (6, 4), (7, 4)))
    assert GAME.bot(arena(*rivals, food=((5, 4),)), 0, Moment(0.0, "any")) != Steer("right")
    assert GAME.bot(arena(*rivals, food=((5, 4),)), 0, Moment(0.0, "any")) is not None


def test_a_bot_does_not_act_with_a_planned_turn_or_when_dead() -> None:
    state = arena(snake("right", (10, 4), (9, 4)), LOWER, MIDDLE)
    assert GAME.bot(turned(state, 0, "up"), 0, Moment(0.0, "any")) is None
    assert GAME.bot(gone(state, 0), 0, Moment(0.0, "any")) is None


def test_a_bot_with_no_way_out_goes_straight_on() -> None:
    coil = snake("right", (1, 1), (1, 2), (2, 2), (2, 1), (3, 1))
    assert GAME.bot(arena(coil, LOWER), 0, Moment(0.0, "any")) is None


# Whole matches


def steps_of(seats: int, seed: int, bots: int) -> Iterator[Arena]:
    """The states of a match; bots play the first `bots` seats, and the others press any key,
    refused or not, and may leave."""
    chance = random.Random(seed)
    state = GAME.start(seats, Moment(0.0, f"{seed}"))
    yield state
    while GAME.outcome(state) is None:
        late = 0.5 if chance.random() < 0.02 else 0.0
        moment = Moment(GAME.due(state) + late, f"{seed} {state.tick}")
        for seat in GAME.waits_for(state):
            if seat < bots:
                turn = GAME.bot(state, seat, moment)
                if turn is not None:
                    state = GAME.act(state, seat, turn, moment)
        for _ in range(chance.randrange(3)):
            seat = chance.choice([-1, *range(bots, seats + 1)])
            with suppress(NotAllowed):
                state = GAME.act(state, seat, Steer(chance.choice(DIRECTIONS)), moment)
        if bots < seats and chance.random() < 0.01:
            state = GAME.player_gone(state, chance.randrange(bots, seats), moment)
            yield state
        if GAME.outcome(state) is None:
            state = GAME.tick(state, moment)
            yield state


def applied(view: View, diff: View) -> View:
    """The next view, computed as the page does."""
    snakes = []
    for seat, before in enumerate(view["snakes"]):
        after = dict(before)
        after["length"] = diff.get("lengths", {}).get(str(seat), before["length"])
        after["cells"] = [*diff["moves"][seat], *before["cells"]][: after["length"]]
        if str(seat) in diff.get("died", {}):
            after |= {"died": diff["died"][str(seat)], "cells": []}
        snakes.append(after if "died" not in before else before)
    told = {key: diff[key] for key in diff.keys() - {"moves", "lengths", "died"}}
    return view | told | {"snakes": snakes}


def as_json(value: View) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value, enc_hook=float))


MATCHES = [(2, 2), (4, 4), (4, 1), (3, 2), (8, 5), (16, 1)]
"""Number of seats, and how many of them bots play."""


@settings(max_examples=7)
@given(st.sampled_from(MATCHES), st.integers(0, 1000))
def test_the_board_equals_snakes_and_food_in_every_step_to_the_end(
    match: tuple[int, int], seed: int
) -> None:
    seats, bots = match
    state = None
    for state in steps_of(seats, seed, bots):
        assert state.board == board_of(state, len(state.board) // state.width)
        for each in state.snakes:
            assert len(each.cells) == (each.length if each.died is None else 0)
            assert len(each.turns) <= 2
    assert state is not None
    assert state.tick <= LAST_TICK
    outcome = GAME.outcome(state)
    assert outcome is not None
    assert outcome.scores is not None
    assert len(outcome.scores) == seats


@settings(max_examples=4)
@given(st.sampled_from(MATCHES), st.integers(0, 1000))
def test_every_state_survives_being_stored(match: tuple[int, int], seed: int) -> None:
    seats, bots = match
    for state in steps_of(seats, seed, bots):
        kept = msgspec.json.encode(state)
        again = msgspec.json.decode(kept, type=Arena)
        assert again == state
        if GAME.outcome(state) is None:
            assert ticked(again) == ticked(state)
        assert msgspec.json.encode(state) == kept, "the given state is not touched"


@settings(max_examples=7)
@given(st.sampled_from(MATCHES), st.integers(0, 1000), st.integers(1, 40))
def test_a_view_and_a_diff_make_the_next_view_with_and_without_skipped_steps(
    match: tuple[int, int], seed: int, stride: int
) -> None:
    seats, bots = match
    before = None
    for number, state in enumerate(steps_of(seats, seed, bots)):
        if number % stride and GAME.outcome(state) is None:
            continue
        after = GAME.view(state, None)
        if before is not None:
            diff = GAME.diff(before, after)
            assert applied(as_json(before), as_json(diff)) == as_json(after)
        before = after


def test_a_diff_of_four_snakes_takes_some_sixty_bytes() -> None:
    state = GAME.start(4, Moment(0.0, "any"))
    before, after = (GAME.view(each, None) for each in (state, ticked(state)))
    diff = GAME.diff(before, after)
    assert set(diff) == {"tick", "moves"}
    assert len(msgspec.json.encode(diff)) < 60


@settings(max_examples=4)
@given(st.integers(0, 1000))
def test_a_bot_acts_legally_and_dies_of_heads_and_dead_ends_only(
    seed: int,
) -> None:
    before = None
    for state in steps_of(4, seed, bots=4):
        for seat in dead(state):
            if before is None or before.snakes[seat].died is not None:
                continue
            head, *_ = places(before, seat)
            ways = [head[0] + y * before.width for y in (head[1] - 1, head[1] + 1)]
            ways += [x + head[1] * before.width for x in (head[0] - 1, head[0] + 1)]
            rivals = [places(before, each)[0] for each in GAME.waits_for(before) if each != seat]
            is_met = any(abs(x - head[0]) + abs(y - head[1]) <= 2 for x, y in rivals)
            assert is_met or all(before.board[cell] > FOOD for cell in ways)
        before = state
