"""The limits and waiting times of the SQLite engine. Durations are seconds."""

import msgspec


class SqliteLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine goes by."""

    busy_timeout: float = 1.0
    """For which a call waits for another program's lock before it fails."""

    max_log_bytes: int = 8 * 1024 * 1024
    """Of write-ahead log, twice of what a checkpoint lets it become. A larger one is the work of a
    long read, which kept it from being used again; it is cut off as soon as that is over."""

    log_interval: float = 5.0
    """Between two looks at the size of the write-ahead log."""

    closing_timeout: float = 3.0
    """For which `close` waits: a disk that does not answer must not keep the process from
    stopping."""

    copy_busy_timeout: float = 5.0
    """For which a copy waits for a program that has locked the database against readers too."""
