"""Limits and timeouts of the SQLite engine. Durations are seconds."""

import msgspec


class SqliteLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the engine."""

    busy_timeout: float = 1.0
    """How long a call waits for another program's lock before it fails."""

    max_log_bytes: int = 8 * 1024 * 1024
    """Bytes of the write-ahead log, twice of what checkpoints keep it to. It only grows larger
    while another program reads for long; then it is truncated."""

    log_interval: float = 5.0
    """Between two looks at the size of the write-ahead log."""

    matches_looked_at: int = 1_000
    """Private matches of the caller that are looked through for a page of those of another player;
    `next` leads to the others."""

    moves_at_once: int = 1_000
    """Moves that are read before other reads have their turn, of those of a page."""

    action_letters_at_once: int = 1_000_000
    """Characters of the actions of the moves on a page, in JSON, besides the last one's; `next`
    leads to the others."""

    steps_at_once: int = 10_000
    """Steps of SQLite's virtual machine, a fraction of a millisecond, between two looks at whether
    somebody still waits for a read."""

    closing_timeout: float = 3.0
    """How long `close` waits: a disk that hangs must not keep the process from stopping."""

    copy_busy_timeout: float = 5.0
    """How long a copy waits for a program that locked the database against readers."""
