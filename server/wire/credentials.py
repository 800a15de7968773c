"""What a request says of who sent it: its session cookie, its origin, its address.

Shared by both edges; reads ASGI scopes (http and websocket) and decides nothing by itself but
whether an origin is ours.
"""

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from server.base.schemes import DEFAULT_PORTS
from server.wire.names import COOKIE, COOKIE_BY_TLS

_FORWARDING = ("x-forwarded-for", "forwarded", "x-real-ip", "via")
_NO_ORIGIN = frozenset("/\\?#@ \t")
"""Characters that no origin has behind its scheme (RFC 6454, 6.2), and `urlsplit` passes over."""


def is_secure(scope: Scope) -> bool:
    """Whether the request came by TLS, as far as this server was told by a proxy it trusts."""
    return scope["scheme"] in ("https", "wss")


def cookie_name(scope: Scope) -> str:
    """The session cookie's name."""
    return COOKIE_BY_TLS if is_secure(scope) else COOKIE


def session_cookie(scope: Scope) -> str | None:
    """The session cookie's value, unchecked; None: the request has none, or several that differ.

    Of several, a page of a host beside this one has set all but one (for its whole domain), and
    nothing tells which: a request taken for one of them could act for the wrong player.
    TLS is spared that, as nobody can set a `__Host-` cookie for others.

    Read here, in one pass, and not by `http.cookies` as Starlette does: that undoes quotes, which
    our cookie never has, and takes the square of their number for it. A header of 8 KiB held up
    everybody for 50 ms.
    """
    name = cookie_name(scope)
    values = {
        value.strip(" \t")
        for header in _lines(scope, b"cookie")
        for key, is_pair, value in (pair.partition("=") for pair in header.split(";"))
        if is_pair and key.strip(" \t") == name
    }
    return values.pop() if len(values) == 1 else None


def origin_of(scope: Scope) -> str | None:
    """The origin of the page that asks, as its browser says; None: no page does."""
    return next(_lines(scope, b"origin"), None)


def is_own_origin(scope: Scope, origin: str, allowed: tuple[str, ...]) -> bool:
    """Whether `origin`, as a browser sent it, is this server's own or one of `allowed`."""
    if origin.lower() in allowed:
        return True
    if _NO_ORIGIN & set(origin.partition("://")[2]):
        return False
    try:
        theirs = urlsplit(origin.lower())
        host = next(_lines(scope, b"host"), "").lower()
        ours = urlsplit(f"{'https' if is_secure(scope) else 'http'}://{host}")
        return (
            theirs.scheme == ours.scheme
            and theirs.hostname is not None
            and theirs.hostname == ours.hostname
            and _port(theirs.scheme, theirs.port) == _port(ours.scheme, ours.port)
        )
    except ValueError:  # no port is a word, and no host has a lone bracket
        return False


def host_of(scope: Scope) -> str:
    """Where the request came from: an IPv4 address, or the /64 that an IPv6 customer has."""
    client = scope.get("client")
    if not client:
        return "unknown"
    try:
        address = ipaddress.ip_address(client[0])
    except ValueError:
        return str(client[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def limited_address(scope: Scope) -> str | None:
    """The address that limits by address go by; None: they do not apply.

    They do not apply to this machine itself, so that a load script can run; but a proxy on this
    machine that is not trusted looks like that too, and is told by the header it adds.
    """
    client = scope.get("client")
    headers = Headers(scope=scope)
    if client and not any(name in headers for name in _FORWARDING):
        try:
            if ipaddress.ip_address(client[0]).is_loopback:
                return None
        except ValueError:
            pass
    return host_of(scope)


def _lines(scope: Scope, name: bytes) -> Iterator[str]:
    """The values of a header, decoded alone: every socket's are looked at."""
    return (value.decode("latin-1") for found, value in scope["headers"] if found == name)


def _port(scheme: str, port: int | None) -> int | None:
    return port if port is not None else DEFAULT_PORTS.get(scheme)
