"""Request bodies into types; and types into answers."""

from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.web.guards import says_json
from server.web.problems import Problem, invalid

T = TypeVar("T")

JSON = "application/json"

# RecursionError is what deep nesting ends in, UnicodeError what bytes that are not UTF-8 do.
_BROKEN = (msgspec.DecodeError, RecursionError, UnicodeError)


async def read_json(request: Request, type: type[T]) -> T:
    """The body as a `type`.

    Raises Problem: 415 where there is none, 400 for broken JSON, 422 for JSON of another shape.
    How large it may be is the guard's business (`guards.py`).
    """
    body = await request.body()
    if not body and not says_json(request.headers):
        raise Problem(415, "not_json", "A JSON body is needed.")
    try:
        return msgspec.json.decode(body, type=type)
    except msgspec.ValidationError as error:
        raise _broken_after(body) or invalid(f"{error}.") from None
    except _BROKEN as error:
        raise _bad_json(error) from None


def _broken_after(body: bytes) -> Problem | None:
    """What was wrong was found before the end; and what follows may not even be JSON."""
    try:
        msgspec.json.decode(body)
    except msgspec.ValidationError:
        return None  # JSON, with a number that no float can hold
    except _BROKEN as error:
        return _bad_json(error)
    return None


def _bad_json(error: Exception) -> Problem:
    return Problem(400, "bad_json", f"The body is not JSON: {error}")


def answer(content: Any, status: int = 200) -> Response:
    """A JSON response."""
    return Response(msgspec.json.encode(content), status, media_type=JSON)
