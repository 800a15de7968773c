"""A player: signs in, keeps a connection, and follows the lobby."""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from types import NoneType, TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

from server.client.address import Address
from server.client.codec import Received
from server.client.engine import ClientEngine
from server.client.errors import ConnectionLost, SessionOver
from server.client.limits import Limits
from server.client.link import State
from server.client.rooms import Rooms
from server.client.roster import RosterMirror
from server.client.session import SessionState
from server.wire.messages import (
    ClientMessage,
    Held,
    Hello,
    Hold,
    Look,
    Ping,
    Pong,
    Presence,
    Release,
    Roster,
    Unwatch,
    Watch,
)
from server.wire.views import SessionView

T = TypeVar("T")


class Client:
    """One browser of one player, without the browser. An async context manager.

    Once signed in it keeps a connection, and reconnects until the session ends. Requests without a
    connection wait for one: bound them with `asyncio.timeout`.

    `url` is the server's, such as http://127.0.0.1:8000; `cookie` that of an earlier session, as in
    `Client.cookie`; `tls` is for https, and `options` are passed to the `connect` of *websockets*.
    """

    def __init__(
        self,
        url: str,
        *,
        cookie: str = "",
        tls: ssl.SSLContext | None = None,
        limits: Limits = Limits(),
        **options: Any,
    ) -> None:
        self.address = Address.parse(url)
        self.roster = RosterMirror()
        """The players who are here, after `watch_lobby`."""
        self._engine = ClientEngine(
            self.address,
            self._follow,
            self._lost,
            cookie=cookie,
            tls=tls,
            limits=limits,
            options=options,
        )
        self.rooms = Rooms(self._engine)
        """The list of rooms, quick match, and the rooms that this client is in."""
        self._is_watching_lobby = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection with 1000. The session goes on, and can be resumed with its cookie.
        Everything that waits for this client raises ClientClosed."""
        await self._engine.close()

    # State

    @property
    def session(self) -> SessionState | None:
        """The session; None before signing in, and after its end."""
        return self._engine.session

    @property
    def ended(self) -> SessionOver | None:
        """Why the session ended, if it did."""
        return self._engine.ended

    @property
    def state(self) -> State:
        """The state of the connection."""
        return self._engine.state

    @property
    def cookie(self) -> str:
        """The session cookie, a secret `name=value`; empty when signed out."""
        return self._engine.calls.cookie

    @property
    def player_id(self) -> str:
        """The id of the signed-in player. Raises SessionOver."""
        return self._engine.signed_in.player.id

    def now(self) -> float:
        """Return the time in seconds of the event loop, the clock of all instants (`..._at`)
        here."""
        return self._engine.now()

    # Signing in and out

    async def sign_in_as_guest(self, name: str) -> SessionView:
        """Sign in as a new guest. Raises CallRefused, such as `name_taken`, or Unreachable. If this
        or another way of signing in is cancelled, a session may have begun nevertheless, which ends
        by its idle timeout."""
        return await self._engine.sign_in("/api/guests", {"name": name})

    async def register(self, name: str, password: str) -> SessionView:
        """Register a player with a password, and sign in. Raises CallRefused, or Unreachable."""
        return await self._engine.sign_in("/api/players", {"name": name, "password": password})

    async def sign_in(self, name: str, password: str, *, remember: bool = False) -> SessionView:
        """Sign in as a registered player; ends the previous session of this client. Raises
        CallRefused, such as `bad_credentials`, or Unreachable."""
        body = {"name": name, "password": password, "remember": remember}
        return await self._engine.sign_in("/api/session", body)

    async def resume(self) -> SessionView:
        """Continue the session of the cookie. Raises SessionOver, or Unreachable."""
        return await self._engine.resume()

    async def sign_out(self) -> None:
        """End the session. Raises CallRefused `storage_unavailable` if a crash of the server may
        bring it back."""
        await self._engine.end_by_call("/api/session", "signed_out")

    async def sign_out_everywhere(self) -> None:
        """End all sessions of the player, this one included."""
        await self._engine.end_by_call("/api/sessions", "signed_out_everywhere")

    # Activity

    async def touch(self) -> float:
        """Report an activity: the idle clock restarts, and a warning is withdrawn. Uses the
        connection, or a call if there is none. Returns the seconds until the session ends. Raises
        SessionOver, or Unreachable. Cancelling may come too late."""
        state = self._engine.signed_in
        if self.state is State.OPEN:
            with suppress(ConnectionLost):
                pong = await self.request(Ping())
                assert isinstance(pong, Pong)
                return pong.expires_in
        view = await self.call("POST", "/api/session/activity", SessionView)
        state.take(view)
        return view.session.expires_in

    async def hold(self, seconds: float, *, why: str | None = None, away: bool = False) -> float:
        """Stop the idle clock: busy without input, or with `away`, be right back. Returns the
        seconds granted. Raises RequestRefused. Cancelling may come too late."""
        held = await self.request(Hold(seconds=seconds, why=why, away=away), repeat=True)
        assert isinstance(held, Held)
        return held.seconds

    async def release(self) -> None:
        """End the hold. After a "be right back", `touch` makes the player active again."""
        await self.request(Release(), repeat=True)

    async def look(self) -> SessionState:
        """Ask for the state of the session; does not count as activity."""
        await self.request(Look(), repeat=True)
        return self._engine.signed_in

    # The lobby

    async def watch_lobby(self) -> RosterMirror:
        """Follow the lobby, across reconnects; returns when the roster has arrived. Cancelling does
        not stop it; see `unwatch_lobby`."""
        self._is_watching_lobby = True
        await self.request(Watch(topic=self.roster.topic), repeat=True)
        await self.until(lambda: self.roster.is_current)
        return self.roster

    async def unwatch_lobby(self) -> None:
        """Stop following the lobby."""
        self._is_watching_lobby = False
        self.roster.expect_whole()
        await self.request(Unwatch(topic=self.roster.topic), repeat=True)

    async def players(self, *, status: str | None = None) -> AsyncIterator[dict[str, Any]]:
        """Yield all players who are here, or `offline`, by name: pages through GET /api/players."""
        after: str | None = ""
        while after is not None:
            page = await self.get("/api/players", dict[str, Any], status=status, after=after)
            for player in page["players"]:
                yield player
            after = page["next"]

    # The player's account

    async def sessions(self) -> list[dict[str, Any]]:
        """Return the player's sessions, as in GET /api/sessions."""
        answer = await self.get("/api/sessions", dict[str, list[dict[str, Any]]])
        return answer["sessions"]

    async def sign_out_one(self, id: str) -> None:
        """End one of the player's sessions. Raises CallRefused `not_found`."""
        await self.call("DELETE", f"/api/sessions/{quote(id, safe='')}", NoneType)

    async def change_password(self, current: str, new: str) -> None:
        """Change the password; all other sessions of the player end. Raises CallRefused, such as
        `wrong_password`, or `no_password` for a guest."""
        await self.call("PUT", "/api/password", NoneType, body={"current": current, "new": new})

    async def history(
        self, *, before: str | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """Return a page of the player's changes of status, newest first: `changes`, and `next` for
        `before`."""
        path = f"/api/players/{self.player_id}/history"
        return await self.get(path, dict[str, Any], before=before, limit=limit)

    # Messages

    def listen(self, listener: Callable[[Received], None]) -> Callable[[], None]:
        """Call `listener` with each message of the server, after `session`, `roster` and rooms were
        updated; return a function that stops this."""
        return self._engine.listeners.add(listener)

    def messages(self) -> AsyncIterator[Received]:
        """Yield each message from the first step of the iteration on. Ends at `close`; raises
        SessionOver when the session ends. Unread messages are kept."""
        return self._engine.listeners.messages()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until `is_so()` is true; it is called now and after each message. Raises
        SessionOver, ClientClosed, or what `is_so` raises. Cancelling has no effect on the
        server."""
        await self._engine.listeners.until(is_so)

    async def request(self, message: ClientMessage, *, repeat: bool = False) -> Received | None:
        """Send any message; see `ClientEngine.request`."""
        return await self._engine.request(message, repeat=repeat)

    async def get(self, path: str, answer: type[T], **query: object) -> T:
        """Make any passive GET; see `ClientEngine.get`."""
        return await self._engine.get(path, answer, **query)

    async def call(self, method: str, path: str, answer: type[T], *, body: object = None) -> T:
        """Make any other call; see `ClientEngine.call`."""
        return await self._engine.call(method, path, answer, body=body)

    # What the engine calls

    def _follow(self, message: Received) -> None:
        match message:
            case Hello():
                if self._is_watching_lobby:
                    self._engine.watch_soon(self.roster.topic)
                self.rooms.connected()
            case Roster():
                self.roster.replace(message)
            case Presence():
                if not self.roster.apply(message):
                    self._engine.watch_soon(self.roster.topic)
            case _:
                self.rooms.hear(message)

    def _lost(self) -> None:
        self.roster.expect_whole()
        self.rooms.lost()
