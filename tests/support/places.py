"""Places of clients."""

from server.accounts.place import Place

HERE = Place("here", ())
"""This machine itself, to which limits by address do not apply."""


class Anybody:
    """An `Asker` whom nothing is refused."""

    path: tuple[str, ...] = ("here", "anybody")

    def check(self) -> None: ...


ANYBODY = Anybody()

LIMITED = Place("there", ("there",))
