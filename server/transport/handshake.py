"""The opening handshake of a WebSocket (RFC 6455, 4.2): a request in, a scope or a response out.

Pure. The HTTP transport has parsed the request. Upgrades that are not plain (see `head.py`) are
validated by the websockets library.
"""

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha1
from typing import Any, NamedTuple

from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake
from websockets.http11 import Request as Handshake
from websockets.server import ServerProtocol

from server.base.text import excerpt
from server.transport.head import Upgrade
from server.transport.limits import Limits
from server.transport.request import Header, RequestHead, split_target
from server.transport.response import refusal, response
from server.wire.names import WEBSOCKET_VERSION
from server.wire.problem import Problem

_VERSION = WEBSOCKET_VERSION.encode()
_LISTS = (b"connection", b"sec-websocket-protocol")
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, 1.3: hashed together with the key."""


class Answer(NamedTuple):
    """A response, encoded."""

    status: int
    data: bytes


def upgrade_of(request: RequestHead, rest: bytes, limits: Limits) -> Upgrade:
    """Return the upgrade of `request`, which opens a WebSocket; `rest` came after it.

    Raises Problem if it is not valid: 400, or 426 for another version of the protocol.
    """
    # It may list other protocols too; this is the one.
    headers = [
        (b"upgrade", b"websocket"),
        *(header for header in request.headers if header[0] != b"upgrade"),
    ]
    if [value for name, value in headers if name == b"sec-websocket-version"] != [_VERSION]:
        raise Problem(
            426,
            "upgrade_required",
            f"The version of WebSocket spoken here is {WEBSOCKET_VERSION}.",
            {
                "connection": "Upgrade, close",
                "upgrade": "websocket",
                "sec-websocket-version": WEBSOCKET_VERSION,
            },
        )
    for listing in _LISTS:
        listed = sum(value.count(b",") + 1 for name, value in headers if name == listing)
        if listed > limits.most_listed:
            detail = f"{listing.decode()} of an upgrade lists at most {limits.most_listed}."
            raise Problem(400, "bad_request", detail)
    try:
        read = Headers()
        for name, value in headers:
            # ISO-8859-1 decodes any byte and encodes it back.
            read[name.decode("latin-1")] = value.decode("latin-1")
        ServerProtocol().process_request(
            Handshake(request.target.decode("ascii"), read, "GET", "HTTP/1.1")
        )
    except InvalidHandshake as error:
        detail = excerpt(f"This opens no WebSocket: {error}")
        raise Problem(400, "bad_request", detail) from None
    return Upgrade(request.target, headers, read["Sec-WebSocket-Key"].encode(), rest)


class Opening:
    """The answer of an application to an upgrade."""

    __slots__ = ("_default_headers", "_denial", "_key")

    def __init__(self, key: bytes, default_headers: list[Header]) -> None:
        """`default_headers` are added to every response."""
        self._key = key
        self._default_headers = default_headers
        self._denial: _Denial | None = None

    def answer(self, event: dict[str, Any]) -> Answer | None:
        """Return the response that an ASGI event completes, a 101 or another; None if there is
        more.

        Raises RuntimeError for an event out of order.
        """
        kind = event["type"]
        if self._denial is not None:
            if kind != "websocket.http.response.body":
                raise RuntimeError(f"Expected 'websocket.http.response.body', but got {kind!r}.")
            self._denial.body += event.get("body", b"")
            return None if event.get("more_body", False) else self._denied(self._denial)
        if kind == "websocket.accept":
            headers = event.get("headers", ())
            return Answer(101, self.accepted(event.get("subprotocol"), headers))
        if kind == "websocket.close":
            return self.refused(Problem(403, "refused", "This may not be opened here."))
        if kind != "websocket.http.response.start":
            raise RuntimeError(
                "Expected 'websocket.accept', 'websocket.close' or "
                f"'websocket.http.response.start', but got {kind!r}."
            )
        status = event["status"]
        if not 200 <= status < 600:
            raise RuntimeError(f"Expected the status of a response, but got {status!r}.")
        self._denial = _Denial(status, event.get("headers", ()))
        return None

    def accepted(self, subprotocol: str | None, headers: Iterable[Header] = ()) -> bytes:
        """Return the 101, with `headers` beside its own."""
        accept = b64encode(sha1(self._key + _GUID, usedforsecurity=False).digest())
        lines = [
            (b"Upgrade", b"websocket"),
            (b"Connection", b"Upgrade"),
            (b"Sec-WebSocket-Accept", accept),
            *self._default_headers,
            *headers,
        ]
        if subprotocol:
            lines.append((b"Sec-WebSocket-Protocol", subprotocol.encode()))
        return response(101, lines)

    def refused(self, problem: Problem) -> Answer:
        """Return a response without asking the application."""
        return Answer(problem.status, refusal(problem, self._default_headers))

    def _denied(self, denial: "_Denial") -> Answer:
        """Return a denial with the headers that every refusal has."""
        names = {name.lower() for name, _ in denial.headers}
        more = (
            (b"connection", b"close"),
            (b"content-length", b"%d" % len(denial.body)),
            *self._default_headers,
        )
        headers = [*denial.headers, *(header for header in more if header[0] not in names)]
        return Answer(denial.status, response(denial.status, headers, bytes(denial.body)))


class _Denial:
    """A response of the application other than 101, while it is received."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Iterable[Header]) -> None:
        self.status = status
        self.headers = [(bytes(name), bytes(value)) for name, value in headers]
        self.body = bytearray()


def scope_of(upgrade: Upgrade, root_path: str, **connection: Any) -> dict[str, Any]:
    """Return the ASGI scope (asgi.readthedocs.io, WebSocket 2.4); `connection` is added to it."""
    path, raw_path, query = split_target(upgrade.target, root_path)
    offered = b",".join(
        value for name, value in upgrade.headers if name == b"sec-websocket-protocol"
    ).decode("latin-1")
    return {
        "type": "websocket",
        "http_version": "1.1",
        "root_path": root_path,
        "path": path,
        "raw_path": raw_path,
        "query_string": query,
        "headers": upgrade.headers,
        "subprotocols": [token.strip() for token in offered.split(",") if token.strip()],
        "extensions": {"websocket.http.response": {}},
        **connection,
    }
