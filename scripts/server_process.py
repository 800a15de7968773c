"""A `stillhere` server in a process of its own, for scripts and tests that restart it."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol, TypeAlias

from server.client import Address
from server.settings import PREFIX

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT = 40.0
"""Timeout, in seconds, of what a process does at once on a busy machine."""

COMMAND = ("-m", "server")
"""Arguments of Python."""


class DidNotStart(Exception):
    """The server ended, or printed something else, before it listened; the message is its log."""


def environment() -> dict[str, str]:
    """Return our environment without the operator's settings, and with this copy of the server
    first."""
    ours = {key: value for key, value in os.environ.items() if not key.upper().startswith(PREFIX)}
    return ours | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def exit_on_sigterm() -> None:
    """Let SIGTERM raise SystemExit, as Ctrl-C raises KeyboardInterrupt: otherwise a script that is
    terminated leaves its servers running. For the main thread."""
    signal.signal(signal.SIGTERM, _exit_soon)


def _exit_soon(number: int, frame: object) -> None:
    code = 128 + number
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        sys.exit(code)
    # Not from here: a loop may swallow what is raised in the callback of a protocol.
    loop.call_soon_threadsafe(sys.exit, code)


def flags(**settings: float | str) -> list[str]:
    """Return settings as flags of the command."""
    return [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]


class Process(Protocol):
    """The used part of asyncio's processes."""

    @property
    def pid(self) -> int: ...
    @property
    def stdout(self) -> asyncio.StreamReader | None: ...
    @property
    def returncode(self) -> int | None: ...
    def send_signal(self, number: int, /) -> None: ...
    async def communicate(self) -> object: ...


Spawn: TypeAlias = Callable[[Sequence[str], Path, Mapping[str, str], IO[bytes]], Awaitable[Process]]
"""Starts Python with these arguments, in this folder and environment; stderr is written to the
file."""


async def spawn(
    arguments: Sequence[str], folder: Path, variables: Mapping[str, str], log: IO[bytes]
) -> Process:
    """The default `Spawn`."""
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=log
    )


class ServerProcess:
    """Starts of the server in `folder`, one after another, with its database and log; all on the
    port of the first.

    `flags`: of the command; `variables`: of the environment, besides `environment()`.
    """

    def __init__(
        self,
        folder: Path,
        *flags: str,
        command: Sequence[str] = COMMAND,
        variables: Mapping[str, str] | None = None,
        spawn: Spawn = spawn,
    ) -> None:
        self.folder = folder
        self.address = Address("http", "127.0.0.1", 0)
        self._command = command
        self._flags = flags
        self._variables = dict(variables or {})
        self._spawn = spawn
        self._log = folder / "stillhere.log"
        self._logged_before = 0
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        """The process id of the latest start."""
        assert self._process is not None
        return self._process.pid

    async def begin(self) -> None:
        """Start the process, without waiting."""
        arguments = [*self._command, f"--port={self.address.port}", *self._flags]
        variables = environment() | self._variables
        with self._log.open("ab") as log:
            self._logged_before = log.tell()
            self._process = await self._spawn(arguments, self.folder, variables, log)

    async def start(self) -> None:
        """Start, and wait until it prints that it listens. Raises DidNotStart."""
        await self.begin()
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(TIMEOUT):
            line = await self._process.stdout.readline()
        found = re.fullmatch(r"Still Here \S+ on (http://\S+)\n", line.decode())
        if found is None:
            raise DidNotStart(self.log()[-2000:])
        self.address = Address.parse(found[1])

    def log(self) -> str:
        """Return its stderr since the latest start."""
        with self._log.open("rb") as log:
            log.seek(self._logged_before)
            return log.read().decode()

    def send(self, number: int) -> None:
        """Send a signal, if it is running."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def wait(self) -> int | None:
        """Wait for its end. Return the exit code, negative for a signal, or None without a start.
        Raises TimeoutError."""
        if self._process is None:
            return None
        async with asyncio.timeout(TIMEOUT):
            await self._process.communicate()
        return self._process.returncode

    async def stop(self, number: int = signal.SIGTERM) -> int | None:
        """Send a signal, and wait for the end; kill it if that takes too long. Returns as `wait`
        does."""
        self.send(number)
        try:
            return await self.wait()
        except TimeoutError:
            self.send(signal.SIGKILL)
            return await self.wait()
