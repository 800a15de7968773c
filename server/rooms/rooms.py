"""All rooms. Takes facts, returns events; `now` is presence time.

A fact about a player (they join, act, drop out, come back) or about time (`expire`) is one turn.
Each room that it changes is settled at the end of its block of the turn (`Turn.at`). Settling draws
the conclusions that do not depend on the fact: a match ended, the host is absent, the room closes,
the next deadline.

The work is done in `tables.py` (seats), `play.py` (matches) and `matchmaking.py`.
"""

from collections.abc import Callable, Mapping, Set
from types import MappingProxyType
from typing import Any

from server.base.ids import MatchId, PlayerId, RoomId
from server.base.rates import MovingWindow
from server.base.units import NEVER
from server.budget.budget import Budget
from server.games.catalogue import AnyGame
from server.games.game import Level
from server.presence.policy import Policy
from server.presence.session import Player
from server.presence.status import LEAVING, Reason, Status
from server.rooms.errors import CommandRefused, GameFailed
from server.rooms.events import LineSaid, RoomEvent, RoomUpdated
from server.rooms.limits import Limits
from server.rooms.matchmaking import Matchmaking
from server.rooms.play import Play
from server.rooms.queue import Waiting
from server.rooms.robots import Robot, most_robots, robots
from server.rooms.room import Room
from server.rooms.tables import Tables
from server.rooms.turn import Turn

_RETRY = 1.0
"""Seconds until a room is looked at again whose deadline failed."""


class Rooms:
    """All rooms. One instance per process."""

    def __init__(
        self,
        games: Mapping[str, AnyGame],
        policy: Policy,
        new_room_id: Callable[[], RoomId],
        new_match_id: Callable[[], MatchId],
        new_seed: Callable[[], str],
        limits: Limits,
        budget: Budget,
        on_error: Callable[[Exception, Room], None],
    ) -> None:
        """`budget` is asked before players do what leaves rows. `on_error` is called with an error
        and its room: GameFailed, which closed the room, or any exception of a deadline, which is a
        bug."""
        self.games = games
        self.limits = limits
        self._policy = policy
        self._on_error = on_error
        self._tables = Tables(new_room_id, limits, budget)
        self._play = Play(self._tables, new_match_id, new_seed, on_error)
        self._matchmaking = Matchmaking(games, self._tables)
        self._follow_up = _FollowUp(self._tables, self._play, self._matchmaking)
        self._lines: MovingWindow[PlayerId] = MovingWindow(
            limits.lines_of_player, limits.counted_keys
        )

    # State

    @property
    def all(self) -> Mapping[RoomId, Room]:
        return MappingProxyType(self._tables.rooms)

    @property
    def awaited(self) -> Set[PlayerId]:
        """Players whose next activity must be reported to `note_activity`."""
        return self._tables.awaited

    @property
    def waiting(self) -> Mapping[PlayerId, Waiting]:
        """The players who look for a quick match, in order of arrival."""
        return self._matchmaking.queue.waiting

    def number_waiting(self, game: str | None) -> int:
        """Return the number of players who wait for `game`, or for any."""
        return self._matchmaking.queue.number_waiting(game)

    def find(self, room_id: str) -> Room:
        """Return the room with this id. Raises CommandRefused: no_such_room."""
        return self._tables.find(room_id)

    def next_deadline(self) -> float | None:
        """Return the instant at which to call `expire` next; None if no deadline is armed."""
        of_queue, of_rooms = self._matchmaking.next_due(), self._tables.deadlines.next_due()
        if of_queue == NEVER:
            return of_rooms
        return of_queue if of_rooms is None else min(of_queue, of_rooms)

    # Rooms

    def open(
        self,
        player: Player,
        game: str,
        now: float,
        *,
        is_private: bool = False,
        bots: int = 0,
        level: Level | None = None,
        is_alone: bool = False,
    ) -> tuple[Room, list[RoomEvent]]:
        """Open a room, with a seat reserved for `player`. `bots`: so many robots sit there, of this
        `level`, by default a middle one; `is_alone`: the player is to play without others. With one
        of these, they may look for a quick match meanwhile. Raises CommandRefused: no_such_game,
        no_bots, invalid, too_many_rooms, already_seated."""
        with self._turn(now, player.id) as turn:
            rules = self._matchmaking.find_game(game)
            opponents = _robots_for(rules, bots, level, is_alone=is_alone)
            room = self._tables.open_for(
                turn, rules, player, is_private=is_private, is_alone=is_alone
            )
            if not opponents and not is_alone:
                self._matchmaking.leave(turn, player.id, "cancelled")
            with turn.at(room):
                room.seat_robots(opponents)
                self._tables.reserve(turn, room, player)
        return room, turn.events

    def join(
        self,
        player: Player,
        room_id: str,
        now: float,
        *,
        number: int | None = None,
        spectate: bool = False,
    ) -> tuple[int | None, list[RoomEvent]]:
        """`player` enters a room, to the seat with this `number` if given; return the number of
        their seat, None for a spectator. Raises CommandRefused: no_such_room, invalid, seat_taken,
        already_seated, too_soon."""
        with self._turn(now, player.id) as turn:
            room = self.find(room_id)
            if not _is_there(room, player, number, spectate=spectate):
                self._tables.check_coming(player.id, now)
            with turn.at(room):
                own = self._seat_to_join(turn, room, player, number, spectate=spectate)
                if own is None:
                    room.add_spectator(player)
                else:
                    self._tables.arrive(turn, room, own, player)
                if room.is_changed:
                    self._tables.count_coming(player.id, now)
        return own, turn.events

    def leave(self, player_id: PlayerId, room_id: str, now: float) -> list[RoomEvent]:
        """A player leaves on purpose. They resign from a match after `leave_grace`."""

        def leave(turn: Turn, room: Room, number: int) -> None:
            if room.may_go(number):
                self._tables.vacate(turn, room, number)
            else:
                self._play.leave(turn, room, number)

        return self._go(player_id, room_id, now, leave)

    def disconnect(
        self, player_id: PlayerId, room_id: str, now: float, *, has_left: bool
    ) -> list[RoomEvent]:
        """The last connection of a player to a room closed. `has_left`: the page was closed."""

        def cut_off(turn: Turn, room: Room, number: int) -> None:
            self._play.cut_off(turn, room, number, has_left=has_left)

        return self._go(player_id, room_id, now, cut_off)

    def say(self, player: Player, room_id: str, text: str, now: float) -> list[RoomEvent]:
        """Add a line of chat. Raises CommandRefused: no_such_room, not_here, invalid,
        too_much_chat."""
        room = self.find(room_id)
        is_seated = room.seat_of(player.id) is not None
        if not is_seated and player.id not in room.spectators:
            raise CommandRefused("not_here", "Only those who are in the room talk in it: join it.")
        if self._lines.wait(player.id, now):
            raise CommandRefused("too_much_chat", self.limits.lines_of_player.refusal("lines"))
        line = room.chat.say(player.id, player.name, text, now, is_seated=is_seated)
        self._lines.take(player.id, now)
        return [LineSaid(room.id, line, now, player.id)]

    # Matches

    def start(self, player: Player, room_id: str, now: float) -> list[RoomEvent]:
        """Begin the first match, or vote for the next one: see `Play.start`."""
        with self._turn(now, player.id) as turn:
            self._play.start(turn, self.find(room_id), player)
        return turn.events

    def act(self, player: Player, room_id: str, action: Any, now: float) -> list[RoomEvent]:
        """Apply a game action: see `Play.act`."""
        with self._turn(now, player.id) as turn:
            self._play.act(turn, self.find(room_id), player, action)
        return turn.events

    def claim(self, player: Player, room_id: str, result: str, now: float) -> list[RoomEvent]:
        """End a match that waits for players who dropped out: see `Play.claim`."""
        with self._turn(now, player.id) as turn:
            self._play.claim(turn, self.find(room_id), player, result)
        return turn.events

    def pulse(self, player: Player, room_id: str, number: int, now: float) -> list[RoomEvent]:
        """Ask the player of a seat whether they are there: see `Play.pulse`."""
        with self._turn(now, player.id) as turn:
            self._play.pulse(turn, self.find(room_id), player, number)
        return turn.events

    def note_activity(self, player_id: PlayerId, now: float) -> list[RoomEvent]:
        """A player was active, and is therefore there, and back. To be called for players in
        `awaited`; for others their changes of status are enough."""
        with self._turn(now, player_id) as turn:
            for found in self._tables.seats_of(player_id):
                self._play.answer_pulse(turn, *found)
        return turn.events

    def check_brb(self, player: Player, room_id: str, seconds: float, now: float) -> None:
        """Raise what `brb` would raise; change nothing."""
        self._play.check_brb(self.find(room_id), player, seconds, now)

    def brb(
        self, player: Player, room_id: str, seconds: float, now: float
    ) -> tuple[float, list[RoomEvent]]:
        """Begin a "be right back"; return the seconds granted: see `Play.brb`."""
        with self._turn(now, player.id) as turn:
            granted = self._play.brb(turn, self.find(room_id), player, seconds)
        return granted, turn.events

    def bot_thought(
        self, room_id: str, match_id: str, step: int, number: int, action: Any, now: float
    ) -> list[RoomEvent]:
        """A robot, asked at that step, has thought, and acts, unless that would be too quick
        to see. Ignored if that room or match is over."""
        with self._turn(now) as turn:
            room = self.all.get(RoomId(room_id))
            match = None if room is None else room.running
            if room is not None and match is not None and match.id == match_id:
                with turn.at(room):
                    match.think(number, step, action)
                    self._play.tick(turn, room, match)
        return turn.events

    def fail(self, room: Room, error: GameFailed, now: float) -> list[RoomEvent]:
        """The game of a room failed outside of a turn: close the room."""
        with self._turn(now) as turn:
            self._play.fail(turn, room, error)
        return turn.events

    # Quick match

    def quick_match(
        self, player: Player, game: str | None, now: float
    ) -> tuple[bool, list[RoomEvent]]:
        """Add `player` to the queue; return False if they are in it: see `Matchmaking.search`."""
        with self._turn(now, player.id) as turn:
            is_new = self._matchmaking.search(turn, player, game)
        return is_new, turn.events

    def cancel_quick_match(self, player_id: PlayerId, now: float) -> tuple[bool, list[RoomEvent]]:
        """Remove a player from the queue; return False if they are not in it."""
        with self._turn(now, player_id) as turn:
            did_wait = self._matchmaking.leave(turn, player_id, "cancelled")
        return did_wait, turn.events

    # Facts of presence

    def player_changed(
        self, player_id: PlayerId, player: Player | None, reason: Reason, now: float
    ) -> list[RoomEvent]:
        """A player's status, over all their sessions, changed. `player` is None if they have no
        session left."""
        seats = self._tables.seats_of(player_id)
        if not seats and player_id not in self.waiting:
            return []  # nearly always, and thousands of times when a crowd leaves
        with self._turn(now, player_id) as turn:
            status = Status.OFFLINE if player is None else player.status
            if not status.may_be_active:
                self._matchmaking.leave(turn, player_id, "away")
            elif player_id in self.waiting:
                self._matchmaking.serve(turn)
                seats = self._tables.seats_of(player_id)
            for room, number in seats:
                with turn.at(room):
                    self._status_changed(turn, room, number, player, reason)
        return turn.events

    # The fact that time has passed

    def expire(self, now: float, limit: int) -> list[RoomEvent]:
        """Handle what is due at `now`, in at most `limit` rooms, and for as many players who wait
        for others; the rest stays due."""
        with self._turn(now) as turn:
            for room in self._tables.deadlines.pop_due(now, limit):
                try:
                    self._look_at(turn, room)
                except Exception as error:
                    # The events and deadlines of the others must not be lost, nor its own.
                    if not room.is_closed:
                        self._tables.deadlines.arm(room, now + _RETRY)
                    self._on_error(error, room)
            self._matchmaking.expire(turn, limit)
        return turn.events

    # Restarts

    def restore(self, room: Room, now: float) -> list[RoomEvent]:
        """Take over a room of the last process. Its players are absent as after a drop; the time
        since is not counted."""
        with self._turn(now) as turn, turn.at(room):
            self._tables.restore(turn, room)
            if room.running is not None:
                room.running.resume(now)
        return turn.events

    # Turns

    def _turn(self, now: float, by: PlayerId | None = None) -> Turn:
        return Turn(now, by, self._follow_up)

    def _go(
        self,
        player_id: PlayerId,
        room_id: str,
        now: float,
        go: Callable[[Turn, Room, int], None],
    ) -> list[RoomEvent]:
        """A spectator or seated player goes: remove the former, call `go` for the latter's seat."""
        with self._turn(now, player_id) as turn:
            room = self.all.get(RoomId(room_id))
            if room is not None:
                with turn.at(room):
                    room.remove_spectator(player_id)
                    number = room.seat_of(player_id)
                    if number is not None:
                        go(turn, room, number)
        return turn.events

    def _seat_to_join(
        self, turn: Turn, room: Room, player: Player, number: int | None, *, spectate: bool
    ) -> int | None:
        own = room.seat_of(player.id)
        if own is None:
            if spectate:
                return None
            own = self._tables.take_seat(turn, room, player, number)
            if own is not None:
                self._matchmaking.leave(turn, player.id, "cancelled")
        elif not room.seats[own].is_playing:
            if spectate:
                self._tables.vacate(turn, room, own)
                return None
            if number is not None and number != own:
                return self._tables.change_seat(room, own, number)
        return own

    def _status_changed(
        self, turn: Turn, room: Room, number: int, player: Player | None, reason: Reason
    ) -> None:
        seat, now = room.seats[number], turn.now
        status = Status.OFFLINE if player is None else player.status
        signs_out_at = NEVER
        if player is not None and status is Status.WARNED:
            left = (session.expires_in(self._policy, now) for session in player.sessions)
            signs_out_at = now + max(left, default=0.0)
        room.set_presence(number, player, signs_out_at)
        if status is Status.OFFLINE:
            room.depart(number, now, has_left=reason in LEAVING)
            if not seat.is_playing:
                self._tables.vacate(turn, room, number)
        elif status is Status.ACTIVE and reason is Reason.ACTIVITY:
            # A connection is not enough: the player must touch something to be back.
            self._play.end_brb(turn, room, number)
        if not seat.is_playing:
            self._tables.vacate_if_gone(turn, room, number)

    def _look_at(self, turn: Turn, room: Room) -> None:
        with turn.at(room):
            if room.running is not None:
                self._play.tick(turn, room, room.running)
            if room.seats_due <= turn.now:
                self._look_at_seats(turn, room)

    def _look_at_seats(self, turn: Turn, room: Room) -> None:
        # In the order in which they were due: the first to resign, or to be silent, has lost.
        for number, seat, _ in sorted(room.taken(), key=lambda each: each[1].next_due()):
            match = room.running
            if seat.reserved_until <= turn.now:
                self._tables.vacate(turn, room, number)
            elif seat.is_brb and not seat.brb_for(turn.now):
                self._play.end_brb(turn, room, number)
            elif match is None or not seat.is_playing:
                self._tables.vacate_if_gone(turn, room, number)
            else:
                self._play.look_at_seat(turn, room, match, number)
            room.mark()
        if room.closes_at() <= turn.now:
            self._play.resign_leavers(turn, room)
            self._play.break_off(turn, room, "abandoned")
            self._tables.close(turn, room, "idle" if room.has_people() else "empty")


def _robots_for(game: AnyGame, bots: int, level: Level | None, *, is_alone: bool) -> list[Robot]:
    """Return the robots that a player wants. Raises CommandRefused: no_bots, invalid."""
    if is_alone and not game.plays_alone:
        raise CommandRefused("invalid", "This game is not for one player alone.")
    if is_alone and bots:
        raise CommandRefused("invalid", "One plays alone or with bots.")
    if not bots:
        return []
    if not game.levels:
        raise CommandRefused("no_bots", "This game has no bots.")
    most = most_robots(game)
    if not 0 < bots <= most:
        raise CommandRefused("invalid", f"In this game one plays with 1 to {most} bots.")
    if level is None:
        level = game.levels[len(game.levels) // 2]
    if level not in game.levels:
        raise CommandRefused("invalid", f"The bots of this game are: {', '.join(game.levels)}.")
    return robots(bots, level)


def _is_there(room: Room, player: Player, number: int | None, *, spectate: bool) -> bool:
    """Return True if a player has the place already that they ask for with these arguments of
    `Rooms.join`."""
    own = room.seat_of(player.id)
    if own is None:
        return spectate and player.id in room.spectators
    seat = room.seats[own]
    return seat.is_here and (seat.is_playing or (not spectate and number in (None, own)))


class _FollowUp:
    """What follows from any fact: see `turn.FollowUp`."""

    def __init__(self, tables: Tables, play: Play, matchmaking: Matchmaking) -> None:
        self._tables = tables
        self._play = play
        self._matchmaking = matchmaking
        self.fail = play.fail

    def conclude(self, turn: Turn) -> None:
        self._matchmaking.serve_if_possible(turn)

    def settle(self, turn: Turn, room: Room) -> None:
        """Draw the conclusions for a room, and arm its deadline."""
        try:
            self._settle(turn, room)
            if room.running is not None and not room.is_closed:
                self._play.ask_robots(turn, room, room.running)
        except GameFailed as error:
            self._play.fail(turn, room, error)
        self._matchmaking.note(room)
        if room.is_closed:
            return
        due = room.seats_due
        match = room.running
        if match is not None:
            due = min(due, match.next_tick(), match.next_bot(turn.now))
        if due != NEVER:
            self._tables.deadlines.arm(room, due)

    def _settle(self, turn: Turn, room: Room) -> None:
        match = room.match
        if room.is_closed:
            return
        if match is not None and match.outcome is not None and not match.is_end_published:
            self._play.publish_end(turn, room, match)
            self._tables.vacate_after_match(turn, room)
        if not room.is_changed:
            return
        if room.is_left_to_robots:
            self._play.break_off(turn, room, "abandoned")
            self._tables.close(turn, room, "empty")
            return
        room.count_presence(turn.now)
        if room.begins_by_itself(turn.now):
            self._play.begin(turn, room)
        is_to_keep, is_urgent = room.settle(turn.now)
        self._tables.findable.note(room)
        self._tables.holdings.note(room)
        turn.tell(RoomUpdated(room.id, turn.now, is_to_keep, is_urgent, turn.by))
