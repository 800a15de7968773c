"""Routes WebSockets past the middleware for HTTP, straight to their endpoint."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from server.base.text import excerpt
from server.transport.by_call import Socket, Take
from server.wire.closing import POLICY_VIOLATION
from server.wire.credentials import is_secure
from server.wire.names import SOCKET_PATH
from server.wire.problem import Problem
from server.wire.proxies import TrustProxies


class RouteWebSockets:
    """Middleware that handles every socket.

    Each layer passed by a socket costs a step of each connect, a coroutine for as long as the
    socket lives, and a step of each message. Under our own transport, only sockets that
    `TakeSockets` refuses come here.
    """

    def __init__(self, app: ASGIApp, endpoint: ASGIApp) -> None:
        self._app = app
        self._endpoint = endpoint

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # Not `async`: that would be another coroutine.
        if scope["type"] != "websocket":
            return self._app(scope, receive, send)
        if scope["path"] == SOCKET_PATH:
            return self._endpoint(scope, receive, send)
        detail = f"There is no socket at {excerpt(scope['path'])}."
        return deny(scope, send, Problem(404, "not_found", detail))


class TakeSockets:
    """Offers the sockets at `/ws` to `take`, with the client's address from trusted proxies."""

    def __init__(
        self, take: Take, proxies: Sequence[str], note_silent: Callable[[str, bool], None]
    ) -> None:
        """`note_silent`: see `TrustProxies`."""
        self._take = take
        self._read_headers: Any = None
        if proxies:
            self._read_headers = TrustProxies(_nobody, proxies, note_silent)

    def __call__(self, scope: dict[str, Any], socket: Socket) -> bool:
        if scope["path"] != SOCKET_PATH:
            return False
        if self._read_headers is not None:
            # A copy: the application may be called with the original, and would apply the headers
            # again.
            scope = scope | {"client": socket.peer()}
            _finish(self._read_headers(scope, _nothing, _nothing))
        return self._take(scope, socket)


async def _nobody(*_: Any) -> None: ...


async def _nothing(*_: Any) -> Any: ...


def _finish(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never waits, without a task."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise RuntimeError(f"{coroutine} waits for something")


async def deny(scope: Scope, send: Send, problem: Problem) -> None:
    """Refuse an upgrade, with a response if the ASGI server supports one."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        return
    headers = problem.headers(is_secure=is_secure(scope))
    await send(
        {
            "type": "websocket.http.response.start",
            "status": problem.status,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "websocket.http.response.body", "body": problem.body})
