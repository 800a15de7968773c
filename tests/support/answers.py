"""Helpers to read answers of the server and to wait for its state."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http.cookies import Morsel, SimpleCookie
from typing import Self

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.routing import Route

from server.web.calls import Call
from tests.support.live_server import TIMEOUT, LiveServer, Tab, Visitor
from tests.support.responses import problem_of


def routes_of(app: Starlette) -> list[Route]:
    """Every route, including new ones."""
    routes = [each for each in app.routes if isinstance(each, Route)]
    assert len(routes) == len(app.routes) > 15
    return routes


def calls_of(app: Starlette) -> list[Call]:
    """Every call, including new ones; the other routes only send files."""
    routes = routes_of(app)
    calls = [each for each in routes if isinstance(each, Call)]
    assert all(each in calls or each.methods == {"GET", "HEAD"} for each in routes)
    assert len(calls) > 15
    return calls


def cookie_of(response: httpx.Response) -> Morsel[str]:
    """The only cookie that a response sets."""
    (header,) = response.headers.get_list("set-cookie")
    (morsel,) = SimpleCookie(header).values()
    return morsel


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal, after a check that it is a complete problem (RFC 9457)."""
    return problem_of(response.status_code, response.headers, response.content)


async def metrics(server: LiveServer) -> dict[str, float]:
    """Every sample of `/metrics`, by its name with its labels, as `name{label="value"}`."""
    visitor = await server.visitor()
    response = await visitor.http.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
            found[sample.name + (f"{{{labels}}}" if labels else "")] = sample.value
    return found


def break_reads(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let reading a player fail, as a bug would; return the path of a call that is a 500 now."""

    async def fail(*_: object) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(server.still_here.store, "find_player", fail)
    return "/api/players/p_0123456789012345678901"


async def until(is_so: Callable[[], bool | Awaitable[bool]], seconds: float = TIMEOUT) -> None:
    """Wait for a change that the server makes by itself, soon after the sockets' events; `is_so`
    may be a coroutine function."""
    for attempt in range(int(seconds / 0.005)):
        found = is_so()
        if found if isinstance(found, bool) else await found:
            return
        # Most changes take a few turns of the loop.
        await asyncio.sleep(0 if attempt < 20 else 0.005)
    raise AssertionError("waited in vain")


async def until_status(visitor: Visitor, status: str) -> None:
    """Wait until the server has noticed a change of a socket."""
    await until(lambda: visitor.session.status == status)


class Bystanders:
    """Ada, who is attacked or misbehaves; Bob, who watches the lobby; and the log.
    `noticed_nothing` checks that bad input had no effect on them."""

    def __init__(self, ada: Visitor, watcher: Tab, caplog: pytest.LogCaptureFixture) -> None:
        self.ada = ada
        self._watcher = watcher
        self._caplog = caplog
        self._version = 0
        self._idle_from = 0.0

    @classmethod
    async def gather(cls, server: LiveServer, caplog: pytest.LogCaptureFixture) -> Self:
        """Let them in, and let time pass, so that an activity would show."""
        ada = await server.member("Ada")
        bob = await server.guest("Bob")
        watcher = await bob.tab()
        bystanders = cls(ada, watcher, caplog)
        await server.advance(50)
        bystanders._version = (await watcher.ask("watch", "roster", topic="lobby"))["version"]
        bystanders._idle_from = ada.session.idle_from
        caplog.set_level(logging.INFO)
        caplog.clear()
        return bystanders

    def logged(self) -> list[str]:
        """The warnings of the server and its libraries in the log. Refusals and closes are no
        warnings: those lines are bounded, and need no attention."""
        # Peers cause uvicorn's warnings: the command logs only its errors.
        least = {"stillhere": logging.WARNING, "asyncio": logging.WARNING}
        least |= {"uvicorn": logging.ERROR, "starlette": logging.ERROR}
        # By phase: a fixture that asks after the test would get its own phase only.
        return [
            record.getMessage()
            for record in self._caplog.get_records("call")
            if record.levelno >= least.get(record.name.partition(".")[0], logging.CRITICAL)
        ]

    async def noticed_nothing(self) -> None:
        """No activity, no diff, no warning in the log."""
        session = self.ada.session
        assert (session.last_activity, session.idle_from) == (0.0, self._idle_from)
        assert session.last_activity_by == "sign-in"
        # A change that was not sent yet would come with this roster, and raise its version.
        roster = await self._watcher.ask("watch", "roster", "presence", topic="lobby")
        assert (roster["type"], roster["version"]) == ("roster", self._version)
        assert self.logged() == []
