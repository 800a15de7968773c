"""The lobby."""

import msgspec

from server.base.ids import PlayerId
from server.client.mirror import Mirror
from server.wire.messages import LOBBY, Presence, Roster
from server.wire.views import PlayerView


class RosterMirror(Mirror[Roster, Presence]):
    """The players of the lobby. The server lists the first 1,000 by name, and sends all changes;
    `Client.players` pages through all."""

    def __init__(self) -> None:
        super().__init__(LOBBY)
        self.players: dict[PlayerId, PlayerView] = {}
        self.total = 0
        """The number of players, listed or not."""

    @property
    def is_complete(self) -> bool:
        """True if all players who are here are among `players`."""
        return self.is_current and len(self.players) >= self.total

    def _replace(self, message: Roster) -> None:
        self.players = {player.id: player for player in message.players}
        self.total = message.total

    def _apply(self, message: Presence) -> None:
        for id in message.left:
            self.players.pop(id, None)
        for player in message.joined:
            self.players[player.id] = player
        for change in message.changed:
            known = self.players.get(change.id)
            if known is not None:  # otherwise not among those listed
                self.players[change.id] = msgspec.structs.replace(
                    known, status=change.status, idle_for=change.idle_for
                )
        self.total = message.total
