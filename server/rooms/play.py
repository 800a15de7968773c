"""The actions of players in matches, and the rules for players who do not act."""

from collections.abc import Callable
from typing import Any

import msgspec

from server.base.ids import MatchId
from server.base.units import NEVER, in_digits, to_wait
from server.games.game import Outcome, Silence
from server.presence.session import Player
from server.rooms.chat import Notice
from server.rooms.errors import CommandRefused, GameFailed
from server.rooms.events import BotAsked, MatchEnded, MatchStarted, PlayerAsked
from server.rooms.match import Match
from server.rooms.room import Room
from server.rooms.tables import Tables
from server.rooms.turn import Turn
from server.rooms.view import in_seconds


class Play:
    """Matches, from their beginning to their outcome."""

    def __init__(
        self,
        tables: Tables,
        new_match_id: Callable[[], MatchId],
        new_seed: Callable[[], str],
        on_error: Callable[[Exception, Room], None],
    ) -> None:
        self._tables = tables
        self._on_error = on_error
        self._limits = tables.limits
        self._new_match_id = new_match_id
        self._new_seed = new_seed

    # What players do

    def start(self, turn: Turn, room: Room, player: Player) -> None:
        """Begin the first match, or vote for the next one. Raises CommandRefused: not_seated,
        not_allowed, not_host, too_few, too_soon."""
        number = _own_seat(room, player)
        if room.running is not None:
            raise CommandRefused("not_allowed", "A match is running already.")
        if room.state == "open" and room.host != player.id:
            raise CommandRefused("not_host", "The host begins the match.")
        if len(room.present()) < room.least:
            raise CommandRefused("too_few", f"It takes {room.least} players who are here.")
        self._tables.check_beginning(player.id, turn.now)
        is_hosts = room.host == player.id and not room.game.starts_when_full
        with turn.at(room):
            room.want_more(number)
            if room.state == "open" or is_hosts:
                self.begin(turn, room)

    def act(self, turn: Turn, room: Room, player: Player, action: Any) -> None:
        """Apply a game action. Raises CommandRefused: not_seated, no_match, invalid,
        not_allowed, too_soon."""
        number, match = _own_match(room, player)
        self._tables.check_move(player.id, turn.now)
        seat, waited_for = room.seats[number], match.waits_for
        was_bot, was_asked = seat.is_bot, seat.is_asked
        with turn.at(room):
            match.act(number, action, turn.now)
            turn.advanced(room, match)
            if was_asked:
                self._end_pulse(room, number)
            self.end_brb(turn, room, number)
            # In a match that ticks, every action only restarts a clock: that is not published.
            if not match.is_ticking or was_bot or was_asked or match.waits_for is not waited_for:
                room.mark()

    def claim(self, turn: Turn, room: Room, player: Player, result: str) -> None:
        """End a match that waits for players who dropped out. Raises CommandRefused: not_seated,
        no_match, invalid, not_allowed, too_soon."""
        number, match = _own_match(room, player)
        if result not in ("win", "draw"):
            raise CommandRefused("invalid", "One claims a win or a draw.")
        if not room.game.policy.may_claim:
            raise CommandRefused("not_allowed", "In this game nobody claims: it goes on by itself.")
        claimable = room.claimable_at()
        if result == "draw" and match.size > 2:
            raise CommandRefused(
                "not_allowed", "With more than two players nobody calls it a draw."
            )
        if number in match.waits_for or claimable == NEVER:
            raise CommandRefused("not_allowed", "The match does not wait for anybody who is gone.")
        if turn.now < claimable:
            raise CommandRefused(
                "too_soon", f"They may come back for {to_wait(claimable - turn.now)} s."
            )
        with turn.at(room):
            for each in match.waits_for if result == "win" else ():
                if match.outcome is None:
                    match.drop_out(each, "claimed", turn.now)
            if result == "draw":
                match.end(Outcome((), "claimed"), number, turn.now)
            turn.advanced(room, match)
            room.mark()

    def pulse(self, turn: Turn, room: Room, player: Player, number: int) -> None:
        """Ask the player of a seat whether they are there. Raises CommandRefused: not_seated,
        no_match, not_allowed, too_soon."""
        own, match = _own_match(room, player)
        if number == own or number not in match.waits_for:
            raise CommandRefused("not_allowed", "The match does not wait for that player.")
        seat, now, limits = room.seats[number], turn.now, self._limits
        asked = seat.player
        if seat.is_robot:
            raise CommandRefused("not_allowed", "It is a bot, which is always there.")
        if asked is None or not seat.is_here or seat.is_bot or seat.brb_for(now):
            raise CommandRefused("not_allowed", "It is known already that they are not there.")
        if now < seat.asked_at + limits.between_pulses:
            between = f"{in_digits(limits.between_pulses)} s"
            raise CommandRefused("too_soon", f"They are asked once in {between} at the most.")
        if now < seat.waited_since + limits.thinking:
            raise CommandRefused("too_soon", "It has just become their turn: give them a moment.")
        time = room.game.policy.pulse_time
        with turn.at(room):
            room.ask(number, player.name, now)
            self._tables.awaited.add(asked.id)
            turn.tell(PlayerAsked(room.id, asked.id, player.name, time, now))

    def answer_pulse(self, turn: Turn, room: Room, number: int) -> None:
        """The player of a seat was active: they are there, and back."""
        with turn.at(room):
            self._end_pulse(room, number)
            self.end_brb(turn, room, number)

    def check_brb(self, room: Room, player: Player, seconds: float, now: float) -> int:
        """Return the seat of a player who wants to say "be right back". Raises CommandRefused:
        not_seated, no_match, budget_spent."""
        number, _ = _own_match(room, player)
        seat = room.seats[number]
        left = seat.brb_left + seat.brb_for(now)
        if seconds > 0 and left < self._limits.least_brb:
            raise CommandRefused("budget_spent", 'You have no "be right back" left in this match.')
        return number

    def brb(self, turn: Turn, room: Room, player: Player, seconds: float) -> float:
        """Begin a "be right back"; return the seconds granted. 0 seconds: the player is back.
        Raises CommandRefused: see `check_brb`."""
        number = self.check_brb(room, player, seconds, turn.now)
        granted = 0.0
        with turn.at(room):
            self.end_brb(turn, room, number)
            granted = min(seconds, room.seats[number].brb_left)
            if granted > 0:
                self._end_pulse(room, number)
                room.begin_brb(number, turn.now, granted)
        return granted

    def end_brb(self, turn: Turn, room: Room, number: int) -> None:
        """End the "be right back" of the player of a seat, if there is one."""
        match = room.running
        if not room.seats[number].is_brb:
            return
        room.end_brb(number, turn.now)
        if match is not None and not room.game.policy.brb_waits:
            match.come_back(number, turn.now)
            turn.advanced(room, match)

    def cut_off(self, turn: Turn, room: Room, number: int, *, has_left: bool) -> None:
        """The last connection of a seated player to the room closed."""
        room.depart(number, turn.now, has_left=has_left)
        # A player who is cut off cannot answer: the rules for absence apply from now on.
        self._end_pulse(room, number)
        if room.running is not None and room.seats[number].is_playing:
            room.running.cut_off(number, turn.now)

    def leave(self, turn: Turn, room: Room, number: int) -> None:
        """The player of a seat leaves the running match."""
        self.end_brb(turn, room, number)
        room.leave_match(number, turn.now)

    # Time

    def tick(self, turn: Turn, room: Room, match: Match) -> None:
        """Run the ticks and bot moves that are due in a match."""
        waited_for, due = match.waits_for, match.next_tick()
        if match.tick(turn.now):
            turn.advanced(room, match, turn.now - due if due <= turn.now else None)
            if match.waits_for is not waited_for or not match.is_ticking:
                room.mark()

    def look_at_seat(self, turn: Turn, room: Room, match: Match, number: int) -> None:
        """Handle what is due for a player of the running match."""
        seat, now = room.seats[number], turn.now
        player = seat.player
        assert player is not None
        if seat.resigns_at <= now:
            self.resign(turn, room, match, number)
        elif seat.asked_until <= now:
            was_there = player.last_activity > seat.asked_at
            self._end_pulse(room, number)
            if not was_there:
                self._silence(turn, room, match, number)
        elif seat.runs_out_at <= now:
            self._silence(turn, room, match, number)

    def resign(self, turn: Turn, room: Room, match: Match, number: int) -> None:
        """A player who left the match is out of it."""
        player = room.seats[number].player
        match.drop_out(number, "resigned", turn.now)
        turn.advanced(room, match)
        if player is not None:
            turn.note(room, "resigned", player.name, number)

    def resign_leavers(self, turn: Turn, room: Room) -> None:
        """Before the room closes: resign for players who are leaving the match."""
        for number, seat, _ in sorted(room.taken(), key=lambda each: each[1].resigns_at):
            match = room.running
            if match is not None and seat.is_playing and seat.is_leaving:
                self.resign(turn, room, match, number)

    def _end_pulse(self, room: Room, number: int) -> None:
        """End the pulse check of a seat, if there is one."""
        room.end_pulse(number)
        player = room.seats[number].player
        if player is not None:
            self._tables.awaited.discard(player.id)

    def _silence(self, turn: Turn, room: Room, match: Match, number: int) -> None:
        seat = room.seats[number]
        player = seat.player
        assert player is not None
        costs_nothing = seat.brb_for(turn.now) > 0
        match.run_out(number, turn.now)
        turn.advanced(room, match)
        if costs_nothing or match.outcome is not None:
            return
        notice: Notice = "out" if seat.is_gone else "bot" if seat.is_bot else "skipped"
        turn.note(room, notice, player.name, number)
        if seat.is_gone and seat.is_here and match.game.policy.silence is Silence.SPECTATE:
            room.add_spectator(player)

    def ask_robots(self, turn: Turn, room: Room, match: Match) -> None:
        """Have the robots think that the match waits for, since the last call. Raises
        GameFailed."""
        for number in match.take_asked():
            robot = room.seats[number].robot
            assert robot is not None
            time = match.running_time(turn.now)
            view = msgspec.json.encode(in_seconds(match.view(number), time)).decode()
            turn.tell(
                BotAsked(
                    room.id,
                    match.id,
                    room.game.name,
                    match.step,
                    number,
                    robot.level,
                    view,
                    time,
                    turn.now,
                )
            )

    # From the beginning to the end

    def begin(self, turn: Turn, room: Room) -> None:
        """Begin a match of the players who are here; they get the first seats, in order."""
        players = tuple((player.id, player.name) for player in room.move_up())
        ordinal = 1 if room.match is None else room.match.ordinal + 1
        match = Match(
            self._new_match_id(),
            self._new_seed(),
            ordinal,
            room.game,
            room.seats,
            players,
            turn.now,
            room.limits,
        )
        room.begin(match)
        # First, as the game may fail, and the end of its match is told.
        turn.tell(
            MatchStarted(
                room.id, match.id, ordinal, room.game.name, room.is_private, players, turn.now
            )
        )
        match.start(turn.now)

    def publish_end(self, turn: Turn, room: Room, match: Match) -> None:
        """Publish the end of a match. The caller frees the seats."""
        if match.moves:
            turn.advanced(room, match)
        outcome = match.take_outcome()
        turn.tell(
            MatchEnded(
                room.id,
                match.id,
                match.ordinal,
                match.game.name,
                room.is_private,
                match.players,
                match.seed,
                match.began,
                match.time(match.ended_at),
                match.step,
                outcome,
                match.ended_by,
                match.ended_at,
            )
        )

    def break_off(self, turn: Turn, room: Room, reason: str) -> None:
        """Before the room closes: end its match, unless its end was published."""
        match = room.match
        if match is None or match.is_end_published:
            return
        if match.outcome is None:
            match.end(Outcome((), reason), None, turn.now)
        self.publish_end(turn, room, match)

    def fail(self, turn: Turn, room: Room, error: GameFailed) -> None:
        """The game of a room failed: end its match and close the room."""
        if room.is_closed:
            return
        cause = error.__cause__
        self.break_off(turn, room, "failed")
        words = f"{type(cause).__name__}: {cause}" if cause is not None else str(error)
        self._tables.close(turn, room, "failed", words[: self._limits.error_length])
        self._on_error(error, room)


def _own_seat(room: Room, player: Player) -> int:
    number = room.seat_of(player.id)
    if number is None or not room.seats[number].is_here:
        raise CommandRefused("not_seated", "Only for those who have a seat in this room: join it.")
    return number


def _own_match(room: Room, player: Player) -> tuple[int, Match]:
    number, match = _own_seat(room, player), room.running
    if match is None:
        raise CommandRefused("no_match", "No match is running.")
    if not room.seats[number].is_playing:
        raise CommandRefused("not_seated", "You are not in this match.")
    return number, match
