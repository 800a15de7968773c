"""The ports of servers in this process: fixed ones, so that a browser can cache files of an
address, and what comes before they are closed."""

import asyncio
import socket

_ports: dict[str, int] = {}


def usual_port(name: str) -> int:
    """The port kept under this name; 0, for any, if there is none or it is in use."""
    port = _ports.get(name, 0)
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return 0
    return port


def keep_port(name: str, port: int) -> None:
    """Keep a port under this name, unless one is kept already."""
    _ports.setdefault(name, port)


_ACCEPTING = 4
"""Turns of the loop, and some more, after which an accepted socket has its protocol."""


async def accept_no_more(listener: int) -> None:
    """Accept nothing more from a listener, given by its descriptor, and let the loop attend to what
    it has accepted. To be called before its server is closed: that fails for sockets that asyncio
    has just accepted, and leaves them open."""
    asyncio.get_running_loop().remove_reader(listener)
    for _ in range(_ACCEPTING):
        await asyncio.sleep(0)
