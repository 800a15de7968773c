"""Somebody who watches the lobby, and when they saw what."""

import asyncio
import json
from collections.abc import Callable
from time import monotonic
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from scripts.departures.server import Served
from scripts.idle_players.calls import call

LEFT = "offline"
_PING_EVERY = 1.0
_PATIENCE = 20.0


class Watcher:
    """A watcher of a server's lobby; comes back when the server does."""

    def __init__(self, server: Served) -> None:
        self._server = server
        self._cookie = ""
        self._seen: dict[str, list[tuple[float, str]]] = {}
        self._here: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._watches = asyncio.Event()
        self._news = asyncio.Event()

    async def start(self) -> None:
        """Sign in, to be remembered: a watcher must outlive those who are watched. Then watch."""
        address, watcher = self._server.address, {"name": "Watcher", "password": "correct horse"}
        await call(address, "POST", "/api/players", body=watcher)
        answer = await call(address, "POST", "/api/session", body=watcher | {"remember": True})
        self._cookie = answer.cookie
        self._tasks = [asyncio.create_task(self._watch_for_ever())]
        await self._watches.wait()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def when(self, player: str, status: str, since: float) -> float | None:
        """Seconds from the monotonic instant `since` until the lobby first told this."""
        for at, seen in self._seen.get(player, ()):
            if at >= since and seen == status:
                return at - since
        return None

    async def until(self, player: str, status: str, since: float, patience: float) -> None:
        """Wait until the lobby has told this, but not for ever."""
        await self._until(lambda: self.when(player, status, since) is not None, patience)

    async def until_here(self, player: str) -> None:
        """Wait until the lobby shows `player`."""
        await self._until(lambda: player in self._here, _PATIENCE)

    async def _until(self, is_so: Callable[[], bool], patience: float) -> None:
        end = monotonic() + patience
        while not is_so() and (left := end - monotonic()) > 0:
            self._news.clear()
            try:
                async with asyncio.timeout(left):
                    await self._news.wait()
            except TimeoutError:
                return

    async def _watch_for_ever(self) -> None:
        while True:
            try:
                await self._watch()
            except (OSError, WebSocketException):
                await asyncio.sleep(0.05)

    async def _watch(self) -> None:
        headers = {"Cookie": self._cookie}
        url = self._server.address.socket_url
        async with connect(url, additional_headers=headers, compression=None) as socket:
            await socket.send('{"type": "watch", "topic": "lobby"}')
            pinging = asyncio.create_task(_ping(socket.send))
            try:
                async for text in socket:
                    self._hear(json.loads(text), monotonic())
            finally:
                pinging.cancel()

    def _hear(self, message: dict[str, Any], now: float) -> None:
        match message["type"]:
            case "roster":
                self._watches.set()
                here = {each["id"] for each in message["players"]}
                for player in self._here - here:
                    self._note(player, LEFT, now)
                self._here = here
                for each in message["players"]:
                    self._note(each["id"], each["status"], now)
            case "presence":
                for each in message["joined"] + message["changed"]:
                    self._here.add(each["id"])
                    self._note(each["id"], each["status"], now)
                for player in message["left"]:
                    self._here.discard(player)
                    self._note(player, LEFT, now)
            case _:
                return
        self._news.set()

    def _note(self, player: str, status: str, now: float) -> None:
        self._seen.setdefault(player, []).append((now, status))


async def _ping(send: Callable[[str], Any]) -> None:
    while True:
        await asyncio.sleep(_PING_EVERY)
        await send('{"type": "ping"}')
