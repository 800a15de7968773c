"""The limits of the WebSocket edge: what one connection or session may cost, and how fan-out is
paced. SECURITY.md publishes those that a client can run into."""

import msgspec

from server.base.limits import Rate


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Passed into the parts of realtime."""

    message_burst: float = 2.0
    """Seconds, the messages of which a connection may send at once: so many times as many as it may
    send in each second (MAX_MESSAGES_PER_SECOND)."""

    refused: Rate = Rate(1.0, 100)
    """Messages of a connection that are refused."""

    connects: Rate = Rate(1.0, 40)
    """Times that a session may connect, or say "be right back": each writes rows of its history."""

    reloads: int = 2
    """Times that all tabs of a session can reload in a row: its burst of `connects` is at least so
    many times the sockets that it may have."""

    waiting_messages: int = 64
    """Messages that may wait for a peer; one more and the connection is closed as too slow."""

    slice: float = 0.005
    """Seconds of fan-out, expiring or closing, without letting the loop do other work."""

    watchers_at_once: int = 32
    """Watchers that are served before the clock is asked whether a slice is over."""

    expired_at_once: int = 8
    """Sessions or rooms that are expired for one reading of the clock; a warning counts from about
    that reading."""

    waiting_changes: int = 16
    """Changes of a topic that may wait for a fan-out; of more, a whole is sent instead."""

    fan_out_share: float = 0.1
    """What part of the loop's time the fan-out of one topic may take."""

    lobby_pace: float = 0.02
    """Seconds between two diffs of the lobby, at the least."""

    slowest_pace: float = 2.0
    """Seconds between two fan-outs of one topic, at the most."""

    usual_lateness: float = 2.5
    """Seconds by which a change to away may be late without the lobby being told for how long the
    player has done nothing: `slowest_pace`, and some."""

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
