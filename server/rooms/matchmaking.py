"""Quick match: brings players who look for others into rooms with a free seat, or new ones."""

from collections.abc import Mapping

from server.base.ids import PlayerId
from server.base.rates import MovingWindow
from server.base.text import excerpt
from server.base.units import NEVER
from server.games.catalogue import AnyGame
from server.presence.session import Player
from server.presence.status import Status
from server.rooms.errors import CommandRefused
from server.rooms.events import PlayerMatched, QueueChanged, QueueReason
from server.rooms.queue import Queue, Waiting
from server.rooms.room import Room
from server.rooms.tables import Tables
from server.rooms.turn import Turn


class Matchmaking:
    """The queue, and its service."""

    def __init__(self, games: Mapping[str, AnyGame], tables: Tables) -> None:
        self._games = games
        self._tables = tables
        self._limits = tables.limits
        self.queue = Queue(self._limits.queue_pace, self._limits.patience)
        self._may_serve = False
        self._serves_at = NEVER
        self._searches: MovingWindow[PlayerId] = MovingWindow(
            self._limits.searches, self._limits.counted_keys
        )

    def search(self, turn: Turn, player: Player, game: str | None) -> bool:
        """Add a player to the queue; one who is in it keeps their place and may change the game,
        which counts as a search. Returns False if nothing changes: they look for this game, and go
        on waiting. Raises CommandRefused: no_such_game, too_soon, too_many_rooms,
        already_seated."""
        if game is not None:
            self.find_game(game)
        waiting = self.queue.waiting.get(player.id)
        if waiting is not None and waiting.game == game:
            return False
        if self._searches.wait(player.id, turn.now):
            raise CommandRefused("too_soon", self._limits.searches.refusal("searches"))
        if waiting is None:
            self._check_queue(player, game)
        self._tables.check_beginning(player.id, turn.now)
        self._tables.vacate_elsewhere(turn, None, player, but_practice=True)
        self._searches.take(player.id, turn.now)
        is_behind = self._tables.stays_away(player.id, turn.now)
        self.queue.enter(player, game, turn.now, is_behind=is_behind)
        self.serve(turn)
        self._tell(turn, self.queue.take_change(player.id))
        return True

    def leave(self, turn: Turn, player_id: PlayerId, reason: QueueReason) -> bool:
        """Remove a player from the queue; return False if they were not in it."""
        waiting = self.queue.leave(player_id, turn.now)
        if waiting is None:
            return False
        turn.tell(QueueChanged(player_id, waiting.game, 0, reason, turn.now))
        return True

    def serve(self, turn: Turn) -> None:
        """Bring waiting players into rooms with free seats, the oldest room first, and open new
        rooms if enough of them wait for a match."""
        without_room: set[str | None] = set()
        for waiting in self.queue.in_order():
            player, game = waiting.player, waiting.game
            is_served = player.id not in self.queue.waiting
            if game in without_room or is_served or player.status is not Status.ACTIVE:
                continue
            room = self._tables.findable.first(game)
            if room is None:
                without_room.add(game)
            else:
                self._bring(turn, room, player)
        while not self._tables.is_full:  # otherwise they wait until a room closes
            found = self.queue.party(self._games.values(), self._tables.has_share, turn.now)
            if found is None:
                break
            rules, party = found
            room = self._tables.open_matched(turn, rules, party)
            for player in party:
                self._bring(turn, room, player)
        self._serves_at = self.queue.patience_ends(turn.now)

    def note(self, room: Room) -> None:
        """A room has changed, or closed: there may be place for who waits."""
        if self.queue.waiting and (room.is_closed or room.can_be_found()):
            self._may_serve = True

    def serve_if_possible(self, turn: Turn) -> None:
        """Serve those who wait, if a room has changed so that there may be place."""
        while self._may_serve:  # serving changes rooms, and those may have place for others
            self._may_serve = False
            self.serve(turn)

    def next_due(self) -> float:
        """Return the instant at which to call `expire` next; NEVER if nothing is due."""
        return min(self.queue.next_due(), self._serves_at)

    def expire(self, turn: Turn, limit: int) -> None:
        """Serve who has waited long enough for those who are behind; and tell the next of those who
        wait how many they are, if that changed and is due: each search would be told to all of them
        otherwise. Who asks was told at once."""
        if self._serves_at <= turn.now:
            self.serve(turn)
        if self.queue.next_due() <= turn.now:
            for change in self.queue.take_changes(turn.now, limit):
                self._tell(turn, change)

    def find_game(self, name: str) -> AnyGame:
        """Return the game with this name. Raises CommandRefused: no_such_game."""
        game = self._games.get(name)
        if game is None:
            raise CommandRefused("no_such_game", f"There is no game {excerpt(name)!r} here.")
        return game

    def _check_queue(self, player: Player, game: str | None) -> None:
        """Raise CommandRefused, too_many_rooms, if many wait already, and a player who looks for
        this game would do so until a room closes."""
        is_long = len(self.queue.waiting) >= self._limits.waiting_while_full
        if not is_long or self._tables.findable.first(game) is not None:
            return
        if not self._tables.has_share(player.id):
            detail = "No more rooms may be opened for you just now, and many wait for one already."
            raise CommandRefused("too_many_rooms", detail)

    def _tell(self, turn: Turn, change: tuple[Waiting, int] | None) -> None:
        if change is not None:
            waiting, number = change
            turn.tell(QueueChanged(waiting.player.id, waiting.game, number, None, turn.now))

    def _bring(self, turn: Turn, room: Room, player: Player) -> None:
        self.queue.leave(player.id, turn.now)
        with turn.at(room):
            self._tables.reserve(turn, room, player)
            turn.tell(QueueChanged(player.id, room.game.name, 0, "matched", turn.now))
            left = self._limits.reserved_for
            turn.tell(PlayerMatched(room.id, player.id, room.game.name, left, turn.now))
