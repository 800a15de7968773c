"""Where a sign-out goes while the database takes nothing: a small file that needs no more room.

A file beside the database, with a fixed number of records of one size, one session that was ended
each, as text. All of it is written once, when it is made; from then on records are written over
what is there, so that a full disk, a limit on the size of files or another program's lock on the
database does not matter. It is read at the next start, and emptied once the database has what it
holds.

A record that `save` returned for is on the disk. One torn by a power cut fails its checksum, and
was not acknowledged. It does not work on a disk that takes no writes at all, nor on a full one that
never writes in place (btrfs, ZFS).
"""

import asyncio
import errno
import os
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from server.base.ids import PlayerId, SessionId
from server.presence.explain import explain_ending
from server.presence.policy import Policy
from server.presence.status import ENDINGS, Reason, Status, best
from server.storage.batch import Batch
from server.storage.locks import LockedFile, open_locked
from server.storage.rows import ChangeRow, Ending, PlayerStateRow, SessionStateRow, StoredSession
from server.storage.thread import DaemonThread

RECORD = 128
"""Bytes of a record, a checksum and a line feed included."""

LIFEBOAT = ".revoked"
"""What its name ends in, after the database's."""


class Lifeboat:
    """The file, between `open` and `close`."""

    def __init__(self, path: Path, records: int) -> None:
        self._path = path
        self._records = records
        self._file: LockedFile | None = None
        self._used = 0
        self._saved: set[SessionId] = set()
        self._lock = asyncio.Lock()
        # An fsync can take seconds on a disk in trouble, or never return.
        self._thread = DaemonThread("lifeboat")

    def __len__(self) -> int:
        """How many endings it holds that the database may not have."""
        return len(self._saved)

    def open(self, database: str) -> list[Ending]:
        """Open the file, or make it, and lock it against other servers; returns what it holds.

        Raises OSError, and StorageRefused, which speaks of the `database`.
        """
        file = open_locked(self._path, database)
        try:
            content = os.pread(file.descriptor, RECORD * self._records, 0)
            if len(content) < RECORD * self._records:
                # Zeros, not a hole or a reservation: only what was written once needs no room.
                _write(file.descriptor, bytes(RECORD * self._records - len(content)), len(content))
        except BaseException:
            file.discard()
            raise
        self._file = file
        self._used = -(-len(content.rstrip(b"\0")) // RECORD)
        records = (content[n * RECORD : (n + 1) * RECORD] for n in range(self._used))
        found = [ending for ending in map(_parse, records) if ending is not None]
        self._saved = {ending.session_id for ending in found}
        return found

    async def save(self, endings: Callable[[], Iterable[Ending]]) -> None:
        """Write those of the `endings` that it does not hold yet. Raises OSError.

        They are asked for when it is this caller's turn: what was added meanwhile is written too.
        Cancelling it leaves open whether they were written.
        """
        async with self._lock:
            new = [ending for ending in endings() if ending.session_id not in self._saved]
            if not new:
                return
            if self._used + len(new) > self._records:
                raise OSError(errno.ENOSPC, "no record is free", str(self._path))
            # Taken before the thread runs: it may still be writing when this was cancelled.
            first, self._used = self._used, self._used + len(new)
            data = b"".join(map(_format, new))
            try:
                await self._write(data, first * RECORD)
            except OSError:
                self._used = first
                raise
            self._saved.update(ending.session_id for ending in new)

    async def clear(self, endings: Callable[[], Iterable[Ending]]) -> None:
        """Empty it, unless it holds one of those `endings`. Raises OSError; nothing is lost by
        that, as it does no harm to end a session that has ended."""
        async with self._lock:
            if not self._used or any(ending.session_id in self._saved for ending in endings()):
                return
            await self._write(bytes(self._used * RECORD), 0)
            self._used = 0
            self._saved.clear()

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._thread.shutdown()
        if self._file is not None:
            self._file.close()
            self._file = None

    def discard(self) -> None:
        """Close the file, and remove it if `open` has made it. Idempotent."""
        self._thread.shutdown()
        if self._file is not None:
            self._file.discard()
            self._file = None

    async def _write(self, data: bytes, at: int) -> None:
        if self._file is None:
            raise OSError(errno.EBADF, "it is not open", str(self._path))
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, _write, self._file.descriptor, data, at)


def rows_of(
    endings: Iterable[Ending], live_sessions: Iterable[StoredSession], policy: Policy
) -> Batch:
    """The rows that would have been written at the time, had the database taken them.
    `live_sessions`: those that have not ended, as it knows them."""
    batch = Batch()
    live: dict[SessionId, StoredSession] = {}
    by_player: defaultdict[PlayerId, dict[SessionId, Status]] = defaultdict(dict)
    for session in live_sessions:
        live[session.id] = session
        by_player[session.player.id][session.id] = session.status
    for ending in endings:
        ended = live.pop(ending.session_id, None)
        if ended is None:
            continue
        session, player = ended, ended.player
        others = by_player[player.id]
        del others[session.id]
        after = best([*others.values()])
        active_at, active_by = session.last_activity_at, session.last_activity_by
        if session.status is not Status.OFFLINE:
            batch.changes.append(
                ChangeRow(
                    player.id,
                    session.id,
                    Status.OFFLINE,
                    ending.reason,
                    ending.at,
                    after,
                    explain_ending(ending.reason, policy),
                    active_at,
                    active_by,
                )
            )
        batch.player_states[player.id] = PlayerStateRow(player.id, after, after.is_here, active_at)
        batch.session_states[session.id] = SessionStateRow(
            session.id, Status.OFFLINE, active_at, active_by
        )
        batch.endings.append(ending)
        if player.guest and not others:
            batch.freed_names.append(player.id)
    return batch


def _format(ending: Ending) -> bytes:
    text = f"{ending.session_id} {ending.reason} {ending.at}".encode()
    return b"%08x %s" % (zlib.crc32(text), text.ljust(RECORD - 10)) + b"\n"


def _parse(record: bytes) -> Ending | None:
    """The ending in a record; None: there is none, or it was not written to its end."""
    checksum, _, text = record.rstrip().partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    session, reason, at = text.decode().split(" ")
    return Ending(SessionId(session), Reason(reason), int(at)) if reason in ENDINGS else None


def _write(file: int, data: bytes, at: int) -> None:
    while data:
        written = os.pwrite(file, data, at)
        data, at = data[written:], at + written
    os.fsync(file)
