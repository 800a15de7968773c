"""The credentials of a request: its session cookie, its origin, its address.

Used by HTTP and WebSockets alike; reads ASGI scopes.
"""

import ipaddress
import re
from urllib.parse import urlsplit

from starlette.types import Scope

from server.accounts.place import Place
from server.base.networks import WIDTHS
from server.base.schemes import DEFAULT_PORTS
from server.wire.headers import header, lines
from server.wire.names import COOKIE, COOKIE_BY_TLS

_is_of_proxy = re.compile(
    rb"x-forwarded-.*|forwarded|x-real-ip|via|(?:true|x)-client-ip|cf-connecting-ip|x-cluster-.*"
).fullmatch
"""Headers that proxies add."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
"""The addresses of IPv4 clients behind a translator (RFC 6052, RFC 8215)."""

_NO_ORIGIN = frozenset("/\\?#@ \t")
"""Characters that no origin has after its scheme (RFC 6454, 6.2), and `urlsplit` accepts."""


def is_secure(scope: Scope) -> bool:
    """Return True if the request came by TLS, to this server or to a trusted proxy."""
    return scope["scheme"] in ("https", "wss")


def cookie_name(scope: Scope) -> str:
    """Return the name of the session cookie."""
    return COOKIE_BY_TLS if is_secure(scope) else COOKIE


def session_cookie(scope: Scope) -> str | None:
    """Return the session cookie's value, unchecked; None if there is none, or several that differ.

    Of several, all but one were set by pages of sibling hosts (for the whole domain), and which is
    unknown: picking one could act for the wrong player. Over TLS this cannot happen, as no other
    host can set a `__Host-` cookie.

    Parsed here in one pass, and not by `http.cookies` as in Starlette: that unescapes quotes, which
    our cookie never has, in time quadratic in their number. A header of 8 KiB stopped the loop for
    50 ms.
    """
    name = cookie_name(scope)
    values = {
        value.strip(" \t")
        for line in lines(scope, b"cookie")
        for key, is_pair, value in (pair.partition("=") for pair in line.split(";"))
        if is_pair and key.strip(" \t") == name
    }
    return values.pop() if len(values) == 1 else None


def origin_of(scope: Scope) -> str | None:
    """Return the origin of the page that made the request; None if no page did."""
    return header(scope, b"origin")


def is_own_origin(scope: Scope, origin: str, allowed: tuple[str, ...]) -> bool:
    """Return True if `origin`, as a browser sent it, is this server's own or one of `allowed`."""
    if origin.lower() in allowed:
        return True
    if _NO_ORIGIN & set(origin.partition("://")[2]):
        return False
    try:
        theirs = urlsplit(origin.lower())
        host = (header(scope, b"host") or "").lower()
        ours = urlsplit(f"{'https' if is_secure(scope) else 'http'}://{host}")
        return (
            theirs.scheme == ours.scheme
            and theirs.hostname is not None
            and theirs.hostname == ours.hostname
            and _port(theirs.scheme, theirs.port) == _port(ours.scheme, ours.port)
        )
    except ValueError:  # the port is not a number, or a bracket is unpaired
        return False


def client_address(scope: Scope) -> str:
    """Return the address of the client: IPv4, or the /64 network of an IPv6 address."""
    return place_of(scope).address


def place_of(scope: Scope) -> Place:
    """Return the place of the client.

    Limits by address do not apply to this machine itself, so that a load script can run. A proxy on
    this machine that does not tell the client's address, or is not trusted, is recognised by TLS
    and by the headers it adds.
    """
    client = scope.get("client")
    if not client:
        return Place("unknown", ("unknown",))
    networks, is_own = _read_address(client[0])
    if not is_own or is_secure(scope) or any(_is_of_proxy(name) for name, _ in scope["headers"]):
        return Place(networks[0], networks)
    return Place(networks[0], ())


def _read_address(text: str) -> tuple[tuple[str, ...], bool]:
    """Return the networks of an address, and whether it is this machine's own."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return (text,), False
    if isinstance(address, ipaddress.IPv4Address):
        return (str(address),), address.is_loopback
    if address.ipv4_mapped is not None:
        return (str(address.ipv4_mapped),), address.ipv4_mapped.is_loopback
    if address in _NAT64:
        # All of IPv4 is in one /64 there.
        return (str(ipaddress.IPv4Address(address.packed[-4:])),), False
    if address in _LOCAL_NAT64:
        # Where the IPv4 address is depends on the translator, but each has an address of its own.
        return (str(address),), False
    if address.sixtofour is not None:
        return (str(address.sixtofour),), False
    networks = [ipaddress.ip_network((int(address), width), strict=False) for width in WIDTHS]
    return tuple(map(str, networks)), address.is_loopback


def _port(scheme: str, port: int | None) -> int | None:
    return port if port is not None else DEFAULT_PORTS.get(scheme)
