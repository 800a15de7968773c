"""Where a sign-out goes while the database takes nothing: a small file that needs no room.

What it is: `<database>.revoked`, a fixed number of records of one size, one session that was ended
each, as text. All of it is written once, when it is made; from then on records are written over
what is there, so that a full disk, a limit on the size of files or somebody's lock on the database
does not matter. It is read at the next start, and emptied once the database has what it holds.

What it promises: a record that `save` returned for is on the disk. One torn by a power cut fails
its checksum, and was never promised. What it cannot do: work on a disk that takes no writes at all,
nor on a full one that never writes in place (btrfs, ZFS).
"""

import asyncio
import errno
import os
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import aiosqlite

from server.base.ids import SessionId
from server.presence.explain import explain_ending
from server.presence.policy import Policy
from server.presence.status import ENDINGS, Reason, Status, best
from server.storage.sqlite.batch import Batch

RECORD = 128
"""Bytes of a record, a checksum and a line feed included."""

CAPACITY = 2048
"""Records. Whoever signs out while there are as many is told that it could not be written."""

_LIVE = """
    SELECT s.player_id, s.status, s.last_activity_at, s.last_activity_by, p.guest
    FROM sessions s JOIN players p ON p.id = s.player_id WHERE s.id = ? AND s.ended_at IS NULL
"""
_OTHERS = "SELECT id, status FROM sessions WHERE player_id = ? AND ended_at IS NULL"

LIFEBOAT = ".revoked"
"""What its name ends in, after the database's."""

off_loop = asyncio.to_thread
"""Where the file is written: an fsync can take seconds on a disk in trouble."""


class Ending(NamedTuple):
    """A session that ended; `at` is in Unix milliseconds."""

    session: SessionId
    reason: Reason
    at: int


def lifeboat_path(database: Path) -> Path:
    """Where the endings that a database could not take are; `database` is no link."""
    return database.with_name(database.name + LIFEBOAT)


class Lifeboat:
    """The file, between `open` and `close`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._used = 0
        self._aboard: set[SessionId] = set()
        self._lock = asyncio.Lock()

    def __len__(self) -> int:
        """How many endings it holds that the database may not have."""
        return len(self._aboard)

    def open(self) -> list[Ending]:
        """Open the file, or make it; returns what it holds. Raises OSError."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            content = os.pread(file, RECORD * CAPACITY, 0)
            if len(content) < RECORD * CAPACITY:
                # Zeros, not a hole or a reservation: only what was written once needs no room.
                _write(file, bytes(RECORD * CAPACITY - len(content)), len(content))
        except BaseException:
            os.close(file)
            raise
        self._file = file
        self._used = -(-len(content.rstrip(b"\0")) // RECORD)
        records = (content[n * RECORD : (n + 1) * RECORD] for n in range(self._used))
        found = [ending for ending in map(_parse, records) if ending is not None]
        self._aboard = {ending.session for ending in found}
        return found

    async def save(self, endings: Callable[[], Iterable[Ending]]) -> None:
        """Write those of the `endings` that are not aboard yet. Raises OSError.

        They are asked for when it is this caller's turn: whoever came meanwhile goes along.
        Cancelling it leaves open whether they were written.
        """
        async with self._lock:
            new = [ending for ending in endings() if ending.session not in self._aboard]
            if not new:
                return
            if self._used + len(new) > CAPACITY:
                raise OSError(errno.ENOSPC, "no record is free", str(self._path))
            # Taken before the thread runs: it may still be writing when this was cancelled.
            first, self._used = self._used, self._used + len(new)
            data = b"".join(map(_format, new))
            try:
                await off_loop(_write, self._descriptor(), data, first * RECORD)
            except OSError:
                self._used = first
                raise
            self._aboard.update(ending.session for ending in new)

    async def clear(self, endings: Callable[[], Iterable[Ending]]) -> None:
        """Empty it, unless it holds one of those `endings`. Raises OSError; nothing is lost by
        that, as an ending that the database has already is nothing new to it."""
        async with self._lock:
            if not self._used or any(ending.session in self._aboard for ending in endings()):
                return
            await off_loop(_write, self._descriptor(), bytes(self._used * RECORD), 0)
            self._used = 0
            self._aboard.clear()

    def close(self) -> None:
        """Close the file; doing it twice is as good as once."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _descriptor(self) -> int:
        if self._file is None:
            raise OSError(errno.EBADF, "it is not open", str(self._path))
        return self._file


async def rows_of(
    endings: Iterable[Ending], connection: aiosqlite.Connection, policy: Policy
) -> Batch:
    """What those `endings` that the database does not know yet change in it: the rows that would
    have been written at the time."""
    batch = Batch()
    over: set[str] = set()
    for ending in endings:
        for player, status, active_at, active_by, guest in await connection.execute_fetchall(
            _LIVE, (ending.session,)
        ):
            if ending.session in over:
                continue
            over.add(ending.session)
            others = [
                Status(other)
                for id, other in await connection.execute_fetchall(_OTHERS, (player,))
                if id not in over
            ]
            after = best(others)
            if status != Status.OFFLINE:
                why = explain_ending(ending.reason, policy)
                batch.changes.append(
                    (
                        player,
                        ending.session,
                        "offline",
                        ending.reason,
                        ending.at,
                        after,
                        why,
                        active_at,
                        active_by,
                    )
                )
            batch.player_states[player] = (after, int(after.is_here), active_at, player)
            batch.session_states[ending.session] = (
                Status.OFFLINE,
                active_at,
                active_by,
                ending.session,
            )
            batch.endings.append((ending.at, ending.reason, ending.session))
            if guest and not others:
                batch.freed_names.append((player,))
    return batch


def _format(ending: Ending) -> bytes:
    text = f"{ending.session} {ending.reason} {ending.at}".encode()
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
