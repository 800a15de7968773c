"""What robots that think were asked, and what they answered."""

from typing import Any

from server.base.units import NEVER
from server.rooms.limits import Limits


class _Thought:
    """The robot acts between `earliest`, if it has an answer then, and `latest`. `as_of`: the
    number of changes of the match before the question; None: nobody was told it yet."""

    __slots__ = ("action", "as_of", "earliest", "is_answered", "latest")

    def __init__(self, earliest: float, latest: float) -> None:
        self.earliest = earliest
        self.latest = latest
        self.as_of: int | None = None
        self.is_answered = False
        self.action: Any = None


class Thoughts:
    """The questions of one match, at most one for each seat. Instants are presence time."""

    __slots__ = ("_by_seat", "_limits", "_thinking")

    def __init__(self, thinking: float, limits: Limits) -> None:
        """`thinking`: `Game.thinking`."""
        self._thinking = thinking
        self._limits = limits
        self._by_seat: dict[int, _Thought] = {}

    def ask(self, number: int, now: float) -> None:
        """Ask the robot of a seat, unless it has been asked."""
        if number not in self._by_seat:
            limits = self._limits
            latest = now + self._thinking + limits.bot_patience
            self._by_seat[number] = _Thought(now + limits.bot_after, latest)

    def keep(self, numbers: tuple[int, ...]) -> None:
        """Forget the questions of all seats but these."""
        for number in [each for each in self._by_seat if each not in numbers]:
            del self._by_seat[number]

    def take_asked(self, step: int) -> list[int]:
        """Return the seats with a question that nobody was told yet, as of `step`."""
        asked = [number for number, each in self._by_seat.items() if each.as_of is None]
        for number in asked:
            self._by_seat[number].as_of = step
        return asked

    def answer(self, number: int, step: int, action: Any) -> None:
        """A robot answers the question of that step; `action` is None if it failed. Ignored if
        it is not asked that any more."""
        thought = self._by_seat.get(number)
        if thought is not None and thought.as_of == step:
            thought.is_answered = True
            thought.action = action

    def next_due(self, now: float) -> float:
        """Return when the next robot may act, which may be over."""
        return min(
            (
                each.earliest if each.is_answered or now < each.earliest else each.latest
                for each in self._by_seat.values()
            ),
            default=NEVER,
        )

    def is_due(self, number: int, now: float) -> bool:
        """Return True if the robot of a seat, which was asked, acts now."""
        thought = self._by_seat[number]
        return now >= (thought.earliest if thought.is_answered else thought.latest)

    def take(self, number: int) -> Any:
        """Return what the robot of a seat does; None for nothing."""
        return self._by_seat.pop(number).action
