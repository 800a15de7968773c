"""A server that behaves as the real one does only when something is wrong."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from server.base.ids import ConnectionId, PlayerId, SessionId
from server.client import Limits
from server.presence.status import Status
from server.wire.messages import Hello
from server.wire.views import PlayerView, PolicyView, SessionClocks, SessionView

QUICK = Limits(first_pause=0.01, longest_pause=0.02, close_within=0.1)
"""For clients that lose their connection often."""

PLAYER = PlayerView(PlayerId("p_ada"), "Ada", guest=True, status=Status.ACTIVE)
CLOCKS = SessionClocks(SessionId("s_1"), 300.0, 240.0, 43_200.0, remember=False)
POLICY = PolicyView(120.0, 60.0, 300.0, 43_200.0, 5.0, 30.0)
VIEW = SessionView(PLAYER, CLOCKS, POLICY)
HELLO = Hello(PLAYER, CLOCKS, POLICY, "1.0", ConnectionId("c_1"))

Behaviour = Callable[[ServerConnection], Awaitable[None]]


class FakeServer:
    """Answers GET /api/session, and treats each connection as the next of `behaviours` says; the
    last one applies to all that follow."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self.behaviours = list(behaviours)
        self.came: list[ServerConnection] = []
        self.url = ""

    async def handle(self, socket: ServerConnection) -> None:
        behave = self.behaviours[min(len(self.came), len(self.behaviours) - 1)]
        self.came.append(socket)
        await behave(socket)

    def answer(self, socket: ServerConnection, request: Request) -> Response | None:
        if request.path == "/ws":
            return None
        headers = Headers({"Content-Type": "application/json", "Connection": "close"})
        body = msgspec.json.encode(VIEW)
        headers["Content-Length"] = str(len(body))
        return Response(HTTPStatus.OK, "OK", headers, body)


async def greet(socket: ServerConnection) -> None:
    """Say `hello`, then ignore the client."""
    await socket.send(msgspec.json.encode(HELLO).decode())
    await socket.wait_closed()


def greet_and_close(code: int) -> Behaviour:
    """Say `hello`, and close with `code`; 1006 means without a closing handshake."""

    async def behave(socket: ServerConnection) -> None:
        await socket.send(msgspec.json.encode(HELLO).decode())
        if code == 1006:
            await asyncio.sleep(0.01)
            socket.transport.abort()
        else:
            await socket.close(code)

    return behave


@asynccontextmanager
async def run_fake(*behaviours: Behaviour) -> AsyncIterator[FakeServer]:
    """Serve until the context ends."""
    fake = FakeServer(*behaviours)
    server: Server
    async with serve(
        fake.handle, "127.0.0.1", 0, process_request=fake.answer, close_timeout=0.1
    ) as server:
        fake.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield fake
