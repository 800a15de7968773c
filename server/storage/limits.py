"""The limits and waiting times of the storage. Durations are seconds."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What all engines have in common."""

    activity_interval: float = 5.0
    """Between two writes of the `last_activity_at` of sessions that stay active."""

    room_interval: float = 1.0
    """Between two writes of a match in which things happen by themselves."""

    max_waiting: int = 200_000
    """Entries waiting for a failing disk, some 60 MiB of them, above which no new session and no
    new socket is accepted. Changes of those who are connected are queued without limit, the moves
    of their matches included: they have been sent to clients, and must not be missing later."""

    max_waiting_for_activity: int = 50_000
    """Rows waiting for a failing disk above which mere activity is no longer queued."""

    gather: float = 0.1
    """For which rows that nobody waits for are gathered before they are written."""

    write_timeout: float = 1.0
    """For which a caller waits for a write; not at all while writing is known to fail.

    A working disk takes hundredths of a second. A sign-in that was answered without its row is lost
    if the process dies before the row is written: the player signs in again. A registration and a
    sign-out promise more, and are answered differently after this time."""

    read_timeout: float = 5.0
    """For which a caller waits for a read. It takes milliseconds, unless the disk hangs."""

    lifeboat_records: int = 2048
    """Sign-outs that the lifeboat holds; one that finds no free record is answered with 503."""

    lifeboat_timeout: float = 5.0
    """For which a sign-out waits for the lifeboat: an fsync on a disk in trouble can take long."""

    closing_timeout: float = 5.0
    """For which a stop waits for a failing disk before it gives up what is not written."""

    stuck_after: float = 5.0
    """Of one single write after which the disk counts as failing: it may never return."""

    first_retry: float = 0.1
    """Between a failed write and the next attempt; doubled with each failure."""

    last_retry: float = 2.0
    """Between two attempts, at the most."""

    room_look_interval: float = 0.1
    """Between two looks at the rooms that wait for `room_interval`."""

    sessions_at_once: int = 500
    """Sessions whose activity is queued before the event loop gets its turn."""

    rooms_at_once: int = 25
    """Rooms whose documents are made before the event loop gets its turn."""

    moves_at_once: int = 1_000
    """Moves that are read before the event loop gets its turn."""
