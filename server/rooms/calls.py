"""Calls of a game: the same in play (`match.py`) and in a replay (`replay.py`).

All raise what the game raises, and TypeError or ValueError for an answer that makes no sense.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from server.base.units import LONG_AGO
from server.games.catalogue import AnyGame
from server.games.game import Moment, Outcome, Seat, View
from server.rooms.seat import SeatState

Hook: TypeAlias = Literal["away", "back", "gone"]
"""The hooks for absent players, as moves name them."""

# Steps: each changes the state once


def moment_of(seed: str, step: int, at: float) -> Moment:
    """Return the moment of the step with this number, at the match instant `at`. Stored matches
    depend on how the number determines the random numbers."""
    return Moment(at, f"{seed}:{step}")


def act(
    game: AnyGame, state: Any, seat: Seat, action: Any, moment: Moment, *, is_back: bool
) -> Any:
    """Return the state after an action; `is_back`: with it the player is back."""
    if is_back:
        state = game.player_back(state, seat, moment)
    return game.act(state, seat, action, moment)


def hook_of(game: AnyGame, name: Hook) -> Callable[[Any, Seat, Moment], Any]:
    """Return the method for a hook. Raises KeyError for a move that names none."""
    return {"away": game.player_away, "back": game.player_back, "gone": game.player_gone}[name]


# Questions


def due(game: AnyGame, state: Any) -> float:
    """Return the match instant at which a tick is due; NEVER for none."""
    instant = float(game.due(state))
    if not instant > LONG_AGO:  # as NaN
        raise ValueError(f"a tick cannot be due at {instant}")
    return instant


def waits_for(game: AnyGame, state: Any, seats: Sequence[SeatState]) -> tuple[Seat, ...]:
    """Return those of `seats` that the game waits for, without players who are out of the match."""
    numbers = [number for number in game.waits_for(state) if seats[number].is_playing]
    if numbers and min(numbers) < 0:
        raise ValueError(f"there are no seats with negative numbers: {numbers}")
    return tuple(numbers)


def outcome(game: AnyGame, state: Any, seats: int) -> Outcome | None:
    """Return how the match of so many `seats` ended; None while it goes on."""
    answer = game.outcome(state)
    if answer is None:
        return None
    if not isinstance(answer, Outcome):
        raise TypeError(f"{answer!r} is no outcome")
    if any(seat not in range(seats) for seat in answer.winners):
        raise ValueError(f"{answer!r} has winners that are no seats")
    return answer


def is_out(game: AnyGame, state: Any, seat: Seat) -> bool:
    """Return True if the player of a seat has no part in the rest of the match."""
    return game.is_out(state, seat)


def view(game: AnyGame, state: Any, seat: Seat | None) -> View:
    """Return what the player of a seat may see; None: a spectator."""
    return _object(game.view(state, seat))


def diff(game: AnyGame, before: View, after: View) -> View | None:
    """Return the game's own diff of two views, if it has one."""
    answer = game.diff(before, after)
    return None if answer is None else _object(answer)


def bot(game: AnyGame, state: Any, seat: Seat, moment: Moment) -> Any:
    """Return the action of a bot, as JSON; None for nothing."""
    return msgspec.to_builtins(game.bot(state, seat, moment))


def _object(answer: View) -> View:
    if not isinstance(answer, dict):
        raise TypeError(f"{answer!r} is no object of JSON")
    return answer
