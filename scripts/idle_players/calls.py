"""The few HTTP calls a player makes, each on a connection of its own.

Not a client library: none is needed to run the server, and one with a cookie jar would hand each
new guest the cookie of the one before, which the server takes as the same browser coming again.
"""

import asyncio
import json
import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httptools

PATIENCE = 30.0
"""Seconds to wait for an answer."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Unreachable(Exception):
    """Nobody answers there, or not in HTTP; the message is a sentence."""


@dataclass(slots=True)
class Answer:
    """A response. `cookie` is the session's `name=value`, where one was set."""

    status: int = 0
    cookie: str = ""
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def is_ours(self) -> bool:
        """Whether a Still Here server gave it: a new session, or problem details (RFC 9457)."""
        try:
            said = self.json()
        except ValueError:
            return False
        return isinstance(said, dict) and ("policy" in said or "code" in said)

    @property
    def problem(self) -> str:
        """What the server says is wrong: its code and its sentence."""
        said = self.json()
        return f"{self.status} {said['code']}: {said['detail']}"


@dataclass(frozen=True)
class Address:
    """Where the server is."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Raises ValueError with a sentence."""
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError(f"{url!r} is no address of a server; write http://127.0.0.1:8000")
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
        return cls(parts.scheme, parts.hostname, port, parts.path.rstrip("/"))

    @property
    def netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.path}"

    @property
    def socket_url(self) -> str:
        return f"{'wss' if self.scheme == 'https' else 'ws'}://{self.netloc}{self.path}/ws"

    @property
    def is_this_machine(self) -> bool:
        """Whether the server goes by the same monotonic clock as we do."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")


async def call(
    address: Address, method: str, path: str, *, cookie: str = "", body: Any = None
) -> Answer:
    """Make one request. Raises Unreachable. Cancelling drops the connection."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await _call(address, _request(address, method, path, cookie, body))
    except TimeoutError:
        raise Unreachable(f"{address.url} did not answer within {PATIENCE:g} s") from None
    except OSError as error:
        raise Unreachable(f"{address.url} cannot be reached: {_words(error)}") from None
    except httptools.HttpParserError as error:
        raise Unreachable(f"{address.url} does not answer in HTTP: {error}") from None


async def _call(address: Address, request: bytes) -> Answer:
    tls = ssl.create_default_context() if address.scheme == "https" else None
    reader, writer = await asyncio.open_connection(address.host, address.port, ssl=tls)
    try:
        writer.write(request)
        response = _Response()
        while not response.is_complete:
            received = await reader.read(65536)
            if not received:
                raise ConnectionResetError("the connection was closed without an answer")
            response.feed(received)
        return response.answer
    finally:
        writer.close()


def _request(address: Address, method: str, path: str, cookie: str, body: Any) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    lines = [
        f"{method} {address.path}{path} HTTP/1.1",
        f"Host: {address.netloc}",
        "Connection: close",
        f"Content-Length: {len(content)}",
    ]
    if body is not None:
        lines.append("Content-Type: application/json")
    if cookie:
        lines.append(f"Cookie: {cookie}")
    return "\r\n".join([*lines, "", ""]).encode() + content


def _words(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


@dataclass
class _Response:
    """Feeds the parser and hears from it."""

    answer: Answer = field(default_factory=Answer)
    is_complete: bool = False

    def __post_init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, received: bytes) -> None:
        self._parser.feed_data(received)

    # What the parser calls

    def on_header(self, name: bytes, value: bytes) -> None:
        pair = value.decode("latin-1").partition(";")[0]
        if name.lower() == b"set-cookie" and pair.partition("=")[0].endswith("session"):
            self.answer.cookie = pair

    def on_body(self, body: bytes) -> None:
        self.answer.body += body

    def on_message_complete(self) -> None:
        self.answer.status = self._parser.get_status_code()
        self.is_complete = True
