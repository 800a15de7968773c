"""What the server and a process of bots write to each other: lines of JSON."""

from typing import Any

import msgspec

from server.games.game import Level


class Question(msgspec.Struct, frozen=True):
    """What does a bot do? `game`: module and class, as in an entry point; `view`: what a player in
    the seat sees, as JSON; `now`: match time; `seconds`: how long it may think."""

    game: str
    seat: int
    level: Level
    view: msgspec.Raw
    now: float
    seconds: float


class Answer(msgspec.Struct, frozen=True):
    """`action`: None for nothing; `error`: what the game raised."""

    action: Any = None
    error: str | None = None
