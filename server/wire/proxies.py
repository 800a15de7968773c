"""Trusted proxies, which say who their clients are."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from server.wire.credentials import place_of
from server.wire.headers import header


class TrustProxies(ProxyHeadersMiddleware):
    """Applies the headers of trusted proxies to a scope, and reports one that does not tell the
    address of its client."""

    def __init__(
        self, app: ASGIApp, proxies: Sequence[str], note_silent: Callable[[str, bool], None]
    ) -> None:
        """`note_silent` gets the proxy's address, and whether limits by address apply to its
        clients."""
        super().__init__(app, list(proxies))  # type: ignore[arg-type]
        self._note_silent = note_silent

    def __call__(  # type: ignore[override]
        self, scope: Scope, receive: Receive, send: Send
    ) -> Coroutine[Any, Any, None]:
        # Not `async`: that would be another coroutine.
        client = scope.get("client")
        if client and _has_limits(scope) and not header(scope, b"x-forwarded-for"):
            address: str = client[0]
            if address in self.trusted_hosts:
                self._note_silent(address, bool(place_of(scope).networks))
        return super().__call__(scope, receive, send)  # type: ignore[arg-type]


def _has_limits(scope: Scope) -> bool:
    # Not for pages, nor for what this machine's own monitoring asks.
    path: str = scope["path"]
    return scope["type"] == "websocket" or path.startswith("/api/")
