"""A connection that reads, on a thread of its own."""

import asyncio
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from server.storage.errors import EngineError
from server.storage.thread import DaemonThread

T = TypeVar("T")


class _Call:
    """A query that was asked for."""

    __slots__ = ("is_given_up",)

    def __init__(self) -> None:
        self.is_given_up = False


class Reader:
    """A read-only connection, whose queries run one after the other.

    A query that nobody waits for any more is not begun, and is interrupted if it runs: a timeout
    that only ended the wait would leave the others waiting for it.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], sqlite3.Connection],
        *,
        most_waiting: int | None,
        steps_at_once: int,
    ) -> None:
        """`connect` is called on the thread, which has this name. `most_waiting`: queries at a
        time, the one that runs included; None: any number. `steps_at_once`: of SQLite's virtual
        machine, between two looks at whether somebody still waits."""
        self._connect = connect
        self._most_waiting = most_waiting
        self._steps_at_once = steps_at_once
        self._thread = DaemonThread(name)
        self._connection: sqlite3.Connection | None = None
        self._running: _Call | None = None
        self._waiting = 0
        self._is_closing = False

    async def open(self) -> None:
        """Connect. Raises sqlite3.Error."""
        await self._call(self._open)

    async def run(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Call `query` with the connection, on its thread. Cancelling interrupts it.

        Raises what it raises, EngineError if too many wait, and sqlite3.Error if the connection is
        not open.
        """
        if self._waiting == self._most_waiting:
            raise EngineError(f"{self._waiting} reads wait already")
        call = _Call()
        self._waiting += 1
        try:
            return await self._call(partial(self._begin, call, query))
        finally:
            call.is_given_up = True
            self._waiting -= 1

    async def close(self) -> None:
        """Interrupt what runs, and close. Idempotent. Raises sqlite3.Error."""
        self._is_closing = True
        if self._thread.is_running:
            # Even if `open` was cancelled: the thread may be about to connect.
            await self._call(self._close)

    def end(self) -> None:
        """End the thread when it has nothing left to do. Does not wait."""
        self._thread.shutdown()

    async def _call(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    # On the thread

    def _open(self) -> None:
        self._connection = self._connect()
        # In place of `interrupt`, which has no effect on a query that is about to begin.
        self._connection.set_progress_handler(self._is_given_up, self._steps_at_once)

    def _begin(self, call: _Call, query: Callable[[sqlite3.Connection], T]) -> T:
        if self._connection is None:
            raise sqlite3.ProgrammingError("the database is not open")
        self._running = call
        if self._is_given_up():
            raise sqlite3.OperationalError("interrupted")
        return query(self._connection)

    def _is_given_up(self) -> bool:
        return self._is_closing or (self._running is not None and self._running.is_given_up)

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
