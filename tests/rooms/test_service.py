"""Commands of rooms, by id: each publishes its events, and reads the clock once."""

from collections.abc import Callable
from inspect import getmembers, isfunction

import pytest

from server.base.ids import PlayerId, RoomId, SessionId
from server.budget.budget import Budget
from server.presence.events import EventStream
from server.presence.policy import Policy
from server.presence.registry import Registry
from server.presence.service import PresenceService
from server.presence.session import Player
from server.presence.status import Reason
from server.rooms.errors import CommandRefused, GameFailed
from server.rooms.events import RoomEvent, RoomStream
from server.rooms.limits import Limits
from server.rooms.room import Room
from server.rooms.rooms import Rooms
from server.rooms.service import RoomService
from tests.rooms.games import Turns
from tests.support.manual_clock import CountingClock
from tests.support.room_errors import raise_bug


def fail(error: Exception, event: object) -> None:
    pytest.fail(f"a subscriber failed at {event!r}: {error!r}")


def is_gone(hall: "Hall") -> None:
    hall.service.disconnect(hall.ada, hall.room, has_left=False)
    hall.clock.move_to(130.0)


class Hall:
    """A service with a running match between Ada and Kim, which waits for Ada."""

    def __init__(self) -> None:
        self.clock = CountingClock(100.0)
        policy = Policy()
        self.presence = PresenceService(Registry(policy), EventStream(fail), self.clock)
        ids = iter(range(1000))
        rooms = Rooms(
            {"turns": Turns()},
            policy,
            lambda: RoomId(f"r{next(ids)}"),
            lambda: f"m{next(ids)}",  # type: ignore[arg-type, return-value]
            lambda: f"seed {next(ids)}",
            Limits(),
            Budget(),
            raise_bug,
        )
        self.heard: list[RoomEvent] = []
        stream = RoomStream(fail)
        stream.subscribe(self.heard.append)
        self.service = RoomService(rooms, stream, self.presence)
        self.ada, self.kim, self.bo = (self.sign_in(name) for name in ("Ada", "Kim", "Bo"))
        self.room = self.service.open(self.ada, "turns")
        for player in (self.ada, self.kim):
            self.service.join(player, self.room)
        self.presence.connected(SessionId("s_Ada"))

    def sign_in(self, name: str) -> PlayerId:
        player = Player(PlayerId(f"p_{name}"), name, name.lower(), guest=True)
        self.presence.sign_in(player, SessionId(f"s_{name}"))
        return player.id


def a_room(hall: Hall) -> Room:
    return Room(RoomId("r_old"), Turns(), 0.0, is_private=False, made_by=hall.ada, limits=Limits())


COMMANDS: dict[str, Callable[[Hall], object]] = {
    "open": lambda hall: hall.service.open(hall.bo, "turns"),
    "join": lambda hall: hall.service.join(hall.bo, hall.room),
    "leave": lambda hall: hall.service.leave(hall.kim, hall.room),
    "disconnect": lambda hall: hall.service.disconnect(hall.kim, hall.room, has_left=False),
    "say": lambda hall: hall.service.say(hall.kim, hall.room, "Hello"),
    "act": lambda hall: hall.service.act(hall.ada, hall.room, {}),
    "brb": lambda hall: hall.service.brb(hall.kim, hall.room, 10.0),
    "fail": lambda hall: hall.service.fail(hall.room, GameFailed("turns")),
    "quick_match": lambda hall: hall.service.quick_match(hall.bo, None),
    "cancel_quick_match": lambda hall: hall.service.cancel_quick_match(hall.bo),
    "restore": lambda hall: hall.service.restore(a_room(hall)),
    "start": lambda hall: hall.service.start(hall.ada, hall.room),
    "claim": lambda hall: hall.service.claim(hall.kim, hall.room, "win"),
    "pulse": lambda hall: hall.service.pulse(hall.kim, hall.room, 0),
    "expire": lambda hall: hall.service.expire(limit=100),
    "player_changed": lambda hall: hall.service.player_changed(hall.kim, Reason.IDLE, 100.0),
    "note_activity": lambda hall: hall.service.note_activity(hall.ada, 110.0),
}
BEFORE: dict[str, Callable[[Hall], object]] = {
    "cancel_quick_match": lambda hall: hall.service.quick_match(hall.bo, None),
    "start": lambda hall: hall.service.act(hall.ada, hall.room, {"wins": True}),
    "claim": is_gone,
    "pulse": lambda hall: hall.clock.move_to(100.0 + 10.0),
    "expire": lambda hall: hall.clock.move_to(100.0 + 60.1),
    "note_activity": lambda hall: hall.service.pulse(hall.kim, hall.room, 0, 110.0),
}
GIVEN_THE_INSTANT = {"player_changed", "note_activity"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_publishes_its_events_and_reads_the_clock_once(name: str) -> None:
    hall = Hall()
    if name in BEFORE:
        BEFORE[name](hall)
    hall.heard.clear()
    hall.clock.readings = 0
    COMMANDS[name](hall)
    assert hall.heard
    assert hall.clock.readings == (0 if name in GIVEN_THE_INSTANT else 1)


def test_every_command_is_tried() -> None:
    commands = {name for name, _ in getmembers(RoomService, isfunction) if name[0] != "_"}
    assert commands == {*COMMANDS, "check_brb", "next_deadline", "bot_thought"}


def test_a_refused_command_publishes_nothing() -> None:
    hall = Hall()
    hall.heard.clear()
    with pytest.raises(CommandRefused):
        hall.service.join(hall.bo, "r_nowhere")
    with pytest.raises(CommandRefused):
        hall.service.act(hall.kim, hall.room, {})
    with pytest.raises(CommandRefused):
        hall.service.check_brb(hall.bo, hall.room, 1.0)
    with pytest.raises(KeyError):
        hall.service.open(PlayerId("p_nobody"), "turns")
    assert hall.heard == []
