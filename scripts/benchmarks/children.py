"""The processes of a run; each ends with its context manager."""

import json
import re
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scripts.benchmarks.machine import pin, split_processors
from scripts.server_process import environment, flags

_START, _STOP = 30.0, 15.0
"""Timeouts, in seconds, for a server to start, and to stop before it is killed."""

_OPENING = 120.0
"""Timeout, in seconds, for idle sockets to be opened."""


class MeasurementError(Exception):
    """A row could not be measured; the message says why."""


class Served:
    """A server on `port` of 127.0.0.1."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.pid = process.pid
        self.port = port


def run_probe(module: str, *arguments: object, timeout: float = 300.0) -> Any:
    """Run `python -m scripts.benchmarks.<module>`; return its JSON output. Raises
    MeasurementError."""
    with TemporaryDirectory(prefix="stillhere-bench-") as folder:
        try:
            done = subprocess.run(
                _command(f"scripts.benchmarks.{module}", *arguments),
                cwd=folder,
                env=environment(),
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise MeasurementError(f"{module} took more than {timeout:g} s") from None
    if done.returncode:
        raise MeasurementError(f"{module} failed: {_last_line(done.stderr)}")
    return json.loads(done.stdout)


@contextmanager
def still_here(**settings: float | str) -> Iterator[Served]:
    """Run our server like the `stillhere` command, on a new database."""
    chosen = flags(**settings)
    with _served("server", "--port=0", "--database=bench.db", *chosen) as served:
        yield served


@contextmanager
def baseline(which: str, *arguments: object) -> Iterator[Served]:
    """Run one of `baselines.py`, on the same uvicorn with the same options."""
    with _served("scripts.benchmarks.baselines", which, *arguments) as served:
        yield served


@contextmanager
def bystander(port: int, cookie: str, query: str = "") -> Iterator["subprocess.Popen[str]"]:
    """Run `bystander.py`, on the client's processor, until its input is closed; yields once it
    pings. Raises MeasurementError."""
    arguments = (port, query, cookie)
    with child("scripts.benchmarks.bystander", *arguments) as (process, errors):
        pin(process.pid, split_processors()[1])
        _wait_for_line(process, errors, r"pinging")
        yield process


@contextmanager
def idle(port: int, count: int, first: int = -1) -> Iterator[None]:
    """Run `idle.py`, on the client's processor. Raises MeasurementError, also if a socket was
    closed meanwhile."""
    with child("scripts.benchmarks.idle", port, count, first) as (process, errors):
        pin(process.pid, split_processors()[1])
        _wait_for_line(process, errors, r"open", _OPENING)
        yield
        try:
            out, _ = process.communicate(timeout=_STOP)
        except subprocess.TimeoutExpired:
            raise MeasurementError(f"the {count} idle sockets were lost") from None
        if out.strip() != "0":
            raise MeasurementError(f"of {count} idle sockets these were closed: {out.strip()}")


def trips_of(process: "subprocess.Popen[str]") -> list[tuple[float, float]]:
    """End a bystander and return its results: when it sent each ping, and the seconds to the
    answer, infinite without one. Raises MeasurementError."""
    try:
        out, _ = process.communicate(timeout=20)
        trips: list[tuple[float, float | None]] = json.loads(out.splitlines()[-1])
    except (subprocess.TimeoutExpired, ValueError, IndexError):
        raise MeasurementError("the bystander was lost") from None
    return [(sent, float("inf") if trip is None else trip) for sent, trip in trips]


@contextmanager
def _served(module: str, *arguments: object) -> Iterator[Served]:
    with child(module, *arguments) as (process, errors):
        pin(process.pid, split_processors()[0])
        yield Served(process, wait_for_port(process, errors))


@contextmanager
def child(module: str, *arguments: object) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """Run `python -m module` in a new folder; yield the process and the file with its stderr."""
    with TemporaryDirectory(prefix="stillhere-bench-") as folder:
        errors = Path(folder, "stderr")
        with errors.open("w") as stderr:
            process = subprocess.Popen(
                _command(module, *arguments),
                cwd=folder,
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        with process:
            try:
                yield process, errors
            finally:
                process.terminate()
                try:
                    process.wait(_STOP)
                except subprocess.TimeoutExpired:
                    process.kill()


def wait_for_port(process: "subprocess.Popen[str]", errors: Path) -> int:
    """Return the port that a server prints once it listens. Raises MeasurementError."""
    return int(_wait_for_line(process, errors, r"http://127\.0\.0\.1:(\d+)")[1])


def _wait_for_line(
    process: "subprocess.Popen[str]", errors: Path, pattern: str, timeout: float = _START
) -> "re.Match[str]":
    assert process.stdout is not None
    give_up = time.monotonic() + timeout
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while time.monotonic() < give_up and process.poll() is None:
            if selector.select(0.1):
                found = re.search(pattern, process.stdout.readline())
                if found:
                    return found
    raise MeasurementError(f"{process.args!r} did not start: {_last_line(errors.read_text())}")


def _command(module: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", module, *map(str, arguments)]


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1]
