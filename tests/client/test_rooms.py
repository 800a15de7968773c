"""Rooms and games through the client."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection

from server.client import CallRefused, Client, RequestRefused, Room, RoomClosed, SessionOver
from tests.client.fake_server import HELLO, PLAYER, QUICK, run_fake
from tests.support.live_server import TIMEOUT, LiveServer
from tests.support.manual_clock import SLOT

GAME = "connect-four"


@pytest.fixture
async def two(server: LiveServer) -> AsyncIterator[tuple[Client, Client]]:
    """Two guests, connected."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(server.url)) for _ in range(2)]
        for client, name in zip(clients, ("Ada", "Kim"), strict=True):
            await client.sign_in_as_guest(name)
            await client.look()
        yield clients[0], clients[1]


async def match(ada: Client, kim: Client) -> tuple[Room, Room]:
    rooms = await asyncio.gather(ada.rooms.quick_match(GAME), kim.rooms.quick_match(GAME))
    for room in rooms:
        await room.until(lambda room=room: room.match is not None)  # type: ignore[misc]
    return rooms


async def test_a_whole_match_is_played_and_seen_alike_by_both(two: tuple[Client, Client]) -> None:
    async with asyncio.timeout(TIMEOUT):
        first, second = await match(*two)
        while first.outcome is None:
            column = 0 if first.is_my_turn else 1
            room, other = (first, second) if first.is_my_turn else (second, first)
            await room.act({"column": column})
            await other.until(lambda other=other: other.is_my_turn or other.outcome)  # type: ignore[misc]
        await second.until(lambda: second.outcome is not None)
        assert first.outcome == second.outcome
        assert first.outcome["reason"] == "four"
        assert first.view == second.view
        assert {first.seat, second.seat} == {0, 1}
        id = str(first.info["match"]["id"])
        assert (await two[0].rooms.match(id))["winners"] == first.outcome["winners"]
        assert [each["id"] for each in (await two[0].rooms.matches())["matches"]] == [id]


async def test_an_action_that_is_refused_changes_nothing_and_says_why(
    two: tuple[Client, Client],
) -> None:
    async with asyncio.timeout(TIMEOUT):
        rooms = await match(*two)
        (waiting,) = (room for room in rooms if not room.is_my_turn)
        with pytest.raises(RequestRefused) as refused:
            await waiting.act({"column": 0})
        assert (refused.value.request, refused.value.code) == ("act", "not_allowed")
        assert not waiting.is_my_turn


async def by_hand(socket: ServerConnection) -> None:
    """Admit the client to a match that waits for it; accept its actions, and tell nothing of their
    effect."""
    await socket.send(msgspec.json.encode(HELLO).decode())
    async for text in socket:
        request = msgspec.json.decode(text)
        if request["type"] in ("join", "watch"):
            await tell(socket, "room", 1, room=ROOM_OF_ONE, chat=[])
        await socket.send(msgspec.json.encode({"type": "done", "id": request["id"]}).decode())


async def tell(socket: ServerConnection, type: str, version: int, **fields: Any) -> None:
    message = {"type": type, "topic": "room:r_1", "version": version, **fields}
    await socket.send(msgspec.json.encode(message).decode())


ROOM_OF_ONE = {
    "id": "r_1",
    "seats": {"0": {"player": {"id": PLAYER.id}}},
    "match": {"id": "m_1", "waits_for": [0], "view": {"moves": 0}},
}


async def test_it_is_no_turn_from_an_accepted_action_until_its_effect_arrives() -> None:
    async with (
        run_fake(by_hand) as fake,
        Client(fake.url, cookie="session=1", limits=QUICK) as ada,
        asyncio.timeout(TIMEOUT),
    ):
        await ada.resume()
        room = await ada.rooms.join("r_1")
        assert room.is_my_turn
        await room.act({})
        assert not room.is_my_turn
        await tell(fake.came[0], "said", 2, line={"id": "1", "notice": "joined"})
        await room.until(lambda: len(room.chat) == 1)
        assert not room.is_my_turn, "a line of chat has no effects of an action"
        # The match waits for the same player again, as in a game with several actions a turn.
        await tell(fake.came[0], "room_changed", 3, view={"moves": 1})
        await room.until(lambda: room.is_my_turn)
        assert room.view == {"moves": 1}


async def test_the_effect_of_an_action_may_arrive_by_another_connection() -> None:
    async with (
        run_fake(by_hand) as fake,
        Client(fake.url, cookie="session=1", limits=QUICK) as ada,
        asyncio.timeout(TIMEOUT),
    ):
        await ada.resume()
        room = await ada.rooms.join("r_1")
        await room.act({})
        await fake.came[0].close(1011)
        await room.until(lambda: room.is_my_turn)
        assert len(fake.came) == 2


async def test_the_list_shows_a_room_that_opens_and_closes(two: tuple[Client, Client]) -> None:
    ada, kim = two
    async with asyncio.timeout(TIMEOUT):
        rooms = await kim.rooms.watch()
        assert rooms.rooms == {}
        room = await ada.rooms.create(GAME)
        await kim.until(lambda: room.id in rooms.rooms)
        assert (await kim.rooms.find(room.id))["game"] == GAME
        assert GAME in [game["name"] for game in await kim.rooms.games()]
        hidden = await ada.rooms.join(room.id)
        assert hidden is room
        await kim.rooms.unwatch()
        assert not rooms.is_current


async def test_chat_reaches_players_and_spectators(two: tuple[Client, Client]) -> None:
    ada, kim = two
    async with asyncio.timeout(TIMEOUT):
        room = await ada.rooms.create(GAME, private=True)
        seen = await kim.rooms.join(room.id, spectate=True)
        assert (room.seat, seen.seat) == (0, None)
        await room.say("hello")
        await seen.until(lambda: seen.chat[-1].get("text") == "hello")
        assert seen.info["spectators"] == 1


async def test_leaving_a_room_ends_everything_that_waits_in_it(
    two: tuple[Client, Client],
) -> None:
    ada, _ = two
    async with asyncio.timeout(TIMEOUT):
        room = await ada.rooms.create(GAME)
        waiting = asyncio.create_task(room.until(lambda: False))
        await asyncio.sleep(0)
        await room.leave()
        with pytest.raises(RoomClosed, match="left"):
            await waiting
        assert ada.rooms.joined == {}


async def test_a_room_that_does_not_exist_is_refused(two: tuple[Client, Client]) -> None:
    ada, _ = two
    async with asyncio.timeout(TIMEOUT):
        with pytest.raises(RequestRefused, match="no_such_room"):
            await ada.rooms.join("r_none")
        with pytest.raises(CallRefused, match="no_such_game"):
            await ada.rooms.create("chess")
        with pytest.raises(CallRefused, match="no_such_room"):
            await ada.rooms.find("r_none")
        assert ada.rooms.joined == {}


async def test_cancelling_a_quick_match_leaves_the_queue(
    server: LiveServer, two: tuple[Client, Client]
) -> None:
    ada, kim = two
    async with asyncio.timeout(TIMEOUT):
        looking = asyncio.create_task(ada.rooms.quick_match(GAME))
        messages = ada.messages()
        while getattr(await anext(messages), "waiting", 0) != 1:
            pass
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
        while getattr(await anext(messages), "reason", "") != "cancelled":
            pass
        others = asyncio.create_task(kim.rooms.quick_match(GAME))
        await kim.look()
        assert not others.done()
        others.cancel()
        await asyncio.wait([others])


async def test_an_away_player_is_removed_from_the_queue(
    server: LiveServer, two: tuple[Client, Client]
) -> None:
    ada, _ = two
    async with asyncio.timeout(TIMEOUT):
        looking = asyncio.create_task(ada.rooms.quick_match(GAME))
        messages = ada.messages()
        while getattr(await anext(messages), "waiting", 0) != 1:
            pass
        await server.advance(120 + SLOT)
        with pytest.raises(RequestRefused, match="away"):
            await looking


async def test_a_room_ends_with_the_session(two: tuple[Client, Client]) -> None:
    ada, _ = two
    async with asyncio.timeout(TIMEOUT):
        room = await ada.rooms.create(GAME)
        await ada.sign_out()
        with pytest.raises(SessionOver):
            await room.start()
