"""The limits of HTTP besides those of the transport (`transport/limits.py`)."""

import msgspec

from server.base.rates import Rate


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

    answers_of_player: Rate = Rate(262_144, 16_777_216)
    """Bytes of answers to one player; beyond it lists and histories are refused. At once these are
    eight of each, of the longest."""

    answers_of_address: Rate = Rate(1_048_576, 67_108_864)
    """Bytes of answers to all guests, and to whoever has no session, at one address, where a whole
    school may play."""

    answers_of_crowd: Rate = Rate(4_194_304, 268_435_456)
    """Bytes of answers to all players at one address, registered ones too; beyond it lists and
    histories are refused to those who have spent `answers_of_player_in_crowd`. At once these are a
    hundred of each, of the longest."""

    answers_of_player_in_crowd: Rate = Rate(16_384, 2_097_152)
    """Bytes of answers to one player, that are never refused because of the others at the address:
    one of each, of the longest."""

    wider_network: int = 2
    """How many times as much a network may be sent that is eight bits wider than an IPv6 /64, which
    counts as one address. Less than for sign-ins (`accounts/limits.py`): all it is sent goes
    through one line."""

    counted_keys: int = 50_000
    """Players, and networks, that each memory of what was sent keeps in its newer half."""
