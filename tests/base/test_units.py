"""Seconds, milliseconds and their rounding for clients."""

import pytest

from server.base.units import LONG_AGO, NEVER, from_ms, in_digits, round_to_ms, to_ms, to_wait


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


@pytest.mark.parametrize(
    ("seconds", "digits"),
    [(0.0, "0"), (0.001, "0.001"), (2.5, "2.5"), (300.0, "300"), (0.3 - 0.1, "0.2"), (1e-9, "0"),
     (1_209_600.0, "1209600"), (1_123_200.4567, "1123200.4567"), (3_155_760_000.0, "3155760000")],
)  # fmt: skip
def test_a_sentence_has_plain_digits(seconds: float, digits: str) -> None:
    assert in_digits(seconds) == digits


@pytest.mark.parametrize(("seconds", "digits"), [(299.96, "300"), (0.04, "0"), (2.25, "2.2")])
def test_a_sentence_has_no_more_decimals_than_wanted(seconds: float, digits: str) -> None:
    assert in_digits(seconds, 1) == digits


@pytest.mark.parametrize(
    ("seconds", "whole"), [(0.0, 1), (0.001, 1), (0.4, 1), (1.0, 1), (1.001, 2), (30.0, 30)]
)
def test_nobody_is_told_to_wait_too_short(seconds: float, whole: int) -> None:
    assert to_wait(seconds) == whole
