"""Pauses grow, are bounded, and are spread over their whole length."""

import pytest

from server.client.backoff import Backoff
from server.client.limits import Limits


def test_the_longest_pause_doubles_up_to_its_bound() -> None:
    backoff = Backoff(Limits(first_pause=0.5, longest_pause=15.0), chance=lambda: 1.0)
    assert [backoff.next() for _ in range(7)] == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0]


@pytest.mark.parametrize("chance", [0.0, 0.25, 1.0])
def test_the_jitter_is_full(chance: float) -> None:
    backoff = Backoff(Limits(first_pause=0.5), chance=lambda: chance)
    assert backoff.next() == 0.5 * chance


def test_a_reset_begins_with_the_first_pause_again() -> None:
    backoff = Backoff(Limits(first_pause=0.5), chance=lambda: 1.0)
    for _ in range(3):
        backoff.next()
    backoff.reset()
    assert backoff.next() == 0.5


def test_the_pause_stays_at_its_bound() -> None:
    backoff = Backoff(Limits(longest_pause=15.0), chance=lambda: 1.0)
    assert [backoff.next() for _ in range(5000)][-1] == 15.0
