"""Baselines, on the same uvicorn, with the same options, on the same loop.

    python -m scripts.benchmarks.baselines echo
    python -m scripts.benchmarks.baselines plain IDLE_TIMEOUT WARN_BEFORE

    python -m scripts.benchmarks.baselines answers
    python -m scripts.benchmarks.baselines bare

`echo` is the least that an ASGI server can do with a WebSocket. `plain` is the obvious way:
Starlette, and a timer a player that each ping cancels and sets again. `answers` is Starlette
answering a sign-in and storing nothing. `bare` is the loop alone, without uvicorn: it accepts every
upgrade.
"""

import asyncio
import socket
import sys
from typing import Any

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from server.transport.frames import TEXT, frame
from server.transport.handshake import Opening
from server.transport.uvicorn import uvicorn_options
from server.wire.names import SOCKET_PATH

_BACKLOG = 2048


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Echoes messages. No JSON, no cookie, no clock."""
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        await send({"type": "websocket.send", "text": message["text"]})


class Plain:
    """A timer until the warning and one from there to the sign-out, for each player."""

    def __init__(self, idle_timeout: float, warn_before: float) -> None:
        self._idle_timeout = idle_timeout
        self._warn_before = warn_before
        self._timers: dict[str, asyncio.TimerHandle] = {}
        # The loop keeps only weak references to tasks.
        self._tasks: set[asyncio.Task[None]] = set()

    async def play(self, socket: WebSocket) -> None:
        """Serve one player."""
        await socket.accept()
        name = socket.query_params["name"]
        self._arm(name, socket)
        await socket.send_json({"type": "hello"})
        try:
            while True:
                message = await socket.receive_json()
                if message["type"] == "ping":
                    self._timers[name].cancel()
                    self._arm(name, socket)
                    await socket.send_json({"type": "pong", "expires_in": self._idle_timeout})
        except WebSocketDisconnect:
            pass
        finally:
            self._timers.pop(name).cancel()

    def _arm(self, name: str, socket: WebSocket) -> None:
        delay = self._idle_timeout - self._warn_before
        self._timers[name] = asyncio.get_running_loop().call_later(delay, self._warn, name, socket)

    def _warn(self, name: str, socket: WebSocket) -> None:
        self._run(socket.send_json({"type": "warning", "expires_in": self._warn_before}))
        loop = asyncio.get_running_loop()
        self._timers[name] = loop.call_later(
            self._warn_before, lambda: self._run(socket.close(4501, "idle_timeout"))
        )

    def _run(self, step: Any) -> None:
        task = asyncio.get_running_loop().create_task(step)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Bare(asyncio.Protocol):
    """Answers the first bytes with a 101 and a message as long as our `hello`."""

    _HELLO = frame(TEXT, b"x" * 560)
    _is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if self._is_open:
            return
        self._is_open = True
        key = data.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
        self._transport.write(Opening(key, []).accepted(None) + self._HELLO)


async def answer(request: Request) -> Response:
    """Answer a guest's sign-in with the same response as ours."""
    name = (await request.json())["name"]
    player = {"id": "p_" + "x" * 22, "name": name, "guest": True, "status": "active"}
    response = JSONResponse({"player": player, "session": {}, "policy": {}}, 201)
    response.set_cookie("session", "x" * 87, httponly=True, samesite="lax")
    return response


def _application(arguments: list[str]) -> ASGIApp:
    match arguments:
        case ["echo"]:
            return echo
        case ["answers"]:
            return Starlette(routes=[Route("/api/guests", answer, methods=["POST"])])
        case ["plain", idle_timeout, warn_before]:
            plain = Plain(float(idle_timeout), float(warn_before))
            return Starlette(routes=[WebSocketRoute(SOCKET_PATH, plain.play)])
        case _:
            sys.exit(__doc__)


async def _serve(app: ASGIApp) -> None:
    config = uvicorn.Config(
        app,
        lifespan="off",
        access_log=False,
        log_level="warning",
        backlog=_BACKLOG,
        **uvicorn_options(),
    )
    listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
    print(f"on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    await uvicorn.Server(config).serve(sockets=[listener])


async def _serve_bare() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listener:
        server = await asyncio.get_running_loop().create_server(Bare, sock=listener)
        print(f"on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        is_bare = sys.argv[1:] == ["bare"]
        runner.run(_serve_bare() if is_bare else _serve(_application(sys.argv[1:])))
