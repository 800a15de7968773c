"""The session cookie of a response: set at a sign-in, removed at a sign-out.

Written here, and not by `http.cookies` as in Starlette: its value needs no quoting
(`accounts/tokens.py`), and this runs at every sign-in.
"""

from starlette.requests import Request
from starlette.responses import Response

from server.wire.credentials import cookie_name, is_secure


def set_cookie(response: Response, request: Request, value: str, max_age: int | None) -> None:
    """Set the cookie. `max_age`: seconds; None: until the browser is closed."""
    lifetime = "" if max_age is None else f"; Max-Age={max_age}"
    _send(response, request, value, lifetime)


def delete_cookie(response: Response, request: Request) -> None:
    """Remove the cookie."""
    # With all its attributes: browsers ignore the removal otherwise.
    _send(response, request, '""', "; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0")


def _send(response: Response, request: Request, value: str, lifetime: str) -> None:
    scope = request.scope
    secure = "; Secure" if is_secure(scope) else ""
    line = f"{cookie_name(scope)}={value}; HttpOnly{lifetime}; Path=/; SameSite=lax{secure}"
    response.raw_headers.append((b"set-cookie", line.encode("ascii")))
