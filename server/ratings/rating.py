"""How the ratings of players follow from the result of a match.

By the model of Plackett and Luce for any number of players, as `openskill` computes it (Weng and
Lin, "A Bayesian Approximation Method for Online Ranking", 2011). A rating is a mean, `mu`, and how
uncertain it is, `sigma`. What players see is one number, which begins at 1000: the strength that
somebody has almost certainly.
"""

from collections.abc import Sequence

import msgspec
from openskill.models import PlackettLuce

from server.ratings.limits import Limits

_MODEL = PlackettLuce()

_UNRATED = frozenset({"abandoned", "failed"})
"""Reasons of ends that say nothing about who is better."""

_SCALE = 40
"""Points for a unit of `mu`."""

_BEGIN = 1000
"""Points of a new player."""


_WEEK = 7 * 86_400_000
"""Milliseconds."""

_MONDAY = 4 * 86_400_000
"""The first one: 1970 began on a Thursday."""


class Rating(msgspec.Struct, frozen=True):
    """A player's strength at a game."""

    mu: float = 25.0
    sigma: float = 25.0 / 3

    @property
    def shown(self) -> int:
        """The number that players see."""
        return round(_BEGIN + _SCALE * (self.mu - 3 * self.sigma))


NEW = Rating()
"""Of a player without a match that counts."""


def counts(reason: str, seconds: float, steps: int, seats: int, limits: Limits) -> bool:
    """Return True if a match says who is better: it was played, and to its end."""
    was_played = seconds >= limits.least_lasted or steps >= limits.least_steps * seats
    return was_played and reason not in _UNRATED


def places(seats: int, winners: Sequence[int], scores: Sequence[float] | None) -> list[int]:
    """Return the place of each seat, from 1. Behind the winners, who share the first, the others
    are in the order of their scores; without any, and in a draw, equal."""
    if not winners:
        return [1] * seats
    keys = [
        (seat not in winners, 0.0 if scores is None or seat in winners else -scores[seat])
        for seat in range(seats)
    ]
    order = sorted(set(keys))
    return [order.index(key) + 1 for key in keys]


def rate(ratings: Sequence[Rating], places: Sequence[int]) -> list[Rating]:
    """Return the ratings after a match that these players ended at these places."""
    teams = [[_MODEL.rating(mu=each.mu, sigma=each.sigma)] for each in ratings]
    rated = _MODEL.rate(teams, ranks=[float(place) for place in places])
    return [Rating(one.mu, one.sigma) for (one,) in rated]


def week_of(at: int) -> int:
    """Return the number of the week of an instant, in Unix milliseconds. Weeks begin on Mondays,
    UTC."""
    return (at - _MONDAY) // _WEEK
