"""The session cookie of a response: set at a sign-in, removed at a sign-out."""

from starlette.requests import Request
from starlette.responses import Response

from server.wire.credentials import cookie_name, is_secure


def set_cookie(response: Response, request: Request, value: str, max_age: int | None) -> None:
    """Set the cookie. `max_age`: seconds; None: until the browser is closed."""
    _send(response, request, value, max_age)


def delete_cookie(response: Response, request: Request) -> None:
    """Remove the cookie."""
    # With all its attributes: browsers ignore the removal otherwise.
    _send(response, request, "", 0, expires=0)


def _send(
    response: Response,
    request: Request,
    value: str,
    max_age: int | None,
    expires: int | None = None,
) -> None:
    response.set_cookie(
        cookie_name(request.scope),
        value,
        max_age=max_age,
        expires=expires,
        path="/",
        secure=is_secure(request.scope),
        httponly=True,
        samesite="lax",
    )
