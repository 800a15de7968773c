"""Delivery of events to subscribers."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

EventT = TypeVar("EventT")


class Stream(Generic[EventT]):
    """Calls every subscriber with every event, in the order in which the events happened.

    A subscriber may publish further events: they queue behind the present one, so that no
    subscriber gets an effect before its cause. An exception of a subscriber is a bug: it is passed
    to `on_error`, and the other subscribers still get the event.
    """

    def __init__(self, on_error: Callable[[Exception, EventT], None]) -> None:
        self._on_error = on_error
        self._subscribers: list[Callable[[EventT], None]] = []
        self._queue: deque[EventT] = deque()
        self._is_publishing = False

    def subscribe(self, subscriber: Callable[[EventT], None]) -> None:
        """Call `subscriber` with every event from now on, after those that subscribed before."""
        self._subscribers.append(subscriber)

    def publish(self, events: Iterable[EventT]) -> None:
        """Deliver `events`. A call from within a subscriber only queues them: the outer call
        delivers."""
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
