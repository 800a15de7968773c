"""The networks by which limits count the clients of an IPv6 customer."""

from collections.abc import Hashable, Iterable
from typing import Any, TypeAlias

from server.base.rates import Debts, Rate

WIDTHS = 64, 56, 48
"""What such a customer has (RFC 6177): at least the first, at most the last."""

Payer: TypeAlias = tuple[Debts[Any], Hashable]
"""What is owed, and the key of who owes: a network, or a player."""


def shares(wider: int) -> tuple[int, ...]:
    """Return how many times as much as an address each of these networks has, if one that is eight
    bits wider has `wider` times as much.

    >>> shares(8)
    (1, 8, 64)
    """
    return tuple(wider**step for step in range(len(WIDTHS)))


def debts_by_width(
    rate: Rate, wider: int, max_keys: int, most: float = 2.0
) -> tuple[Debts[str], ...]:
    """Return what networks of each width owe, narrowest first, of which an address has `rate`;
    `wider` is as in `shares`, the others as in `Debts`."""
    return tuple(Debts(rate.times(share), max_keys, most) for share in shares(wider))


def longest_wait(payers: Iterable[Payer], now: float, bursts: float = 1.0) -> float:
    """Return the seconds until each of the payers has something to spend; see `Debts.wait`."""
    longest = 0.0
    for debts, key in payers:
        wait = debts.wait(key, now, bursts)
        if wait > longest:
            longest = wait
    return longest
