"""Rooms on a clock that the test moves, and short names for their events."""

from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any

import pytest

from server.base.ids import MatchId, PlayerId, RoomId, SessionId
from server.budget.budget import Budget
from server.games.catalogue import AnyGame
from server.games.game import View
from server.presence.policy import Policy
from server.presence.session import Player, Session
from server.presence.status import Reason, Status
from server.rooms.errors import CommandRefused
from server.rooms.events import (
    BotAsked,
    LineSaid,
    MatchAdvanced,
    MatchEnded,
    PlayerMatched,
    QueueChanged,
    RoomClosed,
    RoomEvent,
    RoomOpened,
)
from server.rooms.limits import Limits
from server.rooms.match import Match, Move
from server.rooms.room import Room
from server.rooms.rooms import Rooms
from server.rooms.seat import SeatState
from server.rooms.view import room_view
from tests.support.room_errors import raise_bug


class World:
    """All rooms, and all their events."""

    def __init__(
        self,
        *games: AnyGame,
        limits: Limits = Limits(),
        on_error: Callable[[Exception, Room], None] = raise_bug,
        **figures: float,
    ) -> None:
        ids = count(1)
        self.policy = Policy(**figures)  # type: ignore[arg-type]
        self.is_disk_behind = False
        self.budget = Budget(is_disk_behind=lambda: self.is_disk_behind)
        self.rooms = Rooms(
            {game.name: game for game in games},
            self.policy,
            lambda: RoomId(f"r{next(ids)}"),
            lambda: MatchId(f"m{next(ids)}"),
            lambda: f"seed {next(ids)}",
            limits,
            self.budget,
            on_error,
        )
        self.now = 1000.0
        self.heard: list[RoomEvent] = []
        self.names: dict[PlayerId, str] = {}
        self.known: dict[RoomId, Room] = {}
        self._ids = ids

    # Players

    def player(self, name: str = "Ada") -> Player:
        """A player who is signed in, with one tab."""
        player = Player(PlayerId(f"p{next(self._ids)}"), name, name.lower(), guest=True)
        player.status = Status.ACTIVE
        session = Session(
            SessionId(f"s{next(self._ids)}"), player, self.now, self.now + 1e6, remember=False
        )
        player.sessions = (session,)
        self.names[player.id] = name
        return player

    def players(self, number: int) -> list[Player]:
        names = ("Ada", "Kim", "Bo", "Eve", "Max", "Zoe")
        return [self.player(names[each % len(names)]) for each in range(number)]

    def becomes(
        self, player: Player, status: Status, reason: Reason = Reason.IDLE
    ) -> list[RoomEvent]:
        """Change a player's status, as presence does."""
        player.status = status
        return self.do(self.rooms.player_changed(player.id, player, reason, self.now))

    def touches(self, player: Player) -> list[RoomEvent]:
        """Any activity, as the service passes it on."""
        player.sessions[0].last_activity = self.now
        if player.status is not Status.ACTIVE:
            self.becomes(player, Status.ACTIVE, Reason.ACTIVITY)
        if player.id in self.rooms.awaited:
            return self.do(self.rooms.note_activity(player.id, self.now))
        return []

    def drops(self, player: Player, room: Room) -> list[RoomEvent]:
        """Lose the connection: the player is reconnecting."""
        events = self.do(self.rooms.disconnect(player.id, room.id, self.now, has_left=False))
        return events + self.becomes(player, Status.RECONNECTING, Reason.CONNECTION_LOST)

    def closes(self, player: Player, room: Room) -> list[RoomEvent]:
        """Close the page."""
        events = self.do(self.rooms.disconnect(player.id, room.id, self.now, has_left=True))
        return events + self.becomes(player, Status.RECONNECTING, Reason.LEFT)

    def returns(self, player: Player, room: Room) -> list[RoomEvent]:
        """Reconnect, and return to the room."""
        events = self.becomes(player, Status.ACTIVE, Reason.CONNECTED)
        return events + self.joins(player, room)

    # Rooms

    def room(self, game: str, *players: Player, private: bool = False) -> Room:
        """A room with these players in its seats, in order."""
        room, events = self.rooms.open(players[0], game, self.now, is_private=private)
        self.do(events)
        for player in players:
            self.joins(player, room)
        return room

    def match(self, game: str, *players: Player) -> tuple[Room, Match]:
        """A room in which a match between these players has just begun."""
        room = self.room(game, *players)
        if room.running is None:
            self.starts(players[0], room)
        assert room.running is not None
        return room, room.running

    def practice(self, player: Player, game: str, bots: int = 1, **how: Any) -> Room:
        """A room in which a match against bots has just begun."""
        room, events = self.rooms.open(player, game, self.now, bots=bots, **how)
        self.do(events)
        self.joins(player, room)
        assert room.running is not None
        return room

    def thinks(self, asked: BotAsked, **action: Any) -> list[RoomEvent]:
        """A bot has thought; without an action, it failed."""
        where = asked.room_id, asked.match_id, asked.step, asked.seat
        return self.do(self.rooms.bot_thought(*where, action or None, self.now))

    def joins(self, player: Player, room: Room, **how: Any) -> list[RoomEvent]:
        return self.do(self.rooms.join(player, room.id, self.now, **how)[1])

    def leaves(self, player: Player, room: Room) -> list[RoomEvent]:
        return self.do(self.rooms.leave(player.id, room.id, self.now))

    def starts(self, player: Player, room: Room) -> list[RoomEvent]:
        return self.do(self.rooms.start(player, room.id, self.now))

    def acts(self, player: Player, room: Room, **action: Any) -> list[RoomEvent]:
        return self.do(self.rooms.act(player, room.id, action, self.now))

    def says(self, player: Player, room: Room, text: str = "Hello") -> list[RoomEvent]:
        return self.do(self.rooms.say(player, room.id, text, self.now))

    def claims(self, player: Player, room: Room, result: str = "win") -> list[RoomEvent]:
        return self.do(self.rooms.claim(player, room.id, result, self.now))

    def asks(self, player: Player, room: Room, seat: int) -> list[RoomEvent]:
        return self.do(self.rooms.pulse(player, room.id, seat, self.now))

    def will_be_back(self, player: Player, room: Room, seconds: float) -> float:
        granted, events = self.rooms.brb(player, room.id, seconds, self.now)
        self.do(events)
        return granted

    def looks_for(self, player: Player, game: str | None = None) -> list[RoomEvent]:
        return self.do(self.rooms.quick_match(player, game, self.now)[1])

    def looks_no_longer(self, player: Player) -> list[RoomEvent]:
        return self.do(self.rooms.cancel_quick_match(player.id, self.now)[1])

    # State

    def room_of(self, player: Player) -> Room | None:
        """The room in which a player has a seat."""
        rooms = self.rooms.all.values()
        found = [room for room in rooms if room.seat_of(player.id) is not None]
        if len(found) > 1:
            found = [room for room in found if not room.is_practice]
        assert len(found) < 2, "a player has one seat, and one where they practise"
        return found[0] if found else None

    def moves(self, match: Match) -> list[Move]:
        """All published moves of a match."""
        return [
            move
            for event in self.heard
            if isinstance(event, MatchAdvanced) and event.match_id == match.id
            for move in event.moves
        ]

    # Events

    def do(self, events: Iterable[RoomEvent]) -> list[RoomEvent]:
        """Record these events, and check what is true of all events."""
        happened = list(events)
        closed = {each.room_id for each in self.heard if isinstance(each, RoomClosed)}
        self.known |= self.rooms.all
        for event in happened:
            assert event.at <= self.now
            if not isinstance(event, QueueChanged):
                assert event.room_id not in closed, "something is heard of a room that has closed"
            if isinstance(event, RoomClosed):
                closed.add(event.room_id)
        self.heard += happened
        return happened

    def until(self, instant: float) -> list[RoomEvent]:
        """Let time pass, deadline by deadline; return the events."""
        happened: list[RoomEvent] = []
        rounds = 0
        while (due := self.rooms.next_deadline()) is not None and due <= instant:
            self.now = max(due, self.now)
            happened += self.do(self.rooms.expire(self.now, limit=100))
            rounds += 1
            assert rounds < 100_000, "it never comes to rest"
        self.now = instant
        return happened

    def passes(self, seconds: float) -> list[RoomEvent]:
        return self.until(self.now + seconds)


# Events, in short


def lines(events: Sequence[RoomEvent]) -> list[str]:
    """The lines and notices of the chat."""
    said = [event.line for event in events if isinstance(event, LineSaid)]
    return [line.notice or line.text or "" for line in said]


def ended(events: Sequence[RoomEvent]) -> list[str]:
    """The ends of matches, as `reason: winners`."""
    told = [event.outcome for event in events if isinstance(event, MatchEnded)]
    return [f"{each.reason}: {list(each.winners)}" for each in told]


def closed(events: Sequence[RoomEvent]) -> list[str]:
    return [event.reason for event in events if isinstance(event, RoomClosed)]


def opened(world: World, events: Sequence[RoomEvent]) -> list[Room]:
    return [world.known[event.room_id] for event in events if isinstance(event, RoomOpened)]


def matched(world: World, events: Sequence[RoomEvent]) -> list[str]:
    return [world.names[event.player_id] for event in events if isinstance(event, PlayerMatched)]


def queued(world: World, events: Sequence[RoomEvent]) -> list[tuple[str, int, str | None]]:
    return [
        (world.names[event.player_id], event.waiting, event.reason)
        for event in events
        if isinstance(event, QueueChanged)
    ]


def advances(events: Sequence[RoomEvent]) -> int:
    return sum(isinstance(event, MatchAdvanced) for event in events)


def refused(code: str) -> Any:
    """Expect a refusal with this code."""
    return pytest.raises(CommandRefused, check=lambda refusal: refusal.code == code)


def seat_of(room: Room, player: Player) -> SeatState:
    number = room.seat_of(player.id)
    assert number is not None
    return room.seats[number]


def seen(world: World, room: Room) -> View:
    return room_view(room, world.now)


def seat_seen(world: World, room: Room, player: Player) -> View:
    number = room.seat_of(player.id)
    seat: View = seen(world, room)["seats"][str(number)]
    return seat
