"""Events of rooms are values: JSON written by one process can be read by another."""

from typing import Any, get_args

import msgspec
import pytest

from server.base.ids import MatchId, PlayerId, RoomId
from server.games.game import Level, Outcome
from server.rooms.chat import Line
from server.rooms.events import (
    CloseReason,
    MatchEnded,
    MatchStarted,
    QueueReason,
    RoomClosed,
    RoomEvent,
)
from server.rooms.match import Move
from tests.rooms.games import Turns, variant
from tests.rooms.test_failures import buggy
from tests.rooms.world import World

KINDS: tuple[type[RoomEvent], ...] = get_args(RoomEvent)

VALUES: set[Any] = {Level, RoomId, MatchId, PlayerId, Line, Outcome, str, int, float, bool}
VALUES |= {str | None, int | None, float | None, PlayerId | None, CloseReason, QueueReason | None}
VALUES |= {tuple[Move, ...], tuple[tuple[PlayerId, str], ...]}


@pytest.fixture(scope="module")
def heard() -> list[RoomEvent]:
    """Events of every kind, in order."""
    game = variant(type(buggy("act")), starts_when_full=True)
    deep = variant(Turns, name="deep", levels=("normal",), thinking=1.0)
    world = World(Turns(), game, deep)
    ada, kim, bo = world.players(3)
    world.looks_for(bo, "turns")
    world.looks_no_longer(bo)
    world.looks_for(ada, "turns")
    world.looks_for(kim, "turns")
    max_ = world.player("Max")
    world.acts(max_, world.practice(max_, "deep"))
    room = world.room_of(ada)
    assert room is not None
    world.joins(ada, room)
    world.joins(kim, room)
    world.says(ada, room)
    world.passes(10)
    world.asks(kim, room, 0)
    world.acts(ada, room)
    world.acts(kim, room, wins=True)
    other, _ = world.match("buggy", bo, world.player("Eve"))
    game.is_armed = True
    world.acts(bo, other)
    return world.heard


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_can_be_written_as_json_and_read_back(
    kind: type[RoomEvent], heard: list[RoomEvent]
) -> None:
    events = [event for event in heard if type(event) is kind]
    assert events
    for event in events:
        written = msgspec.json.encode(event)
        assert msgspec.json.decode(written, type=RoomEvent) == event


@pytest.mark.parametrize("kind", KINDS)
def test_no_field_of_an_event_is_a_live_object(kind: type[RoomEvent]) -> None:
    assert {field.type for field in msgspec.structs.fields(kind)} <= VALUES


def test_the_seed_is_in_no_event_before_the_end_of_the_match(
    heard: list[RoomEvent],
) -> None:
    assert "seed" not in MatchStarted.__struct_fields__
    (ended, _) = [event for event in heard if isinstance(event, MatchEnded)]
    before = heard[: heard.index(ended)]
    assert ended.seed.encode() not in msgspec.json.encode(before)


def test_a_failed_room_closes_with_the_error_of_the_game(heard: list[RoomEvent]) -> None:
    (closed,) = [event for event in heard if isinstance(event, RoomClosed)]
    assert (closed.reason, closed.error) == ("failed", "Bug: act")
