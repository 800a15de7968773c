"""The configuration of uvicorn that the promises depend on, and why.

The `stillhere` command applies it, and gives uvicorn our transports in place of its own. Under
`uvicorn --factory server.app:create_app` the operator has to give the flags, which the application
logs at its start.
"""

from functools import partial
from typing import Any

import uvicorn

from server.base.units import in_digits
from server.transport.backlog import Backlog
from server.transport.by_call import Take
from server.transport.limits import Limits
from server.transport.websocket import WebSocketTransport
from server.transport.wheel import Wheel


def uvicorn_config(
    app: Any,
    limits: Limits = Limits(),
    take: Take | None = None,
    most: int | None = None,
    **more: Any,
) -> uvicorn.Config:
    """Return the configuration with which the `stillhere` command runs `app`. `take` is offered
    sockets before `app` is called; `most` connections may be open; `more` is passed to uvicorn."""
    connection = partial(
        WebSocketTransport,
        limits=limits,
        most=most,
        wheel=Wheel(limits),
        backlog=Backlog(limits),
        take=take,
    )
    # As "http" it gets every connection; as "ws", those that HttpTransport hands over.
    options = uvicorn_options(limits) | {
        "http": connection,
        "ws": connection,
        "backlog": limits.backlog,
    }
    return uvicorn.Config(app, lifespan="on", access_log=False, log_config=None, **(options | more))


def uvicorn_options(limits: Limits = Limits()) -> dict[str, Any]:
    """Return the options for uvicorn's own transports."""
    return {
        # Those that were tested. With httptools, the body of a request with an unsupported
        # `Upgrade` is run as the next request (uvicorn#2722).
        "http": "h11",
        "ws": "websockets-sansio",
        # uvicorn's default is 16 MiB.
        "ws_max_size": limits.largest_message,
        # Compression takes 50 KiB a connection, and there is little to compress.
        "ws_per_message_deflate": False,
        "ws_ping_interval": limits.ping_interval,
        "ws_ping_timeout": limits.ping_timeout,
        # Trusted proxies are a setting (TRUSTED_PROXIES), none by default.
        "proxy_headers": False,
        # Without it a peer that does not answer keeps the process from stopping.
        "timeout_graceful_shutdown": limits.stop_deadline,
        "server_header": False,
    }


def as_flags() -> str:
    """Return the options as flags of the `uvicorn` command."""
    flags = []
    for name, value in uvicorn_options().items():
        flag = name.replace("_", "-")
        if name == "ws_per_message_deflate":
            flags.append(f"--{flag} {str(value).lower()}")
        elif value is False:
            flags.append(f"--no-{flag}")
        else:
            shown = in_digits(value) if isinstance(value, float) else value
            flags.append(f"--{flag} {shown}")
    return " ".join(flags)
