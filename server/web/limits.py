"""What the HTTP edge allows, beside what its transport does (`transport/limits.py`)."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on requests."""

    largest_body: int = 64 * 1024
    """Bytes of a request body; more is answered with 413."""
