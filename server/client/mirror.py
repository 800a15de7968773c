"""A copy of a topic, kept up to date version by version."""

from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar


class Versioned(Protocol):
    """Every message about a topic."""

    @property
    def version(self) -> int: ...


Whole = TypeVar("Whole", bound=Versioned)
Change = TypeVar("Change", bound=Versioned)


class Mirror(ABC, Generic[Whole, Change]):
    """Starts with a message that has everything, and follows those that say what changed since the
    version before. One that is missing makes it wait for everything again."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.version = 0
        self.is_current = False
        """False before the first whole message, after a lost connection, and after a gap: what is
        here was true once."""

    def expect_whole(self) -> None:
        """There is a new connection, or the topic is watched anew."""
        self.is_current = False

    def replace(self, message: Whole) -> None:
        """Take everything anew."""
        self._replace(message)
        self.version = message.version
        self.is_current = True

    def apply(self, message: Change) -> bool:
        """Follow a change; returns False where one before it was missed, and the topic has to be
        watched again."""
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
