"""How uvicorn has to be set up for the promises to hold, and why.

The `stillhere` command sets this, and gives uvicorn our transports in place of its own. Under
`uvicorn --factory server.app:create_app` the flags are yours to give; the application logs them at
its start.
"""

from functools import partial
from typing import Any

import uvicorn

from server.transport.by_call import Take
from server.transport.limits import Limits
from server.transport.websocket import WebSocketTransport
from server.transport.wheel import Wheel


def uvicorn_config(
    app: Any, limits: Limits = Limits(), take: Take | None = None, **more: Any
) -> uvicorn.Config:
    """How the `stillhere` command runs `app`. `take`: takes sockets before `app` is called; `more`
    goes to uvicorn as it is."""
    connection = partial(WebSocketTransport, limits=limits, wheel=Wheel(limits), take=take)
    # As "http" it has every connection from its beginning; as "ws", those that HttpTransport hands
    # over.
    options = uvicorn_options(limits) | {
        "http": connection,
        "ws": connection,
        "backlog": limits.backlog,
    }
    return uvicorn.Config(app, lifespan="on", access_log=False, log_config=None, **(options | more))


def uvicorn_options(limits: Limits = Limits()) -> dict[str, Any]:
    """What uvicorn is told where its own transports are to do."""
    return {
        # Those that this was tested with. With httptools, the body of a request with an `Upgrade`
        # that nobody takes is run as the next request (uvicorn#2722).
        "http": "h11",
        "ws": "websockets-sansio",
        # uvicorn's own limit is 16 MiB.
        "ws_max_size": limits.largest_message,
        # Compression costs 50 KiB a connection, and there is little to compress.
        "ws_per_message_deflate": False,
        "ws_ping_interval": limits.ping_interval,
        "ws_ping_timeout": limits.ping_timeout,
        # Whom to believe is a setting (TRUSTED_PROXIES), and nobody by default.
        "proxy_headers": False,
        # Without it a peer that does not answer keeps the process from stopping.
        "timeout_graceful_shutdown": limits.stop_deadline,
        "server_header": False,
    }


def as_flags() -> str:
    """The options as flags of the `uvicorn` command."""
    flags = []
    for name, value in uvicorn_options().items():
        flag = name.replace("_", "-")
        if name == "ws_per_message_deflate":
            flags.append(f"--{flag} {str(value).lower()}")
        elif value is False:
            flags.append(f"--no-{flag}")
        else:
            flags.append(f"--{flag} {value:g}" if isinstance(value, float) else f"--{flag} {value}")
    return " ".join(flags)
