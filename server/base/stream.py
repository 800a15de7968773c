"""The one way by which what happened reaches those who act on it."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

EventT = TypeVar("EventT")


class Stream(Generic[EventT]):
    """Hands every event to every subscriber, in the order in which the events happened.

    A subscriber may cause further facts: their events queue up behind the present one, so that
    nobody hears of an effect before its cause. A subscriber that raises is a bug: the others
    still hear the event, then the first error goes to `on_error`.
    """

    def __init__(self, on_error: Callable[[Exception, EventT], None]) -> None:
        self._on_error = on_error
        self._subscribers: list[Callable[[EventT], None]] = []
        self._queue: deque[EventT] = deque()
        self._is_publishing = False

    def subscribe(self, subscriber: Callable[[EventT], None]) -> None:
        """Have `subscriber` hear every event from now on, after those who subscribed before."""
        self._subscribers.append(subscriber)

    def publish(self, events: Iterable[EventT]) -> None:
        """Tell `events`. Returns when they are told, unless a publication is already under way."""
        self._queue.extend(events)
        if self._is_publishing:
            return
        self._is_publishing = True
        try:
            while self._queue:
                self._tell(self._queue.popleft())
        finally:
            self._is_publishing = False

    def _tell(self, event: EventT) -> None:
        for subscriber in self._subscribers:
            try:
                subscriber(event)
            except Exception as error:
                self._on_error(error, event)
