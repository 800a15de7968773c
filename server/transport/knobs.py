"""How uvicorn has to be set up for the promises to hold, and why.

The `stillhere` command sets these, and gives uvicorn transports of our own. Under `uvicorn
--factory server.app:create_app` they are yours to give; the application says so at its start.
"""

from typing import Any

UVICORN_KNOBS: dict[str, Any] = {
    # Of uvicorn's own implementations, those that this was tested with. With httptools, the body of
    # a request with an `Upgrade` that nobody takes is run as the next request (uvicorn#2722).
    "http": "h11",
    "ws": "websockets-sansio",
    # Control messages are small; uvicorn's own limit is 16 MiB.
    "ws_max_size": 16 * 1024,
    # Compression costs 50 KiB a connection, and there is little to compress.
    "ws_per_message_deflate": False,
    # A silent peer is gone within 30 s, the lateness of two timers included.
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 9.0,
    # Whom to believe is a setting (TRUSTED_PROXIES), and nobody by default.
    "proxy_headers": False,
    # Without it a peer that does not answer keeps the process from stopping.
    "timeout_graceful_shutdown": 5,
    "server_header": False,
}

LARGEST_HEADER = 16 * 1024
"""Bytes of a request's header; more is answered with 431."""

LONGEST_HEADER_LINE = 8 * 1024
"""Bytes of one line of it; browsers and proxies stay below."""

MOST_HEADERS = 128
"""Lines of it."""

HEADER_DEADLINE = 4.0
"""Seconds for a header to arrive, and for an upgrade to be answered; then the peer is cut off."""


def as_flags() -> str:
    """The knobs as flags of the `uvicorn` command."""
    flags = []
    for name, value in UVICORN_KNOBS.items():
        flag = name.replace("_", "-")
        if name == "ws_per_message_deflate":
            flags.append(f"--{flag} {str(value).lower()}")
        elif value is False:
            flags.append(f"--no-{flag}")
        else:
            flags.append(f"--{flag} {value:g}" if isinstance(value, float) else f"--{flag} {value}")
    return " ".join(flags)
