"""The head of an HTTP request, checked (RFC 9110, RFC 9112). Pure.

h11 has parsed the message, and rejects what is not HTTP. It leaves to its user: the version, the
host, the form of the target, ambiguous framing, whether the connection stays open, and whether the
request opens a WebSocket.
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import h11

from server.transport.limits import Limits
from server.wire.problem import Problem

Header = tuple[bytes, bytes]

TOKEN = rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+"
"""A pattern: the name of a header, or of a protocol (RFC 9110, 5.6.2)."""

is_host = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[-._~!$&'()*+,;=%0-9A-Za-z]*)(?::[0-9]*)?").fullmatch
_split_lines = re.compile(rb"\r?\n(?![ \t])").split
"""A line that begins with a space continues the one before it (RFC 9112, 5.2)."""

_match_absolute = re.compile(rb"https?://([^/?#]+)(/[^?]*)?(\?.*)?", re.IGNORECASE).fullmatch


@dataclass(slots=True, frozen=True)
class RequestHead:
    """A valid request. Names of headers are in lower case."""

    method: bytes
    target: bytes
    """Path and query, percent-encoded as sent, whatever the form of the target."""
    http_version: str
    headers: list[Header]
    keeps_alive: bool
    """The client may send more requests on this connection."""
    opens_websocket: bool
    """The client asks for the WebSocket protocol, in a valid way."""


def check_head(request: h11.Request, head: bytes, limits: Limits) -> RequestHead:
    """Check a request; `head` is what it was parsed from. Raises Problem: 400, 414 or 431."""
    headers: list[Header] = list(request.headers)
    _check_size(request, head, limits)
    if not request.http_version.startswith(b"1."):
        raise bad_request()
    is_at_least_1_1 = request.http_version >= b"1.1"
    names = {name for name, _ in headers}
    _check_host(headers, is_required=is_at_least_1_1)
    if b"transfer-encoding" in names and (b"content-length" in names or not is_at_least_1_1):
        # RFC 9112, 6.1: ambiguous lengths are an attempt at request smuggling.
        raise _bad("A body has one length: `Content-Length`, or `Transfer-Encoding: chunked`.")
    if request.method == b"CONNECT":
        raise _bad("This server is no proxy.")
    target = _origin_form(request, headers)
    connection = tokens(headers, b"connection")
    return RequestHead(
        request.method,
        target,
        request.http_version.decode("ascii"),
        headers,
        keeps_alive=is_at_least_1_1 and b"close" not in connection,
        opens_websocket=(
            request.method == b"GET"
            and is_at_least_1_1
            and b"upgrade" in connection
            and b"websocket" in tokens(headers, b"upgrade")
            and b"transfer-encoding" not in names
            and all(not value.strip(b"0") for name, value in headers if name == b"content-length")
        ),
    )


def scope_of(request: RequestHead, root_path: str, **connection: Any) -> dict[str, Any]:
    """Return the ASGI scope (asgi.readthedocs.io, HTTP 2.3); `connection` is added to it."""
    path, raw_path, query = split_target(request.target, root_path)
    return {
        "type": "http",
        "http_version": request.http_version,
        "method": request.method.decode("ascii"),
        "root_path": root_path,
        "path": path,
        "raw_path": raw_path,
        "query_string": query,
        "headers": request.headers,
        **connection,
    }


def split_target(target: bytes, root_path: str) -> tuple[str, bytes, bytes]:
    """Return the path of an ASGI scope, decoded and as sent, and the query."""
    raw_path, _, query = target.partition(b"?")
    path = raw_path.decode("ascii")
    decoded = unquote(path) if "%" in path else path
    return root_path + decoded, root_path.encode("ascii") + raw_path, query


def tokens(headers: list[Header], name: bytes) -> list[bytes]:
    """Return the elements of a list header (RFC 9110, 5.6.1) in lower case, from all of its
    lines."""
    return [
        token
        for found, value in headers
        if found == name
        for each in value.split(b",")
        if (token := each.strip(b" \t").lower())
    ]


def _bad(detail: str) -> Problem:
    return Problem(400, "bad_request", detail)


def bad_request() -> Problem:
    """Return the refusal of what cannot be parsed."""
    return _bad("This is not HTTP/1.1.")


def target_too_long(limits: Limits) -> Problem:
    """Return a 414. RFC 9112, 3: a MUST."""
    detail = f"The target of a request has at most {limits.longest_header_line} bytes."
    return Problem(414, "target_too_long", detail)


def header_too_large(limits: Limits) -> Problem:
    """Return a 431, for too many bytes, too many lines or a line that is too long."""
    return Problem(
        431,
        "header_too_large",
        f"A header has at most {limits.largest_header} bytes, in at most "
        f"{limits.most_header_lines} lines of at most {limits.longest_header_line} bytes.",
    )


def _check_size(request: h11.Request, head: bytes, limits: Limits) -> None:
    if len(request.target) > limits.longest_header_line:
        raise target_too_long(limits)
    # Counted as received: h11 strips the spaces around values, and unfolds lines.
    _, *lines, _, _ = _split_lines(head)
    if (
        len(head) > limits.largest_header
        or len(lines) > limits.most_header_lines
        or max(map(len, lines), default=0) > limits.longest_header_line
    ):
        raise header_too_large(limits)


def _check_host(headers: list[Header], *, is_required: bool) -> None:
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) != 1 and (hosts or is_required):
        raise _bad("A request has exactly one `Host`.")
    if hosts and not is_host(hosts[0]):
        raise _bad("`Host` is a name or an address, and perhaps a port.")


def _origin_form(request: h11.Request, headers: list[Header]) -> bytes:
    """Return the target as a path and query (RFC 9112, 3.2); a host in it replaces `Host`."""
    target = request.target
    if target.startswith(b"/") or (target == b"*" and request.method == b"OPTIONS"):
        return target
    absolute = _match_absolute(target)
    if absolute is None or not is_host(absolute[1]):
        raise _bad("The target of a request is a path that begins with `/`.")
    headers[:] = [(b"host", absolute[1]), *(each for each in headers if each[0] != b"host")]
    return (absolute[2] or b"/") + (absolute[3] or b"")
