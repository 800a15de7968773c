"""How uvicorn has to be set up for the promises to hold, and why.

The `stillhere` command sets these. Under `uvicorn --factory server.app:create_app` they are
yours to give; the application says so at its start.
"""

from typing import Any

UVICORN_KNOBS: dict[str, Any] = {
    # The implementation this was built on and tested with.
    "ws": "websockets-sansio",
    # Control messages are small; uvicorn's own limit is 16 MiB.
    "ws_max_size": 16 * 1024,
    # Compression costs 50 KiB a connection, and there is little to compress.
    "ws_per_message_deflate": False,
    # A silent peer is gone within 30 s.
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 10.0,
    # Whom to believe is a setting (TRUSTED_PROXIES), and nobody by default.
    "proxy_headers": False,
    # Without it a peer that does not answer keeps the process from stopping.
    "timeout_graceful_shutdown": 5,
    "server_header": False,
}


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
