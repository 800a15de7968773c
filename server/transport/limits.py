"""What the transports allow a peer, in one place. SECURITY.md publishes these numbers."""

import msgspec

from server.base.limits import Rate
from server.wire.messages import LARGEST_MESSAGE


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes are in bytes, times in seconds. Who breaks one is answered if possible, and cut off."""

    # The head of a request, a WebSocket's handshake included

    largest_header: int = 16 * 1024
    """With its first line and the empty one at its end."""

    longest_header_line: int = 8 * 1024
    """Also the longest target of a request. Browsers and proxies stay below."""

    most_header_lines: int = 128
    """Lines of a header, without the first."""

    most_listed: int = 32
    """In a header of an upgrade that is a list: one of thousands takes 20 ms to read."""

    header_deadline: float = 4.0
    """For a header to arrive, and for a handshake to be answered."""

    # Requests

    body_deadline: float = 15.0
    """For a body to arrive."""

    most_unread_body: int = 64 * 1024
    """Of a body that wait for the application before the socket is no longer read."""

    events_at_once: int = 64
    """Pieces of a body that are parsed before other connections have their turn."""

    largest_request: int = 4 * 1024 * 1024
    """With all that frames its chunks. What the application takes of it is its own limit."""

    linger: float = 2.0
    """For a peer to read a response before which it had sent more than was read."""

    # WebSockets

    largest_message: int = LARGEST_MESSAGE
    """More is closed with 1009. Clients know the default."""

    ping_interval: float = 20.0
    """For which nothing is received before a peer is pinged."""

    ping_timeout: float = 9.0
    """For a pong to arrive: a silent peer is gone within 30 s, however late these times are."""

    close_deadline: float = 5.0
    """For a peer to answer a close, and to take what was sent before it."""

    most_late: int = 256 * 1024
    """What may come from a peer that has yet to answer a close before it is no longer looked for an
    answer in it."""

    most_unread: int = 16
    """Messages that wait for the application before the socket is no longer read."""

    frames_at_once: int = 16
    """Frames in one portion: a peer may put thousands into what is read at once."""

    bytes_at_once: int = 2048
    """Bytes in one portion, but for the rest of its last frame."""

    portions_at_once: int = 16
    """Portions that are parsed before other connections have their turn."""

    control_frames: Rate = Rate(10.0, 100)
    """Pings, pongs to no ping and empty fragments that a peer may send."""

    # Both

    write_stall: float = 10.0
    """For a peer to take `least_progress` of what waits for it."""

    least_progress: int = 1024
    """A slower peer counts as one that reads nothing: else a byte a minute would hold a connection
    for ever."""

    backlog: int = 2048
    """Connections that the kernel has made, and the server has not yet accepted."""

    turn: float = 0.25
    """How finely these times are kept: one is over up to two turns late, and never early."""

    deadlines_at_once: int = 64
    """Deadlines of one turn that are worked off before other connections have their turn."""

    stop_deadline: int = 5
    """For all that runs when the server stops: then it is cancelled."""

    shutdown_deadline: float = 1.0
    """In place of the body's or the close's when the server stops, which has a deadline too."""
