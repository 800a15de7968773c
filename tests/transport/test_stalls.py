"""Peers that do not read are cut off, and those that read are not."""

import socket

import pytest

from server.transport.limits import Limits
from server.transport.stalls import StallWatch
from server.transport.wheel import Wheel
from tests.support.manual_loop import ManualLoop

LIMITS = Limits()
WRITE_STALL, LEAST_PROGRESS = LIMITS.write_stall, LIMITS.least_progress
AT_THE_LATEST = WRITE_STALL + 2 * LIMITS.turn


class Pipe:
    """A transport with the part that the watch uses."""

    def __init__(self, waiting: int) -> None:
        self.waiting = waiting
        self.is_aborted = False
        self._socket = socket.socket()
        self._socket.close()  # the kernel's buffer is empty

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def get_extra_info(self, name: str) -> socket.socket:
        assert name == "socket"
        return self._socket

    def abort(self) -> None:
        self.is_aborted = True


def watch(waiting: int) -> tuple[ManualLoop, Pipe, StallWatch]:
    loop, pipe = ManualLoop(), Pipe(waiting)
    wheel = Wheel(LIMITS, loop)  # type: ignore[arg-type]
    return loop, pipe, StallWatch(wheel, pipe, LIMITS)  # type: ignore[arg-type]


def test_a_peer_that_reads_nothing_is_aborted_at_the_deadline() -> None:
    loop, pipe, _ = watch(70_000)
    loop.run_until(WRITE_STALL - 0.001)
    assert not pipe.is_aborted
    loop.run_until(AT_THE_LATEST)
    assert pipe.is_aborted


@pytest.mark.parametrize("taken", [LEAST_PROGRESS - 1, LEAST_PROGRESS])
def test_a_peer_that_reads_next_to_nothing_is_aborted(taken: int) -> None:
    loop, pipe, _ = watch(70_000)
    pipe.waiting -= taken
    loop.run_until(AT_THE_LATEST)
    assert pipe.is_aborted == (taken < LEAST_PROGRESS)


def test_a_peer_that_reads_slowly_but_steadily_is_kept() -> None:
    loop, pipe, _ = watch(70_000)
    for _ in range(60):
        pipe.waiting -= LEAST_PROGRESS
        loop.run_until(loop.now + WRITE_STALL)
    assert not pipe.is_aborted
    loop.run_until(loop.now + 2 * AT_THE_LATEST)
    assert pipe.is_aborted, "it has stopped reading"


def test_a_peer_that_has_read_everything_is_no_longer_watched() -> None:
    loop, pipe, stall = watch(70_000)
    loop.run_until(WRITE_STALL / 2)
    stall.stop()
    loop.run_until(10 * WRITE_STALL)
    assert not pipe.is_aborted


def test_a_stall_of_the_process_aborts_no_peer() -> None:
    loop, pipe, _ = watch(70_000)
    loop.stand_still_until(3 * WRITE_STALL)
    assert not pipe.is_aborted
    loop.run_until(loop.now + AT_THE_LATEST)
    assert pipe.is_aborted
