"""A `stillhere` server in a process of its own, for scripts that stop and start it."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Protocol

from server.client import Address
from server.settings import PREFIX

ROOT = Path(__file__).resolve().parents[1]
_PATIENCE = 30.0
"""Seconds that a server may take to start, and to stop before it is killed."""


class DidNotStart(Exception):
    """The server ended, or said nothing, before it listened; the message is what it said."""


def environment() -> dict[str, str]:
    """Ours, without settings of the operator's, and with this copy of the server first."""
    ours = {key: value for key, value in os.environ.items() if not key.upper().startswith(PREFIX)}
    return ours | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def flags(**settings: float) -> list[str]:
    """Settings as flags of the command."""
    return [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]


class Process(Protocol):
    """What is needed of asyncio's."""

    @property
    def stdout(self) -> asyncio.StreamReader | None: ...
    @property
    def returncode(self) -> int | None: ...
    def send_signal(self, number: int, /) -> None: ...
    def kill(self) -> None: ...
    async def communicate(self) -> object: ...


class RestartableServer:
    """One start after the other of the server in `folder`, where its database and its log are."""

    def __init__(self, folder: Path, *flags: str, port: int = 0) -> None:
        self.folder = folder
        self.address = Address("http", "127.0.0.1", port)
        self._flags = flags
        self._log = folder / "stillhere.log"
        self._process: Process | None = None

    async def begin(self) -> None:
        """Start the process, and do not wait for anything."""
        with self._log.open("ab") as log:
            self._process = await self._spawn([f"--port={self.address.port}", *self._flags], log)

    async def _spawn(self, arguments: Sequence[str], log: IO[bytes]) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "server", *arguments,
            cwd=self.folder, env=environment(), stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip

    async def start(self) -> None:
        """Start, and wait until it says that it listens; a second start is on the port of the
        first. Raises DidNotStart."""
        await self.begin()
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(_PATIENCE):
            line = await self._process.stdout.readline()
        found = re.search(r"http://\S+", line.decode())
        if found is None:
            raise DidNotStart(self._log.read_text()[-2000:])
        self.address = Address.parse(found[0])

    def send(self, number: int) -> None:
        """Send a signal, if it runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def stop(self, number: int = signal.SIGTERM) -> None:
        """Send a signal, and wait for the end; kill it where that takes too long."""
        if self._process is None:
            return
        self.send(number)
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._process.communicate()
        except TimeoutError:
            self._process.kill()
            await self._process.communicate()
