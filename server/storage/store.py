"""The storage for the rest of the server: opened, restored from, written to, closed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TypeVar

from server import __version__
from server.accounts.names import Name
from server.accounts.ports import Account, NewSession, StorageUnavailable
from server.base.clock import Clock
from server.base.ids import MatchId, PlayerId, RoomId, SessionId
from server.base.serving import NotServed, Service
from server.base.units import in_digits
from server.base.waiting import within
from server.budget.budget import Budget
from server.presence.status import Reason
from server.rooms.reading import ReadableRoom
from server.storage.activity import ActivityLog
from server.storage.batch import Batch
from server.storage.complaints import Complaints
from server.storage.endings import Endings, rows_of
from server.storage.errors import EngineError, StorageRefused
from server.storage.journal import Journal
from server.storage.lifeboat import LIFEBOAT, Lifeboat
from server.storage.limits import Limits
from server.storage.owners import Owners
from server.storage.ports import ActiveSessions, Asker, Engine, StorageStatistics
from server.storage.presence_rows import PresenceRows
from server.storage.room_rows import RoomRows
from server.storage.rows import (
    BootRow,
    Ending,
    LastProcess,
    StoredChange,
    StoredMatch,
    StoredMatches,
    StoredMoves,
    StoredPlayer,
    StoredRating,
    StoredRecord,
    StoredRoom,
    StoredStanding,
)
from server.storage.unwritten import Unwritten

T = TypeVar("T")

_log = logging.getLogger("stillhere.storage")


class Store:
    """One database: its journal, its reads, and the record of this start.

    Provides the ports of `ports.py` and of `accounts/ports.py`, which document the methods. Reads
    raise StorageUnavailable.
    """

    def __init__(
        self,
        engine: Engine,
        sessions: ActiveSessions,
        clock: Clock,
        limits: Limits,
        budget: Budget,
    ) -> None:
        """`budget`: of the players, who pay for what lasts."""
        self.engine = engine
        self._budget = budget
        self._policy = sessions.policy
        self._clock = clock
        self.limits = limits
        self._is_open = False
        self._is_disk_low = False
        self._lifeboat = Lifeboat(engine.local_file(LIFEBOAT), limits.lifeboat_records)
        self.journal = Journal(engine, clock, limits, budget)
        self._endings = Endings(self.journal, self._lifeboat, clock, limits)
        self._failed_reads = Complaints("the database cannot be read", clock, limits.log_interval)
        self._refused_reads = Complaints(
            "lists and histories are refused", clock, limits.log_interval
        )
        self._owners = Owners(self._read_owners)
        self._browsing = Service(limits.reads_at_once, limits.reads_waiting, limits.longest_wait)
        self._changed, self._ended = Unwritten(self.journal), Unwritten(self.journal)
        self._presence = PresenceRows(
            self.journal, self._endings, self._changed, sessions.policy, clock
        )
        self._rooms = RoomRows(self.journal, self._ended, clock, limits, budget)
        # Subscribers to the events of presence and of rooms.
        self.hear = self._presence.hear
        self.hear_rooms = self._rooms.hear
        self.activity = ActivityLog(sessions, self.journal, self._presence, limits)
        self.journal.before_write = self._rooms.collect
        self.journal.after_write = self._tidy

    # Opening and closing

    async def open(self) -> LastProcess:
        """Open the database, create it if needed, record the start in it, and begin to write.

        Returns what is to be restored. Raises StorageRefused after closing everything and removing
        the files it created.
        """
        try:
            last = await self._take_over()
        except BaseException:
            await self.engine.close(is_refused=True)
            self._lifeboat.discard()
            await self.abandon()
            raise
        self._is_open = True
        self.journal.start()
        self.activity.start()
        self._rooms.start()
        return last

    async def _take_over(self) -> LastProcess:
        name = self.engine.name
        try:
            saved = self._lifeboat.open(name)
            await self.engine.open()
            last = await self.engine.reads.last_process()
            if saved or last.cut_short:
                await self._complete(saved, last)
                last = await self.engine.reads.last_process()
            now = self._clock.to_wall(self._clock.now())
            await self.engine.write(Batch(boots=[BootRow(now, __version__)]))
        except EngineError as error:
            raise StorageRefused.of(name, error.advice) from error
        except OSError as error:
            raise StorageRefused.of(name, error) from error
        return last

    async def _complete(self, saved: list[Ending], last: LastProcess) -> None:
        """Write to the database what only the lifeboat has, and what a kill kept from following the
        end of a session."""
        endings = [each.ending for each in last.cut_short] + saved
        sessions = [each.session for each in last.cut_short] + last.sessions
        await self.engine.write(rows_of(endings, sessions, self._policy))
        if saved:
            await self._lifeboat.clear(list)
            _log.warning("%d sign-outs that the database had not taken are in it now", len(saved))

    async def close(self) -> None:
        """Write what is pending, record the stop, and close. Idempotent."""
        if self._is_open:
            await self.activity.stop()
            self.activity.note()
            await self._rooms.stop()
            self._rooms.hurry()
            await self.journal.close()
            await self._note_stop()
        await self.abandon()

    async def abandon(self) -> None:
        """Close without writing what is pending or recording the stop, as if the process was
        killed. Idempotent."""
        self._is_open = False
        # First: in the next turn of the loop it would write what was just queued.
        await self.journal.abandon()
        await self.activity.stop()
        await self._rooms.stop()
        await self._owners.close()
        await self.engine.close()
        self._lifeboat.close()

    async def _note_stop(self) -> None:
        if self.journal.waiting:
            return
        stop = Batch(stops=[self._clock.to_wall(self._clock.now())])
        try:
            await within(self.limits.closing_timeout, self.engine.write(stop))
        except (EngineError, TimeoutError) as error:
            # The next start counts this process as killed, which is harmless.
            _log.warning("that the server stops could not be written: %s", error)

    # Writes

    def read_rooms_from(self, rooms: Mapping[RoomId, ReadableRoom]) -> None:
        """Set the open rooms, of which documents are made."""
        self._rooms.read_from(rooms)

    def add_account(self, account: Account, name: Name) -> asyncio.Future[None]:
        self._presence.add_account(account, name)
        return self.journal.written_up_to_here()

    def remove_account(self, id: PlayerId) -> None:
        self._presence.remove_account(id)

    def set_password(self, id: PlayerId, password_hash: str) -> None:
        self._presence.set_password(id, password_hash)

    def add_session(self, session: NewSession) -> None:
        self._presence.add_session(session)

    def give_up(self, room: StoredRoom) -> None:
        self._rooms.give_up(room)

    async def flush(self) -> bool:
        return await self.journal.flush()

    async def secure_endings(self, sessions: Collection[SessionId] | None = None) -> None:
        await self._endings.secure(sessions)

    async def _tidy(self) -> None:
        self._changed.tidy()
        self._ended.tidy()
        self._note_space()
        await self._endings.tidy()

    # State

    @property
    def is_failing(self) -> bool:
        return self.journal.is_failing

    @property
    def is_full(self) -> bool:
        return self.journal.is_full

    @property
    def reserve_left(self) -> float:
        """Which part of `Limits.disk_reserve` is free; 1.0 or more while more is."""
        free, total = self.engine.free_space()
        return free / min(self.limits.disk_reserve, self.limits.disk_reserve_share * total)

    def _note_space(self) -> None:
        was_low, self._is_disk_low = self._is_disk_low, self.reserve_left < 1.0
        if self._is_disk_low and not was_low:
            free, _ = self.engine.free_space()
            _log.warning(
                "the disk of %s has %d MB left: nobody new is let in", self.engine.name, free / 1e6
            )

    def statistics(self) -> StorageStatistics:
        return StorageStatistics(
            waiting=self.journal.waiting,
            kept=self._budget.kept,
            shed=self.activity.shed,
            failing_for=self.journal.failing_for,
            unmerged_bytes=self.engine.unmerged_bytes(),
            in_lifeboat=len(self._lifeboat),
        )

    async def readiness(self) -> str | None:
        journal = self.journal
        if journal.why is not None:
            since = in_digits(journal.failing_for, 1)
            return (
                f"The database has refused writes for {since} s: {journal.why}. "
                f"{journal.waiting} entries wait in memory."
            )
        try:
            await within(self.limits.read_timeout, self.engine.reads.check())
        except (EngineError, TimeoutError) as error:
            return f"The database cannot be read: {error}."
        return None

    # Reads

    async def is_any_taken(self, lookalikes: Collection[str]) -> bool:
        # First: a name that is freed meanwhile is either free in the database or still taken.
        freed = self._endings.freed_names()
        return bool(await self._owners.of(lookalikes) - freed)

    async def find_account(self, name_key: str) -> Account | None:
        found = await self._read(self.engine.reads.find_account(name_key))
        if found is None:
            return None
        created_at = self._clock.from_wall(found.created_at)
        return Account(
            found.id, found.name, found.sort_key, found.guest, found.password_hash, created_at
        )

    async def find_ending(self, digest: bytes) -> Reason | None:
        return await self._read(self.engine.reads.find_ending(digest))

    async def find_owner(self, digest: bytes) -> PlayerId | None:
        return await self._read(self.engine.reads.find_owner(digest))

    async def find_player(self, id: PlayerId, asker: Asker) -> StoredPlayer | None:
        return await self._browse(asker, lambda: self.engine.reads.find_player(id))

    async def offline_players(
        self, after: tuple[str, str], limit: int, asker: Asker
    ) -> list[StoredPlayer]:
        return await self._browse(asker, lambda: self.engine.reads.offline_players(after, limit))

    async def history(
        self, player: PlayerId, before: int, limit: int, asker: Asker
    ) -> list[StoredChange]:
        await self._changed.flush(player)
        return await self._browse(asker, lambda: self.engine.reads.history(player, before, limit))

    async def matches_of(
        self,
        player: PlayerId,
        viewer: PlayerId,
        before: tuple[int, str],
        limit: int,
        asker: Asker,
    ) -> StoredMatches:
        await self._ended.flush(player)
        reads = self.engine.reads
        return await self._browse(asker, lambda: reads.matches_of(player, viewer, before, limit))

    async def find_match(
        self, id: str, viewer: PlayerId | None, asker: Asker
    ) -> StoredMatch | None:
        await self._ended.flush(id)
        return await self._browse(asker, lambda: self.engine.reads.find_match(id, viewer))

    async def moves_of(self, id: MatchId, after: int, limit: int, asker: Asker) -> StoredMoves:
        return await self._browse(asker, lambda: self.engine.reads.moves_of(id, after, limit))

    async def standings(
        self, game: str, week: int | None, after: tuple[int, str], limit: int, asker: Asker
    ) -> list[StoredStanding]:
        reads = self.engine.reads
        return await self._browse(asker, lambda: reads.standings(game, week, after, limit))

    async def ratings_of(
        self, player: PlayerId, asker: Asker
    ) -> tuple[list[StoredRating], list[StoredRecord]]:
        await self._ended.flush(player)
        return await self._browse(asker, lambda: self.engine.reads.ratings_of(player))

    async def _read_owners(self, lookalikes: Collection[str]) -> Mapping[str, PlayerId]:
        return await self._read(self.engine.reads.owners_of(lookalikes))

    async def _browse(self, asker: Asker, read: Callable[[], Awaitable[T]]) -> T:
        """Read when it is the asker's turn. Raises StorageUnavailable."""
        try:
            async with self._browsing.turn(asker.path):
                asker.check()
                return await self._read(read())
        except NotServed as error:
            raise _unavailable(self._refused_reads, error) from error

    async def _read(self, answer: Awaitable[T]) -> T:
        try:
            return await within(self.limits.read_timeout, answer)
        except (EngineError, TimeoutError) as error:
            raise _unavailable(self._failed_reads, error) from error


def _unavailable(complaints: Complaints, error: Exception) -> StorageUnavailable:
    complaints.add(str(error))
    return StorageUnavailable("What was asked for cannot be read just now; ask again in a moment.")
