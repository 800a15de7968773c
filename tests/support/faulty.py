"""Connections to SQLite whose calls fail as chosen, once or for a while."""

import sqlite3
import threading
from typing import Any, ClassVar


class FaultyDisk:
    """Fails the calls number `first` to `first + count - 1` of all connections; those of readers
    only if they are not spared."""

    def __init__(self, first: int = 0, count: int = 0, error: str = "disk I/O error") -> None:
        self.first, self.count, self.error = first, count, error
        self.calls = 0
        self.spares_readers = False
        self.factory = type("FaultyConnection", (_FaultyConnection,), {"disk": self})
        """The class of the connections, for `SqliteEngine`."""
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()

    def count_call(self, *, reads: bool) -> None:
        """Raise if this call has to fail."""
        with self._lock:
            self._threads.add(threading.current_thread())
            self.calls += 1
            fails = 0 <= self.calls - self.first < self.count
        if fails and not (reads and self.spares_readers):
            raise sqlite3.OperationalError(self.error)

    def threads(self) -> int:
        """The number of threads that have used a connection and still run."""
        others = self._threads - {threading.main_thread()}
        for thread in others:
            thread.join(1)
        return sum(thread.is_alive() for thread in others)


class _FaultyConnection(sqlite3.Connection):
    """Counts every call except `close`: no disk can prevent closing a file."""

    disk: ClassVar[FaultyDisk]

    def __init__(self, address: str, *args: Any, **options: Any) -> None:
        self._reads = "mode=ro" in address
        self.disk.count_call(reads=self._reads)
        super().__init__(address, *args, **options)

    def execute(self, *args: Any) -> sqlite3.Cursor:
        self.disk.count_call(reads=self._reads)
        return super().execute(*args)

    def executemany(self, *args: Any) -> sqlite3.Cursor:
        self.disk.count_call(reads=self._reads)
        return super().executemany(*args)

    def executescript(self, *args: Any) -> sqlite3.Cursor:
        self.disk.count_call(reads=self._reads)
        return super().executescript(*args)
