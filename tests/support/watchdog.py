"""Ends a test that would wait for ever, and prints what it waits for.

A plugin of pytest. The whole process ends with the test, since waiting code may not be
interruptible; pytest-xdist counts the test as failed. Run it with `--max-worker-restart=0`:
pytest-xdist 3.8 may let a new worker wait for a second test for ever.
"""

import asyncio
import faulthandler
import gc
import os
import signal
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import pytest

LONGEST = 240.0
"""Seconds that a test with its fixtures may take. The longest takes 20 on a busy machine."""

STDERR = pytest.StashKey[TextIO]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("longest_test", "seconds that a test may take", "string", str(LONGEST))


def pytest_configure(config: pytest.Config) -> None:
    # While a test runs, descriptor 2 is a file, which is read when the test is over.
    config.stash[STDERR] = os.fdopen(os.dup(2), "w")


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[STDERR].close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with watch(item.nodeid, float(item.config.getini("longest_test")), item.config.stash[STDERR]):
        return (yield)


@contextmanager
def watch(name: str, seconds: float, stream: TextIO) -> Iterator[None]:
    """Context that must end within `seconds`. Otherwise report on `stream`, and kill this process
    and its children."""

    def give_up() -> None:
        tell(name, seconds, stream)
        _end()

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def tell(name: str, seconds: float, stream: TextIO) -> None:
    """Write where each thread is, and where each task of this process waits."""
    print(f"\n{name} was not over after {seconds:g} s.", file=stream, flush=True)
    with suppress(OSError, ValueError):  # not a file
        faulthandler.dump_traceback(stream)
    # Of any loop in any thread: asyncio itself lists only those of a known loop.
    tasks = [each for each in gc.get_objects() if issubclass(type(each), asyncio.Task)]
    for task in tasks:
        if not task.done():
            print(f"the task {task.get_name()} waits in", file=stream)
            for line in _places(task.get_coro()):
                print(f"  {line}", file=stream)
    stream.flush()


def _places(waiting: Any) -> Iterator[str]:
    """The frames, outermost first."""
    while waiting is not None:
        kind = next((each for each in ("cr", "gi", "ag") if hasattr(waiting, f"{each}_frame")), "")
        if not kind:
            yield repr(waiting)
            return
        frame = getattr(waiting, f"{kind}_frame")
        if frame is not None:
            yield f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_qualname}"
        waiting = getattr(waiting, "gi_yieldfrom" if kind == "gi" else f"{kind}_await")


def _end() -> None:
    # A surviving child would keep the suite's output open.
    for tasks in Path("/proc/self/task").glob("*/children"):
        for child in tasks.read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
    os._exit(1)
