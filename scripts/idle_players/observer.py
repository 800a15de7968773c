"""One more player, who watches the lobby to the end."""

import asyncio
import random
from time import monotonic

from scripts.idle_players.lobby_check import LobbyCheck, PlayerId
from scripts.idle_players.rules import Met, Policy, What
from scripts.idle_players.visit import Visit
from server.client import Address, ConnectionLost
from server.wire.messages import LOBBY, Ping, Pong, Presence, Roster, Watch


class Observer:
    """Watches who joins and leaves. Not judged itself."""

    def __init__(self, visit: Visit, policy: Policy) -> None:
        self.visit = visit
        self.lobby = LobbyCheck()
        self._policy = policy
        self._departures: dict[PlayerId, asyncio.Event] = {}
        self.lost = ""
        """How the connection ended, if it did; later departures were not seen."""

    @classmethod
    async def arrive(cls, address: Address, name: str) -> "Observer":
        """Sign in and connect. Raises Unreachable or VisitRefused."""
        visit = await Visit.sign_in(address, name)
        await visit.connect()
        return cls(visit, visit.policy)

    async def watch(self) -> None:
        """Watch, and ping to stay, until cancelled or the connection is lost."""
        connection = self.visit.connection
        await connection.send(Watch(topic=LOBBY))
        pinging = asyncio.create_task(self._stay())
        try:
            async for message in connection:
                if isinstance(message, Roster | Presence):
                    for id in self.lobby.apply(message, monotonic()):
                        self._departures.setdefault(id, asyncio.Event()).set()
                elif not isinstance(message, Pong):
                    self.lobby.faults.append(f"the observer was sent {message}")
            self.lost = f"the observer's connection ended with {connection.close_code}"
        finally:
            pinging.cancel()

    async def saw_leave(self, id: PlayerId) -> None:
        """Wait until the lobby has reported that a player left."""
        await self._departures.setdefault(id, asyncio.Event()).wait()

    def leavings(self, id: PlayerId) -> list[Met]:
        """Return when a player was reported to have left."""
        return [Met(What.LEAVING, at) for at in self.lobby.left.get(id, ())]

    @property
    def is_blind(self) -> bool:
        """True if a departure that was not seen proves nothing."""
        return bool(self.lost) or self.lobby.is_blind

    async def _stay(self) -> None:
        try:
            while True:
                await self.visit.send(Ping())
                await asyncio.sleep(self._policy.lively * random.uniform(0.3, 0.6))
        except ConnectionLost:
            pass  # `watch` reports it
