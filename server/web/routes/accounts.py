"""Signing in, as a guest or a registered player, and changing the password."""

from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.accounts.accounts import Accounts, OwnName
from server.accounts.errors import NameRule, PasswordRule
from server.accounts.limits import Limits
from server.accounts.names import Name
from server.accounts.sessions import Sessions
from server.presence.service import PresenceService
from server.presence.session import Player
from server.presence.status import Reason
from server.web.bodies import answer, read_json
from server.web.caller import Caller, caller_of
from server.web.calls import Call, Cookie
from server.web.cookie import set_cookie
from server.web.devices import device_from
from server.web.limits import Limits as WebLimits
from server.web.problems import invalid
from server.wire.credentials import place_of, session_cookie
from server.wire.headers import header
from server.wire.problem import ProblemDetails
from server.wire.views import SessionView


class NewGuest(msgspec.Struct):
    """Body of `POST /api/guests`."""

    name: str


class NewPlayer(msgspec.Struct):
    """Body of `POST /api/players`."""

    name: str
    password: str


class SignIn(msgspec.Struct):
    """Body of `POST /api/session`."""

    name: str
    password: str
    remember: bool = False


class PasswordChange(msgspec.Struct):
    """Body of `PUT /api/password`."""

    current: str
    new: str


class NameOrPasswordRefused(ProblemDetails, frozen=True):
    """A 422; with `rule` and its numbers if the name or password is refused."""

    rule: NameRule | PasswordRule | msgspec.UnsetType = msgspec.UNSET
    limit: int | msgspec.UnsetType = msgspec.UNSET
    length: int | msgspec.UnsetType = msgspec.UNSET
    character: str | msgspec.UnsetType = msgspec.UNSET


class AccountRoutes:
    """`/api/guests`, `/api/players` (POST), `/api/session` (POST) and `/api/password`."""

    def __init__(
        self,
        accounts: Accounts,
        sessions: Sessions,
        presence: PresenceService,
        limits: Limits,
        web: WebLimits,
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._presence = presence
        self._clock = presence.clock
        self._limits = limits
        self._web = web
        name, password, typed = _new_name(limits), _new_password(limits), _typed(limits)
        self.calls = [
            Call(
                "POST",
                "/api/guests",
                self.create_guest,
                "A new guest, signed in.",
                takes=NewGuest,
                fields={"name": name},
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
                fields={"name": name, "password": password},
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
                fields={"name": typed, "password": typed},
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
                "PUT",
                "/api/password",
                self.change_password,
                "Another password; all other own sessions end.",
                takes=PasswordChange,
                fields={"current": typed, "new": password},
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
            name, caller.now, place_of(request.scope), self._own_name(caller, name)
        )
        return await self._let_in(request, player)

    def _own_name(self, caller: Caller, wanted: Name) -> OwnName | None:
        """Return the caller's name if they are a guest who wants it again, in another spelling or
        session: it does not count as taken then."""
        own = caller.session
        if own is None or not own.player.guest:
            return None
        name = self._accounts.parse_name(own.player.name)
        if name.key != wanted.key:
            return None

        async def give_up() -> None:
            await self._sessions.end([own.id], Reason.REPLACED)

        return OwnName(name, give_up)

    async def register(self, request: Request) -> Response:
        body = await read_json(request, NewPlayer)
        player = await self._accounts.register(
            self._accounts.parse_name(body.name),
            body.password,
            caller_of(request).now,
            place_of(request.scope),
        )
        return await self._let_in(request, player)

    async def sign_in(self, request: Request) -> Response:
        body = await read_json(request, SignIn)
        self._check_length("name", body.name)
        self._check_length("password", body.password)
        player = await self._accounts.authenticate(
            body.name,
            body.password,
            caller_of(request).now,
            place_of(request.scope),
            partial(self._sessions.owner_of, session_cookie(request.scope)),
        )
        return await self._let_in(request, player, remember=body.remember)

    def _check_length(self, field: str, typed: str) -> None:
        longest = self._limits.longest_sign_in
        if len(typed) > longest:
            raise invalid(f"`{field}` has at most {longest} characters, not {len(typed)}.")

    async def _let_in(
        self, request: Request, player: Player, *, remember: bool = False
    ) -> Response:
        """Open a session with a new id; the caller's previous one ends (ASVS 5.0, 7.2.4)."""
        caller = caller_of(request)
        # Not the instant of arrival: hashing took time, and the idle clock starts now.
        now = self._clock.now()
        session, cookie = self._sessions.open(
            player,
            now,
            remember=remember,
            device=device_from(header(request.scope, b"user-agent") or "", self._web),
            replaces=None if caller.session is None else caller.session.id,
        )
        await self._sessions.flush()
        view = SessionView.of(session, self._presence.policy, self._clock.now())
        response = answer(view, 201)
        lifetime = round(self._presence.policy.remember_lifetime) if remember else None
        set_cookie(response, request, cookie, lifetime)
        return response

    # Changing the password

    async def change_password(self, request: Request) -> Response:
        caller = caller_of(request)
        own = caller.signed_in()
        body = await read_json(request, PasswordChange)
        self._check_length("current", body.current)
        await self._accounts.change_password(
            own.player,
            body.current,
            body.new,
            caller.now,
            place_of(request.scope),
        )
        # Other clients may have signed in with the old password meanwhile. Looked up by id: if all
        # sessions have ended in between, it is a new `Player`.
        player = self._presence.players.get(own.player.id)
        others = [] if player is None else [each.id for each in player.sessions if each is not own]
        await self._sessions.end(others, Reason.SIGNED_OUT_EVERYWHERE, self._clock.now())
        return Response(status_code=204)


# Additions to the JSON Schema of bodies


def _new_name(limits: Limits) -> dict[str, Any]:
    return {"description": f"1 to {limits.longest_name} characters once normalised (RFC 8266)."}


def _new_password(limits: Limits) -> dict[str, Any]:
    least, most = limits.shortest_password, limits.longest_password
    about = f"{least} to {most} characters once prepared (RFC 8265, OpaqueString)."
    return {"description": about, "minLength": least, "maxLength": most}


def _typed(limits: Limits) -> dict[str, Any]:
    return {"maxLength": limits.longest_sign_in}
