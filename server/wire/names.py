"""Names used by server and clients."""

JSON = "application/json"
"""The media type of every body except problems and files."""

WEBSOCKET_VERSION = "13"
"""RFC 6455, 4.1."""

SOCKET_PATH = "/ws"
"""Where the WebSocket is."""

PASSIVE = "Passive"
"""The header whose value 1 says that a request is no activity."""

SUBPROTOCOL = "stillhere.v1"
"""The WebSocket subprotocol described in docs/protocol.md."""

COOKIE = "session"
COOKIE_BY_TLS = "__Host-session"
"""`__Host-` binds a cookie to this host, and needs TLS (RFC 6265bis)."""
