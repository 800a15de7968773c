"""A call: a route that declares what it takes, what it answers, and how it can be refused.

`/openapi.json` is generated from these declarations (`openapi.py`). The types are the ones that the
routes decode and encode, except for listings of rooms and the details of refusals, which only
describe the answer; parameters parse themselves. `tests/hostile/test_openapi.py` compares the
answers with the document.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from enum import Enum, auto
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from server.web.allowance import allowance_of
from server.web.guards import SAFE_METHODS
from server.web.parameters import Parameter
from server.web.problems import PROBLEMS
from server.wire.problem import ProblemDetails

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


class Cookie(Enum):
    """How a call uses the session cookie."""

    IGNORED = auto()
    WELCOME = auto()  # optional; with it the request counts as activity
    NEEDED = auto()
    SET = auto()  # and the previous session ends
    TAKEN_AWAY = auto()  # needed, then removed


class Text(str):
    """An answer that is not JSON: its media type."""

    __slots__ = ()


class Call(Route):
    """A route with one method (and HEAD, if that is GET)."""

    def __init__(
        self,
        method: str,
        path: str,
        endpoint: Endpoint,
        summary: str,
        *,
        answers: Mapping[int, Any],
        cookie: Cookie = Cookie.IGNORED,
        takes: type | None = None,
        fields: Mapping[str, Mapping[str, Any]] | None = None,
        query: Iterable[Parameter[Any]] = (),
        problems: Iterable[str] = (),
        details: Mapping[int, type[ProblemDetails]] | None = None,
        is_long: bool = False,
    ) -> None:
        """`answers`: for each status below 400 the type of its body, `Text`, or None without one.
        `takes`: the type of the body; `fields`: additions to its JSON Schema, by field. `problems`:
        further codes of `PROBLEMS`; those that follow from the rest are added. `details`: by
        status, the type of problem details with additional members. `is_long`: its answers can be
        long, and are refused to who has been sent too much (`allowance.py`)."""
        super().__init__(path, endpoint, methods=[method])
        self.method = method
        self.summary = summary
        self.answers = dict(answers)
        self.cookie = cookie
        self.takes = takes
        self.fields = dict(fields or {})
        self.query = tuple(query)
        self.details = dict(details or {})
        self.is_long = is_long
        self._own_problems = tuple(problems)
        reads_disk = not self.is_unsafe and "storage_unavailable" in self._own_problems
        handler = _AbandonableHandler if reads_disk else _Handler
        self.app = handler(endpoint, is_long=is_long)

    @property
    def is_unsafe(self) -> bool:
        """True if pages of other origins may not make this call."""
        return self.method not in SAFE_METHODS

    @property
    def problems(self) -> dict[int, list[str]]:
        """The codes of all refusals, by status."""
        codes = {
            "bad_request",
            "target_too_long",
            "header_too_large",
            "too_large",
            "internal",
            *self._own_problems,
        }
        if self.is_unsafe:
            codes |= {"cross_origin", "not_json"}
        if self.takes is not None:
            codes |= {"bad_json", "invalid"}
        if self.query:
            codes |= {"invalid"}
        if self.is_long:
            codes |= {"too_many_attempts"}
        if self.cookie in (Cookie.NEEDED, Cookie.TAKEN_AWAY):
            codes |= {code for code, (status, _) in PROBLEMS.items() if status == 401}
            codes -= {"bad_credentials"}
        found: dict[int, list[str]] = {}
        for code, (status, _) in PROBLEMS.items():
            if code in codes:
                found.setdefault(status, []).append(code)
        return found


class _Handler:
    """A route's endpoint as an ASGI application.

    In place of Starlette's, which handles exceptions a second time: the application does
    (`application.py`).
    """

    def __init__(self, endpoint: Endpoint, *, is_long: bool) -> None:
        self._endpoint = endpoint
        self._is_long = is_long

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive, send))
        if response is not None:
            await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response | None:
        if self._is_long:
            allowance_of(request.scope).limit()
        return await self._endpoint(request)


class _AbandonableHandler(_Handler):
    """Cancels its endpoint, which reads from the disk and changes nothing, when the client has
    disconnected: others wait for that read to end."""

    async def _answer(self, request: Request) -> Response | None:
        answering = asyncio.create_task(super()._answer(request))
        leaving = asyncio.create_task(_disconnect(request.receive))
        try:
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
            return answering.result() if answering.done() else None
        finally:
            answering.cancel()
            leaving.cancel()


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
