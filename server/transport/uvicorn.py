"""uvicorn as the promises need it: our knobs, and our transports in place of its own."""

from typing import Any

import uvicorn

from server.transport.http import HttpTransport
from server.transport.knobs import UVICORN_KNOBS
from server.transport.websocket import WebSocketTransport


def uvicorn_config(app: Any, **more: Any) -> uvicorn.Config:
    """How the `stillhere` command runs `app`; `more` goes to uvicorn as it is."""
    knobs = UVICORN_KNOBS | {"http": HttpTransport, "ws": WebSocketTransport}
    return uvicorn.Config(app, lifespan="on", access_log=False, log_config=None, **(knobs | more))
