"""A topic against watchers that apply its messages, with random events in any order."""

import asyncio
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.base.rates import Rate
from server.realtime.connection import Connection
from server.realtime.limits import Limits
from server.realtime.topics.wholes import Purse
from tests.realtime.topics.test_topic import COST, LIMITS, Numbers, Watcher
from tests.support.examples import examples
from tests.support.wire import run_on, virtual_loop

CROWD = 80
"""Watchers with the same key, so many that their fan-out is interrupted."""

_LITTLE = Rate(200.0, 100)

TIGHT = msgspec.structs.replace(
    LIMITS, wholes=_LITTLE, wholes_of_seat=_LITTLE, spectating=_LITTLE, charged_at=20
)
"""Allowances of messages, which are of some eight bytes, that are soon spent: all watchers are of
one player."""

_read = re.compile(r"(\d+): (\+?)(\d+) (\w)").fullmatch

Deed: TypeAlias = tuple[str, int]


class Views(Numbers):
    """Numbers with snapshots only for keys whose changes were taken, as of a room."""

    def __init__(self, time: Callable[[], float], *args: Any) -> None:
        super().__init__(time, *args)
        self.keys: Collection[str] = ()

    def repair(self, connection: Connection) -> None:
        self.owe(connection)

    def take(self, now: float, keys: Collection[str]) -> list[Mapping[str, str]]:
        self.keys = keys
        return super().take(now, keys)

    def whole(self, key: str) -> str:
        assert key in self.keys
        return super().whole(key)


class Paid(Views):
    """Those whose changes are paid for by all but the first, as of a room. A snapshot that had to
    wait is sent at once."""

    charges_changes = True

    def purse_of(self, connection: Connection) -> Purse:
        is_first = cast(Watcher, connection).key != self.key
        return self._wholes.seats if is_first else self._wholes.rooms

    def resume(self, connection: Connection) -> None:
        if self.is_owed(connection) and cast(Watcher, connection).key in self._keys:
            Numbers.repair(self, connection)
        else:
            super().resume(connection)


class Mirror(Watcher):
    """A watcher that applies its messages, as a client does."""

    def __init__(self, scene: "Scene") -> None:
        super().__init__("a", scene.spend)
        self.version: int | None = None
        self.total = 0
        self.last_key = ""
        self.has_asked = False
        """True while its request is answered: the answer waits for the peer as other messages
        do."""

    def send(self, text: str) -> None:
        assert not self.is_behind or self.has_asked, "it takes nothing at the moment"
        super().send(text)
        message = _read(text)
        assert message is not None
        version, is_change, number, key = message.groups()
        if is_change:
            assert self.version is not None, "a change before any whole"
            assert int(version) == self.version + 1, "a gap that no whole has closed"
            assert key == self.last_key, "a change of what others see"
            self.total += int(number)
        else:
            assert int(version) >= (self.version or 0), "a whole of the past"
            self.total = int(number)
        self.version, self.last_key = int(version), key


class Scene:
    """A topic, on a loop with virtual time, which sending takes up as well."""

    def __init__(self, kind: type[Numbers], limits: Limits, crowd: int) -> None:
        self.spent = 0.0
        self.loop = asyncio.get_running_loop()
        self.topic = kind(lambda: self.loop.time() + self.spent, limits)
        self.mirrors = [Mirror(self) for _ in range(crowd + 8 - min(crowd, 4))]
        for each in self.mirrors[:crowd]:
            self.topic.watch(each.connection)

    def spend(self) -> None:
        self.spent += COST

    def does_watch(self, mirror: Mirror) -> bool:
        return mirror.connection in self.topic.watchers

    def catch_up(self, mirror: Mirror) -> None:
        """The peer has read all messages, and reads on."""
        was_behind, mirror.is_behind = mirror.is_behind, False
        mirror.falls_behind_after = 1_000_000
        if was_behind and self.does_watch(mirror):
            self.topic.caught_up(mirror.connection)

    async def quiet(self) -> None:
        """Wait until all is sent; the watchers that keep up have the present state."""
        await asyncio.sleep(10 * LIMITS.slowest_pace)  # virtual time
        for mirror in self.mirrors:
            if self.does_watch(mirror) and not mirror.is_behind:
                had = (mirror.version, mirror.total, mirror.last_key)
                assert had == (self.topic.version, self.topic.total, mirror.key)

    async def do(self, what: str, which: int) -> None:
        mirror, topic = self.mirrors[-1 - which], self.topic
        match what:
            case "watch":
                mirror.has_asked = True
                topic.watch(mirror.connection)
                mirror.has_asked = False
            case "forget":
                topic.forget(mirror.connection, None)
                mirror.version = None
            case "change":
                topic.add(*range(1, which + 2))
            case "flood":
                for number in range(20):
                    topic.add(number)
                    await asyncio.sleep(0)
            case "whole":
                topic.without = {"ab"[which % 2]} if which < 4 else set()
            case "key":  # as by taking a seat, which comes with a change
                mirror.key = "b" if mirror.key == "a" else "a"
                topic.add(1)
            case "behind":
                mirror.is_behind = True
            case "soon behind":
                mirror.falls_behind_after = which + 1
            case "catch up":
                self.catch_up(mirror)
            case "turn":
                await asyncio.sleep(0)
            case "time":
                await asyncio.sleep(0.04 * (which + 1))
            case _:
                await self.quiet()


DEEDS = [
    "watch", "forget", "change", "flood", "whole", "key", "behind", "soon behind", "catch up",
    "turn", "time", "quiet",
]  # fmt: skip


@pytest.mark.parametrize("limits", [LIMITS, TIGHT])
@pytest.mark.parametrize("kind", [Numbers, Views, Paid])
@settings(max_examples=examples(50))
@given(
    crowd=st.sampled_from([0, CROWD]),
    deeds=st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 7)), max_size=40),
)
def test_the_state_a_watcher_builds_equals_the_topic(
    kind: type[Numbers], limits: Limits, crowd: int, deeds: list[Deed]
) -> None:
    async def play() -> None:
        scene = Scene(kind, limits, crowd)
        for what, which in deeds:
            await scene.do(what, which)
        for mirror in scene.mirrors:
            scene.catch_up(mirror)
        await scene.quiet()

    with virtual_loop() as loop:
        run_on(loop, play())
