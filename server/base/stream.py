"""How events reach the parts that act on them."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

EventT = TypeVar("EventT")


class Stream(Generic[EventT]):
    """Hands every event to every subscriber, in the order in which the events happened.

    A subscriber may publish further events: they queue up behind the present one, so that no
    subscriber gets an effect before its cause. A subscriber that raises is a bug: the error goes to
    `on_error`, and the others still get the event.
    """

    def __init__(self, on_error: Callable[[Exception, EventT], None]) -> None:
        self._on_error = on_error
        self._subscribers: list[Callable[[EventT], None]] = []
        self._queue: deque[EventT] = deque()
        self._is_publishing = False

    @property
    def subscribers(self) -> tuple[Callable[[EventT], None], ...]:
        """In the order in which they are called."""
        return tuple(self._subscribers)

    def subscribe(self, subscriber: Callable[[EventT], None]) -> None:
        """Call `subscriber` with every event from now on, after those that subscribed before."""
        self._subscribers.append(subscriber)

    def publish(self, events: Iterable[EventT]) -> None:
        """Hand out `events`. Returns when that is done; at once where a publication is under way,
        which then hands them out."""
        self._queue.extend(events)
        if self._is_publishing:
            return
        self._is_publishing = True
        try:
            while self._queue:
                self._hand_out(self._queue.popleft())
        finally:
            self._is_publishing = False

    def _hand_out(self, event: EventT) -> None:
        for subscriber in self._subscribers:
            try:
                subscriber(event)
            except Exception as error:
                self._on_error(error, event)
