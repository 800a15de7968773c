"""A room's document has all that another process needs, whatever that process's clock says."""

from typing import Any

import msgspec
import pytest

from server.base.ids import PlayerId
from server.base.units import LONG_AGO, NEVER
from server.presence.session import Player
from server.rooms.document import NotRestorable, read_room, write_room
from server.rooms.limits import Limits
from server.rooms.room import Room
from tests.rooms.games import Together
from tests.rooms.world import World

KEPT = ("plays", "is_gone", "is_bot", "has_left", "wants_more", "skipped", "brb_left", "views_as")


def again(room: Room, at: float, *players: Player, now: float = 0.0) -> Room:
    """The room as another process reads it, at its instant `now`."""
    text = write_room(room, at)
    found = Room(room.id, room.game, 0.0, is_private=False, made_by=room.made_by, limits=Limits())
    known = {player.id: player for player in players}
    read_room(text, found, known, (), now)
    return found


@pytest.fixture
def world() -> World:
    return World(Together())


def table(world: World) -> Room:
    room, _ = world.match("together", *world.players(2))
    return room


def test_the_document_keeps_the_lasting_fields_of_a_seat(world: World) -> None:
    room = table(world)
    values: dict[str, Any] = dict.fromkeys(KEPT, True)
    values |= {"skipped": 2, "brb_left": 12.5, "views_as": 1}
    for name, value in values.items():
        setattr(room.seats[1], name, value)
    room.seats[1].brb_until = world.now + 40.0
    room.seats[1].resigns_at = world.now + 3.0
    room.seats[1].asked_until = world.now + 30.0
    found = again(room, world.now, now=5.0)
    seat = found.seats[1]
    assert {name: getattr(seat, name) for name in KEPT} == values
    assert (seat.brb_until, seat.resigns_at) == (45.0, 8.0)
    assert seat.asked_until == NEVER, "who asked may not be there any more"
    first = found.seats[0]
    assert (first.brb_until, first.resigns_at) == (LONG_AGO, NEVER)
    assert found.seats[2].is_free


def test_players_are_taken_from_the_registry_or_restored_as_stored(world: World) -> None:
    room = table(world)
    ada, kim = (player for _, _, player in room.taken())
    found = again(room, world.now, kim)
    assert found.seats[1].player is kim
    stored = found.seats[0].player
    assert stored is not None
    assert stored is not ada
    for name in ("id", "name", "sort_key", "guest"):
        assert getattr(stored, name) == getattr(ada, name)


def test_the_document_keeps_the_host(world: World) -> None:
    room = table(world)
    room.host = PlayerId("somebody")
    assert again(room, world.now).host == "somebody"


def test_a_state_may_hold_an_infinity(world: World) -> None:
    room = table(world)
    assert room.match is not None
    room.match.state = msgspec.structs.replace(room.match.state, ends_at=NEVER)
    match = again(room, world.now).match
    assert match is not None
    assert match.state == room.match.state


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", '{"seats": 5}', "[" * 100_000, '{"seats":[]}'],
)
def test_an_invalid_document_is_refused(world: World, text: str) -> None:
    room = Room(
        table(world).id, Together(), 0.0, is_private=False, made_by=PlayerId("p"), limits=Limits()
    )
    with pytest.raises(NotRestorable):
        read_room(text, room, {}, (), 0.0)


def test_a_match_of_more_players_than_seats_is_refused(world: World) -> None:
    room = table(world)
    text = write_room(room, world.now)
    document = msgspec.json.decode(text)
    document["match"]["players"] *= 3
    found = Room(room.id, room.game, 0.0, is_private=False, made_by=room.made_by, limits=Limits())
    with pytest.raises(NotRestorable):
        read_room(msgspec.json.encode(document).decode(), found, {}, (), 0.0)
