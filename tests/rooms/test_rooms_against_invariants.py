"""Rooms under random calls of players, checked against invariants at every step (Hypothesis).

The test computes by itself for whom a match waits and since when: from the moves of a match and
its game, never from the clocks of the room.
"""

import copy
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, get_args, get_type_hints

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from server.client.merge_patch import merged
from server.games.catalogue import AnyGame
from server.games.game import NEVER, AfkPolicy, Silence, View
from server.presence.session import Player
from server.presence.status import Reason, Status
from server.rooms.errors import CommandRefused
from server.rooms.events import (
    LineSaid,
    MatchAdvanced,
    MatchEnded,
    MatchStarted,
    RoomClosed,
    RoomEvent,
    RoomOpened,
    RoomUpdated,
)
from server.rooms.limits import Limits
from server.rooms.match import Match
from server.rooms.replay import replay
from server.rooms.room import Room
from server.rooms.seat import SeatState
from server.rooms.view import in_seconds, listing, patch, room_view
from server.web.listed import ListedRooms
from tests.rooms.games import Hand, Ticking, Timed, Together, Turns, variant
from tests.rooms.world import World
from tests.support.examples import examples
from tests.support.manual_clock import SLOT

LIMITS = Limits()

PLAYERS = 4
SLACK = 3 * SLOT
"""Seconds by which deadlines may be late: a slot for each of several in sequence."""

MOVE = 20.0
SHORT: dict[str, Any] = {"move_time": MOVE, "brb_budget": 40.0}
GAMES: tuple[AnyGame, ...] = (
    variant(Turns, name="forfeit", policy=AfkPolicy(**SHORT)),
    variant(Hand, name="skip", policy=AfkPolicy(**SHORT, silence=Silence.SKIP), most=3),
    variant(
        Turns,
        name="no-wait",
        policy=AfkPolicy(**SHORT, silence=Silence.SKIP, brb_waits=False, most_skips=1),
        most=3,
    ),
    variant(Turns, name="bot", policy=AfkPolicy(**SHORT, silence=Silence.BOT), most=3),
    variant(Turns, name="spectate", policy=AfkPolicy(**SHORT, silence=Silence.SPECTATE), most=3),
    variant(Turns, name="unlimited", policy=AfkPolicy(move_time=NEVER, brb_budget=40.0)),
    variant(
        Together, policy=AfkPolicy(**SHORT, silence=Silence.SKIP, brb_waits=False, most_skips=0)
    ),
    variant(Timed, policy=AfkPolicy(**SHORT, silence=Silence.SKIP, brb_waits=False)),
    variant(Ticking, policy=AfkPolicy(**SHORT, silence=Silence.BOT, brb_waits=False)),
)

HOME = "192.0.2.1/32"
"""Where two of the players are."""

WHO = st.integers(0, PLAYERS - 1)
WHERE = st.integers(0, 5)
SECONDS = st.sampled_from([0.0, 0.3, 1.0, 4.99, 5.0, 9.99, 10.0, 15.0, 19.99, 20.0, 30.0])


@dataclass
class Waited:
    """Since when a match waits for a seat, and for how long the clock was stopped meanwhile."""

    since: float
    stood: float = 0.0


@dataclass
class Watch:
    """The test's own record of a room."""

    room: Room
    view: View
    game_views: dict[int | None, View] = field(default_factory=dict)
    match: Match | None = None
    vacant_since: float = NEVER
    has_been_seen: bool = False
    moves: int = 0
    waited: dict[int, Waited] = field(default_factory=dict)
    bots: set[int] = field(default_factory=set)
    granted: dict[int, float] = field(default_factory=dict)


def is_unattended(room: Room) -> bool:
    """True if no active player is there."""
    here = [seat.player for seat in room.seats if seat.is_here and seat.is_person]
    return all(player is None or player.status is not Status.ACTIVE for player in here)


def seat_values(seat: SeatState) -> dict[str, Any]:
    return {name: getattr(seat, name) for name in SeatState.__slots__}


class RoomsMachine(RuleBasedStateMachine):
    """Random calls of four players, in any room, while time passes."""

    @initialize()
    def begin(self) -> None:
        self.world = World(*GAMES)
        self.listed = ListedRooms(self.world.rooms)
        self.listed_upto = 0
        self.players = self.world.players(PLAYERS)
        for player in self.players[:2]:
            self.world.budget.let_in(player.id, [HOME], None)
        self.watches: dict[str, Watch] = {}
        self.asked: dict[str, tuple[float, str]] = {}
        self.cut_off: dict[str, float] = {}
        self.left: dict[str, float] = {}
        self.brb: dict[str, tuple[float, float]] = {}
        self.last_seen: dict[str, float] = {}
        self.claimed: set[int] = set()

    # Choosing

    @property
    def now(self) -> float:
        return self.world.now

    def somebody(self, who: int) -> Player:
        """A player with a connection: only those send messages."""
        player = self.players[who]
        if player.status in (Status.OFFLINE, Status.RECONNECTING):
            self.brb.pop(player.id, None)
            self.becomes(player, Status.ACTIVE, Reason.CONNECTED)
        return player

    def room(self, where: int) -> Room | None:
        rooms = list(self.world.rooms.all.values())
        return rooms[where % len(rooms)] if rooms else None

    def own_room(self, player: Player, where: int) -> Room | None:
        """Usually the room of a player."""
        return (where and self.world.room_of(player)) or self.room(where)

    # Calls of players

    def attempt(self, fact: Callable[[], Iterable[RoomEvent]]) -> list[RoomEvent] | None:
        """The events of a call; None if it was refused, which must change nothing."""
        before = self.snapshot()
        try:
            events = list(fact())
        except CommandRefused:
            assert self.snapshot() == before, "a refused call changes nothing"
            return None
        self.hear(events)
        return events

    def snapshot(self) -> Any:
        rooms = self.world.rooms
        return copy.deepcopy(
            {
                "rooms": {
                    id: (
                        room_view(room, self.now),
                        room.chat.lines,
                        [
                            {
                                key: getattr(value, "id", value)
                                for key, value in seat_values(seat).items()
                            }
                            for seat in room.seats
                        ],
                        room.match and (room.match.state, room.match.step),
                        list(room.spectators),
                        room.is_changed,
                    )
                    for id, room in rooms.all.items()
                },
                "queue": list(rooms.waiting),
                "awaited": set(rooms.awaited),
                "due": rooms.next_deadline(),
            }
        )

    @rule(who=WHO, game=st.sampled_from([game.name for game in GAMES]), private=st.booleans())
    def opens(self, who: int, game: str, private: bool) -> None:
        player = self.somebody(who)
        self.attempt(lambda: self.world.rooms.open(player, game, self.now, is_private=private)[1])

    @rule(game=st.sampled_from([game.name for game in GAMES]), size=st.integers(2, PLAYERS))
    def meet(self, game: str, size: int) -> None:
        """Several players take seats at once, which would take many steps otherwise."""
        first, *others = self.players[:size]
        if self.attempt(lambda: self.world.rooms.open(first, game, self.now)[1]) is None:
            return
        room = self.world.room_of(first)
        assert room is not None
        for each in (first, *others):
            self.brb.pop(each.id, None)  # an activity ends it
            self.becomes(each, Status.ACTIVE, Reason.ACTIVITY)
            self.sits_down(each, room)
        self.attempt(lambda: self.world.rooms.start(first, room.id, self.now))

    @rule(
        who=WHO, where=WHERE, seat=st.sampled_from([None, None, 0, 1, 2, 7]), spectate=st.booleans()
    )
    def joins(self, who: int, where: int, seat: int | None, spectate: bool) -> None:
        player, room = self.somebody(who), self.room(where)
        if room is None:
            return
        self.attempt(
            lambda: self.world.rooms.join(
                player, room.id, self.now, number=seat, spectate=spectate
            )[1]
        )
        self.came(player, room)

    def sits_down(self, player: Player, room: Room) -> None:
        self.attempt(lambda: self.world.rooms.join(player, room.id, self.now)[1])
        self.came(player, room)

    def came(self, player: Player, room: Room) -> None:
        number = room.seat_of(player.id)
        if number is not None and room.seats[number].is_here:
            self.cut_off.pop(player.id, None)
            self.left.pop(player.id, None)

    @rule(who=WHO, where=WHERE)
    def leaves(self, who: int, where: int) -> None:
        player = self.somebody(who)
        room = self.own_room(player, where)
        if room is None:
            return
        if room.seat_of(player.id) is not None:
            self.left.setdefault(player.id, self.now)
            self.brb.pop(player.id, None)
        self.attempt(lambda: self.world.rooms.leave(player.id, room.id, self.now))

    @rule(who=WHO, where=WHERE, has_left=st.booleans())
    def goes(self, who: int, where: int, has_left: bool) -> None:
        player = self.players[who]
        room = self.own_room(player, where)
        if room is None:
            return
        if room.seat_of(player.id) is not None:
            self.cut_off.setdefault(player.id, self.now)
        self.attempt(
            lambda: self.world.rooms.disconnect(player.id, room.id, self.now, has_left=has_left)
        )

    @rule(who=WHO, where=WHERE)
    def starts(self, who: int, where: int) -> None:
        player = self.somebody(who)
        room = self.own_room(player, where)
        if room is not None:
            self.attempt(lambda: self.world.rooms.start(player, room.id, self.now))

    @rule(who=WHO, where=WHERE, how=st.sampled_from([{}, {}, {}, {"wins": True}, {"is_legal": 0}]))
    def acts(self, who: int, where: int, how: dict[str, Any]) -> None:
        player = self.somebody(who)
        self.act(player, self.own_room(player, where), how)

    @rule(where=WHERE, times=st.integers(1, 4))
    def those_act_who_are_waited_for(self, where: int, times: int) -> None:
        for _ in range(times):
            room = self.room(where)
            if room is None or room.running is None or not room.running.waits_for:
                return
            seat = room.seats[room.running.waits_for[0]]
            assert seat.player is not None
            if not seat.is_here:
                return
            self.act(seat.player, room, {})

    def act(self, player: Player, room: Room | None, how: dict[str, Any]) -> None:
        if room is None:
            return
        if self.attempt(lambda: self.world.rooms.act(player, room.id, how, self.now)) is not None:
            self.is_there(player)

    def is_there(self, player: Player) -> None:
        """An activity, as the service passes it on."""
        self.last_seen[player.id] = self.now
        self.brb.pop(player.id, None)
        player.sessions[0].last_activity = self.now
        if player.status is not Status.ACTIVE:
            self.becomes(player, Status.ACTIVE, Reason.ACTIVITY)
        if player.id in self.world.rooms.awaited:
            self.hear(self.world.rooms.note_activity(player.id, self.now))

    @rule(who=WHO)
    def touches(self, who: int) -> None:
        player = self.somebody(who)
        if player.id in self.brb:
            # After "be right back" they are away until the first activity, as presence has it.
            self.becomes(player, Status.AWAY, Reason.IDLE)
        self.is_there(player)

    @rule(who=WHO, where=WHERE)
    def says(self, who: int, where: int) -> None:
        player, room = self.somebody(who), self.room(where)
        if room is not None:
            self.attempt(lambda: self.world.rooms.say(player, room.id, "Hello", self.now))

    @rule(who=WHO, where=WHERE, result=st.sampled_from(["win", "draw", "all"]))
    def claims(self, who: int, where: int, result: str) -> None:
        player = self.somebody(who)
        room = self.own_room(player, where)
        if room is None:
            return
        waited = room.running.waits_for if room.running else ()
        absent = [room.seats[number].player for number in waited]
        self.claimed = set(waited)
        done = self.attempt(lambda: self.world.rooms.claim(player, room.id, result, self.now))
        self.claimed = set()
        if done is not None:
            for each in absent:
                assert each is not None
                gone_at = min(self.cut_off.get(each.id, NEVER), self.left.get(each.id, NEVER))
                least = 10.0
                assert self.now >= gone_at + least - 1e-6, "a claim before its time"

    @rule(who=WHO, where=WHERE, seat=st.integers(0, 3))
    def asks(self, who: int, where: int, seat: int) -> None:
        player = self.somebody(who)
        room = self.own_room(player, where)
        if room is None:
            return
        asked = room.seats[seat].player if seat < len(room.seats) else None
        before = self.asked.get(asked.id) if asked else None
        if self.attempt(lambda: self.world.rooms.pulse(player, room.id, seat, self.now)):
            assert asked is not None
            assert room.running is not None
            assert seat in room.running.waits_for
            match = room.running.id
            if before is not None and before[1] == match:
                assert self.now >= before[0] + 60.0, "once a minute"
            self.asked[asked.id] = (self.now, match)

    @rule(who=WHO, where=WHERE, seconds=st.sampled_from([0.0, 0.5, 1.0, 15.0, 40.0, 1e9]))
    def says_brb(self, who: int, where: int, seconds: float) -> None:
        player = self.somebody(who)
        room = self.own_room(player, where)
        if room is None:
            return
        granted = 0.0

        def fact() -> list[RoomEvent]:
            nonlocal granted
            granted, events = self.world.rooms.brb(player, room.id, seconds, self.now)
            return events

        if self.attempt(fact) is None:
            return
        assert 0 <= granted <= seconds
        self.last_seen[player.id] = self.now
        self.brb.pop(player.id, None)
        if granted:
            self.brb[player.id] = (self.now, granted)

    @rule(
        who=WHO, game=st.sampled_from([None, *(game.name for game in GAMES)]), cancel=st.booleans()
    )
    def looks(self, who: int, game: str | None, cancel: bool) -> None:
        player = self.somebody(who)
        rooms = self.world.rooms
        if cancel:
            self.attempt(lambda: rooms.cancel_quick_match(player.id, self.now)[1])
        else:
            self.attempt(lambda: rooms.quick_match(player, game, self.now)[1])

    @rule(where=WHERE, wait=st.sampled_from([4.0, 9.99, 10.0, 30.0]), draw=st.booleans())
    def drops_and_is_claimed_against(self, where: int, wait: float, draw: bool) -> None:
        waited, other = self.waited_and_other(where)
        if waited is None or other is None:
            return
        room = self.world.room_of(waited)
        assert room is not None
        self.goes(self.players.index(waited), 1, has_left=draw)
        self.presence_changes(self.players.index(waited), Status.RECONNECTING)
        self.run_until(self.now + wait)
        self.claims(self.players.index(other), 1, "draw" if draw else "win")

    @rule(where=WHERE, wait=st.sampled_from([0.0, 29.99, 30.0]))
    def is_asked(self, where: int, wait: float) -> None:
        waited, other = self.waited_and_other(where)
        if waited is None or other is None:
            return
        self.run_until(self.now + 10.0)
        room = self.world.room_of(waited)
        number = None if room is None else room.seat_of(waited.id)
        if number is not None:
            self.asks(self.players.index(other), 1, number)
            self.run_until(self.now + wait)

    def waited_and_other(self, where: int) -> tuple[Player | None, Player | None]:
        """A player for whom a match waits, and another one of that match."""
        room = self.room(where)
        if room is None or room.running is None:
            return None, None
        playing = [seat for seat in room.seats if seat.is_playing and seat.is_here]
        waited = [each.player for each in playing if each.is_waited_for]
        others = [each.player for each in reversed(playing) if each.player not in waited[:1]]
        return (waited or [None])[0], (others or [None])[0]

    # Changes of presence

    @rule(who=WHO, status=st.sampled_from(list(Status)))
    def presence_changes(self, who: int, status: Status) -> None:
        player = self.players[who]
        reasons = {
            Status.ACTIVE: Reason.CONNECTED,
            Status.AWAY: Reason.IDLE,
            Status.WARNED: Reason.WARNING,
            Status.RECONNECTING: Reason.CONNECTION_LOST,
            Status.OFFLINE: Reason.IDLE_TIMEOUT,
        }
        if status is Status.OFFLINE:
            self.cut_off.setdefault(player.id, self.now)
        if status is Status.ACTIVE:
            self.brb.pop(player.id, None)
        self.becomes(player, status, reasons[status])

    def becomes(self, player: Player, status: Status, reason: Reason) -> None:
        player.status = status
        self.hear(self.world.rooms.player_changed(player.id, player, reason, self.now))

    # Time

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.run_until(self.now + seconds)

    def run_until(self, instant: float) -> None:
        rooms = self.world.rooms
        at_once = 0
        while (due := rooms.next_deadline()) is not None and due <= instant:
            assert due > self.now - 1e-9, "a deadline that has passed never ends"
            at_once = at_once + 1 if due == self.now else 0
            assert at_once < 20, "no end of deadlines at one instant"
            self.world.now = max(due, self.now)
            self.hear(rooms.expire(self.now, limit=100))
        self.world.now = instant

    # Invariants

    def hear(self, events: Iterable[RoomEvent]) -> None:
        events = self.world.do(events)
        for event in events:
            if isinstance(event, RoomOpened):
                room = self.world.known[event.room_id]
                self.watches[room.id] = Watch(room, {})
        for watch in list(self.watches.values()):
            self.look(
                watch,
                [event for event in events if getattr(event, "room_id", None) == watch.room.id],
            )
        for event in events:
            if isinstance(event, RoomClosed):
                self.check_closed(event)
                del self.watches[event.room_id]

    def look(self, watch: Watch, events: list[RoomEvent]) -> None:
        room, match = watch.room, watch.room.match
        kinds = {type(event) for event in events}
        if match is not watch.match:
            assert MatchStarted in kinds
            assert match is not None
            watch.match, watch.moves, watch.waited = match, 0, {}
            watch.bots, watch.granted, watch.game_views = set(), {}, {}
        if match is not None:
            self.look_at_moves(watch, match)
            self.look_at_waiting(watch, match)
            self.look_at_game_views(watch, match, kinds)
            for event in events:
                if isinstance(event, MatchEnded) and event.match_id == match.id:
                    self.check_replay(match)
        if room.is_closed:
            return
        view = room_view(room, self.now)
        if view != watch.view:
            is_acted = any(
                isinstance(event, MatchAdvanced) and event.lateness is None for event in events
            )
            told = kinds & {RoomUpdated, MatchStarted} or is_acted
            assert told or RoomOpened in kinds or self.is_due(), (
                "a view that changes without an event"
            )
            if told:
                assert merged(watch.view, patch(watch.view, view)) == view
                watch.view = view
        text = msgspec.json.encode(in_seconds(view, self.now))
        assert b"null" not in text
        msgspec.json.encode(listing(room))

    def is_due(self) -> bool:
        """True if a deadline is due and only its slot has not come."""
        due = self.world.rooms.next_deadline()
        return due is not None and due < self.now + SLACK

    def look_at_moves(self, watch: Watch, match: Match) -> None:
        """Check that no player is skipped, or out, too early."""
        moves = self.world.moves(match)
        for move in moves[watch.moves :]:
            if move.event in ("away", "gone") and move.seat not in self.claimed:
                self.check_silence(watch, match, move.seat, is_gone=move.event == "gone")
            if move.event != "back":
                watch.waited.pop(move.seat, None)
        watch.moves = len(moves)
        for number, seat in enumerate(watch.room.seats[: match.size]):
            if seat.is_bot and number not in watch.bots:
                watch.bots.add(number)
                self.check_silence(watch, match, number, is_bot=True)
                watch.waited.pop(number, None)
            elif not seat.is_bot and number in watch.bots:
                watch.bots.discard(number)

    def check_silence(
        self,
        watch: Watch,
        match: Match,
        number: int,
        *,
        is_gone: bool = False,
        is_bot: bool = False,
    ) -> None:
        policy, id = match.game.policy, match.players[number][0]
        early = 1e-6
        waited = watch.waited.get(number)
        stood = self.stood(watch, match, number) if waited else 0.0
        has_run_out = waited is not None and (
            self.now >= waited.since + stood + policy.move_time - early
        )
        asked_at, asked_in = self.asked.get(id, (NEVER, ""))
        is_mute = self.last_seen.get(id, -NEVER) <= asked_at
        was_asked = asked_in == match.id and is_mute
        has_not_answered = was_asked and self.now >= asked_at + policy.pulse_time - early
        has_resigned = is_gone and self.now >= self.left.get(id, NEVER) + policy.leave_grace - early
        said_so, granted = self.brb.get(id, (NEVER, 0.0))
        is_brb = not policy.brb_waits and self.now <= said_so + granted + SLACK
        is_cut_off = is_bot and self.now >= self.cut_off.get(id, NEVER) + 1.0 - early
        assert has_run_out or has_not_answered or has_resigned or is_brb or is_cut_off, (
            f"{match.game.name}: seat {number} is out of time too early: {waited}"
        )

    def stood(self, watch: Watch, match: Match, number: int) -> float:
        """The seconds for which the clock of this seat has been stopped."""
        waited, player = watch.waited[number], watch.room.seats[number].player
        said_so, granted = self.brb.get(player.id if player else "", (NEVER, 0.0))
        running = 0.0
        if match.game.policy.brb_waits and said_so < NEVER:
            running = max(min(self.now, said_so + granted) - max(said_so, waited.since), 0.0)
        return waited.stood + running

    def look_at_waiting(self, watch: Watch, match: Match) -> None:
        room, policy = watch.room, match.game.policy
        waits = set(match.waits_for) if match.outcome is None else set()
        if match.outcome is None:
            asked_of_game = set(match.game.waits_for(match.state))
            assert waits == {each for each in asked_of_game if room.seats[each].is_playing}
        for number in list(watch.waited):
            if number not in waits or number in watch.bots:
                del watch.waited[number]
        for number in waits - watch.bots:
            watch.waited.setdefault(number, Waited(self.now))
        for number, seat in enumerate(room.seats):
            is_waited = number in waits and not seat.is_bot
            assert seat.is_waited_for is is_waited, "a clock runs where nobody is waited for"
            has_clock = is_waited and policy.move_time < NEVER
            assert (seat.move_until < NEVER) is has_clock
            assert seat.asked_until == NEVER or is_waited
            if seat.plays and match.outcome is None:
                left = max(seat.brb_until - self.now, 0.0)
                assert seat.brb_left >= -1e-6
                assert seat.brb_left + left <= policy.brb_budget + 1e-6
            if has_clock:
                bound = policy.move_time + policy.brb_budget * policy.brb_waits
                assert self.now - watch.waited[number].since <= bound + SLACK, (
                    f"{match.game.name} is stalled by seat {number}"
                )

    def look_at_game_views(self, watch: Watch, match: Match, kinds: set[type]) -> None:
        if watch.room.is_closed:
            return
        for seat in (None, *range(match.size)):
            view = match.view(seat)
            before = watch.game_views.get(seat)
            if before is not None and before != view:
                assert kinds & {MatchAdvanced, MatchStarted}, "a match that moves unheard"
                assert merged(before, patch(before, view)) == view
            watch.game_views[seat] = view
            if seat is None:
                assert view.get("cards", {}) == {}

    def check_replay(self, match: Match) -> None:
        moves = self.world.moves(match)
        states = replay(match.game, match.seed, match.size, moves, match.step)
        assert [each.state for each in states][-1] == match.state
        assert [each.step for each in moves] == sorted({each.step for each in moves})

    def check_closed(self, event: RoomClosed) -> None:
        room = self.world.known[event.room_id]
        assert event.reason in ("empty", "idle"), event
        assert room.match is None or (
            room.match.outcome is not None and room.match.is_end_published
        )
        assert room.slot is None
        ended = [
            each.match_id
            for each in self.world.heard
            if isinstance(each, MatchEnded) and each.room_id == room.id
        ]
        begun = [
            each.match_id
            for each in self.world.heard
            if isinstance(each, MatchStarted) and each.room_id == room.id
        ]
        assert sorted(ended) == sorted(begun), "every match that begins ends, and ends once"

    @invariant()
    def rooms_are_held_by_who_sits_there_and_close_when_nobody_does(self) -> None:
        if not hasattr(self, "world"):
            return
        rooms = self.world.rooms
        holdings = rooms._tables.holdings
        guests = {player.id for player in self.players[:2]}
        of_guests = 0
        for room in rooms.all.values():
            watch = self.watches[room.id]
            sitting = {seat.player.id for seat in room.seats if seat.player and seat.is_person}
            of_guests += bool(sitting & guests)
            assert all(room in holdings.of(each) for each in sitting)
            if sitting:
                watch.vacant_since = NEVER
                watch.has_been_seen |= any(seat.is_here for seat in room.seats)
                continue
            if watch.vacant_since == NEVER:
                watch.vacant_since = self.now
            kept = LIMITS.empty_after if watch.has_been_seen or not room.is_matched else 0.0
            assert self.now <= watch.vacant_since + kept + SLACK or self.is_due()
        assert of_guests <= holdings.of_crowd(f"guests {HOME}") <= len(rooms.all)

    @invariant()
    def everybody_sits_once(self) -> None:
        if not hasattr(self, "world"):
            return
        rooms = self.world.rooms
        seats: dict[str, str] = {}
        for room in rooms.all.values():
            assert not room.is_changed, "there is something to tell, and nobody is told"
            for _, _, player in room.taken():
                assert player.id not in seats, "a player has one seat"
                seats[player.id] = room.id
            assert room.host is None or room.host in [each.id for _, _, each in room.taken()]
            assert (room.host is None) is (room.free == len(room.seats))
        for id, waiting in rooms.waiting.items():
            assert id not in seats
            assert waiting.player.status is not Status.OFFLINE
        for id in rooms.awaited:
            assert id in seats
        due = rooms.next_deadline()
        assert due is None or due > self.now - SLACK
        ids = [each.line.id for each in self.world.heard if isinstance(each, LineSaid)]
        assert all(id > 0 for id in ids)

    @invariant()
    def rooms_are_listed_as_they_are(self) -> None:
        if not hasattr(self, "world"):
            return
        rooms = self.world.rooms
        for event in self.world.heard[self.listed_upto :]:
            if isinstance(event, get_args(get_type_hints(self.listed.hear)["event"])):
                self.listed.hear(event)
        self.listed_upto = len(self.world.heard)
        for name, is_open in itertools.product(("", "bot"), (False, True)):
            found = [
                room
                for room in reversed([*rooms.all.values()])
                if not room.is_private
                and name in ("", room.game.name)
                and (not is_open or (room.state != "playing" and room.free))
            ]
            page, total = self.listed.page(name, 2, is_open=is_open)
            assert total == len(found)
            assert [msgspec.json.decode(each) for each in page] == [
                listing(room) for room in found if room in sorted(found, key=is_unattended)[:2]
            ]

    def teardown(self) -> None:
        """All players disconnect or watch only: every room closes by itself, and nothing is
        left."""
        if not hasattr(self, "world"):
            return
        rooms = self.world.rooms
        watcher = self.world.player("Watcher")
        for room in list(rooms.all.values()):
            self.hear(rooms.join(watcher, room.id, self.now, spectate=True)[1])
        for player in self.players:
            self.cut_off.setdefault(player.id, self.now)
            for room in list(rooms.all.values()):
                if room.seat_of(player.id) is not None:
                    self.hear(rooms.disconnect(player.id, room.id, self.now, has_left=False))
            self.becomes(player, Status.AWAY, Reason.IDLE)
        most = LIMITS.reserved_for + max(
            LIMITS.deserted_after, LIMITS.empty_after, LIMITS.idle_after
        )
        self.run_until(self.now + most + LIMITS.deserted_after + LIMITS.empty_after)
        assert not rooms.all
        assert rooms.next_deadline() is None
        assert not rooms.awaited
        holdings = rooms._tables.holdings
        assert holdings.of_crowd(f"guests {HOME}") == 0
        assert [holdings.of(player.id) for player in self.players] == [[]] * PLAYERS


TestRooms = RoomsMachine.TestCase
TestRooms.settings = settings(max_examples=examples(30), stateful_step_count=50)
