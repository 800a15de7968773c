"""Responses as bytes, and refusals, which a transport sends by itself."""

import http
from collections.abc import Iterable
from functools import lru_cache

from server.transport.request import Header
from server.wire.problem import Problem


@lru_cache
def status_line(status: int) -> bytes:
    """Return the first line of a response."""
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode()


def response(status: int, headers: Iterable[Header], body: bytes = b"") -> bytes:
    """Return a whole response, framed by its `headers`."""
    lines = [status_line(status)]
    for name, value in headers:
        lines += (name, b": ", value, b"\r\n")
    return b"".join([*lines, b"\r\n", body])


def refusal(problem: Problem, default_headers: Iterable[Header], *, is_head: bool = False) -> bytes:
    """Return the response to a request that the application does not answer; the connection is
    closed after it. `is_head`: the request is a HEAD."""
    body = problem.body
    said = {"connection": "close", "content-length": str(len(body))} | problem.headers()
    headers = [(name.encode(), value.encode()) for name, value in said.items()]
    # RFC 9110, 9.3.2
    return response(problem.status, [*headers, *default_headers], b"" if is_head else body)
