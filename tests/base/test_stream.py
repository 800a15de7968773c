"""One stream of events: every subscriber gets every event that it wants, in order, once."""

from server.base.ids import PlayerId, SessionId
from server.presence.events import DeadlineMovedUp, Event, EventStream, SessionSlept


def event(at: float) -> Event:
    return DeadlineMovedUp(SessionId("s"), PlayerId("p"), at)


def test_every_subscriber_hears_every_event_in_order() -> None:
    stream = EventStream(lambda error, event: None)
    heard: list[tuple[str, float]] = []
    stream.subscribe(lambda each: heard.append(("first", each.at)))
    stream.subscribe(lambda each: heard.append(("second", each.at)))
    stream.publish([event(1), event(2)])
    assert heard == [("first", 1), ("second", 1), ("first", 2), ("second", 2)]


def test_a_subscriber_hears_the_types_that_its_parameter_names() -> None:
    stream = EventStream(lambda error, event: None)
    heard: list[tuple[str, type]] = []

    def one(each: SessionSlept) -> None:
        heard.append(("one", type(each)))

    class Two:
        def hear(self, each: SessionSlept | DeadlineMovedUp) -> None:
            heard.append(("two", type(each)))

    slept = SessionSlept(SessionId("s"), PlayerId("p"), 1.0)
    stream.subscribe(one)
    stream.publish([slept, event(1)])
    stream.subscribe(Two().hear)  # after the first events of both types
    stream.publish([slept, event(1)])
    one_, two = ("one", SessionSlept), ("two", SessionSlept)
    assert heard == [one_, one_, two, ("two", DeadlineMovedUp)]


def test_every_subscriber_hears_a_cause_before_its_effect() -> None:
    stream = EventStream(lambda error, event: None)
    heard: list[float] = []

    def react(each: Event) -> None:
        if each.at == 1:
            stream.publish([event(10)])

    stream.subscribe(react)
    stream.subscribe(lambda each: heard.append(each.at))
    stream.publish([event(1), event(2)])
    assert heard == [1, 2, 10]


def test_a_failing_subscriber_does_not_stop_the_others() -> None:
    errors: list[tuple[str, float]] = []
    stream = EventStream(lambda error, each: errors.append((str(error), each.at)))
    heard: list[float] = []

    def fail(each: Event) -> None:
        raise ValueError("a bug")

    stream.subscribe(fail)
    stream.subscribe(lambda each: heard.append(each.at))
    stream.publish([event(1)])
    stream.publish([event(2)])
    assert heard == [1, 2]
    assert errors == [("a bug", 1), ("a bug", 2)]
