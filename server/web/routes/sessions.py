"""Signing in and out, and looking at one's sessions."""

from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.accounts.accounts import Accounts, OwnName
from server.accounts.errors import NameRule, PasswordRule
from server.accounts.names import Name
from server.accounts.sessions import Sessions
from server.base.ids import SessionId
from server.base.units import round_to_ms
from server.presence.service import Presence
from server.presence.session import Player, Session
from server.presence.status import Reason, Status
from server.web.bodies import answer, read_json
from server.web.caller import Caller, caller_of
from server.web.calls import Call, Cookie
from server.web.devices import BROWSERS, SYSTEMS, device_from
from server.web.problems import Problem
from server.wire.credentials import cookie_name, host_of, is_secure, limited_address
from server.wire.problem import ProblemDetails
from server.wire.views import Instant, SessionView, SignInPolicy, to_rfc3339


def _one_of(words: tuple[str, ...]) -> msgspec.Meta:
    return msgspec.Meta(extra_json_schema={"enum": list(words)})


_NewName = Annotated[
    str, msgspec.Meta(description="1 to 40 characters once normalised (RFC 8266).")
]

_NewPassword = Annotated[
    str,
    msgspec.Meta(
        description="8 to 256 characters once prepared (RFC 8265, OpaqueString).",
        extra_json_schema={"minLength": 8, "maxLength": 256},
    ),
]


class NewGuest(msgspec.Struct):
    """Body of `POST /api/guests`."""

    name: _NewName


class NewPlayer(msgspec.Struct):
    """Body of `POST /api/players`."""

    name: _NewName
    password: _NewPassword


class SignIn(msgspec.Struct):
    """Body of `POST /api/session`."""

    name: Annotated[str, msgspec.Meta(max_length=1000)]
    password: Annotated[str, msgspec.Meta(max_length=1000)]
    remember: bool = False


class PasswordChange(msgspec.Struct):
    """Body of `PUT /api/password`."""

    current: Annotated[str, msgspec.Meta(max_length=1000)]
    new: _NewPassword


class OwnSession(msgspec.Struct):
    """A session as its player sees it; `current` is the one that asks."""

    id: SessionId
    status: Status
    created_at: Instant
    last_activity_at: Instant
    connections: int
    current: bool
    remember: bool
    expires_in: float
    ends_in: float
    # What its `User-Agent` named at sign-in.
    browser: Annotated[str, _one_of(BROWSERS)] | None
    system: Annotated[str, _one_of(SYSTEMS)] | None


class OwnSessions(msgspec.Struct):
    """All sessions of a player."""

    sessions: list[OwnSession]


class NotSignedIn(ProblemDetails, frozen=True):
    """The 401 of a look: with the lengths that a session begun now would have."""

    policy: SignInPolicy


class NameOrPasswordRefused(ProblemDetails, frozen=True):
    """A 422; `rule` and its figures where it is the name or the password."""

    rule: NameRule | PasswordRule | msgspec.UnsetType = msgspec.UNSET
    limit: int | msgspec.UnsetType = msgspec.UNSET
    length: int | msgspec.UnsetType = msgspec.UNSET
    character: str | msgspec.UnsetType = msgspec.UNSET


class SessionRoutes:
    """`/api/guests`, `/api/session` and `/api/sessions`."""

    def __init__(
        self,
        accounts: Accounts,
        sessions: Sessions,
        presence: Presence,
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._presence = presence
        self._clock = presence.clock
        self._sign_in_policy = SignInPolicy.of(presence.policy)
        self.calls = [
            Call(
                "POST",
                "/api/guests",
                self.create_guest,
                "A new guest, signed in.",
                takes=NewGuest,
                answers={201: SessionView},
                cookie=Cookie.SET,
                problems=["name_taken", "too_many_attempts", "storage_unavailable"],
                details={422: NameOrPasswordRefused},
            ),
            Call(
                "POST",
                "/api/players",
                self.register,
                "A new player with a password, signed in.",
                takes=NewPlayer,
                answers={201: SessionView},
                cookie=Cookie.SET,
                problems=["name_taken", "too_many_attempts", "too_busy", "storage_unavailable"],
                details={422: NameOrPasswordRefused},
            ),
            Call(
                "POST",
                "/api/session",
                self.sign_in,
                "Sign in with a password; always a new session.",
                takes=SignIn,
                answers={201: SessionView},
                cookie=Cookie.SET,
                problems=[
                    "bad_credentials",
                    "too_many_attempts",
                    "too_busy",
                    "storage_unavailable",
                ],
            ),
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
            Call(
                "PUT",
                "/api/password",
                self.change_password,
                "Another password; all other own sessions end.",
                takes=PasswordChange,
                answers={204: None},
                cookie=Cookie.NEEDED,
                problems=[
                    "wrong_password",
                    "no_password",
                    "too_many_attempts",
                    "too_busy",
                    "storage_unavailable",
                ],
                details={422: NameOrPasswordRefused},
            ),
        ]

    # Signing in

    async def create_guest(self, request: Request) -> Response:
        body = await read_json(request, NewGuest)
        caller = caller_of(request)
        name = self._accounts.parse_name(body.name)
        player = await self._accounts.new_guest(
            name, caller.now, limited_address(request.scope), self._own_name(caller, name)
        )
        return await self._let_in(request, player)

    def _own_name(self, caller: Caller, wanted: Name) -> OwnName | None:
        """The caller's name, if they are a guest and want it again in another spelling or session:
        it does not count as taken then."""
        own = caller.session
        if own is None or not own.player.guest:
            return None
        name = self._accounts.parse_name(own.player.name)
        if name.key != wanted.key:
            return None

        async def give_up() -> None:
            await self._sessions.end([own], Reason.REPLACED)

        return OwnName(name, give_up)

    async def register(self, request: Request) -> Response:
        body = await read_json(request, NewPlayer)
        player = await self._accounts.register(
            self._accounts.parse_name(body.name),
            body.password,
            caller_of(request).now,
            limited_address(request.scope),
        )
        return await self._let_in(request, player)

    async def sign_in(self, request: Request) -> Response:
        body = await read_json(request, SignIn)
        scope = request.scope
        player = await self._accounts.recognise(
            body.name,
            body.password,
            caller_of(request).now,
            host_of(scope),
            limited_address(scope),
        )
        return await self._let_in(request, player, remember=body.remember)

    async def _let_in(
        self, request: Request, player: Player, *, remember: bool = False
    ) -> Response:
        """A new session with a new id; the one that the caller had is over (ASVS 5.0, 7.2.4)."""
        caller = caller_of(request)
        # Hashing took its time: a session that starts now has all of its idle time ahead.
        now = self._clock.now()
        if caller.session is not None:
            # First, so that it does not count among the sessions that its player may have.
            self._presence.end(caller.session.id, Reason.REPLACED, now)
        device = device_from(request.headers.get("user-agent", ""))
        session, cookie = self._sessions.open(player, now, remember=remember, device=device)
        await self._sessions.flush()
        view = SessionView.of(session, self._presence.policy, self._clock.now())
        response = answer(view, 201)
        response.set_cookie(
            cookie_name(request.scope),
            cookie,
            max_age=round(self._presence.policy.remember_lifetime) if remember else None,
            path="/",
            secure=is_secure(request.scope),
            httponly=True,
            samesite="lax",
        )
        return response

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
        self._presence.leave(caller.signed_in().id, caller.now)
        return Response(status_code=204)

    async def sign_out(self, request: Request) -> Response:
        session = caller_of(request).signed_in()
        await self._sessions.end([session], Reason.SIGNED_OUT)
        return _without_cookie(request)

    async def sign_out_everywhere(self, request: Request) -> Response:
        player = caller_of(request).signed_in().player
        await self._sessions.end(player.sessions, Reason.SIGNED_OUT_EVERYWHERE)
        return _without_cookie(request)

    async def sign_out_one(self, request: Request) -> Response:
        own = caller_of(request).signed_in()
        session = self._presence.sessions.get(SessionId(request.path_params["id"]))
        if session is None or session.player is not own.player:
            raise Problem(404, "not_found", "You have no such session.")
        await self._sessions.end([session], Reason.SIGNED_OUT)
        return _without_cookie(request) if session is own else Response(status_code=204)

    async def change_password(self, request: Request) -> Response:
        caller = caller_of(request)
        own = caller.signed_in()
        body = await read_json(request, PasswordChange)
        scope = request.scope
        await self._accounts.change_password(
            own.player,
            body.current,
            body.new,
            caller.now,
            host_of(scope),
            limited_address(scope),
        )
        # Anybody who knows the old password may have signed in.
        others = [session for session in own.player.sessions if session is not own]
        await self._sessions.end(others, Reason.SIGNED_OUT_EVERYWHERE, self._clock.now())
        return Response(status_code=204)

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
            round_to_ms(max(session.ends_at - now, 0.0)),
            *session.device,
        )


def _without_cookie(request: Request) -> Response:
    response = Response(status_code=204)
    response.delete_cookie(
        cookie_name(request.scope),
        path="/",
        secure=is_secure(request.scope),
        httponly=True,
        samesite="lax",
    )
    return response
