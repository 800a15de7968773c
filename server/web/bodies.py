"""Decoding of request bodies, and encoding of answers."""

from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.base.decoding import BROKEN
from server.web.guards import says_json
from server.web.problems import invalid
from server.wire.decoding import NotJson, what_is_wrong
from server.wire.names import JSON
from server.wire.problem import Problem, not_json

T = TypeVar("T")


async def read_json(request: Request, type: type[T]) -> T:
    """Decode the body as a `type`.

    Raises Problem: 415 if it is missing, 400 if it is not JSON, 422 if it does not fit the type.
    The guards limit its size (`guards.py`).
    """
    body = await request.body()
    if not body and not says_json(request.scope):
        raise not_json()
    try:
        return msgspec.json.decode(body, type=type)
    except BROKEN as error:
        wrong = what_is_wrong(body, error)
        if isinstance(wrong, NotJson):
            raise Problem(400, "bad_json", f"The body is not JSON: {wrong.why}.") from None
        raise invalid(f"{wrong.why}.") from None


def answer(content: Any, status: int = 200) -> Response:
    """Return a JSON response."""
    return Response(msgspec.json.encode(content), status, media_type=JSON)
