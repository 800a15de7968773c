"""Converts errors to responses: one table for all of HTTP."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from server.accounts import errors
from server.base.text import excerpt
from server.observe.audit import Audit
from server.presence.explain import explain_ending
from server.presence.policy import Policy
from server.presence.status import ENDINGS, Reason
from server.rooms.errors import CommandRefused
from server.transport.limits import Limits as TransportLimits
from server.web.limits import Limits
from server.wire.credentials import client_address, is_secure
from server.wire.names import WEBSOCKET_VERSION
from server.wire.problem import Problem, internal, not_found

PROBLEMS: dict[str, tuple[int, str]] = {
    "bad_request": (400, "This is not HTTP, or opens no WebSocket."),
    "bad_json": (400, "The body is not JSON."),
    "not_signed_in": (401, "No cookie, or one that names no session."),
    **dict.fromkeys(sorted(ENDINGS), (401, "The session ended for this reason.")),
    "bad_credentials": (401, "There is no player with this name and password."),
    "wrong_password": (403, "This is not the current password."),
    "no_password": (403, "A guest has no password."),
    "cross_origin": (403, "A page of another origin may not do this."),
    "refused": (403, "The application does not want this socket."),
    "not_yours": (403, "It is another player's."),
    "not_found": (404, "There is no such thing."),
    "no_such_game": (404, "There is no such game."),
    "no_such_room": (404, "There is no such room, or it has closed."),
    "method_not_allowed": (405, "The path has other methods: see `Allow`."),
    "name_taken": (409, "A player has this name, or one that looks like it."),
    "no_bots": (409, "The game has no bots."),
    "already_seated": (409, "One is in a running match in another room."),
    "too_many_rooms": (409, "There are as many rooms as there can be, or of one's own making."),
    "precondition_failed": (412, "The file is not as `If-Match` wants it."),
    "too_large": (413, "The body is over {web.largest_body:,} bytes."),
    "target_too_long": (
        414,
        "The path and the query have over {transport.longest_header_line:,} bytes.",
    ),
    "not_json": (415, "There is no body that says it is JSON."),
    "invalid": (422, "The request is well-formed, but a value in it is not allowed."),
    "upgrade_required": (426, f"The version of WebSocket is {WEBSOCKET_VERSION}."),
    "too_many_attempts": (429, "Come back later."),
    "header_too_large": (
        431,
        "The header is over {transport.largest_header:,} bytes, or has over "
        "{transport.most_header_lines:,} lines, or one over {transport.longest_header_line:,} "
        "bytes.",
    ),
    "internal": (500, "A bug; it was noted."),
    "stopping": (503, "The server is about to stop."),
    "too_busy": (503, "Too many passwords are waiting to be checked."),
    "storage_failing": (503, "The database refuses writes, or cannot be read."),
    "storage_unavailable": (503, "The database did not do in time what this needed."),
}
"""The codes of all refusals: status and meaning. `Problem` adds a sentence for the caller where it
is raised. Names in braces are limits; see `meaning`."""


def meaning(code: str, web: Limits, transport: TransportLimits) -> str:
    """Return the meaning of a code, with the actual limits."""
    return PROBLEMS[code][1].format(web=web, transport=transport)


def response_to(problem: Problem, *, is_secure: bool = False) -> Response:
    """Return the response to `problem`. `is_secure`: the request came by TLS."""
    return Response(problem.body, problem.status, problem.headers(is_secure=is_secure))


def not_signed_in(ending: Reason | None, policy: Policy) -> Problem:
    """Return the 401 of a caller without a live session; `ending`: why theirs ended."""
    return Problem(401, ending or "not_signed_in", explain_ending(ending, policy))


def invalid(detail: str, **extension: object) -> Problem:
    """Return the 422 of a well-formed request that makes no sense."""
    return Problem(422, "invalid", detail, extension=extension)


def later(status: int, code: str, detail: str, seconds: int) -> Problem:
    """Return the refusal of a request that may be made again after `seconds`."""
    return Problem(status, code, detail, {"Retry-After": str(seconds)})


async def answer_problem(request: Request, error: Exception) -> Response:
    """Exception handler for `Problem`."""
    assert isinstance(error, Problem)
    return response_to(error)


class AccountProblems:
    """Handles the errors of `server/accounts`; reports failed guesses to the audit log."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    async def answer(self, request: Request, error: Exception) -> Response:
        """Exception handler for `AccountError`."""
        problem = _of_account(error)
        if isinstance(error, errors.BadCredentials | errors.WrongPassword):
            self._audit.refused(problem.code, client_address(request.scope), error.player)
        elif problem.status in (429, 503):
            self._audit.refused(problem.code, client_address(request.scope))
        return response_to(problem)


def _of_account(error: Exception) -> Problem:
    match error:
        case (
            errors.NameRefused(rule=rule, facts=facts)
            | errors.PasswordRefused(rule=rule, facts=facts)
        ):
            return invalid(str(error), rule=rule, **facts)
        case errors.NameTaken():
            return Problem(409, "name_taken", str(error))
        case errors.BadCredentials():
            return Problem(401, "bad_credentials", str(error))
        case errors.WrongPassword():
            return Problem(403, "wrong_password", str(error))
        case errors.NoPassword():
            return Problem(403, "no_password", str(error))
        case errors.TooManyAttempts(retry_after=seconds):
            return later(429, "too_many_attempts", str(error), seconds)
        case errors.TooBusy(retry_after=seconds):
            return later(503, "too_busy", str(error), seconds)
        case _:
            raise AssertionError(f"no answer for {error!r}")


class StorageProblems:
    """Handles requests that failed because of the disk."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    async def answer(self, request: Request, error: Exception) -> Response:
        """Exception handler for `StorageUnavailable`."""
        return response_to(
            later(503, "storage_unavailable", str(error), self._limits.retry_after_disk)
        )


async def answer_refused_command(request: Request, error: Exception) -> Response:
    """Exception handler for `CommandRefused`, of rooms."""
    assert isinstance(error, CommandRefused)
    status, _ = PROBLEMS[error.code]
    return response_to(Problem(status, error.code, str(error)))


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """Exception handler for Starlette's own refusals: 404, 405."""
    assert isinstance(error, HTTPException)
    match error.status_code:
        case 404:
            return response_to(not_found(request.scope["path"]))
        case 405:
            code, detail = "method_not_allowed", f"{excerpt(request.method)} does nothing here."
        case _:
            code, detail = "refused", error.detail
    headers = dict(error.headers or {})
    if error.status_code == 405:
        # Starlette lists only the methods of the first route with this path.
        headers["Allow"] = ", ".join(_methods_of(request))
    return response_to(Problem(error.status_code, code, detail, headers))


def _methods_of(request: Request) -> list[str]:
    """Return the methods of all routes for the path of `request`."""
    routes = [each for each in request.app.routes if isinstance(each, Route)]
    found = {
        method
        for route in routes
        if route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }
    return sorted(found)


async def answer_crash(request: Request, error: Exception) -> Response:
    """Exception handler for bugs: the traceback goes to the log only."""
    # This runs outside the middleware that adds HSTS to other responses.
    return response_to(internal(), is_secure=is_secure(request.scope))
