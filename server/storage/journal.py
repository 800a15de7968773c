"""The write-behind journal: memory is told at once, the disk a moment later, in order.

It subscribes to the events and queues rows; one task writes whatever has piled up as one
transaction (group commit), at once when it is idle. When the disk fails it keeps everything, says
so, and tries again; presence goes on meanwhile. `last_activity_at` of sessions that did nothing
but be active is written every few seconds.

What becomes of rooms comes from `room_rows.py`. Who waits for the disk waits a while, not for ever:
see `PATIENCE`. Sign-outs that the database has
not taken by then go to the lifeboat (`lifeboat.py`).
"""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from server.accounts.names import Name
from server.accounts.ports import Account, StorageUnavailable
from server.base.clock import Clock
from server.base.ids import PlayerId
from server.base.waiting import within
from server.presence.events import Event, SessionEnded, StatusChanged
from server.presence.explain import explain_change
from server.presence.registry import Registry
from server.presence.session import Session
from server.presence.status import Reason
from server.storage.lifeboat import Ending, Lifeboat
from server.storage.room_rows import RoomRows
from server.storage.sqlite.batch import Batch
from server.storage.sqlite.database import LARGE_WAL, Database

_log = logging.getLogger("stillhere.storage")

ACTIVITY_INTERVAL = 5.0
"""Seconds between two writings of the `last_activity_at` of sessions that stay active."""

MOST_WAITING_FOR_ACTIVITY = 50_000
"""Rows waiting for a failing disk above which mere activity is no longer queued."""

MOST_WAITING = 200_000
"""Entries waiting for a failing disk, some 60 MiB of them, above which nobody more is let in, with
a socket or as a new session. What becomes of those who are in is queued, however much that is, the
moves of their matches included: it has been told, and may not be missing from their history."""

PATIENCE = 1.0
"""Seconds for which a caller waits for the disk; not at all while it is known to take nothing.

A disk that works answers within a few hundredths. Whoever signs in would notice more than a second,
and has little to lose: should the process die before the disk takes it, they sign in again. A
password and a sign-out are worth more, and are answered otherwise after it."""

LIFEBOAT_PATIENCE = 5.0
"""Seconds for the lifeboat to take a sign-out: an fsync on a disk in trouble can last."""

STUCK = 5.0
"""Seconds of one single write after which the disk counts as failing: it may hang for ever."""

_AT_ONCE = 500
_ROOMS_AT_ONCE = 25
_LOOK_AT_ROOMS_EVERY = 0.1
_FIRST_RETRY, _LAST_RETRY = 0.1, 2.0
_BY_ITSELF = (Reason.IDLE_TIMEOUT, Reason.SESSION_LIFETIME)


@dataclass(frozen=True, slots=True)
class JournalStatistics:
    """`failing_for`: seconds since the disk last took anything, 0 when it does; `why` it fails;
    `wal_bytes` of write-ahead log; `in_lifeboat`: sign-outs that are safe there only."""

    waiting: int
    written: int
    shed: int
    failing_for: float
    why: str | None
    wal_bytes: int
    in_lifeboat: int


class _Over(NamedTuple):
    """A session that ended: the number of its row, and whose name is free by that."""

    number: int
    ending: Ending
    frees: PlayerId | None


class Journal:
    """Queues rows and writes them; most of an `AccountStore` is its part."""

    def __init__(
        self, database: Database, lifeboat: Lifeboat, registry: Registry, clock: Clock
    ) -> None:
        self._database = database
        self._lifeboat = lifeboat
        self._registry = registry
        self._clock = clock
        self._pending = Batch()
        self.rooms = RoomRows(clock, self._note_queued)
        # Futures of those who wait, with the number of the row they wait for.
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._over: deque[_Over] = deque()
        self._queued = 0
        self._written = 0
        self._shed = 0
        self._wake = asyncio.Event()
        self._is_closing = False
        self._failing_since: float | None = None
        self._writing_since: float | None = None
        self._why: str | None = None
        self._looks_at_wal = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to write. What was queued before is written first."""
        self._tasks = [
            asyncio.create_task(self._write_for_ever(), name="journal"),
            asyncio.create_task(self._note_activity_for_ever(), name="journal-activity"),
            asyncio.create_task(self._look_at_rooms_for_ever(), name="journal-rooms"),
        ]

    async def close(self, patience: float = 5.0) -> None:
        """Write what is left and stop; after `patience` seconds of a failing disk, give up."""
        self.note_activity()
        self.rooms.hurry()
        self._is_closing = True
        self._wake.set()
        if self._tasks:
            writer, *others = self._tasks
            for each in others:
                each.cancel()
            _, unfinished = await asyncio.wait([writer], timeout=patience)
            if unfinished:
                writer.cancel()
                lost = self._queued - self._written
                _log.error("%d entries are lost: the disk did not take them", lost)
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._tasks = []

    @property
    def is_failing(self) -> bool:
        """Whether the disk took nothing the last time, or has not answered for long."""
        return self._failing_since is not None or self._stuck_for() > STUCK

    @property
    def is_full(self) -> bool:
        """Whether so much waits that nobody more can be let in."""
        return self._queued - self._written >= MOST_WAITING

    def statistics(self) -> JournalStatistics:
        """How the writing goes, at this instant."""
        since, why = self._failing_since, self._why
        failing_for = 0.0 if since is None else self._clock.now() - since
        if since is None and self._stuck_for() > STUCK:
            failing_for, why = self._stuck_for(), "the disk does not answer"
        return JournalStatistics(
            waiting=self._queued - self._written,
            written=self._written,
            shed=self._shed,
            failing_for=failing_for,
            why=why,
            wal_bytes=self._database.wal_bytes(),
            in_lifeboat=len(self._lifeboat),
        )

    def freed_names(self) -> set[PlayerId]:
        """Guests who are gone, and of whom the disk does not know it yet."""
        return {over.frees for over in self._over if over.frees is not None}

    # What is queued

    def add_account(self, account: Account, name: Name, created_at: float) -> asyncio.Future[None]:
        """Queue a new player; the future is done when the row is durable."""
        at = self._clock.to_wall(created_at)
        self._pending.players.append(
            (
                account.id,
                account.name,
                name.key,
                account.sort_key,
                int(account.guest),
                account.password_hash,
                at,
                at,
            )
        )
        self._pending.lookalikes += [(each, account.id) for each in name.lookalikes]
        self._note_queued()
        return self._written_up_to_here()

    def remove_account(self, id: PlayerId) -> None:
        """Queue the removal of a player who has never had a session."""
        self._pending.removed_players.append((id,))
        self._note_queued()

    def add_session(self, session: Session, digest: bytes) -> None:
        """Queue a new session, known by the digest of its token."""
        to_wall = self._clock.to_wall
        self._pending.sessions.append(
            (
                session.id,
                session.player.id,
                digest,
                int(session.remember),
                session.status,
                to_wall(session.created_at),
                to_wall(session.last_activity),
                session.last_activity_by,
                to_wall(session.ends_at),
                *session.device,
            )
        )
        self._note_queued()

    def hear(self, event: Event) -> None:
        """Subscriber: queue what the event changes."""
        match event:
            case StatusChanged():
                self._note_change(event)
            case SessionEnded(session_id=id, reason=reason):
                at_ms = self._clock.to_wall(event.at)
                self._pending.endings.append((at_ms, reason, id))
                frees = event.player_id if event.is_last and event.guest else None
                if frees is not None:
                    # Nobody can come back as this guest: the name is anybody's again.
                    self._pending.freed_names.append((frees,))
                self._note_queued()
                self._over.append(_Over(self._queued, Ending(id, reason, at_ms), frees))
            case _:
                pass

    def note_activity(self, limit: int | None = None) -> bool:
        """Queue the last activity of the sessions that were touched since the last time, at most
        `limit` of them; says whether there were any."""
        touched = self._registry.take_touched(limit)
        if len(self._pending) > MOST_WAITING_FOR_ACTIVITY:
            self._shed += len(touched)
            return bool(touched)
        for session in touched:
            self._note_state(session)
        if touched:
            self._note_queued()
        return bool(touched)

    # Who waits for the disk

    async def flush(self, patience: float | None = PATIENCE) -> bool:
        """Wait until all that was queued is durable, for at most `patience` seconds, and not at
        all while the disk is known to take nothing; says whether it is durable. None: wait
        whatever happens. Cancelling forgets the wait, not the rows."""
        if self._written >= self._queued:
            return True
        if patience is not None and self.is_failing:
            return False
        try:
            await within(patience, self._written_up_to_here())
        except TimeoutError:
            return False
        return True

    async def secure_endings(self) -> None:
        """Wait until no session that was ended so far can come back, whatever happens: its row is
        durable, or it is in the lifeboat. Raises StorageUnavailable where neither can be had."""
        if await self.flush():
            return
        try:
            await within(LIFEBOAT_PATIENCE, self._lifeboat.save(self._unwritten_endings))
        except OSError as error:  # TimeoutError is one
            _log.error("a sign-out is in memory only: %s", error or "the disk does not answer")
            raise StorageUnavailable(
                "You are signed out, here and now, but that could not be written down: should "
                "this server stop before it is, the session could come back."
            ) from error

    def _unwritten_endings(self) -> list[Ending]:
        """Of sessions that somebody ended. Where time did, it will do so again at the start."""
        return [over.ending for over in self._over if over.ending.reason not in _BY_ITSELF]

    def _note_change(self, event: StatusChanged) -> None:
        to_wall = self._clock.to_wall
        last_activity = to_wall(event.last_activity)
        self._pending.changes.append(
            (
                event.player_id,
                event.session_id,
                event.after,
                event.reason,
                to_wall(event.at),
                event.player_after,
                explain_change(event, self._registry.policy),
                last_activity,
                event.last_activity_by,
            )
        )
        self._pending.session_states[event.session_id] = (
            event.after,
            last_activity,
            event.last_activity_by,
            event.session_id,
        )
        self._pending.player_states[event.player_id] = (
            event.player_after,
            int(event.player_after.is_here),
            # Of all their sessions: of one that is idle, it would hide what the others did.
            to_wall(event.player_last_activity),
            event.player_id,
        )
        self._note_queued()

    def _note_state(self, session: Session) -> None:
        player = session.player
        last_activity = self._clock.to_wall(session.last_activity)
        self._pending.session_states[session.id] = (
            session.status,
            last_activity,
            session.last_activity_by,
            session.id,
        )
        self._pending.player_states[player.id] = (
            player.status,
            int(player.status.is_here),
            self._clock.to_wall(player.last_activity),
            player.id,
        )

    def _note_queued(self, count: int = 1) -> None:
        self._queued += count
        self._wake.set()

    def _written_up_to_here(self) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((self._queued, future))
        return future

    # The writer

    async def _write_for_ever(self) -> None:
        delay = _FIRST_RETRY
        while not (self._is_closing and self._written == self._queued):
            await self._wake.wait()
            self._wake.clear()
            if self._written == self._queued or await self._write():
                delay = _FIRST_RETRY
                await self._tidy()
            else:
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LAST_RETRY)
                self._wake.set()

    async def _write(self) -> bool:
        """Write what has piled up; says whether the disk took it."""
        await self._collect_rooms()
        batch, self._pending = self._pending, Batch()
        upto = self._queued
        self._writing_since = asyncio.get_running_loop().time()
        try:
            await batch.write(self._database.writer)
        except Exception as error:
            # Whatever it is, nothing else will write these rows.
            batch.extend(self._pending)
            self._pending = batch
            self._note_failure(error)
            return False
        finally:
            self._writing_since = None
        self._note_success(upto)
        return True

    async def _collect_rooms(self) -> None:
        """Have what became of rooms among what is pending; no other task runs after the last."""
        try:
            # In portions, between which the loop serves players.
            while self.rooms.write(_ROOMS_AT_ONCE):  # noqa: ASYNC110 - nothing is waited for
                await asyncio.sleep(0)
            self._pending.extend(self.rooms.take())
        except Exception as error:
            # Nothing would ever be written again if this went through.
            _log.error("a room could not be made a row", exc_info=error)

    async def _tidy(self) -> None:
        """After a success: empty the lifeboat, and cut off a write-ahead log that has grown."""
        try:
            if len(self._lifeboat):
                await self._lifeboat.clear(self._unwritten_endings)
            if self._looks_at_wal:
                self._looks_at_wal = False
                await self._database.shorten_wal()
        except Exception as error:
            # Nothing depends on it, and there will be another success.
            _log.warning("the storage could not be tidied up: %s", error)

    async def _note_activity_for_ever(self) -> None:
        while True:
            await asyncio.sleep(ACTIVITY_INTERVAL)
            if self._database.wal_bytes() > LARGE_WAL:
                self._looks_at_wal = True
                self._wake.set()
            # In portions, between which the loop serves players: 20,000 at once took 60 ms.
            for _ in range(len(self._registry.sessions) // _AT_ONCE + 1):
                if not self.note_activity(_AT_ONCE):
                    break
                await asyncio.sleep(0)

    async def _look_at_rooms_for_ever(self) -> None:
        while True:
            await self.rooms.some_wait.wait()
            await asyncio.sleep(_LOOK_AT_ROOMS_EVERY)
            self.rooms.look()

    def _note_success(self, upto: int) -> None:
        self._written = upto
        if self._failing_since is not None:
            _log.warning("the database takes writes again; nothing was lost")
            self._failing_since = self._why = None
        while self._over and self._over[0].number <= upto:
            self._over.popleft()
        while self._waiters and self._waiters[0][0] <= upto:
            _, future = self._waiters.popleft()
            if not future.done():
                future.set_result(None)

    def _stuck_for(self) -> float:
        if self._writing_since is None:
            return 0.0
        return asyncio.get_running_loop().time() - self._writing_since

    def _note_failure(self, error: Exception) -> None:
        if self._failing_since is None:
            self._failing_since = self._clock.now()
            _log.error(
                "the database does not take writes: %s; %d rows wait", error, len(self._pending)
            )
        self._why = str(error)
