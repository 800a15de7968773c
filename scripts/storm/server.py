"""The server that is killed."""

import signal
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic

from scripts.server_process import ServerProcess, Spawn, flags, spawn


@dataclass(frozen=True)
class Timing:
    """The settings of one start, in seconds."""

    away_after: float
    warn_before: float
    idle_timeout: float
    reconnect_grace: float = 0.8
    reload_grace: float = 0.3
    session_lifetime: float = 20.0
    remember_lifetime: float = 40.0


BRISK = Timing(away_after=0.4, warn_before=0.3, idle_timeout=1.2)
"""Sessions expire all the time."""

CALM = Timing(away_after=0.4, warn_before=1.0, idle_timeout=30.0)
"""No session expires, so that clocks can be read after the restart."""


class StormServer(ServerProcess):
    """One start of the server on a database, to its end."""

    def __init__(self, database: Path, timing: Timing, spawn: Spawn = spawn) -> None:
        super().__init__(
            database.parent,
            f"--database={database}",
            "--max-messages-per-second=0",
            *flags(**asdict(timing)),
            spawn=spawn,
        )
        self.listens_at = 0.0

    async def start(self) -> None:
        """Start, and wait until it listens. Raises DidNotStart."""
        await super().start()
        self.listens_at = monotonic()

    async def kill(self) -> float:
        """Send SIGKILL; return the instant before it."""
        at = monotonic()
        await self.stop(signal.SIGKILL)
        return at
