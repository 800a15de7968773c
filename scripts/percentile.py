"""Percentiles, as every script means them."""

from collections.abc import Sequence
from math import ceil


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest of `values` that at least `share` of them do not exceed (nearest rank); with a
    share of 0 the smallest of all. None: there are none."""
    if not values:
        return None
    return sorted(values)[max(ceil(share * len(values)) - 1, 0)]
