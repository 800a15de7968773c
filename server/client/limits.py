"""The limits of the client: pauses, timeouts, sizes."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Durations are seconds."""

    first_pause: float = 0.5
    """The longest pause before the first attempt to reconnect; doubled at each attempt."""

    longest_pause: float = 15.0
    """The longest pause before any attempt to reconnect."""

    stable_after: float = 30.0
    """After a connection that lasted so long, pauses begin with the shortest again."""

    answer_within: float = 10.0
    """A connection without a message for so long after a request is given up."""

    silent_after: float = 25.0
    """A connection without a message for so long is tested with a request. The server pings every
    20 s, but the library handles pings internally."""

    late: float = 2.0
    """A timer that is later than this means that the process stood still; an answer that arrived
    meanwhile gets as long again to be read."""

    call_within: float = 30.0
    """Timeout of an HTTP call."""

    close_within: float = 1.0
    """Timeout of the closing handshake, after which the connection is aborted."""

    largest_message: int = 16 * 1024 * 1024
    """Bytes of a message of the server; the connection closes with 1009 at a larger one. Also of
    the body of a response, which fails if it is larger."""

    chat_lines: int = 50
    """Lines of chat kept of a room, the latest. The server keeps as many."""
