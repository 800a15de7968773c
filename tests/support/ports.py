"""Ports that this process listens at again and again, so that a browser knows the address."""

import socket

_ports: dict[str, int] = {}


def usual_port(name: str) -> int:
    """The port kept by this name; 0, which is any, if there is none or somebody listens there."""
    port = _ports.get(name, 0)
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return 0
    return port


def keep_port(name: str, port: int) -> None:
    """Keep a port by this name, unless one is kept already."""
    _ports.setdefault(name, port)
