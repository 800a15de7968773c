"""A page with the module, whose network and clock the test controls: in a browser for tests of
input, otherwise in Node.js, which is ten times as fast."""

import asyncio
import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, Route

from server.web.assembly import join_words
from tests.support.browser import TIMEOUT_MS

HERE = Path(__file__).resolve().parent
STATIC = HERE.parent.parent / "static"
WORDS = join_words(
    {path.relative_to(STATIC).as_posix(): path.read_text() for path in STATIC.rglob("*.js")}
)
"""The texts of the page by the path of each language, as the server joins them."""

ORIGIN = "http://localhost"
BLANK = """<!doctype html><html lang="en"><title>Blank</title>
<input id="box"> <button id="go" type="button">Go</button></html>"""

_MAKE = """
async ([path, options, events]) => {
  const module = await import(path);
  Object.assign(window, module);
  window.here = new module.StillHere(options);
  for (const event of events) here.on(event, (what) => rig.told.push([event, plain(what)]));
  // As it was when it was told. A roster goes on living; a Problem would become an empty object.
  function plain(what) {
    if (what instanceof module.Problem) return what.status;
    return JSON.parse(JSON.stringify(what));
  }
}
"""
_PADS = """
(window.pads = argument.map((pad, index) => pad && ({
  index,
  buttons: pad.buttons.map((pressed) => ({ pressed: Boolean(pressed) })),
  axes: pad.axes,
})), navigator.getGamepads = () => window.pads, null)
"""
EVENTS = [
    "signedIn",
    "signedOut",
    "status",
    "warning",
    "extended",
    "held",
    "roster",
    "rooms",
    "room",
    "said",
    "queued",
    "matched",
    "pulse",
    "roomClosed",
    "connection",
    "unreachable",
]


class Rig(ABC):
    """A page. In functions that run in it, `here` is the page's StillHere and `rig` the object of
    `rig.js`."""

    MODULE = "/static/stillhere.js"

    @abstractmethod
    async def evaluate(self, function: str, argument: Any = None) -> Any:
        """The result of a function of the page; promises are awaited."""

    async def run(self, expression: str, argument: Any = None) -> Any:
        """The value of an expression in the page, which may use `argument`."""
        async with asyncio.timeout(TIMEOUT_MS / 1000):
            return await self.evaluate(f"async (argument) => ({expression})", argument)

    # The player's side

    async def make(self, **options: Any) -> None:
        """Create a StillHere without starting it."""
        await self.evaluate(_MAKE, [self.MODULE, options, EVENTS])

    async def sign_in(self, *, is_serving: bool = False, **options: Any) -> None:
        """Start with a session, connected. If `is_serving`, messages are answered at once, as the
        server would."""
        await self.answer("GET /api/session", {})
        await self.run("rig.isServing = argument", is_serving)
        await self.make(**options)
        assert await self.run("here.start()")
        if not is_serving:
            await self.hello()
        assert await self.run("here.connection") == "open"

    @abstractmethod
    async def press(self) -> None:
        """Press a key without a meaning: an activity."""

    @abstractmethod
    async def move(self, x: int, y: int) -> None:
        """Move the mouse there."""

    @abstractmethod
    async def wheel(self) -> None:
        """Turn the wheel of the mouse."""

    async def plug(
        self, *, buttons: tuple[int, ...] = (0, 0), axes: tuple[float, ...] = (0, 0)
    ) -> None:
        """Set the state of a gamepad; browsers leave gaps in their list of them."""
        await self.run(_PADS, [None, {"buttons": buttons, "axes": axes}])

    async def become(self, visibility: str) -> None:
        """Show the tab (`visible`) or hide it (`hidden`)."""
        await self.run(
            """(Object.defineProperty(document, 'visibilityState', {value: argument,
            configurable: true}), document.dispatchEvent(new Event('visibilitychange')), null)""",
            visibility,
        )

    # The server's side

    async def view(self, **changes: dict[str, Any]) -> dict[str, Any]:
        """Change fields of the parts of the session view, from now on."""
        view = await self.run(
            "Object.entries(argument).reduce((view, [part, changes]) => "
            "(Object.assign(view[part], changes), view), rig.view)",
            changes,
        )
        assert isinstance(view, dict)
        return view

    async def answer(self, call: str, *answers: dict[str, Any] | None) -> None:
        """Set the answers to a call, in order; the last is repeated. `None` is no answer; the
        defaults are status 200 and the session view."""
        await self.run("rig.answers[argument[0]] = argument[1]", [call, list(answers)])

    async def hear(self, type: str, **fields: Any) -> None:
        """Send a message to the page, over the newest socket."""
        await self.run("rig.socket.tell(argument)", {"type": type, **fields})

    async def hello(self, **fields: Any) -> None:
        await self.run("rig.socket.tell({type: 'hello', ...rig.view, ...argument})", fields)

    async def done(self, type: str) -> None:
        """Send `done` for the oldest message of this type without an answer."""
        await self.run("rig.socket.answer(argument)", type)

    async def refuse(self, type: str, code: str, detail: str = "") -> None:
        """Send `error` for the oldest message of this type without an answer."""
        refusal = {"code": code, "detail": detail}
        await self.run("rig.socket.answer(...argument)", [type, refusal])

    async def lose(self, code: int = 1006) -> None:
        """Close the newest socket."""
        await self.run("rig.socket.end(argument)", code)

    async def redial(self) -> None:
        """Let time pass until the page reconnects, at most the longest pause."""
        await self.run(
            """(async () => {
              for (const before = rig.sockets.length; rig.sockets.length === before;) {
                if (rig.clock.now > argument + 16_000) throw new Error('it dials no more');
                await rig.clock.pass(10);
              }
            })()""",
            await self.run("rig.clock.now"),
        )

    async def lose_for_long(self) -> None:
        """Close one connection after the other until the pause has its greatest length."""
        await self.run("Math.random = () => 0.999")
        for _ in range(6):
            await self.lose()
            await self.redial()
        await self.lose()

    async def reopen(self) -> None:
        """Answer the socket of a reconnect."""
        await self.redial()
        await self.hello()
        assert await self.run("here.connection") == "open"

    # Time

    async def wait(self, seconds: float) -> None:
        """Let time pass; every timer fires as often as it is due."""
        await self.run("rig.clock.pass(argument)", seconds * 1000)

    async def sleep(self, seconds: float) -> None:
        """Let time pass as in sleep, or while the browser is busy: each timer fires once."""
        await self.run("rig.clock.jump(argument)", seconds * 1000)

    # Results

    async def sent(self, *types: str) -> list[dict[str, Any]]:
        """The messages sent since the last call of this; only of these types, if any are given."""
        messages: list[dict[str, Any]] = await self.run("rig.sent.splice(0)")
        return [each for each in messages if not types or each["type"] in types]

    async def sent_types(self) -> list[str]:
        return [message["type"] for message in await self.sent()]

    async def calls(self) -> list[str]:
        """The calls since the last call of this; passive ones in brackets."""
        calls = await self.run("rig.calls.splice(0)")
        names = [f"{call['method']} {call['path']}" for call in calls]
        return [
            f"({name})" if call["isPassive"] else name
            for name, call in zip(names, calls, strict=True)
        ]

    async def told(self, *events: str) -> list[Any]:
        """The arguments of listeners of these events since the last call of this, in order."""
        told = await self.run("rig.told.splice(0)")
        heard = [(event, what) for event, what in told if not events or event in events]
        return [what for _, what in heard] if len(events) == 1 else heard

    async def complaints(self) -> list[str]:
        """The module's warnings in the console."""
        found = await self.run("rig.complaints")
        assert isinstance(found, list)
        return found

    async def sockets(self) -> list[dict[str, Any]]:
        """All sockets so far: `closedWith`, `madeAt` in ms."""
        found = await self.run(
            "rig.sockets.map(({closedWith, madeAt, url, protocols}) => "
            "({closedWith, madeAt, url, protocols}))"
        )
        assert isinstance(found, list)
        return found


class BrowserRig(Rig):
    """A rig in a real page, with a browser's own events."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def evaluate(self, function: str, argument: Any = None) -> Any:
        return await self.page.evaluate(function, argument)

    async def press(self) -> None:
        await self.page.keyboard.press("Shift")

    async def move(self, x: int, y: int) -> None:
        await self.page.mouse.move(x, y)

    async def wheel(self) -> None:
        await self.page.mouse.wheel(0, 5)


class Node:
    """A process of Node.js for one page after the other."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, **request: Any) -> Any:
        """Raises AssertionError with the error that was thrown there."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(request).encode() + b"\n")
        line = await stdout.readline()
        assert line, "Node.js has ended"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer.get("value")


class NodeRig(Rig):
    """A rig in Node.js, with events that the test makes."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def evaluate(self, function: str, argument: Any = None) -> Any:
        return await self._node.ask(run=function, argument=argument)

    async def press(self) -> None:
        await self._input("keydown", repeat=False)
        await self._input("keyup")

    async def move(self, x: int, y: int) -> None:
        await self._input("pointermove", screenX=x, screenY=y)

    async def wheel(self) -> None:
        await self._input("wheel")

    async def _input(self, type: str, **fields: Any) -> None:
        """Dispatch an event with `isTrusted`."""
        await self.run(
            "window.dispatchEvent(new Event(argument.type, argument))",
            {"type": type, "isTrusted": True, **fields},
        )


@asynccontextmanager
async def run_node() -> AsyncIterator[Node]:
    """Run a process for any number of pages, one at a time."""
    program = shutil.which("node")
    assert program is not None, "Node.js is not there: scripts/test gets it, or leaves this out"
    process = await asyncio.create_subprocess_exec(
        program,
        *("--experimental-vm-modules", "--no-warnings"),
        *(HERE / "node_rig.js", STATIC.parent),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    try:
        yield Node(process)
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def open_node_rig(node: Node) -> AsyncIterator[Rig]:
    """A page in Node.js. An uncaught error in it fails the test at its end."""
    await node.ask(begin=True)
    rig = NodeRig(node)
    yield rig
    assert await rig.run("rig.errors") == []


@asynccontextmanager
async def open_page(chromium: Browser) -> AsyncIterator[Page]:
    """A page that every test resets: making one takes longer than most of the tests."""
    context = await chromium.new_context(has_touch=True)
    try:
        await context.route("**/*", _serve)
        await context.add_init_script(path=HERE / "rig.js")
        yield await context.new_page()
    finally:
        await context.close()


@asynccontextmanager
async def open_rig(page: Page) -> AsyncIterator[BrowserRig]:
    """That page, blank. An uncaught error in it fails the test at its end."""
    await page.goto(f"{ORIGIN}/blank.html")
    rig = BrowserRig(page)
    yield rig
    assert await rig.run("rig.errors") == []


async def _serve(route: Route) -> None:
    path = route.request.url.removeprefix(ORIGIN)
    if path == "/blank.html":
        await route.fulfill(body=BLANK, content_type="text/html")
    elif (name := path.removeprefix("/static/")) in WORDS:
        await route.fulfill(body=WORDS[name], content_type="text/javascript")
    elif path.startswith("/static/"):
        await route.fulfill(path=STATIC / name)
    else:
        await route.fulfill(status=404)
