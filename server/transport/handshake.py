"""The opening handshake of a WebSocket (RFC 6455, 4.2): a request in, a response or a scope out.

Pure. What makes an upgrade valid that is not plain (see `head.py`) is left to the websockets
library; here are the limits, which there end in a connection that is held for ever without an
answer.
"""

import re
from base64 import b64encode
from collections.abc import Iterable
from email.utils import formatdate
from hashlib import sha1
from http.client import responses
from typing import Any, NamedTuple
from urllib.parse import unquote

from websockets.datastructures import Headers
from websockets.exceptions import InvalidHeader
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from server.transport.head import TOKEN, Upgrade
from server.transport.limits import Limits
from server.transport.request import Header

_IS_TOKEN = re.compile(TOKEN).fullmatch

_VERSION = "13"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, 1.3: what the key is hashed with."""

_SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"

_PHRASES = {
    400: "Bad Request",
    405: "Method Not Allowed",
    403: "Forbidden",
    426: "Upgrade Required",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class HandshakeRefused(Exception):
    """An upgrade that is answered with an HTTP status instead of 101."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class Answer(NamedTuple):
    """A response, as it is sent."""

    status: int
    data: bytes


class Opening:
    """One opening handshake: the request as it comes in, and the application's answer to it."""

    __slots__ = ("_denial", "_head", "_key", "_limits")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._head = b""
        self._key: bytes | None = None
        self._denial: Response | None = None

    @property
    def is_read(self) -> bool:
        """The request was complete and valid."""
        return self._key is not None

    def take(self, upgrade: Upgrade) -> None:
        """The request that has been read already."""
        self._key = upgrade.key

    def feed(self, data: bytes) -> Upgrade | None:
        """The request; None as long as it is incomplete.

        Raises HandshakeRefused for one that is too large or not valid.
        """
        head = self._head = self._head + data
        end = head.find(b"\r\n\r\n") + 4
        if end < 4:
            if len(head) > self._limits.largest_header:
                raise _too_large()
            return None
        request = read_request(head[:end], self._limits)
        validate(request)
        headers = [
            (name.lower().encode("ascii"), value.encode("latin-1"))
            for name, value in request.headers.raw_items()
        ]
        self._key = request.headers["Sec-WebSocket-Key"].encode()
        self._head = b""
        return Upgrade(request.path.encode("ascii"), headers, self._key, head[end:])

    def answer(self, event: dict[str, Any], default_headers: Iterable[Header]) -> Answer | None:
        """The response that an ASGI event completes: a 101, or another; None: there is more of it.

        `default_headers` are for a 101. Raises RuntimeError for an event out of order.
        """
        kind = event["type"]
        if self._denial is not None:
            if kind != "websocket.http.response.body":
                raise RuntimeError(f"Expected 'websocket.http.response.body', but got {kind!r}.")
            self._denial.body = bytes(self._denial.body or b"") + event.get("body", b"")
            return None if event.get("more_body", False) else _completed(self._denial)
        if kind == "websocket.accept":
            return self._accepted(event, default_headers)
        if kind == "websocket.close":
            return _completed(refusal(403, ""))
        if kind != "websocket.http.response.start":
            raise RuntimeError(
                "Expected 'websocket.accept', 'websocket.close' or "
                f"'websocket.http.response.start', but got {kind!r}."
            )
        status = event["status"]
        if not 200 <= status < 600:
            raise RuntimeError(f"Expected the status of a response, but got {status!r}.")
        self._denial = Response(status, responses.get(status, ""), Headers())
        _add(self._denial.headers, event.get("headers", ()))
        return None

    def _accepted(self, event: dict[str, Any], default_headers: Iterable[Header]) -> Answer:
        assert self._key is not None
        accept = b64encode(sha1(self._key + _GUID, usedforsecurity=False).digest())
        lines = [_SWITCHING, b"Sec-WebSocket-Accept: ", accept, b"\r\n"]
        for headers in (default_headers, event.get("headers", ())):
            for name, value in headers:
                lines += (name, b": ", value, b"\r\n")
        if subprotocol := event.get("subprotocol"):
            lines += (b"Sec-WebSocket-Protocol: ", subprotocol.encode(), b"\r\n")
        lines.append(b"\r\n")
        return Answer(101, b"".join(lines))


def _add(headers: Headers, more: Iterable[Header]) -> None:
    for name, value in more:
        headers[bytes(name).decode("latin-1")] = bytes(value).decode("latin-1")


def _completed(response: Response) -> Answer:
    """With the headers that every refusal has."""
    for name, value in (
        ("Date", formatdate(usegmt=True)),
        ("Connection", "close"),
        ("Content-Length", str(len(response.body or b""))),
    ):
        response.headers.setdefault(name, value)
    return Answer(response.status_code, response.serialize())


def _too_large() -> HandshakeRefused:
    return HandshakeRefused(refusal(431, "The header of this request is too large.\n"))


def refusal(status: int, detail: str) -> Response:
    """A plain-text response that ends the connection."""
    body = detail.encode()
    headers = Headers(
        {
            "Content-Type": "text/plain; charset=utf-8",
            "Content-Length": str(len(body)),
            "Connection": "close" if status != 426 else "Upgrade, close",
            "Date": formatdate(usegmt=True),
        }
    )
    return Response(status, _PHRASES[status], headers, body)


def read_request(head: bytes, limits: Limits) -> Request:
    """The request in `head`, which ends with the empty line, as an HTTP server has checked it.

    Raises HandshakeRefused for what is too large (431) or can be no upgrade (400, 405).
    """
    lines = head.split(b"\r\n")
    if (
        len(head) > limits.largest_header
        or len(lines) - 3
        > limits.most_header_lines  # the request line, and two empty ones at the end
        or max(map(len, lines)) > limits.longest_header_line
    ):
        raise _too_large()
    try:
        method, path, protocol = lines[0].decode("ascii").split(" ")
        headers = Headers()
        for line in lines[1:-2]:
            name, colon, value = line.partition(b":")
            if not colon or not _IS_TOKEN(name) or b"\0" in value:
                raise ValueError(name)
            # ISO-8859-1 takes any byte and gives it back.
            headers[name.decode()] = value.decode("latin-1").strip(" \t")
    except (ValueError, InvalidHeader):
        raise HandshakeRefused(refusal(400, "This request cannot be read.\n")) from None
    if method != "GET":
        response = refusal(405, "A WebSocket is opened with GET.\n")
        response.headers["Allow"] = "GET"
        raise HandshakeRefused(response)
    if "Transfer-Encoding" in headers or set(headers.get_all("Content-Length")) - {"0"}:
        raise HandshakeRefused(refusal(400, "A WebSocket is opened without a body.\n"))
    return Request(path, headers, method, protocol)


def validate(request: Request) -> None:
    """Raises HandshakeRefused for an upgrade that is not valid."""
    if request.headers.get_all("Sec-WebSocket-Version") != [_VERSION]:
        response = refusal(426, f"The version of WebSocket spoken here is {_VERSION}.\n")
        response.headers["Upgrade"] = "websocket"
        response.headers["Sec-WebSocket-Version"] = _VERSION
        raise HandshakeRefused(response)
    response = ServerProtocol().accept(request)
    if response.status_code != 101:
        raise HandshakeRefused(response)


def scope_of(upgrade: Upgrade, root_path: str, **connection: Any) -> dict[str, Any]:
    """The ASGI scope (asgi.readthedocs.io, WebSocket 2.4), with what is known of the connection."""
    raw_path, _, query = upgrade.target.partition(b"?")
    path = raw_path.decode("ascii")
    offered = b",".join(
        value for name, value in upgrade.headers if name == b"sec-websocket-protocol"
    ).decode("latin-1")
    return {
        "type": "websocket",
        "http_version": "1.1",
        "root_path": root_path,
        "path": root_path + (unquote(path) if "%" in path else path),
        "raw_path": root_path.encode("ascii") + raw_path,
        "query_string": query,
        "headers": upgrade.headers,
        "subprotocols": [token.strip() for token in offered.split(",") if token.strip()],
        "extensions": {"websocket.http.response": {}},
        **connection,
    }
