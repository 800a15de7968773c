"""`stillhere.d.ts` declares the keys of rooms, games and matches that the server sends."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import pytest

from server.base.clock import Clock
from server.client.merge_patch import with_instants
from server.games.game import AfkPolicy, Outcome, Silence
from server.presence.status import Reason, Status
from server.realtime.limits import Limits
from server.realtime.topics.room import RoomTopics
from server.realtime.topics.topic import Common
from server.rooms.room import Room
from server.rooms.view import in_seconds, listing, room_view
from server.web.routes.matches import FinishedMatch, MatchWithMoves, PlayedMove
from server.web.routes.players import HistoryEntry
from server.web.routes.rooms import GameAbout, RoomListing, RoomPlayer
from server.web.routes.sessions import OwnSession
from server.wire.views import PlayerView, SessionClocks, SignInPolicy
from tests.rooms.games import Table, Together, Turns, variant
from tests.rooms.test_robots import Arena
from tests.rooms.world import World
from tests.static.test_types import declared
from tests.support.manual_clock import ManualClock

pytestmark = pytest.mark.browser  # for the compiler, which is installed with the browsers


def declared_keys(name: str) -> set[str]:
    """The members of an interface, or of a member with an inline type (`Seat.absent`)."""
    of_types = declared()["nested"] if "." in name else declared()["members"]
    return set(of_types[name])


# Messages from structs


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("Player", [PlayerView]),
        ("Session", [SessionClocks]),
        ("Policy", [SignInPolicy]),
        ("OwnSession", [OwnSession]),
        ("Change", [HistoryEntry]),
        ("Named", [RoomPlayer]),
        ("Listing", [RoomListing]),
        ("GameAbout", [GameAbout]),
        ("AfkPolicy", [AfkPolicy]),
        ("Played", [FinishedMatch, MatchWithMoves]),
        ("Move", [PlayedMove]),
    ],
)
def test_an_interface_has_the_fields_that_are_sent(
    name: str, kinds: list[type[msgspec.Struct]]
) -> None:
    fields = {field.encode_name for kind in kinds for field in msgspec.structs.fields(kind)}
    # For players of the roster, the page replaces it by `awaySince`; `match` follows each `next`.
    assert declared_keys(name) == fields - {"idle_for", "next"}


# Messages from dictionaries


class Scored(Turns):
    """Turns with points, for two or three players. A second silence costs the seat."""

    name = "scored"
    most = 3
    starts_when_full = False
    policy = AfkPolicy(silence=Silence.SKIP, move_time=10.0, most_skips=1)

    def outcome(self, state: Table) -> Outcome | None:
        outcome = super().outcome(state)
        if outcome is None:
            return None
        return msgspec.structs.replace(outcome, scores=(1.0,) * state.seats)


class Watcher:
    """Collects the keys of messages by the interface that declares them."""

    def __init__(self, world: World) -> None:
        self.keys: dict[str, set[str]] = defaultdict(set)
        self._world = world
        clock: Clock = ManualClock()
        common = Common(lambda: 0.0, Limits())
        self._topics = RoomTopics(common, clock, lambda *_: None, lambda *_: None)

    def look(self, room: Room) -> None:
        """Collect the keys of the room, its entry in the list, and its chat."""
        now = self._world.now
        info = with_instants(in_seconds(room_view(room, now), now), now)
        self._note("RoomInfo", [info])
        seats = info["seats"].values()
        self._note("Seat", seats)
        for inner in ("player", "absent", "asked"):
            self._note(f"Seat.{inner}", [seat[inner] for seat in seats if inner in seat])
        matches = [info["match"]] if "match" in info else []
        self._note("Match", matches)
        self._note("Outcome", [match["outcome"] for match in matches if "outcome" in match])
        self._note("Named", [player for match in matches for player in match["players"]])
        self._note("Listing", [listing(room)])
        self._note("Line", [self._topics.line_view(line) for line in room.chat.lines])

    def _note(self, name: str, found: Iterable[Mapping[str, Any]]) -> None:
        for each in found:
            self.keys[name] |= set(each)


def all_that_happens() -> dict[str, set[str]]:
    """The keys of rooms in every visible state."""
    with_bots = AfkPolicy(silence=Silence.BOT, move_time=10.0)
    game = Arena()
    world = World(Turns(), Scored(), variant(Together, policy=with_bots), game)
    watcher = Watcher(world)

    ada, kim = world.players(2)
    room, events = world.rooms.open(ada, "turns", world.now)
    world.do(events)
    watcher.look(room)  # a seat is reserved
    world.joins(ada, room)
    world.joins(kim, room)
    world.says(kim, room)
    world.will_be_back(kim, room, 10)
    watcher.look(room)  # be right back
    world.passes(11)
    world.asks(kim, room, 0)
    watcher.look(room)  # a pulse check
    world.becomes(kim, Status.WARNED, Reason.WARNING)
    watcher.look(room)  # about to be signed out
    world.drops(ada, room)
    world.passes(6)
    watcher.look(room)  # absent
    world.returns(ada, room)
    world.leaves(ada, room)
    watcher.look(room)  # about to resign
    world.passes(20)
    world.leaves(kim, room)
    watcher.look(room)  # over by a resignation, and without an open match

    three = world.players(3)
    room = world.room("scored", *three)
    watcher.look(room)  # starts soon
    world.starts(three[0], room)
    world.passes(10.1)
    watcher.look(room)  # skipped
    world.passes(30)
    watcher.look(room)  # out of the match
    assert room.running is not None
    (turn,) = room.running.waits_for
    world.acts(three[turn], room, wins=True)
    world.starts(three[2], room)
    watcher.look(room)  # over, with points, and a wish for the next match

    two = world.players(2)
    room = world.room("together", *two)
    world.starts(two[0], room)
    world.passes(11)
    watcher.look(room)  # a bot plays for somebody

    room = world.practice(world.player(), "arena")
    watcher.look(room)  # against a bot
    game.dead = 1
    watcher.look(room)  # only the bot plays on
    return watcher.keys


def test_objects_about_rooms_have_the_declared_keys() -> None:
    seen = all_that_happens()
    assert seen == {name: declared_keys(name) for name in seen}
    assert len(seen) == 10
