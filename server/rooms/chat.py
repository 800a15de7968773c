"""What is said in a room: the last lines, and no more than anybody can read."""

from collections import deque
from collections.abc import Iterable

import msgspec

from server.ids import PlayerId
from server.rooms.errors import Refused

LINES_KEPT = 50
LONGEST_LINE = 300
"""Characters."""

AT_ONCE, WITHIN = 5, 5.0
"""Lines that one player may say within so many seconds."""


class Line(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a player said; or, with a `notice`, what happened. `at` is a presence instant."""

    id: int
    at: float
    player_id: PlayerId | None = None
    name: str | None = None
    text: str | None = None
    notice: str | None = None
    seat: int | None = None


class Chat:
    """The last lines of a room, oldest first."""

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self._lines = deque(lines, LINES_KEPT)
        self._next = self._lines[-1].id + 1 if self._lines else 1
        self._said_by: dict[PlayerId, deque[float]] = {}

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(self._lines)

    def say(self, player_id: PlayerId, name: str, text: str, now: float) -> Line:
        """A player says something. Raises Refused."""
        text = " ".join(text.split())
        if not text or len(text) > LONGEST_LINE:
            raise Refused("invalid", f"A line of chat has 1 to {LONGEST_LINE} characters.")
        if len(self._said_by) >= LINES_KEPT:  # most of them have gone, or have been silent
            lately = self._said_by.items()
            self._said_by = {each: said for each, said in lately if now - said[-1] < WITHIN}
        said = self._said_by.setdefault(player_id, deque(maxlen=AT_ONCE))
        if len(said) == AT_ONCE and now - said[0] < WITHIN:
            raise Refused("too_much_chat", f"{AT_ONCE} lines in {WITHIN:g} seconds are enough.")
        said.append(now)
        return self._add(Line(self._next, now, player_id, name, text))

    def note(
        self, notice: str, now: float, name: str | None = None, seat: int | None = None
    ) -> Line:
        """The room itself tells what has happened."""
        return self._add(Line(self._next, now, name=name, notice=notice, seat=seat))

    def _add(self, line: Line) -> Line:
        self._lines.append(line)
        self._next += 1
        return line
