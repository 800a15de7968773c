"""Connects presence and rooms: a seat shows its player's status, any activity answers a pulse
check, and a player who waits for others in a match is not idle.
"""

from collections.abc import Iterable
from itertools import chain

from server.base.ids import RoomId, SessionId
from server.base.units import LONG_AGO
from server.budget.budget import Budget
from server.presence.events import Activity, SessionEnded, SessionSlept, StatusChanged
from server.presence.service import PresenceService
from server.presence.session import Session
from server.presence.status import Status
from server.realtime.limits import Limits
from server.realtime.topics.room import RoomTopics
from server.rooms.events import MatchEnded, MatchStarted, RoomClosed, RoomUpdated
from server.rooms.holds import Decision, Holds, StartHold, Watching
from server.rooms.reading import ReadableRoom
from server.rooms.service import RoomService


class Bridge:
    """Subscribes to the events of presence and of rooms."""

    def __init__(
        self,
        presence: PresenceService,
        rooms: RoomService,
        topics: RoomTopics,
        limits: Limits,
        budget: Budget,
    ) -> None:
        self._pace = limits.holds_pace
        self._reviewed_at: dict[RoomId, float] = {}  # the last review of all watchers
        self.holds = Holds(presence.policy.max_hold)
        self._presence = presence
        self._rooms = rooms
        self._topics = topics
        self._budget = budget
        presence.publish_activity_of(rooms.rooms.awaited)

    def hear_presence(self, event: SessionEnded | SessionSlept | StatusChanged | Activity) -> None:
        """Subscriber: report changes of players to the rooms."""
        match event:
            case SessionEnded(session_id=id) | SessionSlept(session_id=id):
                self.holds.forget(id)
            case StatusChanged(player_id=player_id, reason=reason, at=at):
                # A player who says "be right back" in one browser may be active in another.
                if event.player_before is not event.player_after or event.after is Status.ACTIVE:
                    self._rooms.player_changed(player_id, reason, at)
            case Activity(player_id=player_id, at=at) if player_id in self._rooms.rooms.awaited:
                self._rooms.note_activity(player_id, at)

    def hear_rooms(self, event: RoomUpdated | MatchStarted | MatchEnded | RoomClosed) -> None:
        """Subscriber: hold and release the idle clocks of players in a room."""
        match event:
            case RoomUpdated(room_id=room_id, at=at):
                is_due = at >= self._reviewed_at.get(room_id, LONG_AGO) + self._pace
                self._review(room_id, at, watchers=is_due)
            case MatchStarted(room_id=room_id, at=at):
                self._review(room_id, at, watchers=True)
            case MatchEnded(room_id=room_id, at=at) | RoomClosed(room_id=room_id, at=at):
                self._reviewed_at.pop(room_id, None)
                self._carry_out(self.holds.end(_watching(self._topics.sessions(room_id))), at)

    def started_watching(self, session: Session, room_id: RoomId, at: float) -> None:
        """A connection of a session entered a room: hold its idle clock if that is due."""
        room = self._playing(room_id)
        if room is not None:
            self._carry_out(self.holds.review(_watching([session], room), at), at)

    def stopped_watching(self, session: Session, room_id: RoomId, at: float) -> None:
        """A connection of a session left a room: release its idle clock, unless another of its
        connections is there."""
        if session not in self._topics.sessions_of(session.player.id, room_id):
            self._carry_out(self.holds.end(_watching([session])), at)

    def _review(self, room_id: RoomId, at: float, *, watchers: bool) -> None:
        """Review the holds of seated players, as the match may wait for others now. `watchers`: of
        all who are in the room. That costs as much as sending to them, and can wait: the only
        change for spectators is a hold that ran out."""
        room = self._playing(room_id)
        if room is None:
            return
        sessions: Iterable[Session]
        if watchers:
            self._reviewed_at[room_id] = at
            sessions = self._topics.sessions(room_id)
        else:
            of = self._topics.sessions_of
            sessions = chain.from_iterable(of(player.id, room_id) for _, _, player in room.taken())
        self._carry_out(self.holds.review(_watching(sessions, room), at), at)

    def _playing(self, room_id: RoomId) -> ReadableRoom | None:
        """Return the room if a match is running in it."""
        room = self._rooms.rooms.all.get(room_id)
        return None if room is None or room.running is None else room

    def _carry_out(self, decisions: Iterable[Decision], at: float) -> None:
        for decision in decisions:
            id = decision.session_id
            if isinstance(decision, StartHold):
                if not self._may_hold(id, at):
                    continue
                self._presence.hold(id, decision.seconds, at)
                session = self._presence.sessions.get(id)
                if session is not None:
                    self.holds.granted(id, session.hold_until)
            else:
                self._presence.release(id, at)

    def _may_hold(self, id: SessionId, at: float) -> bool:
        """Return False if a hold would withdraw a warning, which writes rows, of a player whose
        budget for rows is spent: the warning stands then."""
        session = self._presence.sessions.get(id)
        if session is None or not session.is_idle_warned:
            return True
        return self._budget.wait(session.player.id, at) <= 0


def _watching(sessions: Iterable[Session], room: ReadableRoom | None = None) -> list[Watching]:
    """`room`: the room with a running match, if there is one."""
    match = None if room is None else room.running
    waited_for = set()
    if room is not None and match is not None:
        players = (room.seats[number].player for number in match.waits_for)
        waited_for = {player.id for player in players if player is not None}
    return [
        Watching(
            session.id,
            session.player.id in waited_for,
            session.last_activity,
            session.hold_until,
            session.is_away_held,
        )
        for session in sessions
    ]
