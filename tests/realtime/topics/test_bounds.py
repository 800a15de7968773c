"""What watchers are sent is bounded, whoever causes it, and is the truth in the end. On a loop with
virtual time, with true rooms."""

import asyncio
import json
import random
from collections.abc import Coroutine, Iterator
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from server.base.rates import Quota, Rate
from server.games.snake_arena import SnakeArena
from server.presence.session import Player
from server.realtime.connection import Connection
from server.realtime.limits import Limits
from server.realtime.topics.room import RoomTopics
from server.realtime.topics.room_list import RoomListTopic
from server.realtime.topics.topic import Common, Topic
from server.rooms.limits import Limits as RoomLimits
from server.rooms.room import Room
from server.rooms.view import listing, room_view
from tests.rooms.games import Together
from tests.rooms.world import World
from tests.simulation.virtual import VirtualLoop
from tests.support.manual_clock import ManualClock
from tests.support.wire import run_on, settled, virtual_loop

FREE = RoomLimits(comings=Quota(10_000_000, 60))
"""As of so many players that none of them comes too often."""

WHO = "\N{CJK UNIFIED IDEOGRAPH-4E2D}" * 40
"""A name of the most bytes."""


class Tab:
    """A connection that applies nothing, and keeps when it was sent what; fails at a gap."""

    def __init__(self, player: Player, networks: tuple[str, ...] = ()) -> None:
        self.session = SimpleNamespace(player=player)
        self.networks = networks
        self.topics: tuple[Topic[Any], ...] = ()
        self.is_behind = False
        self.unpaid = 0
        self.log: list[tuple[float, dict[str, Any], int]] = []
        self.version: dict[str, int] = {}

    def send(self, text: str) -> None:
        message = json.loads(text)
        topic, version = message["topic"], message["version"]
        if message["type"] not in ("rooms", "room"):
            assert version == self.version[topic] + 1, "a gap"
        self.version[topic] = version
        self.log.append((asyncio.get_running_loop().time(), message, len(text.encode())))

    @property
    def connection(self) -> Connection:
        return cast(Connection, self)

    @property
    def bytes(self) -> int:
        return sum(size for _, _, size in self.log)

    def most_within(self, seconds: float) -> int:
        """The most bytes in any stretch of so many seconds, without the first snapshot."""
        log = self.log[1:]
        return max(
            sum(size for at, _, size in log if began <= at < began + seconds) for began, _, _ in log
        )

    def listed(self) -> dict[str, Any]:
        """The list, as a page has it."""
        rooms: dict[str, Any] = {}
        for _, message, _ in self.log:
            if message["type"] == "rooms":
                rooms = {each["id"]: each for each in message["rooms"]}
                continue
            for id in message["closed"]:
                del rooms[id]
            rooms |= {each["id"]: each for each in (*message["opened"], *message["changed"])}
        return rooms


class Scene:
    """Rooms, and the topics about them."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.world = World(Together(), SnakeArena(), limits=FREE)
        self.use(Limits())

    def use(self, limits: Limits) -> None:
        self.common = common = Common(self.loop.time, limits)
        clock = ManualClock()
        clock.now = lambda: self.world.now  # type: ignore[method-assign]
        self.list = RoomListTopic(common, self.world.rooms)
        self.topics = RoomTopics(common, clock, lambda *_: None, lambda *_: None)

    def tell(self) -> None:
        """Publish what happened."""
        heard, self.world.heard = self.world.heard, []
        for event in heard:
            self.list.hear(event)  # type: ignore[arg-type]
            self.topics.hear(event)  # type: ignore[arg-type]

    async def passes(self, seconds: float) -> None:
        self.world.passes(seconds)
        self.tell()
        await asyncio.sleep(seconds)

    def watcher(self, room: Room | None = None, player: Player | None = None, at: str = "") -> Tab:
        tab = Tab(player or self.world.player(), (at,) if at else ())
        if room is None:
            self.list.watch(tab.connection)
        else:
            self.topics.watch(tab.connection, room)
        return tab

    def run(self, play: Coroutine[Any, Any, None]) -> None:
        run_on(self.loop, play)
        self.topics.close()
        self.list.close()
        self.common.close()


@pytest.fixture
def scene() -> Iterator[Scene]:
    with virtual_loop() as loop:
        yield Scene(loop)


# The list


def true_list(scene: Scene) -> dict[str, Any]:
    return {
        room.id: json.loads(json.dumps(listing(room))) for room in scene.world.rooms.all.values()
    }


@pytest.mark.parametrize("watchers", [1, 40])
@pytest.mark.parametrize("kind", ["spectators", "seats"])
def test_changes_of_the_list_have_a_rate_and_the_rest_follows(
    scene: Scene, kind: str, watchers: int
) -> None:
    async def play() -> None:
        scene.use(Limits(list_changes=3000, list_changes_in_all=30_000))
        rate = min(3000, 30_000 / watchers)
        world = scene.world
        rooms = [world.room("together", world.player(WHO)) for _ in range(40)]
        hoppers = [world.player(WHO) for _ in rooms]
        scene.tell()
        await settled(300 * 40 / rate)
        tabs = [scene.watcher() for _ in range(watchers)]
        await settled(2)
        dice = random.Random(kind)
        for _ in range(60):
            for hopper, room in zip(hoppers, rooms, strict=True):
                if dice.random() < 0.5:
                    world.joins(hopper, room, spectate=kind == "spectators")
                else:
                    world.leaves(hopper, room)
            scene.tell()
            await asyncio.sleep(0.25)
        burst, one = 2 * rate, 700  # seconds, and a listing with what is around it
        for tab in tabs[:2]:
            assert tab.most_within(10) <= burst + 10 * rate + 15 * 100 + one
            last = [message["changed"] for _, message, _ in tab.log if "changed" in message][-10:]
            assert len({each["id"] for told in last for each in told}) > 10, "all have their turn"
        await settled(5 + 400 * 40 / rate)
        assert tabs[0].listed() == tabs[-1].listed() == true_list(scene)

    scene.run(play())


def test_numbers_of_spectators_alone_are_told_together_and_all_else_at_once(scene: Scene) -> None:
    async def play() -> None:
        world, limits = scene.world, Limits()
        ada, kim, eve = world.players(3)
        rooms = [world.room("together", ada), world.room("together", kim)]
        scene.tell()
        await settled(5)
        tab = scene.watcher()
        world.joins(eve, rooms[0], spectate=True)
        scene.tell()
        await settled(limits.room_list_pace + 0.01)
        assert tab.listed()[rooms[0].id]["spectators"] == 1, "the first at once"
        told = len(tab.log)
        for turn in range(16):
            for room in rooms:
                (world.leaves if turn % 2 == 0 else world.joins)(
                    eve, room, **({} if turn % 2 == 0 else {"spectate": True})
                )
            scene.tell()
            await asyncio.sleep(0.1)
        assert len(tab.log) == told, "and others not before a while is over"
        world.joins(world.player("Max"), rooms[1])
        scene.tell()
        await settled(limits.room_list_pace + 0.01)
        assert [len(tab.listed()[room.id]["players"]) for room in rooms] == [1, 2]
        await settled(limits.spectators_pace)
        assert tab.listed() == true_list(scene)

    scene.run(play())


def test_a_room_that_opens_in_a_flood_is_told_in_its_turn(scene: Scene) -> None:
    async def play() -> None:
        scene.use(Limits(list_changes=3000))
        world = scene.world
        rooms = [world.room("together", world.player(WHO)) for _ in range(40)]
        scene.tell()
        await settled(10)
        tab, hopper = scene.watcher(), world.player(WHO)
        honest: Room | None = None
        for turn in range(40):
            for room in rooms:
                (world.leaves if turn % 2 else world.joins)(hopper, room)
            if turn == 20:
                honest = world.room("together", world.player("Ada"))
            scene.tell()
            await asyncio.sleep(0.25)
            if honest is not None and honest.id in tab.listed():
                break
        assert honest is not None
        assert turn <= 20 + 4 * (40 * 700 / 3000), "before those that change again meanwhile"
        await settled(20)

    scene.run(play())


# A room


def told_of(tab: Tab, type: str = "room_changed") -> list[dict[str, Any]]:
    return [message for _, message, _ in tab.log if message["type"] == type]


def test_spectators_who_come_and_go_do_not_flood_those_who_sit(scene: Scene) -> None:
    async def play() -> None:
        world, rate = scene.world, Limits().room_changes
        ada, kim = world.players(2)
        room = world.room("together", ada)
        scene.tell()
        tab = scene.watcher(room, ada)
        await settled()
        crowd = [world.player() for _ in range(20)]
        for turn in range(100):
            for each in crowd:
                (world.leaves if turn % 2 else world.joins)(
                    each, room, **({} if turn % 2 else {"spectate": True})
                )
                scene.tell()
                await asyncio.sleep(0.005)
        seconds = 100 * 20 * 0.005
        told = len(told_of(tab))
        assert rate.burst <= told <= rate.burst + seconds * rate.per_second + 1
        world.says(kim, room) if kim.id in room.spectators else world.says(ada, room)
        scene.tell()
        await settled(0.0001)
        assert len(told_of(tab, "said")) == 1, "a line waits for nothing"
        await settled(1)
        assert told_of(tab)[-1]["room"] == {"spectators": room_view(room, world.now)["spectators"]}

    scene.run(play())


def arena(scene: Scene, players: list[Player]) -> Room:
    room, _ = scene.world.match("snake-arena", *players)
    scene.tell()
    return room


SPENT = Limits(spectating=Rate(300, 1500), spectating_of_address=Rate(3000, 4000), charged_at=1)


def right(tab: Tab, room: Room, topics: RoomTopics) -> bool:
    """Whether the tab has all versions."""
    return tab.version["room:" + room.id] == topics._topics[room.id].version


async def plays(scene: Scene, seconds: float) -> None:
    """Turn and tick."""
    for _ in range(round(seconds * 10)):
        await scene.passes(0.1)


def test_who_watches_too_much_is_sent_it_more_rarely_and_who_sits_all_of_it(scene: Scene) -> None:
    async def play() -> None:
        scene.use(SPENT)
        world = scene.world
        ada, kim, eve = world.players(3)
        room = arena(scene, [ada, kim])
        seated, watcher = scene.watcher(room, ada), scene.watcher(room, eve)
        await plays(scene, 30)
        assert len(told_of(seated)) > 10 * 20
        times = [at for at, message, _ in seated.log if message["type"] == "room_changed"]
        assert max(after - before for before, after in pairwise(times)) < 0.6
        largest = max(size for _, _, size in watcher.log)
        assert watcher.most_within(10) <= 1500 + 10 * 300 + largest
        assert len(told_of(watcher, "room")) > 3, "and again all of it"
        world.leaves(ada, room)  # nothing ticks for long after that
        for _ in range(40):
            await scene.passes(1)
        assert room.running is None
        assert right(seated, room, scene.topics)
        assert right(watcher, room, scene.topics)

    scene.run(play())


def test_all_guests_of_an_address_have_one_allowance_and_an_equal_part_of_it(scene: Scene) -> None:
    async def play() -> None:
        scene.use(msgspec.structs.replace(SPENT, spectating=Rate(100_000, 100_000)))
        world = scene.world
        room = arena(scene, world.players(2))
        greedy = world.player("Max")
        guests = [scene.watcher(room, at="192.0.2.1") for _ in range(8)]
        guests += [scene.watcher(room, greedy, at="192.0.2.1") for _ in range(8)]
        member = world.player("Eve")
        member.guest = False
        registered = scene.watcher(room, member, at="192.0.2.1")
        elsewhere = scene.watcher(room, at="192.0.2.2")
        own = scene.watcher(room)
        await plays(scene, 40)
        largest = max(size for tab in guests for _, _, size in tab.log)
        in_all = sum(tab.bytes for tab in guests)
        assert 40 * 3000 / 2 < in_all <= 4000 + 40 * 3000 + largest
        honest = [tab.bytes for tab in guests[:8]]
        assert min(honest) > in_all / 9 / 2, "each player the same, with however many tabs"
        for tab in (registered, elsewhere, own):
            assert len(told_of(tab, "room")) <= 2
            assert tab.bytes > 2 * max(honest)

    scene.run(play())


def test_ones_own_board_waits_neither_for_lists_nor_for_other_boards(scene: Scene) -> None:
    async def play() -> None:
        scene.use(Limits(wholes=Rate(1, 1), spectating=Rate(1, 1), wholes_of_address=Rate(1, 1)))
        world = scene.world
        ada, kim, *others = world.players(4)
        room, other = world.room("together", ada, kim), world.room("together", *others)
        scene.tell()
        for _ in range(2):  # the second has to wait
            scene.watcher(None, ada, at="192.0.2.1")
            scene.watcher(other, ada, at="192.0.2.1")
            await settled()
        assert len(scene.common.wholes._waiting) == 2
        own = [scene.watcher(room, ada, at="192.0.2.1") for _ in range(3)]
        await settled()
        assert [len(tab.log) for tab in own] == [1, 1, 1]

    scene.run(play())


def test_who_takes_a_seat_while_waiting_waits_no_longer(scene: Scene) -> None:
    async def play() -> None:
        scene.use(Limits(spectating=Rate(1, 1)))
        world = scene.world
        ada, eve = world.players(2)
        room = world.room("together", ada)
        world.joins(eve, room, spectate=True)
        scene.tell()
        tabs = [scene.watcher(room, eve)]
        await settled()
        tabs.append(scene.watcher(room, eve))
        await settled()
        assert [len(tab.log) for tab in tabs] == [1, 0]
        world.joins(eve, room)
        scene.tell()
        scene.topics.watch(tabs[1].connection, room)
        await settled()
        assert tabs[1].log[-1][1]["seat"] == 1
        assert not scene.common.wholes._waiting

    scene.run(play())
