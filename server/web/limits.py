"""What the HTTP edge allows, beside what its transport does (`transport/limits.py`)."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on requests."""

    largest_body: int = 64 * 1024
    """Bytes of a request body; more is answered with 413."""

    disk_fails_for: int = 5
    """Seconds after which who needed the disk, and in vain, is to come back."""

    user_agent_read: int = 1000
    """Characters of a `User-Agent` that are looked at. Those of browsers have 250 at most."""

    page_of_players: int = 100
    """Players, or changes of one, on a page, where no other number is asked for."""

    largest_page_of_players: int = 500
    """Players, or changes of one, on a page, at the most."""

    page_of_matches: int = 20
    """Matches on a page, where no other number is asked for."""

    largest_page_of_matches: int = 100
    """Matches on a page, at the most."""
