"""Percentiles, for all scripts."""

from collections.abc import Sequence
from math import ceil


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest of `values` that at least `share` of them do not exceed (nearest rank);
    with a share of 0 the smallest. None without any."""
    if not values:
        return None
    return sorted(values)[max(ceil(share * len(values)) - 1, 0)]
