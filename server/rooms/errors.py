"""What a room refuses, and a game that breaks down.

RoomError
 +-- Refused      somebody asked for what cannot be; `code` is for machines, `str()` for them
 +-- GameFailed   a game raised what it may not raise; the room closes
"""


class RoomError(Exception):
    """Base of all errors of this package."""


class Refused(RoomError):
    """Nothing has changed. The codes are listed in docs/rooms.md."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(detail)


class GameFailed(RoomError):
    """`game` is at fault; `__cause__` says how."""

    def __init__(self, game: str) -> None:
        self.game = game
        super().__init__(f"the game {game} failed")
