"""A watcher of the lobby, with the times of what it saw."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from scripts.departures.server import DepartureServer
from server.client import Client, Limits, Received, Unreachable
from server.wire.messages import Presence, Roster

LEFT = "offline"
_PING_EVERY = 1.0
_TIMEOUT = 20.0
_AT_ONCE = Limits(first_pause=0.05, longest_pause=0.05)


class Watcher:
    """Watches the lobby of a server; reconnects after restarts."""

    def __init__(self, server: DepartureServer) -> None:
        self._client = Client(server.address.url, limits=_AT_ONCE)
        self._seen: dict[str, list[tuple[float, str]]] = {}
        self._here: set[str] = set()
        self._playing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Sign in with `remember`, as it must outlive the watched players, and watch."""
        name, password = "Watcher", "correct horse"
        await self._client.register(name, password)
        await self._client.sign_in(name, password, remember=True)
        self._client.listen(self._hear)
        await self._client.watch_lobby()
        self._playing = asyncio.create_task(self._play())

    async def stop(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.gather(self._playing, return_exceptions=True)
        await self._client.close()

    def when(self, player: str, status: str, since: float) -> float | None:
        """Return the seconds from the monotonic instant `since` until the lobby first showed
        this."""
        for at, seen in self._seen.get(player, ()):
            if at >= since and seen == status:
                return at - since
        return None

    async def until(self, player: str, status: str, since: float, seconds: float) -> None:
        """Wait until the lobby has shown this, at most for `seconds`."""
        await self._until(lambda: self.when(player, status, since) is not None, seconds)

    async def until_here(self, player: str) -> None:
        """Wait until the lobby shows `player`."""
        await self._until(lambda: player in self._here, _TIMEOUT)

    async def _until(self, is_so: Callable[[], bool], seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._client.until(is_so)
        except TimeoutError:
            pass

    async def _play(self) -> None:
        while True:
            await asyncio.sleep(_PING_EVERY)
            with suppress(Unreachable):  # while the server restarts
                await self._client.touch()

    def _hear(self, message: Received) -> None:
        now = monotonic()
        match message:
            case Roster():
                here = {str(player.id) for player in message.players}
                for id in self._here - here:
                    self._note(id, LEFT, now)
                self._here = here
                for player in message.players:
                    self._note(player.id, player.status, now)
            case Presence():
                news = [(each.id, each.status) for each in message.joined]
                news += [(each.id, each.status) for each in message.changed]
                for id, status in news:
                    self._here.add(id)
                    self._note(id, status, now)
                for left in message.left:
                    self._here.discard(left)
                    self._note(left, LEFT, now)
            case _:
                pass

    def _note(self, player: str, status: str, now: float) -> None:
        self._seen.setdefault(player, []).append((now, status))
