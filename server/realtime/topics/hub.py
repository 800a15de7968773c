"""The topics and who watches them: diffs are collected, encoded once, and sent at a pace.

What it promises: a watcher is never led past a gap. Its versions are consecutive, or it gets a
`roster`. A change is told within the pace: 20 ms in a small lobby, longer in a large one, so that
fan-out takes no more than a tenth of the loop. Cost: a diff is encoded once, a roster once a
version, and once a second as long as somebody in it is away, whose time passes; sending is one
call a watcher, in slices of 5 ms between which the loop does other work.
"""

import asyncio
from collections.abc import Callable, Iterable

from msgspec import UNSET

from server.base.clock import Clock
from server.presence.events import Activity, Event, StatusChanged
from server.presence.session import NEVER, Player
from server.realtime.connection import Connection
from server.realtime.topics.lobby import Lobby
from server.wire.messages import encode

FASTEST, SLOWEST = 0.02, 2.0
"""Seconds between two diffs, at the least and at the most."""

SHARE = 0.1
"""What part of the loop's time fan-out may take."""

SLICE = 0.005
"""Seconds of fan-out without letting the loop do other work."""

KEPT_FOR = 1.0
"""Seconds after which a roster that tells for how long somebody has been away is written anew."""

_NO_VERSION = -1
_BETWEEN_LOOKS = 32


class Hub:
    """Watches events for the lobby and tells its watchers. `time`: the loop's, in seconds; it
    paces what is told, and `clock` says for how long players have been away."""

    def __init__(self, time: Callable[[], float], clock: Clock, away_after: float) -> None:
        self._time = time
        self._clock = clock
        self._lobby = Lobby(away_after)
        # The version each watcher has; _NO_VERSION: a roster is owed.
        self._watchers: dict[Connection, int] = {}
        self._roster_text = ""
        self._roster_version = _NO_VERSION
        self._roster_until = NEVER
        self._timer: asyncio.TimerHandle | None = None
        self._tells_at = 0.0
        self._fan_out: asyncio.Task[None] | None = None
        self._not_before = 0.0

    @property
    def watchers(self) -> int:
        """How many connections watch the lobby."""
        return len(self._watchers)

    def begin(self, players: Iterable[Player]) -> None:
        """Take `players` as they are, without telling anybody: for those whom a restart has
        brought along, whom whoever comes back first should not see arrive."""
        self._lobby.begin(players)

    def watch(self, connection: Connection) -> None:
        """Send a roster, now or with the changes about to be told, and every diff after it."""
        self._watchers[connection] = _NO_VERSION
        if not self._lobby.has_news(self._time()):
            self._send_roster(connection)

    def unwatch(self, connection: Connection) -> None:
        """Send no more; nothing happens where it did not watch."""
        self._watchers.pop(connection, None)

    def caught_up(self, connection: Connection) -> None:
        """A connection that had been behind takes messages again: repair what it has missed."""
        version = self._watchers.get(connection)
        if version is not None and version < self._lobby.version:
            self._send_roster(connection)

    def hear(self, event: Event) -> None:
        """Subscriber: take in what the lobby will have to be told."""
        if isinstance(event, StatusChanged):
            self._lobby.note(event, self._time())
            self._arm()
        elif isinstance(event, Activity):
            self._lobby.note_activity(event.player_id, event.at)

    def close(self) -> None:
        """Tell nobody anything any more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._fan_out is not None:
            self._fan_out.cancel()

    def _arm(self) -> None:
        due = self._lobby.next_due()
        if due is None or self._fan_out is not None:
            return
        at = max(due, self._not_before)
        if self._timer is not None:
            if self._tells_at <= at:
                return
            self._timer.cancel()
        self._tells_at = at
        delay = max(at - self._time(), 0.0)
        self._timer = asyncio.get_running_loop().call_later(delay, self._start_telling)

    def _start_telling(self) -> None:
        self._timer = None
        self._fan_out = asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        """Send one diff to every watcher. Cancelling leaves some of them owed a roster."""
        try:
            diff = self._lobby.take_diff(self._time(), self._clock.now())
            text = None if diff is None else encode(diff)
            spent = await self._send_to_all(text)
        finally:
            self._fan_out = None
        self._not_before = self._time() + min(max(spent / SHARE, FASTEST), SLOWEST)
        self._arm()

    async def _send_to_all(self, text: str | None) -> float:
        """Returns the seconds of the loop's time that it took."""
        spent = 0.0
        began = self._time()
        for number, connection in enumerate(list(self._watchers)):
            self._serve(connection, text)
            if number % _BETWEEN_LOOKS == _BETWEEN_LOOKS - 1:
                elapsed = self._time() - began
                if elapsed > SLICE:
                    spent += elapsed
                    await asyncio.sleep(0)
                    began = self._time()
        return spent + self._time() - began

    def _serve(self, connection: Connection, diff: str | None) -> None:
        version = self._watchers.get(connection)
        if version is None or version == self._lobby.version:
            return  # gone meanwhile, or it has had a roster with all of this
        if connection.is_behind:
            # It loses this diff, and with it its place; `caught_up` will send a roster.
            self._watchers[connection] = _NO_VERSION
        elif diff is not None and version == self._lobby.version - 1:
            self._watchers[connection] = version + 1
            connection.send(diff)
        else:
            self._send_roster(connection)

    def _send_roster(self, connection: Connection) -> None:
        at = self._clock.now()
        if self._roster_version != self._lobby.version or at >= self._roster_until:
            roster = self._lobby.roster(at)
            self._roster_text = encode(roster)
            self._roster_version = self._lobby.version
            ages = any(player.idle_for is not UNSET for player in roster.players)
            self._roster_until = at + KEPT_FOR if ages else NEVER
        # First: one message too many ends the watching.
        self._watchers[connection] = self._lobby.version
        connection.send(self._roster_text)
