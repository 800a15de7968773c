"""Notices of rooms to a single player, in every tab."""

from msgspec import UNSET

from server.base.ids import PlayerId
from server.base.units import round_to_ms
from server.presence.service import PresenceService
from server.realtime.tabs import Tabs
from server.rooms.events import PlayerAsked, PlayerMatched, QueueChanged
from server.wire import messages


class Notices:
    """Subscribes to the events of rooms."""

    def __init__(self, presence: PresenceService, tabs: Tabs) -> None:
        self._presence = presence
        self._tabs = tabs

    def hear(self, event: PlayerAsked | PlayerMatched | QueueChanged) -> None:
        """Subscriber: send notices."""
        match event:
            case PlayerAsked(room_id=room_id, player_id=player_id, by=by, expires_in=left):
                self.send(player_id, messages.PulseAsked(room_id, by, round_to_ms(left)))
            case PlayerMatched(room_id=room_id, player_id=player_id, game=game, expires_in=left):
                self.send(player_id, messages.Matched(room_id, game, round_to_ms(left)))
            case QueueChanged(player_id=player_id, game=game, waiting=waiting, reason=reason):
                self.send(player_id, messages.Queued(waiting, game or UNSET, reason or UNSET))

    def send(self, player_id: PlayerId, message: messages.RoomMessage) -> None:
        """Send a message to every tab of a player."""
        player = self._presence.players.get(player_id)
        if player is not None:
            self._tabs.send(message, *(session.id for session in player.sessions))
