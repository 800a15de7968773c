"""Staying signed in, signing out, and one's own sessions."""

from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.accounts.sessions import Sessions
from server.base.ids import SessionId
from server.base.units import round_to_ms
from server.budget.budget import Budget
from server.presence.service import PresenceService
from server.presence.session import Session
from server.presence.status import Reason, Status
from server.web.bodies import answer
from server.web.caller import Caller, caller_of
from server.web.calls import Call, Cookie
from server.web.cookie import delete_cookie
from server.web.devices import BROWSERS, SYSTEMS
from server.wire.problem import Problem, ProblemDetails
from server.wire.views import Instant, SessionView, SignInPolicy, to_rfc3339


def _one_of(words: tuple[str, ...]) -> msgspec.Meta:
    return msgspec.Meta(extra_json_schema={"enum": list(words)})


class OwnSession(msgspec.Struct):
    """A session as its player sees it; `current` is the caller's."""

    id: SessionId
    status: Status
    created_at: Instant
    last_activity_at: Instant
    connections: int
    current: bool
    remember: bool
    expires_in: float
    ends_in: float
    # From its `User-Agent` at sign-in.
    browser: Annotated[str, _one_of(BROWSERS)] | None
    system: Annotated[str, _one_of(SYSTEMS)] | None


class OwnSessions(msgspec.Struct):
    """All sessions of a player."""

    sessions: list[OwnSession]


class NotSignedIn(ProblemDetails, frozen=True):
    """The 401 of `GET /api/session`, with the durations of a session that would begin now."""

    policy: SignInPolicy


class SessionRoutes:
    """`/api/session` and `/api/sessions`, except signing in."""

    def __init__(self, sessions: Sessions, presence: PresenceService, budget: Budget) -> None:
        self._sessions = sessions
        self._presence = presence
        self._budget = budget
        self._clock = presence.clock
        self._sign_in_policy = SignInPolicy.of(presence.policy)
        self.calls = [
            Call(
                "GET",
                "/api/session",
                self.look,
                "Look at the own session; passive.",
                answers={200: SessionView},
                cookie=Cookie.NEEDED,
                details={401: NotSignedIn},
            ),
            Call(
                "DELETE",
                "/api/session",
                self.sign_out,
                "Sign out, this session.",
                answers={204: None},
                cookie=Cookie.TAKEN_AWAY,
                problems=["storage_unavailable"],
            ),
            Call(
                "POST",
                "/api/session/activity",
                self.stay,
                "“I'm still here”, without a socket.",
                answers={200: SessionView},
                cookie=Cookie.NEEDED,
            ),
            Call(
                "POST",
                "/api/session/leave",
                self.leave,
                "The beacon of a closing page; passive.",
                answers={204: None},
                cookie=Cookie.NEEDED,
            ),
            Call(
                "GET",
                "/api/sessions",
                self.list_own,
                "The own sessions.",
                answers={200: OwnSessions},
                cookie=Cookie.NEEDED,
            ),
            Call(
                "DELETE",
                "/api/sessions",
                self.sign_out_everywhere,
                "Sign out everywhere, this session included.",
                answers={204: None},
                cookie=Cookie.TAKEN_AWAY,
                problems=["storage_unavailable"],
            ),
            Call(
                "DELETE",
                "/api/sessions/{id}",
                self.sign_out_one,
                "Sign out one of the own sessions.",
                answers={204: None},
                cookie=Cookie.TAKEN_AWAY,
                problems=["not_found", "storage_unavailable"],
            ),
        ]

    # Staying

    async def look(self, request: Request) -> Response:
        try:
            return self._view(caller_of(request))
        except Problem as problem:
            problem.extension = {"policy": self._sign_in_policy}
            raise

    async def stay(self, request: Request) -> Response:
        caller = caller_of(request)
        caller.signed_in()
        caller.note_activity()
        return self._view(caller)

    def _view(self, caller: Caller) -> Response:
        return answer(SessionView.of(caller.signed_in(), self._presence.policy, caller.now))

    # Leaving

    async def leave(self, request: Request) -> Response:
        caller = caller_of(request)
        session = caller.signed_in()
        # The end of a short grace writes a row, and the next request another: who leaves and comes
        # back all the time goes offline later.
        if self._budget.wait(session.player.id, caller.now) <= 0:
            self._presence.leave(session.id, caller.now)
        return Response(status_code=204)

    async def sign_out(self, request: Request) -> Response:
        session = caller_of(request).signed_in()
        await self._sessions.end([session.id], Reason.SIGNED_OUT)
        return _without_cookie(request)

    async def sign_out_everywhere(self, request: Request) -> Response:
        player = caller_of(request).signed_in().player
        own = [session.id for session in player.sessions]
        await self._sessions.end(own, Reason.SIGNED_OUT_EVERYWHERE)
        return _without_cookie(request)

    async def sign_out_one(self, request: Request) -> Response:
        own = caller_of(request).signed_in()
        session = self._presence.sessions.get(SessionId(request.path_params["id"]))
        if session is None or session.player is not own.player:
            raise Problem(404, "not_found", "You have no such session.")
        await self._sessions.end([session.id], Reason.SIGNED_OUT)
        return _without_cookie(request) if session is own else Response(status_code=204)

    # Looking

    async def list_own(self, request: Request) -> Response:
        caller = caller_of(request)
        own = caller.signed_in()
        caller.note_activity()
        return answer(
            OwnSessions([self._own(each, own, caller.now) for each in own.player.sessions])
        )

    def _own(self, session: Session, own: Session, now: float) -> OwnSession:
        to_wall = self._clock.to_wall
        return OwnSession(
            session.id,
            session.status,
            to_rfc3339(to_wall(session.created_at)),
            to_rfc3339(to_wall(session.last_activity)),
            session.connections,
            session is own,
            session.remember,
            round_to_ms(session.expires_in(self._presence.policy, now)),
            round_to_ms(session.ends_in(now)),
            *session.device,
        )


def _without_cookie(request: Request) -> Response:
    response = Response(status_code=204)
    delete_cookie(response, request)
    return response
