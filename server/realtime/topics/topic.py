"""A topic: its watchers, the version each of them has, and the fan-out of changes.

Each watcher gets consecutive versions, or a snapshot (`whole`). A connection that is behind (its
peer has not taken all that was sent) is sent nothing, loses its place, and gets a snapshot once it
has caught up.

Changes are taken from the topic when they are due, encoded once a key, and sent in slices, between
which the loop does other work. After a long fan-out the next one waits, so that all topics together
take no more than a share of the loop's time (`fan_outs.py`). If no change follows for a moment,
nothing is gained by waiting for more: then one fan-out may be ahead of this pace, and the next
makes up for it.

A snapshot is paid for from the allowances of its watcher (`wholes.py`), and in some topics the
changes too. A watcher for whom these are spent has no place until it may be sent a snapshot.

The few `first` watchers of a topic do not wait for the many: they are sent each change when it is
due, even during a fan-out to the others, for whom these changes then wait.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from server.base.text import utf8_size
from server.realtime.connection import Connection
from server.realtime.limits import Limits
from server.realtime.topics.fan_outs import FanOuts
from server.realtime.topics.wholes import Purse, Wholes

KeyT = TypeVar("KeyT")


class Common:
    """What all topics share."""

    def __init__(self, time: Callable[[], float], limits: Limits) -> None:
        """`time`: the loop's, in seconds."""
        self.time = time
        self.limits = limits
        self.wholes = Wholes(time, limits)
        self.fan_outs = FanOuts(time, limits)

    def close(self) -> None:
        """Cancel what is still to be sent, once no topic sends more."""
        self.wholes.close()
        self.fan_outs.close()


class Topic(ABC, Generic[KeyT]):
    """What connections can watch. Subclasses define what is sent.

    Watchers with the same key are sent the same. `version` grows by one with every message.
    """

    fastest = 0.0
    """The least seconds between two fan-outs."""

    charges_changes = False
    """Whether watchers other than `first` pay for changes, and not for snapshots only."""

    def __init__(self, common: "Common", key: KeyT) -> None:
        """`key`: that of all watchers except `first`."""
        self.version = 0
        self.key = key
        self._time = common.time
        self._limits = common.limits
        self._wholes = common.wholes
        self._fan_outs = common.fan_outs
        # The version and key that each watcher has; None: it is owed a snapshot.
        self._watchers: dict[Connection, tuple[int, KeyT] | None] = {}
        self._owes_first = self._owes_others = False
        # The keys for which changes were last taken.
        self._keys: set[KeyT] = set()
        # The changes not yet sent to the others, and the version before them.
        self._waiting: list[Mapping[KeyT, str]] = []
        self._version_sent = 0
        # The rest of a running fan-out, and the seconds it took so far.
        self._fan_out: Iterator[None] | None = None
        self._spent = 0.0
        self._is_large = False
        # The pace: the next fan-out is due at `_not_before`, or if it is quiet, from `_early_from`
        # on. `_paced_at`: when it would be due if the pace had no slowest.
        self._not_before = self._early_from = self._paced_at = 0.0
        self._changed_at = 0.0
        # The next call of `_tell`, and its instant.
        self._handle: asyncio.Handle | None = None
        self._tells_at = 0.0
        self._has_ended = False

    # For subclasses to define

    @abstractmethod
    def next_due(self) -> float | None:
        """Return the instant, by `time`, at which there is something to send; None for nothing."""

    @abstractmethod
    def take(self, now: float, keys: Collection[KeyT]) -> list[Mapping[KeyT, str]]:
        """Return the changes that are due at `now`, as messages, after adding their number to
        `version`. Each has a text for every key in `keys`; watchers with another key are sent a
        snapshot."""

    @abstractmethod
    def whole(self, key: KeyT) -> str:
        """Return the snapshot: the message with everything, as of `version`."""

    def first(self) -> Mapping[Connection, KeyT]:
        """Return the watchers, few, that are sent changes outside the pace, with their keys."""
        return {}

    def purse_of(self, connection: Connection) -> Purse:
        """Return the purse from which a watcher pays for what it is sent."""
        return self._wholes.lists

    # Watchers

    @property
    def watchers(self) -> Collection[Connection]:
        """The connections that watch this topic."""
        return self._watchers.keys()

    def watch(self, connection: Connection) -> None:
        """Send a snapshot, at once, with the changes that are due, or when the player is allowed
        it, and every change after it."""
        if connection not in self._watchers:
            connection.topics += (self,)
        self._watchers[connection] = None
        due = self.next_due()
        if due is None or due > self._time():
            self.repair(connection)

    def unwatch(self, connection: Connection) -> bool:
        """Send nothing more; return False if the connection did not watch."""
        if connection not in self._watchers:
            return False
        del self._watchers[connection]
        self._wholes.forget(self, connection)
        connection.topics = tuple(each for each in connection.topics if each is not self)
        return True

    def forget(self, connection: Connection, has_left: bool | None) -> None:
        """A connection closed; `has_left` as in `Tabs.detach`."""
        self.unwatch(connection)

    def caught_up(self, connection: Connection) -> None:
        """A connection that was behind has caught up: send what it missed."""
        place = self._watchers[connection]
        if place is None or place[0] < self.version:
            self._watchers[connection] = None
            self.repair(connection)

    def repair(self, connection: Connection) -> None:
        """Send a snapshot to a watcher that is owed one, if it may be sent one now."""
        if self._wholes.may_send(self, connection):
            key = self.first().get(connection, self.key)
            text = self.whole(key)
            self._send_whole(connection, key, text, utf8_size(text))

    def resume(self, connection: Connection) -> None:
        """Send a snapshot to a watcher that was not allowed it before, if it is still owed one."""
        if self.is_owed(connection):
            self.repair(connection)

    def is_owed(self, connection: Connection) -> bool:
        """Return True if a watcher, who could take it, waits for a snapshot."""
        if self._has_ended or connection.is_behind or connection not in self._watchers:
            return False
        return self._watchers[connection] is None

    def owe(self, connection: Connection) -> None:
        """Send a snapshot to a watcher with the next fan-out, in the next turn of the loop."""
        self._watchers[connection] = None
        if connection in self.first():
            self._owes_first = True
        else:
            self._owes_others = True
        self._schedule()

    # Changes

    def changed(self) -> None:
        """Something changed: schedule a fan-out for when `next_due` says."""
        self._changed_at = self._time()
        self._schedule()

    def _schedule(self) -> None:
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
        """Return the instant of the next `_tell`; None if there is nothing to send, or if a fan-out
        is running, whose end schedules the next."""
        now, due = self._time(), self.next_due()
        at = None
        if self._fan_out is None:
            at = now if self._owes_others or self._waiting else due
            at = None if at is None else max(at, self._paced_until())
        if self._owes_first or (due is not None and self.first()):
            first_at = now if self._owes_first or due is None else due
            at = first_at if at is None else min(at, first_at)
        return at

    def _paced_until(self) -> float:
        """Return the instant from which the pace allows a fan-out, if nothing changes till then."""
        quiet_at = self._changed_at + self._limits.quiet
        return min(self._not_before, max(self._early_from, quiet_at))

    def close(self) -> None:
        """Cancel the timer and a running fan-out."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._fan_out = None

    def end(self, text: str) -> None:
        """Send `text` to all watchers, as the last message of this topic."""
        self.close()
        self._has_ended = True
        self._begin(self._send_last(text))

    def _tell(self) -> None:
        """Take the changes that are due. Send them to the first watchers; to the others unless
        these have to wait."""
        self._handle = None
        first = self.first()
        others_wait = self._fan_out is not None or self._time() < self._paced_until()
        if others_wait and not first:
            self._owes_first = False  # the first watchers are gone
            self._schedule()
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
            self._waiting = [{}]  # a snapshot for all
        if others_wait:
            self._schedule()
            return
        self._owes_others = False
        waiting, self._waiting = self._waiting, []
        others = [(each, self.key) for each in self._watchers if each not in first]
        self._begin(self._send_changes(others, self._version_sent, waiting, self.charges_changes))

    def _begin(self, fan_out: Iterator[None]) -> None:
        self._fan_out = fan_out
        self._spent = 0.0
        self._is_large = False
        self._fan_outs.run(self)

    def go_on(self, until: float) -> bool:
        """Send until a given instant, or somewhat longer; return True if all is sent."""
        fan_out = self._fan_out
        if fan_out is None:
            return True
        began = self._time()
        for _ in fan_out:
            self._is_large = True
            if self._time() > until:
                self._spent += self._time() - began
                return False
        self._fan_out = None
        now = self._time()
        pause = 0.0
        if self._is_large:  # a small one takes no time, unless the machine is busy
            pause = self._fan_outs.pause(self, self._spent + now - began)
        slowest = self._limits.slowest_pace
        # One that was early is made up for in full.
        self._early_from = max(now, self._paced_at)
        self._paced_at = self._early_from + max(min(pause, slowest), self.fastest)
        self._not_before = min(self._paced_at, now + slowest)
        self._schedule()
        return True

    def _send_changes(
        self,
        watchers: Iterable[tuple[Connection, KeyT]],
        before: int,
        changes: list[Mapping[KeyT, str]],
        is_charged: bool = False,
    ) -> Iterator[None]:
        """Send each watcher the changes, or a snapshot. Yields after every few watchers.
        `is_charged`: they pay for changes."""
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
                pass  # it no longer watches, or has all of this
            elif connection.is_behind:
                self._watchers[connection] = None
            elif is_charged and place is None and self._wholes.is_waiting(self, connection):
                pass  # it is sent a snapshot in its turn
            elif place is None or place[1] != key or place[0] < before or plan.texts is None:
                self._send_latest(connection, plan, key)
            elif is_charged and not self._may_tell(connection, plan, place[0] - before):
                self._watchers[connection] = None
            elif len(plan.texts) == 1:
                # First, as a peer that is too slow stops watching in `send`.
                self._watchers[connection] = plan.after
                connection.send(plan.texts[0])
            else:
                self._send_several(connection, key, place[0], plan.texts[place[0] - before :])

    def _may_tell(self, connection: Connection, plan: "_Plan[KeyT]", has: int) -> bool:
        """Charge the changes after those that a watcher has."""
        return self._wholes.may_tell(self, connection, plan.size_after(has))

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
        """Send a snapshot of the present version, which may be later than the fan-out's."""
        if not self._wholes.may_send(self, connection):
            self._watchers[connection] = None
            return
        if key not in self._keys:
            self.owe(connection)  # the changes for its key have not been taken
            return
        if plan.whole is None or plan.whole_version != self.version:
            plan.whole, plan.whole_version = self.whole(key), self.version
            plan.whole_size = utf8_size(plan.whole)
        self._send_whole(connection, key, plan.whole, plan.whole_size)

    def _send_whole(self, connection: Connection, key: KeyT, text: str, size: int) -> None:
        self._watchers[connection] = self.version, key
        self._wholes.charge(self, connection, size)
        connection.send(text)

    def _send_last(self, text: str) -> Iterator[None]:
        at_once = self._limits.watchers_at_once
        for number, connection in enumerate(list(self._watchers)):
            if number and number % at_once == 0:
                yield
            if self.unwatch(connection):
                connection.send(text)


class _Plan(Generic[KeyT]):
    """What a fan-out sends to the watchers with one key."""

    __slots__ = ("_size", "after", "texts", "whole", "whole_size", "whole_version")

    def __init__(self, key: KeyT, after: int, changes: list[Mapping[KeyT, str]]) -> None:
        self.after = (after, key)
        # None: a change has no text for this key.
        self.texts: list[str] | None = None
        if all(key in change for change in changes):
            self.texts = [change[key] for change in changes]
        # Each measured, or encoded, on first use.
        self._size: int | None = None
        self.whole: str | None = None
        self.whole_size = 0
        self.whole_version = after

    def size_after(self, has: int) -> int:
        """Return the bytes of all changes but the first `has`."""
        assert self.texts is not None
        if has:
            return sum(utf8_size(text) for text in self.texts[has:])
        if self._size is None:
            self._size = sum(utf8_size(text) for text in self.texts)
        return self._size
