"""The allowance of snapshots: how many bytes of them a player is sent.

A few bytes, or none from a peer that reads late, bring a snapshot of hundreds of kilobytes to any
of a player's connections. A player who has had too much of that waits: each connection is in a
queue, once for each topic, and is sent the state that is then the present one.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from server.base.ids import PlayerId
from server.base.rates import Debts
from server.realtime.connection import Connection
from server.realtime.limits import Limits

if TYPE_CHECKING:
    from server.realtime.topics.topic import Topic

_SOON = 0.001
"""The least seconds to wait: uvloop makes no time of less than half of that."""

_Queue: TypeAlias = dict[tuple["Topic[Any]", Connection], None]


class Wholes:
    """What players have been sent, and who waits. Shared by all topics."""

    def __init__(self, time: Callable[[], float], limits: Limits) -> None:
        """`time`: the loop's, in seconds."""
        self._time = time
        self._sent: Debts[PlayerId] = Debts(limits.wholes, limits.counted_keys)
        self._queues: dict[PlayerId, _Queue] = {}
        self._timers: dict[PlayerId, asyncio.TimerHandle] = {}

    def may_send(self, topic: "Topic[Any]", connection: Connection) -> bool:
        """Return True if a connection may be sent a snapshot of `topic` now. Otherwise it is
        queued, and `topic.resume` is called when it may."""
        id = connection.session.player.id
        wait = self._sent.wait(id, self._time())
        if not wait:
            return True
        queue = self._queues.get(id)
        if queue is None:
            queue = self._queues[id] = {}
            self._set_timer(id, wait)
        queue[topic, connection] = None
        return False

    def charge(self, connection: Connection, size: int) -> None:
        """A connection was sent a snapshot of `size` bytes."""
        self._sent.charge(connection.session.player.id, size, self._time())

    def forget(self, topic: "Topic[Any]", connection: Connection) -> None:
        """A connection no longer watches `topic`. Idempotent."""
        id = connection.session.player.id
        queue = self._queues.get(id)
        if queue is not None:
            queue.pop((topic, connection), None)
            if not queue:
                del self._queues[id]
                self._timers.pop(id).cancel()

    def close(self) -> None:
        """Cancel the timers."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._queues.clear()

    def _set_timer(self, id: PlayerId, wait: float) -> None:
        loop = asyncio.get_running_loop()
        self._timers[id] = loop.call_later(max(wait, _SOON), self._serve, id)

    def _serve(self, id: PlayerId) -> None:
        """Serve those who wait, in order, until the allowance is spent again. Some topics send in a
        later turn of the loop, and ask again then."""
        del self._timers[id]
        queue = self._queues.pop(id)
        wait = 0.0
        while queue and not wait:
            topic, connection = next(iter(queue))
            del queue[topic, connection]
            topic.resume(connection)
            wait = self._sent.wait(id, self._time())
        if queue:
            # Before those who came to wait meanwhile.
            later = self._queues.pop(id, {})
            self._queues[id] = queue | later
            if not later:
                self._set_timer(id, wait)
