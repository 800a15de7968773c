"""The headers of an ASGI scope, whose names are in lower case.

Only what is asked for is decoded: these run several times for every request and socket.
"""

from starlette.types import Scope


def header(scope: Scope, name: bytes) -> str | None:
    """Return the first value of a header; None if there is none."""
    for found, value in scope["headers"]:
        if found == name:
            text: str = value.decode("latin-1")
            return text
    return None


def lines(scope: Scope, name: bytes) -> list[str]:
    """Return all values of a header, in order."""
    return [value.decode("latin-1") for found, value in scope["headers"] if found == name]
