"""Connections to SQLite of which chosen calls fail, once or for a while."""

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

import aiosqlite

T = TypeVar("T")

CLOSED = ("close",)
"""Calls that are left alone: no disk can keep a file from being closed."""


class FaultyDisk:
    """Fails the calls with the numbers `first` up to `first + count - 1`, of all connections."""

    def __init__(self, first: int = 0, count: int = 0, error: str = "disk I/O error") -> None:
        self.first, self.count, self.error = first, count, error
        self.calls = 0
        self.connections: list[FaultyConnection] = []

    def connect(self, address: str, **options: Any) -> aiosqlite.Connection:
        """In the place of `server.storage.sqlite.database.connect`."""
        connection = FaultyConnection(lambda: sqlite3.connect(address, **options), self)
        self.connections.append(connection)
        return connection

    def count_call(self) -> None:
        """Raise, if it is this call's turn."""
        self.calls += 1
        if 0 <= self.calls - self.first < self.count:
            raise sqlite3.OperationalError(self.error)

    def threads(self) -> int:
        """How many connections have a thread that goes on."""
        for connection in self.connections:
            if connection._thread.ident is not None:
                connection._thread.join(1)
        return sum(connection._thread.is_alive() for connection in self.connections)


class FaultyConnection(aiosqlite.Connection):
    """One connection; every call of it goes through the disk."""

    def __init__(self, connector: Callable[[], sqlite3.Connection], disk: FaultyDisk) -> None:
        super().__init__(connector, 64)
        self._disk = disk
        self._thread.daemon = True

    async def _connect(self) -> aiosqlite.Connection:
        connection = await super()._connect()
        try:
            self._disk.count_call()
        except BaseException:
            await self.close()
            raise
        return connection

    async def _execute(self, fn: Callable[..., T], *args: Any, **options: Any) -> T:
        if fn.__name__ not in CLOSED:
            self._disk.count_call()
        result: T = await super()._execute(fn, *args, **options)  # type: ignore[no-untyped-call]
        return result
