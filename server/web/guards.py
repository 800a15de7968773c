"""Guards of all requests: pure ASGI middleware, outermost first.

A guard refuses with problem details; a refused request has changed nothing.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.observe.audit import Audit
from server.web.limits import Limits
from server.web.problems import response_to
from server.wire.credentials import client_address, is_own_origin, is_secure, origin_of
from server.wire.headers import header
from server.wire.names import JSON
from server.wire.problem import Problem, browser_headers, not_json, too_large

CHALLENGE = 'Cookie realm="Still Here"'
"""For every 401 (RFC 9110, 15.5.2: a MUST). Browsers do not know the scheme, so none prompts."""

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
"""Methods that change nothing (RFC 9110, 9.2.1), which pages of any origin may use."""

_ADDED = {
    by_tls: [
        (name.encode(), value.encode())
        for name, value in {
            **browser_headers(is_secure=by_tls),
            "cache-control": "no-store",
        }.items()
    ]
    for by_tls in (False, True)
}
"""For every response that has none of that name: by TLS or not. Names are in lower case."""


class AddSecurityHeaders:
    """Adds the headers for browsers to every response; API answers are never cached."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = list(message.get("headers", ()))
                names = {name for name, _ in own}
                added = _ADDED[is_secure(scope)]
                message["headers"] = [*own, *(each for each in added if each[0] not in names)]
                if message["status"] == 401:
                    message["headers"].append((b"www-authenticate", CHALLENGE.encode()))
            await send(message)

        await self._app(scope, receive, send_with_headers)


class RefuseCrossOrigin:
    """Refuses unsafe methods from pages of other origins (OWASP CSRF cheat sheet).

    By `Sec-Fetch-Site`, which a page cannot forge, or by `Origin` for browsers too old to send it.
    A client that sends neither is not a browser, and not subject to cross-site requests.
    """

    def __init__(self, app: ASGIApp, allowed_origins: tuple[str, ...], audit: Audit) -> None:
        self._app = app
        self._audit = audit
        self._allowed_origins = allowed_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS or self._is_from_here(scope):
            await self._app(scope, receive, send)
            return
        self._audit.refused("cross_origin", client_address(scope))
        detail = "A page of another origin may not do this."
        problem = Problem(403, "cross_origin", detail)
        await response_to(problem)(scope, receive, send)

    def _is_from_here(self, scope: Scope) -> bool:
        origin = origin_of(scope)
        site = header(scope, b"sec-fetch-site")
        if site is not None and site.lower() in ("same-origin", "none"):
            return True
        if site is not None:
            return origin is not None and origin.lower() in self._allowed_origins
        return origin is None or is_own_origin(scope, origin, self._allowed_origins)


class RequireJson:
    """Refuses bodies that are not declared as JSON, which forms cannot do (ASVS 5.0, 3.5.2).

    Also refuses declared lengths that are too large; `TakeBody` checks the actual ones.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._largest = limits.largest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = _refusal(scope, self._largest) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await response_to(problem)(scope, receive, send)


class TakeBody:
    """Reads the whole body before the request is handled: one that is too large, or never arrives,
    changes nothing, whether its route reads a body or not."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._largest = limits.largest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return  # the client has disconnected
            body += message.get("body", b"")
            if len(body) > self._largest:
                await response_to(too_large("A body", self._largest))(scope, receive, send)
                return
            if not message.get("more_body", False):
                break
        whole: Message | None = {"type": "http.request", "body": bytes(body), "more_body": False}

        async def receive_whole() -> Message:
            nonlocal whole
            if whole is None:
                return await receive()
            message, whole = whole, None
            return message

        await self._app(scope, receive_whole, send)


def says_json(scope: Scope) -> bool:
    """Return True if a request declares its body as JSON."""
    declared = header(scope, b"content-type") or ""
    return declared.partition(";")[0].strip().lower() == JSON


def _refusal(scope: Scope, largest: int) -> Problem | None:
    length = _length(scope)
    if len(length) > 9 or int(length or "0") > largest:
        return too_large("A body", largest)
    if scope["method"] in SAFE_METHODS or not _has_body(scope) or says_json(scope):
        return None
    return not_json()


def _has_body(scope: Scope) -> bool:
    return _length(scope) != "" or header(scope, b"transfer-encoding") is not None


def _length(scope: Scope) -> str:
    """Return the declared length unless it is 0; digits, as the transport guarantees."""
    return (header(scope, b"content-length") or "").lstrip("0")
