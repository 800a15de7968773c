"""What a tab says about rooms: made a fact, and answered. Awaits nothing, as `reader.py` does not.

It is also where rooms hear of presence, and presence of rooms: a player's status goes to their
seat, and whoever waits for others in a match need not touch anything meanwhile.
"""

from collections.abc import Callable, Iterable
from typing import assert_never

from msgspec import UNSET

from server.base.ids import PlayerId, RoomId, SessionId
from server.base.units import round_to_ms
from server.presence.events import Activity, Event, SessionEnded, SessionSlept, StatusChanged
from server.presence.service import Presence
from server.presence.session import Player, Session
from server.presence.status import Status
from server.realtime.connection import Connection
from server.realtime.limits import Limits
from server.realtime.tabs import Tabs
from server.realtime.topics.room import RoomTopics
from server.rooms.errors import GameFailed, Refused
from server.rooms.events import (
    MatchEnded,
    PlayerAsked,
    PlayerMatched,
    QueueChanged,
    RoomClosed,
    RoomEvent,
    RoomStream,
    RoomUpdated,
)
from server.rooms.room import Room
from server.rooms.rooms import Rooms
from server.wire import messages
from server.wire.messages import encode


class RoomDesk:
    """Between the tabs, the rooms and the registry."""

    def __init__(
        self,
        rooms: Rooms,
        stream: RoomStream,
        presence: Presence,
        tabs: Tabs,
        time: Callable[[], float],
        limits: Limits,
    ) -> None:
        self._rooms = rooms
        self._stream = stream
        self._presence = presence
        presence.publish_activity_of(rooms.asked)
        self._tabs = tabs
        self.topics = RoomTopics(time, presence.clock, limits, self._fail, self._forget)
        # Until when a session's idle clock stands still because of a match.
        self._held: dict[SessionId, float] = {}

    # What a tab says

    def watch(self, connection: Connection, id: str) -> bool:
        """Tell `connection` about a room; False if there is no such room. Raises Refused."""
        room = self._rooms.all.get(RoomId(id))
        if room is None:
            return False
        has_seat = room.seat_of(connection.session.player.id) is not None
        self._come(connection, room.id, None, spectate=not has_seat)
        return True

    def unwatch(self, connection: Connection, id: str) -> bool:
        """No more about a room; False if there is no such room."""
        if RoomId(id) not in self._rooms.all:
            return False
        self._stop_watching(connection, RoomId(id), has_left=True)
        return True

    def hear(
        self, connection: Connection, request: messages.RoomRequest, now: float
    ) -> messages.Error | None:
        """Do what is asked for, and answer it; returns an error if it is refused."""
        try:
            self._do(connection, request, now)
        except Refused as refused:
            tag = str(request.__struct_config__.tag)
            return messages.Error(refused.code, str(refused), tag)
        return None

    def close(self) -> None:
        """Send nothing more."""
        self.topics.close()

    def _do(self, connection: Connection, request: messages.RoomRequest, now: float) -> None:
        rooms, session = self._rooms, connection.session
        player = session.player
        by = "game"
        match request:
            case messages.Join(room=room, seat=seat, spectate=spectate):
                own = self._come(connection, room, seat, spectate=spectate)
                connection.send(
                    encode(messages.Joined(RoomId(room), UNSET if own is None else own))
                )
            case messages.Leave(room=room):
                events = rooms.leave(player.id, room, now)
                text = encode(messages.Left(room))
                for each in self._connections(player):
                    if self.topics.unwatch(each, RoomId(room)) or each is connection:
                        each.send(text)
                    self._let_clock_run_outside(each.session, RoomId(room))
                self._stream.publish(events)
            case messages.Start(room=room):
                self._stream.publish(rooms.start(player, room, now))
            case messages.Act(room=room, action=action):
                self._stream.publish(rooms.act(player, room, action, now))
                by = "game action"
            case messages.Say(room=room, text=text):
                self._stream.publish(rooms.say(player, room, text, now))
                by = "chat"
            case messages.QuickMatch(game=game, cancel=True):
                self._stream.publish(rooms.cancel_quick_match(player.id, game, now))
            case messages.QuickMatch(game=game):
                self._stream.publish(rooms.quick_match(player, game, now))
            case messages.Claim(room=room, result=result):
                self._stream.publish(rooms.claim(player, room, result, now))
            case messages.Pulse(room=room, seat=seat):
                self._stream.publish(rooms.pulse(player, room, seat, now))
            case messages.Brb(room=room, seconds=seconds):
                # To say so is an activity, which ends a "be right back": so that comes first.
                rooms.check_brb(player, room, seconds, now)
                self._presence.touch(session.id, now, by)
                granted, room_events = rooms.brb(player, room, seconds, now)
                self._stream.publish(room_events)
                if granted:
                    self._presence.hold(session.id, granted, now, away=True)
                return
            case _ as unreachable:
                assert_never(unreachable)
        self._presence.touch(session.id, now, by)

    def _come(
        self, connection: Connection, room_id: str, seat: int | None, *, spectate: bool
    ) -> int | None:
        """Into a room; returns the number of the seat, None: to watch."""
        is_new = not self.topics.is_watching(connection, RoomId(room_id))
        limit = self._rooms.limits.rooms_watched
        if is_new and self.topics.count(connection) >= limit:
            raise Refused("too_many_rooms", f"A tab watches {limit} rooms at the most.")
        own, events = self._rooms.join(
            connection.session.player,
            room_id,
            self._presence.clock.now(),
            seat=seat,
            spectate=spectate,
        )
        room = self._rooms.find(room_id)
        self.topics.watch(connection, room)
        self._stream.publish(events)
        self._let_clocks_stand(room, self._presence.clock.now())  # of a second browser too
        return own

    # What presence says

    def hear_presence(self, event: Event) -> None:
        """Subscriber: a player's status is also that of their seat."""
        if isinstance(event, SessionEnded | SessionSlept):
            self._held.pop(event.session_id, None)
        elif isinstance(event, StatusChanged) and (
            # Who says "be right back" in one browser may be there in another all along.
            event.player_before is not event.player_after or event.after is Status.ACTIVE
        ):
            player = self._presence.players.get(event.player_id)
            self._stream.publish(
                self._rooms.player_changed(event.player_id, player, event.reason, event.at)
            )
        elif isinstance(event, Activity) and event.player_id in self._rooms.asked:
            self._stream.publish(self._rooms.note_activity(event.player_id, event.at))

    # What rooms say

    def hear_rooms(self, event: RoomEvent) -> None:
        """Subscriber: what is for one player's eyes, and whose idle clock stands still."""
        match event:
            case PlayerAsked(room_id=room_id, player_id=player_id, by=by, expires_in=left):
                self._tell(player_id, messages.PulseAsked(room_id, by, round_to_ms(left)))
            case PlayerMatched(room_id=room_id, player_id=player_id, game=game, expires_in=left):
                self._tell(player_id, messages.Matched(room_id, game, round_to_ms(left)))
            case QueueChanged(player_id=player_id, game=name, waiting=waiting, reason=reason):
                self._tell(player_id, messages.Queued(waiting, name or UNSET, reason or UNSET))
            case RoomUpdated(room_id=room_id, at=at):
                room = self._rooms.all.get(room_id)
                if room is not None:
                    self._let_clocks_stand(room, at)
            case MatchEnded(room_id=room_id, at=at) | RoomClosed(room_id=room_id, at=at):
                self._let_clocks_run(self.topics.sessions(room_id), at)
            case _:
                pass

    def _let_clocks_stand(self, room: Room, now: float) -> None:
        """Who watches a match, or waits for others in it, is not idle for doing nothing: for at
        most `max_hold` since they last did something."""
        match = room.running
        if match is None:
            return
        for session in self.topics.sessions(room.id):
            number = room.seat_of(session.player.id)
            if number is not None and number in match.waits_for:
                self._let_clocks_run([session], now)
                continue
            allowed = session.last_activity + self._presence.policy.max_hold - now
            held = self._held.get(session.id)
            if allowed <= 0 or session.is_away_held or (held is not None and held > now):
                continue
            if session.hold_until > now:
                continue  # a hold of their own
            self._presence.hold(session.id, allowed, now)
            self._held[session.id] = session.hold_until

    def _let_clocks_run(self, sessions: Iterable[Session], now: float) -> None:
        for session in sessions:
            held = self._held.pop(session.id, None)
            if held is not None and session.hold_until == held and not session.is_away_held:
                self._presence.release(session.id, now)

    def _let_clock_run_outside(self, session: Session, room_id: RoomId) -> None:
        """A session that has left a room waits for nobody there any more."""
        if session not in self.topics.sessions(room_id):
            self._let_clocks_run([session], self._presence.clock.now())

    # Whom to tell

    def _connections(self, player: Player) -> list[Connection]:
        return [each for session in player.sessions for each in self._tabs.of(session)]

    def _tell(self, player_id: PlayerId, message: messages.RoomMessage) -> None:
        player = self._presence.players.get(player_id)
        text = encode(message)
        for connection in () if player is None else self._connections(player):
            connection.send(text)

    # Who goes

    def _forget(self, connection: Connection, room_id: RoomId, has_left: bool) -> None:
        """A connection that watched a room is gone. `has_left`: the player left on purpose."""
        session = connection.session
        grace = self._presence.policy.reload_grace
        has_left = has_left or self._presence.clock.now() - session.left_at <= grace
        if self._tabs.of(session):  # else there is a grace, whose end lets the clock run
            self._let_clock_run_outside(session, room_id)
        self._went(session.player, room_id, has_left=has_left)

    def _stop_watching(self, connection: Connection, room_id: RoomId, *, has_left: bool) -> None:
        if self.topics.unwatch(connection, room_id):
            self._let_clock_run_outside(connection.session, room_id)
            self._went(connection.session.player, room_id, has_left=has_left)

    def _went(self, player: Player, room_id: RoomId, *, has_left: bool) -> None:
        if not self.topics.is_in(player.id, room_id):
            now = self._presence.clock.now()
            self._stream.publish(self._rooms.went(player.id, room_id, now, has_left=has_left))

    def _fail(self, room: Room, error: GameFailed) -> None:
        self._stream.publish(self._rooms.fail(room, error, self._presence.clock.now()))
