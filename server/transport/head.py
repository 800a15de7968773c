"""Plain requests, parsed in one pass (RFC 9112; RFC 6455, 4.2.1). Pure.

Nearly every request is plain: a whole head in one read, each header once, nothing unusual. Any
other is left to h11, with `request.py` and `handshake.py`, which refuse it, or get the same result.
"""

import re
from typing import NamedTuple

from server.transport.limits import Limits
from server.transport.request import TOKEN, Header, RequestHead, is_host
from server.wire.names import WEBSOCKET_VERSION

_match = re.compile(rb"([A-Z]+) (/[!-~]*) HTTP/1\.1\r\n((?:%b:[\t -~]*\r\n)+)\r\n" % TOKEN).match
_is_key = re.compile(rb"[0-9A-Za-z+/]{21}[AQgw]==").fullmatch
_is_list = re.compile(rb"%b(?:, ?%b)*" % (TOKEN, TOKEN)).fullmatch
_is_length = re.compile(rb"0|[1-9][0-9]{0,8}").fullmatch

_VERSION = WEBSOCKET_VERSION.encode()
_CONNECTION = frozenset({b"upgrade", b"keep-alive, upgrade"})
_WITH_BODY = frozenset({b"content-length", b"transfer-encoding", b"expect"})
"""Headers of requests with a body."""

_METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"DELETE"})
_UNUSUAL = frozenset({b"transfer-encoding", b"expect", b"upgrade"})
"""Headers of requests whose end, or whose protocol, is not that of most."""


class Upgrade(NamedTuple):
    """A valid request for a WebSocket. Names of headers are in lower case."""

    target: bytes
    headers: list[Header]
    key: bytes
    """The client's nonce, from which the answer is derived."""
    rest: bytes
    """What came after the head."""


class WholeRequest(NamedTuple):
    """A valid request that has arrived whole."""

    head: RequestHead
    body: bytes
    rest: bytes
    """What came after it."""


class _Head(NamedTuple):
    method: bytes
    target: bytes
    headers: dict[bytes, bytes]
    end: int


def read_upgrade(data: bytes, limits: Limits) -> Upgrade | None:
    """Parse the upgrade at the beginning of `data`, the first bytes of a connection; return None if
    it is not plain, or not complete."""
    head = _read_head(data, limits)
    if head is None or head.method != b"GET":
        return None
    headers = head.headers
    if not (
        # Removed here, and put first, as in `upgrade_of`.
        headers.pop(b"upgrade", b"").lower() == b"websocket"
        and headers.get(b"connection", b"").lower() in _CONNECTION
        and headers.get(b"sec-websocket-version") == _VERSION
        and _is_key(key := headers.get(b"sec-websocket-key", b""))
        and _is_list(offered := headers.get(b"sec-websocket-protocol", b"none"))
        and offered.count(b",") < limits.most_listed
        and _WITH_BODY.isdisjoint(headers)
    ):
        return None
    in_order = [(b"upgrade", b"websocket"), *headers.items()]
    return Upgrade(head.target, in_order, key, data[head.end :])


def read_request(data: bytes, limits: Limits) -> WholeRequest | None:
    """Parse the request at the beginning of `data`; return None if it is not plain, or not
    complete."""
    head = _read_head(data, limits)
    if head is None or head.method not in _METHODS:
        return None
    headers = head.headers
    length = headers.get(b"content-length", b"0")
    connection = headers.get(b"connection", b"keep-alive").lower()
    if not (
        _is_length(length)
        and connection in (b"keep-alive", b"close")
        and _UNUSUAL.isdisjoint(headers)
    ):
        return None
    end = head.end + int(length)
    if end > min(len(data), limits.largest_request):
        return None
    request = RequestHead(
        head.method,
        head.target,
        "1.1",
        list(headers.items()),
        keeps_alive=connection != b"close",
        opens_websocket=False,
    )
    return WholeRequest(request, data[head.end : end], data[end:])


def _read_head(data: bytes, limits: Limits) -> _Head | None:
    match = _match(data, 0, min(limits.largest_header, limits.longest_header_line))
    if match is None:
        return None
    lines = match[3].split(b"\r\n")
    headers: dict[bytes, bytes] = {}
    for line in lines[:-1]:
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip(b" \t")
    if not (
        len(headers) == len(lines) - 1 <= limits.most_header_lines  # no duplicates
        and is_host(headers.get(b"host", b" "))
    ):
        return None
    return _Head(match[1], match[2], headers, match.end())
