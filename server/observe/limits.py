"""The limits of the audit log. SECURITY.md publishes these numbers."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on lines of the log, within a window of `audit_window` seconds."""

    audit_window: float = 60.0
    """Seconds of a window."""

    audit_lines: int = 300
    """Lines about sessions that begin and end."""

    audit_lines_of_one: int = 3
    """Lines about one address refused for one reason, and about all sockets closed for one
    reason."""

    audit_addresses: int = 100
    """Pairs of address and reason that are counted separately."""

    audit_address: int = 100
    """Characters of an address in a line: a proxy may pass on anything."""
