"""The limits of the WebSocket edge: what one connection or session may cost, and how fan-out is
paced. SECURITY.md publishes those that a client can run into."""

import msgspec

from server.wire.messages import LARGEST_MESSAGE


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Passed into the parts of realtime."""

    largest_message: int = LARGEST_MESSAGE
    """Bytes of one message; more is closed with 1009."""

    refused_burst: int = 100
    """Refused messages that a connection may send at once; one more a second."""

    connect_burst: int = 40
    """Times that a session may connect, or say "be right back", at once; one more a second. Raised
    to twice the sockets that a session may have: all its tabs can reload twice in a row."""

    waiting_messages: int = 64
    """Messages that may wait for a peer; one more and the connection is closed as too slow."""

    slice: float = 0.005
    """Seconds of fan-out, expiring or closing, without letting the loop do other work."""

    fan_out_share: float = 0.1
    """What part of the loop's time the fan-out of one topic may take."""

    lobby_pace: float = 0.02
    """Seconds between two diffs of the lobby, at the least."""

    slowest_pace: float = 2.0
    """Seconds between two fan-outs of one topic, at the most."""

    roster_window: int = 1000
    """Players that a roster lists; of a larger lobby it has the first by name, and the total."""

    roster_kept_for: float = 1.0
    """Seconds for which a roster that says for how long players have been away is sent again
    without being written anew."""

    holds_pace: float = 1.0
    """Seconds between two looks at all spectators of a room, for holds of their idle clocks that
    have run out."""

    settling: float = 0.5
    """Seconds until a dropped connection is shown in the lobby: a reload takes less."""

    room_list_pace: float = 0.25
    """Seconds for which changes of the list of rooms are collected before they are sent."""
