"""The chat of a room: its latest lines, and the limits on them."""

import re
from collections import deque
from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

from server.base.ids import PlayerId
from server.base.rates import MovingWindow
from server.base.text import code_of, find_unsafe, is_blank
from server.rooms.errors import CommandRefused
from server.rooms.limits import Limits

_BREAKS = re.compile("[\t\n\v\f\r\x85\u2028\u2029]+")

Notice: TypeAlias = Literal["joined", "left", "resigned", "skipped", "out", "bot"]
"""What happened to a player: they took or gave up a seat, left a match for good, or were silent."""

_Crowd: TypeAlias = Literal["spectators", "comers and goers"]


class Line(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A player's line, or with a `notice` the room's own. `at` is a presence instant."""

    id: int
    at: float
    player_id: PlayerId | None = None
    name: str | None = None
    text: str | None = None
    notice: Notice | None = None
    seat: int | None = None


class Chat:
    """The latest lines of a room, oldest first."""

    def __init__(self, limits: Limits, lines: Iterable[Line] = ()) -> None:
        self._limits = limits
        self._lines = deque(lines, limits.lines_kept)
        self._next = self._lines[-1].id + 1 if self._lines else 1
        self._said: MovingWindow[PlayerId] = MovingWindow(limits.lines, limits.counted_keys)
        self._arrivals: MovingWindow[str] = MovingWindow(limits.arrivals, limits.counted_keys)
        self._of_crowds: MovingWindow[_Crowd] = MovingWindow(limits.lines_of_spectators, 2)

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(self._lines)

    def place_of(self, line: Line) -> int:
        """Return a number below `lines_kept` that no other line has while this one is kept."""
        return line.id % self._limits.lines_kept

    def say(
        self, player_id: PlayerId, name: str, text: str, now: float, *, is_seated: bool = True
    ) -> Line:
        """Add a player's line, with surrounding blanks removed and line breaks replaced. Raises
        CommandRefused: invalid if it is blank, too long or not safe to show; too_much_chat, which
        those without a seat are told of each other's lines too."""
        limits = self._limits
        # First the length as typed: the rest takes time in proportion to it.
        is_short = len(text) <= limits.longest_typed * limits.line_length
        text = _on_one_line(text) if is_short else ""
        if is_blank(text) or len(text) > limits.line_length:
            raise CommandRefused(
                "invalid", f"A line of chat has 1 to {limits.line_length} characters."
            )
        if (unsafe := find_unsafe(text)) is not None:
            character, kind = unsafe
            detail = f"A line of chat cannot contain {kind} ({code_of(character)})."
            raise CommandRefused("invalid", detail)
        if self._said.wait(player_id, now):
            raise CommandRefused("too_much_chat", limits.lines.refusal("lines"))
        if not is_seated and not self._of_crowds.take("spectators", now):
            detail = limits.lines_of_spectators.refusal("lines of all who watch")
            raise CommandRefused("too_much_chat", detail)
        self._said.take(player_id, now)
        return self._add(Line(self._next, now, player_id, name, text))

    def note(self, notice: Notice, now: float, name: str, seat: int) -> Line | None:
        """Add the room's note of what happened to a player; return None if that player, or all of
        them together, joined or left too often."""
        if notice in ("joined", "left"):
            if self._arrivals.wait(name, now) or not self._of_crowds.take("comers and goers", now):
                return None
            self._arrivals.take(name, now)
        return self._add(Line(self._next, now, name=name, notice=notice, seat=seat))

    def _add(self, line: Line) -> Line:
        self._lines.append(line)
        self._next += 1
        return line


def _on_one_line(text: str) -> str:
    """Strip `text`; replace line breaks and tabs, with blanks beside them, by one space."""
    parts = (part.strip() for part in _BREAKS.split(text))
    return " ".join(part for part in parts if part)
