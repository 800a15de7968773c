"""A player: signs in, keeps a connection, and knows who is here."""

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

    Once signed in it keeps a connection, and comes back by itself until the session is over. What
    is asked while there is no connection waits for one: bound it with `asyncio.timeout`.

    `url` is the server's, such as http://127.0.0.1:8000; `cookie` that of an earlier session, as
    `Client.cookie` had it; `tls` is for https, and `options` go to the `connect` of *websockets*.
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
        """Who is here, while `watch_lobby` is in force."""
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
        """Leave: close the connection with 1000. The session lives on, for who has its cookie.
        Whatever waits for this client raises ClientClosed."""
        await self._engine.close()

    # What is known

    @property
    def session(self) -> SessionState | None:
        """The own session; None before signing in, and when it is over."""
        return self._engine.session

    @property
    def ended(self) -> SessionOver | None:
        """Why the session is over, if it is."""
        return self._engine.ended

    @property
    def state(self) -> State:
        """What there is of a connection."""
        return self._engine.state

    @property
    def cookie(self) -> str:
        """The session cookie, a secret `name=value`; empty when signed out."""
        return self._engine.calls.cookie

    @property
    def player_id(self) -> str:
        """The id of the player who is signed in. Raises SessionOver."""
        return self._engine.signed_in.player.id

    def now(self) -> float:
        """The clock of every instant (`..._at`) of this client: the event loop's, in seconds."""
        return self._engine.now()

    # Coming in

    async def sign_in_as_guest(self, name: str) -> SessionView:
        """Be a new guest. Raises CallRefused, such as `name_taken`, or Unreachable. This and its
        likes: cancelled, the session may have begun all the same, and ends by its idle timeout."""
        return await self._engine.sign_in("/api/guests", {"name": name})

    async def register(self, name: str, password: str) -> SessionView:
        """Be a new player with a password. Raises CallRefused, or Unreachable."""
        return await self._engine.sign_in("/api/players", {"name": name, "password": password})

    async def sign_in(self, name: str, password: str, *, remember: bool = False) -> SessionView:
        """Sign in as a player who has registered; ends the session that this client had. Raises
        CallRefused, such as `bad_credentials`, or Unreachable."""
        body = {"name": name, "password": password, "remember": remember}
        return await self._engine.sign_in("/api/session", body)

    async def resume(self) -> SessionView:
        """Go on with the session of the cookie. Raises SessionOver, or Unreachable."""
        return await self._engine.resume()

    async def sign_out(self) -> None:
        """End the session. Raises CallRefused `storage_unavailable` where the end may be lost with
        a crash of the server."""
        await self._engine.end_by_call("/api/session", "signed_out")

    async def sign_out_everywhere(self) -> None:
        """End all sessions of the player, this one included."""
        await self._engine.end_by_call("/api/sessions", "signed_out_everywhere")

    # Staying

    async def touch(self) -> float:
        """Tell of an activity: the idle clock starts anew, and a warning is withdrawn. Over the
        connection, or by a call where there is none. Returns the seconds until the session ends.
        Raises SessionOver, or Unreachable. Cancelled, it may have been told all the same."""
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
        """Let the idle clock stand still: busy without input, or with `away`, be right back.
        Returns the seconds granted. Raises RequestRefused. Cancelled, it may be in force."""
        held = await self.request(Hold(seconds=seconds, why=why, away=away), repeat=True)
        assert isinstance(held, Held)
        return held.seconds

    async def release(self) -> None:
        """End the hold. After a "be right back", `touch` is what says that one is here again."""
        await self.request(Release(), repeat=True)

    async def look(self) -> SessionState:
        """Ask how the session stands; no activity."""
        await self.request(Look(), repeat=True)
        return self._engine.signed_in

    # Who is here

    async def watch_lobby(self) -> RosterMirror:
        """Follow who is here, over every reconnect; returns when the roster is there. Cancelling
        leaves it being followed; see `unwatch_lobby`."""
        self._is_watching_lobby = True
        await self.request(Watch(topic=self.roster.topic), repeat=True)
        await self.until(lambda: self.roster.is_current)
        return self.roster

    async def unwatch_lobby(self) -> None:
        """Follow it no more."""
        self._is_watching_lobby = False
        self.roster.expect_whole()
        await self.request(Unwatch(topic=self.roster.topic), repeat=True)

    async def players(self, *, status: str | None = None) -> AsyncIterator[dict[str, Any]]:
        """Everybody who is here, or `offline`, by name: pages through GET /api/players."""
        after: str | None = ""
        while after is not None:
            page = await self.get("/api/players", dict[str, Any], status=status, after=after)
            for player in page["players"]:
                yield player
            after = page["next"]

    # The own account

    async def sessions(self) -> list[dict[str, Any]]:
        """The own sessions, as GET /api/sessions lists them."""
        answer = await self.get("/api/sessions", dict[str, list[dict[str, Any]]])
        return answer["sessions"]

    async def sign_out_one(self, id: str) -> None:
        """End one of the own sessions. Raises CallRefused `not_found`."""
        await self.call("DELETE", f"/api/sessions/{quote(id, safe='')}", NoneType)

    async def change_password(self, current: str, new: str) -> None:
        """Have another password from now on; all other sessions of the player end. Raises
        CallRefused, such as `wrong_password`, and `no_password` of a guest."""
        await self.call("PUT", "/api/password", NoneType, body={"current": current, "new": new})

    async def history(
        self, *, before: str | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """A page of the own changes of status, newest first: `changes`, and `next` for `before`."""
        path = f"/api/players/{self.player_id}/history"
        return await self.get(path, dict[str, Any], before=before, limit=limit)

    # Hearing

    def listen(self, listener: Callable[[Received], None]) -> Callable[[], None]:
        """Call `listener` with each message of the server, after `session`, `roster` and rooms have
        followed it; returns a function that ends that."""
        return self._engine.listeners.add(listener)

    def messages(self) -> AsyncIterator[Received]:
        """Each message from the first step of the iteration on. Ends with `close`; raises
        SessionOver when the session is over. What is not read is kept."""
        return self._engine.listeners.messages()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until `is_so()`, which is called now and after each message. Raises SessionOver,
        ClientClosed, or what `is_so` raises. Cancelling has no effect on the server."""
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

    # What the connection says

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
