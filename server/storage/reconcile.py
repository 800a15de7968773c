"""After a stop, however brutal: what the last process left as it was is made true again."""

from collections.abc import Iterable

from server.accounts.sessions import Sessions
from server.clock import Clock
from server.presence.registry import Registry
from server.presence.session import Player, Session
from server.presence.stream import EventStream
from server.storage.journal import ACTIVITY_INTERVAL
from server.storage.queries import StoredSession


def restore_sessions(
    stored: Iterable[StoredSession],
    registry: Registry,
    sessions: Sessions,
    stream: EventStream,
    clock: Clock,
    *,
    stopped_in_order: bool,
) -> None:
    """Give the registry the sessions that had not ended, and tell what became of them.

    The time the server was down counts as idle. After a crash the last activity may be later
    than its row by as much as the journal waits with it; that is counted in the player's favour.
    """
    now = clock.now()
    unwritten = 0.0 if stopped_in_order else ACTIVITY_INTERVAL
    for row in stored:
        player = registry.players.get(row.player.id) or Player(
            row.player.id, row.player.name, row.player.sort_key, guest=row.player.guest
        )
        player.last_activity_before = min(clock.from_wall(row.player.last_activity_at), now)
        session = Session(
            row.id,
            player,
            clock.from_wall(row.created_at),
            clock.from_wall(row.ends_at),
            remember=row.remember,
        )
        session.last_activity = min(clock.from_wall(row.last_activity_at), now)
        session.last_activity_by = row.last_activity_by
        session.idle_from = min(session.last_activity + unwritten, now)
        sessions.know(session, row.digest)
        stream.publish(registry.restore(session, row.status, now))
