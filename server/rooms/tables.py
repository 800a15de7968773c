"""Rooms that open and close; seats that are reserved, taken and freed."""

from collections import Counter
from collections.abc import Callable, Sequence

from server.base.deadlines import Deadlines
from server.base.ids import PlayerId, RoomId
from server.base.rates import MovingWindow
from server.base.units import to_wait
from server.budget.budget import Budget
from server.games.catalogue import AnyGame
from server.presence.session import Player
from server.presence.status import Status
from server.rooms.errors import CommandRefused
from server.rooms.events import CloseReason, RoomClosed, RoomOpened
from server.rooms.findable import Findable
from server.rooms.holdings import Holdings
from server.rooms.limits import Limits
from server.rooms.room import Room
from server.rooms.turn import Turn


class Tables:
    """The open rooms, and the players with a seat."""

    def __init__(self, new_room_id: Callable[[], RoomId], limits: Limits, budget: Budget) -> None:
        self.limits = limits
        self._budget = budget
        self.rooms: dict[RoomId, Room] = {}
        self.findable = Findable()
        self.holdings = Holdings(budget.crowds_of)
        self.awaited: set[PlayerId] = set()
        """Players whose next activity must be reported: see `Rooms.note_activity`."""
        self.deadlines: Deadlines[Room] = Deadlines()
        # Where players have a seat; and who has one kept elsewhere, by quick match, while they
        # practise.
        self._seated: dict[PlayerId, Room] = {}
        self._practising: dict[PlayerId, Room] = {}
        self._made_by: Counter[PlayerId] = Counter()
        self._made: MovingWindow[PlayerId] = MovingWindow(limits.rooms_made, limits.counted_keys)
        self._comings: MovingWindow[PlayerId] = MovingWindow(limits.comings, limits.counted_keys)
        self._missed: MovingWindow[PlayerId] = MovingWindow(limits.missed, limits.counted_keys)
        self._new_room_id = new_room_id

    # Players

    def check_move(self, player_id: PlayerId, now: float) -> None:
        """Raise CommandRefused, too_soon, if the server has kept too much of a player lately."""
        _refuse_for(self._budget.wait_to_move(player_id, now), "too_soon")

    def check_beginning(self, player_id: PlayerId, now: float, code: str = "too_soon") -> None:
        """Raise CommandRefused with `code` for the same reason, or because too much waits for the
        disk: what a player wants to begin leads to many rows."""
        _refuse_for(self._budget.wait_to_begin(player_id, now), code)

    # Rooms

    @property
    def is_full(self) -> bool:
        """True if no more rooms may be opened."""
        return len(self.rooms) >= self.limits.rooms

    def has_share(self, player_id: PlayerId) -> bool:
        """Return True if another room may be opened for a player: their crowds hold few enough of
        those that are left."""
        limits = self.limits
        share = (limits.rooms - len(self.rooms)) / limits.rooms_free_for_one
        for crowd in self._budget.crowds_of(player_id):
            if self.holdings.of_crowd(crowd) >= share:
                return False
            share *= limits.wider_network
        return share > 0

    def find(self, room_id: str) -> Room:
        """Return the room with this id. Raises CommandRefused: no_such_room."""
        room = self.rooms.get(RoomId(room_id))
        if room is None:
            raise CommandRefused("no_such_room", "There is no such room, or it has closed.")
        return room

    def open_for(
        self,
        turn: Turn,
        game: AnyGame,
        player: Player,
        *,
        is_private: bool,
        is_alone: bool,
    ) -> Room:
        """Open a room for a player, with a seat reserved for them. Raises CommandRefused:
        too_many_rooms, already_seated."""
        limits = self.limits
        made = self._made_by[player.id]
        if made >= self._most_of_one:
            rooms = "A room of your making is" if made == 1 else f"{made} rooms of your making are"
            detail = f"{rooms} open: one closes soon after all have left."
            raise CommandRefused("too_many_rooms", detail)
        if self._made.wait(player.id, turn.now):
            raise CommandRefused("too_many_rooms", limits.rooms_made.refusal("new rooms"))
        if self.is_full:
            detail = "There are as many rooms as there can be; join one, or try again later."
            raise CommandRefused("too_many_rooms", detail)
        if not self.has_share(player.id):
            detail = "From your network as many rooms are open as may be: join one of them."
            raise CommandRefused("too_many_rooms", detail)
        self.check_beginning(player.id, turn.now, "too_many_rooms")
        self.vacate_elsewhere(turn, None, player)
        self._made.take(player.id, turn.now)
        return self._open(turn, game, [player], is_private=is_private, is_alone=is_alone)

    def open_matched(self, turn: Turn, game: AnyGame, party: Sequence[Player]) -> Room:
        """Open a room for players whom quick match has brought together; each of them `has_share`
        and no seat, but where they practise."""
        return self._open(turn, game, party, is_private=False, is_matched=True)

    def _open(
        self,
        turn: Turn,
        game: AnyGame,
        party: Sequence[Player],
        *,
        is_private: bool,
        is_matched: bool = False,
        is_alone: bool = False,
    ) -> Room:
        """Open a room without players. Each of the party may hold so many: if it is one too many,
        the oldest close that they came to by quick match and were the last to leave."""
        for player in party:
            left = [room for room in self.holdings.of(player.id) if room.is_matched]
            may_stay = max(self._most_of_one - self._made_by[player.id] - 1, 0)
            for room in left[: max(len(left) - may_stay, 0)]:
                with turn.at(room):
                    room.close_soon()
        room = Room(
            self._new_room_id(),
            game,
            turn.now,
            is_private=is_private,
            made_by=party[0].id,
            limits=self.limits,
            is_matched=is_matched,
            is_alone=is_alone,
        )
        self._add(room)
        turn.tell(RoomOpened(room.id, game.name, is_private, room.made_by, turn.now))
        return room

    @property
    def _most_of_one(self) -> int:
        """The most rooms of one player: if many are open, the others are for those without."""
        limits = self.limits
        return 1 if len(self.rooms) >= limits.rooms_crowded else limits.rooms_per_maker

    def close(self, turn: Turn, room: Room, reason: CloseReason, error: str | None = None) -> None:
        """Close a room; its players lose their seats."""
        room.close()
        self.deadlines.disarm(room)
        del self.rooms[room.id]
        self.findable.remove(room)
        self.holdings.remove(room)
        if not room.is_matched:
            self._made_by[room.made_by] -= 1
            if not self._made_by[room.made_by]:
                del self._made_by[room.made_by]
        for _, _, player in room.taken():
            self._forget(player.id, room)
        turn.tell(
            RoomClosed(
                room.id,
                room.game.name,
                room.is_private,
                room.made_by,
                room.opened_at,
                reason,
                turn.now,
                error,
            )
        )

    def restore(self, turn: Turn, room: Room) -> None:
        """Take over a room of the last process. Its players are absent."""
        self._add(room)
        room.survive_restart(turn.now)
        for _, seat, player in room.taken():
            if seat.is_robot:
                continue
            self._note_seat(player.id, room)
            if seat.brb_for(turn.now):
                # After the restart no hold of their session ends when they are back.
                self.awaited.add(player.id)

    def _add(self, room: Room) -> None:
        self.rooms[room.id] = room
        self.findable.add(room)
        if not room.is_matched:
            self._made_by[room.made_by] += 1

    # Seats

    def check_coming(self, player_id: PlayerId, now: float) -> None:
        """Raise CommandRefused: too_soon, if a player entered rooms too often."""
        if self._comings.wait(player_id, now):
            raise CommandRefused("too_soon", self.limits.comings.refusal("changes of place"))

    def count_coming(self, player_id: PlayerId, now: float) -> None:
        """A player entered a room, or changed their place in it."""
        self._comings.take(player_id, now)

    def seats_of(self, player_id: PlayerId) -> list[tuple[Room, int]]:
        """Return the room and seat of a player; two, if quick match keeps one for them while they
        practise."""
        seats = []
        for rooms in (self._seated, self._practising):
            room = rooms.get(player_id)
            number = None if room is None else room.seat_of(player_id)
            if room is not None and number is not None:
                seats.append((room, number))
        return seats

    def reserve(self, turn: Turn, room: Room, player: Player) -> None:
        """Reserve a free seat of a room for a player."""
        number = room.first_free()
        assert number is not None
        room.reserve(number, player, turn.now + self.limits.reserved_for)
        self._note_seat(player.id, room)

    def stays_away(self, player_id: PlayerId, now: float) -> bool:
        """Return True if a player did not come to the seats that quick match kept for them
        lately."""
        return self._missed.wait(player_id, now) > 0

    def take_seat(self, turn: Turn, room: Room, player: Player, number: int | None) -> int | None:
        """Give a player the seat with this number, or the first free one; return its number, None
        if none is free. Raises CommandRefused: invalid, seat_taken, already_seated, too_soon."""
        if number is None:
            number = room.first_free()
        if number is None:
            return None
        _check_free(room, number)
        self.check_beginning(player.id, turn.now)  # whoever sits may see a match begin at any time
        self.vacate_elsewhere(turn, room, player)
        room.sit(number, player)
        self._note_seat(player.id, room)
        turn.note(room, "joined", player.name, number)
        return number

    def change_seat(self, room: Room, own: int, to: int) -> int:
        """Move a player to another seat. Raises CommandRefused: invalid, seat_taken."""
        _check_free(room, to)
        if room.running is not None and (to < room.running.size or room.seats[own].plays):
            raise CommandRefused("seat_taken", "The seats of the running match stay as they are.")
        room.change_seat(own, to)
        return to

    def arrive(self, turn: Turn, room: Room, number: int, player: Player) -> None:
        """The player of a seat entered the room. Idempotent."""
        seat = room.seats[number]
        if seat.is_here and seat.player is player:
            room.remove_spectator(player.id)
            return
        if seat.is_reserved:
            turn.note(room, "joined", player.name, number)
            self._missed.forget(player.id)
        room.arrive(number, player)
        if self._seated.get(player.id) is room:
            self.vacate_elsewhere(turn, room, player)  # where they practised meanwhile

    def vacate(self, turn: Turn, room: Room, number: int) -> None:
        """Free a seat."""
        seat = room.seats[number]
        player, was_reserved = seat.player, seat.is_reserved
        assert player is not None
        room.free_seat(number)
        self._forget(player.id, room)
        if not was_reserved:
            turn.note(room, "left", player.name, number)
        elif room.is_matched or player.id != room.made_by:  # otherwise it was their own room
            self._missed.take(player.id, turn.now)

    def vacate_elsewhere(
        self, turn: Turn, room: Room | None, player: Player, *, but_practice: bool = False
    ) -> None:
        """Free the seats that a player has in rooms other than `room`; `but_practice`: they may go
        on to practise. Raises CommandRefused: already_seated, if they play a running match there
        with others, and have a part in the rest of it."""
        for other, number in self.seats_of(player.id):
            if other is not room and not (but_practice and other.is_practice):
                self._vacate_for_another(turn, other, number)

    def _vacate_for_another(self, turn: Turn, other: Room, number: int) -> None:
        with turn.at(other):
            if not other.may_go(number):
                seat = other.seats[number]
                detail = "You are in a running match in another room: end it, or leave it, first."
                if seat.is_leaving:
                    left = to_wait(seat.resigns_at - turn.now)
                    detail = (
                        f"You have left a match in another room, and are out of it in {left} s."
                    )
                raise CommandRefused("already_seated", detail)
            self.vacate(turn, other, number)

    def vacate_if_gone(self, turn: Turn, room: Room, number: int) -> None:
        """Free the seat of a player who does not play, if their grace is over."""
        seat = room.seats[number]
        player = seat.player
        if player is None or seat.grace_until(room.game.policy) > turn.now:
            return
        # Presence has a grace of its own, for players who did not leave on purpose.
        if seat.has_resigned or player.status is not Status.RECONNECTING:
            self.vacate(turn, room, number)

    def vacate_after_match(self, turn: Turn, room: Room) -> None:
        """After a match: free the seats of players who are gone, or chose to watch."""
        for number, seat, player in list(room.taken()):
            is_spectator = seat.is_gone and player.id in room.spectators
            self.awaited.discard(player.id)
            room.reset_seat(number)
            if is_spectator or seat.is_leaving or player.status is Status.OFFLINE:
                self.vacate(turn, room, number)
            else:
                self.vacate_if_gone(turn, room, number)
        room.mark()

    def _note_seat(self, player_id: PlayerId, room: Room) -> None:
        before = self._seated.get(player_id)
        if before is not None and before is not room:
            # After a restart, the rooms may come in any order.
            room, practice = (room, before) if before.is_practice else (before, room)
            self._practising[player_id] = practice
        self._seated[player_id] = room

    def _forget(self, player_id: PlayerId, room: Room) -> None:
        if self._practising.get(player_id) is room:
            del self._practising[player_id]
            return
        if self._seated.get(player_id) is not room:
            return  # a robot
        practice = self._practising.pop(player_id, None)
        if practice is None:
            del self._seated[player_id]
            self.awaited.discard(player_id)
        else:
            self._seated[player_id] = practice


def _refuse_for(wait: float, code: str) -> None:
    if wait > 0:
        detail = f"The server keeps no more of you just now: try again in {to_wait(wait)} s."
        raise CommandRefused(code, detail)


def _check_free(room: Room, number: int) -> None:
    """Raise CommandRefused: invalid, if the room has no such seat; seat_taken, if it is not
    free."""
    if not 0 <= number < len(room.seats):
        raise CommandRefused("invalid", f"The seats are numbered from 0 to {len(room.seats) - 1}.")
    if not (room.seats[number].is_free or (room.seats[number].is_robot and not room.running)):
        raise CommandRefused("seat_taken", "Somebody else has this seat.")
