"""A topic: who watches it, which version each watcher has, and how changes reach them.

A watcher's versions are consecutive, or it is sent a whole. A connection that is behind (its peer
has not taken what it was sent) is sent nothing, loses its place, and is owed a whole, which it gets
once it has caught up.

Changes are taken from the topic when they are due, encoded once for each key, and sent in slices,
between which the loop does other work. After a fan-out that took long, the next one waits, so that
a topic takes no more than a share of the loop's time.

The few whom a topic names as its first are not kept waiting by the many: they are sent each change
when it is due, also while a fan-out goes on. What they have been sent waits for the others.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from server.realtime.connection import Connection
from server.realtime.limits import Limits

KeyT = TypeVar("KeyT")


class Topic(ABC, Generic[KeyT]):
    """Something that connections watch. A subclass says what there is to send.

    Watchers with the same key are sent the same. `version` grows by one with every message.
    """

    fastest = 0.0
    """Seconds between two fan-outs, at the least."""

    def __init__(self, time: Callable[[], float], limits: Limits, key: KeyT) -> None:
        """`time`: the loop's, in seconds. `key`: that of all watchers but the first."""
        self.version = 0
        self.key = key
        self._time = time
        self._limits = limits
        # The version and the key that each watcher has; None: it is owed a whole.
        self._watchers: dict[Connection, tuple[int, KeyT] | None] = {}
        self._owes_first = self._owes_others = False
        # The keys for which changes were last taken.
        self._keys: set[KeyT] = set()
        # The changes that the others have not been sent, and the version before them.
        self._waiting: list[Mapping[KeyT, str]] = []
        self._version_sent = 0
        # What is left of a fan-out that has begun, and the seconds that it took so far.
        self._fan_out: Iterator[None] | None = None
        self._next_slice: asyncio.Handle | None = None
        self._spent = 0.0
        self._is_large = False
        self._not_before = 0.0
        # The next call of `_tell`, and its instant.
        self._handle: asyncio.Handle | None = None
        self._tells_at = 0.0
        self._has_ended = False

    # What a subclass says

    @abstractmethod
    def next_due(self) -> float | None:
        """The instant, by `time`, at which there is something to send; None: nothing changed."""

    @abstractmethod
    def take(self, now: float, keys: Collection[KeyT]) -> list[Mapping[KeyT, str]]:
        """The changes that are due at `now`, as messages, and `version` raised by their number.
        Each has a text for every key in `keys`; a watcher whose key has none is sent a whole."""

    @abstractmethod
    def whole(self, key: KeyT) -> str:
        """The message with everything, as of `version`."""

    def first(self) -> Mapping[Connection, KeyT]:
        """The watchers that are sent changes outside the pace, with the key of each. Few."""
        return {}

    # Watchers

    @property
    def watchers(self) -> Collection[Connection]:
        """The connections that watch this topic."""
        return self._watchers.keys()

    def watch(self, connection: Connection) -> None:
        """Send a whole, at once or with the changes that are due, and every change after it."""
        if connection not in self._watchers:
            connection.topics += (self,)
        self._watchers[connection] = None
        due = self.next_due()
        if due is None or due > self._time():
            self.repair(connection)

    def unwatch(self, connection: Connection) -> bool:
        """Send nothing more; False if it did not watch."""
        if connection not in self._watchers:
            return False
        del self._watchers[connection]
        connection.topics = tuple(each for each in connection.topics if each is not self)
        return True

    def forget(self, connection: Connection, has_left: bool | None) -> None:
        """A connection is gone; `has_left` as in `Tabs.detach`."""
        self.unwatch(connection)

    def caught_up(self, connection: Connection) -> None:
        """A connection that was behind takes messages again: send what it has missed."""
        place = self._watchers[connection]
        if place is None or place[0] < self.version:
            self.repair(connection)

    def repair(self, connection: Connection) -> None:
        """Send a whole to a watcher that is owed one."""
        key = self.first().get(connection, self.key)
        self._send_whole(connection, key, self.whole(key))

    def owe(self, connection: Connection) -> None:
        """Send a whole to a watcher with the next fan-out, which begins when the loop has heard
        what there is to hear now."""
        self._watchers[connection] = None
        if connection in self.first():
            self._owes_first = True
        else:
            self._owes_others = True
        self.changed()

    # Changes

    def changed(self) -> None:
        """Have what `next_due` tells of sent when it is due."""
        at = self._next_at()
        if at is None or self._has_ended:
            return
        if self._handle is not None:
            if self._tells_at <= at:
                return
            self._handle.cancel()
        self._tells_at = at
        loop = asyncio.get_running_loop()
        delay = at - self._time()
        if delay > 0:
            self._handle = loop.call_later(delay, self._tell)
        else:
            self._handle = loop.call_soon(self._tell)

    def _next_at(self) -> float | None:
        """The instant of the next `_tell`; None: there is nothing to send, or a fan-out goes on,
        after whose end there may be."""
        now, due = self._time(), self.next_due()
        at = None
        if self._fan_out is None:
            at = now if self._owes_others or self._waiting else due
            at = None if at is None else max(at, self._not_before)
        if self._owes_first or (due is not None and self.first()):
            first_at = now if self._owes_first or due is None else due
            at = first_at if at is None else min(at, first_at)
        return at

    def close(self) -> None:
        """Send nothing more: cancel the timers and what is left of a fan-out."""
        for handle in (self._handle, self._next_slice):
            if handle is not None:
                handle.cancel()
        self._handle = self._next_slice = None
        self._fan_out = None

    def end(self, text: str) -> None:
        """Send `text` to all watchers, as the last message of this topic."""
        self.close()
        self._has_ended = True
        self._begin(self._send_last(text))

    def _tell(self) -> None:
        """Take the changes that are due. Send them to the first, and to the others as well unless
        they are to wait."""
        self._handle = None
        first = self.first()
        others_wait = self._fan_out is not None or self._time() < self._not_before
        if others_wait and not first:
            self._owes_first = False  # they have gone
            self.changed()
            return
        has_others = len(first) < len(self._watchers)
        self._keys = {*first.values(), self.key} if has_others else set(first.values())
        before = self.version
        changes = self.take(self._time(), self._keys)
        if self._has_ended:
            return
        self._owes_first = False
        for _ in self._send_changes(first.items(), before, changes):
            pass  # they are few
        if not self._waiting:
            self._version_sent = before
        self._waiting += changes
        if len(self._waiting) > self._limits.waiting_changes:
            self._waiting = [{}]  # a whole for everybody
        if others_wait:
            self.changed()
            return
        self._owes_others = False
        waiting, self._waiting = self._waiting, []
        others = [(each, self.key) for each in self._watchers if each not in first]
        self._begin(self._send_changes(others, self._version_sent, waiting))

    def _begin(self, fan_out: Iterator[None]) -> None:
        self._fan_out = fan_out
        self._spent = 0.0
        self._is_large = False
        self._go_on()

    def _go_on(self) -> None:
        """Send for at most a slice, and have the loop come back for the rest."""
        self._next_slice = None
        assert self._fan_out is not None
        began = self._time()
        for _ in self._fan_out:
            self._is_large = True
            if self._time() - began > self._limits.slice:
                self._spent += self._time() - began
                self._next_slice = asyncio.get_running_loop().call_soon(self._go_on)
                return
        self._fan_out = None
        now = self._time()
        pause = 0.0
        if self._is_large:  # else it took no time, whatever else this machine did meanwhile
            pause = (self._spent + now - began) / self._limits.fan_out_share
        self._not_before = now + max(min(pause, self._limits.slowest_pace), self.fastest)
        self.changed()

    def _send_changes(
        self,
        watchers: Iterable[tuple[Connection, KeyT]],
        before: int,
        changes: list[Mapping[KeyT, str]],
    ) -> Iterator[None]:
        """Send each watcher the changes, or a whole. Yields before more than a few."""
        version = self.version
        at_once = self._limits.watchers_at_once
        plans: dict[KeyT, _Plan[KeyT]] = {}
        for number, (connection, key) in enumerate(watchers):
            if number and number % at_once == 0:
                yield
            plan = plans.get(key)
            if plan is None:
                plan = plans[key] = _Plan(key, version, changes)
            place = self._watchers.get(connection, plan.after)
            if place == plan.after or (place is not None and place[0] > version):
                pass  # it watches no more, or has had all of this
            elif connection.is_behind:
                self._watchers[connection] = None
            elif place is None or place[1] != key or place[0] < before or plan.texts is None:
                self._send_latest(connection, plan, key)
            elif len(plan.texts) == 1:
                # First: a message that is one too many ends the watching.
                self._watchers[connection] = plan.after
                connection.send(plan.texts[0])
            else:
                self._send_several(connection, key, place[0], plan.texts[place[0] - before :])

    def _send_several(
        self, connection: Connection, key: KeyT, before: int, texts: list[str]
    ) -> None:
        for version, text in enumerate(texts, before + 1):
            if connection not in self._watchers:
                return
            if connection.is_behind:
                self._watchers[connection] = None
                return
            self._watchers[connection] = version, key
            connection.send(text)

    def _send_latest(self, connection: Connection, plan: "_Plan[KeyT]", key: KeyT) -> None:
        """Send a whole of the present version, which may be later than that of the fan-out."""
        if key not in self._keys:
            self.owe(connection)  # what its key may see has not been taken
            return
        if plan.whole is None or plan.whole_version != self.version:
            plan.whole, plan.whole_version = self.whole(key), self.version
        self._send_whole(connection, key, plan.whole)

    def _send_whole(self, connection: Connection, key: KeyT, text: str) -> None:
        self._watchers[connection] = self.version, key
        connection.send(text)

    def _send_last(self, text: str) -> Iterator[None]:
        at_once = self._limits.watchers_at_once
        for number, connection in enumerate(list(self._watchers)):
            if number and number % at_once == 0:
                yield
            if self.unwatch(connection):
                connection.send(text)


class _Plan(Generic[KeyT]):
    """What one fan-out sends to the watchers with one key."""

    __slots__ = ("after", "texts", "whole", "whole_version")

    def __init__(self, key: KeyT, after: int, changes: list[Mapping[KeyT, str]]) -> None:
        self.after = (after, key)
        # None: there is one without a text for this key.
        self.texts: list[str] | None = None
        if all(key in change for change in changes):
            self.texts = [change[key] for change in changes]
        # Encoded when the first one is sent it.
        self.whole: str | None = None
        self.whole_version = after
