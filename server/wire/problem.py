"""Refusals of requests: problem details (RFC 9457), and the headers of every response.

All refusals are a `Problem`: those of HTTP routes and guards, of the transports and of the
WebSocket endpoint. Each of these sends it in its own way; only this module makes bodies and
headers.
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
    # What no game here asks for. Full screen, gamepads, motion, sound and the clipboard are left.
    "permissions-policy": (
        "camera=(), display-capture=(), geolocation=(), hid=(), microphone=(), midi=(), "
        "payment=(), serial=(), usb=()"
    ),
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
"""OWASP ASVS 5.0, 3.4. HSTS is added over TLS."""


def allow_script(digest: str) -> str:
    """Return the content security policy of a page with the script of this SHA-256 (base64)."""
    policy = SECURITY_HEADERS["content-security-policy"]
    return policy.replace("script-src 'self'", f"script-src 'self' 'sha256-{digest}'")


HSTS = ("strict-transport-security", "max-age=31536000")


class ProblemDetails(msgspec.Struct, frozen=True):
    """`code` is for machines and stable, `detail` is a sentence for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str


class Problem(Exception):
    """A refused request, with its response. May be raised anywhere below a route."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        extension: Mapping[str, Any] | None = None,
    ) -> None:
        """`headers` are added to the response, `extension` to its body. `detail` may quote the
        client, if cut to a length."""
        super().__init__(status, code, detail)
        self.status = status
        self.code = code
        self.detail = detail
        self._headers = headers or {}
        self.extension = extension

    @property
    def body(self) -> bytes:
        """The body of the response."""
        title = HTTPStatus(self.status).phrase
        type_ = f"urn:stillhere:problem:{self.code}"
        problem = ProblemDetails(type_, title, self.status, self.detail, self.code)
        if self.extension:
            return msgspec.json.encode({**msgspec.structs.asdict(problem), **self.extension})
        return msgspec.json.encode(problem)

    def headers(self, *, is_secure: bool = False) -> dict[str, str]:
        """Return the headers of the response, except those of its framing. `is_secure`: the request
        came by TLS."""
        return {
            **browser_headers(is_secure=is_secure),
            "content-type": PROBLEM_JSON,
            "cache-control": "no-store",
            **self._headers,
        }


def internal() -> Problem:
    """Return the 500 of a bug; only the log says which."""
    return Problem(500, "internal", "Something went wrong here, and was noted.")


def not_found(path: str) -> Problem:
    """Return the 404 of a path."""
    return Problem(404, "not_found", f"There is nothing at {excerpt(path)}.")


def too_large(what: str, most: int) -> Problem:
    """Return the 413 of `what`, which may have at most `most` bytes."""
    return Problem(413, "too_large", f"{what} has at most {most} bytes.")


def not_json() -> Problem:
    """Return the 415 of a body that is not declared as JSON, or is missing."""
    return Problem(415, "not_json", f"A body has to be JSON, with `Content-Type: {JSON}`.")


def browser_headers(*, is_secure: bool) -> dict[str, str]:
    """Return the headers for browsers that every response has."""
    return SECURITY_HEADERS | dict([HSTS]) if is_secure else SECURITY_HEADERS
