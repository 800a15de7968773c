"""The write-behind journal: memory is told at once, the disk a moment later, in order.

It subscribes to the events and queues rows; one task writes whatever has piled up as one
transaction (group commit), at once when it is idle. When the disk fails it keeps everything, says
so, and tries again; presence goes on meanwhile. `last_activity_at` of sessions that did nothing
but be active is written every few seconds.
"""

import asyncio
import logging
import sqlite3
from collections import deque
from dataclasses import dataclass

from server.accounts.names import Name
from server.accounts.ports import Account
from server.clock import Clock
from server.presence.events import Event, SessionEnded, StatusChanged
from server.presence.explain import explain_change
from server.presence.registry import Registry
from server.presence.session import Session
from server.storage.batch import Batch
from server.storage.database import Database

_log = logging.getLogger("stillhere.storage")

ACTIVITY_INTERVAL = 5.0
"""Seconds between two writings of the `last_activity_at` of sessions that stay active."""

MOST_WAITING_FOR_ACTIVITY = 50_000
"""Rows waiting for a failing disk above which mere activity is no longer queued."""

_AT_ONCE = 500
_FIRST_RETRY, _LAST_RETRY = 0.1, 5.0


@dataclass(frozen=True, slots=True)
class JournalStatistics:
    """`failing_for`: seconds since the disk last took anything, 0 when it does; `why` it fails."""

    waiting: int
    written: int
    shed: int
    failing_for: float
    why: str | None


class Journal:
    """Queues rows and writes them. `add_account`, `add_session` and `flush` are the account
    store's part of it."""

    def __init__(self, database: Database, registry: Registry, clock: Clock) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock
        self._pending = Batch()
        # Futures of those who wait, with the number of the row they wait for.
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._queued = 0
        self._written = 0
        self._shed = 0
        self._wake = asyncio.Event()
        self._is_closing = False
        self._failing_since: float | None = None
        self._why: str | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to write. What was queued before is written first."""
        self._tasks = [
            asyncio.create_task(self._write_for_ever(), name="journal"),
            asyncio.create_task(self._note_activity_for_ever(), name="journal-activity"),
        ]

    async def close(self, patience: float = 5.0) -> None:
        """Write what is left and stop; after `patience` seconds of a failing disk, give up."""
        self.note_activity()
        self._is_closing = True
        self._wake.set()
        if self._tasks:
            writer, activity = self._tasks
            activity.cancel()
            _, unfinished = await asyncio.wait([writer], timeout=patience)
            if unfinished:
                writer.cancel()
                _log.error("%d rows are lost: the disk did not take them", len(self._pending))
            await asyncio.gather(writer, activity, return_exceptions=True)
            self._tasks = []

    def statistics(self) -> JournalStatistics:
        """How the writing goes, at this instant."""
        since = self._failing_since
        return JournalStatistics(
            waiting=self._queued - self._written,
            written=self._written,
            shed=self._shed,
            failing_for=0.0 if since is None else self._clock.now() - since,
            why=self._why,
        )

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
            )
        )
        self._note_queued()

    def hear(self, event: Event) -> None:
        """Subscriber: queue what the event changes."""
        match event:
            case StatusChanged():
                self._note_change(event)
            case SessionEnded(session=session, reason=reason, at=at, is_last=is_last):
                at_ms = self._clock.to_wall(at)
                self._pending.endings.append((at_ms, reason, session.id))
                if is_last and session.player.guest:
                    # Nobody can come back as this guest: the name is anybody's again.
                    self._pending.freed_names.append((session.player.id,))
                self._note_queued()
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

    async def flush(self) -> None:
        """Wait until all that was queued is durable. Cancelling forgets the wait, not the rows."""
        if self._written < self._queued:
            await self._written_up_to_here()

    def _note_change(self, event: StatusChanged) -> None:
        session = event.session
        self._pending.changes.append(
            (
                session.player.id,
                session.id,
                event.after,
                event.reason,
                self._clock.to_wall(event.at),
                event.player_after,
                explain_change(event, self._registry.policy),
            )
        )
        self._note_state(session)
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
            last_activity,
            player.id,
        )

    def _note_queued(self) -> None:
        self._queued += 1
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
            batch, self._pending = self._pending, Batch()
            upto = self._queued
            try:
                await batch.write(self._database.writer)
            except sqlite3.Error as error:
                batch.extend(self._pending)
                self._pending = batch
                self._note_failure(error)
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LAST_RETRY)
                self._wake.set()
            else:
                delay = _FIRST_RETRY
                self._note_success(upto)

    async def _note_activity_for_ever(self) -> None:
        while True:
            await asyncio.sleep(ACTIVITY_INTERVAL)
            # In portions, between which the loop serves players: 20,000 at once took 60 ms.
            for _ in range(len(self._registry.sessions) // _AT_ONCE + 1):
                if not self.note_activity(_AT_ONCE):
                    break
                await asyncio.sleep(0)

    def _note_success(self, upto: int) -> None:
        self._written = upto
        if self._failing_since is not None:
            _log.warning("the database takes writes again; nothing was lost")
            self._failing_since = self._why = None
        while self._waiters and self._waiters[0][0] <= upto:
            _, future = self._waiters.popleft()
            if not future.done():
                future.set_result(None)

    def _note_failure(self, error: sqlite3.Error) -> None:
        if self._failing_since is None:
            self._failing_since = self._clock.now()
            _log.error(
                "the database does not take writes: %s; %d rows wait", error, len(self._pending)
            )
        self._why = str(error)
