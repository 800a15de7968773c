"""Ends of sessions that are not durable yet."""

from collections import deque
from collections.abc import Collection
from typing import NamedTuple

from server.accounts.ports import StorageUnavailable
from server.base.clock import Clock
from server.base.ids import PlayerId, SessionId
from server.base.waiting import within
from server.presence.status import Reason
from server.storage.complaints import Complaints
from server.storage.journal import Journal
from server.storage.lifeboat import Lifeboat
from server.storage.limits import Limits
from server.storage.rows import Ending

_BY_TIME = (Reason.IDLE_TIMEOUT, Reason.SESSION_LIFETIME)
"""Ends that need no lifeboat: the next start would end these sessions again."""


class _Unwritten(NamedTuple):
    """An end in the journal: the number of its entry, and the guest whose name it frees."""

    number: int
    ending: Ending
    frees: PlayerId | None


class Endings:
    """Makes ends of sessions durable, in the database or in the lifeboat."""

    def __init__(self, journal: Journal, lifeboat: Lifeboat, clock: Clock, limits: Limits) -> None:
        self._journal = journal
        self._lifeboat = lifeboat
        self._limits = limits
        self._complaints = Complaints("a sign-out is in memory only", clock, limits.log_interval)
        self._queue: deque[_Unwritten] = deque()

    def add(self, ending: Ending, frees: PlayerId | None) -> None:
        """Queue the end of a session; `frees`: the guest whose name it frees, if any."""
        pending = self._journal.pending
        pending.endings.append(ending)
        if frees is not None:
            pending.freed_names.append(frees)
        self._journal.note_queued()
        self._queue.append(_Unwritten(self._journal.queued, ending, frees))

    async def secure(self, sessions: Collection[SessionId] | None = None) -> None:
        """Wait until every end so far is durable, in the database or in the lifeboat. Raises
        StorageUnavailable if the end of one of `sessions` (of any, by default) is in neither."""
        if await self._journal.flush():
            return
        try:
            await within(self._limits.lifeboat_timeout, self._lifeboat.save(self._to_be_saved))
        except OSError as error:  # TimeoutError is one
            ended = (each.session_id for each in self._to_be_saved())
            unsaved = {id for id in ended if id not in self._lifeboat}
            if sessions is not None and unsaved.isdisjoint(sessions):
                return  # the lifeboat had room for these
            self._complaints.add(str(error))
            raise StorageUnavailable(
                "You are signed out, here and now, but that could not be saved: should "
                "this server stop before it is, the session could come back."
            ) from error

    async def tidy(self) -> None:
        """Empty the lifeboat if the database has everything in it."""
        self._drop_written()
        if len(self._lifeboat):
            await self._lifeboat.clear(self._to_be_saved)

    def freed_names(self) -> set[PlayerId]:
        """Return the guests whose names are free, but not yet in the database."""
        self._drop_written()
        return {each.frees for each in self._queue if each.frees is not None}

    def _to_be_saved(self) -> list[Ending]:
        self._drop_written()
        return [each.ending for each in self._queue if each.ending.reason not in _BY_TIME]

    def _drop_written(self) -> None:
        while self._queue and self._queue[0].number <= self._journal.written:
            self._queue.popleft()
