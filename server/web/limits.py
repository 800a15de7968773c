"""The limits of HTTP besides those of the transport (`transport/limits.py`)."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on requests."""

    largest_body: int = 64 * 1024
    """Bytes of a request body; larger ones are answered with 413."""

    retry_after_disk: int = 5
    """Seconds after which a client may retry what failed because of the disk."""

    user_agent_read: int = 1000
    """Characters of a `User-Agent` that are parsed. Those of browsers have 250 at most."""

    page_of_players: int = 100
    """Players, or changes of one, on a page by default."""

    largest_page_of_players: int = 500
    """Players, or changes of one, on a page at most."""

    page_of_matches: int = 20
    """Matches on a page by default."""

    largest_page_of_matches: int = 100
    """Matches on a page at most."""

    largest_page_of_moves: int = 10_000
    """Moves in an answer at most: more than people make in a match."""
