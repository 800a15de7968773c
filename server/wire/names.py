"""Names that both ends know."""

JSON = "application/json"
"""The media type of every body, but for problems and files."""

WEBSOCKET_VERSION = "13"
"""RFC 6455, 4.1."""

SOCKET_PATH = "/ws"
"""Where the WebSocket is."""

SUBPROTOCOL = "stillhere.v1"
"""Of the WebSocket protocol that docs/protocol.md describes."""

COOKIE = "session"
COOKIE_BY_TLS = "__Host-session"
"""`__Host-` binds a cookie to this host, and needs TLS (RFC 6265bis)."""
