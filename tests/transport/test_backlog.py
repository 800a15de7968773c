"""What one turn of the loop parses is bounded, however much arrived, and from how many."""

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from server.transport.backlog import Backlog
from server.transport.by_call import Socket
from server.transport.limits import Limits
from tests.simulation.virtual import VirtualLoop
from tests.support.frames import TEXT, client_frame
from tests.support.wire import OURS, Wire, run_on, settled, virtual_loop

LIMITS = Limits()
COST = 0.0001
"""Seconds for handling one message."""


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    with virtual_loop() as loop:
        yield loop


class Crowd:
    """Peers whose messages take time, and a record of which were heard in which turn."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._backlog = Backlog(LIMITS, loop)
        self.heard: list[tuple[int, str]] = []
        self.turns: list[float] = []
        """The seconds that each turn of the loop took."""

    async def peer(self, number: int) -> Wire:
        crowd = self

        class Hearer:
            def hear(self, data: str | bytes) -> None:
                crowd.heard.append((number, str(data)))
                crowd._loop.stand_still(COST)

            def hear_fragment(self) -> None: ...

            def gone(self, code: int) -> None: ...

        def take(scope: dict[str, Any], socket: Socket) -> bool:
            socket.accept(None)
            socket.listen(Hearer())
            return True

        wire = Wire(partial(OURS, limits=LIMITS, backlog=self._backlog), _nobody, take=take)
        await wire.upgrade()
        return wire

    async def heard_all(self, count: int) -> None:
        """Wait turn by turn until so many messages were heard."""
        while len(self.heard) < count:
            began = self._loop.time()
            await asyncio.sleep(0)
            self.turns.append(self._loop.time() - began)


async def _nobody(*_: Any) -> None: ...


def messages(count: int) -> list[bytes]:
    return [b"".join(client_frame(TEXT, b"%d" % number) for number in range(count))]


def test_bursts_of_many_peers_are_handled_in_slices(loop: VirtualLoop) -> None:
    async def play() -> None:
        crowd = Crowd(loop)
        peers = [await crowd.peer(number) for number in range(300)]
        for peer in peers:
            peer.transport.say(messages(99))
        await crowd.heard_all(300 * 99)
        portion = LIMITS.frames_at_once * COST
        first, *others = crowd.turns
        assert first <= 2 * LIMITS.slice + 2 * portion, "the first portions of all came together"
        assert max(others) <= LIMITS.slice + 2 * portion
        for number in range(300):
            assert [data for who, data in crowd.heard if who == number] == [
                str(each) for each in range(99)
            ]

    run_on(loop, play())


def test_a_single_message_does_not_wait_for_the_bursts_of_others(loop: VirtualLoop) -> None:
    async def play() -> None:
        crowd = Crowd(loop)
        peers = [await crowd.peer(number) for number in range(300)]
        for peer in peers[1:]:
            peer.transport.say(messages(99))
        await crowd.heard_all(2000)
        heard = len(crowd.heard)
        peers[0].transport.say(messages(1))
        await crowd.heard_all(299 * 99 + 1)
        before = (crowd.heard.index((0, "0")) - heard) * COST
        assert before <= 2 * (LIMITS.slice + LIMITS.frames_at_once * COST)

    run_on(loop, play())


def test_each_peer_gets_a_portion_in_turn(loop: VirtualLoop) -> None:
    async def play() -> None:
        crowd = Crowd(loop)
        few, many = await crowd.peer(1), await crowd.peer(2)
        many.transport.say(messages(100))
        few.transport.say(messages(10))
        await settled()
        last = crowd.heard.index((1, "9"))
        assert last <= 20 + 2 * LIMITS.frames_at_once, "it waited for as many as it sent"

    run_on(loop, play())


def test_peers_that_go_while_they_wait_stop_no_other(loop: VirtualLoop) -> None:
    async def play() -> None:
        crowd = Crowd(loop)
        peers = [await crowd.peer(number) for number in range(3)]
        for peer in peers:
            peer.transport.say(messages(50))
        await crowd.heard_all(1)
        peers[0].transport.lose()
        peers[1].transport.say([b""])
        await settled()
        assert [data for who, data in crowd.heard if who == 2] == [str(each) for each in range(50)]
        assert not crowd._backlog._waiting

    run_on(loop, play())


class Counted(bytes):
    """Counts the bytes that are copied out of it."""

    copied = 0

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        if isinstance(found, bytes):
            Counted.copied += len(found)
            return Counted(found)
        return found


def test_what_waits_is_not_copied_at_each_portion(loop: VirtualLoop) -> None:
    async def play() -> None:
        crowd = Crowd(loop)
        peer = await crowd.peer(1)
        data = Counted(messages(5_000)[0])
        Counted.copied = 0
        peer.transport.say([data])
        await crowd.heard_all(5_000)
        assert len(data) / 4 < Counted.copied <= len(data)

    run_on(loop, play())
