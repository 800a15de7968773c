"""Refusals of requests: problem details (RFC 9457), and the headers that every response carries.

Whoever refuses a request makes a `Problem`: the routes and guards of HTTP, the transports, the
endpoint of sockets. Each has its own way to send one, and none makes a body or a header of its own.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from server.base.text import excerpt
from server.wire.names import JSON

PROBLEM_JSON = "application/problem+json"

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; "
        "frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
"""OWASP ASVS 5.0, 3.4. HSTS is added where the request came by TLS."""


def allow_script(digest: str) -> str:
    """The content security policy of a page that holds the script with this SHA-256 (base64)."""
    policy = SECURITY_HEADERS["content-security-policy"]
    return policy.replace("script-src 'self'", f"script-src 'self' 'sha256-{digest}'")


HSTS = ("strict-transport-security", "max-age=31536000")


class ProblemDetails(msgspec.Struct, frozen=True):
    """`code` is the stable word for machines, `detail` the sentence for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str


class Problem(Exception):
    """A request that is refused, and what it is answered. Raised anywhere below a route too."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        extension: Mapping[str, Any] | None = None,
    ) -> None:
        """`headers`: of the answer, and `extension`: members of its body, beside those that all
        have. `detail` may repeat what the caller sent, if that is cut to some length."""
        super().__init__(status, code, detail)
        self.status = status
        self.code = code
        self.detail = detail
        self._headers = headers or {}
        self.extension = extension

    @property
    def body(self) -> bytes:
        """The answer's."""
        title = HTTPStatus(self.status).phrase
        type_ = f"urn:stillhere:problem:{self.code}"
        problem = ProblemDetails(type_, title, self.status, self.detail, self.code)
        if self.extension:
            return msgspec.json.encode({**msgspec.structs.asdict(problem), **self.extension})
        return msgspec.json.encode(problem)

    def headers(self, *, is_secure: bool = False) -> dict[str, str]:
        """The answer's, but for those of its framing. `is_secure`: the request came by TLS."""
        return {
            **browser_headers(is_secure=is_secure),
            "content-type": PROBLEM_JSON,
            "cache-control": "no-store",
            **self._headers,
        }


def internal() -> Problem:
    """The 500 of a bug: what it was goes to the log, and never to the caller."""
    return Problem(500, "internal", "Something went wrong here, and was noted.")


def not_found(path: str) -> Problem:
    """The 404 of an address."""
    return Problem(404, "not_found", f"There is nothing at {excerpt(path)}.")


def too_large(what: str, most: int) -> Problem:
    """The 413 of `what`, which has at most `most` bytes."""
    return Problem(413, "too_large", f"{what} has at most {most} bytes.")


def not_json() -> Problem:
    """The 415 of a body that is needed, or is there, and does not say that it is JSON."""
    return Problem(415, "not_json", f"A body has to be JSON, with `Content-Type: {JSON}`.")


def browser_headers(*, is_secure: bool) -> dict[str, str]:
    """What every response tells browsers."""
    return SECURITY_HEADERS | dict([HSTS]) if is_secure else SECURITY_HEADERS
