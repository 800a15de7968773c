"""The limits of WebSocket connections: the cost of a connection or session, and the pace of
fan-out. SECURITY.md publishes those that a client can run into."""

import msgspec

from server.base.rates import Rate


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of realtime."""

    message_burst: float = 2.0
    """Burst of a connection's messages, in seconds of MAX_MESSAGES_PER_SECOND."""

    refused: Rate = Rate(1.0, 100)
    """Refused messages of a connection."""

    connects: Rate = Rate(1.0, 40)
    """Connects and "be right back"s of a session: each writes rows of its history."""

    turned_away: float = 1.0
    """Seconds for a peer without a session, or one too many, to answer the close: those may come
    as often as they like."""

    reloads: int = 2
    """How often all tabs of a session can reload in a row: the burst of `connects` is at least so
    many times the sockets that a session may have."""

    waiting_messages: int = 64
    """Messages waiting for a peer; with one more the connection is closed as too slow."""

    messages_of_player: Rate = Rate(200.0, 400)
    """Messages of all connections of a player; at least that of a single one."""

    wholes: Rate = Rate(65_536, 4 * 1024 * 1024)
    """Bytes of snapshots of the lobby and of the list of rooms that all connections of a player are
    sent. One more is sent as long as the burst is not spent, so that one of any size is sent at
    last."""

    wholes_of_address: Rate = Rate(1_048_576, 64 * 1024 * 1024)
    """The same, of all guests at one address, and as much of all registered players there."""

    wholes_of_seat: Rate = Rate(65_536, 4 * 1024 * 1024)
    """Bytes of snapshots of the rooms in which a player has a seat, to all their connections."""

    wholes_of_seats_of_address: Rate = Rate(4_194_304, 128 * 1024 * 1024)
    """The same at one address, as above."""

    spectating: Rate = Rate(65_536, 4 * 1024 * 1024)
    """Bytes of rooms in which a player has no seat, snapshots and all changes, to all their
    connections. Beyond it changes are skipped."""

    spectating_of_address: Rate = Rate(1_048_576, 16 * 1024 * 1024)
    """The same at one address, as above."""

    wider_network: int = 2
    """How many times as much a network may be sent that is eight bits wider than an IPv6 /64, which
    counts as one address: it is one line, whoever is at it."""

    charged_at: int = 2048
    """Bytes of changes of which a connection is charged, together."""

    counted_keys: int = 50_000
    """Players, or networks, that each limit of these keeps in memory."""

    stops_within: float = 10.0
    """Seconds after which an ASGI server that closed a socket because it stops has stopped."""

    slice: float = 0.005
    """Seconds of fan-out, of all topics together, of expiring or of closing before the loop does
    other work."""

    watchers_at_once: int = 32
    """Watchers served between two checks whether a slice is over."""

    expired_at_once: int = 8
    """Sessions or rooms expired per reading of the clock; their warnings count from about then."""

    waiting_changes: int = 16
    """Changes of a topic that wait for a fan-out; with more, a snapshot is sent instead."""

    fan_out_share: float = 0.1
    """The share of the loop's time that the fan-outs of all topics may take."""

    fan_out_window: float = 2.0
    """Seconds over which the time that topics take is measured; `slowest_pace`, so that each that
    is busy has a fan-out in it."""

    quiet: float = 0.02
    """Seconds without a change after which one fan-out may be ahead of its pace."""

    lobby_pace: float = 0.02
    """The least seconds between two diffs of the lobby."""

    slowest_pace: float = 2.0
    """The most seconds between two fan-outs of one topic."""

    usual_lateness: float = 2.5
    """Seconds by which a change to away may be late before the lobby is sent `idle_for` as well:
    `slowest_pace`, and some."""

    roster_window: int = 1000
    """Players in a roster; a larger lobby is cut to the first by name, and the total."""

    roster_kept_for: float = 1.0
    """Seconds for which a roster with an `idle_for` in it is reused before it is written anew."""

    holds_pace: float = 1.0
    """Seconds between two reviews of the spectators of a room, for holds that ran out."""

    settling: float = 0.5
    """Seconds until a lost connection is shown in the lobby: a reload takes less."""

    room_list_pace: float = 0.25
    """Seconds for which changes of the list of rooms are collected."""

    spectators_pace: float = 2.0
    """Seconds between two diffs of the list that tell how many spectators rooms have, when nothing
    else of these rooms changed."""

    list_changes: int = 16_384
    """Bytes of changes of the list of rooms a second that each watcher is sent; what is more is
    told later."""

    list_changes_in_all: int = 16 * 1024 * 1024
    """The same, of all watchers."""

    room_changes: Rate = Rate(10, 200)
    """Changes of a room, but for moves, ticks and lines of chat, that are told by themselves: with
    more they are told together."""
