"""Fixed ports for this process, so that a browser can cache files of an address."""

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
