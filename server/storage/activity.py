"""Writes the last activity of sessions that stay active, every few seconds."""

import asyncio

from server.base.waiting import stop
from server.storage.journal import Journal
from server.storage.limits import Limits
from server.storage.ports import ActiveSessions
from server.storage.presence_rows import PresenceRows


class ActivityLog:
    """Queues the last activity of sessions that were active."""

    def __init__(
        self, sessions: ActiveSessions, journal: Journal, rows: PresenceRows, limits: Limits
    ) -> None:
        self._sessions = sessions
        self._journal = journal
        self._rows = rows
        self._limits = limits
        self._task: asyncio.Task[None] | None = None
        self.shed = 0
        """Activities that were not queued because too much waited for a failing disk."""

    def start(self) -> None:
        """Start writing every `activity_interval` seconds."""
        self._task = asyncio.create_task(self._run(), name="journal-activity")

    async def stop(self) -> None:
        """Stop. Idempotent."""
        task, self._task = self._task, None
        await stop(task)

    def note(self, limit: int | None = None) -> bool:
        """Queue the last activity of sessions active since the last call, at most `limit` of them;
        return True if there were any."""
        touched = self._sessions.take_touched(limit)
        if self._journal.rows > self._limits.max_waiting_for_activity:
            self.shed += len(touched)
            return bool(touched)
        for activity in touched:
            self._rows.note_activity(activity)
        if touched:
            self._journal.note_queued()
        return bool(touched)

    async def _run(self) -> None:
        at_once = self._limits.sessions_at_once
        while True:
            await asyncio.sleep(self._limits.activity_interval)
            # In portions, between which the loop does other work: 20,000 at once took 60 ms.
            for _ in range(len(self._sessions.sessions) // at_once + 1):
                if not self.note(at_once):
                    break
                await asyncio.sleep(0)
