"""Ends of sessions that are not durable yet, and the rows that a start adds for those of the last
process."""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable
from typing import NamedTuple

from server.accounts.ports import StorageUnavailable
from server.base.clock import Clock
from server.base.ids import PlayerId, SessionId
from server.base.waiting import within
from server.presence.explain import explain_ending
from server.presence.policy import Policy
from server.presence.status import Reason, Status, best
from server.storage.batch import Batch
from server.storage.complaints import Complaints
from server.storage.journal import Journal
from server.storage.lifeboat import Lifeboat
from server.storage.limits import Limits
from server.storage.rows import ChangeRow, Ending, PlayerStateRow, SessionStateRow, StoredSession

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
        self._journal.end(ending, frees)
        self._queue.append(_Unwritten(self._journal.queued, ending, frees))

    async def secure(self, sessions: Collection[SessionId] | None = None) -> None:
        """Wait until every end so far is durable, in the database or in the lifeboat. Raises
        StorageUnavailable if the end of one of `sessions` (of any, by default) is in neither."""
        if await self._journal.secure():
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
        secured = self._journal.secured
        return [
            each.ending
            for each in self._queue
            if each.number > secured and each.ending.reason not in _BY_TIME
        ]

    def _drop_written(self) -> None:
        while self._queue and self._queue[0].number <= self._journal.written:
            self._queue.popleft()


def rows_of(endings: Iterable[Ending], sessions: Iterable[StoredSession], policy: Policy) -> Batch:
    """Return the rows that the database would have got at the time. `sessions`: those that have not
    ended, according to the database, or of whose end it has nothing else."""
    batch = Batch()
    live: dict[SessionId, StoredSession] = {}
    by_player: defaultdict[PlayerId, dict[SessionId, Status]] = defaultdict(dict)
    for session in sessions:
        live[session.id] = session
        by_player[session.player.id][session.id] = session.status
    for ending in endings:
        ended = live.pop(ending.session_id, None)
        if ended is None:
            continue
        session, player = ended, ended.player
        others = by_player[player.id]
        del others[session.id]
        after = best([*others.values()])
        active_at, active_by = session.last_activity_at, session.last_activity_by
        if session.status is not Status.OFFLINE:
            batch.changes.append(
                ChangeRow(
                    player.id,
                    session.id,
                    Status.OFFLINE,
                    ending.reason,
                    ending.at,
                    after,
                    explain_ending(ending.reason, policy),
                    active_at,
                    active_by,
                )
            )
        batch.player_states[player.id] = PlayerStateRow(player.id, after, after.is_here, active_at)
        batch.session_states[session.id] = SessionStateRow(
            session.id, Status.OFFLINE, active_at, active_by
        )
        batch.endings.append(ending)
        if player.guest and not others:
            batch.freed_names.append(player.id)
    return batch
