"""Turns events of players and sessions into rows."""

from server.accounts.names import Name
from server.accounts.ports import Account, NewSession
from server.base.clock import Clock
from server.base.ids import PlayerId
from server.presence.events import SessionEnded, StatusChanged
from server.presence.explain import explain_change
from server.presence.policy import Policy
from server.presence.session import LastActivity
from server.storage.endings import Endings
from server.storage.journal import Journal
from server.storage.rows import (
    ChangeRow,
    Ending,
    LookalikeRow,
    PasswordRow,
    PlayerRow,
    PlayerStateRow,
    SessionRow,
    SessionStateRow,
)
from server.storage.unwritten import Unwritten


class PresenceRows:
    """Subscribes to the events of presence, and queues what they change."""

    def __init__(
        self,
        journal: Journal,
        endings: Endings,
        changed: Unwritten,
        policy: Policy,
        clock: Clock,
    ) -> None:
        """`changed`: where players with a change of status are noted."""
        self._journal = journal
        self._changed = changed
        self._endings = endings
        self._policy = policy
        self._clock = clock

    def add_account(self, account: Account, name: Name) -> None:
        """Queue a new player."""
        at = self._clock.to_wall(account.created_at)
        row = PlayerRow(
            account.id,
            account.name,
            name.key,
            account.sort_key,
            account.guest,
            account.password_hash,
            at,
            at,
        )
        self._journal.keep(row, account.id, account.created_at)
        for each in name.lookalikes:
            self._journal.keep(LookalikeRow(each, account.id), account.id, account.created_at)
        self._journal.note_queued()

    def remove_account(self, id: PlayerId) -> None:
        """Queue the removal of a player who never had a session."""
        self._journal.remove_player(id)
        self._journal.note_queued()

    def set_password(self, id: PlayerId, password_hash: str) -> None:
        """Queue a new password of a player."""
        self._journal.replace(PasswordRow(id, password_hash))
        self._journal.note_queued()

    def add_session(self, session: NewSession) -> None:
        """Queue a new session."""
        to_wall = self._clock.to_wall
        row = SessionRow(
            session.id,
            session.player_id,
            session.digest,
            session.remember,
            session.status,
            to_wall(session.created_at),
            to_wall(session.last_activity),
            session.last_activity_by,
            to_wall(session.ends_at),
            *session.device,
        )
        self._journal.keep(row, session.player_id, session.created_at)
        self._journal.note_queued()

    def hear(self, event: StatusChanged | SessionEnded) -> None:
        """Subscriber: queue what the event changes."""
        match event:
            case StatusChanged():
                self._add_change(event)
            case SessionEnded(session_id=id, reason=reason, at=at):
                # A guest without a session cannot come back: the name is free again.
                frees = event.player_id if event.is_last and event.guest else None
                self._endings.add(Ending(id, reason, self._clock.to_wall(at)), frees)

    def note_activity(self, activity: LastActivity) -> None:
        """Add the last activity of a session and its player to the next batch. The caller counts
        the entry."""
        to_wall, player_status = self._clock.to_wall, activity.player_status
        self._journal.replace_states(
            SessionStateRow(
                activity.session_id, activity.status, to_wall(activity.at), activity.by
            ),
            PlayerStateRow(
                activity.player_id,
                player_status,
                player_status.is_here,
                to_wall(activity.player_at),
            ),
        )

    def _add_change(self, event: StatusChanged) -> None:
        to_wall = self._clock.to_wall
        last_activity = to_wall(event.last_activity)
        id, player_id, player_after = event.session_id, event.player_id, event.player_after
        row = ChangeRow(
            player_id,
            id,
            event.after,
            event.reason,
            to_wall(event.at),
            player_after,
            explain_change(event, self._policy),
            last_activity,
            event.last_activity_by,
        )
        self._journal.keep(row, player_id, event.at)
        self._journal.replace_states(
            SessionStateRow(id, event.after, last_activity, event.last_activity_by),
            # Over all sessions: that of an idle one would hide the player's activity in others.
            PlayerStateRow(
                player_id, player_after, player_after.is_here, to_wall(event.player_last_activity)
            ),
        )
        self._journal.note_queued()
        self._changed.note(player_id)
