"""Ends a test that would wait for ever, and says what for: a suite that stands still tells nothing.

The whole process ends with it, as what waits may not let itself be interrupted. pytest-xdist counts
the test as failed and goes on in a new process.
"""

import asyncio
import faulthandler
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

LONGEST = 240.0
"""Seconds that a test may take with its fixtures. The longest takes 20 on a busy machine."""


@contextmanager
def watch(
    name: str, seconds: float = LONGEST, end: Callable[[], None] | None = None
) -> Iterator[None]:
    """Context that must end within `seconds`. If not: says so on stderr, and calls `end` in a
    thread of its own; by default that kills this process and its children."""

    def give_up() -> None:
        stream = sys.__stderr__
        assert stream is not None
        tell(name, seconds, stream)
        (end or _end)()

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def tell(name: str, seconds: float, stream: TextIO) -> None:
    """Write where each thread is, and what each task of this process waits for."""
    print(f"\n{name} was not over after {seconds:g} s.", file=stream, flush=True)
    with suppress(OSError, ValueError):  # a stream that is no file
        faulthandler.dump_traceback(stream)
    # Any thread's, of any loop: asyncio itself tells only those of a loop that is known.
    tasks = [each for each in gc.get_objects() if issubclass(type(each), asyncio.Task)]
    for task in tasks:
        if not task.done():
            print(f"the task {task.get_name()} waits in", file=stream)
            for line in _places(task.get_coro()):
                print(f"  {line}", file=stream)
    stream.flush()


def _places(waiting: Any) -> Iterator[str]:
    """The outermost first."""
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
    # Where they lived on, whoever reads what the suite says would wait for its end.
    for tasks in Path("/proc/self/task").glob("*/children"):
        for child in tasks.read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
    os._exit(1)
