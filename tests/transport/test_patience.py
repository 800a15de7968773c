"""Deadlines of connections: they come when they are due, and never because this process slept."""

import asyncio
import heapq
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from server.transport import patience
from server.transport.patience import LATE, LEAST_PROGRESS, WRITE_STALL, Patience, StallWatch


class Timer:
    """What `call_later` returns."""

    is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class StillLoop:
    """A loop whose time the test moves, and which can stand still."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Timer, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[..., None], *args: Any) -> Timer:
        timer = Timer()
        entry = (self.now + delay, len(self._due), timer, lambda: callback(*args))
        heapq.heappush(self._due, entry)
        return timer

    def run_until(self, instant: float) -> None:
        """Let time pass, timer by timer."""
        while self._due and self._due[0][0] <= instant:
            self.now = max(self._due[0][0], self.now)
            self._call_next()
        self.now = instant

    def stand_still_until(self, instant: float) -> None:
        """Let time pass in which nothing is done; then what was due is done, late."""
        self.now = instant
        due_by_now = [entry for entry in self._due if entry[0] <= instant]
        for _ in due_by_now:
            self._call_next()

    def _call_next(self) -> None:
        _, _, timer, callback = heapq.heappop(self._due)
        if not timer.is_cancelled:
            callback()


class Pipe:
    """A transport as the watch sees it."""

    def __init__(self, waiting: int) -> None:
        self.waiting = waiting
        self.is_aborted = False
        self._socket = socket.socket()
        self._socket.close()  # the kernel has nothing

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def get_extra_info(self, name: str) -> socket.socket:
        assert name == "socket"
        return self._socket

    def abort(self) -> None:
        self.is_aborted = True


def patience_on(loop: StillLoop) -> tuple[Patience, list[float]]:
    """A patience, and when what it was to call was called."""
    return Patience(loop), []  # type: ignore[arg-type]


# Deadlines


def test_a_deadline_comes_when_it_is_due_and_not_before() -> None:
    loop = StillLoop()
    deadline, called = patience_on(loop)
    assert not deadline.is_running_out
    deadline.set(4.0, lambda: called.append(loop.now))
    assert deadline.is_running_out
    loop.run_until(3.999)
    assert called == []
    loop.run_until(10.0)
    assert called == [4.0]
    assert not deadline.is_running_out


def test_a_new_deadline_takes_the_place_of_the_old_one() -> None:
    loop = StillLoop()
    deadline, called = patience_on(loop)
    deadline.set(4.0, lambda: called.append(-1.0))
    loop.run_until(3.0)
    deadline.set(4.0, lambda: called.append(loop.now))
    loop.run_until(20.0)
    assert called == [7.0]


def test_a_deadline_that_is_stopped_never_comes() -> None:
    loop = StillLoop()
    deadline, called = patience_on(loop)
    deadline.set(4.0, lambda: called.append(loop.now))
    deadline.stop()
    deadline.stop()
    assert not deadline.is_running_out
    loop.run_until(20.0)
    assert called == []


@pytest.mark.parametrize("late", [0.0, LATE])
def test_a_deadline_that_is_noticed_a_little_late_counts(late: float) -> None:
    loop = StillLoop()
    deadline, called = patience_on(loop)
    deadline.set(4.0, lambda: called.append(loop.now))
    loop.stand_still_until(4.0 + late)
    assert called == [4.0 + late]


def test_a_deadline_that_is_noticed_late_is_given_again() -> None:
    loop = StillLoop()
    deadline, called = patience_on(loop)
    deadline.set(4.0, lambda: called.append(loop.now))
    loop.stand_still_until(4.25 + LATE)
    assert called == []
    assert deadline.is_running_out
    loop.run_until(8.0 + LATE)
    assert called == []
    loop.run_until(20.0)
    assert called == [8.25 + LATE]


@pytest.mark.both_loops
async def test_a_loop_that_was_blocked_cuts_nobody_off_and_then_whoever_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "LATE", 0.1)
    loop = asyncio.get_running_loop()
    cut: asyncio.Future[float] = loop.create_future()
    deadline = Patience(loop)
    deadline.set(0.1, lambda: cut.set_result(loop.time()))
    time.sleep(0.4)  # noqa: ASYNC251 - the process stands still
    woke = loop.time()
    assert await asyncio.wait_for(cut, 10) - woke > 0.08


# Peers that do not read


def watch(waiting: int) -> tuple[StillLoop, Pipe, StallWatch]:
    loop, pipe = StillLoop(), Pipe(waiting)
    return loop, pipe, StallWatch(loop, pipe)  # type: ignore[arg-type]


def test_a_peer_that_takes_nothing_is_cut_off_when_its_time_is_over() -> None:
    loop, pipe, _ = watch(70_000)
    loop.run_until(WRITE_STALL - 0.001)
    assert not pipe.is_aborted
    loop.run_until(WRITE_STALL)
    assert pipe.is_aborted


@pytest.mark.parametrize("taken", [LEAST_PROGRESS - 1, LEAST_PROGRESS])
def test_as_little_as_next_to_nothing_is_as_good_as_nothing(taken: int) -> None:
    loop, pipe, _ = watch(70_000)
    pipe.waiting -= taken
    loop.run_until(WRITE_STALL)
    assert pipe.is_aborted == (taken < LEAST_PROGRESS)


def test_a_peer_that_reads_slowly_but_steadily_is_waited_for() -> None:
    loop, pipe, _ = watch(70_000)
    for _ in range(60):
        pipe.waiting -= LEAST_PROGRESS
        loop.run_until(loop.now + WRITE_STALL)
    assert not pipe.is_aborted
    loop.run_until(loop.now + 2 * WRITE_STALL)
    assert pipe.is_aborted, "it has stopped reading"


def test_a_peer_that_has_taken_everything_is_watched_no_more() -> None:
    loop, pipe, stall = watch(70_000)
    loop.run_until(WRITE_STALL / 2)
    stall.stop()
    loop.run_until(10 * WRITE_STALL)
    assert not pipe.is_aborted


def test_a_process_that_stood_still_blames_no_peer_for_it() -> None:
    loop, pipe, _ = watch(70_000)
    loop.stand_still_until(3 * WRITE_STALL)
    assert not pipe.is_aborted
    loop.run_until(loop.now + WRITE_STALL)
    assert pipe.is_aborted
