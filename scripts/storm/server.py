"""The server that is killed."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from server.client import Address

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0


class DidNotStart(Exception):
    """The server ended, or said nothing, before it listened; the message is what it said."""


@dataclass(frozen=True)
class Rules:
    """The settings of one start, in seconds."""

    away_after: float
    warn_before: float
    idle_timeout: float
    reconnect_grace: float = 0.8
    reload_grace: float = 0.3
    session_lifetime: float = 20.0
    remember_lifetime: float = 40.0

    def flags(self) -> list[str]:
        return [f"--{name.replace('_', '-')}={value}" for name, value in vars(self).items()]


BRISK = Rules(away_after=0.4, warn_before=0.3, idle_timeout=1.2)
"""Sessions run out all the time."""

CALM = Rules(away_after=0.4, warn_before=1.0, idle_timeout=30.0)
"""None does, so its clock can be read after the restart."""


class Server:
    """One start of the server on a database, to its end."""

    def __init__(self, database: Path, rules: Rules) -> None:
        self.database = database
        self.rules = rules
        self.address = Address("http", "127.0.0.1", 0)
        self.listens_at = 0.0
        self._log = database.with_suffix(".log")
        self._process: asyncio.subprocess.Process | None = None

    async def begin(self) -> None:
        """Start the process, and do not wait for anything."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("STILLHERE_")
        }
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "server",
                "--port", "0", "--database", str(self.database),
                "--max-messages-per-second", "0", *self.rules.flags(),
                cwd=self.database.parent,
                env=environment | {"PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip

    async def start(self) -> None:
        """Start, and wait until it listens. Raises DidNotStart."""
        await self.begin()
        assert self._process is not None
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), PATIENCE)
        if b" on http://" not in line:
            raise DidNotStart(self._log.read_text()[-2000:])
        self.address = Address.parse(line.decode().split(" on ")[1].strip())
        self.listens_at = monotonic()

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)

    async def kill(self) -> float:
        """SIGKILL; returns the instant before it."""
        assert self._process is not None
        at = monotonic()
        if self._process.returncode is None:
            self._process.kill()
        await self._process.communicate()
        return at
