"""The limits of bots that think. SECURITY.md publishes them."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on the processes in which bots think. Times are in seconds."""

    processes: int = 2
    """Processes at a time, and at most one less than there are cores: one is the event loop's."""

    waiting: int = 256
    """Moves that wait for a process. A bot that finds no place plays as `Game.bot` does."""

    lateness: float = 1.0
    """How much longer than it may, by `Game.thinking`, a bot can take before its process is
    ended."""

    startup: float = 10.0
    """How long a process may take to start."""

    idle: float = 60.0
    """A process that nobody needed for so long is ended."""

    memory: int = 512 * 2**20
    """Bytes of memory of a process, where the system can bound it."""

    answer_length: int = 2**16
    """Bytes of an answer."""
