"""What the client's own machine adds: file descriptors it lacks, and pauses of its own."""

import asyncio
import gc
from time import monotonic, process_time

_TICK = 0.01
_SPARE = 150
"""File descriptors beside the players' sockets: sign-ins under way, libraries, the terminal."""


def allow_sockets(players: int) -> str:
    """Let this process open a socket for each player; else says, in a sentence, why not."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return ""
    need = players + _SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= need:
        return ""
    if hard != resource.RLIM_INFINITY and hard < need:
        return (
            f"{players} players need {need} file descriptors, and this process may have {hard}: "
            f"ask for fewer players, or raise the hard limit (ulimit -Hn)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (need, hard))
    return ""


def freeze_garbage() -> None:
    """Keep the collector from walking everything that was made so far: with a thousand sockets
    that is a pause of tens of milliseconds, and would be taken for the server's lateness."""
    gc.collect()
    gc.freeze()


class LagMeter:
    """Measures how long the client's own event loop keeps its callbacks waiting."""

    def __init__(self) -> None:
        self.worst = 0.0
        """Seconds, of the longest pause since `reset`."""
        self._cpu = process_time()
        self._since = monotonic()

    def reset(self) -> None:
        """Forget what was measured so far."""
        self.worst = 0.0
        self._cpu = process_time()
        self._since = monotonic()

    @property
    def cpu(self) -> float:
        """The share of one core that this process has used since `reset`."""
        return (process_time() - self._cpu) / max(monotonic() - self._since, 1e-9)

    async def measure(self) -> None:
        """Measure until cancelled."""
        while True:
            before = monotonic()
            await asyncio.sleep(_TICK)
            self.worst = max(self.worst, monotonic() - before - _TICK)
