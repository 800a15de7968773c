"""When what is new of a room is written: at once, or later where it would be too often, or more
than an address may have written."""

from collections.abc import Callable

from server.base.ids import PlayerId, RoomId
from server.base.units import LONG_AGO
from server.budget.budget import Budget


class Pace:
    """Rooms with something new, which is due or waits.

    What is new waits until `interval` seconds after the room was written; what is urgent only if
    the room was written so often for that already: `burst` times, and once in an interval since.
    Either waits as long as the networks of the player who caused it have had too much written; in
    the order in which they came. Nothing is refused. Instants are presence time.
    """

    def __init__(
        self, interval: float, burst: int, size_of: Callable[[RoomId], int], budget: Budget
    ) -> None:
        """`size_of` returns the bytes that it takes to write a room."""
        self._interval = interval
        self._ahead = (burst - 1) * interval
        self._size_of = size_of
        self._budget = budget
        self._due: dict[RoomId, None] = {}
        # When those that wait are due, and who causes it.
        self._later: dict[RoomId, tuple[float, PlayerId]] = {}
        # Whether some wait for their address: then all that is new gets in line behind them.
        self._is_behind = False
        self._written_at: dict[RoomId, float] = {}
        # Until when it would take to write a room as often as it was, once in an interval.
        self._used_until: dict[RoomId, float] = {}

    @property
    def has_waiting(self) -> bool:
        """True if some are not due yet."""
        return bool(self._later)

    def note(self, id: RoomId, by: PlayerId, now: float) -> bool:
        """Something is new. Return True if the room is due and was not before, as all of these
        methods do."""
        return self._note(id, by, now, self._rests_until(id))

    def note_urgent(self, id: RoomId, by: PlayerId, now: float) -> bool:
        """Something urgent is new."""
        is_rare = self._used_until.get(id, now) <= now + self._ahead
        return self._note(id, by, now, now if is_rare else self._rests_until(id))

    def note_at_once(self, id: RoomId, by: PlayerId, now: float) -> bool:
        """Something is new that is to be written however often that happens."""
        return self._note(id, by, now, now)

    def note_now(self, id: RoomId, by: PlayerId, now: float) -> bool:
        """Something is new that is to be written whatever else was."""
        return id not in self._due and self._make_due(id, by, now)

    def look(self, now: float) -> int:
        """Make due what has waited long enough; return the number of rooms."""
        number = 0
        waiting: set[PlayerId] = set()
        for id, (at, by) in list(self._later.items()):
            if at > now or by in waiting:
                continue
            if self._budget.wait_to_write(by, now):
                waiting.add(by)
            else:
                number += self._make_due(id, by, now)
        self._is_behind = bool(waiting)
        return number

    def hurry(self, now: float) -> int:
        """Make due all that waits; return the number of rooms."""
        return sum(self._make_due(id, by, now) for id, (_, by) in list(self._later.items()))

    def take(self, now: float) -> list[RoomId]:
        """Take what is due, to be written now."""
        due, self._due = list(self._due), {}
        self._written_at.update(dict.fromkeys(due, now))
        return due

    def forget(self, id: RoomId) -> None:
        """A room is closed."""
        for each in (self._due, self._later, self._written_at, self._used_until):
            each.pop(id, None)

    def _rests_until(self, id: RoomId) -> float:
        return self._written_at.get(id, LONG_AGO) + self._interval

    def _note(self, id: RoomId, by: PlayerId, now: float, at: float) -> bool:
        if id in self._due:
            return False
        wait = self._budget.wait_to_write(by, now)
        self._is_behind = self._is_behind or wait > 0
        if at <= now and not self._is_behind:
            return self._make_due(id, by, now)
        first = self._later.get(id)
        if first is not None:
            at = min(at, first[0])
            # Who has had less written is not held up by the other.
            if self._budget.wait_to_write(first[1], now) <= wait:
                by = first[1]
        self._later[id] = at, by
        return False

    def _make_due(self, id: RoomId, by: PlayerId, now: float) -> bool:
        self._later.pop(id, None)
        self._due[id] = None
        used_until = min(max(self._used_until.get(id, now), now), now + self._ahead)
        self._used_until[id] = used_until + self._interval
        self._budget.charge_writing(by, self._size_of(id), now)
        return True
