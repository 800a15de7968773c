"""Names that both ends know."""

SUBPROTOCOL = "stillhere.v1"
"""Of the WebSocket protocol that docs/protocol.md describes."""

COOKIE = "session"
COOKIE_BY_TLS = "__Host-session"
"""`__Host-` binds a cookie to this host, and needs TLS (RFC 6265bis)."""
