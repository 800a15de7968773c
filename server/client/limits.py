"""What the client allows the server and itself: pauses, waiting times, sizes."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """All durations are seconds."""

    first_pause: float = 0.5
    """The longest pause before the first attempt to reconnect; each attempt doubles it."""

    longest_pause: float = 15.0
    """The longest pause before any attempt to reconnect."""

    stable_after: float = 30.0
    """A connection that lived for so long lets the pauses begin from the first again."""

    answer_within: float = 10.0
    """A connection on which nothing was received for so long after a request is given up."""

    silent_after: float = 25.0
    """A connection on which nothing was received for so long is asked whether it still lives. The
    server's own pings come every 20 s, but the library answers them out of sight."""

    late: float = 2.0
    """A timer that is later than this tells of a process that stood still; an answer that came
    meanwhile is given as long again to be read."""

    call_within: float = 30.0
    """An HTTP call is answered within this time, or has failed."""

    close_within: float = 1.0
    """The other end has so long to answer a close before the connection is aborted."""

    largest_message: int = 16 * 1024 * 1024
    """Bytes of a message of the server, with a larger one of which a connection ends with 1009, and
    of the body of an answer, which fails if it is larger."""

    chat_lines: int = 50
    """Lines of chat that are kept of a room, the latest. The server keeps as many."""
