"""Games of the tests: as small as possible, with one policy each."""

from collections.abc import Collection
from typing import Any, TypeVar

import msgspec

from server.games.catalogue import AnyGame
from server.games.game import NEVER, Game, Moment, NotAllowed, Outcome, Seat, Until, View

GameT = TypeVar("GameT", bound=AnyGame)


def variant(base: type[GameT], **attributes: Any) -> GameT:
    """A game like `base` with other attributes."""
    made: GameT = type(base.__name__, (base,), attributes)()
    return made


class Table(msgspec.Struct, frozen=True):
    seats: int
    turn: int = 0
    moves: int = 0
    gone: tuple[int, ...] = ()
    winners: tuple[int, ...] | None = None
    back: tuple[int, ...] = ()


class Step(msgspec.Struct, frozen=True):
    """`wins`: the player wins and the match is over; `is_legal`: the rules allow it."""

    wins: bool = False
    is_legal: bool = True


class Turns(Game[Table, Step]):
    """In turn. Players who are away are skipped; the last one left has won."""

    name = "turns"
    state, action = Table, Step

    def start(self, seats: int, moment: Moment) -> Table:
        return Table(seats)

    def act(self, state: Table, seat: Seat, action: Step, moment: Moment) -> Table:
        if not action.is_legal or seat != state.turn:
            raise NotAllowed("It is not your turn, or not legal.")
        moved = msgspec.structs.replace(state, moves=state.moves + 1)
        return msgspec.structs.replace(moved, winners=(seat,)) if action.wins else _passed(moved)

    def view(self, state: Table, seat: Seat | None) -> View:
        assert seat is None or 0 <= seat < state.seats
        view: View = {"turn": state.turn, "moves": state.moves, "gone": list(state.gone)}
        return view if state.winners is None else view | {"winners": list(state.winners)}

    def waits_for(self, state: Table) -> Collection[Seat]:
        return (state.turn,)

    def outcome(self, state: Table) -> Outcome | None:
        left = tuple(seat for seat in range(state.seats) if seat not in state.gone)
        if state.winners is not None:
            return Outcome(state.winners)
        return Outcome(left, "alone") if len(left) < 2 else None

    def player_away(self, state: Table, seat: Seat, moment: Moment) -> Table:
        return _passed(state) if seat == state.turn else state

    def player_back(self, state: Table, seat: Seat, moment: Moment) -> Table:
        return msgspec.structs.replace(state, back=(*state.back, seat))

    def player_gone(self, state: Table, seat: Seat, moment: Moment) -> Table:
        gone = msgspec.structs.replace(state, gone=(*state.gone, seat))
        return _passed(gone) if seat == state.turn else gone

    def bot(self, state: Table, seat: Seat, moment: Moment) -> Step | None:
        return Step() if seat == state.turn else None


def _passed(state: Table) -> Table:
    """The same, with the turn at the next player who is not gone."""
    turn = state.turn
    for _ in range(state.seats):
        turn = (turn + 1) % state.seats
        if turn not in state.gone:
            break
    return msgspec.structs.replace(state, turn=turn)


class Round(msgspec.Struct, frozen=True):
    seats: int
    number: int = 0
    given: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()
    ends_at: float | None = None


class Give(msgspec.Struct, frozen=True):
    pass


ROUNDS = 5


class Together(Game[Round, Give]):
    """All players give something in each round, and the last one ends it."""

    name = "together"
    most = 4
    starts_when_full = False
    is_open = True
    state, action = Round, Give

    def start(self, seats: int, moment: Moment) -> Round:
        return Round(seats)

    def act(self, state: Round, seat: Seat, action: Give, moment: Moment) -> Round:
        if seat not in self.waits_for(state):
            raise NotAllowed("You have given already.")
        return self._next(msgspec.structs.replace(state, given=(*state.given, seat)))

    def view(self, state: Round, seat: Seat | None) -> View:
        view: View = {"number": state.number, "given": list(state.given)}
        return view if state.ends_at is None else view | {"ends_in": Until(state.ends_at)}

    def waits_for(self, state: Round) -> Collection[Seat]:
        out = (*state.given, *state.gone)
        return [seat for seat in range(state.seats) if seat not in out]

    def outcome(self, state: Round) -> Outcome | None:
        if state.number < ROUNDS and len(state.gone) < state.seats - 1:
            return None
        return Outcome(tuple(set(range(state.seats)) - set(state.gone)))

    def player_away(self, state: Round, seat: Seat, moment: Moment) -> Round:
        return self._next(msgspec.structs.replace(state, given=(*state.given, seat)))

    def player_gone(self, state: Round, seat: Seat, moment: Moment) -> Round:
        return self._next(msgspec.structs.replace(state, gone=(*state.gone, seat)))

    def bot(self, state: Round, seat: Seat, moment: Moment) -> Give | None:
        return Give()

    def _next(self, state: Round) -> Round:
        if self.waits_for(state) or state.number == ROUNDS:
            return state
        return msgspec.structs.replace(state, given=(), number=state.number + 1)


class Timed(Together):
    """The same, and a round ends by itself after three seconds."""

    name = "timed"

    def start(self, seats: int, moment: Moment) -> Round:
        return Round(seats, ends_at=moment.now + 3.0)

    def due(self, state: Round) -> float:
        return NEVER if state.ends_at is None else state.ends_at

    def tick(self, state: Round, moment: Moment) -> Round:
        number = min(state.number + 1, ROUNDS)
        return Round(state.seats, number, gone=state.gone, ends_at=moment.now + 3.0)


class Beat(msgspec.Struct, frozen=True):
    seats: int
    ticks: int = 0
    moved: int = 0
    gone: tuple[int, ...] = ()
    times: tuple[float, ...] = ()


class Ticking(Game[Beat, Step]):
    """Ten ticks a second; the match always waits for all players."""

    name = "ticking"
    most = 4
    starts_when_full = False
    is_open = True
    state, action = Beat, Step

    def start(self, seats: int, moment: Moment) -> Beat:
        return Beat(seats)

    def act(self, state: Beat, seat: Seat, action: Step, moment: Moment) -> Beat:
        if not action.is_legal:
            raise NotAllowed("Not legal.")
        return msgspec.structs.replace(state, moved=state.moved + 1)

    def view(self, state: Beat, seat: Seat | None) -> View:
        return {"ticks": state.ticks, "moved": state.moved}

    def diff(self, before: View, after: View) -> View | None:
        return {"plus": after["ticks"] - before["ticks"], "moved": after["moved"]}

    def waits_for(self, state: Beat) -> Collection[Seat]:
        return [seat for seat in range(state.seats) if seat not in state.gone]

    def outcome(self, state: Beat) -> Outcome | None:
        left = tuple(seat for seat in range(state.seats) if seat not in state.gone)
        return Outcome(left) if len(left) < 2 else None

    def due(self, state: Beat) -> float:
        return (state.ticks + 1) / 10

    def tick(self, state: Beat, moment: Moment) -> Beat:
        times = (*state.times, moment.now)[-20:]
        return msgspec.structs.replace(state, ticks=state.ticks + 1, times=times)

    def player_away(self, state: Beat, seat: Seat, moment: Moment) -> Beat:
        return state

    def player_gone(self, state: Beat, seat: Seat, moment: Moment) -> Beat:
        return msgspec.structs.replace(state, gone=(*state.gone, seat))

    def bot(self, state: Beat, seat: Seat, moment: Moment) -> Step | None:
        return Step() if state.ticks % 2 else None


class Hand(Turns):
    """Turns with a card in each hand that is hidden from the others."""

    name = "hand"

    def view(self, state: Table, seat: Seat | None) -> View:
        cards = {str(seat): f"card {seat}-{state.moves}"} if seat is not None else {}
        return super().view(state, seat) | {"cards": cards}


METHODS = (
    "start",
    "act",
    "tick",
    "view",
    "diff",
    "due",
    "waits_for",
    "outcome",
    "player_away",
    "player_back",
    "player_gone",
    "bot",
)
"""The methods in which a game may fail."""


class Bug(Exception):
    """The error of a faulty game."""


class Buggy(Ticking):
    """Raises in the method `at` once it is armed."""

    name = "buggy"
    least, most = 2, 2
    is_open = False
    at = ""
    is_armed = False

    def __getattribute__(self, name: str) -> Any:
        look = object.__getattribute__
        if name in METHODS and look(self, "is_armed") and name == look(self, "at"):
            return self.break_down
        return look(self, name)

    def break_down(self, *_: Any) -> Any:
        raise Bug(self.at)
