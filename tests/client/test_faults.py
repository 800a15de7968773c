"""Connections that are cut and servers that restart: the client restores what it was watching."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from scripts.server_process import TIMEOUT as STARTING
from server.client import Client, Limits, State
from tests.support.cable import Cable, run_cable
from tests.support.live_server import TIMEOUT, LiveServer
from tests.support.process import running

QUICK = Limits(first_pause=0.01, longest_pause=0.05)
GAME = "connect-four"


@asynccontextmanager
async def two_of_them(server: LiveServer) -> AsyncIterator[tuple[Cable, Client, Client]]:
    """Ada, behind a cable, and Kim."""
    async with (
        run_cable(server.port) as cable,
        Client(cable.url, limits=QUICK) as ada,
        Client(server.url) as kim,
    ):
        await ada.sign_in_as_guest("Ada")
        await kim.sign_in_as_guest("Kim")
        yield cable, ada, kim


async def test_lobby_list_and_seat_are_restored_after_a_cut(server: LiveServer) -> None:
    async with asyncio.timeout(2 * TIMEOUT), two_of_them(server) as (cable, ada, kim):
        roster, rooms = await ada.watch_lobby(), await ada.rooms.watch()
        room = await ada.rooms.create(GAME)
        seen = await kim.rooms.join(room.id, spectate=True)
        cable.pull()
        await ada.until(lambda: ada.state is State.RECONNECTING)
        assert not roster.is_current
        assert not rooms.is_current
        assert not room.is_current
        await seen.say("Where are you?")
        asking = asyncio.create_task(ada.look())
        cable.plug()
        await asking
        await ada.until(lambda: roster.is_current and rooms.is_current and room.is_current)
        assert room.seat == 0
        assert room.chat[-1]["text"] == "Where are you?"
        assert ada.player_id in roster.players
        await room.say("Here.")
        await seen.until(lambda: seen.chat[-1]["text"] == "Here.")


async def test_a_quick_match_goes_on_after_a_cut(server: LiveServer) -> None:
    async with asyncio.timeout(2 * TIMEOUT), two_of_them(server) as (cable, ada, kim):
        looking = asyncio.create_task(ada.rooms.quick_match(GAME))
        messages = ada.messages()
        while getattr(await anext(messages), "waiting", 0) != 1:
            pass
        cable.pull()
        await ada.until(lambda: ada.state is State.RECONNECTING)
        cable.plug()
        found, room = await asyncio.gather(looking, kim.rooms.quick_match(GAME))
        assert found.id == room.id


async def test_a_room_that_closed_during_a_cut_is_reported(server: LiveServer) -> None:
    async with asyncio.timeout(2 * TIMEOUT), two_of_them(server) as (cable, ada, kim):
        room = await kim.rooms.create(GAME)
        seen = await ada.rooms.join(room.id, spectate=True)
        cable.pull()
        await ada.until(lambda: ada.state is State.RECONNECTING)
        await room.leave()
        await kim.sign_out()
        await server.advance(31)
        await asyncio.sleep(0)
        cable.plug()
        await ada.until(lambda: seen.closed is not None)
        assert seen.closed is not None
        assert seen.closed.reason == "no_such_room"
        assert ada.rooms.joined == {}


async def test_the_client_reconnects_after_a_restart_of_the_server(tmp_path: Path) -> None:
    async with asyncio.timeout(3 * STARTING):
        async with running(tmp_path) as server, Client(server.url, limits=QUICK) as ada:
            await ada.sign_in_as_guest("Ada")
            roster = await ada.watch_lobby()
            assert await server.stop() == 0
            await ada.until(lambda: ada.state is State.RECONNECTING)
            await server.start()
            await ada.until(lambda: roster.is_current)
            assert ada.player_id in roster.players
            assert ada.ended is None
            await ada.touch()
