"""The schemes of URLs that are spoken here."""

DEFAULT_PORTS = {"http": 80, "https": 443}
"""The port that a URL of the scheme means when it names none (RFC 9110, 4.2)."""
