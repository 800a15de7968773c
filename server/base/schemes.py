"""Schemes of URLs."""

DEFAULT_PORTS = {"http": 80, "https": 443}
"""The default port of each scheme (RFC 9110, 4.2)."""
