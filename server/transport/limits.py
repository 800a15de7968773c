"""The limits of the transports. SECURITY.md publishes these numbers."""

import msgspec

from server.base.rates import Rate
from server.wire.messages import LARGEST_MESSAGE


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes are in bytes, times in seconds. A peer that exceeds one is refused if possible, and cut
    off."""

    # The head of a request, a WebSocket's handshake included

    largest_header: int = 16 * 1024
    """As received, including its first line and the empty one at its end."""

    longest_header_line: int = 8 * 1024
    """As received, without its end and with the lines that continue it; also of the target of a
    request. Browsers and proxies stay below."""

    most_header_lines: int = 128
    """Lines of a header, without the first."""

    most_listed: int = 32
    """Elements of a list in a header of an upgrade: thousands would take 20 ms to parse."""

    header_deadline: float = 4.0
    """For a header to arrive, and for a handshake to be answered."""

    # Requests

    body_deadline: float = 15.0
    """For a body to arrive."""

    most_unread_body: int = 64 * 1024
    """Bytes of a body that wait for the application before reading pauses."""

    events_at_once: int = 64
    """Pieces of a body that are parsed before the loop does other work."""

    largest_request: int = 4 * 1024 * 1024
    """Including the framing of chunks. Applications have limits of their own."""

    linger: float = 2.0
    """For a peer to read a response that was sent before its request was read in full, or the
    refusal of an upgrade."""

    # WebSockets

    largest_message: int = LARGEST_MESSAGE
    """Longer messages are closed with 1009. Clients know the default."""

    ping_interval: float = 20.0
    """Silence until a peer is pinged."""

    ping_timeout: float = 9.0
    """For a pong to arrive. A dead peer is noticed within 30 s, lateness included."""

    close_deadline: float = 5.0
    """For a peer to answer a close, and to take what was sent before it. Applications may allow
    less."""

    most_late: int = 256 * 1024
    """From a peer that has not answered a close; after that no answer is looked for."""

    most_unread: int = 16
    """Messages that wait for the application before reading pauses."""

    frames_at_once: int = 2
    """Frames in one portion: a single read may contain thousands."""

    bytes_at_once: int = 2048
    """Bytes in one portion, except for the rest of its last frame."""

    slice: float = 0.005
    """Of parsing what waits, before the loop does other work; and of parsing what arrives, before
    the rest waits as well."""

    control_frames: Rate = Rate(10.0, 100)
    """Pings, unsolicited pongs and empty fragments of a peer."""

    small_fragment: int = 128
    """Bytes from which on a fragment is not counted: what it costs to parse is little beside what
    it costs to send."""

    small_fragments: Rate = Rate(100.0, LARGEST_MESSAGE)
    """Fragments of a peer that are smaller, but for the first and the last of a message; and of all
    sockets of a player together. As many at once as make up the largest message, a byte each."""

    # Both

    spare_connections: int = 1000
    """Connections besides `Settings.max_connections`: requests, and sockets without a session."""

    write_stall: float = 10.0
    """For a peer to take `least_progress` of what waits for it."""

    least_progress: int = 1024
    """A peer that takes less counts as stalled; otherwise a byte a minute would hold a connection
    for ever."""

    backlog: int = 2048
    """Connections that the kernel has established and the server has not accepted."""

    turn: float = 0.25
    """Resolution of these times: deadlines are up to two turns late, and never early."""

    deadlines_at_once: int = 64
    """Deadlines of one turn that are handled before the loop does other work."""

    stop_deadline: int = 5
    """For all tasks when the server stops; then they are cancelled."""

    shutdown_deadline: float = 1.0
    """Replaces the deadlines of bodies and closes when the server stops, and that of the close of a
    peer that no longer answers."""
