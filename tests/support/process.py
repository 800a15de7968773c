"""The `stillhere` command in a process of its own: real signals, real time, real ends.

By default it is a fork, which starts in a tenth of the time (`tests.support.forks`). With
`is_fork=False` it is started as a user would, for the tests of starting.
"""

import asyncio
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

import httpx

from scripts import server_process
from scripts.server_process import COMMAND, TIMEOUT, environment
from server.client import Address
from tests.support.answers import until
from tests.support.forks import FORKS, Fork, Start
from tests.support.live_server import Tab

ON_ASYNCIO = (
    "-c",
    "import asyncio, server.__main__ as command\n"
    "command._loop_factory = lambda: asyncio.new_event_loop\n"
    "command.main()",
)
"""The same command on asyncio's own loop, as without uvloop."""

UVICORN = ("-m", "uvicorn", "--factory", "server.app:create_app")


async def fork(
    arguments: Sequence[str], folder: Path, variables: Mapping[str, str], log: IO[bytes]
) -> Fork:
    """The default `Spawn` of the tests."""
    return await FORKS.start_in_loop(Start(arguments, str(folder), variables), log.fileno())


class VisitedServer(server_process.ServerProcess):
    """A server process with the actions of players, and stalls."""

    @property
    def url(self) -> str:
        return self.address.url

    @property
    def port(self) -> int:
        return self.address.port

    async def stand_still(self, seconds: float) -> None:
        """Stop the process with SIGSTOP, and continue it after a while."""
        self.send(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.send(signal.SIGCONT)

    def visitor(self, cookie: str | None = None) -> httpx.AsyncClient:
        """A browser, with the cookie of a session or without."""
        cookies = None if cookie is None else {"session": cookie}
        # No certificates: reading those of the authorities costs 30 ms a client.
        return httpx.AsyncClient(base_url=self.url, cookies=cookies, timeout=TIMEOUT, verify=False)

    async def sign_in(self, name: str) -> str:
        """The cookie of a new guest."""
        async with self.visitor() as client:
            response = await client.post("/api/guests", json={"name": name})
            assert response.status_code == 201, response.text
            return client.cookies["session"]

    async def status(self, cookie: str) -> tuple[int, str]:
        """Status and body of `GET /api/session`, in short: 200 and the player's status, or the
        refusal."""
        async with self.visitor(cookie) as client:
            response = await client.get("/api/session")
            body = response.json()
            word = body["code"] if "code" in body else body["player"]["status"]
            return response.status_code, word

    @asynccontextmanager
    async def tab(self, cookie: str) -> AsyncIterator[Tab]:
        """A socket, after its `hello`."""
        tab = await Tab.open(self.url, cookie)
        try:
            await tab.next("hello", "signed_out")
            yield tab
        finally:
            await tab.socket.close()


@asynccontextmanager
async def running(
    folder: Path,
    *flags: str,
    command: Sequence[str] = COMMAND,
    is_fork: bool = True,
    variables: Mapping[str, str] | None = None,
) -> AsyncIterator[VisitedServer]:
    """A server that listens. It is killed at the end if it still runs."""
    spawn = fork if is_fork else server_process.spawn
    server = VisitedServer(folder, *flags, command=command, variables=variables, spawn=spawn)
    try:
        await server.start()
        yield server
    finally:
        await server.stop(signal.SIGKILL)


@asynccontextmanager
async def running_uvicorn(folder: Path) -> AsyncIterator[VisitedServer]:
    """The application under uvicorn's own command, with uvicorn's own transports."""
    server = VisitedServer(folder, command=UVICORN)
    try:
        await server.begin()
        await until(lambda: "Uvicorn running on" in server.log(), TIMEOUT)
        (url,) = re.findall(r"Uvicorn running on (http://127\.0\.0\.1:\d+)", server.log())
        server.address = Address.parse(url)
        yield server
    finally:
        await server.stop(signal.SIGKILL)


def run(
    folder: Path,
    *flags: str,
    command: Sequence[str] = COMMAND,
    is_fork: bool = True,
    **variables: str,
) -> subprocess.CompletedProcess[str]:
    """Run a start that is expected to end by itself."""
    chosen = environment() | variables
    if not is_fork:
        return subprocess.run(
            [sys.executable, *command, *flags],
            cwd=folder, env=chosen, capture_output=True, text=True,
            timeout=TIMEOUT, check=False,
        )  # fmt: skip
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        start = Start([*command, *flags], str(folder), chosen)
        process = FORKS.start(start, stdout.fileno(), stderr.fileno())
        try:
            code = process.wait_blocking(TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait_blocking(TIMEOUT)
            raise
        for each in (stdout, stderr):
            each.seek(0)
        return subprocess.CompletedProcess(["stillhere"], code, stdout.read(), stderr.read())


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """The last line, which explains the end; lines of the log may come before it."""
    *_, last = done.stderr.splitlines()
    assert "Traceback" not in done.stderr
    return last
