"""Requests of clients other than pings: done and answered. Awaits nothing."""

from server.base.text import excerpt
from server.base.units import round_to_ms
from server.presence.service import PresenceService
from server.realtime.connection import Connection
from server.realtime.room_requests import RoomRequests
from server.realtime.tabs import Tabs
from server.realtime.topics.topics import Topics
from server.rooms.errors import CommandRefused
from server.wire import messages
from server.wire.messages import encode
from server.wire.views import SessionView


class Requests:
    """Answers every message except `ping`; those about rooms are passed on."""

    def __init__(
        self,
        presence: PresenceService,
        topics: Topics,
        room_requests: RoomRequests,
        tabs: Tabs,
    ) -> None:
        self._presence = presence
        self._topics = topics
        self._room_requests = room_requests
        self._tabs = tabs

    def do(self, connection: Connection, request: messages.Request, now: float) -> None:
        """Do a request and answer it. Raises CommandRefused, and TooManyRequests if the session
        said "be right back", or held while it was warned, too often."""
        presence = self._presence
        session = connection.session
        match request:
            case messages.Hold(seconds=seconds, away=away):
                if away or session.is_idle_warned:  # it withdraws the warning, which writes rows
                    self._tabs.check_budget(session, now)
                    self._tabs.take_token(session, now)
                granted = presence.hold(session.id, seconds, now, away=away)
                self._answer_hold(connection, granted, now)
            case messages.Release():
                presence.release(session.id, now)
                self._answer_hold(connection, 0.0, now)
            case messages.Look():
                view = SessionView.of(session, presence.policy, now)
                answer = messages.SessionNow(view.player, view.session, view.policy)
                connection.send(encode(answer))
            case messages.Watch(topic=topic):
                if not self._topics.watch(connection, topic, now):
                    raise _no_such_topic(topic)
            case messages.Unwatch(topic=topic):
                if not self._topics.unwatch(connection, topic, now):
                    raise _no_such_topic(topic)
            case _:
                self._room_requests.do(connection, request, now)

    def _answer_hold(self, connection: Connection, granted: float, now: float) -> None:
        left = connection.session.expires_in(self._presence.policy, now)
        held = messages.Held(round_to_ms(granted), round_to_ms(left))
        connection.send(encode(held))


def _no_such_topic(topic: str) -> CommandRefused:
    return CommandRefused("unknown_topic", f"There is no topic {excerpt(topic)!r}.")
