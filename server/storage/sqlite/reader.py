"""A connection that reads, on a thread of its own."""

import sqlite3
from collections.abc import Callable
from typing import TypeVar

import aiosqlite

T = TypeVar("T")


class _Call:
    """A query that was asked for."""

    __slots__ = ("is_given_up",)

    def __init__(self) -> None:
        self.is_given_up = False


class Reader:
    """A read-only connection of aiosqlite, whose queries run one after the other.

    A query that nobody waits for any more is not begun, and is interrupted if it runs: a timeout
    that only ended the wait would leave the others waiting for it.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], steps_at_once: int) -> None:
        """`connect` is called on the thread. `steps_at_once`: of SQLite's virtual machine, between
        two looks at whether somebody still waits."""
        self._connect = connect
        self._steps_at_once = steps_at_once
        self._connection: aiosqlite.Connection | None = None
        self._running: _Call | None = None
        self._is_closing = False

    async def open(self) -> None:
        """Connect. Raises sqlite3.Error."""
        connection = aiosqlite.Connection(self._connect, iter_chunk_size=1)
        # A call that hangs on a disk must not keep the process from exiting.
        connection._thread.daemon = True
        self._connection = await connection
        # In place of `interrupt`, which has no effect on a query that is about to begin.
        await connection.set_progress_handler(self._is_given_up, self._steps_at_once)

    async def run(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Call `query` with the connection, on its thread. Cancelling interrupts it.

        Raises what it raises, and sqlite3.Error if the connection is not open.
        """
        if self._connection is None or self._is_closing:
            raise sqlite3.ProgrammingError("the database is not open")
        call = _Call()
        try:
            # Not one of its own methods: the thread tells which of the queries has begun.
            answer: T = await self._connection._execute(  # type: ignore[no-untyped-call]
                self._begin, call, query, self._connection._conn
            )
            return answer
        finally:
            call.is_given_up = True

    async def close(self) -> None:
        """Interrupt what runs, and close. Idempotent. Raises sqlite3.Error."""
        self._is_closing = True
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    # On the thread

    def _begin(
        self, call: _Call, query: Callable[[sqlite3.Connection], T], connection: sqlite3.Connection
    ) -> T:
        self._running = call
        if self._is_given_up():
            raise sqlite3.OperationalError("interrupted")
        return query(connection)

    def _is_given_up(self) -> bool:
        return self._is_closing or (self._running is not None and self._running.is_given_up)
