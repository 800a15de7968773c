"""The machine: pinning to processors, costs of a process, and versions."""

import gc
import os
import platform
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path

from server.base.open_files import allow_open_files

_PACKAGES = ("uvicorn", "uvloop", "starlette", "websockets", "h11")
_MOST_FILES = 20_000
_OTHER_FILES = 300
"""Of the server, and of a client: connections for signing in, and those of bystanders."""


def describe() -> list[str]:
    """Return what has to be stated with any figure."""
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return [
        f"{os.cpu_count()} cores ({_processor()}), {platform.system()} {platform.release()}; "
        f"load {', '.join(f'{load:.2f}' for load in os.getloadavg())}",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {versions}",
        "Machines are shared: quote the ratios, which were taken within one run, not the numbers.",
    ]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


# Processors


@cache
def split_processors() -> tuple[set[int], set[int]]:
    """Return the processors for the server and for the client; both empty if unavailable.

    Cached, as a pinned process sees only one.
    """
    if sys.platform == "linux":
        available = sorted(os.sched_getaffinity(0))
        if len(available) > 1:
            return {available[0]}, {available[1]}
    return set(), set()


def pin(pid: int, processors: set[int]) -> None:
    """Keep a process (0: this one) on `processors`; do nothing if there are none."""
    if processors and sys.platform == "linux":
        os.sched_setaffinity(pid, processors)


@contextmanager
def as_client() -> Iterator[None]:
    """Make this process the client: on its own processor, without pauses of the collector, and with
    enough file descriptors."""
    before = os.sched_getaffinity(0) if sys.platform == "linux" else set[int]()
    allow_open_files(_MOST_FILES)
    pin(0, split_processors()[1])
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        pin(0, before)


def lack_of_files(connections: int, allowed: int) -> str | None:
    """Return why a process that may open `allowed` files cannot have so many connections; None if
    it can."""
    needed = files_needed(connections)
    if needed <= allowed:
        return None
    return (
        f"{connections:,} connections need {needed:,} open files in a process, which may have "
        f"{allowed:,} here; see `ulimit -Hn`"
    )


def files_needed(connections: int) -> int:
    """Return the open files of a process with so many connections."""
    return connections + _OTHER_FILES


class Neighbours:
    """The processor time used by others during this run: a high share spoils figures."""

    def __init__(self) -> None:
        self._busy, self._ours, self._began = _busy_seconds(), _our_seconds(), time.monotonic()

    def share(self) -> float:
        """Return the share of all processors' time, since this was made, that was not ours; to be
        called when no child is left."""
        theirs = (_busy_seconds() - self._busy) - (_our_seconds() - self._ours)
        everything = (time.monotonic() - self._began) * (os.cpu_count() or 1)
        return max(theirs, 0.0) / everything


_MOST_FOR_OTHERS = 0.05


def disturbed(others: dict[str, float]) -> str | None:
    """Return a warning if others took too much of the processors; None if they did not. `others`:
    their share of the time, by what was measured meanwhile."""
    spoilt = [f"{name} ({share:.0%})" for name, share in others.items() if share > _MOST_FOR_OTHERS]
    if not spoilt:
        return None
    return (
        f"NOT TO BE QUOTED: other processes took the processors during {', '.join(spoilt)}. "
        "Measure again when they are done."
    )


def _busy_seconds() -> float:
    """User, nice, system and stolen time of all processors; without interrupts, which belong to no
    process."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    except OSError:
        return 0.0
    return sum(int(fields[place]) for place in (1, 2, 3, 8)) / os.sysconf("SC_CLK_TCK")


def _our_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


# Costs of a process; from proc(5)


def resident_bytes(pid: int | str = "self") -> int:
    """Return the memory of a process in RAM (RSS)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def processor_seconds(pid: int) -> float:
    """Return user and system time of a process, with all threads, to 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
