"""HTTP responses, as the bytes and the headers that a client receives."""

import json
from collections.abc import Mapping

from server.wire.problem import SECURITY_HEADERS

MEMBERS = {"type", "title", "status", "detail", "code"}
FURTHER = {"policy", "rule", "limit", "length", "character"}
"""Members that only some problems have (docs/protocol.md)."""


def read_head(head: bytes) -> tuple[int, tuple[tuple[str, str], ...]]:
    """Status and headers of a response, with their names in lower case, from its bytes up to the
    empty line. Raises AssertionError if it is invalid for a server."""
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    version, status, *_ = first.split(" ", 2)
    assert version == "HTTP/1.1", head
    fields = (line.partition(": ") for line in lines)
    return int(status), tuple((name.lower(), value) for name, _, value in fields)


def problem_of(status: int, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
    """Status and code of a refusal, after a check that it is a complete problem (RFC 9457)."""
    assert headers["content-type"] == "application/problem+json"
    assert headers["content-length"] == str(len(body))
    for name, value in SECURITY_HEADERS.items():
        assert headers[name] == value
    problem = json.loads(body)
    assert set(problem) - FURTHER == MEMBERS
    assert problem["status"] == status
    assert problem["detail"]
    return status, problem["code"]
