"""Seconds and milliseconds, in numbers and in sentences, and infinite instants."""

from math import ceil

NEVER = float("inf")
"""Later than every instant."""

LONG_AGO = -NEVER
"""Earlier than every instant. Shared, as each `-NEVER` would be a new object, of 24 bytes a session
and elsewhere in memory."""


def to_ms(seconds: float) -> int:
    """Convert `seconds`, not negative, to whole milliseconds."""
    return int(seconds * 1000 + 0.5)


def from_ms(milliseconds: float) -> float:
    """Convert milliseconds to seconds."""
    return milliseconds / 1000


def round_to_ms(seconds: float) -> float:
    """Round `seconds`, not negative, to milliseconds, as in what clients receive."""
    return int(seconds * 1000 + 0.5) / 1000  # a third of what `round(seconds, 3)` costs


def in_digits(seconds: float, places: int = 6) -> str:
    """Return `seconds` for a sentence: with at most `places` decimals, one or more, no zeros at
    their end, and never in powers of ten."""
    return f"{seconds:.{places}f}".rstrip("0").rstrip(".")


def to_wait(seconds: float) -> int:
    """Return the whole seconds to wait before another attempt: at least 1, and never too few."""
    return max(ceil(seconds), 1)
