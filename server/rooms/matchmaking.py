"""Quick match: brings players who look for others into rooms with a free seat, or new ones."""

from collections.abc import Mapping

from server.base.ids import PlayerId
from server.base.rates import MovingWindow
from server.base.text import excerpt
from server.games.catalogue import AnyGame
from server.presence.session import Player
from server.presence.status import Status
from server.rooms.errors import CommandRefused
from server.rooms.events import PlayerMatched, QueueChanged, QueueReason
from server.rooms.queue import Queue
from server.rooms.room import Room
from server.rooms.tables import Tables
from server.rooms.turn import Turn


class Matchmaking:
    """The queue, and its service."""

    def __init__(self, games: Mapping[str, AnyGame], tables: Tables) -> None:
        self.queue = Queue()
        self._games = games
        self._tables = tables
        self._limits = tables.limits
        self._searches: MovingWindow[PlayerId] = MovingWindow(
            self._limits.searches, self._limits.counted_keys
        )

    def search(self, turn: Turn, player: Player, game: str | None) -> bool:
        """Add a player to the queue; one who is in it keeps their place and may change the game,
        which counts as a search. Returns False if nothing changes: they look for this game, and go
        on waiting. Raises CommandRefused: no_such_game, too_soon, already_seated."""
        if game is not None:
            self.find_game(game)
        waiting = self.queue.waiting.get(player.id)
        if waiting is not None and waiting.game == game:
            return False
        if self._searches.wait(player.id, turn.now):
            raise CommandRefused("too_soon", self._limits.searches.refusal("searches"))
        self._tables.check_beginning(player.id, turn.now)
        self._tables.vacate_elsewhere(turn, None, player)
        self._searches.take(player.id, turn.now)
        self.queue.enter(player, game)
        self.serve(turn)
        return True

    def leave(self, turn: Turn, player_id: PlayerId, reason: QueueReason) -> bool:
        """Remove a player from the queue; return False if they were not in it."""
        waiting = self.queue.leave(player_id)
        if waiting is None:
            return False
        turn.tell(QueueChanged(player_id, waiting.game, 0, reason, turn.now))
        return True

    def serve(self, turn: Turn) -> None:
        """Bring waiting players into rooms with free seats, the oldest room first, and open new
        rooms if enough of them wait for a match."""
        without_room: set[str | None] = set()
        for waiting in list(self.queue.waiting.values()):
            player, game = waiting
            is_served = player.id not in self.queue.waiting
            if game in without_room or is_served or player.status is not Status.ACTIVE:
                continue
            room = self._tables.findable.first(game)
            if room is None:
                without_room.add(game)
            else:
                self._bring(turn, room, player)
        while not self._tables.is_full:  # otherwise they wait until a room closes
            found = self.queue.party(self._games.values())
            if found is None:
                break
            rules, party = found
            room = self._tables.open(turn, rules, party[0].player.id, is_private=False)
            for waiting in party:
                self._bring(turn, room, waiting.player)

    def tell_changes(self, turn: Turn) -> None:
        """Tell waiting players how many they are, if that changed."""
        for waiting, number in self.queue.take_changes():
            turn.tell(QueueChanged(waiting.player.id, waiting.game, number, None, turn.now))

    def find_game(self, name: str) -> AnyGame:
        """Return the game with this name. Raises CommandRefused: no_such_game."""
        game = self._games.get(name)
        if game is None:
            raise CommandRefused("no_such_game", f"There is no game {excerpt(name)!r} here.")
        return game

    def _bring(self, turn: Turn, room: Room, player: Player) -> None:
        self.queue.leave(player.id)
        with turn.at(room):
            self._tables.reserve(turn, room, player)
            turn.tell(QueueChanged(player.id, room.game.name, 0, "matched", turn.now))
            left = self._limits.reserved_for
            turn.tell(PlayerMatched(room.id, player.id, room.game.name, left, turn.now))
