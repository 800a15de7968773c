"""One more player, who watches the lobby of a server until it is killed."""

import asyncio
from collections import defaultdict
from contextlib import suppress
from time import monotonic

from scripts.storm.browser import Told
from server.client import Address, Client, Received, SessionOver, State, StillHereError
from server.wire.messages import Presence, Roster

_TRIES = 5
_PING_EVERY = 0.1
_TIMEOUT = 5.0


class Observer:
    """Watches the lobby, and records what it is told of every player."""

    def __init__(self, address: Address) -> None:
        self.told: dict[str, list[Told]] = defaultdict(list)
        self.client = Client(address.url)
        self.player_id = ""
        self._playing: asyncio.Task[None] | None = None

    async def arrive(self, name: str) -> None:
        """Sign in as a new guest, and watch until the connection is lost."""
        for tries_left in reversed(range(_TRIES)):
            self.player_id = (await self.client.sign_in_as_guest(name)).player.id
            stop_listening = self.client.listen(self._hear)
            try:
                await self.client.watch_lobby()
                break
            except SessionOver as over:
                # On a busy machine an idle timeout of a second may end before the connection opens.
                if over.reason != "idle_timeout" or not tries_left:
                    raise
                stop_listening()
        self._playing = asyncio.create_task(self._play())

    async def who_is_here(self) -> set[str]:
        """Return the ids of all players who are here, by a call."""
        return {player["id"] async for player in self.client.players()}

    async def hear_the_rest(self) -> None:
        """Wait until the connection has ended: what was sent before a kill is still read."""
        with suppress(TimeoutError, StillHereError):
            async with asyncio.timeout(_TIMEOUT):
                await self.client.until(lambda: self.client.state is not State.OPEN)
        if self._playing is not None:
            self._playing.cancel()
        await self.client.close()

    async def _play(self) -> None:
        with suppress(StillHereError):
            while True:
                await self.client.touch()
                await asyncio.sleep(_PING_EVERY)

    def _hear(self, message: Received) -> None:
        now = monotonic()
        match message:
            case Roster():
                for player in message.players:
                    self.told[player.id].append(Told(player.status, None, now))
            case Presence():
                for player in message.joined:
                    self.told[player.id].append(Told(player.status, None, now))
                for change in message.changed:
                    self.told[change.id].append(Told(change.status, None, now))
                for id in message.left:
                    self.told[id].append(Told("offline", None, now))
            case _:
                pass
