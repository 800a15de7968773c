"""An unmodified browser. Playwright keeps background tabs visible; here a tab behind another is
hidden, its timers are limited, and "back" restores pages from the cache.

Uses the DevTools protocol directly: https://chromedevtools.github.io/devtools-protocol/
"""

import asyncio
import json
import os
import re
import signal
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from server.base.waiting import within
from tests.support.answers import until
from tests.support.browser import FLAGS, find_chromium
from tests.support.paths import LIBFAKETIME

SPEED = 4 if LIBFAKETIME else 1
"""How fast the clocks of a real browser run, so that its timers are limited sooner. Without
libfaketime (`scripts/test` installs it) they run at the machine's speed."""

_TIMEOUT = 15.0
_LISTENS = re.compile(r"ws://\S+")


class Devtools:
    """The connection to one browser: commands and their answers."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.painted: set[str] = set()
        """The sessions of tabs whose page is loaded and painted."""

    async def send(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """Send a command and return its result. Raises AssertionError if the browser refuses it."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps(message))
        said = await within(_TIMEOUT, answer)
        assert "error" not in said, f"{method}: {said}"
        result: dict[str, Any] = said["result"]
        return result

    async def listen(self) -> None:
        """Pass answers to their callers, until cancelled."""
        with suppress(ConnectionClosed):
            async for text in self._socket:
                message = json.loads(text)
                if message.get("params", {}).get("name") == "firstMeaningfulPaint":
                    self.painted.add(message["sessionId"])
                answer = self._answers.pop(message.get("id", 0), None)
                if answer is not None and not answer.done():
                    answer.set_result(message)


class RealTab:
    """A tab, hidden while another is in front of it."""

    def __init__(self, devtools: Devtools, target: str, session: str) -> None:
        self._devtools = devtools
        self._target = target
        self._session = session

    async def do(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command to this tab."""
        return await self._devtools.send(method, self._session, **params)

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = await self.do(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, expression: str, seconds: float = _TIMEOUT) -> None:
        """Wait until an expression is true, without the page's own timers."""
        give_up = time.monotonic() + seconds
        while True:
            with suppress(AssertionError):  # no page to ask while one is loading
                if await self.evaluate(expression):
                    return
            assert time.monotonic() < give_up, f"waited in vain for {expression}"
            await asyncio.sleep(0.05)

    async def goto(self, url: str) -> None:
        self._devtools.painted.discard(self._session)
        await self.do("Page.navigate", url=url)
        address = f"new URL({json.dumps(url)}).href"
        await self.until(f"location.href === {address} && document.readyState === 'complete'")

    async def go_back(self) -> None:
        history = await self.do("Page.getNavigationHistory")
        entry = history["entries"][history["currentIndex"] - 1]
        await self.do("Page.navigateToHistoryEntry", entryId=entry["id"])

    async def is_painted(self) -> None:
        """Wait until the browser considers the page loaded. If it is hidden before, its timers are
        limited to one a minute only after five minutes, not after one."""
        await until(lambda: self._session in self._devtools.painted, _TIMEOUT)

    async def come_to_front(self) -> None:
        await self._devtools.send("Target.activateTarget", targetId=self._target)
        await self.until("document.visibilityState === 'visible'")

    async def press(self, key: str) -> None:
        """Press a key on the keyboard."""
        for kind in ("keyDown", "keyUp"):
            await self.do("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    async def enter(self, url: str, name: str) -> None:
        """Sign in as a guest."""
        await self.goto(url)
        await self.until("document.body.dataset.view === 'sign-in'")
        await self.evaluate(
            f"(document.querySelector('#name').value = {json.dumps(name)},"
            " document.querySelector('#sign-in').requestSubmit())"
        )
        await self.is_connected()

    async def is_connected(self) -> None:
        await self.until(
            "document.body.dataset.view === 'lobby'"
            " && document.querySelector('#connection').dataset.state === 'open'"
            " && document.querySelector('#roster li.is-own') !== null"
        )


class RealProfile:
    """A profile with one window."""

    def __init__(self, devtools: Devtools, context: str) -> None:
        self._devtools = devtools
        self._context = context

    async def tab(self) -> RealTab:
        """Open a tab in front of all others."""
        created = await self._devtools.send(
            "Target.createTarget", url="about:blank", browserContextId=self._context
        )
        target = created["targetId"]
        attached = await self._devtools.send("Target.attachToTarget", targetId=target, flatten=True)
        tab = RealTab(self._devtools, target, attached["sessionId"])
        await tab.do("Page.enable")
        await tab.do("Page.setLifecycleEventsEnabled", enabled=True)
        await tab.come_to_front()
        return tab


class RealBrowser:
    """Profiles without a shared state."""

    def __init__(self, devtools: Devtools) -> None:
        self._devtools = devtools

    async def profile(self) -> RealProfile:
        """A new profile."""
        created = await self._devtools.send("Target.createBrowserContext")
        return RealProfile(self._devtools, created["browserContextId"])


@asynccontextmanager
async def run_real_browser() -> AsyncIterator[RealBrowser]:
    """Run a Chromium until the context ends."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            find_chromium(),
            *FLAGS,
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
            "about:blank",
            stderr=PIPE,
            start_new_session=True,
            env=os.environ | _hurry(),
        )
        try:
            async with connect(await _address(process), max_size=None) as socket:
                devtools = Devtools(socket)
                listening = asyncio.create_task(devtools.listen())
                yield RealBrowser(devtools)
                listening.cancel()
        finally:
            if process.returncode is None:
                # The whole group: the installed browser may be a shell script.
                os.killpg(process.pid, signal.SIGTERM)
            await process.communicate()


def _hurry() -> dict[str, str]:
    if SPEED == 1:
        return {}
    return {"LD_PRELOAD": str(LIBFAKETIME[0]), "FAKETIME": f"+0 x{SPEED}"}


async def _address(process: Process) -> str:
    """The address on which it listens, from its output."""
    assert process.stderr is not None
    async with asyncio.timeout(_TIMEOUT):
        async for line in process.stderr:
            found = _LISTENS.search(line.decode())
            if found:
                return found[0]
    raise AssertionError("the browser ended at once")
