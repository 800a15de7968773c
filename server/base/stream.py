"""Delivery of events to subscribers."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar, get_args, get_type_hints

EventT = TypeVar("EventT")


class Stream(Generic[EventT]):
    """Calls subscribers with events, in the order in which the events happened: each with those of
    the types that its parameter is annotated with, or with all without an annotation.

    A subscriber may publish further events: they queue behind the present one, so that no
    subscriber gets an effect before its cause. An exception of a subscriber is a bug: it is passed
    to `on_error`, and the other subscribers still get the event.
    """

    def __init__(self, on_error: Callable[[Exception, EventT], None]) -> None:
        self._on_error = on_error
        self._subscribers: list[tuple[Callable[[Any], None], tuple[type, ...]]] = []
        # Those that want a type: most events have few.
        self._by_type: dict[type, list[Callable[[Any], None]]] = {}
        self._queue: deque[EventT] = deque()
        self._is_publishing = False

    def subscribe(self, subscriber: Callable[[Any], None]) -> None:
        """Call `subscriber` with the events that it wants from now on, after those that subscribed
        before."""
        self._subscribers.append((subscriber, _wanted_by(subscriber)))
        self._by_type.clear()

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
        kind = type(event)
        subscribers = self._by_type.get(kind)
        if subscribers is None:
            subscribers = self._by_type[kind] = [
                subscriber for subscriber, wanted in self._subscribers if issubclass(kind, wanted)
            ]
        for subscriber in subscribers:
            try:
                subscriber(event)
            except Exception as error:
                self._on_error(error, event)


def _wanted_by(subscriber: Callable[[Any], None]) -> tuple[type, ...]:
    """Return the types of a subscriber's parameter; `object` without an annotation."""
    hints = get_type_hints(subscriber)
    hints.pop("return", None)
    hint = next(iter(hints.values()), object)
    return get_args(hint) or (hint,)
