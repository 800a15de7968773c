"""The allowances of watchers: how many bytes of snapshots, and of rooms in which they have no seat,
the players and addresses are sent.

A few bytes, or none from a peer that reads late, bring a snapshot of hundreds of kilobytes to any
of a player's connections; a single `watch` brings every change of a match that ticks. Who has had
too much of that waits: each connection is in a queue, once for each topic, and is sent the state
that is then the present one, and the changes after it.

There are three purses, so that nobody waits for their own board behind lists and other boards. Each
is of a player and, if limits by address apply, of the address of the connection. Guests cost
nothing to make, and use up nothing of registered players in the same network.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from server.base.ids import PlayerId
from server.base.networks import Payer, debts_by_width
from server.base.rates import Debts, Rate
from server.realtime.connection import Connection
from server.realtime.limits import Limits

if TYPE_CHECKING:
    from server.realtime.topics.topic import Topic

_SOON = 0.001
"""The least seconds to wait: uvloop makes no time of less than half of that."""

_Place: TypeAlias = tuple["Topic[Any]", Connection]


class Purse:
    """What players and addresses have been sent of one kind."""

    def __init__(self, of_player: Rate, of_address: Rate, limits: Limits) -> None:
        keys = limits.counted_keys
        self._players: Debts[PlayerId] = Debts(of_player, keys)
        self._guests = debts_by_width(of_address, limits.wider_network, keys)
        self._registered = debts_by_width(of_address, limits.wider_network, keys)

    def payers(self, connection: Connection) -> list[Payer]:
        """Return who pays for what a connection is sent."""
        player = connection.session.player
        by_width = self._guests if player.guest else self._registered
        return [(self._players, player.id), *zip(by_width, connection.networks, strict=False)]


class _Queue:
    """Who waits for one payer: the players in turn, each with their connections in order."""

    __slots__ = ("_of_players", "timer")

    def __init__(self, timer: asyncio.TimerHandle) -> None:
        self.timer = timer
        self._of_players: dict[PlayerId, dict[_Place, None]] = {}

    def __bool__(self) -> bool:
        return bool(self._of_players)

    def add(self, place: _Place) -> None:
        self._of_players.setdefault(place[1].session.player.id, {})[place] = None

    def remove(self, place: _Place) -> None:
        id = place[1].session.player.id
        places = self._of_players[id]
        del places[place]
        if not places:
            del self._of_players[id]

    def take(self) -> _Place:
        """Remove and return the first of the next player, who is then the last."""
        id = next(iter(self._of_players))
        places = self._of_players.pop(id)
        place = next(iter(places))
        del places[place]
        if places:
            self._of_players[id] = places
        return place


class Wholes:
    """What has been sent, and who waits. Shared by all topics."""

    def __init__(self, time: Callable[[], float], limits: Limits) -> None:
        """`time`: the loop's, in seconds."""
        self._time = time
        self._charged_at = limits.charged_at
        self.lists = Purse(limits.wholes, limits.wholes_of_address, limits)
        self.rooms = Purse(limits.spectating, limits.spectating_of_address, limits)
        self.seats = Purse(limits.wholes_of_seat, limits.wholes_of_seats_of_address, limits)
        self._queues: dict[Payer, _Queue] = {}
        self._waiting: dict[_Place, tuple[Purse, Payer]] = {}

    def may_send(self, topic: "Topic[Any]", connection: Connection) -> bool:
        """Return True if a connection may be sent a snapshot of `topic` now. Otherwise it is
        queued, and `topic.resume` is called when it may."""
        place, purse = (topic, connection), topic.purse_of(connection)
        waits_for = self._waiting.get(place)
        if waits_for is not None:
            if waits_for[0] is purse:
                return False
            self.forget(topic, connection)  # its player has taken or left a seat
        wait, payer = self._wait(purse.payers(connection))
        if not wait:
            return True
        queue = self._queues.get(payer)
        if queue is None:
            queue = self._queues[payer] = _Queue(self._set_timer(payer, wait))
        queue.add(place)
        self._waiting[place] = purse, payer
        return False

    def is_waiting(self, topic: "Topic[Any]", connection: Connection) -> bool:
        """Return True if `topic.resume` will be called for a connection."""
        return (topic, connection) in self._waiting

    def may_tell(self, topic: "Topic[Any]", connection: Connection, size: int) -> bool:
        """Charge `size` bytes of changes for which watchers pay, and return True, if a connection
        may be sent these. Otherwise as `may_send`."""
        # Not each change by itself: these are small, and many.
        connection.unpaid += size
        if connection.unpaid < self._charged_at:
            return True
        if not self.may_send(topic, connection):
            connection.unpaid -= size
            return False
        self.charge(topic, connection, 0)
        return True

    def charge(self, topic: "Topic[Any]", connection: Connection, size: int) -> None:
        """A connection was sent `size` bytes, and what it has not paid for yet."""
        now = self._time()
        purse = topic.purse_of(connection)
        if purse is self.rooms:
            size, connection.unpaid = size + connection.unpaid, 0
        for debts, key in purse.payers(connection):
            debts.charge(key, size, now)

    def forget(self, topic: "Topic[Any]", connection: Connection) -> None:
        """A connection no longer watches `topic`. Idempotent."""
        place = topic, connection
        waits_for = self._waiting.pop(place, None)
        if waits_for is not None:
            _, payer = waits_for
            queue = self._queues[payer]
            queue.remove(place)
            if not queue:
                queue.timer.cancel()
                del self._queues[payer]

    def close(self) -> None:
        """Cancel the timers."""
        for queue in self._queues.values():
            queue.timer.cancel()
        self._queues.clear()
        self._waiting.clear()

    def _wait(self, payers: list[Payer]) -> tuple[float, Payer]:
        """Return the longest wait of `payers`, and whose it is."""
        now = self._time()
        longest, its = 0.0, payers[0]
        for payer in payers:
            debts, key = payer
            wait = debts.wait(key, now)
            if wait > longest:
                longest, its = wait, payer
        return longest, its

    def _set_timer(self, payer: Payer, wait: float) -> asyncio.TimerHandle:
        loop = asyncio.get_running_loop()
        return loop.call_later(max(wait, _SOON), self._serve, payer)

    def _serve(self, payer: Payer) -> None:
        """Serve those who wait, until the allowance is spent again. Some topics send in a later
        turn of the loop, and ask again then."""
        queue = self._queues[payer]
        wait = 0.0
        try:
            while queue and not wait:
                place = topic, connection = queue.take()
                del self._waiting[place]
                topic.resume(connection)
                wait, _ = self._wait([payer])
        finally:  # the failure of one is not that of the others
            # Unless a peer was too slow, and the last that waited went with it.
            if self._queues.get(payer) is queue:
                if queue:
                    queue.timer = self._set_timer(payer, wait)
                else:
                    del self._queues[payer]
