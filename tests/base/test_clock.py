"""Presence time: which time counts."""

import pytest

from server.base.clock import HEARTBEAT, STALL, SystemClock


class Machine:
    """The clocks of a machine, moved by hand."""

    def __init__(self) -> None:
        self.monotonic = 1000.0
        self.wall = 1_700_000_000.0
        self.slept = 0.0
        self.clock = SystemClock(lambda: self.monotonic, lambda: self.wall, lambda: self.slept)

    def run(self, seconds: float) -> None:
        """Let time pass, with the beats that the clock's owner has to call."""
        for _ in range(round(seconds / HEARTBEAT)):
            self.monotonic += HEARTBEAT
            self.wall += HEARTBEAT
            self.clock.now()

    def stall(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += seconds

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.wall += seconds


def test_presence_time_begins_at_zero_and_follows_the_machine() -> None:
    machine = Machine()
    assert machine.clock.now() == 0
    machine.run(60)
    assert machine.clock.now() == 60


def test_a_stall_does_not_count() -> None:
    machine = Machine()
    machine.run(60)
    machine.stall(600)
    assert machine.clock.now() == 60, "whoever reads it first, a fact or the ticker"
    machine.run(1)
    assert machine.clock.now() == 61


def test_a_delay_shorter_than_a_stall_counts() -> None:
    machine = Machine()
    machine.stall(STALL)
    assert machine.clock.now() == STALL
    machine.stall(STALL + 0.01)
    assert machine.clock.now() == STALL


@pytest.mark.parametrize("step", [-5.0, 3600.0])
def test_a_step_of_the_wall_clock_changes_nothing(step: float) -> None:
    machine = Machine()
    machine.run(10)
    machine.wall += step
    assert machine.clock.now() == 10
    machine.run(10)
    assert machine.clock.now() == 20


def test_the_sleep_of_the_machine_counts() -> None:
    machine = Machine()
    machine.run(10)
    machine.sleep(3600)
    machine.clock.now()
    assert machine.clock.now() == 3610


def test_a_reading_before_the_first_beat_after_a_sleep_counts_the_sleep() -> None:
    machine = Machine()
    machine.run(10)
    machine.sleep(3600)
    machine.stall(0.01)
    assert machine.clock.now() == pytest.approx(3610.01), "no beat has been since"
    machine.stall(0.01)
    assert machine.clock.now() == pytest.approx(3610.02), "and it counts once"


def test_a_stop_between_two_readings_is_no_sleep() -> None:
    machine = Machine()
    machine.run(10)
    machine.slept = -6.0  # stopped between the reads of the two clocks
    assert machine.clock.now() == 10
    machine.slept = 0.0
    assert machine.clock.now() == 10


def test_a_sleep_and_a_stall_at_once_are_distinguished() -> None:
    machine = Machine()
    machine.run(10)
    machine.sleep(3600)
    machine.stall(60)
    assert machine.clock.now() == 3610


@pytest.mark.parametrize("step", [-5.0, 3600.0])
def test_after_a_step_instants_are_converted_with_the_new_wall_clock(step: float) -> None:
    machine = Machine()
    start = round(machine.wall * 1000)
    machine.run(10)
    before = machine.clock.now()
    machine.wall += step
    machine.run(10)
    assert machine.clock.to_wall(before) - start == (10 + step) * 1000
    assert machine.clock.to_wall(machine.clock.now()) - start == (20 + step) * 1000


def test_an_instant_keeps_its_wall_time_through_stalls_and_sleeps() -> None:
    machine = Machine()
    start = round(machine.wall * 1000)
    machine.run(10)
    before = machine.clock.now()
    machine.stall(100)
    machine.run(10)
    between = machine.clock.now()
    machine.sleep(1000)
    machine.run(10)
    after = machine.clock.now()
    assert [round((machine.clock.to_wall(each) - start) / 1000) for each in (before, between)] == [
        10,
        120,
    ]
    assert round((machine.clock.to_wall(after) - start) / 1000) == 1130


def test_an_instant_converted_to_wall_time_and_back_is_unchanged() -> None:
    machine = Machine()
    machine.run(100)
    assert machine.clock.from_wall(machine.clock.to_wall(40.0)) == pytest.approx(40, abs=0.001)


def test_the_system_clock_reads_the_real_clocks() -> None:
    clock = SystemClock()
    clock.now()
    first = clock.now()
    assert 0 <= first < STALL
    assert clock.now() >= first
