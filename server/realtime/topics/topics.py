"""All topics by name: what a connection can watch, and what it watches."""

from typing import Any, Protocol

from server.realtime.connection import Connection
from server.realtime.topics.topic import Topic


class Family(Protocol):
    """Topics whose names have the same beginning; what follows it is the id of one of them."""

    def watch(self, connection: Connection, id: str, at: float) -> bool:
        """`at`: the presence instant of the request. False if there is no such topic. Raises
        RequestRefused."""

    def unwatch(self, connection: Connection, id: str, at: float) -> bool:
        """False if there is no such topic."""

    def close(self) -> None:
        """Send nothing more."""


class Topics:
    """Finds the topic that a message names. A connection that is gone is forgotten here, by every
    topic, whatever kinds of topics there are."""

    def __init__(self) -> None:
        self._topics: dict[str, Topic[Any]] = {}
        self._families: dict[str, Family] = {}

    def add(self, name: str, topic: Topic[Any]) -> None:
        """Make `topic` known under its name."""
        self._topics[name] = topic

    def add_family(self, prefix: str, family: Family) -> None:
        """Make known the topics whose names are `prefix` and an id. `prefix` ends in a colon."""
        self._families[prefix] = family

    def watch(self, connection: Connection, name: str, at: float) -> bool:
        """Tell `connection`, which asked for it at the presence instant `at`, about a topic; False
        if there is none of that name. Raises RequestRefused."""
        topic = self._topics.get(name)
        if topic is not None:
            topic.watch(connection)
            return True
        family, id = self._family_of(name)
        return family is not None and family.watch(connection, id, at)

    def unwatch(self, connection: Connection, name: str, at: float) -> bool:
        """Tell `connection` no more about a topic; False if there is none of that name."""
        topic = self._topics.get(name)
        if topic is not None:
            topic.unwatch(connection)
            return True
        family, id = self._family_of(name)
        return family is not None and family.unwatch(connection, id, at)

    def caught_up(self, connection: Connection) -> None:
        """A connection that was behind takes messages again: send what it has missed."""
        for topic in connection.topics:
            topic.caught_up(connection)

    def forget(self, connection: Connection, has_left: bool | None) -> None:
        """A connection is gone, and watches nothing more; `has_left` as in `Tabs.detach`."""
        for topic in connection.topics:
            topic.forget(connection, has_left)

    def close(self) -> None:
        """Send nothing more, in any topic."""
        for topic in self._topics.values():
            topic.close()
        for family in self._families.values():
            family.close()

    def _family_of(self, name: str) -> tuple[Family | None, str]:
        prefix, colon, id = name.partition(":")
        return self._families.get(prefix + colon), id
