"""The kinds of abuse: each is one client's address, with as many guests as it may have."""

import asyncio
import itertools
import math
import random
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NoReturn

import msgspec

from scripts.benchmarks.websocket import client_frame
from scripts.letters import LETTERS
from scripts.stress.abuser import Abuser, Client
from server.client import Unreachable
from server.transport.frames import TEXT
from server.wire import messages
from server.wire.messages import encode_request

_A_SOCKET = 1 / 45
"""Seconds between two messages of one socket: the server allows 50 a second."""

_UPGRADE = (
    "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)

_EMOJI = "\N{GRINNING FACE}"

Abuse = Callable[[Abuser], Coroutine[Any, Any, None]]


async def in_parallel(count: int, act: Callable[[int], Awaitable[None]]) -> NoReturn:
    """Do `act` again and again, in so many tasks; what is refused is tried again."""

    async def again(number: int) -> None:
        while True:
            try:
                await act(number)
            except (OSError, TimeoutError, Unreachable):
                await asyncio.sleep(1)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(again(number))
    raise AssertionError("the tasks do not end")


async def flood(one: Abuser, cookie: str, count: int, *texts: bytes) -> NoReturn:
    """Send these messages in turn from so many sockets, as fast as is allowed."""
    frames = [client_frame(TEXT, each) for each in texts]
    clients = await one.sockets(cookie, count)

    async def act(number: int) -> None:
        if not clients[number].is_open:
            clients[number] = await one.socket(cookie)
        for each in frames:
            clients[number].write(each)
            await asyncio.sleep(_A_SOCKET)

    await in_parallel(count, act)


async def match_after_match(one: Abuser) -> None:
    """Two guests who play, and play again, by eight sockets each."""
    cookies = [await one.guest(), await one.guest()]
    clients = [await one.sockets(each, 8) for each in cookies]
    room = await one.room(cookies[0], clients[0][0])
    await clients[1][0].ask(messages.Join(room=room))
    sockets = itertools.cycle(range(8))
    seats = itertools.cycle((0, 1))

    async def ask(seat: int, message: messages.Request) -> str:
        refused = await clients[seat][next(sockets)].ask(message)
        if refused == "too_soon":
            await asyncio.sleep(0.5)
        return refused

    async def act(_: int) -> None:
        seat = next(seats)  # refused if it was the other's turn: the next one is right again
        move = messages.Act(room=room, action={"column": seat * 2})
        if await ask(seat, move) == "no_match":
            for each in (0, 1):
                await ask(each, messages.Start(room=room))

    await in_parallel(1, act)


async def sign_in_again(one: Abuser) -> None:
    """A player with a password who signs in again and again."""
    _, body = await one.member()

    async def act(_: int) -> None:
        await one.call("POST", "/api/session", body)

    await in_parallel(8, act)


async def guess(one: Abuser) -> None:
    """Wrong passwords for one name, each from another network."""
    _, body = await one.member()
    networks = itertools.count(1)

    async def act(_: int) -> None:
        place = f"2001:db8:{next(networks):x}::1"
        wrong = body | {"password": f"wrong {random.random()}"}
        await one.call("POST", "/api/session", wrong, headers={"X-Forwarded-For": place})

    await in_parallel(8, act)


async def many_guests(one: Abuser) -> None:
    """Guests behind a proxy that does not say where they come from."""
    names = itertools.permutations(LETTERS, 6)

    async def act(_: int) -> None:
        body = {"name": f"Newcomer {''.join(next(names))}"}
        await one.call("POST", "/api/guests", body, headers={"X-Forwarded-Proto": "https"})

    await in_parallel(8, act)


async def read_histories(one: Abuser) -> None:
    """Lists of players, rooms and matches, without a pause."""
    cookie = await one.guest()
    player = msgspec.json.decode((await one.call("GET", "/api/session", cookie=cookie)).body)
    id = player["player"]["id"]
    paths = itertools.cycle(
        (
            f"/api/matches?player={id}",
            "/api/players?status=offline&limit=500",
            "/api/players?limit=500",
            f"/api/players/{id}/history",
        )
    )

    async def act(_: int) -> None:
        await one.call("GET", next(paths), cookie=cookie)

    await in_parallel(4, act)


async def read_matches(one: Abuser) -> None:
    """Private matches, one after another, and those who read the list of them, and all moves."""
    cookies = [await one.guest(), await one.guest()]
    clients = [await one.socket(each) for each in cookies]
    room = await one.room(cookies[0], clients[0])
    await clients[1].ask(messages.Join(room=room))
    session = await one.call("GET", "/api/session", cookie=cookies[0])
    player = msgspec.json.decode(session.body)["player"]["id"]

    async def play(_: int) -> None:
        for _ in range(4):
            for seat, client in enumerate(clients):
                await client.ask(messages.Act(room=room, action={"column": seat * 2}))
        for client in clients:
            await client.ask(messages.Start(room=room))
        await asyncio.sleep(0.2)

    async def read(_: int) -> None:
        found = await one.call("GET", f"/api/matches?player={player}&limit=100", cookie=cookies[0])
        if found.status != 200:
            await asyncio.sleep(0.05)
            return
        for match in msgspec.json.decode(found.body)["matches"]:
            await one.call("GET", f"/api/matches/{match['id']}", cookie=cookies[0])

    await asyncio.gather(in_parallel(1, play), in_parallel(40, read))


async def whole_rooms(one: Abuser) -> None:
    """A guest who asks for a room full of chat again and again."""
    cookies = [await one.guest() for _ in range(6)]
    talkers = [await one.socket(each) for each in cookies]
    room = await one.room(cookies[0], talkers[0])
    for talker in talkers[1:]:
        await talker.ask(messages.Join(room=room, spectate=True))
    await fill_chat(room, talkers)
    watch = encode_request(messages.Watch(topic=f"room:{room}")).encode()
    await flood(one, cookies[0], 10, watch)


async def fill_chat(room: str, talkers: list[Client]) -> None:
    """Say the longest lines, until the room keeps no more of them."""
    for _ in range(-(-50 // len(talkers))):
        for talker in talkers:
            await talker.ask(messages.Say(room=room, text=_EMOJI * 299))
        await asyncio.sleep(1.0)


async def whole_lobbies(one: Abuser) -> None:
    """A guest who asks for the lobby and the list of rooms again and again."""
    texts = (encode_request(messages.Watch(topic=each)).encode() for each in ("lobby", "rooms"))
    await flood(one, await one.guest(), 10, *texts)


async def come_and_go(one: Abuser) -> None:
    """A guest who enters a room, and leaves it again."""
    cookie = await one.guest()
    room = await one.room(cookie, await one.socket(cookie))
    topic = f"room:{room}"
    requests = (messages.Watch(topic=topic), messages.Unwatch(topic=topic))
    await flood(one, await one.guest(), 10, *(encode_request(each).encode() for each in requests))


async def swap_seats(one: Abuser) -> None:
    """Guests who leave their seats and take them again, in rooms full of chat."""

    async def act(_: int) -> None:
        cookies = [await one.guest(), await one.guest()]
        clients = [await one.socket(each) for each in cookies]
        room = await one.room(cookies[0], clients[0])
        await clients[1].ask(messages.Join(room=room))
        await fill_chat(room, clients)
        while True:
            for client in clients:
                await client.ask(messages.Leave(room=room))
                await client.ask(messages.Join(room=room))

    await in_parallel(12, act)


async def change_the_list_of_rooms(one: Abuser) -> None:
    """Guests who watch each other's rooms in turn, while others watch the list of rooms."""
    cookies = [await one.guest() for _ in range(40)]
    clients = [await one.socket(each) for each in cookies]
    rooms = [
        await one.room(cookie, client, private=False)
        for cookie, client in zip(cookies[:20], clients[:20], strict=True)
    ]
    for client in clients[20:30]:
        await client.ask(messages.Watch(topic="rooms"))

    async def act(number: int) -> None:
        client, topic = clients[30 + number], itertools.cycle(f"room:{each}" for each in rooms)
        while True:
            here = next(topic)
            await client.ask(messages.Watch(topic=here))
            await client.ask(messages.Unwatch(topic=here))

    await in_parallel(10, act)


async def watch_arenas(one: Abuser) -> None:
    """Guests who watch arenas in which bots play."""
    makers = [await one.guest() for _ in range(20)]
    rooms = []
    for first, second in zip(makers[::2], makers[1::2], strict=True):
        clients = [await one.socket(first), await one.socket(second)]
        room = await one.room(first, clients[0], "snake-arena", private=False)
        await clients[1].ask(messages.Join(room=room))
        await clients[0].ask(messages.Start(room=room))
        rooms.append(room)
    for _ in range(30):
        client = await one.socket(await one.guest())
        for room in rooms:
            await client.ask(messages.Watch(topic=f"room:{room}"))
    await asyncio.sleep(math.inf)


async def talk_too_long(one: Abuser) -> None:
    """Lines of chat of nearly 16 KiB."""
    cookie = await one.guest()
    room = await one.room(cookie, await one.socket(cookie))
    text = "a\t" * 5_000
    await flood(one, cookie, 5, encode_request(messages.Say(room=room, text=text)).encode())


async def hold_while_warned(one: Abuser) -> None:
    """A guest who waits for the warning, and then holds and releases."""
    cookie = await one.guest()
    client = await one.socket(cookie)
    await client.warned.wait()
    requests = (messages.Hold(seconds=60), messages.Release())
    await flood(one, cookie, 10, *(encode_request(each).encode() for each in requests))


async def search(one: Abuser) -> None:
    """A guest who stops a search that never began, and one who changes the game of theirs."""
    stop = encode_request(messages.QuickMatch(cancel=True)).encode()
    games = ("connect-four", "snake-arena", "trivia-round")
    change = [encode_request(messages.QuickMatch(game=each)).encode() for each in games]
    stopping, changing = await one.guest(), await one.guest()
    await asyncio.gather(flood(one, stopping, 10, stop), flood(one, changing, 10, *change))


async def search_together(one: Abuser) -> None:
    """Guests who search, and change their minds."""
    cookies = [await one.guest() for _ in range(60)]
    clients = [await one.socket(each) for each in cookies]

    async def act(number: int) -> None:
        await clients[number].ask(messages.QuickMatch(game="connect-four"))
        await clients[number].ask(messages.QuickMatch(cancel=True))
        await asyncio.sleep(1.0)

    await in_parallel(len(clients), act)


async def come_back(one: Abuser) -> None:
    """A guest whose sockets come and go."""
    cookie = await one.guest()

    async def act(_: int) -> None:
        client = await one.socket(cookie)
        await asyncio.sleep(0.02)
        client.leave()

    await in_parallel(20, act)


async def bursts(one: Abuser) -> None:
    """Guests whose sockets all use what they may send at the same instant."""
    look = client_frame(TEXT, encode_request(messages.Look()).encode())
    cookies = await asyncio.gather(*(one.guest() for _ in range(40)))
    clients = await asyncio.gather(*map(one.socket, cookies))
    while True:
        for client in clients:
            client.write(look * 95)
        await asyncio.sleep(2.5)


async def without_session(one: Abuser) -> None:
    """Sockets without a session that do not answer the close."""

    async def act(_: int) -> None:
        await keep_silent(one, _UPGRADE.encode(), 6.0)

    await in_parallel(200, act)


async def unread_answers(one: Abuser) -> None:
    """Requests for large answers, none of which is read."""
    request = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 16

    async def act(_: int) -> None:
        await keep_silent(one, request, 0.5)

    await in_parallel(20, act)


async def unread_messages(one: Abuser) -> None:
    """Sockets that ask for the lobby and the list of rooms, and read nothing."""
    cookie = await one.guest()
    watches = [encode_request(messages.Watch(topic=each)).encode() for each in ("lobby", "rooms")]
    data = b"".join(client_frame(TEXT, each) for each in watches) * 5

    async def act(_: int) -> None:
        upgrade = _UPGRADE.replace("\r\n\r\n", f"\r\nCookie: {cookie}\r\n\r\n")
        await keep_silent(one, upgrade.encode() + data, 10.0)

    await in_parallel(15, act)


async def keep_silent(one: Abuser, data: bytes, seconds: float) -> None:
    """Send something, read nothing for so long, and close."""
    loop = asyncio.get_running_loop()
    with socket.socket() as raw:
        raw.setblocking(False)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        await loop.sock_connect(raw, ("127.0.0.1", one.port))
        await loop.sock_sendall(raw, data)
        one.tally.sent += len(data)
        await asyncio.sleep(seconds)


ABUSES: tuple[Abuse, ...] = (
    match_after_match,
    sign_in_again,
    guess,
    many_guests,
    read_histories,
    read_matches,
    whole_rooms,
    whole_lobbies,
    come_and_go,
    swap_seats,
    change_the_list_of_rooms,
    watch_arenas,
    talk_too_long,
    hold_while_warned,
    search,
    search_together,
    come_back,
    bursts,
    without_session,
    unread_answers,
    unread_messages,
)
