"""After a stop, however brutal: what the last process left as it was is made true again."""

from collections.abc import Iterable

from server.accounts.sessions import Sessions
from server.clock import Clock
from server.ids import PlayerId
from server.presence.registry import Registry
from server.presence.session import Player, Session
from server.presence.status import Status
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

    How long it was down only the wall clock knows. Where that has gone back so far that a
    session's last activity lies ahead, the time since is taken to be none: its clocks go on where
    they stood then, and neither runs out by the step nor lasts longer for it. A clock that was
    set forward looks like a longer time down, and is taken for that.
    """
    now = clock.now()
    unwritten = 0.0 if stopped_in_order else ACTIVITY_INTERVAL
    players: dict[PlayerId, Player] = {}
    restored: list[tuple[Session, Status]] = []
    for row in stored:
        player = players.get(row.player.id)
        if player is None:
            player = players[row.player.id] = Player(
                row.player.id, row.player.name, row.player.sort_key, guest=row.player.guest
            )
        player.last_activity_before = min(clock.from_wall(row.player.last_activity_at), now)
        last_activity = clock.from_wall(row.last_activity_at)
        ahead = max(last_activity - now, 0.0)
        session = Session(
            row.id,
            player,
            clock.from_wall(row.created_at) - ahead,
            clock.from_wall(row.ends_at) - ahead,
            remember=row.remember,
        )
        session.last_activity = last_activity - ahead
        session.last_activity_by = row.last_activity_by
        session.idle_from = min(session.last_activity + unwritten, now)
        sessions.know(session, row.digest)
        restored.append((session, row.status))
    stream.publish(registry.restore(restored, now))
