"""All topics by name."""

from typing import Any, Protocol

from server.realtime.connection import Connection
from server.realtime.topics.topic import Topic


class Family(Protocol):
    """Topics whose names share a prefix, which is followed by an id."""

    def watch(self, connection: Connection, id: str, at: float) -> bool:
        """Watch the topic; return False if it does not exist. `at`: the presence instant of the
        request. Raises CommandRefused."""

    def unwatch(self, connection: Connection, id: str, at: float) -> bool:
        """Stop watching the topic; return False if it does not exist."""

    def close(self) -> None:
        """Cancel what is still to be sent."""


class Topics:
    """Finds the topic that a message names, and removes closed connections from all topics."""

    def __init__(self) -> None:
        self._topics: dict[str, Topic[Any]] = {}
        self._families: dict[str, Family] = {}

    def add(self, name: str, topic: Topic[Any]) -> None:
        """Register a topic."""
        self._topics[name] = topic

    def add_family(self, prefix: str, family: Family) -> None:
        """Register the topics named `prefix` and an id. `prefix` ends in a colon."""
        self._families[prefix] = family

    def watch(self, connection: Connection, name: str, at: float) -> bool:
        """Have `connection` watch a topic, as requested at the presence instant `at`; return False
        if there is no topic of that name. Raises CommandRefused."""
        topic = self._topics.get(name)
        if topic is not None:
            topic.watch(connection)
            return True
        family, id = self._family_of(name)
        return family is not None and family.watch(connection, id, at)

    def unwatch(self, connection: Connection, name: str, at: float) -> bool:
        """Stop watching a topic; return False if there is no topic of that name."""
        topic = self._topics.get(name)
        if topic is not None:
            topic.unwatch(connection)
            return True
        family, id = self._family_of(name)
        return family is not None and family.unwatch(connection, id, at)

    def caught_up(self, connection: Connection) -> None:
        """A connection that was behind has caught up: send what it missed."""
        for topic in connection.topics:
            topic.caught_up(connection)

    def forget(self, connection: Connection, has_left: bool | None) -> None:
        """A connection closed, and watches nothing more; `has_left` as in `Tabs.detach`."""
        for topic in connection.topics:
            topic.forget(connection, has_left)

    def close(self) -> None:
        """Cancel what is still to be sent, in all topics."""
        for topic in self._topics.values():
            topic.close()
        for family in self._families.values():
            family.close()

    def _family_of(self, name: str) -> tuple[Family | None, str]:
        prefix, colon, id = name.partition(":")
        return self._families.get(prefix + colon), id
