"""The few HTTP calls a player makes, each on a connection of its own.

Not a client library: none is needed to run the server, and one with a cookie jar would hand each
new guest the cookie of the one before, which the server takes as the same browser coming again.
"""

import asyncio
import json
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import h11

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
    except h11.ProtocolError as error:
        raise Unreachable(f"{address.url} does not answer in HTTP: {error}") from None


async def _call(address: Address, events: list[h11.Request | h11.Data]) -> Answer:
    tls = ssl.create_default_context() if address.scheme == "https" else None
    reader, writer = await asyncio.open_connection(address.host, address.port, ssl=tls)
    try:
        connection = h11.Connection(h11.CLIENT)
        for sent in (*events, h11.EndOfMessage()):
            writer.write(connection.send(sent))
        answer = Answer()
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                received = await reader.read(65536)
                if not received:
                    raise ConnectionResetError("the connection was closed without an answer")
                connection.receive_data(received)
            elif isinstance(event, h11.Response):
                answer.status = event.status_code
                answer.cookie = _session_cookie(event)
            elif isinstance(event, h11.Data):
                answer.body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return answer
    finally:
        writer.close()


def _request(
    address: Address, method: str, path: str, cookie: str, body: Any
) -> list[h11.Request | h11.Data]:
    content = b"" if body is None else json.dumps(body).encode()
    headers = [
        ("Host", address.netloc),
        ("Connection", "close"),
        ("Content-Length", str(len(content))),
    ]
    if body is not None:
        headers.append(("Content-Type", "application/json"))
    if cookie:
        headers.append(("Cookie", cookie))
    target = address.path + path
    return [h11.Request(method=method, target=target, headers=headers), h11.Data(data=content)]


def _session_cookie(response: h11.Response) -> str:
    """The last session cookie that the response sets, as `name=value`."""
    found = ""
    for name, value in response.headers:
        pair = value.decode("latin-1").partition(";")[0]
        if name == b"set-cookie" and pair.partition("=")[0].endswith("session"):
            found = pair
    return found


def _words(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
