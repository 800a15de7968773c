"""All rooms: who sits where, and what happens. Takes facts, returns events; `now` is presence time.

A fact about a player (they join, act, drop out, come back) or about time (`expire`) changes one
room. Every such method ends in `_settle`, which draws the conclusions that hold whatever the fact
was: a match that is over, a host who is not there, a room that closes, and when to look again.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from types import MappingProxyType
from typing import Any

from server.base.deadlines import Deadlines
from server.base.ids import MatchId, PlayerId, RoomId
from server.games.catalogue import AnyGame
from server.games.game import Outcome, Silence
from server.presence.policy import Policy
from server.presence.session import LONG_AGO, NEVER, Player
from server.presence.status import LEAVING, Reason, Status
from server.rooms.errors import GameFailed, Refused
from server.rooms.events import (
    LineSaid,
    MatchAdvanced,
    MatchEnded,
    MatchStarted,
    PlayerAsked,
    PlayerMatched,
    QueueChanged,
    RoomChanged,
    RoomClosed,
    RoomEvent,
    RoomOpened,
)
from server.rooms.match import SKIP_AFTER, Match, is_clock_shown
from server.rooms.queue import Queue
from server.rooms.room import Room

RESERVED_FOR = 15.0
"""Seconds for which a seat is kept for somebody who has yet to come into the room."""

MOST_ROOMS = 5000
MOST_MADE = 3
"""Rooms of one player's making that are open at a time."""

MOST_MADE_A_MINUTE = 10
"""Each is a row in the database, for ever."""

MOST_SOUGHT_A_MINUTE = 20
"""Times that a player may begin to look for others: each may be a room as well."""

BETWEEN_PULSES = 60.0
"""Seconds between two pulse checks of the same player."""

THINKING = 10.0
"""Seconds for which nobody is asked whether they are there: they have just been given the turn."""


class Rooms:
    """Every room there is. One instance a process."""

    def __init__(
        self,
        games: Mapping[str, AnyGame],
        policy: Policy,
        new_room_id: Callable[[], RoomId],
        new_match_id: Callable[[], MatchId],
        new_seed: Callable[[], str],
    ) -> None:
        self.games = games
        self._policy = policy
        self._new_room_id = new_room_id
        self._new_match_id = new_match_id
        self._new_seed = new_seed
        self._rooms: dict[RoomId, Room] = {}
        self._seated: dict[PlayerId, Room] = {}
        self._asked: set[PlayerId] = set()
        self._queue = Queue()
        # Who opened a room in the last minute, and when.
        self._made: deque[tuple[float, PlayerId]] = deque()
        # Who has begun to look for others in the last minute, and when.
        self._sought: deque[tuple[float, PlayerId]] = deque()
        self._deadlines: Deadlines[Room] = Deadlines()

    # What is known

    @property
    def all(self) -> Mapping[RoomId, Room]:
        return MappingProxyType(self._rooms)

    @property
    def asked(self) -> set[PlayerId]:
        """Players of whom somebody wants to know whether they are there: see `heard`."""
        return self._asked

    @property
    def queue(self) -> Queue:
        return self._queue

    @property
    def is_full(self) -> bool:
        """Whether there are as many rooms as there can be."""
        return len(self._rooms) >= MOST_ROOMS

    def find(self, room_id: str) -> Room:
        """Raises Refused."""
        room = self._rooms.get(RoomId(room_id))
        if room is None:
            raise Refused("no_such_room", "There is no such room, or it has closed.")
        return room

    def room_of(self, player_id: PlayerId) -> Room | None:
        """Where a player has a seat."""
        return self._seated.get(player_id)

    def next_deadline(self) -> float | None:
        """When to call `expire` next; None: nothing will happen by itself."""
        return self._deadlines.next_due()

    # Rooms

    def open(
        self, player: Player, game: str, now: float, *, is_private: bool = False
    ) -> tuple[Room, list[RoomEvent]]:
        """A new room, with a seat kept for `player`. Raises Refused."""
        rules = self._game(game)
        if sum(room.made_by == player.id for room in self._rooms.values()) >= MOST_MADE:
            detail = (
                f"{MOST_MADE} rooms of your making are open: one closes soon after all have left."
            )
            raise Refused("too_many_rooms", detail)
        if _count(self._made, player.id, now) >= MOST_MADE_A_MINUTE:
            detail = f"{MOST_MADE_A_MINUTE} rooms a minute are enough: try again in a while."
            raise Refused("too_many_rooms", detail)
        if self.is_full:
            detail = "There are as many rooms as there can be; join one, or try again later."
            raise Refused("too_many_rooms", detail)
        events: list[RoomEvent] = []
        self._vacate_elsewhere(player, None, now, events)
        self._made.append((now, player.id))
        self._unqueue(player.id, "cancelled", now, events)
        room = self._open(rules, player.id, now, events, is_private=is_private)
        self._reserve(room, player, now)
        self._settle(room, now, events)
        return room, events

    def join(
        self,
        player: Player,
        room_id: str,
        now: float,
        *,
        seat: int | None = None,
        spectate: bool = False,
    ) -> tuple[int | None, list[RoomEvent]]:
        """`player` comes into a room; returns their seat, None: they watch. Raises Refused."""
        room = self.find(room_id)
        events: list[RoomEvent] = []
        own = room.seat_of(player.id)
        if own is None and not spectate:
            own = self._take_seat(room, player, seat, now, events)
        elif own is not None and not room.seats[own].is_playing:
            if spectate:
                self._vacate(room, own, now, events)
                own = None
            elif seat is not None and seat != own:
                own = self._change_seat(room, own, seat)
        if own is None:
            if player.id not in room.spectators:
                room.spectators[player.id] = player
                room.is_changed = True
        else:
            self._arrive(room, own, player, now, events)
        self._settle(room, now, events)
        return own, events

    def leave(self, player: Player, room_id: str, now: float) -> list[RoomEvent]:
        """`player` leaves on purpose. From a match they are out after `leave_grace`."""
        room = self._rooms.get(RoomId(room_id))
        events: list[RoomEvent] = []
        if room is None:
            return events
        number = room.seat_of(player.id)
        if number is not None:
            record = room.seats[number]
            if record.is_playing:
                self._end_brb(room, number, now, events)
                record.depart(now, has_left=True)
                # Leaving again must not put it off.
                record.resigns_at = min(record.resigns_at, room.resigns_at(now))
                room.is_changed = True
            else:
                self._vacate(room, number, now, events)
        self._stop_watching(room, player.id)
        self._settle(room, now, events)
        return events

    def went(self, player: Player, room_id: str, now: float, *, has_left: bool) -> list[RoomEvent]:
        """The last connection of `player` to a room is gone. `has_left`: the page was closed."""
        room = self._rooms.get(RoomId(room_id))
        events: list[RoomEvent] = []
        if room is None:
            return events
        number = room.seat_of(player.id)
        if number is not None:
            room.seats[number].depart(now, has_left=has_left)
            # Who is cut off cannot answer: from now on the rules for that hold.
            room.seats[number].asked_until = NEVER
            self._asked.discard(player.id)
            if room.running is not None and room.seats[number].is_playing:
                room.running.cut_off(number, now)
            room.is_changed = True
        self._stop_watching(room, player.id)
        self._settle(room, now, events)
        return events

    def say(self, player: Player, room_id: str, text: str, now: float) -> list[RoomEvent]:
        """Raises Refused."""
        room = self.find(room_id)
        if room.seat_of(player.id) is None and player.id not in room.spectators:
            raise Refused("not_here", "Only those who are in the room talk in it: join it.")
        return [LineSaid(room, room.chat.say(player.id, player.name, text, now), now)]

    # Matches

    def start(self, player: Player, room_id: str, now: float) -> list[RoomEvent]:
        """Begin the first match, or want the next one. Raises Refused."""
        room = self.find(room_id)
        number = self._own_seat(room, player)
        if room.running is not None:
            raise Refused("not_allowed", "A match is running already.")
        present = room.present()
        if room.state == "open" and room.host != player.id:
            raise Refused("not_host", "The host begins the match.")
        if len(present) < room.game.least:
            detail = f"It takes {room.game.least} players who are here."
            raise Refused("too_few", detail)
        events: list[RoomEvent] = []
        room.seats[number].wants_more = True
        room.is_changed = True
        is_hosts = room.host == player.id and not room.game.starts_when_full
        if room.state == "open" or is_hosts:
            self._begin(room, now, events)
        self._settle(room, now, events)
        return events

    def act(self, player: Player, room_id: str, action: Any, now: float) -> list[RoomEvent]:
        """A game action. Raises Refused."""
        room = self.find(room_id)
        number, match = self._own_match(room, player)
        events: list[RoomEvent] = []
        record = room.seats[number]
        # Of a game in real time the clocks start anew all the time, and are seen only when low.
        shows = not match.is_ticking or record.is_bot or is_clock_shown(match, record, now)
        waited_for = match.waits_for
        with self._guarding(room, now, events):
            match.act(number, action, now)
            events.append(MatchAdvanced(room, match, now))
        self._end_brb(room, number, now, events)
        if shows or match.waits_for is not waited_for:
            room.is_changed = True
        self._settle(room, now, events)
        return events

    def claim(self, player: Player, room_id: str, result: str, now: float) -> list[RoomEvent]:
        """End a match that waits for those who have dropped out. Raises Refused."""
        room = self.find(room_id)
        number, match = self._own_match(room, player)
        if result not in ("win", "draw"):
            raise Refused("invalid", "One claims a win or a draw.")
        if not room.game.policy.may_claim:
            raise Refused("not_allowed", "In this game nobody claims: it goes on by itself.")
        claimable = room.claimable_at()
        if result == "draw" and match.size > 2:
            raise Refused("not_allowed", "With more than two players nobody calls it a draw.")
        if number in match.waits_for or claimable == NEVER:
            raise Refused("not_allowed", "The match does not wait for anybody who is gone.")
        if now < claimable:
            raise Refused("too_soon", f"They may come back for {claimable - now:.0f} s.")
        events: list[RoomEvent] = []
        with self._guarding(room, now, events):
            for each in match.waits_for if result == "win" else ():
                if match.outcome is None:
                    match.give_up(each, "claimed", now)
            if result == "draw":
                match.end(Outcome((), "claimed"), number, now)
            events.append(MatchAdvanced(room, match, now))
        room.is_changed = True
        self._settle(room, now, events)
        return events

    def pulse(self, player: Player, room_id: str, seat: int, now: float) -> list[RoomEvent]:
        """Ask the player in `seat` whether they are there. Raises Refused."""
        room = self.find(room_id)
        number, match = self._own_match(room, player)
        if seat == number or seat not in match.waits_for:
            raise Refused("not_allowed", "The match does not wait for that player.")
        record = room.seats[seat]
        asked = record.player
        if asked is None or not record.is_here or record.is_bot or record.brb_until > now:
            raise Refused("not_allowed", "It is known already that they are not there.")
        if now < record.asked_at + BETWEEN_PULSES:
            raise Refused("too_soon", f"They are asked once in {BETWEEN_PULSES:.0f} s at the most.")
        if now < record.waited_since + THINKING:
            raise Refused("too_soon", "It has just become their turn: give them a moment.")
        time = room.game.policy.pulse_time
        record.asked_at, record.asked_by, record.asked_until = now, player.name, now + time
        self._asked.add(asked.id)
        room.is_changed = True
        events: list[RoomEvent] = [PlayerAsked(room, asked, player.name, time, now)]
        self._settle(room, now, events)
        return events

    def heard(self, player: Player, now: float) -> list[RoomEvent]:
        """A player in `asked` has done something: they are there, and back."""
        self._asked.discard(player.id)
        room = self._seated.get(player.id)
        number = None if room is None else room.seat_of(player.id)
        events: list[RoomEvent] = []
        if room is not None and number is not None:
            room.seats[number].asked_until = NEVER
            self._end_brb(room, number, now, events)
            room.is_changed = True
            self._settle(room, now, events)
        return events

    def brb(
        self, player: Player, room_id: str, seconds: float, now: float
    ) -> tuple[float, list[RoomEvent]]:
        """`player` will be right back; returns the seconds granted. 0: they are. Raises Refused."""
        room = self.find(room_id)
        number, _ = self._own_match(room, player)
        record, policy = room.seats[number], room.game.policy
        events: list[RoomEvent] = []
        budget = record.brb_left + max(record.brb_until - now, 0.0)
        if seconds > 0 and budget < 1.0:
            raise Refused("budget_spent", 'You have no "be right back" left in this match.')
        self._end_brb(room, number, now, events)
        granted = min(seconds, record.brb_left)
        if granted > 0 and not room.is_closed:
            record.begin_brb(now, granted, NEVER if policy.brb_waits else now + SKIP_AFTER)
            self._asked.discard(player.id)
            room.is_changed = True
        self._settle(room, now, events)
        return granted, events

    # Quick match

    def quick_match(
        self, player: Player, game: str | None, now: float, *, cancel: bool = False
    ) -> list[RoomEvent]:
        """`player` looks for others, or no longer. Raises Refused."""
        events: list[RoomEvent] = []
        if cancel:
            self._unqueue(player.id, "cancelled", now, events)
            if not events:
                events.append(QueueChanged(player, game, 0, "cancelled", now))
            return events
        if game is not None:
            self._game(game)
        is_new = player.id not in self._queue.waiting
        if is_new and _count(self._sought, player.id, now) >= MOST_SOUGHT_A_MINUTE:
            detail = f"Looking {MOST_SOUGHT_A_MINUTE} times a minute is enough: wait a while."
            raise Refused("too_soon", detail)
        self._vacate_elsewhere(player, None, now, events)
        if is_new:
            self._sought.append((now, player.id))
        self._queue.enter(player, game)  # again: whoever waits keeps their place
        self._serve_queue(now, events)
        if player.id in self._queue.waiting:
            self._tell_queue(now, events)
        return events

    # What presence knows

    def player_changed(
        self, player_id: PlayerId, player: Player | None, reason: Reason, now: float
    ) -> list[RoomEvent]:
        """The status of a player, over all their sessions, changed. `player`: None if they have no
        session left."""
        events: list[RoomEvent] = []
        status = Status.OFFLINE if player is None else player.status
        if status not in (Status.ACTIVE, Status.RECONNECTING):
            self._unqueue(player_id, "away", now, events)
        elif player_id in self._queue.waiting:
            self._serve_queue(now, events)
        room = self._seated.get(player_id)
        if room is None:
            return events
        number = room.seat_of(player_id)
        assert number is not None
        record = room.seats[number]
        record.player = player or record.player
        record.signs_out_at = NEVER
        if player is not None and status is Status.WARNED:
            left = (session.expires_in(self._policy, now) for session in player.sessions)
            record.signs_out_at = now + max(left, default=0.0)
        elif status is Status.OFFLINE:
            record.depart(now, has_left=reason in LEAVING)
            if not record.is_playing:
                self._vacate(room, number, now, events)
        elif status is Status.ACTIVE and reason is Reason.ACTIVITY:
            # To be connected again is not to be back: they have yet to touch something.
            self._end_brb(room, number, now, events)
        if record.player is not None and not record.is_playing:
            self._free_if_gone(room, number, now, events)
        room.is_changed = True
        self._settle(room, now, events)
        return events

    # The fact that time has passed

    def expire(self, now: float, limit: int = 100) -> list[RoomEvent]:
        """Do what is due at `now`, in at most `limit` rooms; `next_deadline` tells of more."""
        events: list[RoomEvent] = []
        for room in self._deadlines.pop_due(now, limit):
            match = room.running
            if match is not None:
                with self._guarding(room, now, events):
                    self._advance(room, match, now, events)
            if room.seats_due <= now and not room.is_closed:
                self._look_at_seats(room, now, events)
            self._settle(room, now, events)
        return events

    # Restarts

    def restore(self, room: Room, now: float) -> list[RoomEvent]:
        """Take over a room that was open when the last process stopped. Whoever sat there is
        absent, and may come back as after a drop; the time since counts against nobody."""
        self._rooms[room.id] = room
        room.is_changed = True
        events: list[RoomEvent] = []
        for _, record, player in list(room.taken()):
            self._seated[player.id] = room
            record.reserved_until = NEVER
            record.depart(now, has_left=False)
            if record.brb_until > now:
                # No hold of their session tells any more when they are back.
                self._asked.add(player.id)
        match = room.running
        if match is not None:
            with self._guarding(room, now, events):
                match.resume(now)
        self._settle(room, now, events)
        return events

    # How a room changes

    def _advance(self, room: Room, match: Match, now: float, events: list[RoomEvent]) -> None:
        waited_for, due = match.waits_for, match.next_tick()
        if match.tick(now):
            events.append(MatchAdvanced(room, match, now, now - due if due <= now else None))
            if match.waits_for is not waited_for or not match.is_ticking:
                room.is_changed = True

    def _look_at_seats(self, room: Room, now: float, events: list[RoomEvent]) -> None:
        # In the order in which it was due: the first to resign, or to be silent, has lost.
        for number, record, player in sorted(room.taken(), key=lambda each: each[1].next_due()):
            match = room.running
            if record.reserved_until <= now:
                self._vacate(room, number, now, events)
            elif record.brb_until != LONG_AGO and record.brb_until <= now:
                self._end_brb(room, number, now, events)
            elif match is None or not record.is_playing:
                self._free_if_gone(room, number, now, events)
            elif record.resigns_at <= now:
                self._resign(room, match, number, now, events)
            elif record.asked_until <= now:
                was_there = player.last_activity > record.asked_at
                record.asked_until = NEVER
                self._asked.discard(player.id)
                if not was_there:
                    self._silence(room, match, number, now, events)
            elif record.move_until <= now:
                self._silence(room, match, number, now, events)
            room.is_changed = True
            if room.is_closed:
                return
        if room.closes_at() <= now and not room.is_closed:
            self._resign_leavers(room, now, events)
            if room.is_closed:
                return
            self._break_off(room, "abandoned", now, events)
            self._close(room, "idle" if room.present() else "empty", now, events)

    def _free_if_gone(self, room: Room, number: int, now: float, events: list[RoomEvent]) -> None:
        record = room.seats[number]
        player = record.player
        if player is None or record.grace_until(room.game.policy) > now:
            return
        if player.status is not Status.RECONNECTING:  # presence has a grace of its own
            self._vacate(room, number, now, events)

    def _silence(
        self, room: Room, match: Match, number: int, now: float, events: list[RoomEvent]
    ) -> None:
        record = room.seats[number]
        player = record.player
        assert player is not None
        costs_nothing = record.brb_until > now
        with self._guarding(room, now, events):
            match.run_out(number, now)
            events.append(MatchAdvanced(room, match, now))
        if costs_nothing or match.outcome is not None:
            return
        notice = "out" if record.is_gone else "bot" if record.is_bot else "skipped"
        self._note(room, notice, player.name, number, now, events)
        if record.is_gone and record.is_here and match.game.policy.silence is Silence.SPECTATE:
            room.spectators[player.id] = player

    def _resign_leavers(self, room: Room, now: float, events: list[RoomEvent]) -> None:
        """The room is about to close: players who are leaving a match are out of it at once."""
        for number, record, _ in sorted(room.taken(), key=lambda each: each[1].resigns_at):
            match = room.running
            if match is not None and record.is_playing and record.resigns_at != NEVER:
                self._resign(room, match, number, now, events)

    def _resign(
        self, room: Room, match: Match, number: int, now: float, events: list[RoomEvent]
    ) -> None:
        record = room.seats[number]
        record.resigns_at = NEVER
        with self._guarding(room, now, events):
            match.give_up(number, "resigned", now)
            events.append(MatchAdvanced(room, match, now))
        if record.player is not None and not room.is_closed:
            self._note(room, "resigned", record.player.name, number, now, events)

    def _begin(self, room: Room, now: float, events: list[RoomEvent]) -> None:
        """Those who are there begin; they get the first seats, in the order in which they sit."""
        room.seats.sort(key=lambda record: not record.is_here)  # stable
        playing = [record for record in room.seats if record.is_here]
        matches = 1 if room.match is None else room.match.number + 1
        players = tuple(
            (record.player.id, record.player.name)
            for record in playing
            if record.player is not None
        )
        match = Match(
            self._new_match_id(), self._new_seed(), matches, room.game, room.seats, players, now
        )
        for record in room.seats:
            record.begin(room.game.policy.brb_budget, plays=record in playing)
        for number, record in enumerate(room.seats):
            record.views_as = number if record.plays else None
        room.match = match
        room.is_changed = True
        with self._guarding(room, now, events):
            match.start(now)
            events.append(MatchStarted(room, match, now))

    def _settle(self, room: Room, now: float, events: list[RoomEvent]) -> None:
        """Whatever happened: what follows from it, and when to look again."""
        if room.is_closed:
            return
        match = room.match
        if match is not None and match.outcome is not None and not match.is_finished:
            self._finish(room, match, now, events)
        if room.is_changed:
            self._settle_seats(room, now, events)
        if room.is_closed:
            return
        due = room.seats_due
        match = room.running
        if match is not None:
            due = min(due, match.next_tick(), match.bot_due)
        if due != NEVER:
            self._deadlines.arm(room, due)

    def _settle_seats(self, room: Room, now: float, events: list[RoomEvent]) -> None:
        has_enough = room.state == "open" and len(room.present()) >= room.game.least
        room.enough_since = min(room.enough_since, now) if has_enough else NEVER
        if room.begins_by_itself(now):
            self._begin(room, now, events)
            if room.is_closed:
                return
        room.host = room.choose_host(now)
        if room.is_kept_open():
            room.quiet_since = room.empty_since = NEVER
        else:
            room.quiet_since = min(room.quiet_since, now)
            room.empty_since = NEVER if room.present() else min(room.empty_since, now)
        room.is_changed = False
        events.append(RoomChanged(room, now))
        room.seats_due = room.next_look(now)
        if self._queue.waiting and room.can_be_found():
            self._serve_queue(now, events)

    def _finish(self, room: Room, match: Match, now: float, events: list[RoomEvent]) -> None:
        """A match has just ended. Whoever is gone loses the seat."""
        match.is_finished = True
        events.append(MatchEnded(room, match, now))
        for number, record, player in list(room.taken()):
            is_spectator = record.is_gone and player.id in room.spectators
            self._asked.discard(player.id)
            record.begin(0.0, plays=False)
            if is_spectator or record.resigns_at != NEVER or player.status is Status.OFFLINE:
                self._vacate(room, number, now, events)
            else:
                self._free_if_gone(room, number, now, events)
        room.is_changed = True

    @contextmanager
    def _guarding(self, room: Room, now: float, events: list[RoomEvent]) -> Iterator[None]:
        """A game that breaks down in here takes its room with it, and no other."""
        try:
            yield
        except GameFailed as error:
            self.fail(room, error, now, events)

    def fail(self, room: Room, error: GameFailed, now: float, events: list[RoomEvent]) -> None:
        """The game of a room has broken down: its match is over, and the room closes."""
        if room.is_closed:
            return
        self._break_off(room, "failed", now, events)
        self._close(room, "failed", now, events, error.__cause__)

    @staticmethod
    def _break_off(room: Room, reason: str, now: float, events: list[RoomEvent]) -> None:
        """The room is about to close: its match has ended, be it only just now or by that."""
        match = room.match
        if match is None or match.is_finished:
            return
        if match.outcome is None:
            match.end(Outcome((), reason), None, now)
        match.is_finished = True
        events.append(MatchEnded(room, match, now))

    # Seats

    def _take_seat(
        self,
        room: Room,
        player: Player,
        seat: int | None,
        now: float,
        events: list[RoomEvent],
    ) -> int | None:
        number = room.first_free() if seat is None else seat
        if number is None:
            return None
        if not 0 <= number < len(room.seats):
            raise Refused("invalid", f"The seats are numbered from 0 to {len(room.seats) - 1}.")
        if not room.seats[number].is_free:
            raise Refused("seat_taken", "Somebody else has this seat.")
        self._vacate_elsewhere(player, room, now, events)
        self._unqueue(player.id, "cancelled", now, events)
        room.seats[number].clear()
        self._seat(room, number, player)
        self._note(room, "joined", player.name, number, now, events)
        return number

    def _change_seat(self, room: Room, own: int, seat: int) -> int:
        if not 0 <= seat < len(room.seats) or not room.seats[seat].is_free:
            raise Refused("seat_taken", "Somebody else has this seat.")
        if room.running is not None and (seat < room.running.size or room.seats[own].plays):
            raise Refused("seat_taken", "The seats of the running match stay as they are.")
        room.seats[seat], room.seats[own] = room.seats[own], room.seats[seat]
        room.is_changed = True
        return seat

    def _arrive(
        self, room: Room, number: int, player: Player, now: float, events: list[RoomEvent]
    ) -> None:
        record = room.seats[number]
        room.spectators.pop(player.id, None)
        was_reserved = record.reserved_until != NEVER
        if record.is_here and record.player is player:
            return
        record.arrive(player)
        if was_reserved:
            self._note(room, "joined", player.name, number, now, events)
        room.is_changed = True

    def _reserve(self, room: Room, player: Player, now: float) -> None:
        number = room.first_free()
        assert number is not None
        self._seat(room, number, player)
        room.seats[number].reserved_until = now + RESERVED_FOR
        room.is_changed = True

    def _seat(self, room: Room, number: int, player: Player) -> None:
        room.seats[number].player = player
        self._seated[player.id] = room
        room.is_changed = True

    def _vacate(self, room: Room, number: int, now: float, events: list[RoomEvent]) -> None:
        record = room.seats[number]
        player = record.player
        assert player is not None
        was_reserved = record.reserved_until != NEVER
        record.clear()
        self._seated.pop(player.id, None)
        self._asked.discard(player.id)
        room.is_changed = True
        if not was_reserved:
            self._note(room, "left", player.name, number, now, events)

    def _vacate_elsewhere(
        self, player: Player, room: Room | None, now: float, events: list[RoomEvent]
    ) -> None:
        """One sits in one room at a time, and does not get up from a running match for another."""
        other = self._seated.get(player.id)
        if other is None or other is room:
            return
        number = other.seat_of(player.id)
        assert number is not None
        record = other.seats[number]
        if record.is_playing:
            detail = "You are in a running match in another room: end it, or leave it, first."
            if record.resigns_at != NEVER:
                left = max(ceil(record.resigns_at - now), 1)
                detail = f"You have left a match in another room, and are out of it in {left} s."
            raise Refused("already_seated", detail)
        self._vacate(other, number, now, events)
        self._settle(other, now, events)

    def _end_brb(self, room: Room, number: int, now: float, events: list[RoomEvent]) -> None:
        record, match = room.seats[number], room.running
        if record.brb_until == LONG_AGO:
            return
        waits = room.game.policy.brb_waits
        record.end_brb(now, waits=waits)
        room.is_changed = True
        if match is not None and not waits:
            with self._guarding(room, now, events):
                match.come_back(number, now)
                events.append(MatchAdvanced(room, match, now))

    def _stop_watching(self, room: Room, player_id: PlayerId) -> None:
        if room.spectators.pop(player_id, None) is not None:
            room.is_changed = True

    def _note(
        self, room: Room, notice: str, name: str, seat: int, now: float, events: list[RoomEvent]
    ) -> None:
        line = room.chat.note(notice, now, name, seat)
        if line is not None:
            events.append(LineSaid(room, line, now))

    # Opening and closing

    def _open(
        self,
        game: AnyGame,
        made_by: PlayerId,
        now: float,
        events: list[RoomEvent],
        *,
        is_private: bool,
    ) -> Room:
        room = Room(self._new_room_id(), game, now, is_private=is_private, made_by=made_by)
        self._rooms[room.id] = room
        events.append(RoomOpened(room, now))
        return room

    def _close(
        self,
        room: Room,
        reason: str,
        now: float,
        events: list[RoomEvent],
        error: BaseException | None = None,
    ) -> None:
        room.is_closed = True
        self._deadlines.disarm(room)
        del self._rooms[room.id]
        for _, _, player in room.taken():
            self._seated.pop(player.id, None)
            self._asked.discard(player.id)
        events.append(RoomClosed(room, reason, now, error))

    # Quick match

    def _serve_queue(self, now: float, events: list[RoomEvent]) -> None:
        full: set[str | None] = set()  # games of which no room has a free seat
        for waiting in list(self._queue.waiting.values()):
            is_waiting = waiting.player.id in self._queue.waiting
            if waiting.game in full or not is_waiting or waiting.player.status is not Status.ACTIVE:
                continue
            room = self._room_for(waiting.game)
            if room is None:
                full.add(waiting.game)
            else:
                self._match(room, waiting.player, now, events)
        while not self.is_full:  # else they wait until there is room
            found = self._queue.party(self.games.values())
            if found is None:
                break
            game, party = found
            room = self._open(game, party[0].player.id, now, events, is_private=False)
            for waiting in party:
                self._match(room, waiting.player, now, events)

    def _room_for(self, game: str | None) -> Room | None:
        """A room that others can be found in, the oldest first."""
        for room in self._rooms.values():
            if game in (None, room.game.name) and room.can_be_found():
                return room
        return None

    def _match(self, room: Room, player: Player, now: float, events: list[RoomEvent]) -> None:
        self._queue.leave(player.id)
        self._reserve(room, player, now)
        events.append(QueueChanged(player, room.game.name, 0, "matched", now))
        events.append(PlayerMatched(room, player, RESERVED_FOR, now))
        self._tell_queue(now, events)
        self._settle(room, now, events)

    def _unqueue(
        self, player_id: PlayerId, reason: str, now: float, events: list[RoomEvent]
    ) -> None:
        waiting = self._queue.leave(player_id)
        if waiting is not None:
            events.append(QueueChanged(waiting.player, waiting.game, 0, reason, now))
            self._tell_queue(now, events)

    def _tell_queue(self, now: float, events: list[RoomEvent]) -> None:
        events += [
            QueueChanged(waiting.player, waiting.game, rivals, None, now)
            for waiting, rivals in self._queue.take_changes()
        ]

    # What is asked for and cannot be

    def _game(self, name: str) -> AnyGame:
        game = self.games.get(name)
        if game is None:
            raise Refused("no_such_game", f"There is no game {name[:50]!r} here.")
        return game

    def _own_seat(self, room: Room, player: Player) -> int:
        number = room.seat_of(player.id)
        if number is None or not room.seats[number].is_here:
            raise Refused("not_seated", "Only for those who have a seat in this room: join it.")
        return number

    def _own_match(self, room: Room, player: Player) -> tuple[int, Match]:
        number, match = self._own_seat(room, player), room.running
        if match is None:
            raise Refused("no_match", "No match is running.")
        if not room.seats[number].is_playing:
            raise Refused("not_seated", "You are not in this match.")
        return number, match


def _count(log: deque[tuple[float, PlayerId]], player_id: PlayerId, now: float) -> int:
    """How often a player has done that in the last minute."""
    while log and log[0][0] <= now - 60.0:
        log.popleft()
    return sum(who == player_id for _, who in log)
