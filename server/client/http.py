"""HTTP exchanges: a request, and its response."""

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Self

import h11

from server.client.address import Address
from server.client.errors import Unreachable
from server.client.limits import Limits

_END = h11.EndOfMessage()

_PORTION = 65_536
"""Bytes read at a time: as many as asyncio buffers."""


@dataclass(slots=True)
class Response:
    """A response; names of headers are in lower case."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)

    def header(self, name: str) -> str | None:
        """Return the first header of that name."""
        return next((value for key, value in self.headers if key == name), None)


class HttpConnection:
    """A connection for exchanges, one after the other."""

    def __init__(
        self,
        address: Address,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        limits: Limits,
    ) -> None:
        self._address = address
        self._reader = reader
        self._writer = writer
        self._largest = limits.largest_message
        self._state = h11.Connection(h11.CLIENT)

    @classmethod
    async def open(
        cls,
        address: Address,
        *,
        tls: ssl.SSLContext | None = None,
        limits: Limits = Limits(),
    ) -> Self:
        """Connect. Raises OSError."""
        reader, writer = await asyncio.open_connection(address.host, address.port, ssl=tls)
        return cls(address, reader, writer, limits)

    async def exchange(
        self, method: str, path: str, headers: list[tuple[str, str]], body: bytes
    ) -> Response:
        """Send a request, and return the response. Raises OSError or h11.ProtocolError. After a
        cancellation the connection is unusable."""
        head = [("Host", self._address.netloc), ("Content-Length", str(len(body))), *headers]
        request = h11.Request(method=method, target=self._address.path + path, headers=head)
        state = self._state
        if state.our_state is h11.DONE:
            state.start_next_cycle()
        self._writer.write(
            b"".join(state.send(each) or b"" for each in (request, h11.Data(data=body), _END))
        )
        response = Response()
        while True:
            event = state.next_event()
            if event is h11.NEED_DATA:
                state.receive_data(await self._reader.read(_PORTION))
            elif isinstance(event, h11.Response):
                response.status = event.status_code
                response.headers = [
                    (name.decode("latin-1"), value.decode("latin-1"))
                    for name, value in event.headers
                ]
            elif isinstance(event, h11.Data):
                response.body += event.data
                if len(response.body) > self._largest:
                    raise OSError(f"an answer of more than {self._largest} bytes")
            elif isinstance(event, h11.EndOfMessage):
                return response
            elif isinstance(event, h11.ConnectionClosed):
                raise ConnectionResetError("the connection was closed without an answer")

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


async def exchange(
    address: Address,
    method: str,
    path: str,
    headers: list[tuple[str, str]],
    body: bytes,
    *,
    tls: ssl.SSLContext | None = None,
    limits: Limits = Limits(),
) -> Response:
    """Make one exchange on a new connection. Raises Unreachable. Cancelling drops the connection.

    A client makes a call every few minutes: the server would close a kept connection before the
    next one, and a call that crosses the close cannot be repeated safely.
    """
    try:
        async with asyncio.timeout(limits.call_within):
            connection = await HttpConnection.open(address, tls=tls, limits=limits)
            try:
                headers = [*headers, ("Connection", "close")]
                return await connection.exchange(method, path, headers, body)
            finally:
                connection.close()
    except TimeoutError:
        raise Unreachable(f"{address.url} did not answer within {limits.call_within:g} s") from None
    except OSError as error:
        why = error.strerror or str(error) or type(error).__name__
        raise Unreachable(f"{address.url} cannot be reached: {why}") from None
    except h11.ProtocolError as error:
        raise Unreachable(f"{address.url} does not answer in HTTP: {error}") from None
