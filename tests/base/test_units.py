"""Seconds, milliseconds and their rounding for clients."""

import pytest

from server.base.units import LONG_AGO, NEVER, from_ms, round_to_ms, to_ms


@pytest.mark.parametrize(
    ("seconds", "milliseconds"),
    [(0.0, 0), (0.0004, 0), (0.0005, 1), (1.2345, 1235), (59.9996, 60000)],
)
def test_seconds_are_rounded_to_the_nearest_millisecond(seconds: float, milliseconds: int) -> None:
    assert to_ms(seconds) == milliseconds
    assert round_to_ms(seconds) == milliseconds / 1000
    assert from_ms(milliseconds) == round_to_ms(seconds)


def test_every_instant_lies_between_long_ago_and_never() -> None:
    assert LONG_AGO < -1e300 < 1e300 < NEVER
