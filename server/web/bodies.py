"""Request bodies and queries into types; and types into answers."""

from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.web.problems import Problem, invalid

T = TypeVar("T")


async def read_json(request: Request, type: type[T]) -> T:
    """The body as a `type`. Raises Problem: 415 for none, 400 for broken JSON, 422 for a wrong one.

    How large it may be is the guard's business (`guards.py`).
    """
    body = await request.body()
    if not body:
        raise Problem(415, "not_json", "A JSON body is needed.")
    try:
        return msgspec.json.decode(body, type=type)
    except msgspec.ValidationError as error:
        raise invalid(f"{error}.") from None
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise Problem(400, "bad_json", f"The body is not JSON: {error}") from None


def query_number(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A whole number from the query. Raises Problem (422)."""
    text = request.query_params.get(name)
    if text is None:
        return default
    # `int` would take underscores, signs and the digits of every script.
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise invalid(f"`{name}` has to be a whole number, not {text[:50]!r}.")
    number = int(text)
    if not least <= number <= most:
        raise invalid(f"`{name}` has to be from {least} to {most}, not {number}.")
    return number


def answer(content: Any, status: int = 200) -> Response:
    """A JSON response."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


