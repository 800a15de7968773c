"""The write-behind journal: memory changes at once, the disk a moment later, in order.

Rows are queued by `keep`, which has a player pay for them, or by `replace`; one task has the engine
write everything pending as one batch (group commit): at once if a caller waits for it, else after
`Limits.gather`. If that fails it keeps the batch, logs the failure once, and tries again; the rest
of the server goes on.

When a crowd leaves, its players are told once the ends of their sessions are durable. So as long as
nothing but such ends is pending, these are written alone; the rest of their rows, which the next
start makes again if this process is killed, follows when no more ends come.

A caller waits for the disk with `flush` or `secure`, for at most `Limits.write_timeout`.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from server.base.clock import Clock
from server.base.ids import PlayerId, RoomId
from server.base.waiting import Alarm, stop, within
from server.budget.budget import Budget
from server.storage.batch import Batch
from server.storage.limits import Limits
from server.storage.ports import Engine
from server.storage.prices import price
from server.storage.rows import (
    Ending,
    Lasting,
    MoveRow,
    PlayerStateRow,
    Replacing,
    SessionStateRow,
)

_Waiters: TypeAlias = deque[tuple[int, asyncio.Future[None]]]

_log = logging.getLogger("stillhere.storage")


async def _nothing() -> None:
    """The default of a hook."""


class Journal:
    """The queue of rows, the callers that wait for it, and the task that writes it."""

    def __init__(self, engine: Engine, clock: Clock, limits: Limits, budget: Budget) -> None:
        self._engine = engine
        self._clock = clock
        self._limits = limits
        self._budget = budget
        # Rows for the next batch.
        self._pending = Batch()
        # Moves for the batch with the next document of their room.
        self._held_back: dict[RoomId, list[MoveRow]] = {}
        self.before_write: Callable[[], Awaitable[None]] = _nothing
        """Awaited before a batch is taken; may queue rows."""
        self.after_write: Callable[[], Awaitable[None]] = _nothing
        """Awaited after each success."""
        # Futures of waiting callers, each with the number of the entry it waits for: those of
        # `flush`, and those of `secure`.
        self._waiters: _Waiters = deque()
        self._securing: _Waiters = deque()
        self.queued = 0
        """Entries since the start."""
        self.written = 0
        """Entries since the start that are durable."""
        self.secured = 0
        """Entries since the start of which all is durable that cannot be made again."""
        self._taken = 0
        # Pending entries that are more than the end of a session.
        self._others = 0
        # The loop's time at which the first ends were written without the rest of their rows.
        self._deferring_since: float | None = None
        self._wake = asyncio.Event()
        self._gathering: asyncio.TimerHandle | None = None
        self._is_closing = False
        self._failing_since: float | None = None
        self._stuck_since: float | None = None
        self._why: str | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start writing, beginning with what is queued."""
        self._task = asyncio.create_task(self._run(), name="journal")

    async def close(self) -> None:
        """Write what is pending and stop; give up after `closing_timeout` of a failing disk."""
        self._is_closing = True
        self._wake.set()
        if self._task is not None:
            try:
                await within(self._limits.closing_timeout, asyncio.wait([self._task]))
            except TimeoutError:
                _log.error("%d entries are lost: the disk did not take them", self.waiting)
            await self.abandon()

    async def abandon(self) -> None:
        """Stop at once. What is pending is lost."""
        task, self._task = self._task, None
        self._stop_gathering()
        await stop(task)

    @property
    def rows(self) -> int:
        """Rows for the next batch."""
        return len(self._pending)

    @property
    def waiting(self) -> int:
        """Entries that are not durable yet."""
        return self.queued - self.written

    @property
    def is_failing(self) -> bool:
        """True if the last write failed, or has been running for `stuck_after` seconds, in which
        this process did not stand still."""
        return self._failing_since is not None or self._stuck_since is not None

    @property
    def is_full(self) -> bool:
        """True while too much waits to let more players in."""
        return self.waiting >= self._limits.max_waiting

    @property
    def failing_for(self) -> float:
        """Seconds since writing fails; 0.0 if it does not."""
        since = self._stuck_since if self._failing_since is None else self._failing_since
        return 0.0 if since is None else self._clock.now() - since

    @property
    def why(self) -> str | None:
        """Why writing fails; None if it does not."""
        if self._failing_since is None and self._stuck_since is not None:
            return "the disk does not answer"
        return self._why

    # Rows for the next batch: call `note_queued` after adding some

    def keep(self, row: Lasting, payer: PlayerId, now: float) -> None:
        """Add a row that lasts, and have `payer` pay for it: at its price, whatever they owe."""
        self._budget.charge(payer, price(row), now)
        self._pending.add(row)

    def hold_back(self, move: MoveRow, room: RoomId, payer: PlayerId, now: float) -> None:
        """Have `payer` pay for a move now, and keep it until the moves of this room are released:
        with its document."""
        self._budget.charge(payer, price(move), now)
        self._held_back.setdefault(room, []).append(move)

    def release_moves(self, room: RoomId) -> None:
        """Add the moves that were held back, and note them."""
        moves = self._held_back.pop(room, None)
        if moves:
            self._pending.moves.extend(moves)
            self.note_queued(len(moves))

    def replace(self, row: Replacing) -> None:
        """Add a row that takes the place of another."""
        self._pending.replace(row)

    def replace_states(self, session: SessionStateRow, player: PlayerStateRow) -> None:
        """Add two of the most frequent rows."""
        pending = self._pending
        pending.session_states[session.id] = session
        pending.player_states[player.id] = player

    def remove_player(self, id: PlayerId) -> None:
        """Add the removal of a player who never had a session."""
        self._pending.removed_players.append(id)

    def end(self, ending: Ending, frees: PlayerId | None) -> None:
        """Queue the end of a session, and have it written; `frees`: the guest whose name it frees,
        if any."""
        pending = self._pending
        pending.endings.append(ending)
        if frees is not None:
            pending.freed_names.append(frees)
        if ending.session_id in pending.session_states:
            self._others -= 1  # its change, which was counted before, can be made again
        else:
            self._others += 1  # a dormant session ends without; its name could not be freed again
        self._note(1)

    def note_queued(self, count: int = 1) -> None:
        """Count `count` more entries, which were queued or will be by `before_write`, and have them
        written."""
        self._others += count
        self._note(count)

    def _note(self, count: int) -> None:
        self.queued += count
        if self._waiters or self._securing or self._task is None:
            self._wake.set()
        else:
            self._gather()

    def _gather(self) -> None:
        if self._gathering is None:
            loop = asyncio.get_running_loop()
            self._gathering = loop.call_later(self._limits.gather, self._wake.set)

    async def flush(self) -> bool:
        """Wait until everything queued so far is durable, for at most `write_timeout`; return True
        if it is. If writing is failing, return False at once. Cancelling only ends the wait."""
        return not self.waiting or await self._wait(self._waiters, self.queued)

    async def secure(self) -> bool:
        """Wait as `flush` does, but not for what the next start can make again."""
        upto = self.queued if self._pending.is_promised else self._taken
        return self.secured >= upto or await self._wait(self._securing, upto)

    def written_up_to_here(self) -> asyncio.Future[None]:
        """Return a future that is done when everything queued so far is durable."""
        if self.waiting:
            return self._future(self._waiters, self.queued)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    async def _wait(self, waiters: _Waiters, upto: int) -> bool:
        if self.is_failing:
            return False
        try:
            await within(self._limits.write_timeout, self._future(waiters, upto))
        except TimeoutError:
            return False
        return True

    def _future(self, waiters: _Waiters, upto: int) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiters.append((upto, future))
        self._wake.set()
        return future

    # The writer

    async def _run(self) -> None:
        delay = self._limits.first_retry
        while not (self._is_closing and not self.waiting):
            await self._wake.wait()
            self._wake.clear()
            self._stop_gathering()
            if not self.waiting or await self._write():
                delay = self._limits.first_retry
                await self._call(self.after_write, "the storage could not be tidied up")
            else:
                await asyncio.sleep(delay)
                delay = min(delay * 2, self._limits.last_retry)
                self._wake.set()

    def _stop_gathering(self) -> None:
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None

    async def _write(self) -> bool:
        """Write everything pending, or only ends of sessions; return True on success."""
        defers = self._may_defer()
        if defers:
            batch = Batch(endings=self._pending.endings)
            self._pending.endings = []
        else:
            await self._call(self.before_write, "what is to be written could not be collected")
            batch, self._pending = self._pending, Batch()
            self._others = 0
        upto = self._taken = self.queued
        alarm = Alarm(self._limits.stuck_after, self._note_stuck)
        try:
            await self._engine.write(batch)
        except Exception as error:
            # Any exception: no other task would write these rows.
            batch.extend(self._pending)
            self._pending = batch
            self._note_failure(error)
            return False
        finally:
            alarm.stop()
            self._stuck_since = None
        if not defers:
            self.written, self._deferring_since = upto, None
        elif self._deferring_since is None:
            self._deferring_since = asyncio.get_running_loop().time()
        self._note_success(upto)
        return True

    def _may_defer(self) -> bool:
        """Return True if ends of sessions are to be written now without the rest of their rows.
        Then nothing else is pending that happened before them."""
        ends = len(self._pending.endings)
        if not ends or self._others or self._waiters or self._is_closing:
            return False
        if self._failing_since is not None:
            return False  # what could not be written is pending, and counted no more
        if self._deferring_since is None:
            return ends >= self._limits.crowd
        deferred_for = asyncio.get_running_loop().time() - self._deferring_since
        return deferred_for < self._limits.longest_deferral

    async def _call(self, hook: Callable[[], Awaitable[None]], failure: str) -> None:
        try:
            await hook()
        except Exception as error:
            # Ending the task would end all writing.
            _log.error("%s", failure, exc_info=error)

    def _note_success(self, upto: int) -> None:
        self.secured = upto
        if self._failing_since is not None:
            _log.warning("the database takes writes again; nothing was lost")
            self._failing_since = self._why = None
        for waiters, done in ((self._waiters, self.written), (self._securing, self.secured)):
            while waiters and waiters[0][0] <= done:
                _, future = waiters.popleft()
                if not future.done():
                    future.set_result(None)
        if self._deferring_since is not None:
            self._gather()

    def _note_failure(self, error: Exception) -> None:
        if self._failing_since is None:
            self._failing_since = self._clock.now()
            _log.error(
                "the database does not take writes: %s; %d rows wait", error, len(self._pending)
            )
        self._why = str(error)

    def _note_stuck(self) -> None:
        self._stuck_since = self._clock.now() - self._limits.stuck_after
