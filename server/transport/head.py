"""The head of a plain upgrade, parsed in one pass (RFC 9112; RFC 6455, 4.2.1). Pure.

Nearly every socket is opened like this: the whole head in the first bytes of a connection, each
header once, nothing unusual. Any other request is left to `http.py`, `request.py` and
`handshake.py`, which refuse it, or get the same result.
"""

import re
from typing import NamedTuple

from server.transport.limits import Limits
from server.transport.request import TOKEN, Header, is_host
from server.wire.names import WEBSOCKET_VERSION

_match = re.compile(rb"GET (/[!-~]*) HTTP/1\.1\r\n((?:%b:[\t -~]*\r\n)+)\r\n" % TOKEN).match
_is_key = re.compile(rb"[0-9A-Za-z+/]{21}[AQgw]==").fullmatch
_is_list = re.compile(rb"%b(?:, ?%b)*" % (TOKEN, TOKEN)).fullmatch

_VERSION = WEBSOCKET_VERSION.encode()
_CONNECTION = frozenset({b"upgrade", b"keep-alive, upgrade"})
_WITH_BODY = frozenset({b"content-length", b"transfer-encoding", b"expect"})
"""Headers of requests with a body."""


class Upgrade(NamedTuple):
    """A valid request for a WebSocket. Names of headers are in lower case."""

    target: bytes
    headers: list[Header]
    key: bytes
    """The client's nonce, from which the answer is derived."""
    rest: bytes
    """What came after the head."""


def read_upgrade(data: bytes, limits: Limits) -> Upgrade | None:
    """Parse the upgrade at the beginning of `data`, the first bytes of a connection; return None if
    it is not plain, or not complete."""
    match = _match(data, 0, min(limits.largest_header, limits.longest_header_line))
    if match is None:
        return None
    lines = match[2].split(b"\r\n")
    headers: dict[bytes, bytes] = {}
    for line in lines[:-1]:
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip(b" \t")
    if not (
        len(headers) == len(lines) - 1 <= limits.most_header_lines  # no duplicates
        # Removed here, and put first, as in `upgrade_of`.
        and headers.pop(b"upgrade", b"").lower() == b"websocket"
        and headers.get(b"connection", b"").lower() in _CONNECTION
        and headers.get(b"sec-websocket-version") == _VERSION
        and _is_key(key := headers.get(b"sec-websocket-key", b""))
        and _is_list(headers.get(b"sec-websocket-protocol", b"none"))
        and is_host(headers.get(b"host", b" "))
        and _WITH_BODY.isdisjoint(headers)
    ):
        return None
    return Upgrade(
        match[1], [(b"upgrade", b"websocket"), *headers.items()], key, data[match.end() :]
    )
