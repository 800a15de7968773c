"""The errors of rooms."""


class CommandRefused(Exception):
    """The rules forbid a command, which changed nothing. `code`, of those in docs/rooms.md, is for
    clients, `str()` for players."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(detail)


class GameFailed(Exception):
    """The game named `game` raised `__cause__`, or answered nonsense; the room closes."""

    def __init__(self, game: str) -> None:
        self.game = game
        super().__init__(f"the game {game} failed")
