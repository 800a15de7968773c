"""A `stillhere` server of its own, with what is left of the default settings."""

import asyncio
import os
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from server.client import Address
from server.presence.policy import Policy
from server.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 30.0


class NotMeasured(Exception):
    """There was no run, and why."""


class Server:
    """The server in `folder`; `settings` beside the defaults."""

    def __init__(self, folder: Path, **settings: float) -> None:
        self.folder = folder
        folder.mkdir()
        self._flags = [f"--{name.replace('_', '-')}={value:g}" for name, value in settings.items()]
        chosen = Settings(_env_file=None, **settings)  # type: ignore[call-arg, arg-type]
        self.policy: Policy = chosen.policy
        self._process: asyncio.subprocess.Process | None = None
        self._port = 0
        self.address = Address("http", "127.0.0.1", 0)

    async def start(self) -> None:
        """Returns as soon as it says that it listens; the second time, where it did before."""
        variables = {k: v for k, v in os.environ.items() if not k.upper().startswith(PREFIX)}
        with (self.folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "server", "--port", str(self._port), *self._flags,
                cwd=self.folder, env=variables | {"PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        assert self._process.stdout is not None
        async with asyncio.timeout(_PATIENCE):
            line = await self._process.stdout.readline()
        match = re.search(rb":(\d+)\n", line)
        if match is None:
            raise NotMeasured(f"the server does not start: {(self.folder / 'log').read_text()}")
        self._port = int(match[1])
        self.address = Address("http", "127.0.0.1", self._port)

    async def stop(self, how: int = signal.SIGTERM) -> None:
        """End it, and wait for the end."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal(how)
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def noticed(self, player: str, since_ms: float) -> float | None:
        """The Unix time, in seconds, of the first change of `player` since then that says that
        they are no longer there."""
        database = sqlite3.connect(self.folder / "stillhere.db")
        try:
            row = database.execute(
                "SELECT at FROM status_changes WHERE player_id = ? AND at >= ?"
                " AND status IN ('reconnecting', 'offline') ORDER BY id LIMIT 1",
                (player, since_ms),
            ).fetchone()
        finally:
            database.close()
        return None if row is None else row[0] / 1000
