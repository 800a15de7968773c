"""The networks by which limits count the clients of an IPv6 customer."""

WIDTHS = 64, 56, 48
"""What such a customer has (RFC 6177): at least the first, at most the last."""


def shares(wider: int) -> tuple[int, ...]:
    """Return how many times as much as an address each of these networks has, if one that is eight
    bits wider has `wider` times as much.

    >>> shares(8)
    (1, 8, 64)
    """
    return tuple(wider**step for step in range(len(WIDTHS)))
