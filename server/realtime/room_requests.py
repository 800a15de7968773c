"""Requests about rooms: done by the rooms' service, and answered. Awaits nothing."""

from typing import assert_never

from msgspec import UNSET

from server.base.ids import RoomId
from server.presence.service import PresenceService
from server.presence.session import Session
from server.realtime.bridge import Bridge
from server.realtime.connection import Connection
from server.realtime.tabs import Tabs
from server.realtime.topics.room import RoomTopics
from server.rooms.errors import CommandRefused
from server.rooms.service import RoomService
from server.wire import messages
from server.wire.messages import encode


class RoomRequests:
    """Answers the messages about rooms, and subscribes connections to the topics `room:<id>`. A
    request that is done counts as activity; one that is refused does not."""

    def __init__(
        self,
        presence: PresenceService,
        rooms: RoomService,
        topics: RoomTopics,
        tabs: Tabs,
        bridge: Bridge,
    ) -> None:
        self._presence = presence
        self._rooms = rooms
        self._topics = topics
        self._tabs = tabs
        self._bridge = bridge

    # Watching

    def watch(self, connection: Connection, room_id: str, at: float) -> bool:
        """Enter a room, to one's own seat if there is one, otherwise as a spectator. Returns False
        if there is no such room. Raises CommandRefused: too_many_rooms, too_soon."""
        room = self._rooms.rooms.all.get(RoomId(room_id))
        if room is None:
            return False
        has_seat = room.seat_of(connection.session.player.id) is not None
        self._join(connection, room_id, None, at, spectate=not has_seat)
        return True

    def unwatch(self, connection: Connection, room_id: str, at: float) -> bool:
        """Leave a room; a seat in it is kept for a while. Returns False if there is no such
        room."""
        if room_id not in self._rooms.rooms.all:
            return False
        if self._topics.unwatch(connection, RoomId(room_id)):
            self._bridge.stopped_watching(connection.session, RoomId(room_id), at)
            self._went(connection.session, RoomId(room_id), at, has_left=True)
        return True

    def gone(self, connection: Connection, room_id: RoomId, *, has_left: bool) -> None:
        """A connection that was in a room closed. `has_left`: its page was closed."""
        session, now = connection.session, self._presence.clock.now()
        if self._tabs.of(session):  # otherwise a grace has begun, and its end releases the hold
            self._bridge.stopped_watching(session, room_id, now)
        self._went(session, room_id, now, has_left=has_left)

    def close(self) -> None:
        """Cancel what is still to be sent about rooms."""
        self._topics.close()

    # Requests

    def do(self, connection: Connection, request: messages.RoomRequest, now: float) -> None:
        """Do a request and answer it. Raises CommandRefused, and TooManyRequests if the session
        said "be right back" too often."""
        rooms, session = self._rooms, connection.session
        player_id = session.player.id
        by = "game"
        match request:
            case messages.Join(room=room, seat=seat, spectate=spectate):
                own = self._join(connection, room, seat, now, spectate=spectate)
                connection.send(
                    encode(messages.Joined(RoomId(room), UNSET if own is None else own))
                )
            case messages.Leave(room=room):
                self._leave(connection, RoomId(room), now)
            case messages.Start(room=room):
                rooms.start(player_id, room, now)
            case messages.Act(room=room, action=action):
                rooms.act(player_id, room, action, now)
                by = "game action"
            case messages.Say(room=room, text=text):
                rooms.say(player_id, room, text, now)
                by = "chat"
            case messages.QuickMatch(game=game, cancel=is_cancelled):
                self._quick_match(connection, game, now, is_cancelled=is_cancelled)
            case messages.Claim(room=room, result=result):
                rooms.claim(player_id, room, result, now)
            case messages.Pulse(room=room, seat=seat):
                rooms.pulse(player_id, room, seat, now)
            case messages.Brb(room=room, seconds=seconds):
                self._be_right_back(session, room, seconds, now)
                return
            case _ as unreachable:
                assert_never(unreachable)
        self._presence.touch(session.id, now, by)

    def _quick_match(
        self, connection: Connection, game: str | None, now: float, *, is_cancelled: bool
    ) -> None:
        """A change is told to every tab of the player; who repeats themselves is answered alone."""
        player_id = connection.session.player.id
        if is_cancelled:
            if not self._rooms.cancel_quick_match(player_id, now):
                connection.send(encode(messages.Queued(0, game or UNSET, "cancelled")))
        elif not self._rooms.quick_match(player_id, game, now):
            waiting = self._rooms.rooms.number_waiting(game)
            connection.send(encode(messages.Queued(waiting, game or UNSET)))

    def _be_right_back(self, session: Session, room_id: str, seconds: float, now: float) -> None:
        # The message itself is an activity, and an activity ends a "be right back" and makes the
        # player present. So the activity comes first, then the seat, and the hold is last.
        player_id = session.player.id
        self._rooms.check_brb(player_id, room_id, seconds, now)
        self._tabs.check_budget(session, now)
        self._tabs.take_token(session, now)
        self._presence.touch(session.id, now, by="game")
        granted = self._rooms.brb(player_id, room_id, seconds, now)
        if granted:
            self._presence.hold(session.id, granted, now, away=True)

    def _join(
        self, connection: Connection, room_id: str, seat: int | None, now: float, *, spectate: bool
    ) -> int | None:
        """Enter a room; return the number of the seat, None for a spectator."""
        player_id = connection.session.player.id
        if not self._topics.is_watching(connection, RoomId(room_id)):
            limits = self._rooms.rooms.limits
            if self._topics.count(connection) >= limits.rooms_watched:
                detail = f"A tab watches {limits.rooms_watched} rooms at the most."
                raise CommandRefused("too_many_rooms", detail)
            # Not the rooms alone: each tab is sent all that happens in each of its rooms.
            most = limits.rooms_watched_by_player
            if self._topics.count_of_player(player_id) >= most:
                detail = f"The tabs of a player watch {most} rooms at the most, each tab counted."
                raise CommandRefused("too_many_rooms", detail)
        own = self._rooms.join(player_id, room_id, now, number=seat, spectate=spectate)
        room = self._rooms.rooms.find(room_id)
        self._topics.watch(connection, room)
        self._bridge.started_watching(connection.session, room.id, now)
        return own

    def _leave(self, connection: Connection, room_id: RoomId, now: float) -> None:
        """Leave a room with every tab of the player."""
        player = connection.session.player
        text = encode(messages.Left(room_id))
        for session in player.sessions:
            for each in self._tabs.of(session):
                if self._topics.unwatch(each, room_id) or each is connection:
                    each.send(text)
            self._bridge.stopped_watching(session, room_id, now)
        self._rooms.leave(player.id, room_id, now)

    def _went(self, session: Session, room_id: RoomId, now: float, *, has_left: bool) -> None:
        player_id = session.player.id
        if not self._topics.is_in(player_id, room_id):
            self._rooms.disconnect(player_id, room_id, now, has_left=has_left)
