"""A deterministic world: a loop with virtual time, and a disk that fails on demand.

Nothing here waits, uses a thread or asks the machine, so that the same seed gives the same run to
the last event.
"""

import asyncio
import base64
import random
import selectors
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from server.limits import Limits
from server.settings import Settings
from server.storage.batch import Batch
from server.storage.errors import EngineError
from server.storage.sqlite.engine import SqliteEngine
from server.storage.sqlite.limits import SqliteLimits
from server.storage.sqlite.reader import Reader

T = TypeVar("T")

_TURN = 1e-6
"""Seconds for each turn of the loop: without them, a timer that fires early by a rounding error
would be set for the same instant for ever."""


class Deadlock(AssertionError):
    """No task can run and no timer is set."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time is a number, which jumps to the next timer when there is nothing else to do."""

    def __init__(self) -> None:
        self._virtual_now = 0.0
        super().__init__(_Leap(self))

    def time(self) -> float:
        return self._virtual_now

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Run it at once, in this thread."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def stand_still(self, seconds: float) -> None:
        """Stop the process for `seconds`; timers that are due meanwhile are late."""
        self._virtual_now += seconds


class _Leap(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Deadlock("no task can go on and no timer is set")
        self._loop._virtual_now += max(timeout, 0.0) + _TURN
        return []


class Disk:
    """The disk of the database: it takes time, and can fail or be killed."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._engines: list[VirtualEngine] = []
        self._readers: list[VirtualReader] = []
        self.is_failing = False
        self.failures = 0

    def delay(self) -> float:
        """Seconds that one call takes."""
        return self._chance.choice((0.0, 0.0, 0.0, 0.0005, 0.004))

    def make_engine(self, settings: Settings, limits: Limits) -> "VirtualEngine":
        """Replaces `server.app.make_engine`."""
        engine = VirtualEngine(Path(settings.database), self)
        self._engines.append(engine)
        return engine

    def make_reader(self, *args: Any, **options: Any) -> "VirtualReader":
        """Replaces `server.storage.sqlite.database.Reader`."""
        reader = VirtualReader(self, *args, **options)
        self._readers.append(reader)
        return reader

    def kill(self) -> None:
        """Kill the process: uncommitted writes are lost."""
        for engine in self._engines:
            engine.die()
        for reader in self._readers:
            reader.die()
        self._engines.clear()
        self._readers.clear()


class VirtualEngine(SqliteEngine):
    """An engine whose writes take the disk's time, and fail when it does."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self._writers: list[sqlite3.Connection] = []
        super().__init__(path, SqliteLimits())
        self._disk = disk
        self._is_dead = False

    async def open(self) -> None:
        await super().open()
        await self.database.write(self._writers.append)
        # A real fsync would be the only call that takes real time.
        await self.database.write(lambda writer: writer.execute("PRAGMA synchronous = OFF").close())

    async def write(self, batch: Batch) -> None:
        await asyncio.sleep(self._disk.delay())
        if self._disk.is_failing or self._is_dead:
            self._disk.failures += 1
            raise EngineError("disk I/O error")
        await super().write(batch)

    def die(self) -> None:
        """Write nothing more, and close at once."""
        self._is_dead = True
        for writer in self._writers:
            writer.close()


class VirtualReader(Reader):
    """A reader whose calls take the disk's time. They run in the loop's thread."""

    def __init__(self, disk: Disk, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._disk = disk

    async def open(self) -> None:
        self._connection = _Inline(self._connect())  # type: ignore[assignment]

    async def run(self, query: Callable[[sqlite3.Connection], T]) -> T:
        await asyncio.sleep(self._disk.delay())
        return await super().run(query)

    def die(self) -> None:
        """Close at once, whatever is running."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection._conn.close()


class _Inline:
    """What `Reader` uses of `aiosqlite.Connection`, without its thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._conn = connection

    async def _execute(self, function: Callable[..., T], *args: Any) -> T:
        return function(*args)

    async def close(self) -> None:
        self._conn.close()


class SeededSecrets:
    """Replaces the module `secrets` where ids are made."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def token_urlsafe(self, size: int) -> str:
        raw = base64.urlsafe_b64encode(self._chance.randbytes(size))
        return raw.rstrip(b"=").decode()

    def token_hex(self, size: int) -> str:
        return self._chance.randbytes(size).hex()


@contextmanager
def deterministic(seed: int, disk: Disk, heartbeat: float) -> Iterator[None]:
    """Meanwhile, ids come from the seed, the database from `disk`, and the clock is read every
    `heartbeat` seconds: 345,600 readings a day would be most of the work."""
    secrets = SeededSecrets(random.Random(f"ids {seed}"))
    replaced: Mapping[str, object] = {
        "server.base.ids.secrets": secrets,
        "server.base.ids._random": partial(secrets.token_urlsafe, 16),
        "server.accounts.tokens.secrets": secrets,
        "server.storage.sqlite.database.Reader": disk.make_reader,
        "server.app.make_engine": disk.make_engine,
        "server.base.clock.STALL": 2 * heartbeat,
        "server.realtime.ticker.HEARTBEAT": heartbeat,
    }
    with ExitStack() as stack:
        for name, replacement in replaced.items():
            stack.enter_context(patch(name, replacement))
        yield


def run_virtually(main: Callable[[VirtualLoop], Awaitable[T]]) -> T:
    """Run `main` to its end, in a loop of its own."""
    loop = VirtualLoop()

    async def run() -> T:
        return await main(loop)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(run())
