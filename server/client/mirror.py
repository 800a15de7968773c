"""A copy of a topic, updated version by version."""

from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar


class Versioned(Protocol):
    """A message about a topic."""

    @property
    def version(self) -> int: ...


Whole = TypeVar("Whole", bound=Versioned)
Change = TypeVar("Change", bound=Versioned)


class Mirror(ABC, Generic[Whole, Change]):
    """Starts with a snapshot, and applies messages with the changes since the version before. After
    a gap it waits for another snapshot."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.version = 0
        self.is_current = False
        """False before the first snapshot, after a lost connection, and after a gap: the content
        may be outdated."""

    def expect_whole(self) -> None:
        """A snapshot will follow: the connection is new, or the topic is watched again."""
        self.is_current = False

    def replace(self, message: Whole) -> None:
        """Replace everything by a snapshot."""
        self._replace(message)
        self.version = message.version
        self.is_current = True

    def apply(self, message: Change) -> bool:
        """Apply a change; return False if an earlier one was missed, and the topic must be watched
        again."""
        if not self.is_current:
            return True  # it is watched again already
        if message.version != self.version + 1:
            self.is_current = False
            return False
        self.version = message.version
        self._apply(message)
        return True

    @abstractmethod
    def _replace(self, message: Whole) -> None: ...

    @abstractmethod
    def _apply(self, message: Change) -> None: ...
