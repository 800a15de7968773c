"""A small preallocated file for sign-outs that the database does not take.

It lies beside the database and has a fixed number of records of one size, each for one ended
session, as text. It is written in full when it is created; later records overwrite the space, so
that a full disk, a limit on file sizes or another program's lock on the database do not matter. It
is read at the next start, and emptied once the database has everything in it.

A record is durable when `save` returns. A record torn by a power cut fails its checksum; it was not
acknowledged. The file does not help on a disk that takes no writes at all, nor on a full one that
never writes in place (btrfs, ZFS).
"""

import asyncio
import errno
import os
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

from server.base.ids import SessionId
from server.presence.status import ENDINGS, Reason
from server.storage.locks import LockedFile, open_locked
from server.storage.rows import Ending
from server.storage.thread import DaemonThread

RECORD = 128
"""Bytes of a record, including a checksum and a line feed."""

LIFEBOAT = ".revoked"
"""The suffix of the file, after the name of the database."""


class Lifeboat:
    """The file, between `open` and `close`."""

    def __init__(self, path: Path, records: int) -> None:
        self._path = path
        self._records = records
        self._file: LockedFile | None = None
        self._used = 0
        self._saved: set[SessionId] = set()
        self._lock = asyncio.Lock()
        # An fsync may take seconds on a failing disk, or never return.
        self._thread = DaemonThread("lifeboat")

    def __len__(self) -> int:
        """Return the number of endings in it that the database may not have."""
        return len(self._saved)

    def open(self, database: str) -> list[Ending]:
        """Open or create the file, and lock it against other servers; return what is in it.

        Raises OSError; StorageRefused, which names the `database`.
        """
        file = open_locked(self._path, database)
        try:
            content = os.pread(file.descriptor, RECORD * self._records, 0)
            if len(content) < RECORD * self._records:
                # Zeros, not a hole or a reservation: only written blocks need no more space.
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

    def __contains__(self, session: SessionId) -> bool:
        return session in self._saved

    async def save(self, endings: Callable[[], Iterable[Ending]]) -> None:
        """Write those of the `endings` that are not in it yet. Raises OSError; then it has none of
        them, or, if not all found a free record, the first ones.

        `endings` is called under the lock, so that it includes what was added meanwhile. After
        cancelling it is unknown whether they were written.
        """
        async with self._lock:
            new = [ending for ending in endings() if ending.session_id not in self._saved]
            fitting = new[: self._records - self._used]
            if fitting:
                await self._append(fitting)
            if len(fitting) < len(new):
                raise OSError(errno.ENOSPC, "no record is free", str(self._path))

    async def _append(self, endings: list[Ending]) -> None:
        # Reserved before the thread runs: after a cancellation it may still be writing.
        first, self._used = self._used, self._used + len(endings)
        try:
            await self._write(b"".join(map(_format, endings)), first * RECORD)
        except OSError:
            self._used = first
            raise
        self._saved.update(ending.session_id for ending in endings)

    async def clear(self, endings: Callable[[], Iterable[Ending]]) -> None:
        """Empty the file, unless it contains one of `endings`. Raises OSError, which is harmless:
        an ending may be applied twice."""
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
        """Close the file, and remove it if `open` created it. Idempotent."""
        self._thread.shutdown()
        if self._file is not None:
            self._file.discard()
            self._file = None

    async def _write(self, data: bytes, at: int) -> None:
        if self._file is None:
            raise OSError(errno.EBADF, "it is not open", str(self._path))
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, _write, self._file.descriptor, data, at)


def _format(ending: Ending) -> bytes:
    text = f"{ending.session_id} {ending.reason} {ending.at}".encode()
    return b"%08x %s" % (zlib.crc32(text), text.ljust(RECORD - 10)) + b"\n"


def _parse(record: bytes) -> Ending | None:
    """Return the ending in a record; None if it is empty or incomplete."""
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
