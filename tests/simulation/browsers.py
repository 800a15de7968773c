"""The players: what they do, what they are told, and what follows from it.

A browser speaks ASGI to the server, with nothing in between. It raises `PromiseBroken` if it is
signed out before the time it was given, or without a full warning; if a cookie works after its
sign-out; or if the lobby has a gap.
"""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from server.client import Received, RosterMirror, Unknown
from server.client.codec import decode
from server.wire.messages import (
    ClientMessage,
    Error,
    Extended,
    Held,
    Hello,
    Ping,
    Pong,
    Presence,
    Roster,
    SignedOut,
    Warning_,
    encode_request,
)
from tests.support.invariants import InvariantViolated

if TYPE_CHECKING:
    from tests.simulation.day import Day

ROUNDING = 0.001
"""Seconds by which a deadline may seem early: times left are rounded to whole milliseconds."""

LOST, LEFT, RELOADED = 1005, 1001, 1000
SERVICE_RESTART = 1012
_REFUSALS = ((409, "/api/players"), (401, "/api/session"))
_BY_ITSELF = ("idle_timeout", "session_lifetime")


class PromiseBroken(InvariantViolated):
    """The server did not do what it had told a client."""


class Answer(NamedTuple):
    """Status, body if it is JSON and, if one was set, session cookie of an HTTP call."""

    status: int
    body: Any
    cookie: str | None


async def call(
    app: Any, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Make an HTTP request, as an ASGI server passes it on."""
    path, _, query = path.partition("?")
    raw = b"" if body is None else json.dumps(body).encode()
    sent = {"host": "here.test", **(headers or {})}
    if body is not None:
        sent["content-type"] = "application/json"
        sent["content-length"] = str(len(raw))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "scheme": "http",
        "server": ("here.test", 80),
        "client": ("127.0.0.1", 1),
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
    }
    incoming = deque([{"type": "http.request", "body": raw}])
    started: dict[str, Any] = {}
    chunks: list[bytes] = []

    async def receive() -> dict[str, Any]:
        if not incoming:
            await asyncio.Event().wait()  # the client waits for its answer
        return incoming.popleft()

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            started.update(message)
        else:
            chunks.append(message.get("body", b""))

    await app(scope, receive, send)
    cookie = None
    for name, value in started["headers"]:
        if name == b"set-cookie":
            cookie = value.decode().split(";")[0].partition("=")[2] or None
    answered = b"".join(chunks)
    is_json = (
        dict(started["headers"]).get(b"content-type", b"").partition(b";")[0].endswith(b"json")
    )
    return Answer(started["status"], json.loads(answered) if is_json else None, cookie)


class Browser:
    """A cookie jar, its tabs, and what it was told about its session."""

    def __init__(self, day: "Day", name: str, *, guest: bool, remember: bool) -> None:
        self.day = day
        self.name = name
        self.guest = guest
        self.remember = remember
        self.cookie: str | None = None
        self.session_id = ""
        self.pages: list[Page] = []
        self.signed_in_at = self.ends_by = 0.0
        self.forget()

    def forget(self) -> None:
        """Drop what the server told about an earlier session."""
        # No sign-out before this time of the day, according to the server.
        self.not_before = float("-inf")
        self.life_until = 0.0
        self.warned: dict[str, float] = {}
        # Messages to it may have been lost.
        self.is_deaf = False
        self.is_asleep = False
        # The disk failed when the process died: the session may not have been written.
        self.is_unwritten = False
        # Its sign-out has no answer yet.
        self.is_in_doubt = False
        self.activities: deque[float] = deque(maxlen=50)

    @property
    def open_pages(self) -> "list[Page]":
        return [page for page in self.pages if page.is_open]

    async def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Make a call with the cookie, and apply what the answer says of the session."""
        cookie = self.cookie
        asked_at = self.day.instant()
        if cookie is not None:
            headers["cookie"] = f"session={cookie}"
        answer = await call(self.day.still_here.app, method, path, body, headers)
        self.day.note(self.name, method, path, answer.status)
        if answer.status >= 500 and answer.status != 503:
            raise PromiseBroken(f"{method} {path} was answered {answer}")
        if cookie is not None and cookie == self.cookie:
            if answer.status == 401 and answer.body["code"] != "bad_credentials":
                self.hear_end(answer.body["code"], None)
            elif answer.status < 400 and self.day.is_activity(method, path, headers):
                self.activities.append(asked_at)
        return answer

    # Signing in and out

    def let_go(self) -> None:
        """A socket was closed. Without one, a hold ends with the grace, and no warning is given."""
        if not self.open_pages and self.activities:
            known_until = self.activities[-1] + self.day.policy["idle_timeout"] - ROUNDING
            self.not_before = min(self.not_before, known_until)

    async def sign_in(self) -> None:
        """Sign in with a new guest's name, or as this player."""
        day = self.day
        before, asked_at = self.cookie, day.instant()
        if self.guest:
            path, body = "/api/guests", {"name": f"{self.name} {day.number()}"}
        elif self.name in day.registered:
            path, body = "/api/session", {"name": self.name, "password": "correct horse"}
            body |= {"remember": self.remember}  # type: ignore[dict-item]
        else:
            path, body = "/api/players", {"name": self.name, "password": "correct horse"}
        answer = await self.call("POST", path, body)
        if answer.status == 201:
            if not self.guest:
                day.registered.add(self.name)
            self.take(answer, before, asked_at)
        elif answer.status != 503 and (answer.status, path) not in _REFUSALS:
            raise PromiseBroken(f"{self.name} could not sign in: {answer}")

    def take(self, answer: Answer, before: str | None, asked_at: float) -> None:
        """Make the new session this browser's own."""
        assert answer.cookie is not None
        if before is not None:
            self.day.revoked[before] = ""  # replaced, unless it had ended earlier
        self.cookie = answer.cookie
        self.session_id = answer.body["session"]["id"]
        self.day.by_session[self.session_id] = self
        self.day.signed_in[self.session_id] = answer.cookie, self.day.instant()
        self.forget()
        self.activities.append(asked_at)
        self.signed_in_at = asked_at
        self.ends_by = asked_at + answer.body["session"]["ends_in"]
        if self.day.instant() < asked_at + 1.0:
            self.not_before = asked_at + answer.body["session"]["expires_in"] - ROUNDING

    async def sign_out(self, everywhere: bool) -> None:
        """Sign out here, or everywhere."""
        concerned = [
            other
            for other in self.day.browsers
            if other.cookie is not None
            and (other is self or (everywhere and other.name == self.name))
        ]
        cookies = {other: other.cookie for other in concerned}
        for other in concerned:
            other.is_in_doubt = True
        path = "/api/sessions" if everywhere else "/api/session"
        answer = await self.call("DELETE", path)
        for other in concerned:
            if other.cookie != cookies[other]:
                continue  # it has a newer session already
            other.is_in_doubt = False
            if answer.status == 204:
                word = "signed_out_everywhere" if everywhere else "signed_out"
                self.day.revoked[cookies[other] or ""] = word if other is self else ""
                other.cookie = None

    async def replay(self) -> None:
        """Try a revoked cookie, as a thief would."""
        revoked = list(self.day.revoked.items())
        if not revoked:
            return
        cookie, reason = self.day.chance.choice(revoked)
        answer = await call(
            self.day.still_here.app,
            "POST",
            "/api/session/activity",
            headers={"cookie": f"session={cookie}"},
        )
        if answer.status == 503:
            return  # the disk fails
        if answer.status != 401 or (
            reason and answer.body["code"] not in (reason, "not_signed_in")
        ):
            raise PromiseBroken(f"a cookie revoked for {reason} was answered {answer}")

    # Messages

    def rely_on(self, expires_in: float) -> None:
        """The server said that this much time is left."""
        self.not_before = self.day.instant() + expires_in - ROUNDING

    def hear_warning(self, expires_in: float, reason: str) -> None:
        until = self.day.instant() + expires_in - ROUNDING
        if reason == "session_lifetime":
            self.not_before = min(self.not_before, until)
            self.life_until = max(self.life_until, until)
        else:
            # A clock of its own, which says nothing about the other one.
            self.not_before = min(until, self.life_until) if self.life_until else until
        self.warned.setdefault(reason, self.day.instant())
        if self.day.chance.random() < 0.5:
            self.day.later(self.day.chance.uniform(0, 58), self.day.stay, self)

    def hear_extended(self, expires_in: float) -> None:
        self.warned.pop("idle_timeout", None)
        self.rely_on(expires_in)

    def hear_end(self, reason: str, page: "Page | None") -> None:
        """The session has ended or, if it is remembered, is dormant."""
        now = self.day.instant()
        day = self.day
        if reason in _BY_ITSELF:
            if now < self.not_before:
                raise PromiseBroken(
                    f"{self.name} ({self.session_id}) hears of {reason} at {now:.3f}, and was "
                    f"given until {self.not_before:.3f}"
                )
            warned = self.warned.get(reason)
            if page is not None and not self.is_deaf:
                if warned is None:
                    raise PromiseBroken(
                        f"{self.name} ({self.session_id}): {reason} with no warning"
                    )
                if now - warned < day.policy["warn_before"] - ROUNDING:
                    raise PromiseBroken(
                        f"{self.name} ({self.session_id}): {reason} {now - warned:.3f} s after "
                        "its warning came"
                    )
        if reason == "idle_timeout" and self.remember and page is not None:
            self.is_asleep = True
            return  # a return revives it
        is_sure = not self.is_unwritten and day.reads_are_sure()
        if reason == "not_signed_in" and self.cookie is not None and is_sure:
            raise PromiseBroken(f"{self.name}: the cookie of {self.session_id} names nothing")
        if self.cookie is not None:
            day.note_over(self.cookie, reason)
        self.cookie = None


class Page:
    """A tab: one socket of a browser."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.cookie = browser.cookie
        self.is_open = False  # from `hello` to the end
        self.is_over = False
        self.is_silent = False  # the cable is pulled, and the server has not noticed
        self.is_slow = False
        self.code: int | None = None
        self.roster = RosterMirror()
        self.said = 0
        self._incoming: deque[dict[str, Any]] = deque([{"type": "websocket.connect"}])
        self._waiting: asyncio.Future[None] | None = None

    def start(self) -> asyncio.Task[None]:
        """Open the socket; the task is the server's side of it."""
        self.browser.pages.append(self)
        headers = [(b"host", b"here.test"), (b"cookie", f"session={self.cookie}".encode())]
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": "/ws",
            "raw_path": b"/ws",
            "query_string": b"",
            "root_path": "",
            "server": ("here.test", 80),
            "client": ("127.0.0.1", 1),
            "headers": headers,
            "subprotocols": ["stillhere.v1"],
            "extensions": {},
        }
        app: Any = self.browser.day.still_here.app
        served = app(scope, self._receive, self._send)
        return asyncio.get_running_loop().create_task(served)

    def say(self, message: ClientMessage) -> None:
        """Send a message, which is lost if the cable is pulled."""
        if self.is_open and not self.is_silent:
            self._put({"type": "websocket.receive", "text": encode_request(message)})
            if isinstance(message, Ping) and self.cookie == self.browser.cookie:
                self.browser.activities.append(self.browser.day.instant())

    def go(self, code: int) -> None:
        """Close the socket; the server is notified at once."""
        if self.is_over:
            return
        self.is_over = True
        self.is_open = False
        self.browser.pages.remove(self)
        self.browser.let_go()
        self._put({"type": "websocket.disconnect", "code": code})

    def vanish(self) -> None:
        """Close the socket after the server's process has died."""
        self.is_over, self.is_open = True, False
        if self in self.browser.pages:
            self.browser.pages.remove(self)

    def _put(self, event: dict[str, Any]) -> None:
        self._incoming.append(event)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def _receive(self) -> dict[str, Any]:
        while not self._incoming:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        return self._incoming.popleft()

    async def _send(self, event: dict[str, Any]) -> None:
        if event["type"] == "websocket.send":
            if self.is_over:
                raise OSError("the peer is gone")
            if not self.is_silent:
                self._hear(decode(event["text"]))
            if self.is_slow:
                await asyncio.sleep(self.browser.day.chance.uniform(0.01, 5))
        elif event["type"] == "websocket.close" and not self.is_over:
            self.code = event["code"]
            self.is_open = False
            self.browser.day.later(0.01, self._echo)

    def _echo(self) -> None:
        """The browser's part of the closing handshake."""
        self.go(self.code or LOST)

    def _hear(self, message: Received) -> None:
        browser = self.browser
        day = browser.day
        kind = message.__class__.__name__
        day.note(browser.name, kind, getattr(message, "expires_in", None))
        # A slow page reads messages late, when the times in them are too large.
        is_current = self.cookie == browser.cookie and not self.is_slow
        if self.is_slow:
            browser.not_before = float("-inf")
        match message:
            case Hello():
                self.is_open = True
                if is_current:
                    if browser.is_asleep:
                        browser.is_asleep = False
                        browser.warned.pop("idle_timeout", None)
                    browser.rely_on(message.session.expires_in)
            case SignedOut():
                if is_current and self.cookie is not None:
                    browser.hear_end(message.reason, self if self.is_open else None)
            case Warning_() if is_current:
                browser.hear_warning(message.expires_in, message.reason)
            case Extended() if is_current:
                browser.hear_extended(message.expires_in)
            case Pong() | Held() if is_current:
                browser.rely_on(message.expires_in)
            case Roster():
                self.roster.replace(message)
            case Presence():
                roster, before = self.roster, self.roster.version
                strangers = {each.id for each in message.changed} - roster.players.keys()
                if not roster.is_current or not roster.apply(message):
                    raise PromiseBroken(f"a gap in the lobby: {message.version} after {before}")
                if strangers or len(roster.players) != message.total:
                    raise PromiseBroken(
                        f"the lobby counts {message.total}, not {len(roster.players)}, and has "
                        f"changed {strangers}"
                    )
            case Error() | Unknown():
                raise PromiseBroken(f"{browser.name} was sent {message}")
            case _:
                pass
