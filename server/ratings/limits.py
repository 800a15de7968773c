"""Limits of what counts for a rating."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Which matches count."""

    between_two: int = 5
    """Matches between the same two players that count within a day: who plays against a second
    account of their own gets no further than with these."""

    of_player: int = 200
    """Matches of a player that count within a day."""

    day: int = 86_400
    """Seconds of that day, which ends with the match."""

    least_lasted: float = 20.0
    """Seconds that a match lasts, or it has had `least_steps`: less was no match."""

    least_steps: int = 4
    """Changes of a match's state for each of its players."""

    matches_until_listed: int = 5
    """Matches after which a player is in the standings of all time: a rating says little before."""
