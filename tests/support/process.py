"""The `stillhere` command as a process of its own: real signals, real clocks, real ends.

By default it is a fork, which starts in a tenth of the time (`tests.support.forks`). With
`is_fork=False` it is the real thing, for the tests about what a person starts.
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
from typing import IO, TypeAlias

import httpx

from scripts.server_process import environment
from server.base.waiting import within
from tests.support.forks import FORKS, Fork, Start
from tests.support.live_server import Tab

ENVIRONMENT = environment()
PATIENCE = 40.0
"""Seconds for what a process does at once, on a machine that is busy."""

ONCE = ("-m", "server")
"""What Python is started with."""

COMMAND = (*ONCE, "--port=0")
ON_ASYNCIO = (
    "-c",
    "import asyncio, server.__main__ as command\n"
    "command._loop_factory = lambda: asyncio.new_event_loop\n"
    "command.main()",
    "--port=0",
)
"""The same command on asyncio's own loop, as where there is no uvloop."""

UVICORN = ("-m", "uvicorn", "--factory", "server.app:create_app", "--port=0")

Process: TypeAlias = asyncio.subprocess.Process | Fork


class ServerProcess:
    """A running server."""

    def __init__(self, process: Process, url: str, said: IO[bytes]) -> None:
        self.process = process
        self.url = url
        self._said = said

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def stand_still(self, seconds: float) -> None:
        """SIGSTOP: the process does nothing at all for a while, and does not know."""
        self.send(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.send(signal.SIGCONT)

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; returns the exit code, negative for a signal's."""
        self.send(number)
        return await self.wait()

    async def wait(self) -> int:
        """Wait for the end; returns what `end` does."""
        return await within(PATIENCE, self.process.wait())

    def log(self) -> str:
        """What it has written to stderr so far."""
        self._said.seek(0)
        return self._said.read().decode()

    async def sign_in(self, name: str) -> str:
        """A new guest's cookie."""
        async with httpx.AsyncClient(base_url=self.url, timeout=PATIENCE, verify=False) as client:
            response = await client.post("/api/guests", json={"name": name})
            assert response.status_code == 201, response.text
            return client.cookies["session"]

    async def status(self, cookie: str) -> tuple[int, str]:
        """What the server says of a session: 200 and its player's status, or the refusal."""
        async with httpx.AsyncClient(
            base_url=self.url, cookies={"session": cookie}, timeout=PATIENCE, verify=False
        ) as client:
            response = await client.get("/api/session")
            body = response.json()
            word = body["code"] if "code" in body else body["player"]["status"]
            return response.status_code, word

    @asynccontextmanager
    async def tab(self, cookie: str) -> AsyncIterator[Tab]:
        """A socket, its `hello` heard."""
        tab = await Tab.open(self.url, cookie)
        try:
            await tab.next("hello", "signed_out")
            yield tab
        finally:
            await tab.socket.close()


@asynccontextmanager
async def starting(
    folder: Path,
    *flags: str,
    command: Sequence[str] = COMMAND,
    is_fork: bool = True,
    variables: Mapping[str, str] | None = None,
) -> AsyncIterator[tuple[Process, IO[bytes]]]:
    """A process that has been started, and where its stderr goes. Ended, whatever happens."""
    environment = ENVIRONMENT | dict(variables or {})
    with tempfile.TemporaryFile() as said:
        process: Process
        if is_fork:
            start = Start([*command, *flags], str(folder), environment)
            process = await FORKS.start_in_loop(start, said.fileno())
        else:
            process = await asyncio.create_subprocess_exec(
                sys.executable, *command, *flags,
                cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=said,
            )  # fmt: skip
        try:
            yield process, said
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


@asynccontextmanager
async def running(
    folder: Path,
    *flags: str,
    command: Sequence[str] = COMMAND,
    is_fork: bool = True,
    variables: Mapping[str, str] | None = None,
) -> AsyncIterator[ServerProcess]:
    """A server of its own process, once it says where it listens."""
    async with starting(folder, *flags, command=command, is_fork=is_fork, variables=variables) as (
        process,
        said,
    ):
        assert process.stdout is not None
        line = await within(PATIENCE, process.stdout.readline())
        match = re.fullmatch(rb"Still Here \S+ on (http://\S+)\n", line)
        server = ServerProcess(process, match[1].decode() if match is not None else "", said)
        assert match is not None, (line, server.log())
        yield server


@asynccontextmanager
async def running_uvicorn(
    folder: Path, *flags: str, is_fork: bool = True, variables: Mapping[str, str] | None = None
) -> AsyncIterator[ServerProcess]:
    """The application under uvicorn's own command, with uvicorn's own transports."""
    async with starting(folder, *flags, command=UVICORN, is_fork=is_fork, variables=variables) as (
        process,
        said,
    ):
        server = ServerProcess(process, "", said)
        for _ in range(int(PATIENCE / 0.05)):
            match = re.search(r"Uvicorn running on (http://127\.0\.0\.1:\d+)", server.log())
            if match is not None:
                server.url = match[1]
                break
            await asyncio.sleep(0.05)
        assert server.url, server.log()
        yield server


def run(
    folder: Path,
    *flags: str,
    command: Sequence[str] = ONCE,
    is_fork: bool = True,
    **variables: str,
) -> subprocess.CompletedProcess[str]:
    """A start that is expected to end by itself."""
    environment = ENVIRONMENT | variables
    if not is_fork:
        return subprocess.run(
            [sys.executable, *command, *flags],
            cwd=folder, env=environment, capture_output=True, text=True,
            timeout=PATIENCE, check=False,
        )  # fmt: skip
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        start = Start([*command, *flags], str(folder), environment)
        process = FORKS.start(start, stdout.fileno(), stderr.fileno())
        try:
            code = process.wait_blocking(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait_blocking(PATIENCE)
            raise
        for each in (stdout, stderr):
            each.seek(0)
        return subprocess.CompletedProcess(["stillhere"], code, stdout.read(), stderr.read())


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that explains the end; log lines about other things may stand before it."""
    *_, last = done.stderr.splitlines()
    assert "Traceback" not in done.stderr
    return last
