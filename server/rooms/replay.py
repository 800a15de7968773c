"""Replaying a match from its moves: the same states in the same order, random numbers included.
Used by `stillhere replay`.

A step (`calls.py`) is determined by its number, and a tick happens at the instant for which it was
due. So the moves with their steps are sufficient: every step that is no move is a tick.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from server.base.decoding import BROKEN
from server.games.catalogue import AnyGame
from server.games.game import Moment
from server.rooms import calls
from server.rooms.calls import moment_of
from server.rooms.match import Move
from server.rooms.view import in_seconds


class Moved(NamedTuple):
    """A state, and its instant in match seconds."""

    at: float
    state: Any


def replay(
    game: AnyGame, seed: str, seats: int, moves: Iterable[Move], steps: int | None = None
) -> Iterator[Moved]:
    """Yield the states of a match. `seed`: the match's; `seats`: the number of players; `moves`:
    all of them, in order; `steps`: the number of steps, by default up to the last move.

    Raises what the game raises if its rules differ from those of the match.
    """
    step, state = 0, None

    def tick() -> Moved:
        at = calls.due(game, state)
        return Moved(at, game.tick(state, moment_of(seed, step, at)))

    state = game.start(seats, moment_of(seed, step, 0.0))
    step = 1
    yield Moved(0.0, state)
    for move in moves:
        while step < move.step:
            ticked = tick()
            state, step = ticked.state, step + 1
            yield ticked
        state = _moved(game, state, move, moment_of(seed, step, move.at))
        step += 1
        yield Moved(move.at, state)
    while steps is not None and step < steps:
        ticked = tick()
        state, step = ticked.state, step + 1
        yield ticked


class NotReplayable(Exception):
    """A match cannot be replayed; `str()` says why."""


class _Played(msgspec.Struct):
    """What a replay needs of a finished match, as `GET /api/matches/{id}` answers it."""

    seed: str
    steps: int
    players: list[Any]
    moves: list[dict[str, Any]]
    next: str | None = None


def views_of(match: bytes, games: Mapping[str, AnyGame]) -> Iterator[str]:
    """Yield the states of a match as a spectator saw them, each as a line of JSON: `at`, its
    instant in match seconds, and `view`. `match` is the answer of `GET /api/matches/{id}`.

    Raises NotReplayable.
    """
    try:
        document = msgspec.json.decode(match)
    except BROKEN as error:
        raise NotReplayable(f"it is not JSON: {error}") from error
    name = document.get("game") if isinstance(document, dict) else None
    if not isinstance(name, str):
        raise NotReplayable("it is no match as GET /api/matches/{id} answers it: it names no game")
    if name not in games:
        raise NotReplayable(
            f"it is a match of {name!r}, which is not installed; there are: {', '.join(games)}"
        )
    game = games[name]
    try:
        played = msgspec.convert(document, _Played)
        moves = [move_of(each) for each in played.moves]
        if played.next is not None:
            raise NotReplayable(
                f"it has only some of the moves: add those of the answer with ?after={played.next}"
            )
    except (KeyError, msgspec.ValidationError) as error:
        raise NotReplayable(
            f"it is no match as GET /api/matches/{{id}} answers it: {error}"
        ) from error
    try:
        for moved in replay(game, played.seed, len(played.players), moves, played.steps):
            view = in_seconds(calls.view(game, moved.state, None), moved.at)
            yield msgspec.json.encode({"at": moved.at, "view": view}).decode()
    except Exception as error:
        detail = f"it was not played by these rules: {type(error).__name__}: {error}"
        raise NotReplayable(detail) from error


def move_of(document: dict[str, Any]) -> Move:
    """Convert a move from its form in docs/rooms.md. Raises KeyError for a missing field, and
    msgspec.ValidationError for a wrong one."""
    fields = {name: document[name] for name in ("step", "at", "seat")}
    if "action" in document:
        event = document.get("event")
        fields["action"] = document["action"]
        fields["by_bot"], fields["is_back"] = event == "bot", event == "back"
    else:
        fields["event"] = document["event"]
    return msgspec.convert(fields, Move)


def _moved(game: AnyGame, state: Any, move: Move, moment: Moment) -> Any:
    if move.event is not None:
        return calls.hook_of(game, move.event)(state, move.seat, moment)
    action: Any = msgspec.convert(move.action, game.action)
    return calls.act(game, state, move.seat, action, moment, is_back=move.is_back)
