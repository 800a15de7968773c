"""Events are values: JSON written by one process can be read by another."""

from typing import get_args

import msgspec
import pytest

from server.base.ids import PlayerId, SessionId
from server.presence.events import Activity, Event, StatusChanged
from server.presence.session import Player, Session
from server.presence.status import Reason, Status
from tests.presence.world import World
from tests.support.events import an_event

KINDS: tuple[type[Event], ...] = get_args(Event)
SESSION = Session(
    SessionId("s_1"), Player(PlayerId("p_1"), "Ada", "ada", guest=True), 0.0, 1e9, remember=False
)
OTHERS = {"reason": Reason.IDLE_TIMEOUT, "expires_in": 59.998}


def example(kind: type[Event]) -> Event:
    more = {name: value for name, value in OTHERS.items() if name in kind.__struct_fields__}
    return an_event(kind, SESSION, at=12.25, **more)


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_can_be_written_as_json_and_read_back(kind: type[Event]) -> None:
    event = example(kind)
    assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event


@pytest.mark.parametrize("kind", KINDS)
def test_no_field_of_an_event_is_a_live_object(kind: type[Event]) -> None:
    kinds = {field.type for field in msgspec.structs.fields(kind)}
    assert kinds <= {SessionId, PlayerId, Status, Reason, str, float, bool}


def test_an_event_names_its_type_session_and_player() -> None:
    written = msgspec.json.decode(msgspec.json.encode(example(StatusChanged)))
    assert (written["type"], written["session_id"], written["player_id"], written["name"]) == (
        "status_changed",
        "s_1",
        "p_1",
        "Ada",
    )


def test_an_activity_that_leaves_the_player_away_is_published() -> None:
    world = World(session_lifetime=1000.0, idle_timeout=600.0, away_after=120.0)
    player = world.player()
    old = world.tab(world.session(player))
    world.until(200.0)
    world.ping(old)
    other = world.tab(world.session(player))
    for instant in (300.0, 600.0, 800.0):
        world.until(instant)
        world.ping(old)
        world.ping(other)
    world.until(945.0)
    assert (old.status, other.status, player.status) == (Status.WARNED, Status.AWAY, Status.AWAY)
    assert world.ping(old) == [Activity(old.id, player.id, 945.0)]
    other_events = world.ping(other)
    assert not any(isinstance(each, Activity) for each in other_events)
    assert player.status is Status.ACTIVE
    assert world.ping(old) == [], "the player is active as it is"
