"""Restoring what the last process left, whether it stopped in order or was killed."""

import logging
from collections.abc import Iterable

from server.accounts.sessions import Sessions
from server.base.clock import Clock
from server.base.ids import PlayerId
from server.presence.service import PresenceService
from server.presence.session import Player, Session
from server.presence.status import Status
from server.rooms.chat import Line
from server.rooms.document import NotRestorable, read_room
from server.rooms.reading import ReadableRooms
from server.rooms.room import Room
from server.rooms.service import RoomService
from server.storage.ports import Archive
from server.storage.rows import StoredLine, StoredRoom, StoredSession
from server.web.devices import device_of

_log = logging.getLogger("stillhere")


def restore_sessions(
    stored: Iterable[StoredSession],
    presence: PresenceService,
    sessions: Sessions,
    *,
    killed_since: int | None,
    activity_interval: float,
) -> None:
    """Restore the sessions that had not ended, and publish the resulting events.

    The time the server was down counts as idle. `killed_since`: the Unix milliseconds at which the
    last process started, if it was killed. Then a last activity may be later than its row by up to
    `activity_interval` seconds, which are added in the player's favour. A process that lived for
    less may have written no activity at all, so its start counts as an activity of every session
    that was active.

    The downtime is measured by the wall clock. If that went back so far that a session's last
    activity lies in the future, the downtime counts as zero: the step neither ends the session nor
    prolongs it. A clock that went forward counts as a longer downtime.
    """
    clock = presence.clock
    now = clock.now()
    killed = None if killed_since is None else clock.from_wall(killed_since)
    players: dict[PlayerId, Player] = {}
    restored: list[Session] = []
    for row in stored:
        player = players.get(row.player.id)
        if player is None:
            player = players[row.player.id] = Player(
                row.player.id,
                row.player.name,
                row.player.sort_key,
                guest=row.player.guest,
                last_activity_before=min(clock.from_wall(row.player.last_activity_at), now),
                registered_at=clock.from_wall(row.player.created_at),
            )
        last_activity = clock.from_wall(row.last_activity_at)
        ahead = max(last_activity - now, 0.0)
        last_activity -= ahead
        idle_from = last_activity
        if killed is not None:
            was_active = row.status is Status.ACTIVE
            heard = max(last_activity, killed) if was_active else last_activity
            idle_from = min(heard + activity_interval, now)
        session = Session.restored(
            row.id,
            player,
            clock.from_wall(row.created_at) - ahead,
            clock.from_wall(row.ends_at) - ahead,
            remember=row.remember,
            status=row.status,
            last_activity=last_activity,
            last_activity_by=row.last_activity_by,
            idle_from=idle_from,
            device=device_of(row.browser, row.system),
        )
        sessions.add(session, row.digest)
        restored.append(session)
    presence.restore(restored, now)


def restore_rooms(
    stored: Iterable[StoredRoom],
    service: RoomService,
    archive: Archive,
    presence: PresenceService,
) -> None:
    """Open the rooms of the last process again, with their matches.

    A room that cannot be restored (its game is no longer installed, or cannot read its state) is
    closed and logged; the start goes on.
    """
    for row in stored:
        try:
            room = _room_of(row, service.rooms, presence)
        except NotRestorable as why:
            _log.error("the room %s of %s is closed: %s", row.id, row.game, why)
            archive.give_up(row)
            continue
        service.restore(room)


def _room_of(row: StoredRoom, rooms: ReadableRooms, presence: PresenceService) -> Room:
    game = rooms.games.get(row.game)
    if game is None:
        raise NotRestorable("this game is not installed any more")
    if row.state is None:
        raise NotRestorable("its state could not be written")
    room = Room(
        row.id,
        game,
        presence.clock.from_wall(row.opened_at),
        is_private=row.private,
        made_by=row.made_by,
        limits=rooms.limits,
    )
    clock = presence.clock
    lines = [_line_of(each, clock) for each in row.lines]
    read_room(row.state, room, presence.players, lines, clock.now())
    return room


def _line_of(row: StoredLine, clock: Clock) -> Line:
    return Line(
        row.number,
        clock.from_wall(row.at),
        row.player_id,
        row.name,
        row.text,
        row.notice,
        row.seat,
    )
