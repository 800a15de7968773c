"""Problem details (RFC 9457), and the headers that every response carries. Shared by both edges."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

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


def encode_problem(
    status: int, code: str, detail: str, extension: Mapping[str, Any] | None = None
) -> bytes:
    """The body of a problem response; `extension`: the members that only this problem has."""
    title = HTTPStatus(status).phrase
    problem = ProblemDetails(f"urn:stillhere:problem:{code}", title, status, detail, code)
    if extension:
        return msgspec.json.encode({**msgspec.structs.asdict(problem), **extension})
    return msgspec.json.encode(problem)
