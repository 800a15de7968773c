"""What ours is held against, on the same uvicorn, with the same options, on the same loop.

    python -m scripts.benchmarks.baselines echo
    python -m scripts.benchmarks.baselines plain IDLE_TIMEOUT WARN_BEFORE

`echo` is the least that an ASGI server can do with a WebSocket. `plain` is the way everybody
writes it first: Starlette, and a timer a player that each ping cancels and arms anew.
"""

import asyncio
import socket
import sys
from typing import Any

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from server.transport.uvicorn import uvicorn_options

_BACKLOG = 2048


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends back what it is sent. No JSON, no cookie, no clock."""
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
    """One timer until the warning and one from there to the sign-out, for each player."""

    def __init__(self, idle_timeout: float, warn_before: float) -> None:
        self._idle_timeout = idle_timeout
        self._warn_before = warn_before
        self._timers: dict[str, asyncio.TimerHandle] = {}
        # The loop holds tasks weakly.
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


def _application(arguments: list[str]) -> ASGIApp:
    match arguments:
        case ["echo"]:
            return echo
        case ["plain", idle_timeout, warn_before]:
            plain = Plain(float(idle_timeout), float(warn_before))
            return Starlette(routes=[WebSocketRoute("/ws", plain.play)])
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


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(_application(sys.argv[1:])))
