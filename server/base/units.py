"""Seconds and milliseconds, and the two instants that no clock shows."""

NEVER = float("inf")
"""Later than every instant."""

LONG_AGO = -NEVER
"""Earlier than every instant. One object for all: each `-NEVER` would be another 24 bytes a
session, and another place in memory to look at when it is touched."""


def to_ms(seconds: float) -> int:
    """Whole milliseconds; `seconds` is not negative."""
    return int(seconds * 1000 + 0.5)


def from_ms(milliseconds: float) -> float:
    """Seconds."""
    return milliseconds / 1000


def round_to_ms(seconds: float) -> float:
    """`seconds`, which is not negative, to three digits, as clients are told them."""
    return int(seconds * 1000 + 0.5) / 1000  # a third of what `round(seconds, 3)` costs
