"""What is said in a room: the last lines, and no more than anybody can read."""

import re
from collections import deque
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from server.base.ids import PlayerId
from server.base.text import code_of, find_unsafe, is_blank
from server.rooms.errors import Refused

K = TypeVar("K")

LINES_KEPT = 50
LONGEST_LINE = 300
"""Code points, without blanks around them."""

AT_ONCE, WITHIN = 5, 5.0
"""Lines that one player may say within so many seconds."""


COMINGS, WITHIN_COMINGS = 4, 30.0
"""Times within so many seconds that it is said of one player that they come, or go."""

_BREAKS = re.compile("[\t\n\v\f\r\x85\u2028\u2029]+")


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
        self._came: dict[str, deque[float]] = {}

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(self._lines)

    def say(self, player_id: PlayerId, name: str, text: str, now: float) -> Line:
        """Add what a player says, as typed but for blanks around it and breaks in it. Raises
        Refused: it is blank, too long, not safe to show, or too much."""
        text = _on_one_line(text)
        if is_blank(text) or len(text) > LONGEST_LINE:
            raise Refused("invalid", f"A line of chat has 1 to {LONGEST_LINE} characters.")
        if (unsafe := find_unsafe(text)) is not None:
            character, kind = unsafe
            detail = f"A line of chat cannot contain {kind} ({code_of(character)})."
            raise Refused("invalid", detail)
        if not _takes(self._said_by, player_id, AT_ONCE, WITHIN, now):
            raise Refused("too_much_chat", f"{AT_ONCE} lines in {WITHIN:g} seconds are enough.")
        return self._add(Line(self._next, now, player_id, name, text))

    def note(self, notice: str, now: float, name: str, seat: int) -> Line | None:
        """The room itself tells what has happened to a player; None: who only comes and goes is
        not worth all the lines."""
        if notice in ("joined", "left") and not _takes(
            self._came, name, COMINGS, WITHIN_COMINGS, now
        ):
            return None
        return self._add(Line(self._next, now, name=name, notice=notice, seat=seat))

    def _add(self, line: Line) -> Line:
        self._lines.append(line)
        self._next += 1
        return line


def _takes(times: dict[K, deque[float]], key: K, most: int, within: float, now: float) -> bool:
    """Whether that is one of at most `most` times within so many seconds; counted if so."""
    if len(times) >= LINES_KEPT:  # most of them have gone, or have been silent
        for each in [each for each, known in times.items() if now - known[-1] >= within]:
            del times[each]
    known = times.setdefault(key, deque(maxlen=most))
    if len(known) == most and now - known[0] < within:
        return False
    known.append(now)
    return True


def _on_one_line(text: str) -> str:
    """`text` without blanks around it; one space for line breaks and tabs, and blanks beside."""
    parts = (part.strip() for part in _BREAKS.split(text))
    return " ".join(part for part in parts if part)
