"""The machine: who runs on which processor, what a process costs, and which versions it was."""

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

_PACKAGES = ("uvicorn", "uvloop", "starlette", "websockets", "picows", "h11")
_MOST_FILES = 20_000


def describe() -> list[str]:
    """What has to be said beside any figure."""
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


# Who runs where


@cache
def split_processors() -> tuple[set[int], set[int]]:
    """The processors for the server and for the client; both empty where they cannot be had.

    Asked once, before anybody is pinned: who is pinned has only one to give.
    """
    if sys.platform == "linux":
        available = sorted(os.sched_getaffinity(0))
        if len(available) > 1:
            return {available[0]}, {available[1]}
    return set(), set()


def pin(pid: int, processors: set[int]) -> None:
    """Keep a process (0: this one) on `processors`; nothing happens where there are none."""
    if processors and sys.platform == "linux":
        os.sched_setaffinity(pid, processors)


@contextmanager
def as_client() -> Iterator[None]:
    """Have this process be the client: on its own processor, never stopped by its collector, and
    with enough file descriptors."""
    import resource

    before = os.sched_getaffinity(0) if sys.platform == "linux" else set[int]()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_MOST_FILES, hard), hard))
    pin(0, split_processors()[1])
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        pin(0, before)


class Neighbours:
    """What others take of the processors while this run measures: their share spoils figures."""

    def __init__(self) -> None:
        self._busy, self._ours, self._began = _busy_seconds(), _our_seconds(), time.monotonic()

    def share(self) -> float:
        """The part of all processors' time, since this was made, that was not ours; asked when
        no child is left."""
        theirs = (_busy_seconds() - self._busy) - (_our_seconds() - self._ours)
        everything = (time.monotonic() - self._began) * (os.cpu_count() or 1)
        return max(theirs, 0.0) / everything


def _busy_seconds() -> float:
    """User, nice, system and stolen time of all processors; not what interrupts take, for those
    are nobody's."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    except OSError:
        return 0.0
    return sum(int(fields[place]) for place in (1, 2, 3, 8)) / os.sysconf("SC_CLK_TCK")


def _our_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


# What a process costs; from proc(5)


def resident_bytes(pid: int | str = "self") -> int:
    """The memory that a process has in RAM (RSS)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def processor_seconds(pid: int) -> float:
    """User and system time of a process, all of its threads, to 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
