"""A server that is killed during matches and restarted: the matches go on."""

import asyncio
import json
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic
from typing import Any

from tests.support.answers import until
from tests.support.database import rows
from tests.support.live_server import Tab
from tests.support.process import VisitedServer, running

WRITTEN = 5.0
"""Seconds within which a move is on the disk, on a busy machine."""

PAUSE = 2.0
"""Seconds without ticks after a restart, in these tests."""

COMMAND = (
    "-c",
    "import server.__main__ as command\n"
    "from server.limits import Limits, RoomLimits\n"
    f"command.Limits = lambda: Limits(rooms=RoomLimits(restart_pause={PAUSE}))\n"
    "command.main()",
)


async def open_room(server: VisitedServer, cookie: str, game: str) -> str:
    async with server.visitor(cookie) as client:
        response = await client.post("/api/rooms", json={"game": game})
        assert response.status_code == 201, response.text
        return str(response.json()["id"])


async def come(server: VisitedServer, stack: AsyncExitStack, cookie: str, room: str) -> Tab:
    """A tab of a player in a room, which has received the room."""
    tab = await stack.enter_async_context(server.tab(cookie))
    await tab.ask("join", "joined", room=room)
    return tab


async def shown(tab: Tab) -> dict[str, Any]:
    """The room, once a match is in it."""
    while True:
        room = (await tab.next("room"))["room"]
        if "match" in room:
            assert isinstance(room, dict)
            return room


async def until_written(folder: Path, moves: int) -> None:
    """Wait until this many moves are on the disk."""
    database = folder / "stillhere.db"
    await until(lambda: rows(database, "SELECT count(*) FROM moves")[0][0] >= moves, WRITTEN)


class Table:
    """A room with two players, who are identified by their cookies."""

    def __init__(self, room: str, cookies: list[str]) -> None:
        self.room, self.cookies = room, cookies
        self.tabs: list[Tab] = []

    @classmethod
    async def open(cls, server: VisitedServer, game: str, *names: str) -> "Table":
        cookies = [await server.sign_in(name) for name in names]
        return cls(await open_room(server, cookies[0], game), cookies)

    async def come(self, server: VisitedServer, stack: AsyncExitStack) -> None:
        self.tabs = [await come(server, stack, cookie, self.room) for cookie in self.cookies]

    async def act(self, seat: int, action: dict[str, Any]) -> None:
        await self.tabs[seat].send("act", room=self.room, action=action)


async def tick(tab: Tab) -> int:
    """The number of the next tick."""
    while True:
        view = (await tab.next("room_changed")).get("view", {})
        if "tick" in view:
            return int(view["tick"])


def seats(folder: Path, room: str) -> list[dict[str, Any]]:
    """The seats of a room in the database."""
    ((state,),) = rows(folder / "stillhere.db", "SELECT state FROM rooms WHERE id = ?", room)
    found = json.loads(state)["seats"]
    assert isinstance(found, list)
    return found


async def test_matches_go_on_after_a_kill_and_lose_the_last_moment_at_most(tmp_path: Path) -> None:
    async with running(tmp_path) as server, AsyncExitStack() as stack:
        four = await Table.open(server, "connect-four", "Ada", "Kim")
        arena = await Table.open(server, "snake-arena", "Bo", "Eve")
        await arena.come(server, stack)
        await arena.tabs[0].send("start", room=arena.room)
        await four.come(server, stack)
        turn = (await shown(four.tabs[0]))["match"]["waits_for"][0]
        await four.act(turn, {"column": 3})
        ticks = 0
        for direction in ("up", "right", "down", "left"):
            for seat in (0, 1):
                await arena.act(seat, {"turn": direction})
            seen = ticks
            while ticks < seen + 4:
                ticks = await tick(arena.tabs[0])
        await until_written(tmp_path, 1)
        assert await server.stop(signal.SIGKILL) == -signal.SIGKILL

    async with running(tmp_path, command=COMMAND) as server, AsyncExitStack() as stack:
        started_at = monotonic()
        await arena.come(server, stack)
        view = (await shown(arena.tabs[0]))["match"]["view"]
        # A second of ticks, and some more for a busy machine.
        assert view["tick"] >= max(ticks - 30, 1)
        if monotonic() - started_at < PAUSE - 1:
            assert view["tick"] <= ticks + 2
            assert not any("died" in snake for snake in view["snakes"])
        await four.come(server, stack)

        rooms = await asyncio.gather(*map(shown, four.tabs))
        for room in rooms:
            assert room["state"] == "playing"
            assert room["match"]["view"]["columns"][3] == str(turn)
            assert room["match"]["waits_for"] == [1 - turn]
        assert [seat["player"]["name"] for seat in rooms[0]["seats"].values()] == ["Ada", "Kim"]
        for number, column in enumerate((0, 3, 0, 3, 0, 3)):
            await four.act((turn + 1 + number) % 2, {"column": column})
            for tab in four.tabs:
                await tab.next("room_changed")
        async with server.visitor(four.cookies[0]) as client:
            while not (matches := (await client.get("/api/matches")).json()["matches"]):
                await four.tabs[0].receive()
            (match,) = matches
            found = (await client.get(f"/api/matches/{match['id']}")).json()
        assert (found["reason"], found["winners"]) == ("four", [turn])
        assert [move["action"]["column"] for move in found["moves"]] == [3, 0, 3, 0, 3, 0, 3]

        assert await tick(arena.tabs[0]) > view["tick"]
        # A stop of the server does not count as leaving.
        assert await server.stop() == 0
        assert [seat.get("has_left") for seat in seats(tmp_path, arena.room)][:2] == [None, None]
        assert "Traceback" not in server.log()
