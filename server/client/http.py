"""One HTTP exchange on a connection of its own."""

import asyncio
import ssl
from dataclasses import dataclass, field

import h11

from server.client.address import Address
from server.client.errors import Unreachable
from server.client.limits import Limits


@dataclass(slots=True)
class Response:
    """What was answered; names of headers are in lower case."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for key, value in self.headers if key == name), None)


async def exchange(
    address: Address,
    method: str,
    path: str,
    headers: list[tuple[str, str]],
    body: bytes,
    *,
    tls: ssl.SSLContext | None,
    limits: Limits,
) -> Response:
    """Send one request, and return the answer. Raises Unreachable. Cancelling drops the connection.

    A client calls every few minutes: a connection that is kept would be closed by the server before
    the next call, and a call that meets the close in flight cannot be repeated.
    """
    head = [
        ("Host", address.netloc),
        ("Connection", "close"),
        ("Content-Length", str(len(body))),
        *headers,
    ]
    request = h11.Request(method=method, target=address.path + path, headers=head)
    try:
        async with asyncio.timeout(limits.call_within):
            return await _exchange(address, request, body, tls, limits.largest_message)
    except TimeoutError:
        raise Unreachable(f"{address.url} did not answer within {limits.call_within:g} s") from None
    except OSError as error:
        why = error.strerror or str(error) or type(error).__name__
        raise Unreachable(f"{address.url} cannot be reached: {why}") from None
    except h11.ProtocolError as error:
        raise Unreachable(f"{address.url} does not answer in HTTP: {error}") from None


async def _exchange(
    address: Address, request: h11.Request, body: bytes, tls: ssl.SSLContext | None, largest: int
) -> Response:
    reader, writer = await asyncio.open_connection(address.host, address.port, ssl=tls)
    try:
        connection = h11.Connection(h11.CLIENT)
        for sent in (request, h11.Data(data=body), h11.EndOfMessage()):
            writer.write(connection.send(sent))
        response = Response()
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Response):
                response.status = event.status_code
                response.headers = [
                    (name.decode("latin-1"), value.decode("latin-1"))
                    for name, value in event.headers
                ]
            elif isinstance(event, h11.Data):
                response.body += event.data
                if len(response.body) > largest:
                    raise OSError(f"an answer of more than {largest} bytes")
            elif isinstance(event, h11.EndOfMessage):
                return response
            elif isinstance(event, h11.ConnectionClosed):
                raise ConnectionResetError("the connection was closed without an answer")
    finally:
        writer.close()
