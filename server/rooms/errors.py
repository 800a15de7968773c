"""The errors of rooms.

RoomError
 +-- CommandRefused  the rules forbid it; `code` is for clients, `str()` for players
 +-- GameFailed      a game raised an exception; the room closes
"""


class RoomError(Exception):
    """Base of all errors of this package."""


class CommandRefused(RoomError):
    """A command was refused and changed nothing. docs/rooms.md lists the codes."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(detail)


class GameFailed(RoomError):
    """The game named `game` raised `__cause__`."""

    def __init__(self, game: str) -> None:
        self.game = game
        super().__init__(f"the game {game} failed")
