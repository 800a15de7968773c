"""The parts of a client: a session, its calls, its connection, and pending requests."""

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import NoneType
from typing import Any, TypeVar

from server.client.address import Address
from server.client.calls import Calls
from server.client.codec import Received
from server.client.connection import Connection
from server.client.errors import (
    CallRefused,
    ClientClosed,
    ConnectionLost,
    RequestRefused,
    SessionOver,
    StillHereError,
)
from server.client.limits import Limits
from server.client.link import Link, State
from server.client.listeners import Listeners
from server.client.requests import PendingRequests
from server.client.session import SessionState
from server.client.tasks import stop
from server.wire.closing import ABNORMAL
from server.wire.messages import ClientMessage, Watch
from server.wire.views import SessionView

T = TypeVar("T")


class ClientEngine:
    """Sends requests and receives messages during a session.

    `follow` is called with each message, before anything that waits for it; `lost` when the
    connection is lost. `options` are passed to the `connect` of *websockets*.
    """

    def __init__(
        self,
        address: Address,
        follow: Callable[[Received], None],
        lost: Callable[[], None],
        *,
        cookie: str,
        tls: ssl.SSLContext | None,
        limits: Limits,
        options: dict[str, Any],
    ) -> None:
        self.session: SessionState | None = None
        self.ended: SessionOver | None = None
        self.calls = Calls(address, cookie=cookie, tls=tls, limits=limits)
        self.listeners = Listeners()
        self._address = address
        self._follow = follow
        self._lost = lost
        self._tls = tls
        self.limits = limits
        self._options = options
        self._requests = PendingRequests()
        self._link: Link | None = None
        self._running: asyncio.Task[SessionOver] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_signing_in = False
        self._is_closed = False

    async def close(self) -> None:
        """Close the connection with 1000, and release everything."""
        self._is_closed = True
        await self._stop()
        await stop(*self._tasks)
        self._drop(ClientClosed())

    @property
    def state(self) -> State:
        """The state of the connection."""
        return State.CLOSED if self._link is None else self._link.state

    @property
    def signed_in(self) -> SessionState:
        """The session. Raises SessionOver if there is none, or ClientClosed."""
        if self.session is None:
            if self._is_closed:
                raise ClientClosed
            raise self.ended or SessionOver("not_signed_in")
        return self.session

    @property
    def player_id(self) -> str | None:
        """The id of the signed-in player, or None."""
        return None if self.session is None else self.session.player.id

    def now(self) -> float:
        """Return the time in seconds of the event loop, the clock of all instants of the client."""
        return asyncio.get_running_loop().time()

    # The session

    async def sign_in(self, path: str, body: dict[str, Any]) -> SessionView:
        """Sign in by a call, and connect. Raises CallRefused, which changes nothing, or
        Unreachable."""
        # The old connection may be closed with `replaced` before the answer arrives.
        self._is_signing_in = True
        try:
            view = await self.calls.call("POST", path, SessionView, body=body)
        finally:
            self._is_signing_in = False
        await self._enter(view)
        return view

    async def resume(self) -> SessionView:
        """Connect with the present cookie. Raises SessionOver, or Unreachable."""
        try:
            view = await self.calls.get("/api/session", SessionView)
        except CallRefused as refused:
            if refused.status == 401:
                raise SessionOver(refused.code, refused.detail) from None
            raise
        await self._enter(view)
        return view

    async def end_by_call(self, path: str, reason: str) -> None:
        """Sign out."""
        await self.call("DELETE", path, NoneType)
        await self._stop()
        self._end(SessionOver(reason))

    # Requests

    async def request(
        self,
        message: ClientMessage,
        *,
        repeat: bool = False,
        accepted: Callable[[], None] = lambda: None,
    ) -> Received | None:
        """Send a message, and wait until the server has handled it; return its answer, None if it
        has none besides `done`.

        Raises RequestRefused, SessionOver, or ConnectionLost if the connection ended meanwhile;
        with `repeat`, for idempotent requests, the message is sent again instead. Cancelling may
        come too late. `accepted` is called when the server has done it, before the next message.
        """
        while True:
            await self.listeners.until(self._is_open)
            assert self._link is not None
            numbered, answer = self._requests.add(message, accepted)
            try:
                await self._link.send(numbered)
                return await answer
            except ConnectionLost:
                if not repeat:
                    raise
                await asyncio.sleep(0)  # let the link notice it too
            finally:
                if not answer.cancel() and not answer.cancelled():
                    answer.exception()  # mark as retrieved

    async def get(self, path: str, answer: type[T], **query: object) -> T:
        """Make a passive GET; see `Calls.get`. A 401 ends the session and raises SessionOver."""
        asked = self.session
        try:
            return await self.calls.get(path, answer, **query)
        except CallRefused as refused:
            raise self._seen(refused, asked) from None

    async def call(self, method: str, path: str, answer: type[T], *, body: object = None) -> T:
        """Make any other call; see `Calls.call`. A 401 ends the session and raises SessionOver."""
        asked = self.session
        try:
            return await self.calls.call(method, path, answer, body=body)
        except CallRefused as refused:
            raise self._seen(refused, asked) from None

    def ask_soon(self, message: ClientMessage) -> None:
        """Send a message without waiting, if there is a connection."""
        if self.state is State.OPEN:
            self._spawn(self._ask(message))

    def watch_soon(
        self, topic: str, refused: Callable[[RequestRefused], None] = lambda _: None
    ) -> None:
        """Watch a topic again, without waiting; `refused` is called if that is no longer
        possible."""
        self._spawn(self._watch_again(topic, refused))

    # Internals

    def _is_open(self) -> bool:
        return self.signed_in is not None and self.state is State.OPEN

    async def _enter(self, view: SessionView) -> None:
        await self._stop()
        self.ended = None
        self.listeners.begin()
        self.session = SessionState(view, self.now)
        self._link = Link(self._dial, self._hear, self._changed, self.limits)
        self._running = asyncio.create_task(self._link.run())
        self._running.add_done_callback(self._link_ended)

    async def _dial(self) -> Connection:
        return await Connection.open(
            self._address, self.calls.cookie, tls=self._tls, limits=self.limits, **self._options
        )

    async def _stop(self) -> None:
        """Close the connection with 1000, which says that the client leaves."""
        running, self._running = self._running, None
        if running is not None:
            await stop(running)

    def _link_ended(self, running: "asyncio.Task[SessionOver]") -> None:
        if running is not self._running:
            return  # stopped by `_stop`
        if (error := running.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "the connection's task failed", "exception": error}
            )
            self._end(SessionOver("failed", str(error)))
            return
        end = running.result()
        if not (self._is_signing_in and end.reason == "replaced"):
            self._end(end)

    def _end(self, end: SessionOver) -> None:
        if self.session is not None:
            self.session, self.ended = None, end
            self._drop(end)

    def _drop(self, error: StillHereError) -> None:
        self._requests.drop(error)
        self.session = None
        self.listeners.end(error)

    def _seen(self, refused: CallRefused, asked: SessionState | None) -> StillHereError:
        """Return the error to raise for a refusal: a 401 means that the session that `asked`
        ended."""
        if refused.status != 401 or asked is None:
            return refused
        end = SessionOver(refused.code, refused.detail)
        if self.session is asked:  # the connection has not reported it
            self._end(end)
            self._spawn(self._stop())
        return end

    def _hear(self, message: Received) -> None:
        self._requests.hear(message)
        if self.session is not None:
            self.session.hear(message)
        self._follow(message)
        self.listeners.tell(message)

    def _changed(self, state: State, code: int | None) -> None:
        if state is not State.OPEN:
            self._requests.drop(ConnectionLost(code or ABNORMAL))
            self._lost()
        self.listeners.look_again()

    async def _watch_again(self, topic: str, refused: Callable[[RequestRefused], None]) -> None:
        try:
            await self.request(Watch(topic=topic))
        except RequestRefused as error:
            refused(error)
            self.listeners.look_again()
        except (ConnectionLost, SessionOver, ClientClosed):
            pass  # it is watched again at the next hello

    async def _ask(self, message: ClientMessage) -> None:
        with suppress(StillHereError):
            await self.request(message)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
