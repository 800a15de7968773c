"""Serving a few at a time, while the others wait for their turn."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from server.base.turns import Turns
from server.base.units import in_digits
from server.base.waiting import within


class NotServed(Exception):
    """It is not one's turn in time, or too many wait. The text says which."""


class Service:
    """Serves so many at a time. Those who wait have their turns by place (`turns.py`), so that one
    with many waits for itself."""

    def __init__(self, at_once: int, most_waiting: int, longest_wait: float) -> None:
        """`longest_wait`: in seconds."""
        self._free = at_once
        self._most_waiting = most_waiting
        self._longest_wait = longest_wait
        self._waiting = Turns[asyncio.Future[None]]()

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    @asynccontextmanager
    async def turn(self, path: Sequence[str]) -> AsyncIterator[None]:
        """Wait for a turn, and be served within the context. `path` is as in `Turns`, and of those
        of others neither the beginning nor the rest. Raises NotServed; of a full queue the last of
        the place that has the most gets that."""
        await self._wait(path)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, path: Sequence[str]) -> None:
        if self._free:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(path, turn)
        if len(self._waiting) > self._most_waiting:
            refused = self._waiting.drop_last_of_most(path)
            refused.set_exception(NotServed(f"{self._most_waiting} wait already"))
        try:
            await within(self._longest_wait, turn)
        except BaseException as error:
            # Who is cancelled may have been refused, or served, at the same moment.
            is_lost = self._waiting.discard(path, turn) or turn.cancelled() or turn.exception()
            if not is_lost:
                self._pass_on()
            if isinstance(error, TimeoutError):
                waited = in_digits(self._longest_wait)
                raise NotServed(f"its turn did not come within {waited} s") from error
            raise

    def _pass_on(self) -> None:
        """Serve the next, if somebody waits."""
        if self._waiting:
            self._waiting.take_next().set_result(None)
        else:
            self._free += 1
