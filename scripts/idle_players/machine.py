"""The client's own machine: its file descriptors, and its pauses."""

import asyncio
import gc
from time import monotonic, process_time

_TICK = 0.01
_SPARE = 150
"""File descriptors besides the players' sockets: sign-ins under way, libraries, the terminal."""


def allow_sockets(players: int) -> str:
    """Let this process open a socket for each player; otherwise return a sentence that says why
    not."""
    try:
        from server.base.open_files import allow_open_files
    except ImportError:  # Windows, which has no such limit
        return ""
    need = players + _SPARE
    allowed = allow_open_files(need)
    if allowed < need:
        return (
            f"{players} players need {need} file descriptors, and this process may have {allowed}: "
            f"ask for fewer players, or raise the hard limit (ulimit -Hn)"
        )
    return ""


def freeze_garbage() -> None:
    """Keep the collector from walking existing objects: with a thousand sockets that is a pause of
    tens of milliseconds, which would look like lateness of the server."""
    gc.collect()
    gc.freeze()


class LagMeter:
    """Measures the delays of the client's own event loop."""

    def __init__(self) -> None:
        self.worst = 0.0
        """Seconds of the longest pause since `reset`."""
        self._cpu = process_time()
        self._since = monotonic()

    def reset(self) -> None:
        """Discard the measurements so far."""
        self.worst = 0.0
        self._cpu = process_time()
        self._since = monotonic()

    @property
    def cpu(self) -> float:
        """Return the share of one core that this process used since `reset`."""
        return (process_time() - self._cpu) / max(monotonic() - self._since, 1e-9)

    async def measure(self) -> None:
        """Measure until cancelled."""
        while True:
            before = monotonic()
            await asyncio.sleep(_TICK)
            self.worst = max(self.worst, monotonic() - before - _TICK)
