"""Commands on rooms. Each applies one fact and publishes the resulting events, so that no caller
can forget to.

Players and rooms are given by id. A command of a player without a session raises KeyError; other
errors are `CommandRefused`, with the codes that `Rooms` documents. `at` is the presence instant at
which the fact became known, if that was before the call; without it the command reads the clock,
once.
"""

from typing import Any

from server.base.clock import Clock
from server.base.ids import PlayerId, RoomId
from server.games.game import Level
from server.presence.service import PresenceService
from server.presence.status import Reason
from server.rooms.errors import GameFailed
from server.rooms.events import BotAsked, RoomStream
from server.rooms.reading import ReadableRooms
from server.rooms.room import Room
from server.rooms.rooms import Rooms


class RoomService:
    """The rooms, their players, and the stream of their events."""

    def __init__(self, rooms: Rooms, stream: RoomStream, presence: PresenceService) -> None:
        self._rooms = rooms
        self._stream = stream
        self._players = presence.players
        self._clock: Clock = presence.clock

    @property
    def rooms(self) -> ReadableRooms:
        """All rooms, read-only."""
        return self._rooms

    # Rooms

    def open(
        self,
        player_id: PlayerId,
        game: str,
        *,
        is_private: bool = False,
        bots: int = 0,
        level: Level | None = None,
        is_alone: bool = False,
    ) -> RoomId:
        """Open a room, with a seat reserved for the player: see `Rooms.open`."""
        player = self._players[player_id]
        room, events = self._rooms.open(
            player,
            game,
            self._instant(),
            is_private=is_private,
            bots=bots,
            level=level,
            is_alone=is_alone,
        )
        self._stream.publish(events)
        return room.id

    def join(
        self,
        player_id: PlayerId,
        room_id: str,
        at: float | None = None,
        *,
        number: int | None = None,
        spectate: bool = False,
    ) -> int | None:
        """The player enters a room; return the number of their seat, None for a spectator. See
        `Rooms.join`."""
        player = self._players[player_id]
        own, events = self._rooms.join(
            player, room_id, self._instant(at), number=number, spectate=spectate
        )
        self._stream.publish(events)
        return own

    def leave(self, player_id: PlayerId, room_id: str, at: float | None = None) -> None:
        """The player leaves a room on purpose. Does nothing if there is no such room."""
        self._stream.publish(self._rooms.leave(player_id, room_id, self._instant(at)))

    def disconnect(
        self, player_id: PlayerId, room_id: str, at: float | None = None, *, has_left: bool
    ) -> None:
        """The player's last connection to a room closed; `has_left`: the page was closed."""
        events = self._rooms.disconnect(player_id, room_id, self._instant(at), has_left=has_left)
        self._stream.publish(events)

    def say(self, player_id: PlayerId, room_id: str, text: str, at: float | None = None) -> None:
        """Add a line of chat: see `Rooms.say`."""
        player = self._players[player_id]
        self._stream.publish(self._rooms.say(player, room_id, text, self._instant(at)))

    # Matches

    def start(self, player_id: PlayerId, room_id: str, at: float | None = None) -> None:
        """Begin the first match, or vote for the next one: see `Play.start`."""
        player = self._players[player_id]
        self._stream.publish(self._rooms.start(player, room_id, self._instant(at)))

    def act(self, player_id: PlayerId, room_id: str, action: Any, at: float | None = None) -> None:
        """Apply a game action: see `Play.act`."""
        player = self._players[player_id]
        self._stream.publish(self._rooms.act(player, room_id, action, self._instant(at)))

    def claim(
        self, player_id: PlayerId, room_id: str, result: str, at: float | None = None
    ) -> None:
        """End a match that waits for absent players: see `Play.claim`."""
        player = self._players[player_id]
        self._stream.publish(self._rooms.claim(player, room_id, result, self._instant(at)))

    def pulse(
        self, player_id: PlayerId, room_id: str, number: int, at: float | None = None
    ) -> None:
        """Ask the player of a seat whether they are there: see `Play.pulse`."""
        player = self._players[player_id]
        self._stream.publish(self._rooms.pulse(player, room_id, number, self._instant(at)))

    def check_brb(
        self, player_id: PlayerId, room_id: str, seconds: float, at: float | None = None
    ) -> None:
        """Raise what `brb` would raise; change nothing."""
        self._rooms.check_brb(self._players[player_id], room_id, seconds, self._instant(at))

    def brb(
        self, player_id: PlayerId, room_id: str, seconds: float, at: float | None = None
    ) -> float:
        """Begin a "be right back"; return the seconds granted: see `Play.brb`."""
        player = self._players[player_id]
        granted, events = self._rooms.brb(player, room_id, seconds, self._instant(at))
        self._stream.publish(events)
        return granted

    def bot_thought(self, asked: BotAsked, action: Any) -> None:
        """A robot has thought: see `Match.think`."""
        self._stream.publish(
            self._rooms.bot_thought(
                asked.room_id, asked.match_id, asked.step, asked.seat, action, self._instant()
            )
        )

    def fail(self, room_id: RoomId, error: GameFailed) -> None:
        """The game of a room failed to make a view: close the room."""
        room = self._rooms.all.get(room_id)
        if room is not None:
            self._stream.publish(self._rooms.fail(room, error, self._instant()))

    # Quick match

    def quick_match(self, player_id: PlayerId, game: str | None, at: float | None = None) -> bool:
        """Add the player to the queue; return False if they are in it, of which nobody is told: see
        `Matchmaking.search`."""
        player = self._players[player_id]
        is_new, events = self._rooms.quick_match(player, game, self._instant(at))
        self._stream.publish(events)
        return is_new

    def cancel_quick_match(self, player_id: PlayerId, at: float | None = None) -> bool:
        """Remove the player from the queue; return False if they are not in it, of which nobody is
        told."""
        did_wait, events = self._rooms.cancel_quick_match(player_id, self._instant(at))
        self._stream.publish(events)
        return did_wait

    # Facts of presence

    def player_changed(self, player_id: PlayerId, reason: Reason, at: float) -> None:
        """A player's status, over all their sessions, changed at `at`."""
        player = self._players.get(player_id)
        self._stream.publish(self._rooms.player_changed(player_id, player, reason, at))

    def note_activity(self, player_id: PlayerId, at: float) -> None:
        """A player was active at `at`: see `Rooms.note_activity`."""
        self._stream.publish(self._rooms.note_activity(player_id, at))

    # Time, and restarts

    def next_deadline(self) -> float | None:
        """Return the instant at which to call `expire` next; None if no deadline is armed."""
        return self._rooms.next_deadline()

    def expire(self, at: float | None = None, *, limit: int) -> None:
        """Handle what is due, in at most `limit` rooms."""
        self._stream.publish(self._rooms.expire(self._instant(at), limit))

    def restore(self, room: Room) -> None:
        """Take over a room of the last process."""
        self._stream.publish(self._rooms.restore(room, self._instant()))

    def _instant(self, at: float | None = None) -> float:
        return self._clock.now() if at is None else at
