"""The caller: the session of the cookie, and whether the request counts as activity."""

import re

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.accounts.sessions import Sessions
from server.base.ids import ID_PATTERN
from server.budget.budget import Budget
from server.presence.service import PresenceService
from server.presence.session import Session
from server.presence.status import Reason
from server.realtime.payers import note_return
from server.web.problems import not_signed_in
from server.wire.credentials import session_cookie
from server.wire.headers import header
from server.wire.names import PASSIVE

PASSIVE_CALLS = {
    ("GET", "/api/session"),
    ("HEAD", "/api/session"),
    ("POST", "/api/session/leave"),
}
"""Methods and paths that never count as activity."""

_PASSIVE = PASSIVE.lower().encode()
_PREFIX = "/api/"
_IS_ID = re.compile(ID_PATTERN).fullmatch


class Caller:
    """The sender of a request. `now` is the instant of its arrival."""

    def __init__(
        self,
        found: Session | Reason | None,
        now: float,
        by: str,
        presence: PresenceService,
    ) -> None:
        self.session = found if isinstance(found, Session) else None
        self.ending = found if isinstance(found, Reason) else None
        self.now = now
        self._by: str | None = by or None
        self._presence = presence

    def signed_in(self) -> Session:
        """Return the caller's live session. Raises Problem (401) with the reason if there is
        none."""
        if self.session is None:
            raise not_signed_in(self.ending, self._presence.policy)
        if self.session.ended is not None:
            raise not_signed_in(self.session.ended, self._presence.policy)
        return self.session

    def note_activity(self) -> None:
        """Count this request as activity, once, unless it is passive.

        Called when the answer begins; earlier by a route that waits for the disk once nothing but
        a failing disk can refuse the request: the idle clock could run out during the wait.
        """
        if self.session is not None and self._by is not None:
            by, self._by = self._by, None
            self._presence.touch(self.session.id, self.now, by)


class IdentifyCaller:
    """Pure ASGI middleware: finds the caller of API requests, and counts them as activity. A
    refused request (4xx) does not count; nor does one that fails (5xx), unless its route counted it
    before."""

    def __init__(
        self,
        app: ASGIApp,
        sessions: Sessions,
        presence: PresenceService,
        budget: Budget,
    ) -> None:
        """`budget`: of the players, who are let in when they are seen first."""
        self._app = app
        self._sessions = sessions
        self._presence = presence
        self._budget = budget

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(_PREFIX):
            await self._app(scope, receive, send)
            return
        now = self._presence.clock.now()
        method, path = scope["method"], scope["path"]
        is_passive = (method, path) in PASSIVE_CALLS or header(scope, _PASSIVE) == "1"
        by = "" if is_passive else f"{method} {_route_of(path)}"
        found = await self._sessions.find(session_cookie(scope))
        if isinstance(found, Session):
            note_return(self._budget, found.player, scope, now)
        caller = Caller(found, now, by, self._presence)
        scope["caller"] = caller

        async def send_and_count(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                caller.note_activity()
            await send(message)

        await self._app(scope, receive, send_and_count)


def caller_of(request: Request) -> Caller:
    """Return the caller of this API request."""
    caller: Caller = request.scope["caller"]
    return caller


def _route_of(path: str) -> str:
    """Return the path without ids, which would reveal those of others in a player's history."""
    return "/".join("{id}" if _IS_ID(part) else part for part in path.split("/"))
