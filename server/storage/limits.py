"""Limits and timeouts of the storage. Durations are seconds."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits for any engine."""

    activity_interval: float = 5.0
    """Between two writes of `last_activity_at` of sessions that stay active."""

    room_interval: float = 1.0
    """Between two writes of a match that ticks, and of the lines of a room's chat."""

    room_burst: int = 20
    """Changes of seats of one room that are written at once, before they are written once in
    `room_interval` too: as many as may come when players meet."""

    max_waiting: int = 200_000
    """Entries waiting for a failing disk, some 60 MiB, above which new sessions and sockets are
    refused. Changes of those who are connected, moves included, are queued without limit: they were
    sent to clients, and must not be missing later."""

    max_waiting_for_activity: int = 50_000
    """Rows waiting for a failing disk above which activity alone is not queued."""

    gather: float = 0.1
    """How long rows are gathered before a write, if no caller waits."""

    crowd: int = 64
    """Ends of sessions in one batch, from which on they are written and told first, and the rest of
    their rows later. If the process is killed in between, the next start adds these rows."""

    longest_deferral: float = 0.5
    """How long the rest of the rows of a crowd that leaves waits while further ends are written."""

    write_timeout: float = 1.0
    """How long a caller waits for a write; not at all while writing fails.

    A working disk takes hundredths of a second. A sign-in answered without its row is lost if the
    process dies before the row is written: the player signs in again. A registration and a sign-out
    promise more, and are refused after this time.
    """

    reads_at_once: int = 2
    """Reads for lists and histories that are made at a time: many together would all be in memory,
    and all late."""

    reads_waiting: int = 500
    """Such reads that wait for their turn, some 8 MiB; of more, the last of the place that has the
    most is refused."""

    longest_wait: float = 8.0
    """How long a read for a list or a history waits for its turn. Two reads, and a write before
    them, take less than a proxy waits."""

    read_timeout: float = 5.0
    """How long a caller waits for a read, from its turn on. It takes milliseconds unless the disk
    hangs; then it is interrupted. Who asks for a name may wait for the read that runs already,
    too."""

    disk_reserve: int = 268_435_456
    """Bytes of free disk, below which only players who have been registered for long begin what
    leads to many rows, and nobody is let in who was never here; below half of it, nobody begins
    such a thing. What has begun goes on, and so do sign-outs."""

    disk_reserve_share: float = 0.05
    """The most of a disk that is kept so, for small ones."""

    lifeboat_records: int = 2048
    """Sign-outs in the lifeboat; one without a free record is answered with 503."""

    lifeboat_timeout: float = 5.0
    """How long a sign-out waits for the lifeboat: an fsync on a failing disk can take long."""

    log_interval: float = 60.0
    """Between two lines of the log about reads that fail, and about sign-outs that could not be
    saved; those left out are counted."""

    closing_timeout: float = 5.0
    """How long stopping waits for a failing disk before the pending rows are given up."""

    stuck_after: float = 5.0
    """How long a single write may take before the disk counts as failing: it may never return."""

    first_retry: float = 0.1
    """Between a failed write and the next attempt; doubled at each failure."""

    last_retry: float = 2.0
    """The most between two attempts."""

    room_look_interval: float = 0.1
    """Between two looks at the rooms that wait for `room_interval`."""

    sessions_at_once: int = 500
    """Sessions whose activity is queued before the loop does other work."""

    rooms_at_once: int = 25
    """Rooms of which rows are made before the loop does other work."""
