"""From what went wrong to the answer that says so: one table for the whole HTTP edge."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.accounts import errors
from server.presence.explain import explain_ending
from server.presence.policy import Policy
from server.presence.status import Reason
from server.problems import PROBLEM_JSON, SECURITY_HEADERS, encode_problem


class Problem(Exception):
    """A request that is answered with problem details; raised anywhere below a route."""

    def __init__(
        self, status: int, code: str, detail: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers

    @property
    def response(self) -> Response:
        return Response(
            encode_problem(self.status, self.code, self.detail),
            self.status,
            self.headers,
            media_type=PROBLEM_JSON,
        )


def not_signed_in(ending: Reason | None, policy: Policy) -> Problem:
    """The 401 of a caller without a live session; `ending`: why theirs is over."""
    return Problem(401, ending or "not_signed_in", explain_ending(ending, policy))


def invalid(detail: str) -> Problem:
    """The 422 of a well-formed request that asks for something that cannot be."""
    return Problem(422, "invalid", detail)


async def answer_problem(request: Request, error: Exception) -> Response:
    """Exception handler for `Problem`."""
    assert isinstance(error, Problem)
    return error.response


async def answer_account_error(request: Request, error: Exception) -> Response:
    """Exception handler for everything that `server/accounts` raises."""
    match error:
        case errors.NameRefused() | errors.PasswordRefused():
            problem = invalid(str(error))
        case errors.NameTaken():
            problem = Problem(409, "name_taken", str(error))
        case errors.BadCredentials():
            problem = Problem(401, "bad_credentials", str(error))
        case errors.TooManyAttempts(retry_after=seconds):
            problem = _later(429, "too_many_attempts", error, seconds)
        case errors.TooBusy(retry_after=seconds):
            problem = _later(503, "too_busy", error, seconds)
        case _:
            raise AssertionError(f"no answer for {error!r}")
    return problem.response


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """Exception handler for what Starlette refuses by itself: 404, 405, 413."""
    assert isinstance(error, HTTPException)
    match error.status_code:
        case 404:
            code, detail = "not_found", f"There is nothing at {request.url.path[:200]}."
        case 405:
            code, detail = "method_not_allowed", f"{request.method} does nothing here."
        case 413:
            code, detail = "too_large", "The body is too large."
        case _:
            code, detail = "refused", error.detail
    headers = dict(error.headers) if error.headers else None
    return Problem(error.status_code, code, detail, headers).response


async def answer_crash(request: Request, error: Exception) -> Response:
    """Exception handler for bugs: the traceback goes to the log, and never to the caller."""
    response = Problem(500, "internal", "Something went wrong here, and was noted.").response
    # This answer is given outside the middleware that adds them to every other.
    response.headers.update(SECURITY_HEADERS)
    return response


def _later(status: int, code: str, error: Exception, seconds: int) -> Problem:
    return Problem(status, code, str(error), {"Retry-After": str(seconds)})
